use std::collections::BTreeMap;
use std::path::PathBuf;

use super::facts::{Capabilities, Capability};
use super::inside::{NamespaceMethod, NamespaceReport, OffloadSupport};
use super::managers::{InterfaceManagers, Networkd, ignores_taps, manages_taps, matches_glob};
use super::*;
use crate::clock::Moment;
use crate::error_message::ErrorMessage;
use tap::linux::Features;

/// Returns the facts of a machine on which everything works.
fn working_facts() -> Facts {
    Facts {
        node: Ok(Features { virtio_header: true, multi_queue: true }),
        capabilities: Some(Capabilities { net_admin: Capability::Held, net_raw: Capability::Held }),
        inside: Ok(NamespaceReport {
            namespace: Ok(NamespaceMethod::Privilege),
            tap: Some(Ok(())),
            ring: Some(Ok(())),
            offloads: Some(Ok(OffloadSupport::TcpAndUdp)),
        }),
        io_uring_disabled: Some(0),
        managers: InterfaceManagers::default(),
        ipv6: Some(false),
        taps_with_ipv6: vec![],
        max_neighbors: Some(131_072),
        processors: Some(2),
        program: "/bin/tapstack".to_owned(),
        user: "alice".to_owned(),
    }
}

/// Returns the findings that are not `ok`, and the exit code, after this change to a working machine.
fn findings_after(change: impl FnOnce(&mut Facts)) -> (Vec<Finding>, u8) {
    let mut facts = working_facts();
    change(&mut facts);
    let findings = check_all(&facts);
    let code = exit_code(&findings);
    (findings.into_iter().filter(|finding| finding.outcome != CheckOutcome::Ok).collect(), code)
}

/// Returns check, outcome and hint of the only finding that is not `ok`, and the exit code.
fn only_finding(change: impl FnOnce(&mut Facts)) -> (&'static str, CheckOutcome, Option<String>, u8) {
    let (findings, code) = findings_after(change);
    let [finding] = <[Finding; 1]>::try_from(findings).unwrap();
    (finding.check.text(), finding.outcome, finding.hint, code)
}

#[test]
fn doctor_gives_no_hints_when_everything_works() {
    assert_eq!(findings_after(|_| ()), (vec![], 0));
    assert!(check_all(&working_facts()).iter().all(|finding| finding.hint.is_none()));
}

#[test]
fn unopenable_node_fails_and_skips_dependent_checks() {
    let fix = "sudo chmod 0666 /dev/net/tun";
    let message =
        ErrorMessage::new("cannot open /dev/net/tun: Permission denied").hint_command("allow access", fix);
    let (findings, code) = findings_after(|facts| {
        facts.node = Err(message.clone());
        facts.inside = Ok(NamespaceReport {
            namespace: Ok(NamespaceMethod::UserNamespace),
            tap: Some(Err(message)),
            ring: None,
            offloads: None,
        });
    });
    assert_eq!(code, 1);
    let ends: Vec<_> = findings.iter().map(|finding| (finding.check.text(), finding.outcome)).collect();
    let skipped = ["TAP", "io_uring", "offloads", "virtio header", "multi-queue"]
        .map(|check| (check, CheckOutcome::Skip));
    assert_eq!(ends, [&[("/dev/net/tun", CheckOutcome::Fail)], &skipped[..]].concat());
    assert_eq!(findings[0].hint.as_deref(), Some(fix));
    assert_eq!(findings[0].why, "cannot open /dev/net/tun: Permission denied");
}

#[test]
fn refused_namespace_fails_without_net_admin_and_warns_with_it() {
    let hint = "sudo sysctl kernel.unprivileged_userns_clone=1";
    let refused = |facts: &mut Facts| {
        let message =
            ErrorMessage::new("cannot create a network namespace: not permitted").hint_command("allow", hint);
        facts.inside = Ok(NamespaceReport { namespace: Err(message), tap: None, ring: None, offloads: None });
    };
    let (findings, code) = findings_after(|facts| {
        refused(facts);
        facts.capabilities =
            Some(Capabilities { net_admin: Capability::Gainable, net_raw: Capability::Held });
    });
    assert_eq!((findings[0].outcome, findings[0].hint.as_deref(), code), (CheckOutcome::Fail, Some(hint), 1));
    // With CAP_NET_ADMIN a TAP can be created outside, but no TAP was created.
    let (findings, code) = findings_after(refused);
    assert_eq!((findings[0].outcome, findings[1].outcome, code), (CheckOutcome::Warn, CheckOutcome::Skip, 2));
}

