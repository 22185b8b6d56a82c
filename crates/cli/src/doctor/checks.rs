//! The checks: what the facts mean, and how to fix what does not work.

use super::facts::{Capability, Facts};
use super::inside::{NamespaceMethod, OffloadSupport};
use super::json::CheckName;
use super::managers::Networkd;
use super::{CheckOutcome, Finding};
use crate::advice::quoted;
use crate::error_message::ErrorMessage;

/// Runs all checks, required ones first.
pub(super) fn check_all(facts: &Facts) -> Vec<Finding> {
    vec![
        node(facts),
        namespace(facts),
        tap(facts),
        net_admin(facts),
        net_raw(facts),
        io_uring(facts),
        offloads(facts),
        feature(facts, CheckName::VirtioHeader, |features| features.virtio_header),
        feature(facts, CheckName::MultiQueue, |features| features.multi_queue),
        network_manager(facts),
        networkd(facts),
        ipv6(facts),
        neighbors(facts),
        processors(facts),
    ]
}

impl Finding {
    fn new(check: CheckName, outcome: CheckOutcome, why: impl Into<String>) -> Finding {
        Finding { check, outcome, needed: false, why: why.into(), hint: None }
    }

    fn ok(check: CheckName, why: impl Into<String>) -> Finding {
        Finding::new(check, CheckOutcome::Ok, why)
    }

    fn warn(check: CheckName, why: impl Into<String>) -> Finding {
        Finding::new(check, CheckOutcome::Warn, why)
    }

    fn skip(check: CheckName, why: impl Into<String>) -> Finding {
        Finding::new(check, CheckOutcome::Skip, why)
    }

    /// Returns the finding of an error message. A hint without a command is added to the reason, because a fix is a command.
    fn refused(check: CheckName, outcome: CheckOutcome, message: &ErrorMessage) -> Finding {
        let hint = message.first_command().map(str::to_owned);
        let why = match message.hints().next() {
            Some(advice) if hint.is_none() => format!("{}; {advice}", message.text()),
            _ => message.text().to_owned(),
        };
        Finding { hint, ..Finding::new(check, outcome, why) }
    }

    fn needed(self) -> Finding {
        Finding { needed: true, ..self }
    }

    fn with_hint(self, command: impl Into<String>) -> Finding {
        Finding { hint: Some(command.into()), ..self }
    }
}

fn node(facts: &Facts) -> Finding {
    match &facts.node {
        Ok(_) => Finding::ok(CheckName::DevNetTun, "opens for reading and writing"),
        Err(message) => Finding::refused(CheckName::DevNetTun, CheckOutcome::Fail, message),
    }
    .needed()
}

fn namespace(facts: &Facts) -> Finding {
    let check = CheckName::Namespaces;
    match facts.inside.as_ref().map(|inside| &inside.namespace) {
        Ok(Ok(NamespaceMethod::Privilege)) => {
            Finding::ok(check, "network namespaces can be created, with CAP_SYS_ADMIN")
        }
        Ok(Ok(NamespaceMethod::UserNamespace)) => {
            Finding::ok(check, "network namespaces can be created, in a user namespace")
        }
        // With CAP_NET_ADMIN a host can use a TAP outside a namespace. `lab` and the tests need the namespace.
        Ok(Err(message)) if facts.capabilities.is_some_and(|held| held.net_admin == Capability::Held) => {
            Finding::refused(check, CheckOutcome::Warn, message)
        }
        Ok(Err(message)) => Finding::refused(check, CheckOutcome::Fail, message),
        Err(message) => Finding::skip(check, message),
    }
    .needed()
}

fn tap(facts: &Facts) -> Finding {
    let check = CheckName::Tap;
    match facts.inside.as_ref().map(|inside| &inside.tap) {
        Ok(Some(Ok(()))) => Finding::ok(check, "can be created and brought up in a network namespace"),
        // The fix of /dev/net/tun comes first.
        Ok(Some(Err(_))) if facts.node.is_err() => Finding::skip(check, NEEDS_NODE),
        Ok(Some(Err(message))) => Finding::refused(check, CheckOutcome::Fail, message),
        Ok(None) => Finding::skip(check, "needs a network namespace"),
        Err(message) => Finding::skip(check, message),
    }
    .needed()
}

/// The reason of checks that are skipped without `/dev/net/tun`.
const NEEDS_NODE: &str = "needs /dev/net/tun";

fn net_admin(facts: &Facts) -> Finding {
    let check = CheckName::CapNetAdmin;
    match facts.capabilities.map(|capabilities| capabilities.net_admin) {
        None => Finding::skip(check, "not readable from /proc/self/status"),
        Some(Capability::Held) => Finding::ok(check, "held: TAPs can be created outside a namespace"),
        Some(Capability::Gainable) => {
            Finding::warn(check, "not held: root must create the TAP once, outside a namespace").with_hint(
                format!("sudo {} tap create tap0 --address 10.0.0.1/24 --user {}", facts.program, facts.user),
            )
        }
        Some(Capability::OutOfBounds) => Finding::warn(
            check,
            "not held and not in the bounding set: no TAP can be created outside a namespace; in a container, use `docker run --cap-add NET_ADMIN`",
        ),
    }
}

