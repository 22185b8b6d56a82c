//! Tests of the binary `tapstack` on real network interfaces.
#![allow(clippy::disallowed_types, reason = "tests start programs and read their output")]
// A failed test panics. All tests have the signature of a `Case`.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unnecessary_wraps)]

mod arping;
mod capture;
mod claims;
mod common;
mod connections;
mod control;
mod decode;
mod doctor;
mod ending;
mod exit_codes;
mod hardware_type;
mod host;
mod hosts;
mod interface;
mod io_modes;
mod lab;
mod line_rate;
mod mtu;
mod nc;
mod nc_streams;
mod offload_frames;
mod offloads;
mod ping;
mod replay;
mod running;
mod scan;
mod scan_results;
mod screen;
mod services;
mod ss;
mod systemd;
mod tap_command;
mod verdicts;
mod watch;
mod watch_interfaces;

use std::process::ExitCode;

use testbed::WireTests;

fn main() -> ExitCode {
    if let Err(error) = testbed::program::open(env!("CARGO_BIN_EXE_tapstack")) {
        eprintln!("cannot open the program under test: {error}");
        return ExitCode::FAILURE;
    }
    if let Err(error) = replay::read_pages() {
        eprintln!("cannot read the pages with commands to replay: {error}");
        return ExitCode::FAILURE;
    }
    let cases = [
        arping::CASES,
        hardware_type::CASES,
        capture::CASES,
        io_modes::CASES,
        claims::CASES,
        exit_codes::CASES,
        doctor::CASES,
        decode::CASES,
        ending::CASES,
        host::CASES,
        hosts::CASES,
        interface::CASES,
        lab::CASES,
        line_rate::CASES,
        common::CASES,
        connections::CASES,
        control::CASES,
        mtu::CASES,
        nc::CASES,
        nc_streams::CASES,
        offload_frames::CASES,
        offloads::CASES,
        ping::CASES,
        replay::CASES,
        scan::CASES,
        scan_results::CASES,
        screen::CASES,
        services::CASES,
        ss::CASES,
        systemd::CASES,
        tap_command::CASES,
        verdicts::CASES,
        watch::CASES,
        watch_interfaces::CASES,
    ]
    .concat();
    let unprivileged = [
        arping::UNPRIVILEGED,
        doctor::UNPRIVILEGED,
        host::UNPRIVILEGED,
        interface::UNPRIVILEGED,
        scan::UNPRIVILEGED,
        tap_command::UNPRIVILEGED,
        watch::UNPRIVILEGED,
    ]
    .concat();
    let refused = [doctor::REFUSED, lab::REFUSED].concat();
    testbed::main(WireTests { cases: &cases, refused: &refused, unprivileged: &unprivileged })
}
