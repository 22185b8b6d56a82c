//! The command line.

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::time::Duration;

use arp::{Defence, Policy};
use clap::{ArgGroup, Args, ColorChoice, Parser, Subcommand, ValueEnum};
use ipnet::Ipv4Net;
use link::{MacAddr, VlanId};

use crate::address::{host_network, ip_address, network, range, station_mac, whole};
use crate::arping::ArpingArguments;
use crate::capture::arguments::CaptureArguments;
use crate::completions::CompletionsArguments;
use crate::decode::arguments::DecodeArguments;
use crate::doctor::DoctorArguments;
use crate::man::ManArguments;
use crate::scan::ScanArguments;
use crate::station::arguments::StationArguments;
use crate::tap_command::TapArguments;
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
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// When to print in colour: `auto` on a terminal, unless `NO_COLOR` is set; --json never is
    #[arg(long, value_name = "WHEN", global = true, default_value_t = ColorChoice::Auto)]
    pub(crate) color: ColorChoice,
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

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sudo tapstack host --tap tap0 --address 10.0.0.2/24 --kernel 10.0.0.1/24
  tapstack host --tap tap0 --address 10.0.0.2/24 --no-probe --json | jq .event
  tapstack host --tap tap0 --link-local
  sudo tapstack host -I eth0 --address 192.0.2.9/24
      beside the kernel, on a wire of its own
  tapstack host --tap tap0 --hosts 10.1.0.0/16
      65,536 hosts that answer ARP and ping
  tapstack host --tap tap0 --hosts 10.1.0.0/24@5 --hosts 10.1.1.0/24@6
  kill -USR1 PID
      it prints its translation table
  tapstack host --tap tap0 --address 10.0.0.2/24 --pcap - | wireshark -k -i -

It asks whether anybody has the address before it uses it (RFC 5227), says `ready` 4 to 7 seconds \
later, and announces and defends the address from then on. `ready` comes again for each further \
address that --link-local selects. The hosts of --hosts do not ask, unless --probe says so. Those in \
one VLAN share one translation table, the room for fragments and the limits on ICMP errors: the ways in \
which they differ from separate machines.

With -I we are one station more on the kernel's wire: with hardware and protocol addresses that are not the \
kernel's, and deaf to what is sent to it alone. It is the only one whom we cannot reach: neither hears what \
the other sends on their one interface. A wireless network or a cloud mostly lets no second station pass.

A reader of standard output that goes away, or does not keep up, costs lines, never answers.

