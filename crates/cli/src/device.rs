//! The network device of a command: a TAP, or an interface that the kernel uses too.

use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd};

use host::Host;
use inet::InterfaceId;
use ipnet::Ipv4Net;
use ipv4::NextHop;
use link::MacAddr;
use runtime::DriverError;
use tap::linux::{Interface, InterfaceName, LinkMonitor, PacketSocket, Tap, bridge_of, kernel_addresses};
use tap::{Batch, Capabilities, Device, DeviceCounters, DeviceError, Pool, PortId, Received, Transmitted};

use crate::carrier::wait_for_carrier;
use crate::failure::Failure;

/// The device of a command.
// A program has one device, so the size does not matter.
#[allow(clippy::large_enum_variant)]
pub(crate) enum NetworkDevice {
    Tap(Tap),
    Socket(PacketSocket, Interface),
}

/// The addresses of the hosts on an interface.
pub(crate) struct HostAddresses<'a> {
    /// The first and the last MAC address.
    pub(crate) macs: (MacAddr, MacAddr),
    /// IP addresses of hosts, and the ranges of proxy ARP.
    pub(crate) ips: &'a [Ipv4Net],
}

impl NetworkDevice {
    /// Opens an interface that the kernel uses too, for hosts with addresses of their own.
    pub(crate) fn open_interface(
        name: &InterfaceName,
        addresses: &HostAddresses<'_>,
    ) -> Result<NetworkDevice, Failure> {
        let (first, last) = addresses.macs;
        let socket = PacketSocket::open_for_stations(name, first.bytes(), last.bytes())?;
        let interface = Interface::named(name)?;
        addresses.check(&interface)?;
        warn_of_bridge(name)?;
        wait_for_carrier(&interface)?;
        Ok(NetworkDevice::Socket(socket, interface))
    }

    /// The kernel's interface.
    pub(crate) fn interface(&self) -> &Interface {
        match self {
            Self::Tap(tap) => tap.interface(),
            Self::Socket(_, interface) => interface,
        }
    }

    /// The name of the interface.
    pub(crate) fn name(&self) -> &InterfaceName {
        self.interface().name()
    }

    /// Returns why the kernel refused the faster I/O method, and which method is used instead.
    pub(crate) fn fallback_message(&self) -> Option<String> {
        match self {
            Self::Tap(tap) => tap
                .ring_error()
                .map(|error| format!("using read and write system calls, because io_uring failed: {error}")),
            Self::Socket(socket, _) => socket.ring_error().map(|error| {
                format!("receiving one frame per system call, because the receive ring failed: {error}")
            }),
        }
    }

    /// Returns the device with a monitor of its link.
    pub(crate) fn with_monitor(self) -> Result<(NetworkDevice, LinkMonitor), Failure> {
        match LinkMonitor::open(self.name()) {
            Ok(monitor) => Ok((self, monitor)),
            Err(source) => Err(self.failure(&DriverError::Link { port: PortId::default(), source })),
        }
    }

    /// Rejects a target with a next hop that is this machine's kernel.
    pub(crate) fn check_next_hop(
        &self,
        host: &Host,
        source: Ipv4Addr,
        target: Ipv4Addr,
    ) -> Result<(), Failure> {
        match host.routes().next_hop(source, target, InterfaceId::default()) {
            Some(NextHop::OnLink(neighbor) | NextHop::Gateway(neighbor)) => self.check_reachable(neighbor),
            _ => Ok(()),
        }
    }

    /// Rejects a neighbor that is this machine's kernel, which does not receive frames sent on its own interface.
    pub(crate) fn check_reachable(&self, neighbor: Ipv4Addr) -> Result<(), Failure> {
        // spec: shared-kernel
        let Self::Socket(_, interface) = self else { return Ok(()) };
        if kernel_addresses()?.iter().any(|network| network.addr() == neighbor) {
            let name = interface.name();
            return Err(Failure::new(format!(
                "{neighbor} is an address of this machine, and its kernel does not receive frames sent on {name}"
            ))
            .hint("use a TAP with --tap to reach the local kernel"));
        }
        Ok(())
    }

    /// Checks that a host with this address and MAC address can be added. `macs` is the range of MAC addresses of all
    /// hosts, including the added host. Rejects addresses of the kernel.
    pub(crate) fn check_host(
        &self,
        address: Ipv4Net,
        mac: MacAddr,
        macs: (MacAddr, MacAddr),
    ) -> Result<(), Failure> {
        let Self::Socket(_, interface) = self else { return check_macs((mac, mac), self.interface()) };
        HostAddresses { macs, ips: &[address.addr().into()] }.check(interface)
    }

