//! Interfaces and TAPs that a watch receives from.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use arp::NeighborSettings;
use host::{FrameOutcome, Host, HostConfig};
use ipnet::Ipv4Net;
use link::MacAddr;
use runtime::{Clock, Driver, DriverError};
use tap::linux::{Descriptor, Interface, InterfaceName, LinkMonitor, PacketSocket, Tap};
use tap::{
    Batch, Device, DeviceEvent, Exchange, Frame, Instant, LinkState, Machine, Pool, PortId, Token, Tracer,
};

use super::arguments::WatchArguments;
use super::observer::{FrameDecision, Observer};
use crate::clock::WallClock;
use crate::device::{NetworkDevice, warn_of_shared_address};
use crate::failure::Failure;
use crate::gaps::{GapMonitor, Gaps};
use crate::mac::default_mac;
use crate::probe::open_tap;
use crate::recorder::Recorder;
use crate::signals::Signals;
use crate::station::secret;

/// Passes the frames of a source to the census, and to the capture if there is one.
pub(super) struct FrameWatcher {
    pub(super) observer: Observer,
    recorder: Option<Recorder<File>>,
    clock: WallClock,
    /// Decision on the latest received frame.
    decision: Option<FrameDecision>,
}

/// An interface or TAP to watch.
pub(super) struct WatchSource {
    name: InterfaceName,
    driver: Driver<Responder, NetworkDevice>,
    gaps: GapMonitor,
}

/// Reason for the end of a wait of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wake {
    Signal,
    Key,
}

/// The machine of a source: the simulated host on a TAP, if there is one. The census observes its frames as a tracer.
struct Responder(Option<Box<Host>>);

impl WatchSource {
    /// Opens the interface of `-I` or the TAP of `--tap`.
    pub(super) fn open(arguments: &WatchArguments, clock: Clock) -> Result<WatchSource, Failure> {
        let (device, responder): (NetworkDevice, _) = match (&arguments.interface, &arguments.tap) {
            (Some(name), _) => {
                let socket = PacketSocket::open_arp_monitor(name)?;
                (NetworkDevice::Socket(socket, Interface::named(name)?), Responder(None))
            }
            (None, Some(name)) => {
                let tap = open_tap(name, arguments.kernel)?;
                arguments.address.map_or(Ok(()), |address| warn_of_shared_address(address.addr()))?;
                let host = arguments.address.map(|address| new_host(arguments, &tap, address, clock.now()));
                (tap.into(), Responder(host.transpose()?.map(Box::new)))
            }
            (None, None) => return Err(Failure::new("missing interface").hint("add -I NAME or --tap NAME")),
        };
        let name = device.name().clone();
        let frames = responder.0.as_ref().map_or(2 * Exchange::BATCH, |host| host.pool_size());
        let pool = Pool::new(device.capabilities().mtu, frames);
        let link = LinkMonitor::open(&name)?;
        let is_tap = matches!(device, NetworkDevice::Tap(_));
        let gaps = GapMonitor::new(device.interface(), is_tap, link.state(), clock.now());
        let driver = Driver::new(responder, device, Some(link), pool, clock);
        Ok(WatchSource { name, driver, gaps })
    }

    pub(super) fn name(&self) -> &InterfaceName {
        &self.name
    }

    /// Waits for frames, a signal, a key or a change of the link, or until `limit` has passed. Receives frames; a host
    /// on the TAP replies to the frames. Returns whether a signal waits.
    pub(super) fn step(
        &mut self,
        watcher: &mut FrameWatcher,
        signals: &Signals,
        key: Option<BorrowedFd<'_>>,
        limit: Option<Duration>,
    ) -> Result<bool, Failure> {
        let now = self.driver.clock().now();
        let carrier = self.gaps.deadline().map(|at| at.since(now));
        let limit = [limit, carrier].into_iter().flatten().min();
        let signals = Descriptor::readable(signals.as_fd(), Wake::Signal);
        let stepped = match key {
            None => self.driver.step(watcher, &[signals], limit),
            Some(key) => self.driver.step(watcher, &[signals, Descriptor::readable(key, Wake::Key)], limit),
        };
        let step = stepped.map_err(|error| self.failure(&error))?;
        self.driver.machine_mut().drop_events();
        Ok(step.ready.contains(Wake::Signal))
    }

    /// Receives without waiting. Returns whether frames arrived.
    pub(super) fn receive(&mut self, watcher: &mut FrameWatcher) -> Result<bool, Failure> {
        let received = self.driver.turn(watcher).map_err(|error| self.failure(&error))?;
        self.driver.machine_mut().drop_events();
        Ok(received > 0)
    }

    /// Reads the changes of the link, without waiting.
    pub(super) fn follow_link(&mut self) -> Result<(), Failure> {
        self.driver.follow_links().map_err(|error| self.failure(&error))
    }

    /// Returns the changes of the link since the start of the last step.
    pub(super) fn link_changes(&mut self) -> impl Iterator<Item = LinkState> {
        let (now, gaps) = (self.driver.clock().now(), &mut self.gaps);
        let changes = self.driver.link_changes().iter().map(|change| change.state);
        let reported: Vec<_> = changes.filter(|state| gaps.follow(now, *state)).collect();
        reported.into_iter().chain(gaps.take_missing_carrier(now))
    }

    /// Whether the link is down.
    pub(super) fn is_down(&self) -> bool {
        self.gaps.is_down()
    }

    /// Returns the gaps in reception so far. All link changes must have been taken before.
    pub(super) fn gaps(&self) -> Gaps {
        let device = self.driver.device();
        self.gaps.gaps(&device.counters(), device.interface())
    }

    /// Whether frames could be received at any time.
    pub(super) fn was_alive(&self) -> bool {
        self.gaps.was_alive()
    }

    /// Records that frames are left unread.
    pub(super) fn mark_unread(&mut self) {
        self.gaps.mark_unread();
    }

    fn failure(&self, error: &DriverError) -> Failure {
        Failure::new(format!("{}: {error}", self.name))
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
    /// Creates a watcher of `source`.
    pub(super) fn new(
        observer: Observer,
        recorder: Option<Recorder<File>>,
        clock: WallClock,
        source: &WatchSource,
    ) -> Result<FrameWatcher, Failure> {
        let kernel_mac = match source.driver.device() {
            NetworkDevice::Socket(_, interface) => Some(MacAddr::new(interface.mac_address()?)),
            // All frames read from a TAP are incoming.
            NetworkDevice::Tap(_) => None,
        };
        let recorder = recorder.map(|recorder| recorder.with_kernel_mac(kernel_mac));
        Ok(FrameWatcher { observer, recorder, clock, decision: None })
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
}

impl Tracer<Option<FrameOutcome>> for FrameWatcher {
    fn frame_received(&mut self, now: Instant, bytes: &[u8]) {
        self.decision = Some(self.observer.observe(self.wall_time(now), bytes));
        if let Some(recorder) = &mut self.recorder {
            recorder.frame_received(bytes);
        }
    }

    fn frame_handled(&mut self, now: Instant, outcome: Option<FrameOutcome>) {
        let Some((recorder, decision)) = self.recorder.as_mut().zip(self.decision) else { return };
        match outcome {
            Some(outcome) => recorder.frame_decided(now, format_args!("{decision}; {outcome}")),
            None => recorder.frame_decided(now, decision),
        }
    }

    fn frame_sent(&mut self, now: Instant, bytes: &[u8]) {
        let decision = self.observer.observe(self.wall_time(now), bytes);
        if let Some(recorder) = &mut self.recorder {
            recorder.frame_sent(now, bytes, Some(&decision.to_string()));
        }
    }
}
