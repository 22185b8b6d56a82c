//! The command line of `tapstack decode`.

use std::path::PathBuf;

use clap::{ArgAction, Args};
use clap_complete::engine::ArgValueCompleter;

use crate::complete;
use crate::help;

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
  tapstack decode --json arp.pcap | jq 'select(.faults != [])'
      frames with errors

decode prints the errors of a frame in brackets at the end of the line. A warning in brackets means that the sender MAC \
address of an ARP packet is not the source of its frame. Frames start with an Ethernet header, a Linux cooked header \
(`tcpdump -i any`), a BSD loopback header, or an IP header (raw IP). Packets of other link types are counted.

Exit codes: 0 all frames decoded, 1 a frame has errors, 2 the file could not be read completely, or packets of \
other link types were omitted.")]
pub(crate) struct DecodeArguments {
    /// Capture to decode, pcap or pcapng; `-` is standard input
    #[arg(add = ArgValueCompleter::new(complete::captures()))]
    pub(crate) file: PathBuf,
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
    /// Number of `-t` that prints the date, as in tcpdump.
    pub(super) const DATE: u8 = 4;
}
