//! `bench tcp`: instructions of a TCP segment, time and memory of many connections, and time of a SYN.

use std::process::{Command, ExitCode};

use super::counts::{self, Count};
use super::{build, require};
use crate::ChoreResult;

#[derive(Debug, clap::Args)]
pub(crate) struct TcpArguments {
    /// Only count instructions; exit with 1 if a segment takes more instructions than its bound
    #[arg(long)]
    pub(super) gate: bool,
}

/// Maximum number of instructions of each kind of segment: about an eighth above the counts when the bounds were set.
const BOUNDS: [(&str, u64); 6] = [
    ("data_in", 2_750),
    ("segment_out", 3_100),
    ("superframe_out", 3_200),
    ("acknowledgment_in", 3_050),
    ("syn_half_open", 2_700),
    ("syn_cookie", 2_600),
];

pub(super) fn run(arguments: &TcpArguments) -> ChoreResult {
    require("valgrind", "valgrind")?;
    let program = build("tcp")?;
    let contenders = counts::list(&program)?;
    let counts = counts::of(&program, contenders.iter())?;
    println!("{:<31} instructions   bound", "segment");
    for count in &counts {
        let bound = bound(&count.contender.name).map_or("-".to_owned(), |bound| bound.to_string());
        println!("{:<31} {:>12}   {bound:>5}   {}", count.contender.name, count.each(), count.contender.api);
    }
    if arguments.gate {
        let complaints = complaints(&counts);
        for complaint in &complaints {
            eprintln!("xtask: {complaint}");
        }
        return Ok(ExitCode::from(u8::from(!complaints.is_empty())));
    }
    for part in ["many", "syns"] {
        println!();
        let status = Command::new(&program).arg(part).status();
        let status = status.map_err(|error| format!("cannot run {}: {error}", program.display()))?;
        if !status.success() {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn bound(name: &str) -> Option<u64> {
    BOUNDS.iter().find(|(bounded, _)| *bounded == name).map(|(_, bound)| *bound)
}

/// Returns a message for each bound that is exceeded, or that limits nothing.
fn complaints(counts: &[Count<'_>]) -> Vec<String> {
    let complaint = |(name, bound): (&str, u64)| {
        let Some(count) = counts.iter().find(|count| count.contender.name == name) else {
            return Some(format!("no instruction count of {name}"));
        };
        let is_exceeded = count.total > bound.saturating_mul(counts::TIMES);
        is_exceeded.then(|| format!("{name} takes {} instructions; up to {bound} are allowed", count.each()))
    };
    BOUNDS.into_iter().filter_map(complaint).collect()
}

#[cfg(test)]
mod tests;
