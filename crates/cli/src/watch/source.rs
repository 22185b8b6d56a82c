//! Interfaces and TAPs that a watch receives from.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use host::{FrameOutcome, Host, HostConfig};
use ipnet::Ipv4Net;
use link::MacAddr;
use runtime::Clock;
use tap::linux::{Interface, InterfaceName, LinkMonitor, PacketSocket, Tap};
use tap::{
    Batch, Device, DeviceError, DeviceEvent, Exchange, Instant, LinkState, Machine, Pool, PortId, Tracer,
};

use super::arguments::WatchArguments;
use super::observer::{FrameDecision, Observer};
use crate::failure::Failure;
use crate::gaps::{GapMonitor, Gaps};
use crate::mac::default_mac;
use crate::probe::open_tap;
use crate::recorder::Recorder;
use crate::station::secret;

/// Maximum number of frames received at once.
const BATCH: usize = 64;
/// Interval between checks of an interface that is down.
const DOWN_CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// Passes frames to the census and to the capture, if there is one.
pub(super) struct FrameWatcher {
    pub(super) observer: Observer,
    recorder: Option<Recorder<File>>,
    /// Wall-clock time at the origin of the command's clock.
    origin: Duration,
    /// Decision on the latest received frame.
    decision: Option<FrameDecision>,
}

/// An interface or TAP to watch.
pub(super) struct WatchSource {
    name: InterfaceName,
    device: SourceDevice,
    pool: Pool,
    arrived: Batch,
    /// Exchange of the simulated host.
    exchange: Exchange,
    /// Whether the simulated host waits until the device is writable.
    waits_for_writable: bool,
    /// Whether the simulated host must be polled again immediately.
    polls_again: bool,
    link: LinkMonitor,
    gaps: GapMonitor,
}

/// The device of a source.
enum SourceDevice {
    Socket(PacketSocket, Interface),
    Tap(Tap),
    /// A TAP and the simulated host on this TAP.
    Host(Tap, Box<Host>),
}

impl WatchSource {
    /// Opens the interface of `-I` or the TAP of `--tap`.
    pub(super) fn open(arguments: &WatchArguments, clock: Clock) -> Result<WatchSource, Failure> {
        let (name, device) = match (&arguments.interface, &arguments.tap) {
            (Some(name), _) => {
                let socket = PacketSocket::open_arp_monitor(name)?;
                (name.clone(), SourceDevice::Socket(socket, Interface::named(name)?))
            }
            (None, Some(name)) => {
                let tap = open_tap(name, arguments.kernel)?;
                let name = tap.interface().name().clone();
                match arguments.address {
                    None => (name, SourceDevice::Tap(tap)),
                    Some(address) => {
                        let host = new_host(arguments, &tap, address, clock.now())?;
                        (name, SourceDevice::Host(tap, Box::new(host)))
                    }
                }
            }
            (None, None) => return Err(Failure::new("missing interface").hint("add -I NAME or --tap NAME")),
        };
        let frames = if let SourceDevice::Host(_, host) = &device { host.pool_size() } else { 2 * BATCH };
        let pool = Pool::new(device.device().capabilities().mtu, frames);
        let interface = match &device {
            SourceDevice::Socket(_, interface) => interface,
            SourceDevice::Tap(tap) | SourceDevice::Host(tap, _) => tap.interface(),
        };
        let is_tap = !matches!(device, SourceDevice::Socket(..));
        let link = LinkMonitor::open(interface.name())?;
        let gaps = GapMonitor::new(interface, is_tap, link.state(), clock.now());
        let arrived = Batch::new(BATCH);
        Ok(WatchSource {
            name,
            device,
            pool,
            arrived,
            exchange: Exchange::new(PortId::default()),
            waits_for_writable: false,
            polls_again: false,
            link,
            gaps,
        })
    }

    pub(super) fn name(&self) -> &InterfaceName {
        &self.name
    }

    /// Returns the time until the next action is due, or `None` if no action is due.
    pub(super) fn delay(&self, now: Instant) -> Option<Duration> {
        let of_device = match &self.device {
            SourceDevice::Host(..) if self.polls_again => Some(Duration::ZERO),
            // While the device is not writable, nothing can be sent.
            SourceDevice::Host(_, host) if !self.waits_for_writable => {
                host.deadline().map(|at| at.since(now))
            }
            // The kernel does not report the deletion of an interface that is down.
            SourceDevice::Socket(socket, _) if socket.was_down() => Some(DOWN_CHECK_INTERVAL),
            _ => None,
        };
        [of_device, self.gaps.deadline().map(|at| at.since(now))].into_iter().flatten().min()
    }

