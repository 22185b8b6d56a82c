//! Measures the TCP of tapstack without a device: instructions of a segment, time and memory among many connections, and the
//! time of a SYN with a forged source.
#![forbid(unsafe_code)]

mod many;
mod peers;
mod syns;
mod work;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use peers::Peers;
use syns::SynWork;
use work::Work;

/// Count the instructions of a TCP segment, and measure time and memory of many connections, and the time of a SYN
#[derive(Debug, Parser)]
#[command(name = "tcp")]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the name, work, library call and symbols of each kind of segment
    List,
    /// Process one kind of segment a number of times, for a tool that counts instructions
    Count {
        name: String,
        #[arg(long, default_value_t = 10_000)]
        times: usize,
    },
    /// Measure the time of a SYN with a forged source, and of its answer
    Syns,
    /// Measure the time of a segment and the memory of a connection among 10 connections to a million
    Many {
        /// Largest number of connections
        #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
        connections: u32,
    },
}

fn main() -> ExitCode {
    let done = match CommandLine::parse().command {
        Command::List => {
            for work in Work::ALL {
                println!("{}\tsegment\t{}\t{}", work.name(), work.api(), work.symbols());
            }
            for work in SynWork::ALL {
                println!("{}\tsegment\tHost::receive\tsyn_in", work.name());
            }
            Ok(())
        }
        Command::Syns => {
            println!("SYN            ns per SYN and its answer");
            SynWork::ALL.into_iter().try_for_each(SynWork::measure)
        }
        Command::Count { name, times } => count(&name, times),
        Command::Many { connections } => many::measure(connections),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("tcp: {message}");
            ExitCode::from(2)
        }
    }
}

/// Number of connections among which the instructions are counted.
const FEW: u32 = 10;
/// Number of segments of each connection before the first that is counted.
const WARM_UP: usize = 100;

fn count(name: &str, times: usize) -> Result<(), String> {
    if let Some(work) = SynWork::ALL.into_iter().find(|work| work.name() == name) {
        return work.count(times);
    }
    let work = Work::ALL.into_iter().find(|work| work.name() == name);
    let work = work.ok_or_else(|| format!("unknown segment `{name}` (see `tcp list`)"))?;
    let mut peers = Peers::new(FEW)?;
    peers.open()?;
    for _ in 0..WARM_UP {
        (0..FEW).try_for_each(|number| peers.exchange(number))?;
        (0..FEW).try_for_each(|number| work.run(&mut peers, number, false))?;
    }
    for (_, number) in (0..times).zip((0..FEW).cycle()) {
        work.run(&mut peers, number, true)?;
    }
    Ok(())
}
