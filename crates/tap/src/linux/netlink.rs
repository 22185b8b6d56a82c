//! Dumps of the kernel's tables by rtnetlink.

use std::io;
use std::os::fd::AsRawFd;

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `struct nlmsghdr`, in host order.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
struct Header {
    length: u32,
    kind: u16,
    flags: u16,
    sequence: u32,
    port: u32,
}

/// `struct rtattr`, in host order.
#[derive(FromBytes, KnownLayout, Immutable)]
#[repr(C)]
struct AttributeHeader {
    length: u16,
    kind: u16,
}

/// Longer than any datagram of a dump: the kernel fills at most 32 KiB.
const DATAGRAM: usize = 1 << 16;
/// Marks an attribute that holds attributes.
const NESTED: u16 = 1 << 15;

/// Asks for the whole table behind `kind` (`RTM_GETLINK`, `RTM_GETNEIGH`), with `body` as the fixed
/// part of the request, and gives the payload of each message to `each`.
pub(super) fn dump(kind: u16, body: &[u8], mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let socket =
        socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
    let size = size_of::<Header>() + body.len();
    let header = Header {
        length: u32::try_from(size).map_err(io::Error::other)?,
        kind,
        flags: flags(libc::NLM_F_REQUEST | libc::NLM_F_DUMP),
        sequence: 1,
        port: 0,
    };
    let request = [header.as_bytes(), body].concat();
    sendto(socket.as_raw_fd(), &request, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;

    let mut datagram = vec![0; DATAGRAM];
    loop {
        let length = recv(socket.as_raw_fd(), &mut datagram, MsgFlags::empty())?;
        let mut rest = datagram.get(..length).unwrap_or_default();
        while let Some((header, payload, next)) = message(rest) {
            match i32::from(header.kind) {
                libc::NLMSG_DONE => return Ok(()),
                libc::NLMSG_ERROR => return Err(refusal(payload)),
                _ => each(payload),
            }
            rest = next;
        }
    }
}

fn flags(flags: i32) -> u16 {
    u16::try_from(flags).unwrap_or_default()
}

fn refusal(payload: &[u8]) -> io::Error {
    let code = i32::read_from_prefix(payload).map_or(0, |(code, _)| code);
    io::Error::from_raw_os_error(code.saturating_neg())
}

/// The first message of `octets`, its payload, and what follows it.
fn message(octets: &[u8]) -> Option<(Header, &[u8], &[u8])> {
    let (header, _) = Header::read_from_prefix(octets).ok()?;
    let length = usize::try_from(header.length).ok()?;
    let payload = octets.get(size_of::<Header>()..length)?;
    Some((header, payload, after(octets, length)))
}

/// The attributes of a message, by kind, behind a fixed part of `fixed` octets.
pub(super) fn attributes(message: &[u8], fixed: usize) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = after(message, fixed);
    std::iter::from_fn(move || {
        let (header, _) = AttributeHeader::read_from_prefix(rest).ok()?;
        let length = usize::from(header.length);
        let value = rest.get(size_of::<AttributeHeader>()..length)?;
        rest = after(rest, length);
        Some((header.kind & !NESTED, value))
    })
}

/// What lies behind `length` octets, rounded up to the four that netlink aligns to.
fn after(octets: &[u8], length: usize) -> &[u8] {
    octets.get(length.next_multiple_of(4)..).unwrap_or_default()
}

#[cfg(test)]
mod tests;
