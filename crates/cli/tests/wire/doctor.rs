//! Tests of `tapstack doctor`.

use nix::unistd::geteuid;
use serde_json::Value;

use testbed::program::{exit_and_text, run};
use testbed::schema::check_lines;
use testbed::{Case, TestResult};

pub(crate) const CASES: &[Case] = &[
    ("doctor_exits_0_when_everything_works", everything_works),
    ("doctor_leaves_no_interface_behind", no_interface_left),
    ("doctor_prints_check_line_and_hint_line", check_and_hint_lines),
];

pub(crate) const REFUSED: &[Case] = &[("closed_node_fails_and_hints_command", closed_node)];

pub(crate) const UNPRIVILEGED: &[Case] = &[("doctor_hints_commands_without_privilege", without_privilege)];

/// Output and exit code of `doctor --json`.
struct Checked {
    lines: Vec<Value>,
    code: Option<i32>,
}

impl Checked {
    fn run() -> Result<Checked, Box<dyn std::error::Error>> {
        let (code, out, errors) = exit_and_text(&run(&["doctor", "--json"])?);
        assert_eq!(errors, "");
        check_lines("doctor", &out);
        let lines: Vec<Value> = out.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let summary = lines.last().ok_or("no summary")?;
        assert_eq!(summary["event"], "summary");
        assert_eq!(summary["exit_code"].as_i64(), code.map(i64::from));
        Ok(Checked { lines, code })
    }

    fn outcome(&self, check: &str) -> &str {
        self.of(check)["outcome"].as_str().unwrap_or_default()
    }

    fn hint(&self, check: &str) -> Option<&str> {
        self.of(check)["fix"].as_str()
    }

    fn of(&self, check: &str) -> &Value {
        self.lines.iter().find(|line| line["check"] == check).expect("the report should contain the check")
    }
}

fn everything_works() -> TestResult {
    let checked = Checked::run()?;
    assert_eq!(checked.code, Some(0));
    for check in ["dev_net_tun", "namespaces", "tap", "cap_net_admin", "cap_net_raw"] {
        assert_eq!((checked.outcome(check), checked.hint(check)), ("ok", None), "{check}");
    }
    // A kernel before 6.2 has offloads for TCP only.
    assert!(["ok", "warn"].contains(&checked.outcome("offloads")), "{:?}", checked.of("offloads"));
    // The tests run in a network namespace without IPv6.
    assert_eq!(checked.outcome("ipv6"), "ok");
    Ok(())
}

fn no_interface_left() -> TestResult {
    let links = || std::fs::read_to_string("/proc/self/net/dev").map(|text| text.lines().count());
    let before = links()?;
    run(&["doctor"])?;
    assert_eq!(links()?, before);
    Ok(())
}

fn check_and_hint_lines() -> TestResult {
    let (code, out, errors) = exit_and_text(&run(&["doctor"])?);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    let first = out.lines().next().ok_or("no line")?;
    assert_eq!(first, "ok    /dev/net/tun     opens for reading and writing");
    for line in out.lines() {
        let known = ["ok    ", "warn  ", "fail  ", "skip  ", "                       fix: "];
        assert!(known.iter().any(|start| line.starts_with(start)), "{line}");
    }
    Ok(())
}

fn closed_node() -> TestResult {
    let checked = Checked::run()?;
    assert_eq!(checked.code, Some(1));
    assert_eq!(
        (checked.outcome("dev_net_tun"), checked.hint("dev_net_tun")),
        ("fail", Some("sudo chmod 0666 /dev/net/tun"))
    );
    assert_eq!((checked.outcome("tap"), checked.outcome("multi_queue")), ("skip", "skip"));
    Ok(())
}

fn without_privilege() -> TestResult {
    assert!(!geteuid().is_root());
    let checked = Checked::run()?;
    assert_eq!(checked.outcome("dev_net_tun"), "ok");
    assert_eq!((checked.outcome("cap_net_admin"), checked.outcome("cap_net_raw")), ("warn", "warn"));
    let create = checked.hint("cap_net_admin").ok_or("no hint")?;
    assert!(create.starts_with("sudo /"), "{create}");
    // The user with UNPRIVILEGED_UID:
    // words: off
    assert!(create.ends_with("tapstack tap create tap0 --address 10.0.0.1/24 --user nobody"), "{create}");
    // words: on
    let set = checked.hint("cap_net_raw").ok_or("no hint")?;
    assert!(set.starts_with("sudo setcap cap_net_raw+ep /"), "{set}");
    // No hint changes settings of the whole machine.
    for line in &checked.lines {
        let hint = line["fix"].as_str().unwrap_or_default();
        assert!(!hint.contains(".default.") && !hint.contains(".all."), "{line}");
        assert!(!hint.ends_with("...") && hint != "sudo -s", "{line}");
    }
    Ok(())
}
