//! What trials need beside the wire: a kernel that talks, links that vanish, frames by hand.

use std::error::Error;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};
use tap::linux::{Interface, Neighbor, neighbors};
use tap::{Batch, Device, Frame, Pool};

use super::Outcome;

/// How long anything may take before it counts as not happening.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(1);

/// Asks `look` again and again until it has something to show.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T, Box<dyn Error>> {
    for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
        if let Some(found) = look() {
            return Ok(found);
        }
        thread::sleep(PAUSE);
    }
    Err(format!("in {PATIENCE:?} there was no {what}").into())
}

/// Lets the kernel send a datagram, for which it first has to find the address.
pub(crate) fn kernel_sends(to: Ipv4Addr, octets: &[u8]) -> Outcome {
    UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?.send_to(octets, (to, 9))?;
    Ok(())
}

/// The kernel's entry for an address, once it is one with a hardware address.
pub(crate) fn kernel_knows(interface: &Interface, address: Ipv4Addr) -> Result<Neighbor, Box<dyn Error>> {
    until("entry in the kernel's neighbour table", || {
        neighbors(interface)
            .ok()?
            .into_iter()
            .find(|entry| entry.address == address && entry.hardware_address.is_some())
    })
}

/// Deletes an interface, whoever holds it (`RTM_DELLINK`).
pub(crate) fn delete_link(interface: &Interface) -> Outcome {
    change_link(17, 0, interface.index()?, &[])
}

/// Makes a bridge, brings it up, and puts interfaces on it (`RTM_NEWLINK`).
pub(crate) fn bridge(name: &str, ports: &[&Interface]) -> Outcome {
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

/// An attribute of a netlink message, padded to four octets.
pub(crate) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
    [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value, &padding].concat()
}

/// Tells the kernel to do without ARP on an interface, as `ip link set ... arp off` does.
pub(crate) fn without_arp(interface: &Interface) -> Outcome {
    const NO_ARP: u32 = 1 << 7;
    let flags = [NO_ARP.to_ne_bytes(), NO_ARP.to_ne_bytes()].concat();
    change(16, 0, &[&[0; 4], &interface.index()?.to_ne_bytes()[..], &flags].concat())
}

/// Gives the kernel one more address on an interface (`RTM_NEWADDR`).
pub(crate) fn add_address(interface: &Interface, address: ipnet::Ipv4Net) -> Outcome {
    const CREATE_NEW: u16 = 0x600;
    const LOCAL: u16 = 2;
    // ifaddrmsg: family, prefix length, flags, scope, index.
    let fixed = [&[2, address.prefix_len(), 0, 0][..], &interface.index()?.to_ne_bytes()].concat();
    change(20, CREATE_NEW, &[fixed, attribute(LOCAL, &address.addr().octets())].concat())
}

/// One message about a link, and the kernel's answer to it.
pub(crate) fn change_link(kind: u16, flags: u16, index: i32, attributes: &[u8]) -> Outcome {
    // ifinfomsg: family and kind, index, flags and mask.
    change(kind, flags, &[&[0; 4], &index.to_ne_bytes()[..], &[0; 8], attributes].concat())
}

/// One message behind an nlmsghdr, and the kernel's answer to it.
fn change(kind: u16, flags: u16, body: &[u8]) -> Outcome {
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

/// Sends one frame over a device.
pub(crate) fn send(device: &mut impl Device, octets: &[u8]) -> Outcome {
    let mut pool = Pool::new(octets.len(), 1);
    let mut batch = Batch::new(1);
    let mut frame = pool.take().ok_or("a frame")?;
    frame.write(octets)?;
    batch.push(frame).map_err(|_| "room")?;
    device.transmit(&mut batch, &mut pool)?;
    Ok(())
}

/// Waits until somebody on the wire hears: frames are lost between the moment when a program attaches to a
/// TAP and the one when the kernel notices. A probe teaches nobody anything.
pub(crate) fn hears(device: &mut impl Device, target: Ipv4Addr) -> Outcome {
    const NOBODY: [u8; 6] = [2, 0, 0, 0, 0, 0x77];
    let (mut pool, mut batch) = (Pool::new(device.mtu(), 64), Batch::new(64));
    until("reply to a probe", || {
        send(device, &arp([0xff; 6], 1, (NOBODY, Ipv4Addr::UNSPECIFIED), ([0; 6], target))).ok()?;
        thread::sleep(PAUSE);
        device.receive(&mut pool, &mut batch).ok()?;
        let mut heard = None;
        while let Some(frame) = batch.pop() {
            heard = heard.or(frame.octets().starts_with(&NOBODY).then_some(()));
            pool.give(frame);
        }
        heard
    })?;
    // What else was asked meanwhile is answered by now, or very soon.
    thread::sleep(10 * PAUSE);
    device.receive(&mut pool, &mut batch)?;
    Ok(())
}

/// Takes frames from a device until one is as wanted.
pub(crate) fn receive(
    device: &mut impl Device,
    wanted: impl Fn(&[u8]) -> bool,
) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut pool = Pool::new(device.mtu(), 1);
    let mut batch = Batch::new(1);
    until("frame of the kind that was waited for", || {
        device.receive(&mut pool, &mut batch).ok()?;
        let frame = batch.pop()?;
        let octets = Some(frame.octets().to_vec()).filter(|octets| wanted(octets));
        pool.give(frame);
        octets
    })
}

/// Whether a frame, as the kernel's TAP gives it, is an untagged ARP packet of this operation.
pub(crate) fn is_arp(operation: u8) -> impl Fn(&[u8]) -> bool {
    move |octets| octets.get(12..14) == Some(&[8, 6]) && octets.get(21) == Some(&operation)
}

/// An ARP packet for Ethernet and IPv4 in an Ethernet II frame, unpadded.
pub(crate) fn arp(
    destination: [u8; 6],
    operation: u8,
    sender: ([u8; 6], Ipv4Addr),
    target: ([u8; 6], Ipv4Addr),
) -> Vec<u8> {
    [
        &destination[..],
        &sender.0,
        &[8, 6, 0, 1, 8, 0, 6, 4, 0, operation],
        &sender.0,
        &sender.1.octets(),
        &target.0,
        &target.1.octets(),
    ]
    .concat()
}

/// The frames of a batch.
pub(crate) fn frames(batch: &Batch) -> Vec<Vec<u8>> {
    batch.iter().map(Frame::octets).map(<[u8]>::to_vec).collect()
}
