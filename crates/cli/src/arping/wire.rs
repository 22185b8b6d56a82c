//! The wire that is asked on.

use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd};
use std::thread;
use std::time::Duration;

use arp::{Fields, Packet};
use ipnet::Ipv4Net;
use link::{EtherType, Ethernet, Link, MacAddr, Stations, pad};
use tap::linux::{Carrier, Interface, InterfaceName, PacketSocket, Tap};
use tap::{Batch, Device, DeviceError, Frame, Pool};

use super::arguments::ArpingArguments;
use crate::failure::Failure;
use crate::station::own_mac;

/// How many frames are heard in one turn.
const BATCH: usize = 64;
/// Between two looks at an interface that does not run yet.
const PAUSE: Duration = Duration::from_millis(10);
/// How often it is looked at: the kernel takes note of a carrier within a second.
const LOOKS: u32 = 150;
/// After how many looks a carrier that is there counts, though the kernel takes no note of it.
const UNNOTICED: u32 = 10;

/// A device of the system's.
trait Wired: Device + AsFd {}

impl<T: Device + AsFd> Wired for T {}

/// An interface, and a way to send and receive on it.
pub(super) struct Wire {
    device: Box<dyn Wired>,
    interface: Interface,
    hardware: MacAddr,
    link: Link,
    pool: Pool,
    arrived: Batch,
    departing: Batch,
}

impl Wire {
    /// Opens the interface of `-I`, or the TAP.
    pub(super) fn open(arguments: &ArpingArguments) -> Result<Wire, Failure> {
        let (device, interface, hardware) = match (&arguments.interface, &arguments.tap) {
            (Some(name), _) => on_interface(arguments, name)?,
            (None, Some(name)) => on_tap(arguments, name)?,
            (None, None) => return Err(Failure::new("no wire is named; name one by -I or --tap")),
        };
        let link = Link::new(Stations::one(hardware), device.mtu(), arguments.vlan);
        let pool = Pool::new(device.mtu(), 2 * BATCH);
        let (arrived, departing) = (Batch::new(BATCH), Batch::new(1));
        Ok(Wire { device, interface, hardware, link, pool, arrived, departing })
    }

    pub(super) fn name(&self) -> &InterfaceName {
        self.interface.name()
    }

    /// Our hardware address.
    pub(super) fn hardware(&self) -> MacAddr {
        self.hardware
    }

    /// The kernel's address in the network that `target` is in: the one of the longest prefix.
    pub(super) fn kernel_address(&self, target: Ipv4Addr) -> Result<Option<Ipv4Addr>, Failure> {
        let addresses = self.interface.addresses()?;
        let near = addresses.into_iter().filter(|network| network.contains(&target));
        Ok(near.max_by_key(Ipv4Net::prefix_len).map(|network| network.addr()))
    }

    /// Waits until frames pass: the kernel loses what is sent before it has taken note of the carrier.
    pub(super) fn settle(&self) -> Result<(), Failure> {
        let name = self.name();
        for look in 0..LOOKS {
            match self.interface.carrier()? {
                Carrier::Up => return Ok(()),
                Carrier::Unnoticed if look >= UNNOTICED => return Ok(()),
                Carrier::Down if !self.interface.is_up()? => return Err(down(name)),
                Carrier::Unnoticed | Carrier::Down => thread::sleep(PAUSE),
            }
        }
        Err(Failure::new(format!(
            "{name} has no carrier, and nobody is heard or asked without; connect what is to be at its other end, then `ip link show {name}`"
        )))
    }

    /// Whether frames could pass all the time: none was refused by what we receive from, and they can now.
    pub(super) fn was_there(&self) -> bool {
        self.device.counters().unreadable == 0
            && self.interface.carrier().is_ok_and(|carrier| carrier != Carrier::Down)
    }

