//! The command line of `tapstack arping`.

use std::net::Ipv4Addr;
use std::time::Duration;

use clap::Args;
use link::VlanId;

use crate::help;
use crate::names::host_address;
use crate::probe::arguments::ProbeArguments;
use crate::recorder::CaptureArguments;
use crate::shared_address::FailOnConflict;
use crate::values::{ip_address, number, seconds, vlan};

#[derive(Debug, Args)]
// Each bool is an option of iputils' arping.
#[allow(clippy::struct_excessive_bools)]
#[command(
    version,
    after_help = "\
Examples:
  sudo tapstack arping -c 3 10.0.0.1
      the MAC address of 10.0.0.1, and its response times, on the interface of its route
  sudo tapstack arping -I eth0 -f -w 5 10.0.0.1
      waits up to 5 seconds for a reply
  sudo tapstack arping -I eth0 -D 10.0.0.9 && echo free
      duplicate address detection
  sudo tapstack arping -I eth0 -d -c 3 10.0.0.7
      fails if two stations reply for 10.0.0.7
  sudo tapstack arping -I eth0 -U -c 1 10.0.0.2
      gratuitous ARP: updates existing ARP cache entries of other hosts
  tapstack arping --tap tap0 --address 10.0.0.2/24 -c 3 --json 10.0.0.1 | jq .event
  sudo tapstack arping -I eth0 -c 1 --pcap reply.pcapng 10.0.0.1

arping accepts the options of iputils' arping. With -I, requests are sent from the MAC address of the interface, which \
the kernel continues to use. With --tap, requests are sent from an emulated host.

An ARP reply does not identify its request. arping assigns a reply to a request of the last seconds that the station has \
not answered. With several unanswered requests, the round-trip time of the first reply is uncertain. A reply within a tenth \
of the interval after the newest request answers this request. A later reply answers the oldest request of the last second, \
or else the newest. Further replies to the same request are marked as duplicates (DUP!). A reply from a second station is \
also marked (CONFLICT: also at ...): the cause is a duplicate address, proxy ARP or a failover. With --fail-on conflict, all \
requests are broadcast, and no request follows a conflict.

After the last request, arping waits for replies for the length of the interval, but at least one second. By default, \
-D sends three probes and takes four seconds (RFC 5227). If -w ends the probes earlier, the only possible result is \
that the address is in use. -U and -A do not wait.

Exit codes: 0 reply received, free (-D) or sent (-U, -A); 1 no reply, in use (-D), or a conflict with --fail-on conflict; \
2 no result: usage, permission or setup error, interface down, frames lost or refused, or -D interrupted. A reply is a \
result although frames were lost, but not with --fail-on conflict."
)]
pub(crate) struct ArpingArguments {
    /// IP address or host name to resolve, probe or announce
    #[arg(value_parser = host_address)]
    pub(crate) target: Ipv4Addr,
    #[command(flatten)]
    pub(crate) socket: ProbeArguments,
    /// VLAN to use, from 1 to 4094: frames are sent with its tag, and frames without this tag are ignored
    #[arg(long, value_name = "VLAN", value_parser = vlan, help_heading = help::INTERFACE)]
    pub(crate) vlan: Option<VlanId>,
    /// IP address of the sender [default: the kernel's address in the network of the target; 0.0.0.0 with -D; the target
    /// with -U and -A]
    #[arg(short, long, value_name = "IP", value_parser = ip_address, conflicts_with = "tap", help_heading = help::ADDRESSES)]
    pub(crate) source_ip: Option<Ipv4Addr>,
    /// Probe for the address: duplicate address detection (RFC 5227)
    #[arg(short = 'D', conflicts_with_all = ["announce", "answer", "broadcast"], help_heading = help::ARP)]
    pub(crate) probe: bool,
    /// Announce the address: gratuitous ARP requests
    #[arg(short = 'U', conflicts_with_all = ["answer", "first", "broadcast"], help_heading = help::ARP)]
    pub(crate) announce: bool,
    /// Announce the address: gratuitous ARP replies
    #[arg(short = 'A', conflicts_with_all = ["first", "broadcast"], help_heading = help::ARP)]
    pub(crate) answer: bool,
    /// Broadcast all requests [default: unicast after the first reply]
    #[arg(short, help_heading = help::ARP)]
    pub(crate) broadcast: bool,
    /// Event that ends arping with exit code 1: conflict if two stations reply
    #[arg(
        long, value_name = "EVENT", conflicts_with_all = ["probe", "announce", "answer", "first"],
        help_heading = help::CONFLICTS
    )]
    pub(crate) fail_on: Option<FailOnConflict>,
    /// Same as --fail-on conflict, as in Habets' arping
    #[arg(
        short = 'd', conflicts_with_all = ["fail_on", "probe", "announce", "answer", "first"],
        help_heading = help::CONFLICTS
    )]
    pub(crate) duplicates: bool,
    /// Number of requests [default: unlimited; 3 with -D]
    #[arg(
        short, long, value_name = "COUNT", value_parser = number(1_u64..), allow_negative_numbers = true,
        help_heading = help::REQUESTS
    )]
    pub(crate) count: Option<u64>,
    /// Interval between requests, in seconds
    #[arg(
        short, long, value_name = "SECONDS", default_value = "1", value_parser = seconds, allow_negative_numbers = true,
        help_heading = help::REQUESTS
    )]
    pub(crate) interval: Duration,
    /// Time limit, in seconds
    #[arg(
        short = 'w', long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true,
        help_heading = help::REQUESTS
    )]
    pub(crate) deadline: Option<Duration>,
    /// Exit after the first reply
    #[arg(short, help_heading = help::REQUESTS)]
    pub(crate) first: bool,
    #[command(flatten)]
    pub(crate) capture: CaptureArguments,
    /// Print one JSON object per line
    #[arg(long, help_heading = help::OUTPUT, display_order = help::JSON)]
    pub(crate) json: bool,
    /// Print errors only
    #[arg(short, long, help_heading = help::OUTPUT, display_order = help::QUIET)]
    pub(crate) quiet: bool,
}

impl ArpingArguments {
    /// Whether a conflict ends the command with exit code 1.
    pub(super) fn fails_on_conflict(&self) -> bool {
        self.duplicates || self.fail_on == Some(FailOnConflict::Conflict)
    }
}
