//! The command line of `tapstack watch`.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter};
use ipnet::Ipv4Net;
use link::{MacAddr, VlanId};
use tap::linux::InterfaceName;

use crate::complete;
use crate::error_message::ErrorMessage;
use crate::help;
use crate::recorder::CaptureArguments;
use crate::values::{
    EXPECTED_IP_ADDRESS, host_network, interface_name, ip_address, range, seconds, station_mac, tap_name,
    vlan,
};

#[derive(Debug, Args)]
// Each bool is an independent option. A terminal does not format backticks.
#[allow(clippy::struct_excessive_bools, clippy::doc_markdown)]
#[command(
    group(ArgGroup::new("source").required(true).args(["interfaces", "tap", "file"])),
    after_help = "\
Examples:
  sudo tapstack watch -I eth0
      a live table of hosts
  sudo tapstack watch -I eth0 --plain | tee arp.log
      a line for each event
  sudo tapstack watch -I eth0 -w 60 --fail-on conflict
      fails if two hosts share an address
  sudo tapstack watch -I eth0 --known known.txt --exec 'logger \"$TAPSTACK_EVENT $TAPSTACK_IP $TAPSTACK_MAC\"'
      logs each event; addresses in known.txt are not new
  sudo tapstack watch -I eth0 -I eth1
      two networks, each with its own table of addresses
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

With several interfaces, each interface has its own table and counters, and output names the interface. The same address on two \
interfaces is not a conflict. The events of a station on both interfaces are reported for each. If one interface is deleted, watch \
continues with the others, and exits with 2 at the end.

--known reads and replaces a file with a line `IP[@VLAN][%INTERFACE] MAC # comment` for each address. A line without an interface \
applies to each interface without a line of its own; a watch of several interfaces adds lines with interfaces. An address in the \
file is not reported as new, and another MAC address is reported as a move. New and moved addresses are added to the file. The file may be \
edited at any time: watch reads a changed file before it reports a new or moved address, unless a line is invalid. As root, watch keeps CAP_DAC_OVERRIDE, CAP_FOWNER and CAP_CHOWN, to replace a file of another user.

--exec runs the command with /bin/sh, without the privileges of watch. Standard input has the event as a JSON object, and the \
environment has its fields: TAPSTACK_EVENT, TAPSTACK_IP, TAPSTACK_MAC and so on. Up to 8 commands run at the same time, and up \
to 256 events of each interface wait. Reading a capture file waits for the commands. Failed commands, and events without a command, are \
counted. The command cannot gain privileges: setuid and setgid programs do not work, for example sudo, or sendmail of \
Postfix or Exim.

Vendor names come from the files of arp-scan, ieee-data, Wireshark or nmap, or from --ouifile.

Keys: arrows, j, k, PgUp and PgDn scroll, s sorts, p pauses, ? shows help, q or Ctrl-C quits.