    /// Sends a packet. Returns whether the wire took it.
    pub(super) fn send(&mut self, packet: &Fields, destination: MacAddr) -> Result<bool, Failure> {
        let frame = self.frame(packet, destination).ok_or_else(|| {
            let name = self.interface.name();
            Failure::new(format!("{name} has no room for an ARP packet; `sudo ip link set {name} mtu 1500`"))
        })?;
        if let Err(frame) = self.departing.push(frame) {
            self.pool.give(frame);
        }
        let taken = self.device.transmit(&mut self.departing, &mut self.pool);
        let taken = taken.map_err(|error| gone(self.interface.name(), &error))?;
        // A wire without room has refused it: a request that departs late is no request of its time.
        if let Some(frame) = self.departing.pop() {
            self.pool.give(frame);
        }
        Ok(taken > 0)
    }

    /// A frame with a packet in it, ready to depart; none if there is no room.
    fn frame(&mut self, packet: &Fields, destination: MacAddr) -> Option<Frame> {
        let mut frame = self.pool.take()?;
        packet.write_to(frame.append(Fields::LENGTH).ok()?).ok()?;
        self.link.send(&mut frame, destination, self.hardware, EtherType::ARP).ok()?;
        pad(&mut frame, self.device.minimum_frame()).ok()?;
        Some(frame)
    }

    /// Gives every ARP packet of our VLAN that has arrived to `hear`, and whether it was sent to all.
    pub(super) fn receive(&mut self, mut hear: impl FnMut(Packet<'_>, bool)) -> Result<(), Failure> {
        let received = self.device.receive(&mut self.pool, &mut self.arrived);
        received.map_err(|error| gone(self.interface.name(), &error))?;
        while let Some(frame) = self.arrived.pop() {
            if let Some((packet, is_broadcast)) = packet(&self.link, frame.octets()) {
                hear(packet, is_broadcast);
            }
            self.pool.give(frame);
        }
        Ok(())
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }
}

type Opened = (Box<dyn Wired>, Interface, MacAddr);

fn on_interface(arguments: &ArpingArguments, name: &InterfaceName) -> Result<Opened, Failure> {
    let socket = PacketSocket::open_for_arp(name)?;
    let interface = Interface::named(name)?;
    // A kernel that does not answer would make every address look free.
    if interface.is_without_arp()? {
        return Err(Failure::new(format!("{name} is to do without ARP; `sudo ip link set {name} arp on`")));
    }
    let own = MacAddr::new(interface.hardware_address()?);
    let hardware = arguments.source_mac.unwrap_or(own);
    if hardware != own {
        let added = socket.add_station(hardware.octets());
        added.map_err(|error| {
            Failure::new(format!(
                "{name} cannot hear what is sent to {hardware}: {error}; leave --source-mac out"
            ))
        })?;
    }
    Ok((Box::new(socket), interface, hardware))
}

fn on_tap(arguments: &ArpingArguments, name: &InterfaceName) -> Result<Opened, Failure> {
    let tap = Tap::open(name.as_str())?;
    if let Some(address) = arguments.kernel {
        tap.interface().ensure_address(address)?;
    }
    if tap.is_created() {
        tap.interface().set_up(true)?;
    } else if !tap.interface().is_up()? {
        return Err(down(name));
    }
    let interface = Interface::named(tap.interface().name())?;
    let hardware = arguments.source_mac.unwrap_or_else(|| own_mac(interface.name(), arguments.address));
    Ok((Box::new(tap), interface, hardware))
}

fn down(name: &InterfaceName) -> Failure {
    Failure::new(format!(
        "{name} is down, and nobody is heard or asked until it is up; `sudo ip link set {name} up`"
    ))
}

fn gone(name: &InterfaceName, error: &DeviceError) -> Failure {
    Failure::new(format!("{name}: {error}"))
}

/// The ARP packet in a frame of our VLAN, and whether the frame was sent to all.
fn packet<'a>(link: &Link, octets: &'a [u8]) -> Option<(Packet<'a>, bool)> {
    let frame = Ethernet::parse(octets).ok()?;
    let is_ours =
        frame.ether_type() == EtherType::ARP && link.is_our_vlan(frame.tags()) && !frame.source().is_group();
    let packet = Packet::parse(frame.payload()).ok().filter(|_| is_ours)?;
    Some((packet, frame.destination().is_group()))
}
