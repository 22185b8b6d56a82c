//! Our ARP tools and those that are installed, on a real wire.

// A trial may panic: that is how it fails.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::process::ExitCode;

use serde_json::{Value, json};
use testbed::installed::installed;
use testbed::program::{exit_and_text, open_with_tapstack, run, tapstack};
use testbed::{Case, TestResult, Trials, WireRefused};

const CASES: &[Case] = &[("our_tools_give_correct_answer_on_wire_of_other_tools", tools_are_compared)];

fn main() -> ExitCode {
    if let Err(error) = open_with_tapstack(env!("CARGO_BIN_EXE_compare")) {
        eprintln!("cannot open the programs under test: {error}");
        return ExitCode::FAILURE;
    }
    testbed::main(Trials { cases: CASES, refused: &[], unprivileged: &[] })
}

fn tools_are_compared() -> TestResult {
    installed("ip")?;
    let (code, out, errors) = exit_and_text(&run(&["--program", &tapstack(), "--json"])?);
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
    for (tool, skip_reason) in [("arping -I", 1), ("arping --tap", 7), ("scan -I", 8)] {
        let tool = format!("tapstack {tool}");
        let skipped = of(&tool, "skipped").into_iter().filter(|row| !is_refused(row)).count();
        assert_eq!(skipped, skip_reason, "{tool}: {out}");
    }
    let duplicate = of("tapstack arping -I", "passed").into_iter().find(|row| row["name"] == "duplicate");
    let duplicate = duplicate.ok_or("the row of the duplicate")?;
    assert_eq!(
        (&duplicate["exit_code"], &duplicate["stations"][1]["hardware_address"]),
        (&json!(0), &json!("02:00:00:00:04:02"))
    );
    let none = exit_and_text(&run(&["--program", &tapstack(), "--tool", "/bin/true"])?);
    assert!(none.0 == Some(2) && none.2.contains("is none of the tools that are known"), "{}", none.2);
    Ok(())
}
