//! Measures replies and TCP over a wire: tapstack compared with a lower bound and with peers, in one run. See `--help`.
#![forbid(unsafe_code)]

mod contender;
mod cpu;
mod drain;
mod engine;
mod flood;
mod flow;
mod generator;
mod goals;
mod grid;
mod gso_blaster;
mod handshakes;
mod kernel_engine;
mod kernel_tcp;
mod latency;
mod load;
mod measure;
mod netlink;
mod network;
mod options;
mod pattern;
mod plot;
mod report;
mod rounds;
mod running;
mod segments;
mod smoltcp_engine;
mod smoltcp_sockets;
mod stats;
mod stream;
mod swap;
mod tapstack_engine;
mod traffic;
mod udp_socket;
mod write;

use std::process::ExitCode;

use clap::Parser;

use options::Options;

fn main() -> ExitCode {
    let options = Options::parse();
    let done = write::prepare(&options)
        .and_then(|()| measure::run(&options))
        .and_then(|report| write::all(&report, &options));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("wire: {message}");
            ExitCode::from(2)
        }
    }
}
