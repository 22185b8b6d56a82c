//! The TAP interfaces that exist, as rtnetlink reports them, and the processes that hold them, as `/proc` does.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkFlags, LinkHeader, LinkMessage};

use super::link;
use super::name::{InterfaceName, Printable};
use super::netlink::{Connection, attribute, number};

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
    /// The longest payload of a frame, in bytes.
    pub mtu: u32,
}

/// A process that holds a TAP open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// The name of its program, which that program may choose.
    pub command: String,
}

impl fmt::Display for Holder {
    /// Process id and name, the name escaped: `process 26230 (tapstack)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} ({})", self.pid, Printable(&self.command))
    }
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
    Connection::open()?.dump(&RouteNetlinkMessage::GetLink(LinkMessage::default()), tap)
}

/// The TUN or TAP interface of this name, if there is one.
pub(super) fn find(name: &InterfaceName) -> io::Result<Option<TapInterface>> {
    Ok(taps()?.into_iter().find(|tap| tap.name == *name))
}

fn tap(message: &[u8]) -> Option<TapInterface> {
    let header = LinkHeader::parse(message).ok()?;
    let link = |kind| attribute(message, link::HEADER, kind);
    let info = |kind| attribute(link(libc::IFLA_LINKINFO)?, 0, kind);
    if text(info(libc::IFLA_INFO_KIND)?) != "tun" {
        return None;
    }
    let data = info(libc::IFLA_INFO_DATA).unwrap_or_default();
    let flag = |kind| attribute(data, 0, kind).is_some_and(|value| value.first() == Some(&1));
    let id = |kind| attribute(data, 0, kind).and_then(number);
    Some(TapInterface {
        name: text(link(libc::IFLA_IFNAME)?).parse().ok()?,
        is_tap: attribute(data, 0, tun::KIND).and_then(|kind| kind.first().copied().map(i32::from))
            == Some(libc::IFF_TAP),
        persistent: flag(tun::PERSIST),
        multi_queue: flag(tun::MULTI_QUEUE),
        owner: id(tun::OWNER),
        group: id(tun::GROUP),
        up: header.flags.contains(LinkFlags::Up),
        attached: link(libc::IFLA_CARRIER).is_some_and(|value| value.first() == Some(&1)),
        mtu: link(libc::IFLA_MTU).and_then(number).unwrap_or_default(),
    })
}

/// A string as netlink sends it: with a zero at its end.
fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value.strip_suffix(&[0]).unwrap_or(value)).into_owned()
}

/// The processes of this network namespace that hold the TAP open and that the caller may look at.
pub(super) fn holders(name: &InterfaceName) -> Vec<Holder> {
    // The same name may be held in another namespace by somebody who is not in our way.
    let here = fs::read_link("/proc/self/ns/net").ok();
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .filter(|(_, process)| here.is_some() && fs::read_link(process.join("ns/net")).ok() == here)
        .filter(|(_, process)| holds(process, name))
        .map(|(pid, process)| Holder { pid, command: command(&process) })
        .collect()
}

/// The name of a process, which it may have chosen: any bytes but zero.
fn command(process: &Path) -> String {
    let name = fs::read(process.join("comm")).unwrap_or_default();
    let name = name.strip_suffix(b"\n").unwrap_or(&name);
    String::from_utf8_lossy(name).into_owned()
}

/// Whether one of the process's open files is a tun file bound to `name`.
fn holds(process: &Path, name: &InterfaceName) -> bool {
    let Ok(files) = fs::read_dir(process.join("fdinfo")) else {
        return false;
    };
    files.flatten().any(|file| {
        fs::read_to_string(file.path()).is_ok_and(|info| {
            info.lines().filter_map(|line| line.strip_prefix("iff:")).any(|held| held.trim() == name.as_str())
        })
    })
}
