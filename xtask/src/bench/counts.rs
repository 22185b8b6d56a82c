//! Instruction counts by valgrind, which do not depend on the load of the machine.

use std::path::Path;
use std::process::Command;

/// Number of runs in a count.
pub(super) const TIMES: u64 = 1_000;

/// A function that does one kind of work with one library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contender {
    /// The name of the function.
    pub(super) name: String,
    /// The kind of work: reading, building or rewriting.
    pub(super) work: String,
    /// The library call that the function makes.
    pub(super) api: String,
    /// The symbols that the code can have. The linker merges identical functions under one symbol.
    pub(super) symbols: Vec<String>,
}

/// The instruction count of a contender.
#[derive(Clone, Copy, Debug)]
pub(super) struct Count<'a> {
    pub(super) contender: &'a Contender,
    /// Number of instructions in all runs.
    pub(super) total: u64,
}

/// Returns the contenders of the program. The cast is the first contender of each kind of work.
pub(super) fn list(program: &Path) -> Result<Vec<Contender>, String> {
    let output = Command::new(program).arg("list").output();
    let output = output.map_err(|error| format!("cannot run {}: {error}", program.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .map(|line| contender(line).ok_or_else(|| format!("unexpected line of `parse list`: `{line}`")))
        .collect()
}

fn contender(line: &str) -> Option<Contender> {
    let mut columns = line.split('\t').map(str::to_owned);
    let (name, work, api) = (columns.next()?, columns.next()?, columns.next()?);
    let symbols = columns.next()?.split(',').map(str::to_owned).collect();
    Some(Contender { name, work, api, symbols })
}

/// Counts the instructions of some contenders.
pub(super) fn of<'a>(
    program: &Path,
    contenders: impl Iterator<Item = &'a Contender>,
) -> Result<Vec<Count<'a>>, String> {
    contenders.map(|contender| count(program, contender)).collect()
}

fn count<'a>(program: &Path, contender: &'a Contender) -> Result<Count<'a>, String> {
    let name = &contender.name;
    let mut valgrind = Command::new("valgrind");
    // Count from the entry of the function to its return, including the functions that it calls.
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"]);
    valgrind.args(contender.symbols.iter().map(|symbol| format!("--toggle-collect=*::{symbol}")));
    valgrind.arg(program).args(["count", name, "--times", &TIMES.to_string()]);
    let output = valgrind.output().map_err(|error| format!("cannot run valgrind: {error}"))?;
    let output_text = String::from_utf8_lossy(&output.stderr);
    match collected(&output_text) {
        Some(total) if total > 0 && output.status.success() => Ok(Count { contender, total }),
        _ => Err(format!("valgrind counted no instruction of {name}: {output_text}")),
    }
}

/// Parses the total at the end of callgrind's output.
fn collected(output_text: &str) -> Option<u64> {
    output_text.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok())
}

impl Count<'_> {
    /// Returns the instructions per run, as a decimal number.
    pub(super) fn each(&self) -> String {
        hundredths(self.total, TIMES)
    }

    /// Returns the ratio to another count.
    pub(super) fn ratio_to(&self, other: &Count<'_>) -> String {
        hundredths(self.total, other.total)
    }
}

/// Formats a quotient with two decimals.
fn hundredths(dividend: u64, divisor: u64) -> String {
    let hundredths = (dividend.saturating_mul(100) + divisor / 2) / divisor.max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