Exit codes: 0 stopped by a signal, 1 the address is somebody else's, 2 usage, set-up, permission, or \
the TAP or the interface was deleted.")]
pub(crate) struct HostArguments {
    #[command(flatten)]
    pub(crate) station: StationArguments,
    #[command(flatten)]
    pub(crate) claim: ClaimArguments,
    #[command(flatten)]
    pub(crate) hosts: HostsArguments,
    #[command(flatten)]
    pub(crate) capture: CaptureArguments,
    /// Answer ARP also for the hosts of this range, which must lie beyond our own network (RFC 1027); may
    /// be repeated
    #[arg(long = "proxy", value_name = "ADDRESS/LENGTH", value_parser = range)]
    pub(crate) proxies: Vec<Ipv4Net>,
    /// Whom to enter into the translation table: those who ask for us, whoever speaks to us (as RFC
    /// 826 has it), or whoever speaks
    #[arg(long, value_name = "POLICY", default_value = "cautious")]
    pub(crate) learn: Learn,
    /// IP time to live of replies and errors
    #[arg(long = "ttl", value_name = "TTL", default_value = "64", value_parser = clap::value_parser!(u8).range(1..))]
    pub(crate) time_to_live: u8,
    /// How long an entry lives that nothing confirms, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) arp_timeout: u32,
    /// A neighbour that neither ages nor moves; may be repeated
    #[arg(long = "static", value_name = "IP=MAC", value_parser = neighbour)]
    pub(crate) statics: Vec<(Ipv4Addr, MacAddr)>,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Print no events, only `ready` and the counters
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print every frame too, also those for others, and why io_uring is refused if it is
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sudo tapstack ping --tap tap0 --address 10.0.0.2/24 --kernel 10.0.0.1/24 10.0.0.1
  tapstack ping --tap tap0 --address 10.0.0.2/24 -c 3 -i 0.2 -s 8000 10.0.0.1
  tapstack ping --tap tap0 --address 10.0.0.2/24 --gateway 10.0.0.1 -t 1 192.0.2.1
  tapstack ping --tap tap0 --address 10.0.0.2/24 -c 100 -i 0.01 --json 10.0.0.1 | jq .event
  sudo tapstack ping -I eth0 --address 192.0.2.9/24 -c 3 192.0.2.1

The words are those of iputils. The address is used at once: with --probe we ask first whether \
anybody has it (RFC 5227), and the first request leaves 4 to 7 seconds later.

With -I we are one station more on the kernel's wire, and reach everybody there but that kernel itself.

Ctrl-C, SIGTERM and SIGHUP end it with the statistics, and so does a closed output.

A reply whose data is not the request's is shown, as by iputils (\"wrong data byte #N ...\"), and counted: it is \
no success.

Exit codes: 0 at least one answer, and none with changed data; 1 none, or changed data; 2 usage, set-up, \
permission, no way to the target, or no answer from a wire that was down, lost frames or refused them.")]
pub(crate) struct PingArguments {
    /// Whom to ask
    #[arg(value_parser = ip_address)]
    pub(crate) target: Ipv4Addr,
    #[command(flatten)]
    pub(crate) station: StationArguments,
    #[command(flatten)]
    pub(crate) capture: CaptureArguments,
    /// Our address, and the length of the network's prefix or its netmask
    #[arg(long, value_name = "ADDRESS/LENGTH", value_parser = host_network)]
    pub(crate) address: Ipv4Net,
    /// Ask first whether anybody has our address; without this it is used at once
    #[arg(long)]
    pub(crate) probe: bool,
    /// How many requests to send [default: until Ctrl-C]
    #[arg(short, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// From one request to the next, in seconds: 0.001 at least
    #[arg(short, value_name = "S", default_value = "1", value_parser = seconds)]
    pub(crate) interval: Duration,
    /// How much data a request carries, in octets; below 16 no times are printed, as iputils has none then
    #[arg(short, value_name = "SIZE", default_value = "56", value_parser = clap::value_parser!(u16).range(..=65_507))]
    pub(crate) size: u16,
    /// How long to wait after the last request if nothing was answered, in seconds; otherwise it is two
    /// round trips, and the interval at least
    #[arg(short = 'W', value_name = "S", default_value = "10", value_parser = seconds)]
    pub(crate) patience: Duration,
    /// How many hops a request may take
    #[arg(short, value_name = "TTL", default_value = "64", value_parser = clap::value_parser!(u8).range(1..))]
    pub(crate) time_to_live: u8,
    /// Print only the first line and the statistics
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Print one JSON object a line; times are in nanoseconds
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which address is ours, and how it is claimed.
#[derive(Debug, Args)]
// spec: rfc3927-one-scope
#[command(group(ArgGroup::new("ours").required(true).args(["address", "link_local", "hosts"])))]
pub(crate) struct ClaimArguments {
    /// Our address, and the length of the network's prefix or its netmask
    #[arg(long, value_name = "ADDRESS/LENGTH", value_parser = host_network)]
    pub(crate) address: Option<Ipv4Net>,
    /// Select an address of our own in 169.254.0.0/16, and another whenever it is lost (RFC 3927)
    #[arg(long, conflicts_with_all = ["no_probe", "announce", "gateway", "routes"])]
    pub(crate) link_local: bool,
    /// Use the address at once, without a word: neither ask whether anybody has it nor announce it
    #[arg(long)]
    pub(crate) no_probe: bool,
    /// Announce the address at the start although it is not probed for, so that others with the same
    /// address hear of it; after probing it always is announced
    #[arg(long)]
    pub(crate) announce: bool,
    /// What to do when somebody else uses the address: give it up, announce it once and give it up if
    /// that does not help, or announce it for ever, every 10 seconds at most [default: always; once for
    /// --link-local, which allows no always]
    #[arg(long, value_name = "POLICY")]
    pub(crate) defend: Option<Defend>,
}

/// Hosts for all addresses of a range.
#[derive(Debug, Args)]
pub(crate) struct HostsArguments {
    /// Be a host for each address of this range, each with a hardware address of its own, perhaps in a
    /// VLAN; may be repeated. The range is no network: without --gateway or --route every destination
    /// is on the wire, and none but 255.255.255.255 is broadcast
    #[arg(long, value_name = "ADDRESS/LENGTH[@VLAN]", value_parser = hosts, conflicts_with_all = ["vlan", "mac"])]
    pub(crate) hosts: Vec<Hosts>,
    /// The hardware address of the first of --hosts; the others follow one by one [default: locally
    /// administered, derived from machine and interface]
    #[arg(long, value_name = "MAC", value_parser = station_mac, requires = "hosts", conflicts_with_all = ["address", "link_local"])]
    pub(crate) mac_base: Option<MacAddr>,
    /// Ask for each address of --hosts whether anybody has it, before any is used
    #[arg(long, requires = "hosts", conflicts_with_all = ["address", "link_local", "no_probe"])]
    pub(crate) probe: bool,
}

/// A range of hosts, and the VLAN they are in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hosts {
    pub(crate) range: Ipv4Net,
    pub(crate) vlan: Option<VlanId>,
}

impl Hosts {
    /// The prefix length of the largest range.
    const SHORTEST: u8 = 8;
}

/// The policies of `--learn`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Learn {
    Cautious,
    Rfc826,
    Permissive,
}

