//! The command line of whoever asks by ARP.

use clap::{ArgGroup, Args};
use ipnet::Ipv4Net;
use link::MacAddr;
use tap::linux::InterfaceName;

use crate::recorder::CaptureArguments;
use crate::values::{host_network, station_mac};

/// The wire to ask on, and who asks.
#[derive(Debug, Args)]
// A terminal shows backticks as they are.
#[allow(clippy::doc_markdown)]
#[command(group(ArgGroup::new("wire").required(true).args(["interface", "tap"])))]
pub(crate) struct ProbeArguments {
    /// The interface to ask on, which the kernel uses too (that takes CAP_NET_RAW)
    #[arg(short = 'I', long, value_name = "NAME")]
    pub(crate) interface: Option<InterfaceName>,
    /// A TAP to ask from, as a station of our own: attached to if it exists, made if not (that takes
    /// CAP_NET_ADMIN)
    #[arg(long, value_name = "NAME", requires = "address")]
    pub(crate) tap: Option<InterfaceName>,
    /// Our address on the TAP, and the length of the network's prefix
    #[arg(long, value_name = "ADDRESS/LENGTH", value_parser = host_network, conflicts_with = "interface")]
    pub(crate) address: Option<Ipv4Net>,
    /// Give the kernel's side of the TAP this address, also on one that exists (that takes CAP_NET_ADMIN
    /// unless it has it already)
    #[arg(long, value_name = "ADDRESS/LENGTH", value_parser = host_network, conflicts_with = "interface")]
    pub(crate) kernel: Option<Ipv4Net>,
    /// Our hardware address [default: the interface's own; on a TAP one derived from machine, TAP and address]
    #[arg(long, value_name = "MAC", value_parser = station_mac)]
    pub(crate) source_mac: Option<MacAddr>,
    #[command(flatten)]
    pub(crate) capture: CaptureArguments,
}
