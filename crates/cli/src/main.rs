//! The program `tapstack`: a user-space TCP/IP stack and ARP tools.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
