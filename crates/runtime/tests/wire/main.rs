//! Wire tests of the event loop, with the Linux kernel as the peer.
#![allow(clippy::disallowed_types, reason = "tests start programs and read their output")]
// A test fails by panicking. Each has the type of a `Case`.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unnecessary_wraps)]

mod calls;
mod links;
mod listener;

use std::error::Error;
use std::process::ExitCode;

use tap::linux::{Io, Tap};
use testbed::WireTests;

fn main() -> ExitCode {
    let cases = [calls::CASES, links::CASES, listener::CASES].concat();
    testbed::main(WireTests { cases: &cases, refused: &[], unprivileged: &[] })
}

/// Opens a TAP with this I/O method and brings the interface up. The kernel has the address 10.0.0.1/24 on this
/// interface.
fn wire_with(io: Io) -> Result<Tap, Box<dyn Error>> {
    let tap = Tap::options().io(io).open("tap%d")?;
    tap.interface().add_address("10.0.0.1/24".parse()?)?;
    tap.interface().set_up(true)?;
    Ok(tap)
}
