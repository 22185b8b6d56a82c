//! The example of the README, run beside the kernel.
// A trial may panic: that is how it fails. Each has the shape of a `Case`.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unnecessary_wraps)]

#[path = "../../../tap/tests/harness/mod.rs"]
mod harness;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::AsRawFd;
use std::process::{Command, ExitCode, Stdio};
use std::sync::OnceLock;

use harness::lab::{kernel_knows, kernel_sends};
use harness::{Case, Outcome};
use tap::linux::{Interface, PersistentTap};

/// The example, opened while this process may still read where it lies.
static EXAMPLE: OnceLock<File> = OnceLock::new();

const CASES: &[Case] = &[("the_example_answers_the_kernel", the_example_answers_the_kernel)];

fn main() -> ExitCode {
    // Test binaries lie in `deps`, examples beside it.
    let opened = std::env::current_exe().and_then(|program| {
        let target = program.parent().and_then(|deps| deps.parent()).unwrap_or(&program);
        File::open(target.join("examples/answer"))
    });
    match opened {
        Ok(file) => EXAMPLE.get_or_init(|| file),
        Err(error) => {
            eprintln!("no example `answer`: {error}; `cargo build -p host --examples`");
            return ExitCode::FAILURE;
        }
    };
    harness::main(CASES, &[])
}

fn the_example_answers_the_kernel() -> Outcome {
    let tap = PersistentTap {
        name: "tap0".parse()?,
        owner: None,
        group: None,
        mtu: None,
        address: Some("10.0.0.1/24".parse()?),
    };
    tap.create()?;
    let fd = EXAMPLE.get().ok_or("the example")?.as_raw_fd();
    let mut example = Command::new(format!("/proc/self/fd/{fd}")).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    // Kept until the end: the example prints what it learns.
    let mut out = BufReader::new(example.stdout.take().ok_or("standard output")?);
    out.read_line(&mut line)?;

    let ours = [10, 0, 0, 2].into();
    kernel_sends(ours, b"hello")?;
    let entry = kernel_knows(&Interface::named(&tap.name)?, ours);
    example.kill()?;
    example.wait()?;
    PersistentTap::delete(&tap.name)?;
    let hardware = line.trim().strip_prefix("10.0.0.2 is at ").ok_or(line.clone())?.to_owned();
    assert!(entry?.to_string().contains(&hardware));
    Ok(())
}
