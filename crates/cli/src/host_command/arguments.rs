//! The command line of `tapstack host`.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use arp::{Defense, LearningPolicy};
use clap::{ArgGroup, Args, ValueEnum};
use clap_complete::engine::ArgValueCandidates;
use ipnet::{Ipv4Net, Ipv4Subnets};
use link::{MacAddr, VlanId};

use crate::error_message::ErrorMessage;
use crate::help;
use crate::host_command::service_port::{ServicePort, service_names, service_port};
use crate::recorder::CaptureArguments;
use crate::station::arguments::{PerformanceArguments, StationArguments};
use crate::tcp_arguments::CongestionAlgorithm;
use crate::values::{address_range, host_network, ip_address, number, range, special_kind, station_mac};

#[derive(Debug, Args)]
// Each flag is independent of the others.
#[allow(clippy::struct_excessive_bools)]
#[command(after_help = "\
Examples:
  sudo tapstack host --tap tap0 --address 10.0.0.2/24 --kernel 10.0.0.1/24
      one host, and the kernel's address on the TAP
  tapstack host --tap tap0 --address 10.0.0.2/24 --no-probe --json | jq .event
      one host, ready immediately, with events as JSON
  tapstack host --tap tap0 --link-local
      one host that selects its address in 169.254.0.0/16
  sudo tapstack host -I eth0 --address 192.0.2.9/24
      an additional host on the network of eth0
  tapstack host --tap tap0 --hosts 10.1.0.0/16
      65,536 hosts that answer ARP and ping
  tapstack host --tap tap0 --hosts 10.1.0.1-10.1.3.232
      1,000 hosts: the range may also have a first and a last address
  tapstack host --tap tap0 --hosts 10.1.0.0/24@5 --hosts 10.1.1.0/24@6
      256 hosts in each of two VLANs
  tapstack host --tap tap0 --hosts 10.1.0.0/16 --serve echo,chargen:1900
      65,536 hosts with echo on port 7 and chargen on 1900, over UDP and TCP
  tapstack host --tap tap0 --address 10.0.0.2/24 --serve http:8080=/srv/www
      one host with the files of a directory on TCP port 8080
  tapstack host --tap tap0 --address 10.0.0.2/24 --pcap - | wireshark -k -i -
      all frames in Wireshark
  kill -USR1 PID
      prints the ARP cache of a running host

A host probes for duplicates before it uses its address (RFC 5227), which takes 4 to 7 seconds. Then the host \
announces and defends its address, and `ready` is printed. With --link-local, `ready` is printed for each selected \
address. The hosts of --hosts do not probe unless --probe is given.

The hosts of --hosts in one VLAN share one ARP cache, the capacity for fragments and the rate limits of ICMP errors. \
--hosts implies no subnet: without --gateway or --route, all destinations are on-link, and only 255.255.255.255 is a \
broadcast address.

--serve starts the services of RFC 862, 863, 864 and 867 over UDP and TCP, and an HTTP server over TCP. Over UDP, the \
services do not receive broadcasts, and send no reply to the port of a service that replies, because two services would \
answer each other without end. Use --serve only on test networks: a datagram with a forged source makes chargen send up \
to 512 bytes to that source, and http makes all files of its directory public.

With -I, the hosts have MAC and IP addresses in addition to the kernel's. The hosts reach every station except the \
local kernel, which does not receive frames sent on its own interface. Most wireless and cloud networks drop frames of \
additional MAC addresses.

A slow reader of standard output loses lines, but does not delay replies.

