//! Existing TAP interfaces, listed by rtnetlink, and the processes that hold TAPs, found in `/proc`.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkFlags, LinkHeader, LinkMessage};

use super::link;
use super::name::{InterfaceName, Printable};
use super::netlink::{Connection, attribute, number};

/// Description of a TUN or TAP interface.
// The five flags are independent properties, not a state machine.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapInterface {
    /// Name of the interface.
    pub name: InterfaceName,
    /// Whether the interface is a TAP, which carries Ethernet frames. A TUN carries IP packets.
    pub is_tap: bool,
    /// Whether the interface outlives the program that opened it.
    pub persistent: bool,
    /// Whether the interface was created for several queues.
    pub multi_queue: bool,
    /// ID of the user who may attach without capabilities.
    pub owner: Option<u32>,
    /// ID of the group that may attach without capabilities.
    pub group: Option<u32>,
    /// Whether the interface is up.
    pub up: bool,
    /// Whether a program has the interface open, which gives the interface a carrier.
    pub attached: bool,
    /// MTU: the maximum payload of a frame, in bytes.
    pub mtu: u32,
}

/// Process that holds a TAP open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Process ID.
    pub pid: u32,
    /// Name of the process, which the process may choose.
    pub command: String,
}

impl fmt::Display for Holder {
    /// Formats the process ID and the escaped name: `process 26230 (tapstack)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} ({})", self.pid, Printable(&self.command))
    }
}

/// Attributes of a tun interface in `linux/if_link.h`, which libc lacks.
mod tun {
    pub(super) const OWNER: u16 = 1;
    pub(super) const GROUP: u16 = 2;
    pub(super) const KIND: u16 = 3;
    pub(super) const PERSIST: u16 = 6;
    pub(super) const MULTI_QUEUE: u16 = 7;
}

/// Returns all TUN and TAP interfaces of the current network namespace.
pub fn taps() -> io::Result<Vec<TapInterface>> {
    Connection::open()?.dump(&RouteNetlinkMessage::GetLink(LinkMessage::default()), tap)
}

/// Returns the TUN or TAP interface with this name, if any.
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

/// Parses a string of netlink, which ends with a zero byte.
fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value.strip_suffix(&[0]).unwrap_or(value)).into_owned()
}

/// Returns the processes of this network namespace that hold the TAP open, as far as the caller may inspect these
/// processes.
pub(super) fn holders(name: &InterfaceName) -> Vec<Holder> {
    // A process in another namespace may hold another TAP with the same name.
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

/// Returns the name of a process. The process may choose any bytes except zero.
fn command(process: &Path) -> String {
    let name = fs::read(process.join("comm")).unwrap_or_default();
    let name = name.strip_suffix(b"\n").unwrap_or(&name);
    String::from_utf8_lossy(name).into_owned()
}

/// Returns whether one of the open files of a process is a tun file bound to `name`.
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
