//! `cargo xtask setup-tap`, `teardown-tap`, `dist`, `conform` and `beside`, on a real wire.

#![allow(clippy::disallowed_types, reason = "tests start programs and read their output")]
// A trial may panic: that is how it fails.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

use serde_json::{Value, json};
use tap::linux::{Interface, taps};
use testbed::installed::installed;
use testbed::launcher::TempFolder;
use testbed::program::{exit_and_text, run};
use testbed::{Case, TestResult, Trials, UNPRIVILEGED_UID, USER_TAP, WireRefused};

fn main() -> ExitCode {
    let xtask = Path::new(env!("CARGO_BIN_EXE_xtask"));
    // It lies beside this package's own.
    let tapstack = File::open(xtask.with_file_name("tapstack"));
    match (testbed::program::open(xtask), tapstack) {
        (Ok(()), Ok(file)) => TAPSTACK.get_or_init(|| file),
        (Err(error), _) | (_, Err(error)) => {
            eprintln!("cannot open the programs under test: {error}; `cargo build --workspace`");
            return ExitCode::FAILURE;
        }
    };
    testbed::main(Trials { cases: CASES, refused: &[], unprivileged: UNPRIVILEGED })
}

const CASES: &[Case] = &[
    ("a_tap_is_set_up_twice_and_torn_down_twice", set_up_and_torn_down),
    ("our_host_passes_the_black_box_suite", our_host_passes),
    ("the_kernel_differs_from_the_suite_as_recorded", the_kernel_differs_as_recorded),
    ("what_is_no_host_does_not_pass", what_is_no_host),
    ("our_tools_say_the_truth_beside_whoever_is_installed", beside_others),
    ("what_is_given_away_is_whole", what_is_given_away),
    ("bash_reads_the_completions_that_are_given_away", bash_reads_what_is_given_away),
];

/// The binary of the package `cli`, opened while this process may still read where it lies.
static TAPSTACK: OnceLock<File> = OnceLock::new();

const UNPRIVILEGED: &[Case] = &[
    ("the_sudo_line_repeats_the_arguments_and_names_the_user", the_sudo_line),
    ("what_is_set_up_already_needs_no_privilege", what_is_set_up_already),
];

fn set_up_and_torn_down() -> TestResult {
    for _ in 0..2 {
        let me = nix::unistd::getuid().to_string();
        let (code, out, errors) = exit_and_text(&run(&["setup-tap", "--mtu", "1400", "--user", &me])?);
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        assert!(out.contains("host --tap tap0 --address 10.0.0.2/24"), "{out}");
    }
    let interface = Interface::named(&"tap0".parse()?)?;
    assert!(interface.is_up()? && interface.mtu()? == 1_400);
    assert_eq!(interface.address()?, Some("10.0.0.1/24".parse()?));
    let tap = taps()?.into_iter().find(|tap| tap.name == *interface.name()).ok_or("tap0 is listed")?;
    assert!(tap.persistent && tap.owner == Some(nix::unistd::getuid().as_raw()));
    for _ in 0..2 {
        assert_eq!(exit_and_text(&run(&["teardown-tap"])?).0, Some(0));
    }
    assert!(!interface.exists());
    Ok(())
}

fn our_host_passes() -> TestResult {
    let (code, out, errors) = exit_and_text(&run(&["conform", "--program", &tapstack()?])?);
    assert_eq!(code, Some(0), "{out}{errors}");
    Ok(())
}

fn the_kernel_differs_as_recorded() -> TestResult {
    installed("ip")?;
    let (code, out, errors) = exit_and_text(&run(&["conform", "--kernel", "--json"])?);
    if code == Some(2) && errors.contains("cannot make a veth pair") {
        return Err(WireRefused(errors.trim().to_owned()).into());
    }
    assert_eq!(code, Some(0), "{out}{errors}");
    let lines: Result<Vec<Value>, _> = out.lines().map(serde_json::from_str).collect();
    let lines = lines?;
    let (summary, cases) = lines.split_last().ok_or("lines")?;
    assert_eq!((&summary["event"], &summary["failed"]), (&json!("summary"), &json!(0)), "{out}");
    assert!(cases.iter().all(|case| case["event"] == "case" && case["target"] == "linux"), "{out}");
    // Where it differs there is a reason.
    let differing: Vec<_> = cases.iter().filter(|case| case["verdict"] == "differs").collect();
    assert!(differing.len() > 5 && differing.iter().all(|case| case["reason"].is_string()), "{out}");
    Ok(())
}

fn what_is_no_host() -> TestResult {
    for program in ["/bin/true", "/bin/cat", "/no/such/program"] {
        assert_eq!(exit_and_text(&run(&["conform", "--program", program])?).0, Some(2), "{program}");
    }
    Ok(())
}

