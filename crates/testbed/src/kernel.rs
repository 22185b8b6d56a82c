//! The kernel as a peer: datagrams that it sends, its neighbor table, and changes of its interfaces by rtnetlink.

use std::error::Error;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsRawFd, BorrowedFd};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteMetric, RouteProtocol, RouteScope,
    RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use tap::linux::{Interface, KernelNeighbor, kernel_neighbors};

use crate::{TestResult, wait_for};

/// Sends a UDP datagram from the kernel. The kernel resolves the address first.
pub fn send_from_kernel(to: Ipv4Addr, payload: &[u8]) -> TestResult {
    UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?.send_to(payload, (to, 9))?;
    Ok(())
}

/// Waits until the kernel has a neighbor entry with a MAC address for this IP address, and returns the entry.
pub fn kernel_neighbor(interface: &Interface, address: Ipv4Addr) -> Result<KernelNeighbor, Box<dyn Error>> {
    wait_for("entry in the kernel's neighbor table", || {
        kernel_neighbors(interface)
            .ok()?
            .into_iter()
            .find(|entry| entry.address == address && entry.mac_address.is_some())
    })
}

/// Deletes an interface, even if a program is attached to it.
pub fn delete_link(interface: &Interface) -> TestResult {
    request(RouteNetlinkMessage::DelLink(link(interface)?), 0)
}

/// Creates a bridge, adds interfaces to it, and sets the bridge up.
pub fn create_bridge(name: &str, ports: &[&Interface]) -> TestResult {
    let mut bridge = LinkMessage::default();
    let info = LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bridge)]);
    bridge.attributes = vec![LinkAttribute::IfName(name.to_owned()), info];
    request(RouteNetlinkMessage::NewLink(bridge), NLM_F_CREATE)?;
    let bridge = Interface::named(&name.parse()?)?;
    for port in ports {
        set_bridge(port, bridge.index()?.try_into()?)?;
    }
    Ok(bridge.set_up(true)?)
}

/// Removes an interface from its bridge.
pub fn remove_from_bridge(interface: &Interface) -> TestResult {
    set_bridge(interface, 0)
}

fn set_bridge(interface: &Interface, bridge: u32) -> TestResult {
    set_attribute(interface, LinkAttribute::Controller(bridge))
}

/// Renames an interface that is down.
pub fn rename_link(interface: &Interface, name: &str) -> TestResult {
    set_attribute(interface, LinkAttribute::IfName(name.to_owned()))
}

fn set_attribute(interface: &Interface, attribute: LinkAttribute) -> TestResult {
    let mut message = link(interface)?;
    message.attributes = vec![attribute];
    request(RouteNetlinkMessage::NewLink(message), 0)
}

/// Disables ARP on an interface, as `ip link set ... arp off` does.
pub fn disable_arp(interface: &Interface) -> TestResult {
    let mut message = link(interface)?;
    (message.header.flags, message.header.change_mask) = (LinkFlags::Noarp, LinkFlags::Noarp);
    request(RouteNetlinkMessage::NewLink(message), 0)
}

/// Adds an address to an interface.
pub fn add_address(interface: &Interface, address: ipnet::Ipv4Net) -> TestResult {
    let mut message = AddressMessage::default();
    message.header.family = AddressFamily::Inet;
    message.header.prefix_len = address.prefix_len();
    message.header.index = interface.index()?.try_into()?;
    message.attributes = vec![AddressAttribute::Local(address.addr().into())];
    request(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_EXCL)
}

/// Creates a veth pair: `name` in this network namespace, and `peer` in the namespace of the descriptor.
pub fn create_veth(name: &str, peer: &str, namespace: BorrowedFd<'_>) -> TestResult {
    let (mut message, mut other) = (LinkMessage::default(), LinkMessage::default());
    other.attributes =
        vec![LinkAttribute::IfName(peer.to_owned()), LinkAttribute::NetNsFd(namespace.as_raw_fd())];
    let data = LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(other)));
    let info = LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Veth), data]);
    message.attributes = vec![LinkAttribute::IfName(name.to_owned()), info];
    request(RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL)
}

/// Adds a route to one neighbor of an interface. The kernel sends it no packets that are longer than `mtu` bytes.
pub fn add_route_with_mtu(interface: &Interface, neighbor: Ipv4Addr, mtu: u32) -> TestResult {
    let mut message = RouteMessage::default();
    message.header = RouteHeader {
        address_family: AddressFamily::Inet,
        destination_prefix_length: 32,
        table: RouteHeader::RT_TABLE_MAIN,
        protocol: RouteProtocol::Static,
        scope: RouteScope::Link,
        kind: RouteType::Unicast,
        ..RouteHeader::default()
    };
    message.attributes = vec![
        RouteAttribute::Destination(RouteAddress::Inet(neighbor)),
        RouteAttribute::Oif(interface.index()?.try_into()?),
        RouteAttribute::Metrics(vec![RouteMetric::Mtu(mtu)]),
    ];
    request(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_EXCL)
}

/// Returns a message about a link, without attributes.
fn link(interface: &Interface) -> Result<LinkMessage, Box<dyn Error>> {
    let mut message = LinkMessage::default();
    message.header.index = interface.index()?.try_into()?;
    Ok(message)
}

/// Sends one request and reads its acknowledgment.
fn request(request: RouteNetlinkMessage, flags: u16) -> TestResult {
    let mut message = NetlinkMessage::from(request);
    message.header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    let socket = Socket::new(NETLINK_ROUTE)?;
    socket.send_to(&bytes, &SocketAddr::new(0, 0), 0)?;
    let (answer, _) = socket.recv_from_full()?;
    match NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer)?.payload {
        NetlinkPayload::Error(error) if error.code.is_some() => {
            Err(format!("the kernel refused the change: {}", error.to_io()).into())
        }
        NetlinkPayload::Error(_) => Ok(()),
        other => Err(format!("no acknowledgment: {other:?}").into()),
    }
}