Exit codes: 0 ended by a signal, 1 another host has the address, 2 usage, permission or setup error, or the interface \
was deleted.")]
pub(crate) struct HostArguments {
    #[command(flatten)]
    pub(crate) station: StationArguments,
    #[command(flatten)]
    pub(crate) claim: ClaimArguments,
    #[command(flatten)]
    pub(crate) hosts: HostsArguments,
    /// Which senders to add to the ARP cache: `cautious` (requests for a local address), `rfc826` (any packet to a
    /// local address) or `permissive` (any packet)
    #[arg(
        long, value_name = "POLICY", default_value = "cautious", hide_possible_values = true,
        help_heading = help::ARP
    )]
    pub(crate) learn: LearnPolicy,
    /// Lifetime of an unconfirmed ARP cache entry, in seconds
    #[arg(
        long, value_name = "SECONDS", default_value = "60", value_parser = number(1_u32..),
        allow_negative_numbers = true, help_heading = help::ARP
    )]
    pub(crate) arp_timeout: u32,
    /// Static ARP cache entry; may be repeated
    #[arg(long = "static", value_name = "IP=MAC", value_parser = static_entry, help_heading = help::ARP)]
    pub(crate) statics: Vec<(Ipv4Addr, MacAddr)>,
    /// Range outside the local network for which to answer ARP requests: proxy ARP (RFC 1027); may be repeated
    #[arg(long = "proxy", value_name = "IP/PREFIX", value_parser = range, help_heading = help::ARP)]
    pub(crate) proxies: Vec<Ipv4Net>,
    /// Time to live of replies and errors, from 1 to 255
    #[arg(
        long = "ttl", value_name = "TTL", default_value = "64", value_parser = number(1_u8..=255),
        allow_negative_numbers = true, help_heading = help::IP
    )]
    pub(crate) time_to_live: u8,
    /// Services on all addresses, separated by commas: `echo` (port 7), `discard` (9), `daytime` (13) and `chargen` (19)
    /// over UDP and TCP; `http` (80) over TCP, with a status page, or with the files of a directory: `http=DIRECTORY`
    #[arg(
        long, value_name = "SERVICE[:PORT]", value_delimiter = ',', value_parser = service_port, help_heading = help::SERVICES,
        add = ArgValueCandidates::new(service_names)
    )]
    pub(crate) serve: Vec<ServicePort>,
    /// Congestion control of TCP connections: `none` only on a network without other traffic
    #[arg(long, value_name = "ALGORITHM", value_enum, default_value_t, requires = "serve", help_heading = help::TCP)]
    pub(crate) congestion: CongestionAlgorithm,
    /// Do not use explicit congestion notification (RFC 3168) in TCP connections, even if the peer asks for it
    #[arg(long, requires = "serve", help_heading = help::TCP)]
    pub(crate) no_ecn: bool,
    /// Spread the data of TCP connections over the round trip, instead of sending it in bursts
    #[arg(long, requires = "serve", help_heading = help::TCP)]
    pub(crate) pacing: bool,
    #[command(flatten)]
    pub(crate) performance: PerformanceArguments,
    #[command(flatten)]
    pub(crate) capture: CaptureArguments,
    /// Print one JSON object per line
    #[arg(long, help_heading = help::OUTPUT, display_order = help::JSON)]
    pub(crate) json: bool,
    /// Print only `ready` and the counters
    #[arg(short, long, conflicts_with = "verbose", help_heading = help::OUTPUT, display_order = help::QUIET)]
    pub(crate) quiet: bool,
    /// Print every frame too, and why io_uring is not used
    #[arg(short, long, help_heading = help::OUTPUT, display_order = help::VERBOSE)]
    pub(crate) verbose: bool,
}

/// The address of one host, and how it claims the address.
#[derive(Debug, Args)]
// spec: rfc3927-one-scope
#[command(group(ArgGroup::new("host_addresses").required(true).args(["address", "link_local", "hosts"])))]
pub(crate) struct ClaimArguments {
    /// IP address of the host, with prefix length or netmask
    #[arg(long, value_name = "IP/PREFIX", value_parser = host_network, help_heading = help::ADDRESSES)]
    pub(crate) address: Option<Ipv4Net>,
    /// Select an address in 169.254.0.0/16, and another one after a conflict (RFC 3927)
    #[arg(
        long, conflicts_with_all = ["no_probe", "announce", "gateways", "routes"], help_heading = help::ADDRESSES
    )]
    pub(crate) link_local: bool,
    /// Use the address immediately: no duplicate address detection, no announcement
    #[arg(long, help_heading = help::CONFLICTS)]
    pub(crate) no_probe: bool,
    /// Announce the address at the start without a probe (gratuitous ARP); after a probe the address is always announced
    #[arg(long, help_heading = help::CONFLICTS)]
    pub(crate) announce: bool,
    /// Reaction when another host uses the address: `cease` (give up the address), `once` (announce the address, give it
    /// up after a second conflict within 10 seconds) or `always` (announce the address, at most every 10 seconds) [default: always; once with --link-local]
    #[arg(long, value_name = "POLICY", hide_possible_values = true, help_heading = help::CONFLICTS)]
    pub(crate) defend: Option<DefendPolicy>,
}

