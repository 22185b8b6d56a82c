//! Descriptions of network interfaces, received by rtnetlink.

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

/// Description of an interface in a message of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LinkInfo {
    pub(super) index: u32,
    /// Whether the interface carries Ethernet frames between stations.
    pub(super) is_ethernet: bool,
    pub(super) flags: LinkFlags,
    /// MAC address, if the link-layer address has six bytes.
    pub(super) mac_address: Option<[u8; 6]>,
    /// MTU in bytes. Some notifications contain no MTU, such as the notifications of wireless cards.
    mtu: Option<u32>,
    /// `IFLA_CARRIER`.
    has_carrier_flag: bool,
    /// `IFLA_OPERSTATE`.
    operational_state: Option<u8>,
    /// Number of carrier losses (`IFLA_CARRIER_DOWN_COUNT`).
    pub(super) carrier_losses: Option<u32>,
    /// Number of frames dropped instead of transmitted (`tx_dropped` of `IFLA_STATS64`).
    pub(super) transmit_drops: Option<u64>,
}

/// State of an interface's carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CarrierState {
    /// The interface has a carrier, and frames pass.
    Up,
    /// The interface has a carrier, but the kernel has not processed the change yet: sent frames may be lost for some
    /// milliseconds. Interfaces that never report a carrier change stay in this state.
    Pending,
    /// The interface is down or has no carrier.
    Down,
}

/// Selection of an interface.
#[derive(Clone, Copy, Debug)]
pub(super) enum Selector<'a> {
    Index(u32),
    Name(&'a str),
}

/// Requests the description of one interface on a blocking connection.
pub(super) fn query(connection: &mut Connection, which: Selector<'_>) -> Result<LinkInfo, Errno> {
    let sequence = connection.send(request(which), 0).map_err(|error| errno(&error))?;
    connection.answer(sequence, answer).map_err(|error| errno(&error))?
}

/// Requests the name of the interface with this index on a blocking connection.
pub(super) fn name(connection: &mut Connection, index: u32) -> Result<InterfaceName, Errno> {
    let request = request(Selector::Index(index));
    let sequence = connection.send(request, 0).map_err(|error| errno(&error))?;
    let parse = |message: &Message<'_>| {
        let name = || attribute(message.payload, HEADER, libc::IFLA_IFNAME);
        message.error().map_or_else(|| name().and_then(interface_name).ok_or(Errno::EBADMSG), Err)
    };
    connection.answer(sequence, parse).map_err(|error| errno(&error))?
}

/// Parses the value of `IFLA_IFNAME`.
fn interface_name(value: &[u8]) -> Option<InterfaceName> {
    text(value).parse().ok()
}

/// Returns the text of an attribute, without the zero at its end.
fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value.strip_suffix(&[0]).unwrap_or(value)).into_owned()
}

/// Parses the answer to a [`request`].
pub(super) fn answer(message: &Message<'_>) -> Result<LinkInfo, Errno> {
    message.error().map_or_else(|| LinkInfo::parse(message.payload).ok_or(Errno::EBADMSG), Err)
}

/// Returns the request for the description of one interface.
pub(super) fn request(which: Selector<'_>) -> RouteNetlinkMessage {
    let mut request = LinkMessage::default();
    match which {
        Selector::Index(index) => request.header.index = index,
        Selector::Name(name) => request.attributes.push(LinkAttribute::IfName(name.to_owned())),
    }
    RouteNetlinkMessage::GetLink(request)
}

/// Returns `tx_dropped`, the eighth number of a `struct rtnl_link_stats64`.
fn transmit_drops(statistics: &[u8]) -> Option<u64> {
    let (numbers, _) = statistics.as_chunks();
    numbers.get(7).copied().map(u64::from_ne_bytes)
}

impl LinkInfo {
    /// Parses an `RTM_NEWLINK` or `RTM_DELLINK` message. Returns `None` if the message is malformed, or if it describes
    /// a bridge port instead of an interface (family `AF_BRIDGE`).
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

    /// Returns the state of the link. `mtu` in bytes is used if the message contains no MTU.
    pub(super) fn state(&self, mtu: usize) -> LinkState {
        LinkState {
            is_up: self.flags.contains(LinkFlags::Up),
            // `Running` is set once the kernel's transmit queue is ready, `LowerUp` immediately.
            has_carrier: self.flags.contains(LinkFlags::Up | LinkFlags::Running | LinkFlags::LowerUp),
            mtu: self.mtu.map_or(mtu, |mtu| usize::try_from(mtu).unwrap_or(usize::MAX)),
        }
    }

    /// Returns the state of the carrier.
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

/// Interface and its bridge.
struct BridgePort {
    index: u32,
    name: InterfaceName,
    /// Index of the bridge, if the interface is a bridge port.
    bridge: Option<u32>,
}

/// Returns the name of an interface's bridge, or `None` if the interface is not a bridge port.
pub fn bridge_of(name: &InterfaceName) -> io::Result<Option<InterfaceName>> {
    let request = RouteNetlinkMessage::GetLink(LinkMessage::default());
    let ports = Connection::open()?.dump(&request, port)?;
    let bridge = ports.iter().find(|port| port.name == *name).and_then(|port| port.bridge);
    Ok(ports.into_iter().find(|port| Some(port.index) == bridge).map(|port| port.name))
}

fn port(message: &[u8]) -> Option<BridgePort> {
    let header = LinkHeader::parse(message).ok()?;
    let link = |kind| attribute(message, HEADER, kind);
    let port = attribute(link(libc::IFLA_LINKINFO).unwrap_or_default(), 0, libc::IFLA_INFO_SLAVE_KIND);
    let is_bridge_port = port.is_some_and(|kind| text(kind) == "bridge");
    Some(BridgePort {
        index: header.index,
        name: interface_name(link(libc::IFLA_IFNAME)?)?,
        bridge: link(libc::IFLA_MASTER).and_then(number).filter(|_| is_bridge_port),
    })
}