fn net_raw(facts: &Facts) -> Finding {
    let check = CheckName::CapNetRaw;
    match facts.capabilities.map(|capabilities| capabilities.net_raw) {
        None => Finding::skip(check, "not readable from /proc/self/status"),
        Some(Capability::Held) => Finding::ok(check, "held: -I can use real interfaces"),
        Some(Capability::Gainable) => Finding::warn(
            check,
            "not held: -I needs root; the fix allows every local user to send raw frames with this program",
        )
        .with_hint(format!("sudo setcap cap_net_raw+ep {}", facts.program)),
        // No hint: a file with this capability could not be executed.
        Some(Capability::OutOfBounds) => Finding::warn(
            check,
            "not held and not in the bounding set: -I cannot be used; in a container, use `docker run --cap-add NET_RAW`",
        ),
    }
}

fn io_uring(facts: &Facts) -> Finding {
    let check = CheckName::IoUring;
    let Ok(Some(ring)) = facts.inside.as_ref().map(|inside| &inside.ring) else {
        return Finding::skip(check, "needs a TAP");
    };
    let Err(message) = ring else {
        return Finding::ok(check, "available for TAPs");
    };
    match facts.io_uring_disabled {
        Some(value @ 1..) => Finding::warn(
            check,
            // There is no hint: the speed of one program does not justify a change of the whole machine.
            format!(
                "disabled (kernel.io_uring_disabled = {value}): one system call per frame with `--io auto`, slower under load"
            ),
        ),
        _ => Finding::warn(
            check,
            format!("{}: one system call per frame with `--io auto`, slower under load", message.text()),
        ),
    }
}

fn offloads(facts: &Facts) -> Finding {
    let check = CheckName::Offloads;
    match facts.inside.as_ref().map(|inside| &inside.offloads) {
        Ok(Some(Ok(OffloadSupport::TcpAndUdp))) => Finding::ok(
            check,
            "available for TAPs: several TCP segments per frame, and several sent UDP datagrams per system call",
        ),
        Ok(Some(Ok(OffloadSupport::Tcp))) => Finding::warn(
            check,
            "only for TCP, because this kernel is older than 6.2: one system call per UDP datagram, slower under load",
        ),
        Ok(Some(Err(message))) => Finding::refused(check, CheckOutcome::Warn, message),
        _ => Finding::skip(check, "needs a TAP"),
    }
}

fn feature(facts: &Facts, check: CheckName, has: fn(tap::linux::Features) -> bool) -> Finding {
    match facts.node {
        Ok(features) if has(features) => Finding::ok(check, "supported by the kernel's tun driver"),
        Ok(_) => Finding::warn(check, "not supported by the kernel's tun driver; tapstack works without it"),
        Err(_) => Finding::skip(check, NEEDS_NODE),
    }
}

fn network_manager(facts: &Facts) -> Finding {
    let check = CheckName::NetworkManager;
    match facts.managers.network_manager_ignores_taps {
        None => Finding::ok(check, "not running"),
        Some(true) => Finding::ok(check, "running, ignores TAPs"),
        Some(false) => Finding::warn(check, "running, may configure a TAP when it comes up").with_hint(
            "printf '[device-tapstack]\\nmatch-device=interface-name:tap*\\nmanaged=0\\n' | sudo tee /etc/NetworkManager/conf.d/90-tapstack.conf && sudo systemctl reload NetworkManager",
        ),
    }
}

fn networkd(facts: &Facts) -> Finding {
    let check = CheckName::SystemdNetworkd;
    match &facts.managers.networkd {
        Networkd::Absent => Finding::ok(check, "not running"),
        Networkd::IgnoresTaps => Finding::ok(check, "running, ignores TAPs"),
        Networkd::ManagesTaps(path) => {
            Finding::warn(check, format!("running, configures every TAP according to {}", path.display())).with_hint(
                "printf '[Match]\\nName=tap*\\n[Link]\\nUnmanaged=yes\\n' | sudo tee /etc/systemd/network/00-tapstack.network && sudo networkctl reload",
            )
        }
    }
}

fn ipv6(facts: &Facts) -> Finding {
    let check = CheckName::Ipv6;
    match facts.ipv6 {
        None => Finding::ok(check, "not supported by this kernel"),
        Some(false) => Finding::ok(check, "disabled on new interfaces"),
        Some(true) => {
            let why = "enabled: the kernel sends IPv6 frames on a new TAP, which tapstack drops and counts; `lab` disables it";
            // Disabled on this TAP only.
            let off = |name| format!("sudo sysctl net/ipv6/conf/{name}/disable_ipv6=1");
            let hint = facts.taps_with_ipv6.first().map(|name| off(quoted(name.as_str())));
            Finding { hint, ..Finding::warn(check, why) }
        }
    }
}

/// The kernel's default.
const DEFAULT_MAX_NEIGHBORS: u64 = 1_024;

fn neighbors(facts: &Facts) -> Finding {
    let check = CheckName::ArpCache;
    match facts.max_neighbors {
        None => Finding::skip(check, "net.ipv4.neigh.default.gc_thresh3 is not readable in this namespace"),
        Some(max) if max > DEFAULT_MAX_NEIGHBORS => {
            Finding::ok(check, format!("the kernel caches up to {max} neighbors"))
        }
        // Only larger --hosts ranges need more.
        Some(max) => Finding::ok(
            check,
            format!(
                "the kernel caches up to {max} neighbors; for more --hosts, raise net.ipv4.neigh.default.gc_thresh3"
            ),
        ),
    }
}

fn processors(facts: &Facts) -> Finding {
    let check = CheckName::Processors;
    match facts.processors {
        None => Finding::skip(check, "number of processors unknown"),
        Some(1) => Finding::warn(check, "1: --busy-poll is 0 by default, because polling delays the sender"),
        Some(count) => Finding::ok(check, format!("{count}: --busy-poll can use one of them")),
    }
}
