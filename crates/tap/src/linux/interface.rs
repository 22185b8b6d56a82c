//! Network interfaces of the kernel: MTU, MAC address, state, IP addresses, routes.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ipnet::Ipv4Net;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::address::{AddressAttribute, AddressHeader, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkHeader, LinkMessage};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nix::errno::Errno;

use super::InterfaceName;
use super::link::{self, CarrierState, LinkInfo, Selector};
use super::netlink::{Connection, attribute, errno};

/// Network interface of the kernel, identified by name in the network namespace of the thread that created this value.
///
/// All operations use rtnetlink, and no program is run. Reading requires no privilege, and changing requires
/// `CAP_NET_ADMIN`. Each change is one request, which the kernel performs entirely or not at all.
#[derive(Debug)]
pub struct Interface {
    name: InterfaceName,
    netlink: Mutex<Connection>,
}

/// Error of reading or changing an interface.
#[derive(Debug)]
pub struct InterfaceError {
    name: InterfaceName,
    operation: &'static str,
    change: Option<InterfaceChange>,
    source: Errno,
}

/// Requested change of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterfaceChange {
    /// The MTU in bytes.
    Mtu(usize),
    /// The MAC address.
    MacAddress([u8; 6]),
    /// The administrative state: true for up.
    Up(bool),
    /// An additional IPv4 address with its prefix length.
    Address(Ipv4Net),
    /// An additional route.
    Route {
        /// The destination network.
        destination: Ipv4Net,
        /// The gateway, or `None` if the destination is on-link.
        gateway: Option<Ipv4Addr>,
    },
}

/// Size of a `struct ifaddrmsg` in bytes.
const ADDRESS_HEADER: usize = 8;

impl Interface {
    /// Creates a handle for the interface with this name. The interface does not have to exist. Fails if no netlink
    /// socket can be opened.
    pub fn named(name: &InterfaceName) -> io::Result<Interface> {
        Ok(Interface { name: name.clone(), netlink: Mutex::new(Connection::open()?) })
    }

    /// Returns the name.
    pub fn name(&self) -> &InterfaceName {
        &self.name
    }

    /// Returns whether an interface with this name exists.
    pub fn exists(&self) -> bool {
        self.index().is_ok()
    }

    /// Returns the interface index.
    pub fn index(&self) -> Result<i32, InterfaceError> {
        Ok(self.link("read the index of")?.index.cast_signed())
    }

    /// Returns the MTU: the maximum payload of a frame, in bytes.
    pub fn mtu(&self) -> Result<usize, InterfaceError> {
        Ok(self.link("read the MTU of")?.state(0).mtu)
    }

    /// Sets the MTU in bytes. The kernel accepts 68 to 65,521 for a TAP.
    pub fn set_mtu(&self, mtu: usize) -> Result<(), InterfaceError> {
        let refused = self.change_error(InterfaceChange::Mtu(mtu));
        let mtu = u32::try_from(mtu).map_err(|_| refused(Errno::EINVAL))?;
        self.change(LinkHeader::default(), LinkAttribute::Mtu(mtu)).map_err(refused)
    }

    /// Returns the MAC address.
    pub fn mac_address(&self) -> Result<[u8; 6], InterfaceError> {
        const OPERATION: &str = "read the MAC address of";
        self.link(OPERATION)?.mac_address.ok_or_else(|| self.query_error(OPERATION)(Errno::EADDRNOTAVAIL))
    }

    /// Returns whether the interface carries Ethernet frames between stations. The loopback interface does not.
    pub fn is_ethernet(&self) -> Result<bool, InterfaceError> {
        Ok(self.link("read the hardware type of")?.is_ethernet)
    }

    /// Returns the state of the carrier. An interface that is down has no carrier.
    pub fn carrier(&self) -> io::Result<CarrierState> {
        self.link("read the carrier of").map(|link| link.carrier()).map_err(io::Error::other)
    }

    /// Returns whether ARP is disabled on the interface (`ip link set ... arp off`).
    pub fn is_without_arp(&self) -> Result<bool, InterfaceError> {
        Ok(self.link("read the flags of")?.flags.contains(LinkFlags::Noarp))
    }

