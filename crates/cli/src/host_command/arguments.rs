//! The command line of `tapstack host`.

use std::net::Ipv4Addr;

use arp::{Defense, LearningPolicy};
use clap::{ArgGroup, Args, ValueEnum};
use ipnet::Ipv4Net;
use link::{MacAddr, VlanId};

use crate::error_message::ErrorMessage;
use crate::recorder::CaptureArguments;
use crate::station::arguments::StationArguments;
use crate::values::{check_host_bits, host_network, ip_address, network, number, range, station_mac};

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
    pub(crate) learn: LearnPolicy,
    /// IP time to live of replies and errors
    #[arg(long = "ttl", value_name = "TTL", default_value = "64", value_parser = number(1_u8..=255), allow_negative_numbers = true)]
    pub(crate) time_to_live: u8,
    /// How long an entry lives that nothing confirms, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = number(1_u32..), allow_negative_numbers = true)]
    pub(crate) arp_timeout: u32,
    /// A neighbour that neither ages nor moves; may be repeated
    #[arg(long = "static", value_name = "IP=MAC", value_parser = static_entry)]
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
    pub(crate) defend: Option<DefendPolicy>,
}

/// Hosts for all addresses of a range.
#[derive(Debug, Args)]
pub(crate) struct HostsArguments {
    /// Be a host for each address of this range, each with a hardware address of its own, perhaps in a
    /// VLAN; may be repeated. The range is no network: without --gateway or --route every destination
    /// is on the wire, and none but 255.255.255.255 is broadcast
    #[arg(long, value_name = "ADDRESS/LENGTH[@VLAN]", value_parser = host_range, conflicts_with_all = ["vlan", "mac"])]
    pub(crate) hosts: Vec<HostRange>,
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
pub(crate) struct HostRange {
    pub(crate) range: Ipv4Net,
    pub(crate) vlan: Option<VlanId>,
}

impl HostRange {
    /// The prefix length of the largest range.
    const MIN_PREFIX: u8 = 8;
}

/// The policies of `--learn`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LearnPolicy {
    Cautious,
    Rfc826,
    Permissive,
}

impl From<LearnPolicy> for LearningPolicy {
    fn from(learn: LearnPolicy) -> LearningPolicy {
        match learn {
            LearnPolicy::Cautious => LearningPolicy::Cautious,
            LearnPolicy::Rfc826 => LearningPolicy::Rfc826,
            LearnPolicy::Permissive => LearningPolicy::Permissive,
        }
    }
}

/// The policies of `--defend`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum DefendPolicy {
    Cease,
    Once,
    Always,
}

impl From<DefendPolicy> for Defense {
    fn from(defend: DefendPolicy) -> Defense {
        match defend {
            DefendPolicy::Cease => Defense::Cease,
            DefendPolicy::Once => Defense::Once,
            DefendPolicy::Always => Defense::Always,
        }
    }
}

/// Parses a range of hosts and its VLAN.
fn host_range(text: &str) -> Result<HostRange, ErrorMessage> {
    let (range, vlan) = match text.split_once('@') {
        None => (text, None),
        Some((range, vlan)) => (range, Some(vlan)),
    };
    if range.contains('-') {
        return Err(
            ErrorMessage::new("ranges FIRST-LAST are not supported here").hint("use e.g. 10.1.0.0/16")
        );
    }
    let range = network(range)?;
    let vlan =
        vlan.map(|vlan| vlan.parse().map_err(|_| ErrorMessage::new("the VLAN must be from 1 to 4094")));
    let vlan = vlan.transpose()?;
    if range.prefix_len() < HostRange::MIN_PREFIX {
        let bits = 32 - range.prefix_len();
        return Err(ErrorMessage::new(format!("2^{bits} hosts are too many"))
            .hint(format!("use ranges of at most a /{}", HostRange::MIN_PREFIX)));
    }
    check_host_bits(range).map(|range| HostRange { range, vlan })
}

/// Parses a static entry of the ARP cache.
fn static_entry(text: &str) -> Result<(Ipv4Addr, MacAddr), ErrorMessage> {
    let (ip, mac) = text.split_once('=').ok_or_else(|| {
        ErrorMessage::new("expected an IP address and a MAC address")
            .hint("use e.g. 10.0.0.1=02:00:00:00:00:01")
    })?;
    Ok((ip_address(ip)?, station_mac(mac)?))
}
