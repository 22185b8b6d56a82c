//! A socket for ARP probes: on an interface that the kernel uses too, or on a TAP.

pub(crate) mod arguments;

use std::fmt::Display;
use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd};

use arp::{Packet, PacketFields};
use capture::Direction;
use host::{DropReason, FrameOutcome};
use ipnet::Ipv4Net;
use link::{EtherType, EthernetFrame, Link, MacAddr, VlanId, pad};
use tap::linux::{Interface, InterfaceName, PacketSocket, Tap};
use tap::{Batch, Device, DeviceError, Frame, Instant, Pool};

use crate::carrier::{interface_down, wait_for_carrier};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::gaps::{GapMonitor, Gaps};
use crate::host_device::{check_macs, warn_of_bridge};
use crate::mac::default_mac;
use crate::recorder::{CaptureArguments, Recorder};
use arguments::ProbeArguments;

/// Maximum number of frames received or sent at a time.
const BATCH: usize = 64;
/// Maximum number of batches read at the end: more than any receive queue holds.
const MAX_DRAIN_BATCHES: u32 = 256;

/// A TAP or a packet socket.
trait ProbeDevice: Device + AsFd {}

impl<T: Device + AsFd> ProbeDevice for T {}

/// A device on which ARP packets are sent and received.
pub(crate) struct ProbeSocket {
    device: Box<dyn ProbeDevice>,
    interface: Interface,
    mac: MacAddr,
    /// The kernel's MAC address, if the kernel sends on the interface too.
    kernel_mac: Option<MacAddr>,
    /// Set once the link carries frames.
    monitor: Option<GapMonitor>,
    link: Link,
    pool: Pool,
    arrived: Batch,
    departing: Batch,
    recorder: Option<Recorder<File>>,
    /// A copy of the frame being sent, for the recorder.
    sent: Vec<u8>,
}

impl ProbeSocket {
    /// Opens the interface or the TAP, and the capture if there is one, with the times of `clock`.
    pub(crate) fn open(
        arguments: &ProbeArguments,
        capture: &CaptureArguments,
        vlan: Option<VlanId>,
        clock: Clock,
    ) -> Result<ProbeSocket, Failure> {
        let OpenedDevice { device, interface, mac, kernel_mac } = match (&arguments.interface, &arguments.tap)
        {
            (Some(name), _) => on_interface(arguments, name)?,
            (None, Some(name)) => on_tap(arguments, name)?,
            (None, None) => return Err(Failure::new("missing interface").hint("add -I NAME or --tap NAME")),
        };
        let link = Link::new(device.capabilities().mtu, vlan);
        let pool = Pool::new(device.capabilities().mtu, 2 * BATCH);
        let (arrived, departing) = (Batch::new(BATCH), Batch::new(BATCH));
        let recorder = capture.start_recorder(interface.name().as_str(), clock)?;
        Ok(ProbeSocket {
            device,
            interface,
            mac,
            kernel_mac,
            monitor: None,
            link,
            pool,
            arrived,
            departing,
            recorder,
            sent: Vec::new(),
        })
    }

    pub(crate) fn name(&self) -> &InterfaceName {
        self.interface.name()
    }

    /// The sender's MAC address.
    pub(crate) fn mac(&self) -> MacAddr {
        self.mac
    }

    /// The kernel's interface.
    pub(crate) fn interface(&self) -> &Interface {
        &self.interface
    }

    /// Returns the kernel's address in the network of `target`: the address with the longest prefix.
    pub(crate) fn kernel_address(&self, target: Ipv4Addr) -> Result<Option<Ipv4Addr>, Failure> {
        let addresses = self.interface.addresses()?;
        let near = addresses.into_iter().filter(|network| network.contains(&target));
        Ok(near.max_by_key(Ipv4Net::prefix_len).map(|network| network.addr()))
    }

    /// Waits for the carrier: the kernel drops frames until it has noticed the carrier.
    pub(crate) fn wait_for_carrier(&mut self, now: Instant) -> Result<(), Failure> {
        wait_for_carrier(&self.interface)?;
        self.monitor = Some(GapMonitor::open(&self.interface, self.kernel_mac.is_none(), now)?);
        Ok(())
    }

    /// Returns the gaps in reception so far.
    pub(crate) fn gaps(&mut self, now: Instant) -> Gaps {
        let counters = self.device.counters();
        let Some(monitor) = &mut self.monitor else { return Gaps::of_device(&counters) };
        while monitor.poll(now).is_some() {}
        monitor.gaps(&counters, &self.interface)
    }

