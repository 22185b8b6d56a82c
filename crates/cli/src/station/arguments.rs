//! The options of commands that emulate hosts.

use std::net::Ipv4Addr;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};
use clap_complete::engine::ArgValueCandidates;
use ipnet::Ipv4Net;
use link::{MacAddr, VlanId};
use tap::linux::{InterfaceName, Io, default_busy_poll};

use crate::complete;
use crate::help;
use crate::values::{host_network, interface_name, ip_address, number, station_mac, tap_name, vlan};

/// The interface of emulated hosts, and their routes.
#[derive(Debug, Args)]
// A terminal does not format backticks.
#[allow(clippy::doc_markdown)]
#[command(group(ArgGroup::new("device").required(true).args(["interface", "tap"])))]
pub(crate) struct StationArguments {
    /// Interface to use, shared with the kernel (needs CAP_NET_RAW)
    #[arg(
        short = 'I', long, value_name = "NAME", value_parser = interface_name, conflicts_with_all = ["kernel", "mtu", "io"],
        help_heading = help::INTERFACE, add = ArgValueCandidates::new(complete::interfaces)
    )]
    pub(crate) interface: Option<InterfaceName>,
    /// TAP to attach to, created if missing (needs CAP_NET_ADMIN); `tap%d` selects a free number
    #[arg(
        long, value_name = "NAME", value_parser = tap_name, help_heading = help::INTERFACE,
        add = ArgValueCandidates::new(complete::taps_of_machine)
    )]
    pub(crate) tap: Option<InterfaceName>,
    /// IP address of the kernel on the TAP, added if missing (needs CAP_NET_ADMIN)
    #[arg(long, value_name = "IP/PREFIX", value_parser = host_network, help_heading = help::INTERFACE)]
    pub(crate) kernel: Option<Ipv4Net>,
    /// MTU in bytes, from 68 to 65521; the kernel's MTU of an existing TAP does not change [default: the MTU of the
    /// interface]
    #[arg(
        long, value_name = "BYTES", value_parser = number(68_u16..=65_521), allow_negative_numbers = true,
        help_heading = help::INTERFACE
    )]
    pub(crate) mtu: Option<u16>,
    /// VLAN to use, from 1 to 4094: frames are sent with its tag, and frames without this tag are ignored
    #[arg(long, value_name = "VLAN", value_parser = vlan, help_heading = help::INTERFACE)]
    pub(crate) vlan: Option<VlanId>,
    /// MAC address of the host [default: locally administered, derived from machine, interface and IP address]
    #[arg(long, value_name = "MAC", value_parser = station_mac, help_heading = help::ADDRESSES, display_order = help::MAC)]
    pub(crate) mac: Option<MacAddr>,
    /// Default gateway; may be repeated, and a gateway is used while those before it do not answer ARP requests
    #[arg(long = "gateway", value_name = "IP", value_parser = ip_address, help_heading = help::IP)]
    pub(crate) gateways: Vec<Ipv4Addr>,
    /// Route to another network, e.g. `--route 192.0.2.0/24 via 10.0.0.1`; may be repeated
    #[arg(
        long = "route", value_names = ["IP/PREFIX", "via", "IP"], num_args = 3, help_heading = help::IP
    )]
    pub(crate) routes: Vec<String>,
}

/// How frames are received and sent.
#[derive(Debug, Args)]
// A terminal does not format backticks.
#[allow(clippy::doc_markdown)]
pub(crate) struct PerformanceArguments {
    /// I/O method on a TAP: `offload` (exchanges several TCP segments in one frame, and sends several UDP datagrams with
    /// one system call), `ring` (io_uring, in batches), `read-write` (one system call per frame) or `auto` (`ring` or
    /// `read-write`, the faster one under heavy load) [default: offload for nc and host --serve, otherwise auto]
    #[arg(long, value_name = "METHOD", hide_possible_values = true, help_heading = help::PERFORMANCE)]
    io: Option<IoMode>,
    /// Time to poll for frames before sleeping, in microseconds: lower latency, more CPU [default: 50, or 0 on one CPU]
    #[arg(
        long, value_name = "MICROSECONDS", value_parser = number(0_u32..=1_000_000), allow_negative_numbers = true,
        help_heading = help::PERFORMANCE
    )]
    busy_poll: Option<u32>,
}

impl PerformanceArguments {
    /// Returns the I/O method of a TAP: the method of `--io`, or this default of the command.
    pub(crate) fn io_or(&self, default: Io) -> Io {
        self.io.map_or(default, Into::into)
    }

    /// Time to poll for frames before sleeping.
    pub(crate) fn busy_poll_time(&self) -> Duration {
        self.busy_poll
            .map_or_else(default_busy_poll, |busy_poll_time| Duration::from_micros(busy_poll_time.into()))
    }
}

/// Values of `--io`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum IoMode {
    Auto,
    Offload,
    Ring,
    ReadWrite,
}

impl From<IoMode> for Io {
    fn from(mode: IoMode) -> Io {
        match mode {
            IoMode::Auto => Io::Auto,
            IoMode::Offload => Io::Offload,
            IoMode::Ring => Io::Ring,
            IoMode::ReadWrite => Io::ReadWrite,
        }
    }
}
