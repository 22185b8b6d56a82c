//! Sending ARP requests: a station on an interface that the kernel uses too, or on a TAP.

pub(crate) mod arguments;
pub(crate) mod interface;

use std::collections::VecDeque;
use std::fmt::Display;
use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::time::Duration;

use arp::PacketFields;
use arptools::{Requester, Station, StationOutcome};
use inet::offload::completed_bytes;
use ipnet::Ipv4Net;
use link::{MacAddr, VlanId};
use runtime::{Clock, Driver, DriverError};
use tap::linux::{Descriptor, Interface, InterfaceName, LinkMonitor, PacketSocket, Tap};
use tap::{Device, Exchange, Frame, Instant, Pool, PortId, Tracer};

use crate::carrier::{interface_down, wait_for_carrier};
use crate::device::{NetworkDevice, check_macs, warn_of_bridge, warn_of_shared_address};
use crate::failure::Failure;
use crate::gaps::{GapMonitor, Gaps};
use crate::mac::default_mac;
use crate::recorder::{CaptureArguments, Recorder};
use crate::signals::Signals;
use arguments::ProbeArguments;

/// Maximum number of turns at the end: enough for the frames of any receive queue.
const MAX_DRAIN_TURNS: u32 = 256;

/// An open device for a station.
pub(crate) struct ProbeDevice {
    device: NetworkDevice,
    /// MAC address of the station.
    mac: MacAddr,
    /// The kernel's MAC address, if the kernel sends on the interface too.
    kernel_mac: Option<MacAddr>,
    recorder: Option<Recorder<File>>,
    clock: Clock,
}

impl ProbeDevice {
    /// Opens the interface or the TAP, and the capture if there is one, with the times of `clock`. Without `-I` and `--tap`,
    /// `select` returns the interface.
    pub(crate) fn open(
        arguments: &ProbeArguments,
        select: impl FnOnce() -> Result<InterfaceName, Failure>,
        capture: &CaptureArguments,
        clock: Clock,
    ) -> Result<ProbeDevice, Failure> {
        let (device, mac, kernel_mac) = match (&arguments.interface, &arguments.tap) {
            (Some(name), _) => on_interface(arguments, name)?,
            (None, Some(name)) => on_tap(arguments, name)?,
            (None, None) => on_interface(arguments, &select()?)?,
        };
        let name = device.name();
        if device.capabilities().mtu < PacketFields::LENGTH {
            return Err(Failure::new(format!("the MTU of {name} is too small for an ARP packet"))
                .hint_command("raise the MTU", format!("sudo ip link set {name} mtu 1500")));
        }
        let recorder = capture.start_recorder(name.as_str(), clock)?;
        let recorder = recorder.map(|recorder| recorder.with_kernel_mac(kernel_mac));
        Ok(ProbeDevice { device, mac, kernel_mac, recorder, clock })
    }

    pub(crate) fn name(&self) -> &InterfaceName {
        self.device.name()
    }

    /// The MAC address of the station.
    pub(crate) fn mac(&self) -> MacAddr {
        self.mac
    }

    /// The kernel's interface.
    pub(crate) fn interface(&self) -> &Interface {
        self.device.interface()
    }

    /// Returns the kernel's address in the network of `target`: the address with the longest prefix.
    pub(crate) fn kernel_address(&self, target: Ipv4Addr) -> Result<Option<Ipv4Addr>, Failure> {
        let addresses = self.interface().addresses()?;
        let near = addresses.into_iter().filter(|network| network.contains(&target));
        Ok(near.max_by_key(Ipv4Net::prefix_len).map(|network| network.addr()))
    }

    /// Waits for the carrier: the kernel drops frames until it has noticed the carrier.
    pub(crate) fn wait_for_carrier(&self) -> Result<(), Failure> {
        wait_for_carrier(self.interface())
    }

    /// Starts a station on the device. Packets that the device does not accept within `transmit_timeout` are refused.
    pub(crate) fn start<R: Requester>(
        self,
        requester: R,
        vlan: Option<VlanId>,
        transmit_timeout: Duration,
    ) -> Result<Prober<R>, Failure> {
        let ProbeDevice { device, mac, kernel_mac, recorder, clock } = self;
        let (name, now) = (device.name().clone(), clock.now());
        let link = LinkMonitor::open(&name)?;
        let gaps = GapMonitor::new(device.interface(), kernel_mac.is_none(), link.state(), now);
        // A station sends only ARP packets.
        let pool = Pool::new(device.capabilities().mtu, 2 * Exchange::BATCH).with_large_limit(0);
        let station = Station::new(now, requester, mac, vlan);
        let driver = Driver::new(station, device, Some(link), pool, clock);
        let driver = driver.with_transmit_timeout(transmit_timeout);
        let capture = recorder.map(ProbeCapture::new);
        Ok(Prober { driver, name, gaps, capture, refused: Vec::new() })
    }
}

/// A station that sends requests, its event loop, and the capture of its frames.
pub(crate) struct Prober<R: Requester> {
    driver: Driver<Station<R>, NetworkDevice>,
    name: InterfaceName,
    gaps: GapMonitor,
    capture: Option<ProbeCapture>,
    /// Numbers of refused packets of the last turn.
    refused: Vec<u64>,
}

impl<R: Requester> Prober<R> {
    pub(crate) fn name(&self) -> &InterfaceName {
        &self.name
    }

    pub(crate) fn requester(&self) -> &R {
        self.driver.machine().requester()
    }

    pub(crate) fn requester_mut(&mut self) -> &mut R {
        self.driver.machine_mut().requester_mut()
    }

    /// Whether all packets were sent and the last timeout has passed.
    pub(crate) fn is_done(&self) -> bool {
        self.driver.machine().is_done()
    }

