//! The kernel as a peer: what it sends and learns, and changes of its links and addresses over rtnetlink.

use std::error::Error;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};
use tap::linux::{Interface, KernelNeighbor, kernel_neighbors};

use crate::{TestResult, wait_for};

/// Sends a UDP datagram from the kernel, which resolves the address first.
pub fn send_from_kernel(to: Ipv4Addr, payload: &[u8]) -> TestResult {
    UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?.send_to(payload, (to, 9))?;
    Ok(())
}

/// Waits for the kernel's neighbor entry of an address, with a MAC address in it.
pub fn kernel_neighbor(interface: &Interface, address: Ipv4Addr) -> Result<KernelNeighbor, Box<dyn Error>> {
    wait_for("entry in the kernel's neighbor table", || {
        kernel_neighbors(interface)
            .ok()?
            .into_iter()
            .find(|entry| entry.address == address && entry.mac_address.is_some())
    })
}

/// Deletes an interface, even one that a program has attached to (`RTM_DELLINK`).
pub fn delete_link(interface: &Interface) -> TestResult {
    change_link(17, 0, interface.index()?, &[])
}

/// Creates a bridge, sets it up, and adds interfaces to it (`RTM_NEWLINK`).
pub fn create_bridge(name: &str, ports: &[&Interface]) -> TestResult {
    const CREATE: u16 = 0x400;
    let (ifname, linkinfo, kind, master) = (3, 18, 1, 10);
    let info = attribute(kind, b"bridge");
    change_link(16, CREATE, 0, &[attribute(ifname, name.as_bytes()), attribute(linkinfo, &info)].concat())?;
    let bridge = Interface::named(&name.parse()?)?;
    let index = bridge.index()?.to_ne_bytes();
    for port in ports {
        change_link(16, 0, port.index()?, &attribute(master, &index))?;
    }
    Ok(bridge.set_up(true)?)
}

/// Returns an attribute of a netlink message, padded to four bytes.
pub fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
    [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value, &padding].concat()
}

/// Disables ARP on an interface, as `ip link set ... arp off` does.
pub fn disable_arp(interface: &Interface) -> TestResult {
    const NO_ARP: u32 = 1 << 7;
    let flags = [NO_ARP.to_ne_bytes(), NO_ARP.to_ne_bytes()].concat();
    change(16, 0, &[&[0; 4], &interface.index()?.to_ne_bytes()[..], &flags].concat())
}

/// Adds an address to an interface (`RTM_NEWADDR`).
pub fn add_address(interface: &Interface, address: ipnet::Ipv4Net) -> TestResult {
    const CREATE_NEW: u16 = 0x600;
    const LOCAL: u16 = 2;
    // ifaddrmsg: family, prefix length, flags, scope, index.
    let fixed = [&[2, address.prefix_len(), 0, 0][..], &interface.index()?.to_ne_bytes()].concat();
    change(20, CREATE_NEW, &[fixed, attribute(LOCAL, &address.addr().octets())].concat())
}

/// Sends one message about a link and reads its acknowledgment.
pub fn change_link(kind: u16, flags: u16, index: i32, attributes: &[u8]) -> TestResult {
    // ifinfomsg: family and kind, index, flags and mask.
    change(kind, flags, &[&[0; 4], &index.to_ne_bytes()[..], &[0; 8], attributes].concat())
}

/// Sends one message behind an nlmsghdr and reads its acknowledgment.
fn change(kind: u16, flags: u16, body: &[u8]) -> TestResult {
    const REQUEST_ACKNOWLEDGED: u16 = 5;
    let netlink =
        socket(AddressFamily::Netlink, SockType::Raw, SockFlag::empty(), SockProtocol::NetlinkRoute)?;
    let message = [
        &u32::try_from(16 + body.len())?.to_ne_bytes()[..],
        &kind.to_ne_bytes(),
        &(flags | REQUEST_ACKNOWLEDGED).to_ne_bytes(),
        &[0; 8],
        body,
    ]
    .concat();
    sendto(netlink.as_raw_fd(), &message, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    let mut answer = [0; 256];
    recv(netlink.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    match i32::from_ne_bytes([answer[16], answer[17], answer[18], answer[19]]) {
        0 => Ok(()),
        code => Err(format!("the kernel does not change it: {code}").into()),
    }
}