#[test]
fn refused_tap_fails_and_missing_child_report_is_skipped() {
    let (findings, code) = findings_after(|facts| {
        let refused = Err("cannot attach to the TAP: no".into());
        facts.inside = Ok(NamespaceReport {
            namespace: Ok(NamespaceMethod::Privilege),
            tap: Some(refused),
            ring: None,
            offloads: None,
        });
    });
    assert_eq!((findings[0].check.text(), findings[0].outcome, code), ("TAP", CheckOutcome::Fail, 1));
    let (findings, code) =
        findings_after(|facts| facts.inside = Err("cannot start a child process".to_owned()));
    assert!(findings.iter().all(|finding| finding.outcome == CheckOutcome::Skip));
    assert_eq!((findings.len(), code), (4, 2));
}

#[test]
fn missing_capability_warns_and_hints_command() {
    use Capability::{Gainable, Held};
    let without = |net_admin, net_raw| {
        only_finding(move |facts| facts.capabilities = Some(Capabilities { net_admin, net_raw }))
    };
    let create = "sudo /bin/tapstack tap create tap0 --address 10.0.0.1/24 --user alice".to_owned();
    assert_eq!(without(Gainable, Held), ("CAP_NET_ADMIN", CheckOutcome::Warn, Some(create), 0));
    let set = "sudo setcap cap_net_raw+ep /bin/tapstack".to_owned();
    assert_eq!(without(Held, Gainable), ("CAP_NET_RAW", CheckOutcome::Warn, Some(set), 0));
    let (findings, _) = findings_after(|facts| {
        facts.capabilities = Some(Capabilities { net_admin: Held, net_raw: Gainable });
    });
    assert!(findings[0].why.contains("every local user to send raw frames"), "{}", findings[0].why);
}

#[test]
fn missing_capability_gives_no_hint_outside_bounding_set() {
    let (findings, code) = findings_after(|facts| {
        let none = Capability::OutOfBounds;
        facts.capabilities = Some(Capabilities { net_admin: none, net_raw: none });
    });
    assert_eq!((findings.len(), code), (2, 0));
    for finding in findings {
        assert_eq!((finding.outcome, &finding.hint), (CheckOutcome::Warn, &None), "{}", finding.why);
        assert!(
            finding.why.contains("bounding set") && finding.why.contains("--cap-add NET_"),
            "{}",
            finding.why
        );
    }
}

#[test]
fn capabilities_are_parsed_from_effective_and_bounding_sets() {
    use Capability::{Gainable, Held, OutOfBounds};
    let status =
        "Name:\tx\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000002000\nCapBnd:\t000001ffffffffff\n";
    assert_eq!(Capabilities::of(status), Some(Capabilities { net_admin: Gainable, net_raw: Held }));
    let status = "CapEff:\t0000000000001000\nCapBnd:\t0000000000001000\n";
    assert_eq!(Capabilities::of(status), Some(Capabilities { net_admin: Held, net_raw: OutOfBounds }));
    assert_eq!(Capabilities::of("CapPrm:\t0000000000001000\n"), None);
}

#[test]
fn missing_offloads_warn_without_hint() {
    let with = |offloads| {
        let (findings, code) = findings_after(|facts| {
            if let Ok(inside) = &mut facts.inside {
                inside.offloads = Some(offloads);
            }
        });
        let [finding] = <[Finding; 1]>::try_from(findings).unwrap();
        assert_eq!((finding.check.text(), finding.outcome, code), ("offloads", CheckOutcome::Warn, 0));
        assert_eq!(finding.hint, None, "{}", finding.why);
        finding.why
    };
    let udp = with(Ok(OffloadSupport::Tcp));
    assert!(udp.starts_with("only for TCP, because this kernel is older than 6.2"), "{udp}");
    let message = ErrorMessage::new("cannot use offloads: EINVAL").hint("use `--io read-write`");
    assert_eq!(with(Err(message)), "cannot use offloads: EINVAL; use `--io read-write`");
}

