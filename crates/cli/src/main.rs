//! The program `tapstack`: a user-space IPv4 stack and ARP tools.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