Exit codes: 0 no event of --fail-on, or no --fail-on; 1 an event of --fail-on; 2 usage, permission or setup error, \
interface down or deleted, packets of a capture omitted; with --fail-on also if frames or addresses were missed, or the reader \
closed standard output early."
)]
pub(crate) struct WatchArguments {
    /// Capture to read instead of an interface, pcap or pcapng, also compressed with gzip or zstd; `-` is standard input
    #[arg(conflicts_with = "path", add = ArgValueCompleter::new(complete::captures()))]
    pub(crate) file: Option<PathBuf>,
    /// Interface to monitor, shared with the kernel (needs CAP_NET_RAW); may be repeated for up to 16 interfaces
    #[arg(
        id = "interfaces", short = 'I', long = "interface", value_name = "NAME", value_parser = interface_name, help_heading = help::INTERFACE,
        add = ArgValueCandidates::new(complete::interfaces)
    )]
    pub(crate) interfaces: Vec<InterfaceName>,
    /// TAP to monitor; created if missing (needs CAP_NET_ADMIN)
    #[arg(
        long, value_name = "NAME", value_parser = tap_name, help_heading = help::INTERFACE,
        add = ArgValueCandidates::new(complete::taps_of_machine)
    )]
    pub(crate) tap: Option<InterfaceName>,
    /// IP address of the kernel on the TAP, added if missing (needs CAP_NET_ADMIN)
    #[arg(
        long, value_name = "IP/PREFIX", value_parser = host_network, conflicts_with_all = ["interfaces", "file"],
        help_heading = help::INTERFACE
    )]
    pub(crate) kernel: Option<Ipv4Net>,
    /// VLAN to monitor, from 1 to 4094 [default: all VLANs and untagged frames]
    #[arg(long, value_name = "VLAN", value_parser = vlan, help_heading = help::INTERFACE)]
    pub(crate) vlan: Option<VlanId>,
    /// IP address of an emulated host on the TAP, with prefix length [default: no host]
    #[arg(
        long, value_name = "IP/PREFIX", value_parser = host_network, conflicts_with_all = ["interfaces", "file"],
        help_heading = help::ADDRESSES
    )]
    pub(crate) address: Option<Ipv4Net>,
    /// Events that end watch with exit code 1, separated by commas: immediately, or at the end of a capture file
    #[arg(long, value_name = "EVENTS", value_delimiter = ',', help_heading = help::CONFLICTS)]
    pub(crate) fail_on: Vec<FailOn>,
    /// File of known addresses, which are not reported as new; new and moved addresses are added to the file
    #[arg(long, value_name = "FILE", help_heading = help::CONFLICTS)]
    pub(crate) known: Option<PathBuf>,
    /// MAC address, IP address or range of stations to ignore; may be repeated
    #[arg(long, value_name = "STATION", value_parser = ignored_station, help_heading = help::CONFLICTS)]
    pub(crate) ignore: Vec<IgnoredStation>,
    /// Shell command to run on each event
    #[arg(long, value_name = "COMMAND", value_parser = shell_command, help_heading = help::CONFLICTS)]
    pub(crate) exec: Option<String>,
    /// Time limit, in seconds
    #[arg(
        short = 'w', long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true,
        help_heading = help::OUTPUT
    )]
    pub(crate) deadline: Option<Duration>,
    #[command(flatten)]
    pub(crate) capture: CaptureArguments,
    /// File with vendor names: of arp-scan, nmap, Wireshark (manuf) or IEEE (text or CSV)
    #[arg(short = 'O', long, value_name = "FILE", help_heading = help::OUTPUT)]
    pub(crate) ouifile: Option<PathBuf>,
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
    New,
    Moved,
    Mismatch,
}

/// Station of `--ignore`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IgnoredStation {
    Mac(MacAddr),
    Range(Ipv4Net),
}

impl IgnoredStation {
    /// Whether a packet is from the station. `macs` are the source of the frame and the sender of the packet.
    pub(super) fn matches(self, macs: [MacAddr; 2], ip: Ipv4Addr) -> bool {
        match self {
            Self::Mac(mac) => macs.contains(&mac),
            Self::Range(range) => range.contains(&ip),
        }
    }
}

/// Parses a value of `--ignore`.
fn ignored_station(text: &str) -> Result<IgnoredStation, ErrorMessage> {
    if text.contains('/') {
        return range(text).map(IgnoredStation::Range);
    }
    if let Ok(ip) = ip_address(text) {
        return Ok(IgnoredStation::Range(ip.into()));
    }
    station_mac(text).map(IgnoredStation::Mac).map_err(|_| {
        // The reason, for example a leading zero, if the text looks like an IP address.
        if let Err(why) = ip_address(text)
            && why.text() != EXPECTED_IP_ADDRESS
        {
            return why;
        }
        ErrorMessage::new("expected a MAC address, an IP address or a range")
            .hint("use e.g. 02:00:00:00:00:02, 10.0.0.2 or 10.0.0.0/28")
    })
}

/// Parses the value of `--exec`.
fn shell_command(text: &str) -> Result<String, ErrorMessage> {
    if text.trim().is_empty() {
        return Err(ErrorMessage::new("the command is empty").hint("use e.g. 'logger \"$TAPSTACK_EVENT\"'"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_station_is_mac_address_ip_address_or_range() {
        let [mac, other] = [7, 8].map(|last| MacAddr::new([2, 0, 0, 0, 0, last]));
        let matches = |text: &str, macs, ip: [u8; 4]| ignored_station(text).unwrap().matches(macs, ip.into());
        assert!(matches("02:00:00:00:00:07", [other, mac], [10, 0, 0, 1]));
        assert!(matches("0200.0000.0007", [mac, other], [10, 0, 0, 1]));
        assert!(!matches("02:00:00:00:00:07", [other, other], [10, 0, 0, 1]));
        assert!(
            matches("10.0.0.1", [mac, mac], [10, 0, 0, 1]) && !matches("10.0.0.1", [mac, mac], [10, 0, 0, 2])
        );
        assert!(matches("10.0.0.0/30", [mac, mac], [10, 0, 0, 3]));
        for text in ["", "10.0.0", "ff:ff:ff:ff:ff:ff", "10.0.0.1/30", "host"] {
            assert!(ignored_station(text).is_err(), "{text}");
        }
    }
}
