//! The kernel's own IPv4 addresses, as `ip address` shows them.

use std::io;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::netlink;

/// `struct ifaddrmsg`, in host order.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
struct Message {
    family: u8,
    prefix_length: u8,
    flags: u8,
    scope: u8,
    interface: u32,
}

/// All IPv4 addresses of the kernel's in the current network namespace, on whichever interface, each with its
/// prefix: it answers ARP for all of them on each.
pub fn kernel_addresses() -> io::Result<Vec<Ipv4Net>> {
    dump(|_| true)
}

/// The addresses on the interface with this index, in the kernel's order.
pub(super) fn on(index: i32) -> io::Result<Vec<Ipv4Net>> {
    dump(|interface| interface == index.cast_unsigned())
}

fn dump(wanted: impl Fn(u32) -> bool) -> io::Result<Vec<Ipv4Net>> {
    let family = u8::try_from(libc::AF_INET).map_err(io::Error::other)?;
    let request = Message { family, prefix_length: 0, flags: 0, scope: 0, interface: 0 };
    let mut found = Vec::new();
    netlink::dump(libc::RTM_GETADDR, request.as_bytes(), |message| {
        found.extend(address(message, &wanted));
    })?;
    Ok(found)
}

fn address(message: &[u8], wanted: impl Fn(u32) -> bool) -> Option<Ipv4Net> {
    let (fixed, _) = Message::read_from_prefix(message).ok()?;
    if !wanted(fixed.interface) {
        return None;
    }
    // Where there is a peer, IFA_ADDRESS is the peer's.
    let (_, local) =
        netlink::attributes(message, size_of::<Message>()).find(|(kind, _)| *kind == libc::IFA_LOCAL)?;
    let local: Ipv4Addr = <[u8; 4]>::try_from(local).ok()?.into();
    Ipv4Net::new(local, fixed.prefix_length).ok()
}
