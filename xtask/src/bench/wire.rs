//! `bench wire`: the check of its report.

use std::process::Command;

use serde_json::Value;

use super::{build, workspace_root};

/// Checks in two rounds that every contender replies to every request. The times are ignored. If the system permits no
/// namespaces or TAPs, prints the reason, or fails if `TAPSTACK_REQUIRE_WIRE` is set.
pub(crate) fn check() -> Result<(), String> {
    let output = Command::new(build("wire")?)
        .args(["--quick", "--rounds", "2", "--flood-rate", "10000", "--json", "--out"])
        .arg(workspace_root().join("target/bench/check"))
        .output()
        .map_err(|error| format!("cannot run the wire bench: {error}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let is_refused = ["namespace", "/dev/net/tun"].iter().any(|words| errors.contains(words));
        if is_refused && std::env::var_os("TAPSTACK_REQUIRE_WIRE").is_none() {
            println!("not run: {}", errors.trim());
            return Ok(());
        }
        return Err(format!("wire bench failed: {}", errors.trim()));
    }
    let report: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("report of the wire bench is not JSON: {error}"))?;
    let unanswered = unanswered(&report);
    if unanswered.is_empty() { Ok(()) } else { Err(format!("replies missing: {}", unanswered.join(", "))) }
}

/// Returns the rows of the report with fewer replies than requests or without data, and the kinds of tables without a row.
fn unanswered(report: &Value) -> Vec<String> {
    let list =
        |value: &Value, field: &str| value.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
    let is_skipped = |kind: &str| {
        let mut all = list(report, "skipped").into_iter();
        all.any(|one| one.get("what").and_then(Value::as_str).is_some_and(|what| what.contains(kind)))
    };
    let mut unanswered = Vec::new();
    for kind in ["drain", "flow", "stream", "latency"] {
        let rows: Vec<_> = list(report, kind).iter().flat_map(|table| list(table, "rows")).collect();
        if rows.is_empty() && !is_skipped(kind) {
            unanswered.push(kind.to_owned());
        }
        for row in rows {
            let count = |field: &str| row.get(field).and_then(Value::as_u64);
            // A row of a bulk transfer has bytes instead of replies.
            let replies = count("replies").or(count("bytes")).unwrap_or(0);
            if replies == 0 || count("requests").is_some_and(|requests| requests != replies) {
                unanswered.push(format!("{kind}: {row}"));
            }
        }
    }
    unanswered
}

#[cfg(test)]
mod tests;