    /// Returns a descriptor that becomes readable when the link changes.
    pub(super) fn link_fd(&self) -> BorrowedFd<'_> {
        self.link.as_fd()
    }

    /// Returns the next change of the link.
    pub(super) fn take_link_change(&mut self, now: Instant) -> Option<LinkState> {
        while let Ok(Some(DeviceEvent::Link(state))) = self.link.poll() {
            if self.gaps.follow(now, state) {
                return Some(state);
            }
        }
        self.gaps.take_missing_carrier(now)
    }

    /// Whether to wait until the device is writable.
    pub(super) fn waits_for_writable(&self) -> bool {
        self.waits_for_writable
    }

    /// Receives frames; a host on the TAP replies to the frames. Returns whether frames were received.
    pub(super) fn receive(&mut self, now: Instant, watcher: &mut FrameWatcher) -> Result<bool, Failure> {
        let name = &self.name;
        let failure = |error: DeviceError| Failure::new(format!("{name}: {error}"));
        let device: &mut dyn Device = match &mut self.device {
            SourceDevice::Socket(socket, _) => socket,
            SourceDevice::Tap(tap) => tap,
            SourceDevice::Host(tap, host) => {
                let turn =
                    self.exchange.turn(now, host.as_mut(), tap, &mut self.pool, watcher).map_err(failure)?;
                (self.waits_for_writable, self.polls_again) = (turn.tx_blocked, turn.poll_again);
                // Events of the simulated host are not reported.
                while host.take_event().is_some() {}
                return Ok(turn.received > 0);
            }
        };
        let received = device.receive(&mut self.pool, &mut self.arrived).map_err(failure)?;

        while let Some(frame) = self.arrived.pop() {
            watcher.observe(now, frame.bytes());
            self.pool.give(frame);
        }
        Ok(received.frames > 0)
    }

    /// Whether the link is down.
    pub(super) fn is_down(&self) -> bool {
        self.gaps.is_down()
    }

    /// Returns the gaps in reception so far. All link changes must have been taken before.
    pub(super) fn gaps(&self) -> Gaps {
        self.gaps.gaps(&self.device.device().counters(), self.interface())
    }

    /// Whether frames could be received at any time.
    pub(super) fn was_alive(&self) -> bool {
        self.gaps.was_alive()
    }

    /// Records that frames are left unread.
    pub(super) fn mark_unread(&mut self) {
        self.gaps.mark_unread();
    }

    fn interface(&self) -> &Interface {
        match &self.device {
            SourceDevice::Socket(_, interface) => interface,
            SourceDevice::Tap(tap) | SourceDevice::Host(tap, _) => tap.interface(),
        }
    }
}

impl SourceDevice {
    fn device(&self) -> &dyn Device {
        match self {
            Self::Socket(socket, _) => socket,
            Self::Tap(tap) | Self::Host(tap, _) => tap,
        }
    }
}

impl AsFd for WatchSource {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.device {
            SourceDevice::Socket(socket, _) => socket.as_fd(),
            SourceDevice::Tap(tap) | SourceDevice::Host(tap, _) => tap.as_fd(),
        }
    }
}

/// Creates a host that uses its address immediately, without ARP probes.
fn new_host(arguments: &WatchArguments, tap: &Tap, address: Ipv4Net, now: Instant) -> Result<Host, Failure> {
    let usual = HostConfig::new(address, default_mac(tap.interface().name(), Some(address)));
    let table = arp::NeighborSettings { seed: secret(), ..usual.table };
    Ok(Host::new(now, &HostConfig { mtu: tap.capabilities().mtu, vlan: arguments.vlan, table, ..usual })?)
}

impl FrameWatcher {
    /// Creates a watcher of `source`.
    pub(super) fn new(
        observer: Observer,
        recorder: Option<Recorder<File>>,
        origin: Duration,
        source: &WatchSource,
    ) -> Result<FrameWatcher, Failure> {
        let kernel = match &source.device {
            SourceDevice::Socket(_, interface) => Some(MacAddr::new(interface.mac_address()?)),
            // All frames read from a TAP are incoming.
            SourceDevice::Tap(_) | SourceDevice::Host(..) => None,
        };
        let recorder = recorder.map(|recorder| recorder.with_kernel_mac(kernel));
        Ok(FrameWatcher { observer, recorder, origin, decision: None })
    }

    /// Converts a time of the command's clock to wall-clock time.
    pub(super) fn wall_time(&self, now: Instant) -> Instant {
        Instant::ORIGIN + self.origin + now.since(Instant::ORIGIN)
    }

    /// Follows the wall clock if the wall clock was set, or if the machine was suspended.
    pub(super) fn follow_clock(&mut self, origin: Duration) {
        self.origin = origin;
    }

    /// Adds a received frame to the census and the capture.
    fn observe(&mut self, now: Instant, bytes: &[u8]) {
        let decision = self.observer.observe(self.wall_time(now), bytes);
        if let Some(recorder) = &mut self.recorder {
            recorder.frame_received(bytes);
            recorder.frame_decided(now, decision);
        }
    }

    /// Flushes the capture.
    pub(super) fn flush(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.flush();
        }
    }
}

impl Tracer<FrameOutcome> for FrameWatcher {
    fn frame_received(&mut self, now: Instant, bytes: &[u8]) {
        self.decision = Some(self.observer.observe(self.wall_time(now), bytes));
        if let Some(recorder) = &mut self.recorder {
            recorder.frame_received(bytes);
        }
    }

    fn frame_handled(&mut self, now: Instant, verdict: FrameOutcome) {
        if let Some((recorder, decision)) = self.recorder.as_mut().zip(self.decision) {
            recorder.frame_decided(now, format!("{decision}; {verdict}"));
        }
    }

    fn frame_sent(&mut self, now: Instant, bytes: &[u8]) {
        let decision = self.observer.observe(self.wall_time(now), bytes);
        if let Some(recorder) = &mut self.recorder {
            recorder.frame_sent(now, bytes, Some(&decision.to_string()));
        }
    }
}
