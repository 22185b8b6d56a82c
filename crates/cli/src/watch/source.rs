//! Interfaces and TAPs that a watch receives from.

use std::collections::HashSet;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use arp::NeighborSettings;
use host::{FrameOutcome, Host, HostConfig};
use inet::offload::completed_bytes;
use ipnet::Ipv4Net;
use link::MacAddr;
use runtime::{Clock, Driver, DriverError};
use tap::linux::{
    Descriptor, Interface, InterfaceName, LinkMonitor, MAX_DESCRIPTORS, PacketSocket, SocketError, Tap,
};
use tap::{
    Batch, Device, DeviceEvent, Exchange, Frame, Instant, LinkState, Machine, Pool, PortId, Token, Tracer,
};

use super::arguments::WatchArguments;
use super::observer::{FrameDecision, Observer};
use super::observers::{MAX_INTERFACES, Observers};
use crate::clock::WallClock;
use crate::device::{NetworkDevice, warn_of_shared_address};
use crate::error_message::ErrorMessage;
use crate::failure::Failure;
use crate::gaps::{GapMonitor, Gaps};
use crate::mac::default_mac;
use crate::probe::open_tap;
use crate::recorder::{CaptureArguments, Recorder};
use crate::signals::Signals;
use crate::station::secret;

/// Passes the frames of a source to the observers, and to the capture if there is one.
pub(super) struct FrameWatcher {
    /// The observers in the order of the ports.
    pub(super) observers: Observers,
    recorder: Option<Recorder<File>>,
    clock: WallClock,
    /// Decision on the latest received frame.
    decision: Option<FrameDecision>,
}

/// The interfaces to watch, or a TAP.
pub(super) struct WatchSource {
    driver: Driver<Responder, NetworkDevice>,
    /// The links in the order of the ports.
    links: Vec<WatchedLink>,
}

/// The link of an interface or a TAP.
struct WatchedLink {
    name: InterfaceName,
    gaps: GapMonitor,
    /// Reason why the interface is no longer watched.
    failure: Option<ErrorMessage>,
    /// Number of frames that were received before the last turn, and after the turn.
    received: (u64, u64),
}

/// Reason for the end of a wait of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wake {
    Signal,
    Key,
}

/// The machine of a source: the simulated host on a TAP, if there is one. The observers receive its frames from the tracer.
struct Responder(Option<Box<Host>>);

// A wait has the descriptors of each socket and each link, of the signals and of the keyboard.
const _: () = assert!(2 * MAX_INTERFACES + 2 <= MAX_DESCRIPTORS);

impl WatchSource {
    /// Opens the interfaces of `-I` or the TAP of `--tap`.
    pub(super) fn open(arguments: &WatchArguments, clock: Clock) -> Result<WatchSource, Failure> {
        if let Some(name) = &arguments.tap {
            let tap = open_tap(name, arguments.kernel)?;
            arguments.address.map_or(Ok(()), |address| warn_of_shared_address(address.addr()))?;
            let host = arguments.address.map(|address| new_host(arguments, &tap, address, clock.now()));
            let responder = Responder(host.transpose()?.map(Box::new));
            return WatchSource::start(responder, vec![tap.into()], clock);
        }
        let count = arguments.interfaces.len();
        if count > MAX_INTERFACES {
            return Err(Failure::new(format!("{count} interfaces: at most {MAX_INTERFACES} are supported"))
                .hint("run another watch for the other interfaces"));
        }
        let devices = arguments.interfaces.iter().map(open_interface).collect::<Result<Vec<_>, _>>()?;
        let mut indices = HashSet::new();
        for device in &devices {
            // An interface may have several names.
            if !indices.insert(device.interface().index()?) {
                return Err(Failure::new(format!("interface {} is named twice", device.name()))
                    .hint("use -I once for each interface"));
            }
        }
        WatchSource::start(Responder(None), devices, clock)
    }

