//! The checks: what the facts mean, and hints how to fix what does not work.

use super::facts::{Capability, Facts};
use super::inside::NamespaceMethod;
use super::managers::Networkd;
use super::{CheckOutcome, Finding};
use crate::advice::quoted;

/// Runs all checks, the needed ones first.
pub(super) fn check_all(facts: &Facts) -> Vec<Finding> {
    vec![
        node(facts),
        namespace(facts),
        tap(facts),
        net_admin(facts),
        net_raw(facts),
        io_uring(facts),
        feature(facts, "virtio header", |features| features.virtio_header),
        feature(facts, "multi-queue", |features| features.multi_queue),
        network_manager(facts),
        networkd(facts),
        ipv6(facts),
        neighbors(facts),
        processors(facts),
    ]
}

impl Finding {
    fn new(check: &'static str, outcome: CheckOutcome, why: impl Into<String>) -> Finding {
        Finding { check, outcome, needed: false, why: why.into(), hint: None }
    }

    fn ok(check: &'static str, why: impl Into<String>) -> Finding {
        Finding::new(check, CheckOutcome::Ok, why)
    }

    fn warn(check: &'static str, why: impl Into<String>) -> Finding {
        Finding::new(check, CheckOutcome::Warn, why)
    }

    fn skip(check: &'static str, why: impl Into<String>) -> Finding {
        Finding::new(check, CheckOutcome::Skip, why)
    }

    /// Returns the finding of an error message that may end with a command.
    fn refused(check: &'static str, outcome: CheckOutcome, message: &str) -> Finding {
        let (why, hint) = split_hint(message);
        Finding { hint, ..Finding::new(check, outcome, why) }
    }

    fn needed(self) -> Finding {
        Finding { needed: true, ..self }
    }

    fn with_hint(self, command: impl Into<String>) -> Finding {
        Finding { hint: Some(command.into()), ..self }
    }
}

/// Splits a message from the command at its end, if it has one.
pub(super) fn split_hint(message: &str) -> (&str, Option<String>) {
    match message.strip_suffix('`').and_then(|rest| rest.rsplit_once("; `")) {
        // A command with a part to fill in cannot be pasted: it stays in the message.
        Some((_, hint)) if hint.ends_with("...") => (message, None),
        Some((why, hint)) => (why, Some(hint.to_owned())),
        None => (message, None),
    }
}

fn node(facts: &Facts) -> Finding {
    match &facts.node {
        Ok(_) => Finding::ok("node", "/dev/net/tun is there and opens"),
        Err(message) => Finding::refused("node", CheckOutcome::Bad, message),
    }
    .needed()
}

fn namespace(facts: &Facts) -> Finding {
    let check = "namespaces";
    match facts.inside.as_ref().map(|inside| &inside.namespace) {
        Ok(Ok(NamespaceMethod::Privilege)) => {
            Finding::ok(check, "a network namespace can be made, by privilege")
        }
        Ok(Ok(NamespaceMethod::UserNamespace)) => Finding::ok(
            check,
            "a network namespace can be made, in a user namespace that holds its privileges",
        ),
        // With CAP_NET_ADMIN a host runs on a TAP outside, though neither `lab` nor the tests do.
        Ok(Err(message)) if facts.capabilities.is_some_and(|held| held.net_admin == Capability::Held) => {
            Finding::refused(check, CheckOutcome::Warn, message)
        }
        Ok(Err(message)) => Finding::refused(check, CheckOutcome::Bad, message),
        Err(message) => Finding::skip(check, message),
    }
    .needed()
}

fn tap(facts: &Facts) -> Finding {
    let check = "tap";
    match facts.inside.as_ref().map(|inside| &inside.tap) {
        Ok(Some(Ok(()))) => Finding::ok(check, "a TAP can be made inside and brought up"),
        // The hint for the node comes first.
        Ok(Some(Err(_))) if facts.node.is_err() => Finding::skip(check, "it takes the node"),
        Ok(Some(Err(message))) => Finding::refused(check, CheckOutcome::Bad, message),
        Ok(None) => Finding::skip(check, "it takes a namespace"),
        Err(message) => Finding::skip(check, message),
    }
    .needed()
}

fn net_admin(facts: &Facts) -> Finding {
    let check = "CAP_NET_ADMIN";
    match facts.capabilities.map(|capabilities| capabilities.net_admin) {
        None => Finding::skip(check, "/proc/self/status does not tell"),
        Some(Capability::Held) => Finding::ok(check, "held: TAPs can be made outside"),
        Some(Capability::Gainable) => {
            Finding::warn(check, "not held: a TAP outside a namespace must be made for you, once").with_hint(
                format!("sudo {} tap create tap0 --address 10.0.0.1/24 --user {}", facts.program, facts.user),
            )
        }
        Some(Capability::OutOfBounds) => Finding::warn(
            check,
            "not held, and outside of the bounding set: no TAP can be made outside a namespace; a container gets it by `docker run --cap-add NET_ADMIN`",
        ),
    }
}

