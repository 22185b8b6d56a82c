//! The example of the README, run beside the kernel.
// A trial may panic: that is how it fails. Each has the shape of a `Case`.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unnecessary_wraps)]

#[path = "../../../tap/tests/harness/mod.rs"]
mod harness;

use std::io::{BufRead, BufReader};
use std::process::{ExitCode, Stdio};

use harness::lab::{kernel_knows, kernel_sends};
use harness::{Case, Outcome, Trials, program};
use tap::linux::{Interface, PersistentTap};

const CASES: &[Case] = &[("the_example_answers_the_kernel", the_example_answers_the_kernel)];

fn main() -> ExitCode {
    // Test binaries lie in `deps`, examples beside it.
    let opened = std::env::current_exe().and_then(|program| {
        let target = program.parent().and_then(|deps| deps.parent()).unwrap_or(&program);
        program::open(target.join("examples/answer"))
    });
    if let Err(error) = opened {
        eprintln!("no example `answer`: {error}; `cargo build -p host --examples`");
        return ExitCode::FAILURE;
    }
    harness::main(Trials { cases: CASES, refused: &[], unprivileged: &[] })
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
    let mut example = program::command(&[]).stdout(Stdio::piped()).spawn()?;
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
