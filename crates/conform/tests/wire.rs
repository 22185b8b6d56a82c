//! Wire tests of the black-box test suite against `tapstack host` and the Linux kernel.

// A test fails by panicking.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::process::ExitCode;

use serde_json::{Value, json};
use testbed::installed::installed;
use testbed::program::{exit_and_text, open_with_tapstack, run, tapstack};
use testbed::{Case, TestResult, WireRefused, WireTests};

const CASES: &[Case] = &[
    ("tapstack_host_passes_suite", host_passes),
    ("linux_kernel_differs_from_suite_as_recorded", kernel_differs_as_recorded),
    ("program_that_is_not_host_exits_2", program_is_not_a_host),
];

fn main() -> ExitCode {
    if let Err(error) = open_with_tapstack(env!("CARGO_BIN_EXE_conform")) {
        eprintln!("cannot open the programs under test: {error}");
        return ExitCode::FAILURE;
    }
    testbed::main(WireTests { cases: CASES, refused: &[], unprivileged: &[] })
}

fn host_passes() -> TestResult {
    let (code, out, errors) = exit_and_text(&run(&["--program", &tapstack(), "--json"])?);
    assert_eq!((code, failed_cases(&out)), (Some(0), Vec::new()), "{errors}");
    Ok(())
}

/// Returns the policies, names and reasons of the failed cases in JSON Lines.
fn failed_cases(out: &str) -> Vec<String> {
    let cases = out.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let failed = cases.filter(|case| case["verdict"] == "failed");
    failed.map(|case| format!("{} ({}): {}", case["name"], case["policy"], case["reason"])).collect()
}

fn kernel_differs_as_recorded() -> TestResult {
    installed("ip")?;
    let (code, out, errors) = exit_and_text(&run(&["--kernel", "--json"])?);
    if code == Some(2) && errors.contains("cannot create a veth pair") {
        return Err(WireRefused(errors.trim().to_owned()).into());
    }
    assert_eq!((code, failed_cases(&out)), (Some(0), Vec::new()), "{errors}");
    let lines: Result<Vec<Value>, _> = out.lines().map(serde_json::from_str).collect();
    let lines = lines?;
    let (summary, cases) = lines.split_last().ok_or("no output")?;
    assert_eq!((&summary["event"], &summary["failed"]), (&json!("summary"), &json!(0)), "{out}");
    assert!(cases.iter().all(|case| case["event"] == "case" && case["target"] == "linux"), "{out}");
    // Each difference has a reason.
    let differing: Vec<_> = cases.iter().filter(|case| case["verdict"] == "differs").collect();
    assert!(differing.len() > 5 && differing.iter().all(|case| case["reason"].is_string()), "{out}");
    Ok(())
}

fn program_is_not_a_host() -> TestResult {
    for program in ["/bin/true", "/bin/cat", "/no/such/program"] {
        assert_eq!(exit_and_text(&run(&["--program", program])?).0, Some(2), "{program}");
    }
    Ok(())
}
