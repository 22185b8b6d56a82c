//! The kernel's side of an interface: MTU, hardware address, up or down, addresses, routes.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ipnet::Ipv4Net;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkHeader, LinkMessage};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nix::errno::Errno;

use super::colons::Colons;
use super::link::{self, Link, Selector};
use super::netlink::{Connection, errno};
use super::{Carrier, InterfaceName, addresses};

/// One network interface of the kernel, addressed by name in the network namespace of the thread that made this value.
///
/// All is done by rtnetlink; no program is run. Reading needs no privilege, changing needs
/// `CAP_NET_ADMIN`. Each change is one request, which the kernel does as a whole or not at all.
#[derive(Debug)]
pub struct Interface {
    name: InterfaceName,
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

/// What was refused where the address is none of a host.
const ADD_ADDRESS: &str = "add an address";

impl Interface {
    /// A handle on the interface with this name. Whether it exists shows when it is asked.
    pub fn named(name: &InterfaceName) -> io::Result<Interface> {
        Ok(Interface { name: name.clone(), netlink: Mutex::new(Connection::open()?) })
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
        Ok(self.link("read the index")?.index.cast_signed())
    }

    /// Its MTU: the longest payload of a frame, in bytes.
    pub fn mtu(&self) -> Result<usize, InterfaceError> {
        Ok(self.link("read the MTU")?.state(0).mtu)
    }

    /// Sets its MTU in bytes. The kernel takes 68 to 65,521 for a TAP.
    pub fn set_mtu(&self, mtu: usize) -> Result<(), InterfaceError> {
        let refused = self.refused("set the MTU", format!("link set {} mtu {mtu}", self.name));
        let mtu = u32::try_from(mtu).map_err(|_| refused(Errno::EINVAL))?;
        self.change(LinkHeader::default(), LinkAttribute::Mtu(mtu)).map_err(refused)
    }

    /// The kernel's own hardware address on it.
    pub fn hardware_address(&self) -> Result<[u8; 6], InterfaceError> {
        const WHAT: &str = "read the hardware address";
        self.link(WHAT)?.hardware_address.ok_or_else(|| self.failed(WHAT)(Errno::EADDRNOTAVAIL))
    }

    /// Whether it carries Ethernet frames between stations; the loopback does not.
    pub fn is_ethernet(&self) -> Result<bool, InterfaceError> {
        Ok(self.link("read the hardware type")?.is_ethernet)
    }

    /// Whether it has a carrier: something at its other end. It has none while it is down.
    pub fn carrier(&self) -> io::Result<Carrier> {
        self.link("read the carrier").map(|link| link.carrier()).map_err(io::Error::other)
    }

    /// Whether it is told to do without ARP (`ip link set ... arp off`).
    pub fn is_without_arp(&self) -> Result<bool, InterfaceError> {
        Ok(self.link("read the flags")?.flags.contains(LinkFlags::Noarp))
    }

    /// How many frames the kernel dropped that were to leave by it, since it exists. On a TAP these are frames that its
    /// reader did not read in time: the queue was full.
    pub fn transmit_drops(&self) -> Result<u64, InterfaceError> {
        const WHAT: &str = "read the dropped frames";
        self.link(WHAT)?.transmit_drops.ok_or_else(|| self.failed(WHAT)(Errno::EBADMSG))
    }

    /// All of the kernel's IPv4 addresses on it, each with its prefix, in the kernel's order.
    pub fn addresses(&self) -> io::Result<Vec<Ipv4Net>> {
        let index = self.index().map_err(io::Error::other)?;
        addresses::on(&mut self.netlink(), index.cast_unsigned())
    }

    /// Sets the kernel's own hardware address on it.
    pub fn set_hardware_address(&self, address: [u8; 6]) -> Result<(), InterfaceError> {
        let command = format!("link set {} address {}", self.name, Colons(address));
        self.change(LinkHeader::default(), LinkAttribute::Address(address.to_vec()))
            .map_err(self.refused("set the hardware address", command))
    }

    /// Whether it is up.
    pub fn is_up(&self) -> Result<bool, InterfaceError> {
        Ok(self.link("read the flags")?.state(0).is_up)
    }

    /// Brings it up or takes it down.
    pub fn set_up(&self, up: bool) -> Result<(), InterfaceError> {
        let word = if up { "up" } else { "down" };
        // A mask names the flag to change: others keep what another program makes of them meanwhile.
        let flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
        let header = LinkHeader { flags, change_mask: LinkFlags::Up, ..LinkHeader::default() };
        self.change(header, None)
            .map_err(self.refused("change the state", format!("link set {} {word}", self.name)))
    }

