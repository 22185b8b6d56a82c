//! Reads, builds and rewrites ARP frames with tapstack, an unsafe cast, smoltcp, etherparse and pnet.

mod check;
mod contenders;
mod frames;
mod run;
mod symbols;
mod time;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use contenders::ALL;

/// Read, build and rewrite ARP frames with tapstack, an unsafe cast, smoltcp, etherparse and pnet
#[derive(Debug, Parser)]
#[command(name = "parse")]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the name, work, library call and symbols of each contender
    List,
    /// Check that all contenders agree with the cast; exit with 1 if one differs
    Check,
    /// Run one contender a number of times, for a tool that counts instructions
    Count {
        name: String,
        #[arg(long, default_value_t = 10_000)]
        times: usize,
    },
    /// Measure all contenders in alternation, and print times and ratios to the cast
    Time {
        /// Number of time slices per contender
        #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(10..))]
        rounds: u32,
    },
}

fn main() -> ExitCode {
    match CommandLine::parse().command {
        Command::List => {
            for contender in ALL {
                let symbols = symbols::of(contender).join(",");
                println!("{}\t{}\t{}\t{symbols}", contender.name, contender.work.name(), contender.api);
            }
        }
        Command::Check => return check(),
        Command::Count { name, times } => {
            let Some(contender) = ALL.iter().find(|contender| contender.name == name) else {
                eprintln!("parse: unknown contender `{name}` (see `parse list`)");
                return ExitCode::from(2);
            };
            run::of(contender.work)(times);
        }
        Command::Time { rounds } => time::all(rounds.try_into().unwrap_or(usize::MAX)),
    }
    ExitCode::SUCCESS
}

fn check() -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for (contender, compared) in check::all() {
        match compared {
            Ok(on) => println!("{:<31} {on}", contender.name),
            Err(difference) => {
                eprintln!("parse: {} differs from the cast: {difference}", contender.name);
                code = ExitCode::from(1);
            }
        }
    }
    code
}