    /// Receives the frames for the hosts with these MAC addresses. A TAP receives all frames.
    pub(crate) fn receive_for(&self, macs: (MacAddr, MacAddr)) -> Result<(), Failure> {
        match self {
            Self::Socket(socket, _) => Ok(socket.set_stations(macs.0.bytes(), macs.1.bytes())?),
            Self::Tap(_) => Ok(()),
        }
    }

    /// Returns the failure of a command after this error of its device.
    pub(crate) fn failure(&self, error: &dyn std::error::Error) -> Failure {
        let kind = if matches!(self, Self::Tap(_)) { "TAP " } else { "" };
        Failure::new(format!("{kind}{}: {error}", self.name()))
    }
}

impl HostAddresses<'_> {
    /// Rejects addresses of the kernel: two hosts with one address conflict.
    fn check(&self, interface: &Interface) -> Result<(), Failure> {
        check_macs(self.macs, interface)?;
        // spec: shared-ip
        // Addresses of any interface: the kernel replies to ARP requests for all its addresses on each.
        let kernel = kernel_addresses()?;
        let both = |range: &Ipv4Net| kernel.iter().map(Ipv4Net::addr).find(|address| range.contains(address));
        match self.ips.iter().find_map(|range| Some((range, both(range)?))) {
            None => Ok(()),
            Some((range, address)) => Err(shared_address(*range, address)),
        }
    }
}

/// Warns if an interface is a port of a bridge: frames sent on it leave only by this port.
pub(crate) fn warn_of_bridge(name: &InterfaceName) -> Result<(), Failure> {
    if let Some(bridge) = bridge_of(name)? {
        Failure::new(format!(
            "{name} is a port of bridge {bridge}: hosts on other ports of the bridge are unreachable"
        ))
        .hint(format!("use `-I {bridge}` to reach all ports"))
        .print();
    }
    Ok(())
}

/// Warns if the kernel has the address of an emulated host: on a TAP, the kernel then does not answer this host.
pub(crate) fn warn_of_shared_address(address: Ipv4Addr) -> Result<(), Failure> {
    if kernel_addresses()?.iter().any(|network| network.addr() == address) {
        Failure::new(format!("{address} is also an address of this machine"))
            .hint("use another --address")
            .print();
    }
    Ok(())
}

/// Rejects a range of MAC addresses that contains the kernel's on this interface.
pub(crate) fn check_macs((first, last): (MacAddr, MacAddr), interface: &Interface) -> Result<(), Failure> {
    // spec: shared-mac
    let kernel_mac = MacAddr::new(interface.mac_address()?);
    if (first..=last).contains(&kernel_mac) {
        let name = interface.name();
        return Err(Failure::new(format!("{kernel_mac} is the kernel's MAC address on {name}"))
            .hint("use another MAC address"));
    }
    Ok(())
}

/// Returns the failure of a range that contains an address of the kernel.
pub(crate) fn shared_address(range: Ipv4Net, kernel: Ipv4Addr) -> Failure {
    let failure = Failure::new(format!("{kernel} is already an address of this machine"));
    if range.prefix_len() == 32 {
        failure.hint("use another address")
    } else {
        failure.hint(format!("use a range other than {range}"))
    }
}

impl From<Tap> for NetworkDevice {
    fn from(tap: Tap) -> NetworkDevice {
        NetworkDevice::Tap(tap)
    }
}

impl Device for NetworkDevice {
    fn capabilities(&self) -> Capabilities {
        match self {
            Self::Tap(tap) => tap.capabilities(),
            Self::Socket(socket, _) => socket.capabilities(),
        }
    }

    fn receive(&mut self, pool: &mut Pool, into: &mut Batch) -> Result<Received, DeviceError> {
        match self {
            Self::Tap(tap) => tap.receive(pool, into),
            Self::Socket(socket, _) => socket.receive(pool, into),
        }
    }

    fn transmit(&mut self, from: &mut Batch, pool: &mut Pool) -> Result<Transmitted, DeviceError> {
        match self {
            Self::Tap(tap) => tap.transmit(from, pool),
            Self::Socket(socket, _) => socket.transmit(from, pool),
        }
    }

    fn counters(&self) -> DeviceCounters {
        match self {
            Self::Tap(tap) => tap.counters(),
            Self::Socket(socket, _) => socket.counters(),
        }
    }
}

impl AsFd for NetworkDevice {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tap(tap) => tap.as_fd(),
            Self::Socket(socket, _) => socket.as_fd(),
        }
    }
}
