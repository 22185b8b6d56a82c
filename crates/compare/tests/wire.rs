//! The comparison of tapstack's ARP tools with the installed tools, on a real wire.

// A test fails by panicking.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::process::ExitCode;

use serde_json::{Value, json};
use testbed::installed::installed;
use testbed::program::{exit_and_text, open_with_tapstack, run, tapstack};
use testbed::{Case, TestResult, WireRefused, WireTests};

const CASES: &[Case] =
    &[("tapstack_tools_answer_correctly_next_to_other_tools", tapstack_tools_answer_correctly)];

fn main() -> ExitCode {
    if let Err(error) = open_with_tapstack(env!("CARGO_BIN_EXE_compare")) {
        eprintln!("cannot open the programs under test: {error}");
        return ExitCode::FAILURE;
    }
    testbed::main(WireTests { cases: CASES, refused: &[], unprivileged: &[] })
}

fn tapstack_tools_answer_correctly() -> TestResult {
    installed("ip")?;
    let (code, out, errors) = exit_and_text(&run(&["--program", &tapstack(), "--json"])?);
    if code == Some(2)
        && (errors.contains("cannot create a veth pair") || errors.contains("cannot create a bridge"))
    {
        return Err(WireRefused(errors.trim().to_owned()).into());
    }
    let lines: Result<Vec<Value>, _> = out.lines().map(serde_json::from_str).collect();
    let lines = lines?;
    let (summary, rows) = lines.split_last().ok_or("no output")?;
    assert_eq!(
        (&summary["event"], code),
        (&json!("summary"), Some(i32::from(summary["failed"] != 0))),
        "{out}"
    );
    // On a busy machine, other tools may exit before their interface fails, and fail. tapstack must not fail.
    let is_tapstack = |row: &&Value| row["tool"].as_str().is_some_and(|tool| tool.starts_with("tapstack "));
    let failed: Vec<_> = rows.iter().filter(is_tapstack).filter(|row| row["verdict"] == "failed").collect();
    assert!(failed.is_empty() && errors.is_empty(), "{failed:#?}{errors}");
    let of = |tool: &str, verdict: &str| {
        let is_match = |row: &&Value| row["tool"] == tool && row["verdict"] == verdict;
        rows.iter().filter(is_match).cloned().collect::<Vec<_>>()
    };
    // Without user namespaces, the rows for an unprivileged user are skipped.
    let is_refused =
        |row: &Value| row["reason"].as_str().is_some_and(|reason| reason.contains("no user namespace"));
    // The skipped rows are exactly the rows that the tool cannot answer.
    for (tool, skip_count) in [("arping -I", 2), ("arping --tap", 9), ("scan -I", 8), ("watch -I", 20)] {
        let tool = format!("tapstack {tool}");
        let skipped = of(&tool, "skipped").into_iter().filter(|row| !is_refused(row)).count();
        assert_eq!(skipped, skip_count, "{tool}: {out}");
    }
    let duplicate = of("tapstack arping -I", "passed").into_iter().find(|row| row["name"] == "duplicate");
    let duplicate = duplicate.ok_or("no row `duplicate`")?;
    assert_eq!(
        (&duplicate["exit_code"], &duplicate["stations"][1]["mac"]),
        (&json!(0), &json!("02:00:00:00:04:02"))
    );
    let unknown = exit_and_text(&run(&["--program", &tapstack(), "--tool", "/bin/true"])?);
    assert!(unknown.0 == Some(2) && unknown.2.contains("unknown tool"), "{}", unknown.2);
    Ok(())
}
