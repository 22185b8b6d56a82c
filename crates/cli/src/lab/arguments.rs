//! The command line of `tapstack lab`.

use std::ffi::OsString;

use clap::Args;

use crate::recorder::CaptureArguments;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapstack lab
      the exchange, then the kernel's neighbour entry
  tapstack lab -- arping -c 3 10.0.0.2
      any command, inside, with our host at 10.0.0.2
  tapstack lab -v -- bash
      a playground; frames go to standard error
  tapstack lab --cable
      two hosts of ours, no kernel, no privilege
  tapstack lab --pcap lab.pcapng
      the exchange for Wireshark, with what was decided

Exit codes: 0 the kernel's entry holds our address, 1 it does not, 2 set-up failed; \
with a command, the command's own (128 + the signal that ended it), 127 if there is no such command, 126 if it \
cannot be run; with --cable, 0 the second host's entry holds our address, 1 it does not.")]
pub(crate) struct LabArguments {
    /// Show the exchange on an embedded wire between two hosts of ours, without the kernel
    #[arg(long, conflicts_with_all = ["verbose", "command"])]
    pub(crate) cable: bool,
    /// Print frames and events to standard error while the command runs
    #[arg(short, long, requires = "command")]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) capture: CaptureArguments,
    /// A command to run inside the namespace, with the kernel at 10.0.0.1 and our host at 10.0.0.2; for an ordinary
    /// user `tcpdump` takes `-Z root` there
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}
