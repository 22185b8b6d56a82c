//! The options of commands that send ARP requests.

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use ipnet::Ipv4Net;
use link::MacAddr;
use tap::linux::InterfaceName;

use crate::complete;
use crate::help;
use crate::values::{host_network, interface_name, station_mac, tap_name};

/// The interface that ARP packets are sent on, and their sender.
#[derive(Debug, Args)]
// A terminal does not format backticks.
#[allow(clippy::doc_markdown)]
pub(crate) struct ProbeArguments {
    /// Interface to use, shared with the kernel (needs CAP_NET_RAW) [default: by the kernel's route to the targets]
    #[arg(
        short = 'I', long, value_name = "NAME", value_parser = interface_name, conflicts_with = "tap",
        help_heading = help::INTERFACE, add = ArgValueCandidates::new(complete::interfaces)
    )]
    pub(crate) interface: Option<InterfaceName>,
    /// TAP to attach to, as an emulated host; created if missing (needs CAP_NET_ADMIN)
    #[arg(
        long, value_name = "NAME", value_parser = tap_name, requires = "address", help_heading = help::INTERFACE,
        add = ArgValueCandidates::new(complete::taps_of_machine)
    )]
    pub(crate) tap: Option<InterfaceName>,
    /// IP address of the kernel on the TAP, added if missing (needs CAP_NET_ADMIN)
    #[arg(
        long, value_name = "IP/PREFIX", value_parser = host_network, conflicts_with = "interface",
        requires = "tap",
        help_heading = help::INTERFACE
    )]
    pub(crate) kernel: Option<Ipv4Net>,
    /// IP address of the emulated host on the TAP
    #[arg(
        long, value_name = "IP/PREFIX", value_parser = host_network, conflicts_with = "interface",
        requires = "tap",
        help_heading = help::ADDRESSES
    )]
    pub(crate) address: Option<Ipv4Net>,
    /// MAC address of the sender [default: the MAC address of the interface; with --tap, derived from machine, TAP and IP address]
    #[arg(long, value_name = "MAC", value_parser = station_mac, help_heading = help::ADDRESSES, display_order = help::MAC)]
    pub(crate) source_mac: Option<MacAddr>,
}