    /// Starts to receive from these devices.
    fn start(
        responder: Responder,
        devices: Vec<NetworkDevice>,
        clock: Clock,
    ) -> Result<WatchSource, Failure> {
        let frames =
            responder.0.as_ref().map_or(2 * Exchange::BATCH * devices.len(), |host| host.pool_size());
        let mtu = devices.iter().map(|device| device.capabilities().mtu).max().unwrap_or_default();
        let pool = Pool::new(mtu, frames);
        let mut links = Vec::new();
        let mut monitored = Vec::new();
        for device in devices {
            let name = device.name().clone();
            let monitor = LinkMonitor::open(&name)?;
            let is_tap = matches!(device, NetworkDevice::Tap(_));
            let gaps = GapMonitor::new(device.interface(), is_tap, monitor.state(), clock.now());
            links.push(WatchedLink { name, gaps, failure: None, received: (0, 0) });
            monitored.push((device, Some(monitor)));
        }
        let mut monitored = monitored.into_iter();
        let Some((first, monitor)) = monitored.next() else {
            return Err(Failure::new("missing interface").hint("add -I NAME or --tap NAME"));
        };
        let mut driver = Driver::new(responder, first, monitor, pool, clock);
        for (device, monitor) in monitored {
            driver.add_device(device, monitor);
        }
        Ok(WatchSource { driver, links })
    }

    /// Returns the names of the interfaces, in the order of the ports.
    pub(super) fn names(&self) -> Vec<InterfaceName> {
        self.links.iter().map(|link| link.name.clone()).collect()
    }

    /// Waits for frames, a signal, a key or a change of a link, or until `limit` has passed. Receives frames; a host
    /// on the TAP replies to the frames. Returns whether a signal waits.
    pub(super) fn step(
        &mut self,
        watcher: &mut FrameWatcher,
        signals: &Signals,
        key: Option<BorrowedFd<'_>>,
        limit: Option<Duration>,
    ) -> Result<bool, Failure> {
        let now = self.driver.clock().now();
        let carrier = self.links.iter().filter_map(|link| link.gaps.deadline()).min();
        let limit = [limit, carrier.map(|at| at.since(now))].into_iter().flatten().min();
        let signals = Descriptor::readable(signals.as_fd(), Wake::Signal);
        let stepped = match key {
            None => self.driver.step(watcher, &[signals], limit),
            Some(key) => self.driver.step(watcher, &[signals, Descriptor::readable(key, Wake::Key)], limit),
        };
        self.driver.machine_mut().drop_events();
        match stepped {
            Ok(step) => Ok(step.ready.contains(Wake::Signal)),
            // A signal may have arrived in the same step.
            Err(error) => self.close(&error).map(|()| true),
        }
    }

    /// Receives without waiting. Returns whether frames arrived.
    pub(super) fn receive(&mut self, watcher: &mut FrameWatcher) -> Result<bool, Failure> {
        let received = self.driver.turn(watcher);
        self.driver.machine_mut().drop_events();
        for (link, device) in self.links.iter_mut().zip(self.driver.devices()) {
            link.received = (link.received.1, device.counters().received);
        }
        match received {
            Ok(received) => Ok(received > 0),
            // Other interfaces may have more frames.
            Err(error) => self.close(&error).map(|()| true),
        }
    }

    /// Reads the changes of the links, without waiting.
    pub(super) fn follow_links(&mut self) -> Result<(), Failure> {
        match self.driver.follow_links() {
            Ok(()) => Ok(()),
            Err(error) => self.close(&error),
        }
    }