    /// Returns how many outgoing frames the kernel has dropped on this interface. On a TAP these are frames for which
    /// the queue was full, because the program did not read fast enough.
    pub fn transmit_drops(&self) -> Result<u64, InterfaceError> {
        const OPERATION: &str = "read the dropped frames of";
        self.link(OPERATION)?.transmit_drops.ok_or_else(|| self.query_error(OPERATION)(Errno::EBADMSG))
    }

    /// Returns all IPv4 addresses of the interface with their prefix lengths, in the kernel's order.
    pub fn addresses(&self) -> io::Result<Vec<Ipv4Net>> {
        let index = self.index().map_err(io::Error::other)?;
        let all = interfaces_of_addresses(&mut self.netlink())?;
        let own = all.into_iter().filter(|(interface, _)| *interface == index.cast_unsigned());
        Ok(own.map(|(_, address)| address).collect())
    }

    /// Sets the MAC address.
    pub fn set_mac_address(&self, address: [u8; 6]) -> Result<(), InterfaceError> {
        self.change(LinkHeader::default(), LinkAttribute::Address(address.to_vec()))
            .map_err(self.change_error(InterfaceChange::MacAddress(address)))
    }

    /// Returns whether the interface is administratively up.
    pub fn is_up(&self) -> Result<bool, InterfaceError> {
        Ok(self.link("read the flags of")?.state(0).is_up)
    }

    /// Brings the interface up or down.
    pub fn set_up(&self, up: bool) -> Result<(), InterfaceError> {
        // The mask selects the flag to change, so that concurrent changes of other flags are kept.
        let flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
        let header = LinkHeader { flags, change_mask: LinkFlags::Up, ..LinkHeader::default() };
        self.change(header, None).map_err(self.change_error(InterfaceChange::Up(up)))
    }

    /// Returns the primary IPv4 address of the interface and its prefix length, if the interface has an address.
    pub fn address(&self) -> Result<Option<Ipv4Net>, InterfaceError> {
        let all = self.addresses().map_err(|error| self.query_error("read the address of")(errno(&error)))?;
        Ok(all.first().copied())
    }

    /// Adds an IPv4 address with its prefix length. Fails with `EADDRNOTAVAIL` for addresses that no host may have:
    /// multicast, limited broadcast and 0.0.0.0/8.
    pub fn add_address(&self, address: Ipv4Net) -> Result<(), InterfaceError> {
        let refused = self.change_error(InterfaceChange::Address(address));
        // The kernel would accept these addresses.
        let host = address.addr();
        if host.is_multicast() || host.is_broadcast() || host.octets().starts_with(&[0]) {
            return Err(refused(Errno::EADDRNOTAVAIL));
        }
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.prefix_len = address.prefix_len();
        message.header.index = self.link(InterfaceChange::Address(address).operation())?.index;
        let host = IpAddr::V4(host);
        message.attributes = vec![AddressAttribute::Local(host), AddressAttribute::Address(host)];
        self.netlink()
            .change(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_EXCL)
            .map_err(refused)
    }

    /// Adds an IPv4 address unless the interface already has the address. Finding an existing address requires no
    /// privilege.
    pub fn ensure_address(&self, address: Ipv4Net) -> Result<(), InterfaceError> {
        if self.has_address(address)? {
            return Ok(());
        }
        match self.add_address(address) {
            // Another program added the address between the check and the change.
            Err(error) if error.source == Errno::EEXIST && self.has_address(address)? => Ok(()),
            other => other,
        }
    }

    fn has_address(&self, address: Ipv4Net) -> Result<bool, InterfaceError> {
        let all =
            self.addresses().map_err(|error| self.query_error("read the addresses of")(errno(&error)))?;
        Ok(all.contains(&address))
    }