    /// Records that frames are left unread.
    pub(crate) fn mark_unread(&mut self) {
        if let Some(monitor) = &mut self.monitor {
            monitor.mark_unread();
        }
    }

    /// Sends a packet. Returns whether the device accepted it; a refused packet is not captured as sent.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        packet: &PacketFields,
        destination: MacAddr,
    ) -> Result<bool, Failure> {
        self.queue(packet, destination)?;
        let refused = self.flush(now)?;
        // A congested device would send the packet later than recorded, so the packet is counted as refused.
        let late = self.discard_queued();
        if late > 0 {
            self.record_sent(now, true);
        }
        Ok(refused == 0 && late == 0)
    }

    /// Queues a packet for [`ProbeSocket::flush`]. Returns false if the queue is full.
    pub(crate) fn queue(&mut self, packet: &PacketFields, destination: MacAddr) -> Result<bool, Failure> {
        // If several packets are sent in one call, it is unknown which packets were refused.
        let most = if self.recorder.is_some() { 1 } else { BATCH };
        if self.departing.len() >= most {
            return Ok(false);
        }
        let frame = self.frame(packet, destination).ok_or_else(|| {
            let name = self.interface.name();
            Failure::new(format!("the MTU of {name} is too small for an ARP packet"))
                .hint_command("raise the MTU", format!("sudo ip link set {name} mtu 1500"))
        })?;
        if self.recorder.is_some() {
            self.sent.clear();
            self.sent.extend_from_slice(frame.bytes());
        }
        if let Err(frame) = self.departing.push(frame) {
            self.pool.give(frame);
        }
        Ok(true)
    }

    /// Sends queued packets, up to the capacity of the device. Returns the number of refused packets.
    pub(crate) fn flush(&mut self, now: Instant) -> Result<u64, Failure> {
        if self.departing.is_empty() {
            return Ok(0);
        }
        let transmitted = self.device.transmit(&mut self.departing, &mut self.pool);
        let transmitted = transmitted.map_err(|error| device_failure(self.interface.name(), &error))?;
        let refused = u64::try_from(transmitted.refused).unwrap_or(u64::MAX);
        if self.departing.is_empty() {
            self.record_sent(now, refused > 0);
        }
        Ok(refused)
    }

    /// Whether queued packets wait for capacity of the device.
    pub(crate) fn is_congested(&self) -> bool {
        !self.departing.is_empty()
    }

    /// Discards queued packets. Returns their number.
    pub(crate) fn discard_queued(&mut self) -> u64 {
        let mut count = 0;
        while let Some(frame) = self.departing.pop() {
            self.pool.give(frame);
            count += 1;
        }
        count
    }

    /// Captures the frame that was sent.
    fn record_sent(&mut self, now: Instant, is_refused: bool) {
        if let Some(recorder) = &mut self.recorder {
            let comment = is_refused.then_some("refused by the interface");
            recorder.write_frame(now, Direction::Out, &self.sent, comment);
            recorder.flush();
        }
    }

    /// Returns a frame with this packet, or none if the packet does not fit.
    fn frame(&mut self, packet: &PacketFields, destination: MacAddr) -> Option<Frame> {
        let mut frame = self.pool.take()?;
        packet.write_to(frame.append(PacketFields::LENGTH).ok()?).ok()?;
        self.link.add_header(&mut frame, destination, self.mac, EtherType::ARP).ok()?;
        pad(&mut frame, self.device.capabilities().minimum_frame).ok()?;
        Some(frame)
    }

    /// Passes each received ARP packet of the VLAN to `on_packet`, and whether it was broadcast. The result of
    /// `on_packet` is the comment in the capture. Returns whether more packets may follow.
    pub(crate) fn receive<C: Display>(
        &mut self,
        now: Instant,
        mut on_packet: impl FnMut(Packet<'_>, bool) -> C,
    ) -> Result<bool, Failure> {
        let received = self.device.receive(&mut self.pool, &mut self.arrived);
        let received = received.map_err(|error| device_failure(self.interface.name(), &error))?;
        while let Some(frame) = self.arrived.pop() {
            let result = packet(&self.link, frame.bytes());
            let result = result.map(|(packet, is_broadcast)| on_packet(packet, is_broadcast));
            if let Some(recorder) = &mut self.recorder {
                let comment = result.map_or_else(
                    |reason| FrameOutcome::Dropped(reason).to_string(),
                    |comment| comment.to_string(),
                );
                recorder.write_frame(
                    now,
                    frame_direction(self.kernel_mac, frame.bytes()),
                    frame.bytes(),
                    Some(&comment),
                );
            }
            self.pool.give(frame);
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.flush();
        }
        Ok(received.frames > 0)
    }
}

