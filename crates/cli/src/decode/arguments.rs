//! The command line of `tapstack decode`.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use clap::{ArgAction, Args};
use clap_complete::engine::ArgValueCompleter;
use dissect::FrameFilter;

use crate::complete;
use crate::help;
use crate::values::number;

// Each bool is an independent option.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapstack decode arp.pcap
      one line per frame, like tcpdump
  tapstack decode -e -v arp.pcap
      with the link header, and more fields
  tcpdump -i eth0 -U -w - arp | tapstack decode -
      a live capture
  tapstack decode --explain arp.pcap | less
      every header as the diagram in its RFC
  tapstack decode --faults-only --explain arp.pcap
      frames with errors
  tapstack decode -c 10 --filter 'arp and host 10.0.0.1' arp.pcap
      the first ten frames that match a filter
  tapstack decode --json arp.pcap | jq 'select(.faults != [])'
      frames with errors as JSON

decode prints the errors of a frame in brackets at the end of the line. A warning in brackets means that the sender MAC \
address of an ARP packet is not the source of its frame. Frames start with an Ethernet header, a Linux cooked header \
(`tcpdump -i any`), a BSD loopback header, or an IP header (raw IP). Packets of other link types are counted.

A filter combines primitives by and, or, not and parentheses. Primitives are [src|dst] host IP, net IP/LENGTH, port PORT and \
portrange PORT-PORT; ether host MAC; arp, ip, ip6, tcp, udp, icmp and other protocols; ether proto N and ip proto N; vlan N; \
broadcast, multicast, less N and greater N. As in tcpdump, `and` and `or` have the same precedence. Unlike in tcpdump, \
a filter also matches frames with VLAN tags.

Exit codes: 0 all frames decoded, 1 a printed frame has errors, 2 the file could not be read completely, or packets of \
other link types were omitted.")]
pub(crate) struct DecodeArguments {
    /// Capture to decode, pcap or pcapng, also compressed with gzip or zstd; `-` is standard input
    #[arg(required_unless_present = "read", add = ArgValueCompleter::new(complete::captures()))]
    pub(crate) file: Option<PathBuf>,
    /// The same as FILE, as in tcpdump
    #[arg(
        short, long, value_name = "FILE", conflicts_with = "file", help_heading = help::FRAMES,
        add = ArgValueCompleter::new(complete::captures())
    )]
    pub(crate) read: Option<PathBuf>,
    /// Print only frames that match this filter: a subset of the syntax of tcpdump
    #[arg(long, value_name = "EXPRESSION", help_heading = help::FRAMES)]
    pub(crate) filter: Option<FrameFilter>,
    /// Print only frames with errors
    #[arg(long, help_heading = help::FRAMES)]
    pub(crate) faults_only: bool,
    /// Stop after printing this number of frames
    #[arg(
        short, long, value_name = "N", value_parser = number(NonZeroU64::MIN..), allow_negative_numbers = true,
        help_heading = help::FRAMES
    )]
    pub(crate) count: Option<NonZeroU64>,
    /// Print addresses and ports as numbers; decode always does (accepted for compatibility with tcpdump)
    #[arg(short, long, action = ArgAction::Count, help_heading = help::OUTPUT)]
    pub(crate) numeric: u8,
    /// Print the link header too
    #[arg(short = 'e', long, help_heading = help::OUTPUT)]
    pub(crate) link_header: bool,
    /// Print the bytes too, without the link header; with the link header if given twice (-xx)
    #[arg(short = 'x', long = "bytes", action = ArgAction::Count, help_heading = help::OUTPUT)]
    pub(crate) bytes: u8,
    /// Do not print times; print date and time if given four times (-tttt)
    #[arg(short = 't', long, action = ArgAction::Count, help_heading = help::OUTPUT)]
    pub(crate) no_time: u8,
    /// Print absolute TCP sequence numbers, not numbers from the start of the conversation
    #[arg(short = 'S', long, help_heading = help::OUTPUT)]
    pub(crate) absolute_sequence: bool,
    /// Draw each header as in its RFC, with values, meanings and errors
    #[arg(long, conflicts_with_all = ["link_header", "verbose", "bytes", "no_time"], help_heading = help::OUTPUT)]
    pub(crate) explain: bool,
    /// Print one JSON object per frame
    #[arg(
        long,
        conflicts_with_all = ["explain", "link_header", "verbose", "bytes", "no_time", "absolute_sequence"],
        help_heading = help::OUTPUT, display_order = help::JSON
    )]
    pub(crate) json: bool,
    /// Print the fields of IPv4 and ARP headers too, and the comments of the capture
    #[arg(short, long, action = ArgAction::Count, help_heading = help::OUTPUT, display_order = help::VERBOSE)]
    pub(crate) verbose: u8,
}

impl DecodeArguments {
    /// Returns the path of the capture; `-` is standard input.
    pub(super) fn path(&self) -> &Path {
        self.file.as_deref().or(self.read.as_deref()).unwrap_or(Path::new("-"))
    }

    /// Number of `-t` that prints the date, as in tcpdump.
    pub(super) const DATE: u8 = 4;
}