fn net_raw(facts: &Facts) -> Finding {
    let check = "CAP_NET_RAW";
    match facts.capabilities.map(|capabilities| capabilities.net_raw) {
        None => Finding::skip(check, "/proc/self/status does not tell"),
        Some(Capability::Held) => Finding::ok(check, "held: real interfaces can be used"),
        Some(Capability::Gainable) => Finding::warn(
            check,
            "not held: real interfaces take `sudo`, TAPs do not; with the capability on the program's file every local user could send raw frames",
        )
        .with_hint(format!("sudo setcap cap_net_raw+ep {}", facts.program)),
        // A file with this capability could not be executed.
        Some(Capability::OutOfBounds) => Finding::warn(
            check,
            "not held, and outside of the bounding set: no real interface can be used; a container gets it by `docker run --cap-add NET_RAW`",
        ),
    }
}

fn io_uring(facts: &Facts) -> Finding {
    let check = "io_uring";
    let Ok(Some(ring)) = facts.inside.as_ref().map(|inside| &inside.ring) else {
        return Finding::skip(check, "it takes a TAP");
    };
    let Err(message) = ring else {
        return Finding::ok(check, "it carries a TAP's frames, by reads that do not wait");
    };
    match facts.io_uring_disabled {
        Some(value @ 1..) => Finding::warn(
            check,
            // The speed of one program is no reason to advise a machine-wide change.
            format!(
                "switched off (kernel.io_uring_disabled is {value}): frames are carried one a call, slower under load"
            ),
        ),
        _ => Finding::warn(check, format!("frames are carried one a call: {}", split_hint(message).0)),
    }
}

fn feature(facts: &Facts, check: &'static str, has: fn(tap::linux::Features) -> bool) -> Finding {
    match facts.node {
        Ok(features) if has(features) => Finding::ok(check, "the kernel's tun driver has it"),
        Ok(_) => Finding::warn(check, "the kernel's tun driver has none; TAPs of one queue work without"),
        Err(_) => Finding::skip(check, "it takes the node"),
    }
}

fn network_manager(facts: &Facts) -> Finding {
    let check = "NetworkManager";
    match facts.managers.network_manager_ignores_taps {
        None => Finding::ok(check, "it does not run here"),
        Some(true) => Finding::ok(check, "it runs, and is told to let TAPs be"),
        Some(false) => Finding::warn(check, "it runs, and may set up a TAP that comes up").with_hint(
            "printf '[device-tapstack]\\nmatch-device=interface-name:tap*\\nmanaged=0\\n' | sudo tee /etc/NetworkManager/conf.d/90-tapstack.conf && sudo systemctl reload NetworkManager",
        ),
    }
}

fn networkd(facts: &Facts) -> Finding {
    let check = "systemd-networkd";
    match &facts.managers.networkd {
        Networkd::Absent => Finding::ok(check, "it does not run here"),
        Networkd::IgnoresTaps => Finding::ok(check, "it runs, and none of its files sets up a TAP"),
        Networkd::ManagesTaps(path) => {
            Finding::warn(check, format!("it runs, and sets up every TAP by {}", path.display())).with_hint(
                "printf '[Match]\\nName=tap*\\n[Link]\\nUnmanaged=yes\\n' | sudo tee /etc/systemd/network/00-tapstack.network && sudo networkctl reload",
            )
        }
    }
}

fn ipv6(facts: &Facts) -> Finding {
    let check = "IPv6";
    match facts.ipv6 {
        None => Finding::ok(check, "this kernel has none: a TAP carries nothing of it unasked"),
        Some(false) => Finding::ok(check, "off for new interfaces: a TAP carries nothing of it unasked"),
        Some(true) => {
            let why = "on: the kernel sends frames of its own over a new TAP, which are counted and dropped; `lab` has it off";
            // Off for this TAP, and for no other interface.
            let off = |name| format!("sudo sysctl net/ipv6/conf/{name}/disable_ipv6=1");
            let hint = facts.taps_with_ipv6.first().map(|name| off(quoted(name.as_str())));
            Finding { hint, ..Finding::warn(check, why) }
        }
    }
}

/// The kernel's default.
const DEFAULT_MAX_NEIGHBORS: u64 = 1_024;

fn neighbors(facts: &Facts) -> Finding {
    let check = "neighbours";
    match facts.most_neighbors {
        None => Finding::skip(check, "net.ipv4.neigh.default.gc_thresh3 cannot be read in this namespace"),
        Some(most) if most > DEFAULT_MAX_NEIGHBORS => {
            Finding::ok(check, format!("the kernel keeps {most} at most"))
        }
        // Only larger --hosts ranges need more.
        Some(most) => Finding::ok(
            check,
            format!(
                "the kernel keeps {most} at most; to reach more hosts of --hosts, raise net.ipv4.neigh.default.gc_thresh3"
            ),
        ),
    }
}

fn processors(facts: &Facts) -> Finding {
    let check = "processors";
    match facts.processors {
        None => Finding::skip(check, "the system does not tell how many there are"),
        Some(1) => {
            Finding::warn(check, "one: --busy-poll would take it from whoever sends, and is 0 by default")
        }
        Some(count) => Finding::ok(check, format!("{count}: --busy-poll has one to keep busy")),
    }
}
