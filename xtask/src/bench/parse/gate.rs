//! Bounds on the instructions of tapstack's functions for ARP packets, and checks of their object code for calls and
//! panics.

use super::code::{Code, Function};
use crate::bench::counts::Count;

/// Upper bound of a function, as a percentage of the instructions of an unsafe cast that does the same work.
struct Bound {
    function: &'static str,
    cast: &'static str,
    percent: u64,
}

const BOUNDS: [Bound; 4] = [
    Bound { function: "read_layered", cast: "read_cast", percent: 102 },
    Bound { function: "read_view", cast: "read_cast", percent: 70 },
    Bound { function: "build_fields", cast: "build_cast", percent: 105 },
    Bound { function: "rewrite_answer", cast: "rewrite_cast", percent: 105 },
];

/// Parts of the names of functions that panic.
const PANICS: [&str; 3] = ["panic", "unwrap_failed", "expect_failed"];

/// Returns whether a bound exists for this function, or relates to this function as the cast.
pub(super) fn concerns(name: &str) -> bool {
    BOUNDS.iter().any(|bound| name == bound.function || name == bound.cast)
}

/// Returns a message for each exceeded bound and for each instruction that leaves its function.
pub(super) fn complaints(counts: &[Count<'_>], code: &Code) -> Vec<String> {
    BOUNDS.iter().flat_map(|bound| bound.complaints(counts, code)).collect()
}

impl Bound {
    fn complaints(&self, counts: &[Count<'_>], code: &Code) -> Vec<String> {
        let count_of = |name| counts.iter().find(|count| count.contender.name == name);
        let (Some(function), Some(cast)) = (count_of(self.function), count_of(self.cast)) else {
            return vec![format!("no instruction counts of both {} and {}", self.function, self.cast)];
        };
        let mut complaints = Vec::new();
        if function.total.saturating_mul(100) > cast.total.saturating_mul(self.percent) {
            complaints.push(format!(
                "{} takes {} instructions, {} times the {} of {}; up to {}.{:02} times are allowed",
                self.function,
                function.each(),
                function.ratio_to(cast),
                cast.each(),
                self.cast,
                self.percent / 100,
                self.percent % 100,
            ));
        }
        match function.contender.symbols.iter().find_map(|symbol| code.get(symbol)) {
            Some(function) => complaints.extend(self.leaving_instructions(function)),
            None => {
                complaints.push(format!("cannot check {}: not in the object code", self.function));
            }
        }
        complaints
    }

    /// Returns a message for each instruction that leaves the function.
    fn leaving_instructions(&self, function: &Function) -> Vec<String> {
        let lines = function.instructions.iter();
        let complaints = lines.filter_map(|line| {
            let what = leaving(line, &function.symbol)?;
            Some(format!("{} {what}: `{}`", self.function, instruction(line)))
        });
        complaints.collect()
    }
}

/// Returns how an instruction leaves its function, or `None` if it stays in the function.
fn leaving(line: &str, symbol: &str) -> Option<&'static str> {
    let (operation, target) = (instruction(line).split_whitespace().next()?, target(line));
    if PANICS.iter().any(|word| target.is_some_and(|target| target.contains(word))) {
        Some("can panic")
    } else if operation.starts_with("call") || matches!(operation, "bl" | "blr") {
        Some("contains a call")
    } else if operation.starts_with('j') && target.is_some_and(|target| target != symbol) {
        Some("ends in a call")
    } else {
        None
    }
}

/// Returns the instruction of a line, without the address.
fn instruction(line: &str) -> &str {
    line.split_once(":\t").map_or(line, |(_, instruction)| instruction).trim()
}

/// Returns the name of the function that a line refers to, without the offset.
fn target(line: &str) -> Option<&str> {
    let (_, target) = line.split_once('<')?;
    let target = target.strip_suffix('>').unwrap_or(target);
    Some(target.rsplit_once("+0x").map_or(target, |(function, _)| function))
}

#[cfg(test)]
mod tests;