#[test]
fn refused_io_uring_gives_no_machine_wide_hint() {
    let refused = |disabled| {
        only_finding(move |facts| {
            let message = ErrorMessage::new("cannot use io_uring: EPERM").hint("use `--io read-write`");
            if let Ok(inside) = &mut facts.inside {
                inside.ring = Some(Err(message));
            }
            facts.io_uring_disabled = disabled;
        })
    };
    assert_eq!(refused(Some(2)), ("io_uring", CheckOutcome::Warn, None, 0));
    assert_eq!(refused(Some(0)), ("io_uring", CheckOutcome::Warn, None, 0));
    assert_eq!(refused(None), ("io_uring", CheckOutcome::Warn, None, 0));
}

#[test]
fn missing_kernel_features_and_enabled_ipv6_warn() {
    let old = |facts: &mut Facts| facts.node = Ok(Features { virtio_header: true, multi_queue: false });
    assert_eq!(only_finding(old), ("multi-queue", CheckOutcome::Warn, None, 0));
    assert_eq!(only_finding(|facts| facts.ipv6 = Some(true)), ("IPv6", CheckOutcome::Warn, None, 0));
    let (check, outcome, hint, _) = only_finding(|facts| {
        facts.ipv6 = Some(true);
        facts.taps_with_ipv6 = vec!["tap0".parse().unwrap(), "tap1".parse().unwrap()];
    });
    assert_eq!((check, outcome), ("IPv6", CheckOutcome::Warn));
    assert_eq!(hint.as_deref(), Some("sudo sysctl net/ipv6/conf/tap0/disable_ipv6=1"));
    assert_eq!(findings_after(|facts| facts.max_neighbors = Some(1_024)), (vec![], 0));
    assert_eq!(only_finding(|facts| facts.max_neighbors = None), ("ARP cache", CheckOutcome::Skip, None, 0));
    assert_eq!(only_finding(|facts| facts.processors = Some(1)), ("processors", CheckOutcome::Warn, None, 0));
}

#[test]
fn interface_managers_warn_and_hint_unmanaged_configuration() {
    let (check, outcome, hint, code) =
        only_finding(|facts| facts.managers.network_manager_ignores_taps = Some(false));
    assert_eq!((check, outcome, code), ("NetworkManager", CheckOutcome::Warn, 0));
    // The file of the hint has the effect that is checked.
    let written = hint.unwrap().split('\'').nth(1).unwrap().replace("\\n", "\n");
    assert!(ignores_taps([written.as_str()]), "{written}");
    let path = PathBuf::from("/etc/systemd/network/20-all.network");
    let (check, _, hint, _) =
        only_finding(|facts| facts.managers.networkd = Networkd::ManagesTaps(path.clone()));
    assert_eq!(check, "systemd-networkd");
    let written = hint.unwrap().split('\'').nth(1).unwrap().replace("\\n", "\n");
    let all = (path.clone(), "[Match]\nName=*\n".to_owned());
    let mut files = BTreeMap::from([("20-all.network".to_owned(), all)]);
    assert_eq!(manages_taps(&files), Some(path.clone()));
    files.insert("00-tapstack.network".to_owned(), (path, written));
    assert_eq!(manages_taps(&files), None);
    assert_eq!(findings_after(|facts| facts.managers.networkd = Networkd::IgnoresTaps), (vec![], 0));
    assert_eq!(findings_after(|facts| facts.managers.network_manager_ignores_taps = Some(true)), (vec![], 0));
}

