//! The kernel's side of an interface: MTU, hardware address, up or down, address, mask, routes.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ipnet::Ipv4Net;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkHeader, LinkMessage};
use nix::errno::Errno;

use super::colons::Colons;
use super::link::{self, Selector};
use super::netlink::Connection;
use super::{Carrier, InterfaceName, addresses, ioctl};

/// One network interface of the kernel, addressed by name in the current network namespace.
///
/// All is done by ioctl; no program is run. Reading needs no privilege, changing needs
/// `CAP_NET_ADMIN`.
#[derive(Debug)]
pub struct Interface {
    name: InterfaceName,
    /// Any socket will do: the ioctls ask it only for its namespace.
    socket: UdpSocket,
    /// Opened with this value, so that it stays in the namespace of the thread that made it.
    netlink: Mutex<Connection>,
}

/// What could not be read or changed about an interface, and why.
#[derive(Debug)]
pub struct InterfaceError {
    name: InterfaceName,
    what: &'static str,
    /// What root would type to the same effect; nothing for a mere question.
    command: Option<String>,
    source: Errno,
}

/// What a kernel that takes no such address refused.
const SET_ADDRESS: &str = "set the address";

impl Interface {
    /// A handle on the interface with this name. Whether it exists shows when it is asked.
    pub fn named(name: &InterfaceName) -> io::Result<Interface> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        Ok(Interface { name: name.clone(), socket, netlink: Mutex::new(Connection::open()?) })
    }

    /// Its name.
    pub fn name(&self) -> &InterfaceName {
        &self.name
    }

    /// Whether an interface of this name exists.
    pub fn exists(&self) -> bool {
        self.index().is_ok()
    }

    /// Its index.
    pub fn index(&self) -> Result<i32, InterfaceError> {
        ioctl::index(self.socket.as_fd(), &self.name).map_err(self.failed("read the index"))
    }

    /// Its MTU: the longest payload of a frame, in octets.
    pub fn mtu(&self) -> Result<usize, InterfaceError> {
        let mtu = ioctl::mtu(self.socket.as_fd(), &self.name).map_err(self.failed("read the MTU"))?;
        usize::try_from(mtu).map_err(|_| self.failed("read the MTU")(Errno::ERANGE))
    }

    /// Sets its MTU in octets. The kernel takes 68 to 65,521 for a TAP.
    pub fn set_mtu(&self, mtu: usize) -> Result<(), InterfaceError> {
        let refused = self.refused("set the MTU", format!("link set {} mtu {mtu}", self.name));
        let mtu = i32::try_from(mtu).map_err(|_| refused(Errno::EINVAL))?;
        ioctl::set_mtu(self.socket.as_fd(), &self.name, mtu).map_err(refused)
    }

    /// The kernel's own hardware address on it.
    pub fn hardware_address(&self) -> Result<[u8; 6], InterfaceError> {
        let hardware = ioctl::hardware(self.socket.as_fd(), &self.name);
        hardware.map(|(_, address)| address).map_err(self.failed("read the hardware address"))
    }

    /// Whether it carries Ethernet frames between stations; the loopback does not.
    pub fn is_ethernet(&self) -> Result<bool, InterfaceError> {
        let hardware = ioctl::hardware(self.socket.as_fd(), &self.name);
        let (kind, _) = hardware.map_err(self.failed("read the hardware type"))?;
        Ok(kind == libc::ARPHRD_ETHER)
    }

    /// Whether it has a carrier: something at its other end. It has none while it is down.
    pub fn carrier(&self) -> io::Result<Carrier> {
        Ok(link::query(&mut self.netlink(), &Selector::Name(self.name.as_str()))?.carrier())
    }

    /// Whether it is told to do without ARP (`ip link set ... arp off`).
    pub fn is_without_arp(&self) -> Result<bool, InterfaceError> {
        ioctl::is_without_arp(self.socket.as_fd(), &self.name).map_err(self.failed("read the flags"))
    }

    /// All of the kernel's IPv4 addresses on it, each with its prefix.
    pub fn addresses(&self) -> io::Result<Vec<Ipv4Net>> {
        addresses::on(self.index().map_err(io::Error::other)?)
    }

    /// Sets the kernel's own hardware address on it.
    pub fn set_hardware_address(&self, address: [u8; 6]) -> Result<(), InterfaceError> {
        let command = format!("link set {} address {}", self.name, Colons(address));
        ioctl::set_hardware_address(self.socket.as_fd(), &self.name, address)
            .map_err(self.refused("set the hardware address", command))
    }

    /// Whether it is up.
    pub fn is_up(&self) -> Result<bool, InterfaceError> {
        ioctl::is_up(self.socket.as_fd(), &self.name).map_err(self.failed("read the flags"))
    }

    /// Brings it up or takes it down.
    pub fn set_up(&self, up: bool) -> Result<(), InterfaceError> {
        let word = if up { "up" } else { "down" };
        // A mask names the flag to change: others keep what another program makes of them meanwhile.
        let flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
        let header = LinkHeader { flags, change_mask: LinkFlags::Up, ..LinkHeader::default() };
        self.change(header, &[])
            .map_err(self.refused("change the state", format!("link set {} {word}", self.name)))
    }

    /// The kernel's primary IPv4 address on it and its prefix, if it has one.
    pub fn address(&self) -> Result<Option<Ipv4Net>, InterfaceError> {
        let failed = self.failed("read the address");
        let address = match ioctl::address(self.socket.as_fd(), &self.name) {
            Err(Errno::EADDRNOTAVAIL) => return Ok(None),
            other => other.map_err(&failed)?,
        };
        let mask = ioctl::netmask(self.socket.as_fd(), &self.name).map_err(&failed)?;
        Ipv4Net::with_netmask(address, mask).map(Some).map_err(|_| failed(Errno::ERANGE))
    }

    /// Sets the kernel's primary IPv4 address on it, mask and all.
    pub fn set_address(&self, to: Ipv4Net) -> Result<(), InterfaceError> {
        let refused = self.refused(SET_ADDRESS, format!("address add {to} dev {}", self.name));
        ioctl::set_address(self.socket.as_fd(), &self.name, to.addr()).map_err(&refused)?;
        // The address alone would get the mask of its class: 10.0.0.1 would own all of 10/8.
        ioctl::set_netmask(self.socket.as_fd(), &self.name, to.netmask()).map_err(&refused)
    }

    /// Sets its primary IPv4 address unless it has that address already: then it takes no privilege.
    pub fn ensure_address(&self, to: Ipv4Net) -> Result<(), InterfaceError> {
        if self.address()? == Some(to) { Ok(()) } else { self.set_address(to) }
    }

    /// Routes `destination` through it, by way of `gateway` if one is given.
    pub fn add_route(&self, destination: Ipv4Net, gateway: Option<Ipv4Addr>) -> Result<(), InterfaceError> {
        let via = gateway.map_or(String::new(), |gateway| format!(" via {gateway}"));
        let command = format!("route add {destination}{via} dev {}", self.name);
        ioctl::add_route(&self.socket, &self.name, destination.network(), destination.netmask(), gateway)
            .map_err(self.refused("add to the routes", command))
    }

    /// Changes what a header and attributes say about the interface.
    fn change(&self, header: LinkHeader, attributes: &[LinkAttribute]) -> Result<(), Errno> {
        let mut message = LinkMessage::default();
        message.header = header;
        message.attributes = vec![LinkAttribute::IfName(self.name.as_str().to_owned())];
        message.attributes.extend_from_slice(attributes);
        self.netlink().change(RouteNetlinkMessage::SetLink(message), 0)
    }

    fn netlink(&self) -> MutexGuard<'_, Connection> {
        // A panic leaves no request half done: each answer is recognized by its number.
        self.netlink.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the error of a question.
    fn failed(&self, what: &'static str) -> impl Fn(Errno) -> InterfaceError {
        self.error(what, None)
    }

    /// Makes the error of a change that `ip` with these arguments would make as well.
    fn refused(&self, what: &'static str, arguments: String) -> impl Fn(Errno) -> InterfaceError {
        self.error(what, Some(arguments))
    }

    fn error(&self, what: &'static str, command: Option<String>) -> impl Fn(Errno) -> InterfaceError {
        let name = self.name.clone();
        move |source| InterfaceError { name: name.clone(), what, command: command.clone(), source }
    }
}

impl InterfaceError {
    /// Whether the caller lacks the privilege.
    pub fn is_not_permitted(&self) -> bool {
        matches!(self.source, Errno::EPERM | Errno::EACCES)
    }
}

impl fmt::Display for InterfaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, what, source, .. } = self;
        write!(f, "cannot {what} of interface {name}: {}", source.desc())?;
        match (source, &self.command) {
            (Errno::EPERM | Errno::EACCES, Some(command)) => {
                write!(f, " without CAP_NET_ADMIN; `sudo ip {command}`")
            }
            (Errno::ENODEV, _) => f.write_str("; `ip link` lists the interfaces there are"),
            (Errno::EADDRNOTAVAIL | Errno::EINVAL, Some(_)) if *what == SET_ADDRESS => {
                f.write_str("; choose a host's address, such as 10.0.0.1/24")
            }
            (Errno::EINVAL, Some(_)) => write!(f, "; `ip -details link show {name}` tells its limits"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for InterfaceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}