impl AsFd for ProbeSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }
}

/// Calls `receive` until no more frames follow. Returns false if frames arrive faster than they are read.
pub(crate) fn drain(mut receive: impl FnMut() -> Result<bool, Failure>) -> Result<bool, Failure> {
    for _ in 0..MAX_DRAIN_BATCHES {
        if !receive()? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// An open device, its interface, and the MAC addresses of the sender and of a kernel that uses the interface too.
struct OpenedDevice {
    device: Box<dyn ProbeDevice>,
    interface: Interface,
    mac: MacAddr,
    kernel_mac: Option<MacAddr>,
}

fn on_interface(arguments: &ProbeArguments, name: &InterfaceName) -> Result<OpenedDevice, Failure> {
    let socket = PacketSocket::open_for_arp(name)?;
    // The kernel, or another instance of this program, may send the same requests.
    socket.receive_outgoing()?;
    let interface = Interface::named(name)?;
    // The kernel would not reply, so every address would look free.
    if interface.is_without_arp()? {
        return Err(Failure::new(format!("ARP is disabled on {name}"))
            .hint_command("enable ARP", format!("sudo ip link set {name} arp on")));
    }
    warn_of_bridge(name)?;
    let own = MacAddr::new(interface.mac_address()?);
    let mac = arguments.source_mac.unwrap_or(own);
    if mac != own {
        let added = socket.add_station(mac.bytes());
        added.map_err(|error| {
            Failure::new(format!("{name} cannot receive frames sent to {mac}: {error}"))
                .hint("omit --source-mac")
        })?;
    }
    Ok(OpenedDevice { device: Box::new(socket), interface, mac, kernel_mac: Some(own) })
}

fn on_tap(arguments: &ProbeArguments, name: &InterfaceName) -> Result<OpenedDevice, Failure> {
    let tap = open_tap(name, arguments.kernel)?;
    let interface = Interface::named(tap.interface().name())?;
    let mac = arguments.source_mac.unwrap_or_else(|| default_mac(interface.name(), arguments.address));
    check_macs((mac, mac), &interface)?;
    Ok(OpenedDevice { device: Box::new(tap), interface, mac, kernel_mac: None })
}

/// Opens a TAP that must be up, and adds this address to the kernel's side.
pub(crate) fn open_tap(name: &InterfaceName, kernel: Option<Ipv4Net>) -> Result<Tap, Failure> {
    let tap = Tap::open(name.as_str())?;
    if let Some(address) = kernel {
        tap.interface().ensure_address(address)?;
    }
    if tap.is_created() {
        tap.interface().set_up(true)?;
    } else if !tap.interface().is_up()? {
        return Err(interface_down(tap.interface().name()));
    }
    Ok(tap)
}

pub(crate) fn device_failure(name: &InterfaceName, error: &DeviceError) -> Failure {
    Failure::new(format!("{name}: {error}"))
}

/// Returns the direction of a frame: the source of the kernel's frames is the MAC address of the interface.
pub(crate) fn frame_direction(kernel_mac: Option<MacAddr>, bytes: &[u8]) -> Direction {
    let departed = EthernetFrame::parse(bytes).is_ok_and(|frame| Some(frame.source()) == kernel_mac);
    if departed { Direction::Out } else { Direction::In }
}

/// Returns the ARP packet in a frame of the VLAN, and whether the frame was broadcast.
fn packet<'a>(link: &Link, bytes: &'a [u8]) -> Result<(Packet<'a>, bool), DropReason> {
    let frame = EthernetFrame::parse(bytes)?;
    if frame.ether_type() != EtherType::ARP {
        return Err(DropReason::UnsupportedEtherType(frame.ether_type()));
    }
    if !link.is_local_vlan(frame.tags()) {
        return Err(link::LinkDropReason::OtherVlan.into());
    }
    if frame.source().is_group() {
        return Err(link::LinkDropReason::GroupSource.into());
    }
    Ok((Packet::parse(frame.payload())?, frame.destination().is_group()))
}
