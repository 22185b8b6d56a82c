//! Wire tests of the TAP driver and of packet sockets, with the Linux kernel as the peer.
#![allow(clippy::disallowed_types, reason = "tests start programs and read their output")]
// A test fails by panicking. Each has the type of a `Case`.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unnecessary_wraps)]

mod driver;
mod kernel_side;
mod launching;
mod link_monitor;
mod namespace;
mod offload;
mod packet_socket;
mod persistent;
mod ring;
mod veth;

use std::process::ExitCode;

use testbed::WireTests;

fn main() -> ExitCode {
    let cases = [
        driver::CASES,
        kernel_side::CASES,
        launching::CASES,
        link_monitor::CASES,
        namespace::CASES,
        offload::CASES,
        packet_socket::CASES,
        persistent::CASES,
        ring::CASES,
        veth::CASES,
    ]
    .concat();
    let unprivileged = [
        driver::UNPRIVILEGED,
        launching::UNPRIVILEGED,
        link_monitor::UNPRIVILEGED,
        namespace::UNPRIVILEGED,
        packet_socket::UNPRIVILEGED,
    ]
    .concat();
    testbed::main(WireTests { cases: &cases, refused: driver::REFUSED, unprivileged: &unprivileged })
}