    /// The kernel's primary IPv4 address on it and its prefix, if it has one.
    pub fn address(&self) -> Result<Option<Ipv4Net>, InterfaceError> {
        let all = self.addresses().map_err(|error| self.failed("read the address")(errno(&error)))?;
        Ok(all.first().copied())
    }

    /// Adds an IPv4 address of the kernel's, with its prefix. All others stay.
    pub fn add_address(&self, address: Ipv4Net) -> Result<(), InterfaceError> {
        let refused = self.refused(ADD_ADDRESS, format!("address add {address} dev {}", self.name));
        // The kernel would take them.
        let host = address.addr();
        if host.is_multicast() || host.is_broadcast() || host.octets().starts_with(&[0]) {
            return Err(refused(Errno::EADDRNOTAVAIL));
        }
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.prefix_len = address.prefix_len();
        message.header.index = self.link(ADD_ADDRESS)?.index;
        let host = IpAddr::V4(host);
        message.attributes = vec![AddressAttribute::Local(host), AddressAttribute::Address(host)];
        self.netlink()
            .change(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_EXCL)
            .map_err(refused)
    }

    /// Adds an IPv4 address unless the interface has it already: then it takes no privilege.
    pub fn ensure_address(&self, address: Ipv4Net) -> Result<(), InterfaceError> {
        if self.has_address(address)? {
            return Ok(());
        }
        match self.add_address(address) {
            // Another program added it after the look.
            Err(error) if error.source == Errno::EEXIST && self.has_address(address)? => Ok(()),
            other => other,
        }
    }

    fn has_address(&self, address: Ipv4Net) -> Result<bool, InterfaceError> {
        let all = self.addresses().map_err(|error| self.failed("read the addresses")(errno(&error)))?;
        Ok(all.contains(&address))
    }

    /// Routes `destination` through it, by way of `gateway` if one is given. A route to the same destination must not
    /// exist yet.
    pub fn add_route(&self, destination: Ipv4Net, gateway: Option<Ipv4Addr>) -> Result<(), InterfaceError> {
        const WHAT: &str = "add to the routes";
        let via = gateway.map_or(String::new(), |gateway| format!(" via {gateway}"));
        let command = format!("route add {destination}{via} dev {}", self.name);
        let mut message = RouteMessage::default();
        message.header = RouteHeader {
            address_family: AddressFamily::Inet,
            destination_prefix_length: destination.prefix_len(),
            table: RouteHeader::RT_TABLE_MAIN,
            protocol: RouteProtocol::Boot,
            scope: if gateway.is_some() { RouteScope::Universe } else { RouteScope::Link },
            kind: RouteType::Unicast,
            ..RouteHeader::default()
        };
        message.attributes = vec![
            RouteAttribute::Destination(RouteAddress::Inet(destination.network())),
            RouteAttribute::Oif(self.link(WHAT)?.index),
        ];
        let gateway = gateway.map(|gateway| RouteAttribute::Gateway(RouteAddress::Inet(gateway)));
        message.attributes.extend(gateway);
        self.netlink()
            .change(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_EXCL)
            .map_err(self.refused(WHAT, command))
    }

    /// Changes what a header and an attribute say about the interface.
    fn change(&self, header: LinkHeader, attribute: impl Into<Option<LinkAttribute>>) -> Result<(), Errno> {
        let mut message = LinkMessage::default();
        message.header = header;
        message.attributes = vec![LinkAttribute::IfName(self.name.as_str().to_owned())];
        message.attributes.extend(attribute.into());
        self.netlink().change(RouteNetlinkMessage::SetLink(message), 0)
    }

    /// The kernel's description of it; `what` is to be read from it.
    fn link(&self, what: &'static str) -> Result<Link, InterfaceError> {
        link::query(&mut self.netlink(), Selector::Name(self.name.as_str())).map_err(self.failed(what))
    }

    /// The connection to the kernel.
    pub(super) fn netlink(&self) -> MutexGuard<'_, Connection> {
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
    /// The system's reason.
    pub fn reason(&self) -> Errno {
        self.source
    }

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
            (Errno::EADDRNOTAVAIL | Errno::EINVAL, Some(_)) if *what == ADD_ADDRESS => {
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
