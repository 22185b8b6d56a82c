//! The command line: all commands, and the arguments of the commands `doctor`, `completions` and `man`.
//!
//! This module imports the arguments of the other commands, not the commands.

use clap::{Args, ColorChoice, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::arping::arguments::ArpingArguments;
use crate::decode::arguments::DecodeArguments;
use crate::help;
use crate::host_command::arguments::HostArguments;
use crate::ip_command::arguments::IpArguments;
use crate::lab::arguments::LabArguments;
use crate::nc::arguments::NcArguments;
use crate::ping::arguments::PingArguments;
use crate::scan::arguments::ScanArguments;
use crate::ss_command::arguments::SsArguments;
use crate::tap_command::arguments::TapArguments;
use crate::watch::arguments::WatchArguments;

/// Emulate hosts on a network, and test, scan, monitor and decode ARP
#[derive(Debug, Parser)]
#[command(
    name = "tapstack",
    version,
    after_help = "\
Examples:
  tapstack
      an ARP exchange with the kernel, frame by frame
  tapstack lab -- bash
      a shell in a network namespace with a host at 10.0.0.2
  tapstack host --tap tap0 --address 10.0.0.2/24
      a host that answers ARP and ping, until Ctrl-C
  tapstack ping --tap tap0 --address 10.0.0.2/24 10.0.0.1
      a ping that does not use the kernel's IP stack
  echo hello | tapstack nc -u --tap tap0 -s 10.0.0.2/24 -q 1 10.0.0.1 7
      a UDP datagram, and the replies of one second
  sudo tapstack arping -I eth0 -c 3 10.0.0.1
      the MAC address of 10.0.0.1, and its response times
  sudo tapstack scan -I eth0 10.0.0.0/24
      the hosts of a network, and their vendors
  sudo tapstack watch -I eth0
      a live table of hosts, moves and address conflicts
  tapstack decode --explain arp.pcap
      every field of a capture, with errors explained
  tapstack ip neigh
      the ARP cache of a running host
  sudo tapstack tap create tap0 --address 10.0.0.1/24
      a TAP that this user can attach to
  tapstack doctor
      what works on this machine, and how to fix the rest

Without a command, tapstack runs `lab`. If no network namespace or TAP can be created, tapstack shows the \
exchange on a cable in memory, and exits with 2.

Exit codes: 0 success, 1 negative result, 2 usage, permission or setup error."
)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// When to use colors; JSON is never colored, and `auto` honors `NO_COLOR`
    #[arg(
        long, value_name = "WHEN", global = true, default_value_t = ColorChoice::Auto,
        help_heading = help::OUTPUT, display_order = help::COLOR
    )]
    pub(crate) color: ColorChoice,
    /// Print times in UTC, not in the local time zone (TZ)
    #[arg(long, global = true, help_heading = help::OUTPUT, display_order = help::UTC)]
    pub(crate) utc: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show how the kernel adds an emulated host to its ARP cache, or run a command in a namespace with one
    Lab(LabArguments),
    /// Emulate hosts that answer ARP requests and pings, and serve UDP and TCP
    Host(HostArguments),
    /// Ping a host without the kernel's IP stack
    Ping(PingArguments),
    /// Exchange data over TCP or UDP without the kernel's IP stack
    Nc(NcArguments),
    /// Send ARP requests or gratuitous ARP, or detect duplicate addresses
    Arping(ArpingArguments),
    /// Scan networks and ranges for hosts, using ARP
    Scan(ScanArguments),
    /// Monitor ARP passively: new hosts, moved addresses, address conflicts
    Watch(WatchArguments),
    /// Decode a capture: like tcpdump, as JSON, or with every field explained
    Decode(DecodeArguments),
    /// Show and change neighbors and addresses of a running host
    Ip(IpArguments),
    /// Show the sockets of a running host
    Ss(SsArguments),
    /// Create, delete and list persistent TAPs
    Tap(TapArguments),
    /// Check what tapstack can use on this machine, and print how to fix the rest
    Doctor(DoctorArguments),
    /// Generate shell completions
    Completions(CompletionsArguments),
    /// Print a manual page
    Man(ManArguments),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapstack doctor
      a line for each check, and the command that fixes it
  sudo tapstack doctor
      the same checks as root
  tapstack doctor --json | jq -r 'select(.fix).fix'
      only the commands that fix a check

doctor changes nothing: it tests TAPs in a temporary network namespace.

Each check is `ok`, `warn` (unavailable, needed by some commands), `fail` (unavailable, needed by \
`lab` or by every command that uses a TAP), or `skip` (cannot be tested).

Exit codes: 0 no required check failed, 1 a required check failed, 2 a required check was skipped.")]
pub(crate) struct DoctorArguments {
    /// Print one JSON object per line
    #[arg(long, help_heading = help::OUTPUT, display_order = help::JSON)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  source <(tapstack completions bash)
      for this shell only
  tapstack completions bash > ~/.local/share/bash-completion/completions/tapstack
  tapstack completions zsh > \"${fpath[1]}/_tapstack\"
  tapstack completions fish > ~/.config/fish/completions/tapstack.fish

The script asks tapstack for candidates: interfaces and TAPs of this machine, commands, captures. Generate the \
script again after an update of tapstack.

Exit codes: 0 printed, 2 usage or output error.")]
pub(crate) struct CompletionsArguments {
    /// Shell to generate completions for
    pub(crate) shell: SupportedShell,
}

/// Shells with completions.
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
      the page of a command
  tapstack man tap create | man -l -
  tapstack man > ~/.local/share/man/man1/tapstack.1
      installs the main page
  tapstack man --list
      the file names of all pages, and their commands

Pages are in roff format, which man(1) reads.

Exit codes: 0 printed, 2 usage error, unknown command or output error.")]
pub(crate) struct ManArguments {
    /// Command to print the page of, e.g. `tap create` [default: tapstack]
    #[arg(conflicts_with = "list", add = ArgValueCandidates::new(commands))]
    pub(crate) command: Vec<String>,
    /// List all pages: file name, tab, command
    #[arg(long, help_heading = help::OUTPUT)]
    pub(crate) list: bool,
}

/// Returns the names of the commands.
fn commands() -> Vec<CompletionCandidate> {
    CommandLine::command()
        .get_subcommands()
        .map(|command| CompletionCandidate::new(command.get_name()))
        .collect()
}

#[cfg(test)]
mod tests;
