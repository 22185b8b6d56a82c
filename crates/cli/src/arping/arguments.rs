//! The command line of `tapstack arping`.

use std::net::Ipv4Addr;
use std::time::Duration;

use clap::Args;
use link::VlanId;

use crate::probe_socket::arguments::ProbeArguments;
use crate::values::seconds;
use crate::values::{ip_address, number};

#[derive(Debug, Args)]
// Each is a letter that somebody has in the fingers.
#[allow(clippy::struct_excessive_bools)]
#[command(
    version,
    after_help = "\
Examples:
  sudo tapstack arping -I eth0 -c 3 10.0.0.1
      who has it, and how soon does it answer?
  sudo tapstack arping -I eth0 -f -w 5 10.0.0.1
      wait until it is there, 5 seconds at most
  sudo tapstack arping -I eth0 -D 10.0.0.9 && echo free
      does anybody have it?
  sudo tapstack arping -I eth0 -U -c 1 10.0.0.2
      all learn where 10.0.0.2 is
  tapstack arping --tap tap0 --address 10.0.0.2/24 -c 3 --json 10.0.0.1 | jq .event
  sudo tapstack arping -I eth0 -c 1 --pcap who.pcapng 10.0.0.1

The letters are those of iputils. A reply counts if it is to us, from the address that was asked for: ARP \
has no number by which it names its request, so it answers the last one, and a further one is a \
duplicate (DUP!), unless the kernel or another arping asked the same from the same address meanwhile.

After the last request a reply is waited for as long as the interval, and a second at least; with -D, \
which without -c sends three probes, two seconds (RFC 5227). That takes four seconds: a -w that ends before \
has no result, unless the address is taken. Fewer probes by -c, or a shorter -i, take less time.

With -I the kernel keeps its addresses and answers for them: we only ask. With --tap the station that asks \
is one of our own.

Ctrl-C, SIGTERM and SIGHUP end it with the statistics, and so does a closed output.

Exit codes: 0 at least one reply, with -D free, with -U or -A sent; 1 no reply, with -D taken; 2 the question \
could not be asked: usage, permission, no such interface, it is down or has no carrier, it refused frames or \
lost some without a reply, or -D ended (also by -w) before it was complete."
)]
pub(crate) struct ArpingArguments {
    /// Which protocol address to ask for
    #[arg(value_parser = ip_address)]
    pub(crate) target: Ipv4Addr,
    #[command(flatten)]
    pub(crate) socket: ProbeArguments,
    /// How many requests to send [default: unlimited; 3 with -D, fewer if -w ends first]
    #[arg(short, long, value_name = "COUNT", value_parser = number(1_u64..), allow_negative_numbers = true)]
    pub(crate) count: Option<u64>,
    /// How long it all may take, in seconds
    #[arg(short = 'w', long, value_name = "S", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) deadline: Option<Duration>,
    /// From one request to the next, in seconds
    #[arg(short, long, value_name = "S", default_value = "1", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) interval: Duration,
    /// End with the first reply
    #[arg(short)]
    pub(crate) first: bool,
    /// Ask whether anybody else has the address, or probes for it too (RFC 5227): end with 1 if so, with 0
    /// if nobody does
    #[arg(short = 'D', conflicts_with_all = ["announce", "answer", "broadcast"])]
    pub(crate) probe: bool,
    /// Announce the address as ours, by requests that nobody is to answer
    #[arg(short = 'U', conflicts_with_all = ["answer", "first", "broadcast"])]
    pub(crate) announce: bool,
    /// The same, by replies that nobody asked for
    #[arg(short = 'A', conflicts_with_all = ["first", "broadcast"])]
    pub(crate) answer: bool,
    /// Go on asking all; without it, whoever answered is asked alone from then on
    #[arg(short)]
    pub(crate) broadcast: bool,
    /// Our protocol address [default: the kernel's in the target's network; 0.0.0.0 with -D; the target with
    /// -U and -A]
    #[arg(short, long, value_name = "IP", value_parser = ip_address, conflicts_with = "tap")]
    pub(crate) source_ip: Option<Ipv4Addr>,
    /// Ask in this VLAN: hear only frames with its tag, and tag what is sent
    #[arg(long, value_name = "1..4094")]
    pub(crate) vlan: Option<VlanId>,
    /// Print nothing but errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Print one JSON object a line; times are in nanoseconds
    #[arg(long)]
    pub(crate) json: bool,
}
