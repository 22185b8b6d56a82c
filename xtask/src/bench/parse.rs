//! `bench parse`: instructions and times of reading, building and rewriting ARP frames.

mod code;
mod gate;

use std::path::Path;
use std::process::{Command, ExitCode};

use super::counts::{self, Contender, Count};
use super::{build, require};
use crate::ChoreResult;

#[derive(Debug, clap::Args)]
pub(crate) struct ParseArguments {
    /// Only count instructions and inspect the object code; exit with 1 if a function of tapstack exceeds its bound on
    /// instructions, calls a function or can panic
    #[arg(long)]
    pub(super) gate: bool,
}

pub(super) fn run(arguments: &ParseArguments) -> ChoreResult {
    require("valgrind", "valgrind")?;
    if arguments.gate {
        require("objdump", "binutils")?;
    }
    let program = build("parse")?;
    if !run_program(Command::new(&program).arg("check"))? {
        return Ok(ExitCode::from(1));
    }
    println!();
    let contenders = counts::list(&program)?;
    if arguments.gate {
        return gate_counts(&program, &contenders);
    }
    print(&counts::of(&program, contenders.iter())?);
    run_program(Command::new(&program).arg("time"))?;
    Ok(ExitCode::SUCCESS)
}

/// Checks the functions of tapstack against their bounds.
fn gate_counts(program: &Path, contenders: &[Contender]) -> ChoreResult {
    let bounded = contenders.iter().filter(|contender| gate::concerns(&contender.name));
    let counts = counts::of(program, bounded)?;
    print(&counts);
    let complaints = gate::complaints(&counts, &code::disassemble(program)?);
    for complaint in &complaints {
        eprintln!("xtask: {complaint}");
    }
    if complaints.is_empty() {
        println!("no bound exceeded, no call found");
    }
    Ok(ExitCode::from(u8::from(!complaints.is_empty())))
}

/// Prints the instruction count of each contender, and its ratio to the first contender of the same kind of work.
fn print(counts: &[Count<'_>]) {
    for works in counts.chunk_by(|one, next| one.contender.work == next.contender.work) {
        let Some(cast) = works.first() else { continue };
        println!("{:<31} instructions   ratio to cast", cast.contender.work);
        for count in works {
            let Contender { name, api, .. } = count.contender;
            println!("{name:<31} {:>12}   {:>13}   {api}", count.each(), count.ratio_to(cast));
        }
        println!();
    }
}

/// Runs a program to its end and returns whether it succeeded.
fn run_program(command: &mut Command) -> Result<bool, String> {
    let status = command.status().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    Ok(status.success())
}
