//! The kernel's own IPv4 addresses, as `ip address` shows them.

use std::io;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use netlink_packet_route::address::{AddressHeader, AddressMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::netlink::{Connection, attribute};

/// Size of a `struct ifaddrmsg` in bytes.
const HEADER: usize = 8;

/// All IPv4 addresses of the kernel's in the current network namespace, on whichever interface, each with its
/// prefix: it answers ARP for all of them on each.
pub fn kernel_addresses() -> io::Result<Vec<Ipv4Net>> {
    dump(&mut Connection::open()?, |_| true)
}

/// The addresses on the interface with this index, in the kernel's order.
pub(super) fn on(connection: &mut Connection, index: u32) -> io::Result<Vec<Ipv4Net>> {
    dump(connection, |interface| interface == index)
}

fn dump(connection: &mut Connection, wanted: impl Fn(u32) -> bool) -> io::Result<Vec<Ipv4Net>> {
    let mut request = AddressMessage::default();
    request.header.family = AddressFamily::Inet;
    connection.dump(&RouteNetlinkMessage::GetAddress(request), |message| address(message, &wanted))
}

fn address(message: &[u8], wanted: impl Fn(u32) -> bool) -> Option<Ipv4Net> {
    let header = AddressHeader::parse(message).ok().filter(|header| wanted(header.index))?;
    // Where there is a peer, IFA_ADDRESS is the peer's.
    let local = attribute(message, HEADER, libc::IFA_LOCAL)?;
    let local: Ipv4Addr = <[u8; 4]>::try_from(local).ok()?.into();
    Ipv4Net::new(local, header.prefix_len).ok()
}
