//! The TAP interfaces there are, as the kernel tells by rtnetlink.

use std::io;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::InterfaceName;
use super::netlink;
use super::open_error::belongs_to;

/// What the kernel says of one TUN or TAP interface.
// Five independent facts of the kernel's, not a state machine.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapInterface {
    /// Its name.
    pub name: InterfaceName,
    /// Whether it carries Ethernet frames; a TUN carries bare IP.
    pub is_tap: bool,
    /// Whether it outlives the program that opened it.
    pub persistent: bool,
    /// Whether it was made for several queues.
    pub multi_queue: bool,
    /// The id of the user who may attach without capabilities.
    pub owner: Option<u32>,
    /// The id of the group whose members may attach without capabilities.
    pub group: Option<u32>,
    /// Whether the interface is up.
    pub up: bool,
    /// Whether a program has it open (the interface's carrier).
    pub attached: bool,
    /// The longest payload of a frame, in octets.
    pub mtu: u32,
}

/// Whether an interface has something at its other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// Frames pass.
    Up,
    /// It has a carrier, of which the kernel has taken no note yet: what is to be sent may be lost for
    /// some milliseconds. Where there never is any change to note, it stays so.
    Unnoticed,
    /// No frame passes, be it that the interface is down.
    Down,
}

impl TapInterface {
    /// Whose it is: a user's name, a group's number, or anyone's.
    pub fn belongs_to(&self) -> String {
        belongs_to(self.owner, self.group)
    }
}

/// `struct ifinfomsg`, in host order.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Default)]
#[repr(C)]
struct Message {
    family: u8,
    padding: u8,
    kind: u16,
    index: i32,
    flags: u32,
    change: u32,
}

/// The attributes of a tun interface in `linux/if_link.h`, which libc does not name.
mod tun {
    pub(super) const OWNER: u16 = 1;
    pub(super) const GROUP: u16 = 2;
    pub(super) const KIND: u16 = 3;
    pub(super) const PERSIST: u16 = 6;
    pub(super) const MULTI_QUEUE: u16 = 7;
}

/// All TUN and TAP interfaces of the current network namespace.
pub fn taps() -> io::Result<Vec<TapInterface>> {
    let mut found = Vec::new();
    netlink::dump(libc::RTM_GETLINK, Message::default().as_bytes(), |message| {
        found.extend(tap(message));
    })?;
    Ok(found)
}

/// The TUN or TAP interface of this name, if there is one.
pub(super) fn find(name: &InterfaceName) -> io::Result<Option<TapInterface>> {
    Ok(taps()?.into_iter().find(|tap| tap.name == *name))
}

/// Whether frames pass on the interface with this index, as the kernel knows.
pub(super) fn carrier(index: i32) -> io::Result<Carrier> {
    let mut found = Carrier::Down;
    netlink::dump(libc::RTM_GETLINK, Message::default().as_bytes(), |message| {
        if Message::read_from_prefix(message).is_ok_and(|(fixed, _)| fixed.index == index) {
            found = carrier_in(message);
        }
    })?;
    Ok(found)
}

fn carrier_in(message: &[u8]) -> Carrier {
    /// `IF_OPER_UNKNOWN` and `IF_OPER_UP` of `linux/if.h`.
    const UNKNOWN: u8 = 0;
    const UP: u8 = 6;
    let octet = |wanted| {
        netlink::attributes(message, size_of::<Message>())
            .find_map(|(kind, value)| value.first().copied().filter(|_| kind == wanted))
    };
    match (octet(libc::IFLA_CARRIER), octet(libc::IFLA_OPERSTATE)) {
        (Some(1), Some(UP)) => Carrier::Up,
        (Some(1), Some(UNKNOWN)) => Carrier::Unnoticed,
        _ => Carrier::Down,
    }
}

fn tap(message: &[u8]) -> Option<TapInterface> {
    let (fixed, _) = Message::read_from_prefix(message).ok()?;
    let find = |octets, skip, wanted| {
        netlink::attributes(octets, skip).find_map(|(kind, value)| (kind == wanted).then_some(value))
    };
    let link = |wanted| find(message, size_of::<Message>(), wanted);
    let info = |wanted| find(link(libc::IFLA_LINKINFO)?, 0, wanted);
    if text(info(libc::IFLA_INFO_KIND)?) != "tun" {
        return None;
    }
    let data = info(libc::IFLA_INFO_DATA).unwrap_or_default();
    let flag = |wanted| find(data, 0, wanted).is_some_and(|value| value.first() == Some(&1));
    let number = |wanted| find(data, 0, wanted).and_then(number_of);
    Some(TapInterface {
        name: text(link(libc::IFLA_IFNAME)?).parse().ok()?,
        is_tap: find(data, 0, tun::KIND).and_then(|kind| kind.first().copied().map(i32::from))
            == Some(libc::IFF_TAP),
        persistent: flag(tun::PERSIST),
        multi_queue: flag(tun::MULTI_QUEUE),
        owner: number(tun::OWNER),
        group: number(tun::GROUP),
        up: fixed.flags & libc::IFF_UP.cast_unsigned() != 0,
        attached: link(libc::IFLA_CARRIER).is_some_and(|value| value.first() == Some(&1)),
        mtu: link(libc::IFLA_MTU).and_then(number_of).unwrap_or_default(),
    })
}

fn number_of(value: &[u8]) -> Option<u32> {
    u32::read_from_bytes(value).ok()
}

/// A string as netlink sends it: with a zero at its end.
fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value.strip_suffix(&[0]).unwrap_or(value)).into_owned()
}
