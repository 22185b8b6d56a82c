//! Wire tests of `cargo xtask setup-tap`, `teardown-tap` and `dist`.

#![allow(clippy::disallowed_types, reason = "tests start programs and read their output")]
// A test fails by a panic.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::process::{Command, ExitCode};

use tap::linux::{Interface, taps};
use testbed::installed::installed;
use testbed::launcher::TempFolder;
use testbed::program::{exit_and_text, open_with_tapstack, run, tapstack};
use testbed::{Case, TestResult, UNPRIVILEGED_UID, USER_TAP, WireTests};

fn main() -> ExitCode {
    if let Err(error) = open_with_tapstack(env!("CARGO_BIN_EXE_xtask")) {
        eprintln!("cannot open the programs under test: {error}");
        return ExitCode::FAILURE;
    }
    testbed::main(WireTests { cases: CASES, refused: &[], unprivileged: UNPRIVILEGED })
}

const CASES: &[Case] = &[
    ("setup_tap_rejects_addresses_that_no_host_has", addresses_that_no_host_has),
    ("setup_tap_and_teardown_tap_succeed_when_repeated", set_up_and_tear_down_twice),
    ("dist_writes_complete_files_with_valid_sums", dist_files),
    ("bash_parses_completions_of_dist", bash_parses_completions),
];

const UNPRIVILEGED: &[Case] = &[
    ("setup_tap_hint_repeats_arguments_and_names_user", setup_tap_hint),
    ("setup_tap_needs_no_privilege_when_tap_exists", existing_tap),
];

fn set_up_and_tear_down_twice() -> TestResult {
    for _ in 0..2 {
        let me = nix::unistd::getuid().to_string();
        let (code, out, errors) = exit_and_text(&run(&["setup-tap", "--mtu", "1400", "--user", &me])?);
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        assert!(out.contains("host --tap tap0 --address 10.0.0.2/24"), "{out}");
    }
    let interface = Interface::named(&"tap0".parse()?)?;
    assert!(interface.is_up()? && interface.mtu()? == 1_400);
    assert_eq!(interface.address()?, Some("10.0.0.1/24".parse()?));
    let tap = taps()?.into_iter().find(|tap| tap.name == *interface.name()).ok_or("tap0 is not listed")?;
    assert!(tap.persistent && tap.owner == Some(nix::unistd::getuid().as_raw()));
    for _ in 0..2 {
        assert_eq!(exit_and_text(&run(&["teardown-tap"])?).0, Some(0));
    }
    assert!(!interface.exists());
    Ok(())
}

fn addresses_that_no_host_has() -> TestResult {
    for (address, kind) in [
        ("10.0.0.0/24", "the network address"),
        ("10.0.0.255/24", "the broadcast address"),
        ("224.0.0.1/24", "a multicast address"),
    ] {
        let (code, out, errors) = exit_and_text(&run(&["setup-tap", "--address", address])?);
        assert_eq!((code, out.as_str()), (Some(2), ""));
        assert!(errors.contains(kind), "{errors}");
    }
    assert!(!Interface::named(&"tap0".parse()?)?.exists());
    Ok(())
}

fn dist_files() -> TestResult {
    let folder = TempFolder::new(None)?;
    let to = folder.path().to_str().ok_or("path is not UTF-8")?;
    let (code, out, errors) = exit_and_text(&run(&["dist", "--program", &tapstack(), "--to", to])?);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");

    let inside = |program: &str, words: &[&str]| Command::new(program).args(words).current_dir(to).output();
    let (code, checked, errors) =
        exit_and_text(&inside("sha256sum", &["--check", "--strict", "SHA256SUMS"])?);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{checked}");
    // All files except the sums.
    assert_eq!(checked.lines().count() + 1, std::fs::read_dir(to)?.count(), "{checked}");
    let version = inside("./tapstack", &["--version"])?;
    assert!(version.stdout.starts_with(b"tapstack "), "{version:?}");
    for page in ["tapstack.1", "tapstack-host.1", "tapstack-tap-create.1", "tapstack-doctor.1"] {
        let text = std::fs::read_to_string(folder.path().join(page))?;
        assert!(text.contains("\n.SH NAME\n") && text.contains("\n.SH EXAMPLES\n"), "{page}: {text}");
    }
    Ok(())
}

fn bash_parses_completions() -> TestResult {
    let bash = installed("bash")?;
    let folder = TempFolder::new(None)?;
    let to = folder.path().to_str().ok_or("path is not UTF-8")?;
    assert_eq!(exit_and_text(&run(&["dist", "--program", &tapstack(), "--to", to])?).0, Some(0));
    let script = folder.path().join("tapstack.bash");
    let checked = Command::new(bash).arg("-n").arg(script).output()?;
    assert_eq!(exit_and_text(&checked), (Some(0), String::new(), String::new()));
    Ok(())
}

fn setup_tap_hint() -> TestResult {
    assert_eq!(nix::unistd::getuid().as_raw(), UNPRIVILEGED_UID);
    let (code, out, errors) =
        exit_and_text(&run(&["setup-tap", "--name", "new0", "--address", "10.0.9.1/24"])?);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(errors.contains("\nhint: run the command as root: `sudo /"), "{errors}");
    // The user with UNPRIVILEGED_UID:
    // words: off
    let command = "xtask setup-tap --name new0 --address 10.0.9.1/24 --user nobody`\n";
    // words: on
    assert!(errors.ends_with(command), "{errors}");
    Ok(())
}

fn existing_tap() -> TestResult {
    assert_eq!(exit_and_text(&run(&["setup-tap", "--name", USER_TAP])?).0, Some(0));
    Ok(())
}
