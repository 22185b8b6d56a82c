//! The requests of rtnetlink for what no ioctl makes well: a veth pair, and a neighbor for good.

use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::libc;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};

/// Of `linux/veth.h`: the attribute that holds the other end.
const VETH_INFO_PEER: u16 = 1;
/// `struct ifinfomsg`, all of whose fields are left open.
const IFINFOMSG: [u8; 16] = [0; 16];

/// Makes a pair: one end here, and the other in the network namespace behind this descriptor.
pub(crate) fn make_veth(name: &str, peer: &str, namespace: BorrowedFd<'_>) -> Result<(), String> {
    let failed = |what: String| {
        format!("cannot make a veth pair, the wire to the kernel: {what}; `sudo modprobe veth`")
    };
    make(name, peer, namespace).map_err(|errno| failed(errno.desc().to_owned()))
}

fn make(name: &str, peer: &str, namespace: BorrowedFd<'_>) -> nix::Result<()> {
    let fd = namespace.as_raw_fd().to_ne_bytes();
    let other = [&IFINFOMSG[..], &string(libc::IFLA_IFNAME, peer), &attribute(libc::IFLA_NET_NS_FD, &fd)];
    let data = attribute(libc::IFLA_INFO_DATA, &attribute(VETH_INFO_PEER, &other.concat()));
    let info = [string(libc::IFLA_INFO_KIND, "veth"), data].concat();
    let body =
        [&IFINFOMSG[..], &string(libc::IFLA_IFNAME, name), &attribute(libc::IFLA_LINKINFO, &info)].concat();
    request(libc::RTM_NEWLINK, libc::NLM_F_CREATE | libc::NLM_F_EXCL, &body)
}

/// Enters a neighbor on the interface with this index, for good.
pub(crate) fn add_neighbor(index: i32, ip: Ipv4Addr, mac: [u8; 6]) -> Result<(), String> {
    let family = u8::try_from(libc::AF_INET).unwrap_or_default();
    // struct ndmsg: family, padding, interface, state, flags, type.
    let body = [
        &[family, 0, 0, 0][..],
        &index.to_ne_bytes(),
        &libc::NUD_PERMANENT.to_ne_bytes(),
        &[0, 0],
        &attribute(libc::NDA_DST, &ip.octets()),
        &attribute(libc::NDA_LLADDR, &mac),
    ];
    request(libc::RTM_NEWNEIGH, libc::NLM_F_CREATE | libc::NLM_F_REPLACE, &body.concat())
        .map_err(|errno| format!("cannot tell the kernel of its neighbour: {}", errno.desc()))
}

/// Sends one request, and waits for the kernel's acknowledgement.
fn request(kind: u16, flags: i32, body: &[u8]) -> nix::Result<()> {
    let socket =
        socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
    let flags = flags | libc::NLM_F_REQUEST | libc::NLM_F_ACK;
    // struct nlmsghdr: length, kind, flags, sequence, port.
    let length = u32::try_from(16 + body.len()).unwrap_or(u32::MAX);
    let message = [
        &length.to_ne_bytes()[..],
        &kind.to_ne_bytes(),
        &u16::try_from(flags).unwrap_or_default().to_ne_bytes(),
        &1_u32.to_ne_bytes(),
        &0_u32.to_ne_bytes(),
        body,
    ]
    .concat();
    sendto(socket.as_raw_fd(), &message, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    let mut answer = [0; 4_096];
    let length = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    // struct nlmsgerr: the error, negated; zero acknowledges.
    match answer[..length].get(16..20) {
        Some(&[a, b, c, d]) => match i32::from_ne_bytes([a, b, c, d]) {
            0 => Ok(()),
            code => Err(nix::errno::Errno::from_raw(code.saturating_neg())),
        },
        _ => Err(nix::errno::Errno::EBADMSG),
    }
}

fn string(kind: u16, text: &str) -> Vec<u8> {
    attribute(kind, &[text.as_bytes(), &[0]].concat())
}

/// `struct rtattr` and its value, padded to four octets.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    let mut bytes = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}
