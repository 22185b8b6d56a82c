//! The command line of `tapstack lab`.

use std::ffi::OsString;

use clap::Args;

use crate::help;
use crate::recorder::CaptureArguments;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapstack lab
      ARP, a ping and an HTTP request between the kernel and the host
  tapstack lab -- arping -c 3 10.0.0.2
      any command, in a namespace with a host at 10.0.0.2
  tapstack lab -- curl http://10.0.0.2/
      the page of the host
  tapstack lab -v -- bash
      a shell; frames are printed to standard error
  tapstack lab --cable
      two emulated hosts, without the kernel and without privileges
  tapstack lab --pcap lab.pcapng
      the exchange for Wireshark

The lab is a network namespace with a TAP that connects the kernel at 10.0.0.1 and an emulated host at 10.0.0.2. The \
host serves a page on TCP port 80. The namespace ends with the command. Without root, tcpdump \
fails in the namespace, because it cannot change its user ID. Use `tapstack lab --pcap FILE` or tshark.

Exit codes: 0 the peer resolved the address of the host and received an echo reply and the page, 1 it did not, 2 setup error; with COMMAND \
the exit code of COMMAND, or 128 plus the signal that ended it, 126 if it cannot be run, 127 if it is not found.")]
pub(crate) struct LabArguments {
    /// Connect two emulated hosts by a cable in memory, without the kernel
    #[arg(long, conflicts_with_all = ["verbose", "command"], help_heading = help::INTERFACE)]
    pub(crate) cable: bool,
    /// Print frames and events to standard error while the command runs
    #[arg(short, long, requires = "command", help_heading = help::OUTPUT, display_order = help::VERBOSE)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) capture: CaptureArguments,
    /// Command to run in the namespace, with its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}