#[test]
fn networkmanager_ignores_taps_by_name_or_type() {
    for text in [
        "[keyfile]\nunmanaged-devices=mac:00:22:68:1c:59:b1;interface-name:tap*\n",
        "[keyfile]\nunmanaged-devices+=type:tun\n",
        "[device-x]\nmatch-device=interface-name:=tap0\nmanaged=false\n",
    ] {
        assert!(ignores_taps([text]), "{text}");
    }
    for text in [
        "",
        "[main]\nplugins=keyfile\n",
        "[keyfile]\n#unmanaged-devices=type:tun\n",
        "[keyfile]\nunmanaged-devices=interface-name:eth*;except:interface-name:tap0\n",
        "[device-x]\nmatch-device=interface-name:tap*\n",
    ] {
        assert!(!ignores_taps([text]), "{text}");
    }
}

#[test]
fn networkd_manages_tap_by_first_matching_file() {
    let by = |text: &str| {
        let file = (PathBuf::from("/x.network"), text.to_owned());
        manages_taps(&BTreeMap::from([("x.network".to_owned(), file)])).is_some()
    };
    assert!(by("[Match]\nName=en* tap*\n[Network]\nDHCP=yes\n"));
    assert!(by("[Match]\nType=ether\n"));
    assert!(by("[Match]\n# Name=en*\n; Name=en*\nName=tap0\n"), "a comment was read as a setting");
    assert!(by("[Match]\nKind=tun\nName=tap?\n"));
    assert!(!by("[Match]\nName=en*\n"));
    assert!(!by("[Match]\nKind=veth\nName=*\n"));
    assert!(!by("[Match]\nMACAddress=02:00:00:00:00:01\n"));
    assert!(!by("[Match]\n[Network]\nDHCP=yes\n"));
    assert!(!by("[Match]\nName=tap0\n[Link]\nUnmanaged=yes\n"));
}

#[test]
fn glob_matches_whole_name() {
    assert!(
        matches_glob("tap0", "tap*")
            && matches_glob("tap0", "*0")
            && matches_glob("tap0", "t??0")
            && matches_glob("", "*")
    );
    assert!(
        !matches_glob("tap0", "tap")
            && !matches_glob("tap0", "ap*")
            && !matches_glob("tap0", "tap0?")
            && !matches_glob("", "?")
    );
}

#[test]
fn finding_takes_command_as_fix_and_advice_as_reason() {
    let finding = |message: ErrorMessage| {
        let facts = Facts { node: Err(message), ..working_facts() };
        let first = check_all(&facts).remove(0);
        (first.why, first.hint)
    };
    let fix = Some("sudo modprobe tun".to_owned());
    assert_eq!(
        finding(ErrorMessage::new("no").hint_command("load the driver", "sudo modprobe tun")),
        ("no".to_owned(), fix)
    );
    let options = "start the container with `docker run --privileged`";
    assert_eq!(finding(ErrorMessage::new("no").hint(options)), (format!("no; {options}"), None));
    assert_eq!(finding(ErrorMessage::new("no")), ("no".to_owned(), None));
}

#[test]
fn finding_prints_line_and_hint_on_next_line() {
    let finding = Finding {
        check: json::CheckName::DevNetTun,
        outcome: CheckOutcome::Fail,
        needed: true,
        why: "closed".to_owned(),
        hint: Some("sudo modprobe tun".to_owned()),
    };
    let text = "fail  /dev/net/tun     closed\n                       fix: sudo modprobe tun";
    assert_eq!(finding.text(Styler::DISABLED), text);
    assert!(finding.text(Styler::ENABLED).starts_with("\u{1b}[1m\u{1b}[31mfail\u{1b}[0m  /dev/net/tun "));
}

#[test]
fn doctor_json_matches_schema_and_ends_with_summary() {
    let mut facts = working_facts();
    facts.ipv6 = Some(true);
    facts.max_neighbors = None;
    facts.inside = Err("no".to_owned());
    let findings = check_all(&facts);
    let object = |line| serde_json::to_string(&EventObject::new(Moment::of_nanos(0), line)).unwrap();
    let lines: Vec<_> = lines(&findings).into_iter().map(object).collect();
    testbed::schema::check_lines("doctor", &lines.join("\n"));
    let summary = r#"{"schema":1,"time":"1970-01-01T00:00:00.000000000+00:00","elapsed_ns":0,"event":"summary","ok":8,"warn":1,"fail":0,"skip":5,"exit_code":2}"#;
    assert_eq!(lines.last().map(String::as_str), Some(summary));
}
