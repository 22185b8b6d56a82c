//! `conform`: a running host put to the question from outside.
//!
//! The suite shares no code with the stack: it builds its frames octet by octet, sends them from a
//! packet socket beside the kernel, and compares what comes back.

mod arp;
mod ethernet;
mod frames;
mod tools;
mod wire;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};

use ipnet::Ipv4Net;
use tap::linux::{Interface, Namespace};

use crate::Outcome;
use frames::{KERNEL, OUR_MAC, OURS, mac};
use wire::Wire;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
It makes a network namespace, starts `tapstack host` in it, and touches nothing else.

Exit codes: 0 all passed, 1 a case failed, 2 the wire or the program could not be had.")]
pub(crate) struct Arguments {
    /// The program to question [default: the workspace's own, built now]
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
    /// A further `arping` to run; may be repeated (Debian's two packages exclude each other)
    #[arg(long, value_name = "PATH")]
    arping: Vec<PathBuf>,
}

/// One question: what it asks, which rule it asks about, and how.
struct Case {
    name: &'static str,
    rule: &'static str,
    run: fn(&mut Wire) -> Result<(), String>,
}

/// How a case ended.
enum Verdict {
    Passed,
    Failed(String),
    Skipped(String),
}

/// What the cases came to.
#[derive(Default)]
struct Tally {
    passed: u32,
    failed: u32,
    skipped: u32,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let program = match &arguments.program {
        Some(path) => {
            path.canonicalize().map_err(|error| format!("no program {}: {error}", path.display()))?
        }
        None => build()?,
    };
    Namespace::enter().map_err(|error| error.to_string())?;
    let mut host = start(&program)?;
    let questioned = question(&mut host, arguments);
    // Killed already or not, it is over with.
    let _ = host.kill();
    let _ = host.wait();
    let mut tally = questioned?;
    tools::errors(&program, &mut tally);
    println!("{} passed, {} failed, {} skipped", tally.passed, tally.failed, tally.skipped);
    Ok(ExitCode::from(u8::from(tally.failed > 0)))
}

/// Builds the workspace's own binary, and tells where it lies.
fn build() -> Result<PathBuf, String> {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "cli"])
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !status.success() {
        return Err("`cargo build --package cli` failed".to_owned());
    }
    // This binary lies beside the one just built.
    let program = std::env::current_exe().map_err(|error| format!("cannot find myself: {error}"))?;
    Ok(program.with_file_name("tapstack"))
}

/// Starts the host, and returns once it says that it can answer.
fn start(program: &PathBuf) -> Result<Child, String> {
    let failed = |error| format!("cannot run {}: {error}", program.display());
    let mut host = Command::new(program)
        .args(["host", "--quiet", "--no-probe", "--tap", "tap0", "--address", &format!("{OURS}/24")])
        .args(["--kernel", &format!("{KERNEL}/24"), "--mac", &mac(OUR_MAC)])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let out = host.stdout.take().ok_or("the host has no standard output")?;
    let mut ready = String::new();
    BufReader::new(out).read_line(&mut ready).map_err(failed)?;
    if ready.starts_with("ready ") {
        return Ok(host);
    }
    // It may have ended already.
    let _ = host.kill();
    let status = host.wait().map_err(failed)?;
    Err(format!("{} did not say `ready` ({status})", program.display()))
}

fn question(host: &mut Child, arguments: &Arguments) -> Result<Tally, String> {
    let name = "tap0".parse().map_err(|error| format!("{error}"))?;
    let interface = Interface::named(&name).map_err(|error| format!("no interface: {error}"))?;
    let kernel = interface.address().map_err(|error| error.to_string())?;
    if kernel != Ipv4Net::new(KERNEL, 24).ok() {
        return Err(format!("the kernel's side has the address {kernel:?}"));
    }
    let mut wire = Wire::open(&name)?;
    let mut tally = Tally::default();
    for case in ethernet::CASES.iter().chain(arp::CASES) {
        let verdict = (case.run)(&mut wire).map_or_else(Verdict::Failed, |()| Verdict::Passed);
        tally.enter(case.name, case.rule, verdict);
    }
    tools::peers(&interface, &arguments.arping, &mut tally);
    if host.try_wait().is_ok_and(|ended| ended.is_some()) {
        tally.enter("the host lives on", "all of them", Verdict::Failed("it has ended".to_owned()));
    }
    Ok(tally)
}

impl Tally {
    /// Counts a case and prints its line.
    fn enter(&mut self, name: &str, rule: &str, verdict: Verdict) {
        match verdict {
            Verdict::Passed => {
                self.passed += 1;
                println!("ok    {name} [{rule}]");
            }
            Verdict::Failed(reason) => {
                self.failed += 1;
                println!("FAIL  {name} [{rule}]: {reason}");
            }
            Verdict::Skipped(reason) => {
                self.skipped += 1;
                println!("skip  {name} [{rule}]: {reason}");
            }
        }
    }
}