    /// Stops watching the interface of an error. Fails if no other interface is watched, or if the error has no interface.
    fn close(&mut self, error: &DriverError) -> Result<(), Failure> {
        let (DriverError::Device { port, .. } | DriverError::Link { port, .. }) = error else {
            return Err(Failure::new(error.to_string()));
        };
        let Some(link) = self.links.get_mut(usize::from(port.number())) else { return Ok(()) };
        let failure = ErrorMessage::new(format!("{}: {error}", link.name));
        link.failure = Some(failure.clone());
        self.driver.close_port(*port);
        let is_last = self.links.iter().all(|link| link.failure.is_some());
        if is_last { Err(Failure::new(failure)) } else { Ok(()) }
    }

    /// Returns the changes of the link at this place since the start of the last step.
    pub(super) fn link_changes(&mut self, place: usize) -> Vec<LinkState> {
        let now = self.driver.clock().now();
        let Some(WatchedLink { gaps, .. }) = self.links.get_mut(place) else { return Vec::new() };
        let changes =
            self.driver.link_changes().iter().filter(|change| usize::from(change.port.number()) == place);
        let reported: Vec<_> =
            changes.map(|change| change.state).filter(|state| gaps.follow(now, *state)).collect();
        reported.into_iter().chain(gaps.take_missing_carrier(now)).collect()
    }

    /// Whether the link at this place is down, or its interface is no longer watched.
    pub(super) fn is_down(&self, place: usize) -> bool {
        self.links.get(place).is_some_and(|link| link.gaps.is_down() || link.failure.is_some())
    }

    /// Returns the reason why the interface at this place is no longer watched.
    pub(super) fn failure(&self, place: usize) -> Option<&ErrorMessage> {
        self.links.get(place).and_then(|link| link.failure.as_ref())
    }

    /// Returns the gaps in reception of each interface so far, and whether the interface could receive at any time. All link
    /// changes must have been taken before.
    pub(super) fn gaps(&self) -> impl Iterator<Item = (&InterfaceName, Gaps, bool)> {
        self.links.iter().zip(self.driver.devices()).map(|(link, device)| {
            (&link.name, link.gaps.gaps(&device.counters(), device.interface()), link.gaps.was_alive())
        })
    }

    /// Records that frames are left unread on the interfaces that received frames in the last turn.
    pub(super) fn mark_unread(&mut self) {
        for link in self.links.iter_mut().filter(|link| link.received.0 < link.received.1) {
            link.gaps.mark_unread();
        }
    }
}

/// Opens an interface.
fn open_interface(name: &InterfaceName) -> Result<NetworkDevice, Failure> {
    match PacketSocket::open_arp_monitor(name) {
        Ok(socket) => Ok(NetworkDevice::Socket(socket, Interface::named(name)?)),
        // The name of an interface may contain a comma.
        Err(error @ SocketError::Absent(_)) if name.as_str().contains(',') => {
            let names = name.as_str().split(',').filter(|name| !name.is_empty());
            let each: Vec<_> = names.map(|name| format!("-I {name}")).collect();
            let failure = Failure::new(error.to_string());
            Err(match each[..] {
                [_, _, ..] => failure.hint_command("use -I for each interface", each.join(" ")),
                _ => failure,
            })
        }
        Err(error) => Err(error.into()),
    }
}

/// Creates a host that uses its address immediately, without ARP probes.
fn new_host(arguments: &WatchArguments, tap: &Tap, address: Ipv4Net, now: Instant) -> Result<Host, Failure> {
    let usual = HostConfig::new(address.into(), default_mac(tap.interface().name(), Some(address)));
    let table = NeighborSettings { seed: secret(), ..usual.table };
    let mtu = tap.capabilities().mtu;
    Ok(Host::new(now, &HostConfig { mtu, vlan: arguments.vlan, table, ..usual })?)
}

impl Responder {
    /// Drops the events of the simulated host, which are not reported.
    fn drop_events(&mut self) {
        while self.0.as_mut().and_then(|host| host.take_event()).is_some() {}
    }
}

impl Machine for Responder {
    type Outcome = Option<FrameOutcome>;

