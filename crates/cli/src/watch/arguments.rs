//! The command line of `tapstack watch`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter};
use ipnet::Ipv4Net;
use link::VlanId;
use tap::linux::InterfaceName;

use crate::complete;
use crate::help;
use crate::recorder::CaptureArguments;
use crate::values::{host_network, interface_name, seconds, tap_name, vlan};

#[derive(Debug, Args)]
// Each bool is an independent option. A terminal does not format backticks.
#[allow(clippy::struct_excessive_bools, clippy::doc_markdown)]
#[command(
    group(ArgGroup::new("source").required(true).args(["interface", "tap", "file"])),
    after_help = "\
Examples:
  sudo tapstack watch -I eth0
      a live table of hosts
  sudo tapstack watch -I eth0 --plain | tee arp.log
      a line for each event
  sudo tapstack watch -I eth0 -w 60 --fail-on conflict
      fails if two hosts share an address
  tapstack watch --tap tap0 --address 10.0.0.2/24
      as an emulated host that answers the kernel
  tapstack watch arp.pcap
      the table at the end of a capture
  tcpdump -i eth0 -U -w - arp | tapstack watch - --json | jq .event

Without --address, watch sends nothing. It reports new IP addresses, addresses that moved to another MAC address, \
addresses that are gone, ARP probes and announcements.

A conflict is reported when two MAC addresses answer one request. A conflict is also reported when an address moves back \
within a second, or moves three times with less than a minute between moves. A failover and the return are two moves. A Linux machine with two \
interfaces on one network conflicts with itself unless net.ipv4.conf.all.arp_ignore is 1. A repeated event is \
reported again after five minutes.

An address is `quiet` after five minutes without ARP, and `gone` after an hour. The table holds up to 65,536 \
addresses. To add another address, watch evicts an address that is gone, or else an address that only one packet has \
claimed. Evicted and rejected addresses are counted.

On a switched network, watch receives broadcasts, multicasts and frames to this interface. Two hosts that share an address are \
detected only if watch receives frames of both: broadcasts, or replies to this interface.

Keys: arrows, j, k, PgUp and PgDn scroll, s sorts, p pauses, ? shows help, q or Ctrl-C quits.

Exit codes: 0 no conflict, or no --fail-on; 1 a conflict with --fail-on conflict; 2 usage, permission or setup error, \
interface down or deleted, packets of a capture omitted; with --fail-on also if frames or addresses were missed."
)]
pub(crate) struct WatchArguments {
    /// Capture to read instead of an interface, pcap or pcapng, also compressed with gzip or zstd; `-` is standard input
    #[arg(conflicts_with = "path", add = ArgValueCompleter::new(complete::captures()))]
    pub(crate) file: Option<PathBuf>,
    /// Interface to monitor, shared with the kernel (needs CAP_NET_RAW)
    #[arg(
        short = 'I', long, value_name = "NAME", value_parser = interface_name, help_heading = help::INTERFACE,
        add = ArgValueCandidates::new(complete::interfaces)
    )]
    pub(crate) interface: Option<InterfaceName>,
    /// TAP to monitor; created if missing (needs CAP_NET_ADMIN)
    #[arg(
        long, value_name = "NAME", value_parser = tap_name, help_heading = help::INTERFACE,
        add = ArgValueCandidates::new(complete::taps_of_machine)
    )]
    pub(crate) tap: Option<InterfaceName>,
    /// IP address of the kernel on the TAP, added if missing (needs CAP_NET_ADMIN)
    #[arg(
        long, value_name = "IP/PREFIX", value_parser = host_network, conflicts_with_all = ["interface", "file"],
        help_heading = help::INTERFACE
    )]
    pub(crate) kernel: Option<Ipv4Net>,
    /// VLAN to monitor, from 1 to 4094 [default: all VLANs and untagged frames]
    #[arg(long, value_name = "VLAN", value_parser = vlan, help_heading = help::INTERFACE)]
    pub(crate) vlan: Option<VlanId>,
    /// IP address of an emulated host on the TAP, with prefix length [default: no host]
    #[arg(
        long, value_name = "IP/PREFIX", value_parser = host_network, conflicts_with_all = ["interface", "file"],
        help_heading = help::ADDRESSES
    )]
    pub(crate) address: Option<Ipv4Net>,
    /// Event that ends watch with exit code 1: immediately, or at the end of a capture file
    #[arg(long, value_name = "EVENT", help_heading = help::CONFLICTS)]
    pub(crate) fail_on: Option<FailOn>,
    /// Time limit, in seconds
    #[arg(
        short = 'w', long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true,
        help_heading = help::OUTPUT
    )]
    pub(crate) deadline: Option<Duration>,
    #[command(flatten)]
    pub(crate) capture: CaptureArguments,
    /// Print a line for each event [default: if standard output is not a terminal]
    #[arg(long, help_heading = help::OUTPUT)]
    pub(crate) plain: bool,
    /// Print one JSON object per line
    #[arg(long, conflicts_with = "plain", help_heading = help::OUTPUT, display_order = help::JSON)]
    pub(crate) json: bool,
    /// Print errors only
    #[arg(short, long, help_heading = help::OUTPUT, display_order = help::QUIET)]
    pub(crate) quiet: bool,
}

/// Values of `--fail-on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Conflict,
}

impl WatchArguments {
    /// Returns the name of the file or the interface.
    pub(super) fn name(&self) -> String {
        match (&self.file, self.interface.as_ref().or(self.tap.as_ref())) {
            (Some(file), _) => file.display().to_string(),
            (None, Some(name)) => name.to_string(),
            (None, None) => String::new(),
        }
    }
}