    /// Adds a route to `destination` through this interface, and via `gateway` unless `gateway` is `None`. Fails if a
    /// route to the same destination exists.
    pub fn add_route(&self, destination: Ipv4Net, gateway: Option<Ipv4Addr>) -> Result<(), InterfaceError> {
        let change = InterfaceChange::Route { destination, gateway };
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
            RouteAttribute::Oif(self.link(change.operation())?.index),
        ];
        let gateway = gateway.map(|gateway| RouteAttribute::Gateway(RouteAddress::Inet(gateway)));
        message.attributes.extend(gateway);
        self.netlink()
            .change(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_EXCL)
            .map_err(self.change_error(change))
    }

    /// Requests a change, described by a header and an attribute.
    fn change(&self, header: LinkHeader, attribute: impl Into<Option<LinkAttribute>>) -> Result<(), Errno> {
        let mut message = LinkMessage::default();
        message.header = header;
        message.attributes = vec![LinkAttribute::IfName(self.name.as_str().to_owned())];
        message.attributes.extend(attribute.into());
        self.netlink().change(RouteNetlinkMessage::SetLink(message), 0)
    }

    /// Returns the kernel's description of the interface. `operation` appears in the error.
    fn link(&self, operation: &'static str) -> Result<LinkInfo, InterfaceError> {
        link::query(&mut self.netlink(), Selector::Name(self.name.as_str()))
            .map_err(self.query_error(operation))
    }

    /// Returns the netlink connection.
    pub(super) fn netlink(&self) -> MutexGuard<'_, Connection> {
        // The connection stays usable after a panic: answers are matched to requests by sequence number.
        self.netlink.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the constructor for the error of a failed query.
    fn query_error(&self, operation: &'static str) -> impl Fn(Errno) -> InterfaceError {
        self.error(operation, None)
    }

    /// Returns the constructor for the error of a failed change.
    fn change_error(&self, change: InterfaceChange) -> impl Fn(Errno) -> InterfaceError {
        self.error(change.operation(), Some(change))
    }

    fn error(
        &self,
        operation: &'static str,
        change: Option<InterfaceChange>,
    ) -> impl Fn(Errno) -> InterfaceError {
        let name = self.name.clone();
        move |source| InterfaceError { name: name.clone(), operation, change, source }
    }
}

impl InterfaceChange {
    fn operation(self) -> &'static str {
        match self {
            Self::Mtu(_) => "set the MTU of",
            Self::MacAddress(_) => "set the MAC address of",
            Self::Up(_) => "change the state of",
            Self::Address(_) => "add an IP address to",
            Self::Route { .. } => "add a route through",
        }
    }
}

impl InterfaceError {
    /// Returns the name of the interface.
    pub fn name(&self) -> &InterfaceName {
        &self.name
    }

    /// Returns the change that failed, or `None` if a query failed.
    pub fn change(&self) -> Option<InterfaceChange> {
        self.change
    }

    /// Returns the error number of the kernel.
    pub fn reason(&self) -> Errno {
        self.source
    }

    /// Returns whether permission was denied.
    pub fn is_not_permitted(&self) -> bool {
        matches!(self.source, Errno::EPERM | Errno::EACCES)
    }
}

impl fmt::Display for InterfaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, operation, source, .. } = self;
        write!(f, "cannot {operation} interface {name}: {}", source.desc())?;
        if self.is_not_permitted() && self.change.is_some() {
            f.write_str(" (CAP_NET_ADMIN is required)")?;
        }
        Ok(())
    }
}

impl std::error::Error for InterfaceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Returns all IPv4 addresses of the kernel in the current network namespace, on all interfaces, with their prefix
/// lengths. By default, the kernel answers ARP requests for all these addresses on every interface.
pub fn kernel_addresses() -> io::Result<Vec<Ipv4Net>> {
    let all = interfaces_of_addresses(&mut Connection::open()?)?;
    Ok(all.into_iter().map(|(_, address)| address).collect())
}

/// Returns all IPv4 addresses of the kernel, each with the index of its interface.
pub(super) fn interfaces_of_addresses(connection: &mut Connection) -> io::Result<Vec<(u32, Ipv4Net)>> {
    let mut request = AddressMessage::default();
    request.header.family = AddressFamily::Inet;
    connection.dump(&RouteNetlinkMessage::GetAddress(request), address)
}

fn address(message: &[u8]) -> Option<(u32, Ipv4Net)> {
    let header = AddressHeader::parse(message).ok()?;
    // On a point-to-point interface, IFA_ADDRESS is the peer's address.
    let local = attribute(message, ADDRESS_HEADER, libc::IFA_LOCAL)?;
    let local: Ipv4Addr = <[u8; 4]>::try_from(local).ok()?.into();
    Some((header.index, Ipv4Net::new(local, header.prefix_len).ok()?))
}
