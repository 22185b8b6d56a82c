//! The command line of `tapstack watch`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};
use ipnet::Ipv4Net;
use link::VlanId;
use tap::linux::InterfaceName;

use crate::recorder::CaptureArguments;
use crate::values::host_network;
use crate::values::seconds;

#[derive(Debug, Args)]
// Each is a switch of its own on the command line; and a terminal shows backticks as they are.
#[allow(clippy::struct_excessive_bools, clippy::doc_markdown)]
#[command(
    group(ArgGroup::new("source").required(true).args(["interface", "tap", "file"])),
    after_help = "\
Examples:
  sudo tapstack watch -I eth0
      who is there: a live table
  sudo tapstack watch -I eth0 --plain | tee arp.log
      a line for each change
  sudo tapstack watch -I eth0 -w 60 --fail-on conflict
      does anybody share an address?
  tapstack watch --tap tap0 --address 10.0.0.2/24
      as a host of our own, which hears its kernel
  tapstack watch arp.pcap
      the table at the end of a capture
  tcpdump -i eth0 -U -w - arp | tapstack watch - --json | jq .event

It hears ARP and says nothing: new addresses, those that moved to another hardware address, probes, \
announcements, silence. Two hardware addresses that answer one request, an address that comes back within a \
second from where it moved, or that moves three times within a minute of each other, are a conflict; a \
failover and the way back are two moves. (A Linux machine with two cards on one wire answers with both, and is \
in conflict with itself, unless its net.ipv4.conf.all.arp_ignore is 1.) What repeats is told again after five \
minutes. An address is quiet after five minutes without ARP from it, and gone after an hour; whoever is there \
and has nothing to ask is quiet too. Beyond 65,536 addresses those that are gone are dropped, then those that \
one packet alone has claimed; if there are none, further ones are turned away. All is counted.

A switch passes on what is sent to all and to us: two that share an address are heard if both speak to all.

In the table: arrows, j, k, PgUp and PgDn scroll, s sorts, p pauses, ? explains, q or Ctrl-C quits. SIGINT, \
SIGTERM and SIGHUP end it with the statistics, and so does a closed output. Times are local, or UTC with --utc.

Exit codes: 0 ended, and there was no conflict or none was to fail on; 1 a conflict with --fail-on conflict; \
2 it could not watch: usage, permission, no such interface or file, it is down, it vanished, it was down or \
without a carrier all the time, packets of a file were omitted; with --fail-on also if no conflict was seen and \
not everything could be received: it was down for a time, frames were dropped or cut short, or there were too \
many addresses."
)]
pub(crate) struct WatchArguments {
    /// A capture, pcap or pcapng, instead of a wire; - is standard input
    #[arg(conflicts_with = "path")]
    pub(crate) file: Option<PathBuf>,
    /// The interface to hear, which the kernel uses too (that takes CAP_NET_RAW)
    #[arg(short = 'I', long, value_name = "NAME")]
    pub(crate) interface: Option<InterfaceName>,
    /// A TAP to hear, as its reader: attached to if it exists, made if not (that takes CAP_NET_ADMIN)
    #[arg(long, value_name = "NAME")]
    pub(crate) tap: Option<InterfaceName>,
    /// Be a host with this address on the TAP, and the length of the network's prefix; without it nobody
    /// answers there
    #[arg(long, value_name = "ADDRESS/LENGTH", value_parser = host_network, conflicts_with_all = ["interface", "file"])]
    pub(crate) address: Option<Ipv4Net>,
    /// Give the kernel's side of the TAP this address, also on one that exists (that takes CAP_NET_ADMIN
    /// unless it has it already)
    #[arg(long, value_name = "ADDRESS/LENGTH", value_parser = host_network, conflicts_with_all = ["interface", "file"])]
    pub(crate) kernel: Option<Ipv4Net>,
    /// Hear this VLAN alone; without it, all of them and what has no tag
    #[arg(long, value_name = "1..4094")]
    pub(crate) vlan: Option<VlanId>,
    #[command(flatten)]
    pub(crate) capture: CaptureArguments,
    /// End with 1 if there is one: on a wire and from a pipe at the first, of a file when it is read
    #[arg(long, value_name = "WHAT")]
    pub(crate) fail_on: Option<FailOn>,
    /// How long to watch at most, in seconds
    #[arg(short = 'w', long, value_name = "S", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) deadline: Option<Duration>,
    /// Print a line for each event, as is done anyway where standard output is no terminal
    #[arg(long)]
    pub(crate) plain: bool,
    /// Print one JSON object a line; times are in nanoseconds since 1970
    #[arg(long, conflicts_with = "plain")]
    pub(crate) json: bool,
    /// Print nothing but errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// What `--fail-on` fails on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Conflict,
}

impl WatchArguments {
    /// What is watched, in a word.
    pub(super) fn name(&self) -> String {
        match (&self.file, self.interface.as_ref().or(self.tap.as_ref())) {
            (Some(file), _) => file.display().to_string(),
            (None, Some(name)) => name.to_string(),
            (None, None) => String::new(),
        }
    }
}