/// One host for each address of a range.
#[derive(Debug, Args)]
pub(crate) struct HostsArguments {
    /// Range of IP addresses with one host each, e.g. 10.1.0.0/16 or 10.1.0.1-9, optionally in a VLAN; may be repeated
    #[arg(
        long, value_name = "RANGE[@VLAN]", value_parser = host_range, conflicts_with_all = ["vlan", "mac"],
        help_heading = help::ADDRESSES
    )]
    pub(super) hosts: Vec<HostRange>,
    /// MAC address of the first host of --hosts; the MAC addresses of the other hosts follow [default: locally administered, derived from
    /// machine and interface]
    #[arg(
        long, value_name = "MAC", value_parser = station_mac, requires = "hosts",
        conflicts_with_all = ["address", "link_local"], help_heading = help::ADDRESSES, display_order = help::MAC_BASE
    )]
    pub(crate) mac_base: Option<MacAddr>,
    /// Probe for each address of --hosts before any address is used
    #[arg(
        long, requires = "hosts", conflicts_with_all = ["address", "link_local", "no_probe"],
        help_heading = help::CONFLICTS, display_order = 1
    )]
    pub(crate) probe: bool,
}

/// The hosts of one option `--hosts`.
#[derive(Clone, Debug)]
pub(super) struct HostRange {
    /// The value of the option.
    pub(super) text: String,
    pub(super) addresses: RangeInclusive<Ipv4Addr>,
    pub(super) vlan: Option<VlanId>,
}

impl HostRange {
    /// Maximum number of hosts.
    const MAX_HOSTS: u64 = 1 << 24;

    /// Returns the number of hosts.
    pub(super) fn count(&self) -> u64 {
        let (first, last) = (self.addresses.start().to_bits(), self.addresses.end().to_bits());
        u64::from(last - first) + 1
    }

    /// Returns the networks with exactly the addresses of this range.
    pub(super) fn networks(&self) -> impl Iterator<Item = Ipv4Net> {
        Ipv4Subnets::new(*self.addresses.start(), *self.addresses.end(), 0)
    }

    /// Returns whether a host of both ranges would have the same address in the same VLAN.
    pub(super) fn overlaps(&self, other: &HostRange) -> bool {
        self.vlan == other.vlan
            && self.addresses.start() <= other.addresses.end()
            && other.addresses.start() <= self.addresses.end()
    }
}

/// Values of `--learn`.
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

/// Values of `--defend`.
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
    let (addresses, vlan) = match text.split_once('@') {
        None => (text, None),
        Some((addresses, vlan)) => (addresses, Some(vlan)),
    };
    let addresses = match addresses.split_once('-') {
        None => {
            let network = range(addresses)?;
            network.network()..=network.broadcast()
        }
        Some((first, last)) => address_range(first, last)?,
    };
    let vlan =
        vlan.map(|vlan| vlan.parse().map_err(|_| ErrorMessage::new("expected a VLAN ID from 1 to 4094")));
    let hosts = HostRange { text: text.to_owned(), addresses, vlan: vlan.transpose()? };
    let count = hosts.count();
    if count > HostRange::MAX_HOSTS {
        return Err(ErrorMessage::new(format!("range of {count} hosts (maximum {})", HostRange::MAX_HOSTS))
            .hint("use e.g. 10.0.0.0/8"));
    }
    for address in hosts.networks().map(|network| network.addr()) {
        if let Some(kind) = special_kind(address) {
            return Err(ErrorMessage::new(format!("{address} is {kind}"))
                .hint("use a range of host addresses, e.g. 10.1.0.0/16"));
        }
    }
    Ok(hosts)
}

/// Parses a static entry of the ARP cache.
fn static_entry(text: &str) -> Result<(Ipv4Addr, MacAddr), ErrorMessage> {
    let (ip, mac) = text.split_once('=').ok_or_else(|| {
        ErrorMessage::new("expected an IP address and a MAC address")
            .hint("use e.g. 10.0.0.1=02:00:00:00:00:01")
    })?;
    Ok((ip_address(ip)?, station_mac(mac)?))
}

#[cfg(test)]
mod tests;