impl From<Learn> for Policy {
    fn from(learn: Learn) -> Policy {
        match learn {
            Learn::Cautious => Policy::Cautious,
            Learn::Rfc826 => Policy::Rfc826,
            Learn::Permissive => Policy::Permissive,
        }
    }
}

/// The policies of `--defend`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Defend {
    Cease,
    Once,
    Always,
}

impl From<Defend> for Defence {
    fn from(defend: Defend) -> Defence {
        match defend {
            Defend::Cease => Defence::Cease,
            Defend::Once => Defence::Once,
            Defend::Always => Defence::Always,
        }
    }
}

/// Reads a range of hosts.
fn hosts(text: &str) -> Result<Hosts, String> {
    let (range, vlan) = match text.split_once('@') {
        None => (text, None),
        Some((range, vlan)) => (range, Some(vlan)),
    };
    if range.contains('-') {
        return Err("a range FIRST-LAST is not supported here; expected CIDR, e.g. 10.1.0.0/16".to_owned());
    }
    let range = network(range)?;
    let vlan = vlan.map(|vlan| vlan.parse().map_err(|_| "the VLAN must be from 1 to 4094".to_owned()));
    let vlan = vlan.transpose()?;
    if range.prefix_len() < Hosts::SHORTEST {
        let bits = 32 - range.prefix_len();
        return Err(format!(
            "too many hosts: 2^{bits}, and at most 2^24 are possible, a /{}",
            Hosts::SHORTEST
        ));
    }
    whole(range).map(|range| Hosts { range, vlan })
}

/// Reads a time in seconds.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let parsed = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let bounds = Duration::from_millis(1)..=Duration::from_hours(24);
    parsed
        .filter(|time| bounds.contains(time))
        .ok_or_else(|| "seconds are wanted, from 0.001 to 86400, such as 0.2".to_owned())
}

/// Reads a static neighbour.
fn neighbour(text: &str) -> Result<(Ipv4Addr, MacAddr), String> {
    let (protocol, hardware) = text
        .split_once('=')
        .ok_or("expected an IP address and a MAC address, e.g. 10.0.0.1=02:00:00:00:00:01")?;
    Ok((ip_address(protocol)?, station_mac(hardware)?))
}
