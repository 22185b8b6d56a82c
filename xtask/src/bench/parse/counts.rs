//! Instructions, counted by valgrind: the same in every run, however busy the machine is.

use std::path::Path;
use std::process::Command;

/// How often a work is done to be counted.
const TIMES: u64 = 1_000;

/// Somebody who does one kind of work, in a function of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contender {
    /// The function's name.
    pub(super) name: String,
    /// Reading, building, rewriting.
    pub(super) work: String,
    /// What it calls.
    pub(super) api: String,
    /// The names under which its code may be found: code that is the same is kept only once.
    pub(super) symbols: Vec<String>,
}

/// What it took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Count<'a> {
    pub(super) contender: &'a Contender,
    /// Instructions of all its runs.
    pub(super) total: u64,
}

/// All contenders of the program, the casts first in their work.
pub(super) fn list(program: &Path) -> Result<Vec<Contender>, String> {
    let output = Command::new(program).arg("list").output();
    let output = output.map_err(|error| format!("cannot run {}: {error}", program.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| contender(line).ok_or_else(|| format!("`{line}` lists no contender"))).collect()
}

fn contender(line: &str) -> Option<Contender> {
    let mut columns = line.split('\t').map(str::to_owned);
    let (name, work, api) = (columns.next()?, columns.next()?, columns.next()?);
    let symbols = columns.next()?.split(',').map(str::to_owned).collect();
    Some(Contender { name, work, api, symbols })
}

/// Counts some of them, one after another.
pub(super) fn of<'a>(
    program: &Path,
    contenders: impl Iterator<Item = &'a Contender>,
) -> Result<Vec<Count<'a>>, String> {
    contenders.map(|contender| count(program, contender)).collect()
}

fn count<'a>(program: &Path, contender: &'a Contender) -> Result<Count<'a>, String> {
    let name = &contender.name;
    let mut valgrind = Command::new("valgrind");
    // From where the function is entered to where it is left, with all that it calls.
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"]);
    valgrind.args(contender.symbols.iter().map(|symbol| format!("--toggle-collect=*::{symbol}")));
    valgrind.arg(program).args(["count", name, "--times", &TIMES.to_string()]);
    let output = valgrind.output().map_err(|error| format!("cannot run valgrind: {error}"))?;
    let output_text = String::from_utf8_lossy(&output.stderr);
    match collected(&output_text) {
        Some(total) if total > 0 && output.status.success() => Ok(Count { contender, total }),
        _ => Err(format!("valgrind counted no instruction of {name}; it says: {output_text}")),
    }
}

/// The sum at the end of what callgrind says.
fn collected(output_text: &str) -> Option<u64> {
    output_text.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok())
}

impl Count<'_> {
    /// Instructions of one run.
    pub(super) fn each(&self) -> String {
        hundredths(self.total, TIMES)
    }

    /// The ratio to another.
    pub(super) fn ratio_to(&self, other: &Count<'_>) -> String {
        hundredths(self.total, other.total)
    }
}

/// A quotient with two digits.
fn hundredths(dividend: u64, divisor: u64) -> String {
    let hundredths = (dividend.saturating_mul(100) + divisor / 2) / divisor.max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