    fn accepts_frames(&self, port: PortId) -> bool {
        self.0.as_ref().is_none_or(|host| host.accepts_frames(port))
    }

    fn receive(&mut self, now: Instant, port: PortId, frame: Frame, pool: &mut Pool) -> Option<FrameOutcome> {
        if let Some(host) = &mut self.0 {
            return Some(host.receive(now, port, frame, pool));
        }
        pool.give(frame);
        None
    }

    fn transmit(&mut self, now: Instant, port: PortId, departing: &mut Batch, pool: &mut Pool) {
        if let Some(host) = &mut self.0 {
            host.transmit(now, port, departing, pool);
        }
    }

    fn refused(&mut self, now: Instant, port: PortId, token: Token) {
        if let Some(host) = &mut self.0 {
            host.refused(now, port, token);
        }
    }

    fn device_event(
        &mut self,
        now: Instant,
        port: PortId,
        event: DeviceEvent,
        departing: &mut Batch,
        pool: &mut Pool,
    ) {
        if let Some(host) = &mut self.0 {
            host.device_event(now, port, event, departing, pool);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.0.as_ref().and_then(|host| host.deadline())
    }
}

impl FrameWatcher {
    /// Creates a watcher of `source`, with a capture if the option is given.
    pub(super) fn new(
        observers: Observers,
        capture: &CaptureArguments,
        clock: Clock,
        source: &WatchSource,
    ) -> Result<FrameWatcher, Failure> {
        let mut recorder: Option<Recorder<File>> = None;
        for device in source.driver.devices() {
            let kernel_mac = match device {
                NetworkDevice::Socket(_, interface) => Some(MacAddr::new(interface.mac_address()?)),
                // All frames read from a TAP are incoming.
                NetworkDevice::Tap(_) => None,
            };
            let name = device.name().as_str();
            if let Some(recorder) = &mut recorder {
                recorder.add_interface(name, kernel_mac);
            } else {
                let started = capture.start_recorder(name, clock)?;
                recorder = started.map(|recorder| recorder.with_kernel_mac(kernel_mac));
            }
        }
        Ok(FrameWatcher { observers, recorder, clock: clock.into(), decision: None })
    }

    /// Converts a time of the command's clock to wall-clock time. It follows the system clock if the system clock was
    /// set, or if the computer was suspended.
    pub(super) fn wall_time(&self, now: Instant) -> Instant {
        self.clock.moment(now).wall
    }

    /// Flushes the capture.
    pub(super) fn flush(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.flush();
        }
    }

    /// Passes a frame to the observer of its port.
    fn observe(&mut self, now: Instant, port: PortId, bytes: &[u8]) -> Option<FrameDecision> {
        let now = self.wall_time(now);
        let observer: &mut Observer = self.observers.list.get_mut(usize::from(port.number()))?;
        Some(observer.observe(now, bytes))
    }
}

impl Tracer<Option<FrameOutcome>> for FrameWatcher {
    fn frame_received(&mut self, now: Instant, port: PortId, frame: &Frame) {
        self.decision = self.observe(now, port, frame.bytes());
        if let Some(recorder) = &mut self.recorder {
            recorder.frame_received(&completed_bytes(frame));
        }
    }

    fn frame_handled(&mut self, now: Instant, port: PortId, outcome: Option<FrameOutcome>) {
        let Some((recorder, decision)) = self.recorder.as_mut().zip(self.decision) else { return };
        match outcome {
            Some(outcome) => recorder.frame_decided(now, port, format_args!("{decision}; {outcome}")),
            None => recorder.frame_decided(now, port, decision),
        }
    }

    fn frame_sent(&mut self, now: Instant, port: PortId, frame: &Frame) {
        let decision = self.observe(now, port, frame.bytes()).map(|decision| decision.to_string());
        if let Some(recorder) = &mut self.recorder {
            recorder.frame_sent(now, port, &completed_bytes(frame), decision.as_deref());
        }
    }
}