    /// Waits for frames, signals or the next packet to send. Sends and receives. Returns whether a signal waits.
    pub(crate) fn step(&mut self, signals: &Signals) -> Result<bool, Failure> {
        let signals = [Descriptor::readable(signals.as_fd(), ())];
        let stepped = self.driver.step(&mut self.capture, &signals, None);
        self.finish_turn();
        let step = stepped.map_err(|error| probe_failure(&self.name, &error))?;
        Ok(step.ready.contains(()))
    }

    /// Sends no more packets, and receives the frames that are already queued. Many frames may be queued if the process was
    /// suspended. `take` takes the replies of each turn.
    pub(crate) fn drain(&mut self, mut take: impl FnMut(&mut Prober<R>)) -> Result<(), Failure> {
        self.stop();
        let is_drained = drain(|| {
            let has_arrived = self.receive()?;
            take(self);
            Ok(has_arrived)
        })?;
        if !is_drained {
            self.gaps.mark_unread();
        }
        Ok(())
    }

    /// Receives without waiting. Returns whether frames arrived.
    fn receive(&mut self) -> Result<bool, Failure> {
        let received = self.driver.turn(&mut self.capture);
        self.finish_turn();
        Ok(received.map_err(|error| probe_failure(&self.name, &error))? > 0)
    }

    /// Removes and returns the oldest reply.
    pub(crate) fn take_reply(&mut self) -> Option<R::Reply> {
        self.driver.machine_mut().take_reply()
    }

    /// Sends no more packets. Packets that the device has not accepted are refused.
    pub(crate) fn stop(&mut self) {
        self.driver.machine_mut().stop();
        self.driver.discard_departing();
        self.finish_turn();
    }

    /// Returns the gaps in reception so far.
    pub(crate) fn gaps(&mut self) -> Gaps {
        // After an error, the command has no result.
        let _ = self.driver.follow_links();
        self.follow_links();
        let now = self.driver.clock().now();
        self.gaps.take_missing_carrier(now);
        let device = self.driver.device();
        self.gaps.gaps(&device.counters(), device.interface())
    }

    /// Records the refused packets, the sent frames and the changes of the link of a turn.
    fn finish_turn(&mut self) {
        while let Some(number) = self.driver.machine_mut().take_refused() {
            self.refused.push(number);
        }
        if let Some(capture) = &mut self.capture {
            capture.finish_turn(self.driver.departing(), &self.refused);
        }
        self.refused.clear();
        self.follow_links();
    }

    fn follow_links(&mut self) {
        let now = self.driver.clock().now();
        for change in self.driver.link_changes() {
            self.gaps.follow(now, change.state);
        }
    }
}

/// Captures the frames of a station. A sent frame is written when the device has accepted or refused it.
struct ProbeCapture {
    recorder: Recorder<File>,
    /// Frames that the station has sent and the recorder has not written, oldest first.
    sent: VecDeque<SentFrame>,
    /// Number of frames that the station has sent.
    count: u64,
}

struct SentFrame {
    number: u64,
    time: Instant,
    port: PortId,
    bytes: Vec<u8>,
}

impl ProbeCapture {
    fn new(recorder: Recorder<File>) -> ProbeCapture {
        ProbeCapture { recorder, sent: VecDeque::new(), count: 0 }
    }

    /// Writes the sent frames except the last `departing`, which wait for the device. `refused` has the numbers of the
    /// refused frames.
    fn finish_turn(&mut self, departing: usize, refused: &[u64]) {
        while self.sent.len() > departing
            && let Some(SentFrame { number, time, port, bytes }) = self.sent.pop_front()
        {
            let comment = refused.contains(&number).then_some("refused by the interface");
            self.recorder.frame_sent(time, port, &bytes, comment);
        }
        self.recorder.flush();
    }
}

impl<T: Display> Tracer<StationOutcome<T>> for ProbeCapture {
    fn frame_received(&mut self, _now: Instant, _port: PortId, frame: &Frame) {
        self.recorder.frame_received(&completed_bytes(frame));
    }

    fn frame_handled(&mut self, now: Instant, port: PortId, outcome: StationOutcome<T>) {
        self.recorder.frame_decided(now, port, outcome);
    }

    fn frame_sent(&mut self, now: Instant, port: PortId, frame: &Frame) {
        self.count += 1;
        let bytes = completed_bytes(frame).into_owned();
        self.sent.push_back(SentFrame { number: self.count, time: now, port, bytes });
    }
}

/// Calls `receive` until no more frames follow. Returns false if frames arrive faster than they are read.
pub(crate) fn drain(mut receive: impl FnMut() -> Result<bool, Failure>) -> Result<bool, Failure> {
    for _ in 0..MAX_DRAIN_TURNS {
        if !receive()? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// An open device, the MAC address of the station, and that of a kernel that uses the interface too.
type OpenedDevice = (NetworkDevice, MacAddr, Option<MacAddr>);

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
    Ok((NetworkDevice::Socket(socket, interface), mac, Some(own)))
}

fn on_tap(arguments: &ProbeArguments, name: &InterfaceName) -> Result<OpenedDevice, Failure> {
    let tap = open_tap(name, arguments.kernel)?;
    let interface = tap.interface();
    let mac = arguments.source_mac.unwrap_or_else(|| default_mac(interface.name(), arguments.address));
    check_macs((mac, mac), interface)?;
    arguments.address.map_or(Ok(()), |address| warn_of_shared_address(address.addr()))?;
    Ok((tap.into(), mac, None))
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

/// Returns the failure of a command after this error of its event loop.
fn probe_failure(name: &InterfaceName, error: &DriverError) -> Failure {
    Failure::new(format!("{name}: {error}"))
}
