//! The kernel's routes, as `ip route get` shows them, and the interfaces with IP addresses.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteType};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nix::errno::Errno;

use super::InterfaceName;
use super::interface::interfaces_of_addresses;
use super::link;
use super::netlink::{Connection, Message, attribute, number};

/// Route of the kernel to a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelRoute {
    /// Interface on which the kernel sends packets to the destination. For an address of the kernel, the interface that has
    /// the address.
    pub interface: InterfaceName,
    /// Gateway, or `None` if the destination is on-link or an address of the kernel.
    pub gateway: Option<IpAddr>,
}

/// Size of a `struct rtmsg` in bytes.
const HEADER: usize = 12;
/// `RTA_VIA` of rtnetlink, which libc lacks: the gateway has another address family than the destination.
const VIA: u16 = 18;

/// Returns the kernel's route to a destination in the current network namespace, or `None` if the destination is
/// unreachable.
pub fn kernel_route(destination: Ipv4Addr) -> io::Result<Option<KernelRoute>> {
    let mut connection = Connection::open()?;
    let mut request = RouteMessage::default();
    request.header.address_family = AddressFamily::Inet;
    request.header.destination_prefix_length = 32;
    request.attributes = vec![RouteAttribute::Destination(RouteAddress::Inet(destination))];
    let sequence = connection.send(RouteNetlinkMessage::GetRoute(request), 0)?;
    let Answer { interface, gateway, is_local } = match connection.answer(sequence, answer)? {
        Ok(answer) => answer,
        // Prohibited and blackhole routes fail with EACCES and EINVAL.
        Err(Errno::ENETUNREACH | Errno::EHOSTUNREACH | Errno::EACCES | Errno::EINVAL) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let interface = if is_local {
        let owners = interfaces_of_addresses(&mut connection)?;
        let owner = owners.into_iter().find(|(_, address)| address.addr() == destination);
        owner.map_or(interface, |(owner, _)| owner)
    } else {
        interface
    };
    match link::name(&mut connection, interface) {
        Ok(interface) => Ok(Some(KernelRoute { interface, gateway })),
        // The interface was deleted after the answer.
        Err(Errno::ENODEV) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Returns the Ethernet interfaces that have IPv4 addresses, in the kernel's order.
pub fn addressed_interfaces() -> io::Result<Vec<InterfaceName>> {
    let mut connection = Connection::open()?;
    let mut indexes: Vec<u32> = Vec::new();
    for (index, _) in interfaces_of_addresses(&mut connection)? {
        if !indexes.contains(&index) {
            indexes.push(index);
        }
    }
    let mut names = Vec::new();
    for index in indexes {
        // An interface may be deleted after the dump of the addresses.
        let link = link::query(&mut connection, link::Selector::Index(index));
        if link.is_ok_and(|link| link.is_ethernet) {
            names.extend(link::name(&mut connection, index));
        }
    }
    Ok(names)
}

/// The parts of the kernel's answer to a request for a route.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    interface: u32,
    gateway: Option<IpAddr>,
    is_local: bool,
}

fn answer(message: &Message<'_>) -> Result<Answer, Errno> {
    message.error().map_or_else(|| parse(message.payload).ok_or(Errno::EBADMSG), Err)
}

fn parse(payload: &[u8]) -> Option<Answer> {
    let header = RouteHeader::parse(payload).ok()?;
    let gateway = attribute(payload, HEADER, libc::RTA_GATEWAY)
        .and_then(|address| <[u8; 4]>::try_from(address).ok())
        .map(|address| IpAddr::V4(address.into()));
    // `struct rtvia`: two bytes of the address family, then the address.
    let via = attribute(payload, HEADER, VIA)
        .and_then(|via| via.get(2..))
        .and_then(|address| <[u8; 16]>::try_from(address).ok())
        .map(|address| IpAddr::V6(Ipv6Addr::from(address)));
    Some(Answer {
        interface: attribute(payload, HEADER, libc::RTA_OIF).and_then(number)?,
        gateway: gateway.or(via),
        is_local: header.kind == RouteType::Local,
    })
}
