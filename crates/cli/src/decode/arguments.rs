//! The command line of `tapstack decode`.

use std::path::PathBuf;

use clap::{ArgAction, Args};

// Each is a switch of its own on the command line.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapstack decode arp.pcap
      one line a frame, in tcpdump's words
  tapstack decode -e -v arp.pcap
      with the link header, and more of the others
  tcpdump -i eth0 -U -w - arp | tapstack decode -
      as the frames come
  tapstack decode --explain arp.pcap | less
      every octet in its RFC's diagram
  tapstack decode --json arp.pcap | jq 'select(.faults != [])'

Times are local, or UTC with --utc. What is wrong with a frame stands in brackets behind it. A sender MAC address that is not the \
frame's source stands there too, as a warning: the frame is not bad. Only Ethernet is read.

Exit codes: 0 all frames were read, 1 some were bad, 2 the file could not be read to its end, or packets in \
it were omitted (another link type): what could be read is printed first.")]
pub(crate) struct DecodeArguments {
    /// The capture, pcap or pcapng; `-` is standard input
    pub(crate) file: PathBuf,
    /// Print the link header too
    #[arg(short = 'e', long)]
    pub(crate) link_header: bool,
    /// Print the fields of the IPv4 header and the fixed ones of ARP, and comments in the capture
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Print the octets too, without the link header; given twice, with it
    #[arg(short = 'x', long = "octets", action = ArgAction::Count)]
    pub(crate) bytes: u8,
    /// Print no times; given four times (`-tttt`), the date too
    #[arg(short = 't', long, action = ArgAction::Count)]
    pub(crate) no_time: u8,
    /// Print one JSON object a frame, every field named; times are in nanoseconds since 1970
    #[arg(long, conflicts_with_all = ["explain", "link_header", "verbose", "bytes", "no_time"])]
    pub(crate) json: bool,
    /// Draw every header as its RFC does, with its values, what they mean, and what is wrong with them by
    /// which standard
    #[arg(long, conflicts_with_all = ["link_header", "verbose", "bytes", "no_time"])]
    pub(crate) explain: bool,
}

impl DecodeArguments {
    /// How often `-t` asks for the date: as in tcpdump.
    pub(super) const DATE: u8 = 4;
}
