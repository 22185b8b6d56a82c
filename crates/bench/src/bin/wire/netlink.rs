//! rtnetlink requests that create a veth pair and add a permanent neighbor.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, BorrowedFd};

use netlink_packet_core::{
    ErrorBuffer, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkBuffer,
    NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkInfo, LinkMessage};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use nix::errno::Errno;

/// Creates a veth pair. The second end is in the network namespace of this descriptor.
pub(crate) fn make_veth(name: &str, peer: &str, namespace: BorrowedFd<'_>) -> Result<(), String> {
    let mut other = LinkMessage::default();
    other.attributes =
        vec![LinkAttribute::IfName(peer.to_owned()), LinkAttribute::NetNsFd(namespace.as_raw_fd())];
    let mut link = LinkMessage::default();
    link.attributes = vec![
        LinkAttribute::IfName(name.to_owned()),
        LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(other))),
        ]),
    ];
    request(RouteNetlinkMessage::NewLink(link), NLM_F_CREATE | NLM_F_EXCL)
        .map_err(|errno| format!("cannot create a veth pair: {}; hint: sudo modprobe veth", errno.desc()))
}

/// Makes the kernel send each TCP segment in its own frame on the interface with this index: without segmentation offload.
pub(crate) fn limit_segments(index: i32) -> Result<(), String> {
    let mut link = LinkMessage::default();
    link.header.index = index.cast_unsigned();
    link.attributes = vec![LinkAttribute::GsoMaxSegs(1)];
    request(RouteNetlinkMessage::SetLink(link), 0)
        .map_err(|errno| format!("cannot disable segmentation offload: {}", errno.desc()))
}

/// Adds a permanent neighbor on the interface with this index.
pub(crate) fn add_neighbor(index: i32, ip: Ipv4Addr, mac: [u8; 6]) -> Result<(), String> {
    let mut neighbor = NeighbourMessage::default();
    neighbor.header.family = AddressFamily::Inet;
    neighbor.header.ifindex = index.cast_unsigned();
    neighbor.header.state = NeighbourState::Permanent;
    neighbor.attributes = vec![
        NeighbourAttribute::Destination(NeighbourAddress::Inet(ip)),
        NeighbourAttribute::LinkLayerAddress(mac.to_vec()),
    ];
    request(RouteNetlinkMessage::NewNeighbour(neighbor), NLM_F_CREATE | NLM_F_REPLACE)
        .map_err(|errno| format!("cannot add a neighbor to the kernel: {}", errno.desc()))
}

/// Adds a default route.
pub(crate) fn add_gateway(ip: Ipv4Addr) -> Result<(), String> {
    let mut route = RouteMessage::default();
    route.header.address_family = AddressFamily::Inet;
    route.header.table = RouteHeader::RT_TABLE_MAIN;
    route.header.protocol = RouteProtocol::Static;
    route.header.scope = RouteScope::Universe;
    route.header.kind = RouteType::Unicast;
    route.attributes = vec![RouteAttribute::Gateway(RouteAddress::Inet(ip))];
    request(RouteNetlinkMessage::NewRoute(route), NLM_F_CREATE | NLM_F_REPLACE)
        .map_err(|errno| format!("cannot add a default route to the kernel: {}", errno.desc()))
}

/// Sends a request and waits for the kernel's acknowledgment.
fn request(request: RouteNetlinkMessage, flags: u16) -> Result<(), Errno> {
    let answer = exchange(request, flags)
        .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(Errno::EIO as i32)))?;
    let message = NetlinkBuffer::new_checked(&answer[..]).map_err(|_| Errno::EBADMSG)?;
    // A netlink error message without an error code is an acknowledgment.
    match ErrorBuffer::new_checked(message.payload()).map_err(|_| Errno::EBADMSG)?.code() {
        None => Ok(()),
        Some(code) => Err(Errno::from_raw(code.get().saturating_neg())),
    }
}

/// Sends a request and receives one datagram.
fn exchange(request: RouteNetlinkMessage, flags: u16) -> io::Result<Vec<u8>> {
    let socket = Socket::new(NETLINK_ROUTE)?;
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::from(request));
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    socket.send_to(&bytes, &SocketAddr::new(0, 0), 0)?;
    let mut answer = Vec::with_capacity(4_096);
    socket.recv(&mut answer, 0)?;
    Ok(answer)
}
