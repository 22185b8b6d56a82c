//! Tests of `tapstack tap`.

use tap::linux::Interface;

use super::common::errors_of_full_output;
use super::running::{Running, open_tap};
use testbed::program::{command, exit_and_text, run};
use testbed::schema::check_lines;
use testbed::{Case, ROOT_TAP, TestResult};

pub(crate) const CASES: &[Case] = &[
    ("tap_command_creates_lists_and_deletes_tap", tap_lifecycle),
    ("tap_delete_exits_1_when_tap_is_absent", absent_tap),
    ("tap_command_exits_2_when_output_cannot_be_written", output_that_cannot_be_written),
    ("tap_create_reports_unknown_user", unknown_user),
    ("tap_delete_reports_interface_that_is_not_tap", interface_that_is_not_tap),
    ("tap_names_with_control_characters_are_escaped", escaped_names),
    ("tap_create_rejects_non_host_address", non_host_address),
];

pub(crate) const UNPRIVILEGED: &[Case] = &[
    ("tap_create_prints_sudo_command_without_privilege", sudo_command),
    ("tap_delete_prints_sudo_command_when_other_user_owns_tap", tap_of_other_user),
];

fn tap_lifecycle() -> TestResult {
    let create = ["tap", "create", "cli0", "--address", "10.0.0.1/24", "--mtu", "1400"];
    for _ in 0..2 {
        let (code, out, errors) = exit_and_text(&run(&create)?);
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        assert!(out.starts_with("cli0 is up") && out.contains("10.0.0.1/24"), "{out}");
    }
    let interface = Interface::named(&"cli0".parse()?)?;
    assert!(interface.is_up()? && interface.mtu()? == 1_400);

    let host = Running::start(&["--tap", "cli0", "--address", "10.0.0.2/24"])?;
    let (_, listed, _) = exit_and_text(&run(&["tap", "list"])?);
    assert!(
        listed.lines().any(|line| line.starts_with("cli0 ") && line.contains("in use mtu 1400")),
        "{listed}"
    );
    let (code, _, errors) = exit_and_text(&run(&["tap", "delete", "cli0"])?);
    assert_eq!(code, Some(2));
    assert!(errors.contains(&format!("`kill {}`", host.pid())), "{errors}");
    host.stop()?;

    let (_, json, _) = exit_and_text(&run(&["tap", "list", "--json"])?);
    check_lines("tap_list", &json);
    let object: serde_json::Value = serde_json::from_str(json.lines().next().ok_or("no line")?)?;
    assert_eq!((object["interface"].as_str(), object["attached"].as_bool()), (Some("cli0"), Some(false)));

    let (code, out, _) = exit_and_text(&run(&["tap", "delete", "cli0"])?);
    assert_eq!((code, out.as_str()), (Some(0), "deleted cli0\n"));
    assert!(!interface.exists());
    Ok(())
}

fn output_that_cannot_be_written() -> TestResult {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full")?;
    let errors = errors_of_full_output(&["tap", "create", "full0"])?;
    assert!(errors.starts_with("tapstack: cannot write to standard output: "), "{errors}");
    let output = command(&["tap", "delete", "absent0"]).stderr(full).output()?;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(run(&["tap", "delete", "full0"])?.status.code(), Some(0));
    Ok(())
}

fn absent_tap() -> TestResult {
    let (code, out, errors) = exit_and_text(&run(&["tap", "delete", "absent0"])?);
    assert_eq!(
        (code, out.as_str(), errors.as_str()),
        (Some(1), "", "tapstack: TAP absent0 does not exist\n")
    );
    let (code, out, _) = exit_and_text(&run(&["tap", "list"])?);
    assert_eq!((code, out.as_str()), (Some(0), ""));
    Ok(())
}

fn interface_that_is_not_tap() -> TestResult {
    let (code, _, errors) = exit_and_text(&run(&["tap", "delete", "lo"])?);
    assert_eq!(code, Some(2));
    assert_eq!(errors, "tapstack: cannot delete lo: not a TAP\nhint: list the TAPs: `tapstack tap list`\n");
    Ok(())
}

fn escaped_names() -> TestResult {
    let held = open_tap("named0")?;
    let name = std::fs::read("/proc/self/comm")?;
    std::fs::write("/proc/self/comm", "\x1b[31mholder")?;
    let (code, _, errors) = exit_and_text(&run(&["tap", "delete", "named0"])?);
    std::fs::write("/proc/self/comm", name)?;
    assert_eq!(code, Some(2));
    assert!(errors.contains(r"(\u{1b}[31mholder)"), "{errors:?}");
    drop(held);
    // Names of files and programs are also escaped.
    for words in [
        &["decode", "absent\x1b[31m"][..],
        &["decode", "absent\u{9b}31m"],
        &["watch", "absent\x1b[31m"],
        &["lab", "--", "absent\x1b[31m"],
        &["lab", "--pcap", "/absent/\x1b[31m"],
    ] {
        let (code, _, errors) = exit_and_text(&run(words)?);
        assert_ne!(code, Some(0), "{words:?}");
        let is_escaped = errors.contains(r"\u{1b}[31m") || errors.contains(r"\u{9b}31m");
        assert!(is_escaped && !errors.trim_end().contains(char::is_control), "{errors:?}");
    }
    Ok(())
}

fn non_host_address() -> TestResult {
    for address in ["10.0.0.0/24", "10.0.0.255/24", "240.0.0.1/24", "0.0.0.1/8"] {
        let (code, _, errors) = exit_and_text(&run(&["tap", "create", "kind0", "--address", address])?);
        assert_eq!(code, Some(2), "{address}");
        assert!(errors.contains("use the address of a host"), "{errors}");
    }
    let (code, out, _) = exit_and_text(&run(&["tap", "list"])?);
    assert_eq!((code, out.contains("kind0")), (Some(0), false));
    Ok(())
}

fn tap_of_other_user() -> TestResult {
    let (code, _, errors) = exit_and_text(&run(&["tap", "delete", ROOT_TAP])?);
    assert_eq!(code, Some(2));
    assert!(
        errors.starts_with(
            "tapstack: cannot delete root0: it belongs to root\nhint: run the command as root: `sudo /"
        ),
        "{errors}"
    );
    assert!(errors.ends_with(" tap delete root0`\n") && !errors.contains("add"), "{errors}");
    Ok(())
}

fn unknown_user() -> TestResult {
    let (code, _, errors) = exit_and_text(&run(&["tap", "create", "x0", "--user", "no-such-user"])?);
    assert_eq!(code, Some(2));
    assert!(errors.contains("`getent passwd`"), "{errors}");
    Ok(())
}

fn sudo_command() -> TestResult {
    let (code, _, errors) = exit_and_text(&run(&["tap", "create", "new0", "--address", "10.0.0.1/24"])?);
    assert_eq!(code, Some(2));
    assert!(
        errors.starts_with(
            "tapstack: cannot create TAP new0: CAP_NET_ADMIN is required\nhint: run the command as root: `sudo /"
        ),
        "{errors}"
    );
    // The user with UNPRIVILEGED_UID:
    // words: off
    let rest = "tapstack tap create new0 --address 10.0.0.1/24 --user nobody`\n";
    // words: on
    assert!(errors.ends_with(rest), "{errors}");
    // A TAP that exists with these settings needs no privilege.
    let (code, _, errors) = exit_and_text(&run(&["tap", "create", "user0", "--address", "10.0.0.1/24"])?);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    Ok(())
}
