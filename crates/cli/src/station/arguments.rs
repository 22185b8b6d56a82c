//! The command line of whoever is a station on a wire.

use std::net::Ipv4Addr;

use clap::{ArgGroup, Args, ValueEnum};
use ipnet::Ipv4Net;
use link::{MacAddr, VlanId};
use tap::linux::{InterfaceName, Io};

use crate::values::{host_network, ip_address, number, station_mac};

/// The station that we are, and its wire.
#[derive(Debug, Args)]
// A terminal shows backticks as they are.
#[allow(clippy::doc_markdown)]
#[command(group(ArgGroup::new("wire").required(true).args(["interface", "tap"])))]
pub(crate) struct StationArguments {
    /// An interface that the kernel uses too, to be another station on (that takes CAP_NET_RAW): the kernel
    /// keeps its addresses there, and is the only one whom we cannot reach
    #[arg(short = 'I', long, value_name = "NAME", conflicts_with_all = ["kernel", "mtu", "io"])]
    pub(crate) interface: Option<InterfaceName>,
    /// A TAP: attached to if it exists, made if not (that takes CAP_NET_ADMIN); `tap%d` lets the
    /// kernel choose a number
    #[arg(long, value_name = "NAME")]
    pub(crate) tap: Option<InterfaceName>,
    /// Our hardware address [default: locally administered, derived from machine, interface and address]
    #[arg(long, value_parser = station_mac)]
    pub(crate) mac: Option<MacAddr>,
    /// The longest payload of a frame in octets: the interface's MTU on a TAP made here, our own
    /// limit on one that exists [default: the interface's]
    #[arg(long, value_name = "OCTETS", value_parser = number(68_u16..=65_521), allow_negative_numbers = true)]
    pub(crate) mtu: Option<u16>,
    /// Give the kernel's side of the TAP this address, also on one that exists (that takes
    /// CAP_NET_ADMIN unless it has it already)
    #[arg(long, value_name = "ADDRESS/LENGTH", value_parser = host_network)]
    pub(crate) kernel: Option<Ipv4Net>,
    /// Be in this VLAN: hear only frames with its tag, and tag what is sent
    #[arg(long, value_name = "1..4094")]
    pub(crate) vlan: Option<VlanId>,
    /// The gateway to whatever is not on our own network
    #[arg(long, value_name = "IP", value_parser = ip_address)]
    pub(crate) gateway: Option<Ipv4Addr>,
    /// The gateway to one more network, as in `--route 192.0.2.0/24 via 10.0.0.1`; may be repeated
    #[arg(long = "route", value_names = ["ADDRESS/LENGTH", "via", "IP"], num_args = 3)]
    pub(crate) routes: Vec<String>,
    /// How frames are carried: `ring` by io_uring, many a system call; `read-write` one a call; `auto` as
    /// the load is, and one a call where the kernel refuses io_uring
    #[arg(long, value_name = "WAY", default_value = "auto")]
    pub(crate) io: IoMode,
    /// How long to look for frames before sleeping, in microseconds: who sleeps answers the next frame
    /// later, who looks keeps a processor busy [default: 50, or 0 where there is one processor]
    #[arg(long, value_name = "MICROSECONDS", value_parser = number(0_u32..=1_000_000), allow_negative_numbers = true)]
    pub(crate) busy_poll: Option<u32>,
}

/// The ways of `--io`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum IoMode {
    Auto,
    Ring,
    ReadWrite,
}

impl From<IoMode> for Io {
    fn from(mode: IoMode) -> Io {
        match mode {
            IoMode::Auto => Io::Auto,
            IoMode::Ring => Io::Ring,
            IoMode::ReadWrite => Io::ReadWrite,
        }
    }
}
