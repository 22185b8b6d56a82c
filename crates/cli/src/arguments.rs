//! The command line: its commands, and the arguments of the small ones. It imports no command, only the files in which the
//! others keep their arguments.

use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};

use crate::arping::arguments::ArpingArguments;
use crate::decode::arguments::DecodeArguments;
use crate::host_command::arguments::HostArguments;
use crate::lab::arguments::LabArguments;
use crate::ping::arguments::PingArguments;
use crate::scan::arguments::ScanArguments;
use crate::tap_command::arguments::TapArguments;
use crate::watch::arguments::WatchArguments;

/// A host of our own on a real wire: a user-space network stack that answers from a TAP.
///
/// Without a command it runs `lab`: it makes a network namespace, puts a host into it that exists
/// only in this program, lets the Linux kernel talk to it, and shows every frame.
#[derive(Debug, Parser)]
#[command(
    name = "tapstack",
    version,
    after_help = "\
Examples:
  tapstack
      the kernel learns our address, frame by frame
  tapstack lab -- bash
      a playground with our host at 10.0.0.2
  tapstack host --tap tap0 --address 10.0.0.2/24
      serve until Ctrl-C
  tapstack ping --tap tap0 --address 10.0.0.2/24 10.0.0.1
  tapstack arping -I eth0 -c 3 10.0.0.1
      who has it, and how soon does it answer?
  tapstack scan -I eth0 10.0.0.0/24
      who is there, and who made the hardware?
  tapstack watch -I eth0
      who is there, who moved, who is in conflict
  tapstack decode --explain arp.pcap
      what is in a capture, and what is wrong with it
  sudo tapstack tap create tap0 --address 10.0.0.1/24
  tapstack doctor
      what this machine allows, and what mends the rest

Exit codes: 0 yes, 1 a negative answer, 2 usage, set-up or permission. Without a command they are those of \
`lab`: where no namespace or TAP can be made, the exchange is shown on an embedded wire, and the code is 2."
)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// When to print in colour: `auto` on a terminal, unless `NO_COLOR` is set; --json never is
    #[arg(long, value_name = "WHEN", global = true, default_value_t = ColorChoice::Auto)]
    pub(crate) color: ColorChoice,
    /// Print times in UTC, not in the local time zone (`TZ`)
    #[arg(long, global = true)]
    pub(crate) utc: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show our host and the kernel on a wire of their own, or run a command beside them
    Lab(LabArguments),
    /// Be a host on a TAP or an interface until SIGINT, SIGTERM or SIGHUP, then print the counters
    Host(HostArguments),
    /// Ask a host for an answer, from our own stack through a TAP or an interface
    Ping(PingArguments),
    /// Ask who has an address, or whether it is free, or announce it: by ARP, from an interface or a TAP
    Arping(ArpingArguments),
    /// Ask for all addresses of networks and ranges who is there: by ARP, from an interface or a TAP
    Scan(ScanArguments),
    /// Hear who is there and what changes, and ask nothing: on an interface, a TAP, or in a capture
    Watch(WatchArguments),
    /// Print the frames of a capture: in tcpdump's words, as JSON, or drawn and explained
    Decode(DecodeArguments),
    /// Make, delete and list TAPs that outlive the program
    Tap(TapArguments),
    /// Check what this machine allows, and say what mends the rest
    Doctor(DoctorArguments),
    /// Print what a shell needs to complete our words
    Completions(CompletionsArguments),
    /// Print a manual page
    Man(ManArguments),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapstack doctor
      a line for each check, and below it what mends it
  tapstack doctor --json | jq -r 'select(.fix).fix'
      only the commands to paste
  sudo tapstack doctor
      the same of what root may do

It changes nothing: what it has to try, it tries in a network namespace that ends with it.

`ok` works, `warn` does not and is not needed by everything, `bad` does not and is, `skip` could not be \
tried.

Exit codes: 0 all that is needed works, 1 something needed does not, 2 it could not be checked.")]
pub(crate) struct DoctorArguments {
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapstack completions bash > ~/.local/share/bash-completion/completions/tapstack
  tapstack completions zsh > \"${fpath[1]}/_tapstack\"
  tapstack completions fish > ~/.config/fish/completions/tapstack.fish
  source <(tapstack completions bash)               for this shell alone

Exit codes: 0 printed, 2 usage, or it could not be written.")]
pub(crate) struct CompletionsArguments {
    /// The shell
    pub(crate) shell: SupportedShell,
}

/// The shells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SupportedShell {
    Bash,
    Zsh,
    Fish,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapstack man host | man -l -
  tapstack man tap create | man -l -
  tapstack man > ~/.local/share/man/man1/tapstack.1
  tapstack man --list
      the pages there are, by their files' names

Exit codes: 0 printed, 2 usage, there is no such command, or it could not be written.")]
pub(crate) struct ManArguments {
    /// The command whose page it is, such as `tap create` [default: tapstack's own]
    #[arg(conflicts_with = "list")]
    pub(crate) command: Vec<String>,
    /// List the pages there are, each with the command that it is for
    #[arg(long)]
    pub(crate) list: bool,
}
