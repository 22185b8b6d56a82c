//! One network interface, as the kernel describes it by rtnetlink.

use std::io;

use netlink_packet_route::AddressFamily;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkHeader, LinkLayerType, LinkMessage};
use nix::errno::Errno;

use super::InterfaceName;
use super::netlink::{Connection, Message, attribute, errno, number};
use crate::LinkState;

/// Size of a `struct ifinfomsg` in bytes.
pub(super) const HEADER: usize = 16;

/// An interface as a message of the kernel's describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LinkInfo {
    pub(super) index: u32,
    /// Whether it carries Ethernet frames between stations.
    pub(super) is_ethernet: bool,
    pub(super) flags: LinkFlags,
    /// Its hardware address, if that has the length of Ethernet's.
    pub(super) mac_address: Option<[u8; 6]>,
    /// `None` in a notification that does not repeat it, as those of wireless cards.
    mtu: Option<u32>,
    /// `IFLA_CARRIER`.
    has_carrier_flag: bool,
    /// `IFLA_OPERSTATE`.
    operational_state: Option<u8>,
    /// How often the carrier was lost since the interface exists (`IFLA_CARRIER_DOWN_COUNT`).
    pub(super) carrier_losses: Option<u32>,
    /// How many frames were dropped instead of transmitted since the interface exists (`tx_dropped` of
    /// `IFLA_STATS64`).
    pub(super) transmit_drops: Option<u64>,
}

/// Whether an interface has something at its other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CarrierState {
    /// Frames pass.
    Up,
    /// It has a carrier, of which the kernel has taken no note yet: what is to be sent may be lost for
    /// some milliseconds. Where there never is any change to note, it stays so.
    Pending,
    /// No frame passes, be it that the interface is down.
    Down,
}

/// Which interface is meant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Selector<'a> {
    Index(u32),
    Name(&'a str),
}

/// Requests the description of one interface from a connection whose calls block.
pub(super) fn query(connection: &mut Connection, which: Selector<'_>) -> Result<LinkInfo, Errno> {
    let sequence = connection.send(request(which), 0).map_err(|error| errno(&error))?;
    connection.answer(sequence, answer).map_err(|error| errno(&error))?
}

/// Reads the answer to a [`request`].
pub(super) fn answer(message: &Message<'_>) -> Result<LinkInfo, Errno> {
    message.error().map_or_else(|| LinkInfo::parse(message.payload).ok_or(Errno::EBADMSG), Err)
}

/// The request for the description of one interface.
pub(super) fn request(which: Selector<'_>) -> RouteNetlinkMessage {
    let mut request = LinkMessage::default();
    match which {
        Selector::Index(index) => request.header.index = index,
        Selector::Name(name) => request.attributes.push(LinkAttribute::IfName(name.to_owned())),
    }
    RouteNetlinkMessage::GetLink(request)
}

/// The eighth number of a `struct rtnl_link_stats64`.
fn transmit_drops(statistics: &[u8]) -> Option<u64> {
    let (numbers, _) = statistics.as_chunks();
    numbers.get(7).copied().map(u64::from_ne_bytes)
}

impl LinkInfo {
    /// Parses an `RTM_NEWLINK` or `RTM_DELLINK`. Those of the family `AF_BRIDGE` describe a bridge's port and not
    /// the interface: they are `None`, as is what is malformed.
    pub(super) fn parse(message: &[u8]) -> Option<LinkInfo> {
        let header = LinkHeader::parse(message).ok()?;
        if header.interface_family != AddressFamily::Unspec {
            return None;
        }
        let byte = |kind| attribute(message, HEADER, kind).and_then(|value| value.first().copied());
        let number = |kind| attribute(message, HEADER, kind).and_then(number);
        Some(LinkInfo {
            index: header.index,
            is_ethernet: header.link_layer_type == LinkLayerType::Ether,
            flags: header.flags,
            mac_address: attribute(message, HEADER, libc::IFLA_ADDRESS)
                .and_then(|address| address.try_into().ok()),
            mtu: number(libc::IFLA_MTU),
            has_carrier_flag: byte(libc::IFLA_CARRIER) == Some(1),
            operational_state: byte(libc::IFLA_OPERSTATE),
            carrier_losses: number(libc::IFLA_CARRIER_DOWN_COUNT),
            transmit_drops: attribute(message, HEADER, libc::IFLA_STATS64).and_then(transmit_drops),
        })
    }

    /// Its state; `mtu` in bytes is for a message that does not say it.
    pub(super) fn state(&self, mtu: usize) -> LinkState {
        LinkState {
            is_up: self.flags.contains(LinkFlags::Up),
            // The first waits until the kernel's queue before the interface is ready, the second does not.
            has_carrier: self.flags.contains(LinkFlags::Up | LinkFlags::Running | LinkFlags::LowerUp),
            mtu: self.mtu.map_or(mtu, |mtu| usize::try_from(mtu).unwrap_or(usize::MAX)),
        }
    }

    /// Whether frames pass, as far as the kernel knows.
    pub(super) fn carrier(&self) -> CarrierState {
        /// `IF_OPER_UNKNOWN` and `IF_OPER_UP` of `linux/if.h`.
        const UNKNOWN: u8 = 0;
        const UP: u8 = 6;
        match (self.has_carrier_flag, self.operational_state) {
            (true, Some(UP)) => CarrierState::Up,
            (true, Some(UNKNOWN)) => CarrierState::Pending,
            _ => CarrierState::Down,
        }
    }
}

/// An interface as far as bridges are concerned.
struct BridgePort {
    index: u32,
    name: InterfaceName,
    /// The index of the bridge that it is a port of.
    bridge: Option<u32>,
}

/// The bridge that an interface is a port of, if it is one.
pub fn bridge_of(name: &InterfaceName) -> io::Result<Option<InterfaceName>> {
    let request = RouteNetlinkMessage::GetLink(LinkMessage::default());
    let ports = Connection::open()?.dump(&request, port)?;
    let bridge = ports.iter().find(|port| port.name == *name).and_then(|port| port.bridge);
    Ok(ports.into_iter().find(|port| Some(port.index) == bridge).map(|port| port.name))
}

fn port(message: &[u8]) -> Option<BridgePort> {
    let header = LinkHeader::parse(message).ok()?;
    let link = |kind| attribute(message, HEADER, kind);
    let text = |value: &[u8]| String::from_utf8_lossy(value.strip_suffix(&[0]).unwrap_or(value)).into_owned();
    let port = attribute(link(libc::IFLA_LINKINFO).unwrap_or_default(), 0, libc::IFLA_INFO_SLAVE_KIND);
    let is_bridge_port = port.is_some_and(|kind| text(kind) == "bridge");
    Some(BridgePort {
        index: header.index,
        name: text(link(libc::IFLA_IFNAME)?).parse().ok()?,
        bridge: link(libc::IFLA_MASTER).and_then(number).filter(|_| is_bridge_port),
    })
}