fn beside_others() -> TestResult {
    installed("ip")?;
    let (code, out, errors) = exit_and_text(&run(&["beside", "--program", &tapstack()?, "--json"])?);
    if code == Some(2)
        && (errors.contains("cannot make a veth pair") || errors.contains("cannot make a bridge"))
    {
        return Err(WireRefused(errors.trim().to_owned()).into());
    }
    let lines: Result<Vec<Value>, _> = out.lines().map(serde_json::from_str).collect();
    let lines = lines?;
    let (summary, rows) = lines.split_last().ok_or("lines")?;
    assert_eq!(
        (&summary["event"], code),
        (&json!("summary"), Some(i32::from(summary["failed"] != 0))),
        "{out}"
    );
    // Others may fail on a machine that is too busy to pull a plug in their time; ours may not.
    let is_ours = |row: &&Value| row["tool"].as_str().is_some_and(|tool| tool.starts_with("tapstack "));
    let failed: Vec<_> = rows.iter().filter(is_ours).filter(|row| row["verdict"] == "failed").collect();
    assert!(failed.is_empty() && errors.is_empty(), "{failed:#?}{errors}");
    let of = |tool: &str, verdict: &str| {
        let is_it = |row: &&Value| row["tool"] == tool && row["verdict"] == verdict;
        rows.iter().filter(is_it).cloned().collect::<Vec<_>>()
    };
    // A system may keep user namespaces from root too, and then nobody is powerless.
    let is_refused =
        |row: &Value| row["reason"].as_str().is_some_and(|why| why.contains("no user namespace"));
    // All but what there is no such question of.
    for (tool, unasked) in [("arping -I", 1), ("arping --tap", 7), ("scan -I", 8)] {
        let tool = format!("tapstack {tool}");
        let skipped = of(&tool, "skipped").into_iter().filter(|row| !is_refused(row)).count();
        assert_eq!(skipped, unasked, "{tool}: {out}");
    }
    let duplicate = of("tapstack arping -I", "passed").into_iter().find(|row| row["name"] == "duplicate");
    let duplicate = duplicate.ok_or("the row of the duplicate")?;
    assert_eq!(
        (&duplicate["exit_code"], &duplicate["stations"][1]["hardware_address"]),
        (&json!(0), &json!("02:00:00:00:04:02"))
    );
    let none = exit_and_text(&run(&["beside", "--program", &tapstack()?, "--tool", "/bin/true"])?);
    assert!(none.0 == Some(2) && none.2.contains("is none of the tools that are known"), "{}", none.2);
    Ok(())
}

/// The path of the binary of the package `cli` for a child process.
fn tapstack() -> Result<String, Box<dyn std::error::Error>> {
    let fd = TAPSTACK.get().ok_or("tapstack")?.as_raw_fd();
    Ok(format!("/proc/{}/fd/{fd}", std::process::id()))
}

fn what_is_given_away() -> TestResult {
    let folder = TempFolder::new(None)?;
    let to = folder.path().to_str().ok_or("a path")?;
    let (code, out, errors) = exit_and_text(&run(&["dist", "--program", &tapstack()?, "--to", to])?);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");

    let inside = |program: &str, words: &[&str]| Command::new(program).args(words).current_dir(to).output();
    let (code, checked, errors) =
        exit_and_text(&inside("sha256sum", &["--check", "--strict", "SHA256SUMS"])?);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{checked}");
    // All but the sums themselves.
    assert_eq!(checked.lines().count() + 1, std::fs::read_dir(to)?.count(), "{checked}");
    let version = inside("./tapstack", &["--version"])?;
    assert!(version.stdout.starts_with(b"tapstack "), "{version:?}");
    for page in ["tapstack.1", "tapstack-host.1", "tapstack-tap-create.1", "tapstack-doctor.1"] {
        let text = std::fs::read_to_string(folder.path().join(page))?;
        assert!(text.contains("\n.SH NAME\n") && text.contains("\n.SH EXAMPLES\n"), "{page}: {text}");
    }
    Ok(())
}

fn bash_reads_what_is_given_away() -> TestResult {
    let bash = installed("bash")?;
    let folder = TempFolder::new(None)?;
    let to = folder.path().to_str().ok_or("a path")?;
    assert_eq!(exit_and_text(&run(&["dist", "--program", &tapstack()?, "--to", to])?).0, Some(0));
    let script = folder.path().join("tapstack.bash");
    let checked = Command::new(bash).arg("-n").arg(script).output()?;
    assert_eq!(exit_and_text(&checked), (Some(0), String::new(), String::new()));
    Ok(())
}

fn the_sudo_line() -> TestResult {
    assert_eq!(nix::unistd::getuid().as_raw(), UNPRIVILEGED_UID);
    let (code, out, errors) =
        exit_and_text(&run(&["setup-tap", "--name", "new0", "--address", "10.0.9.1/24"])?);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(errors.contains("; `sudo /"), "{errors}");
    assert!(
        errors.ends_with("xtask setup-tap --name new0 --address 10.0.9.1/24 --user nobody`\n"),
        "{errors}"
    );
    Ok(())
}

fn what_is_set_up_already() -> TestResult {
    assert_eq!(exit_and_text(&run(&["setup-tap", "--name", USER_TAP])?).0, Some(0));
    Ok(())
}
