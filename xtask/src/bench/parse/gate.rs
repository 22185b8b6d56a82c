//! What ours may take, and what may not be in them.

use super::code::{Code, Function};
use super::counts::Count;

/// A function of ours, the cast that it stands beside, and how many hundredths of the cast's
/// instructions it may take.
struct Bound {
    ours: &'static str,
    cast: &'static str,
    percent: u64,
}

const BOUNDS: [Bound; 4] = [
    Bound { ours: "read_layered", cast: "read_cast", percent: 102 },
    Bound { ours: "read_view", cast: "read_cast", percent: 70 },
    Bound { ours: "build_fields", cast: "build_cast", percent: 105 },
    Bound { ours: "rewrite_answer", cast: "rewrite_cast", percent: 105 },
];

/// Words in the names of functions that panic.
const PANICS: [&str; 3] = ["panic", "unwrap_failed", "expect_failed"];

/// Whether anything is asked of this function, or of another beside it.
pub(super) fn concerns(name: &str) -> bool {
    BOUNDS.iter().any(|bound| name == bound.ours || name == bound.cast)
}

/// Returns a complaint for each bound that is not kept.
pub(super) fn complaints(counts: &[Count<'_>], code: &Code) -> Vec<String> {
    BOUNDS.iter().flat_map(|bound| bound.complaints(counts, code)).collect()
}

impl Bound {
    fn complaints(&self, counts: &[Count<'_>], code: &Code) -> Vec<String> {
        let count_of = |name| counts.iter().find(|count| count.contender.name == name);
        let (Some(ours), Some(cast)) = (count_of(self.ours), count_of(self.cast)) else {
            return vec![format!("{} and {} were not both counted", self.ours, self.cast)];
        };
        let mut complaints = Vec::new();
        if ours.total.saturating_mul(100) > cast.total.saturating_mul(self.percent) {
            complaints.push(format!(
                "{} takes {} instructions, {} of the {} of {}; {}.{:02} are allowed",
                self.ours,
                ours.each(),
                ours.ratio_to(cast),
                cast.each(),
                self.cast,
                self.percent / 100,
                self.percent % 100,
            ));
        }
        match ours.contender.symbols.iter().find_map(|symbol| code.get(symbol)) {
            Some(function) => complaints.extend(self.leaving_instructions(function)),
            None => {
                complaints.push(format!("{} is not in the object code; it must be, to be judged", self.ours));
            }
        }
        complaints
    }

    /// Returns a complaint for each place where the function is left.
    fn leaving_instructions(&self, function: &Function) -> Vec<String> {
        let lines = function.instructions.iter();
        let complaints = lines.filter_map(|line| {
            let what = leaving(line, &function.symbol)?;
            Some(format!("{} {what}, `{}`; none is allowed", self.ours, instruction(line)))
        });
        complaints.collect()
    }
}

/// How a line of a function leaves it, if it does.
fn leaving(line: &str, symbol: &str) -> Option<&'static str> {
    let (operation, target) = (instruction(line).split_whitespace().next()?, target(line));
    if PANICS.iter().any(|word| target.is_some_and(|target| target.contains(word))) {
        Some("can panic")
    } else if operation.starts_with("call") || matches!(operation, "bl" | "blr") {
        Some("holds a call")
    } else if operation.starts_with('j') && target.is_some_and(|target| target != symbol) {
        Some("ends in a call")
    } else {
        None
    }
}

/// The instruction of a line, without its address.
fn instruction(line: &str) -> &str {
    line.split_once(":\t").map_or(line, |(_, instruction)| instruction).trim()
}

/// The function that a line names, without the place in it.
fn target(line: &str) -> Option<&str> {
    let (_, target) = line.split_once('<')?;
    let target = target.strip_suffix('>').unwrap_or(target);
    Some(target.rsplit_once("+0x").map_or(target, |(function, _)| function))
}

#[cfg(test)]
mod tests;
