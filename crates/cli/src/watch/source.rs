//! The wire that is heard.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use capture::Direction;
use host::{FrameOutcome, Host, HostConfig, Tracer};
use ipnet::Ipv4Net;
use link::MacAddr;
use tap::linux::{Interface, InterfaceName, PacketSocket, Tap};
use tap::{Batch, Device, DeviceError, Instant, LinkState, Pool};

use super::arguments::WatchArguments;
use super::observer::{Decision, Observer};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::gaps::{GapMonitor, Gaps};
use crate::mac::default_mac;
use crate::probe_socket::{device_failure, frame_direction, open_tap};
use crate::recorder::Recorder;
use crate::station::secret;

/// How many frames are heard in one turn.
const BATCH: usize = 64;
/// How often an interface that went down is looked at.
const DOWN: Duration = Duration::from_millis(100);

/// Whoever hears what passes: the census, and the capture if there is one.
pub(super) struct Listener {
    pub(super) observer: Observer,
    recorder: Option<Recorder<File>>,
    /// What the wall clock said when our own began.
    origin: Duration,
    /// What was decided about the frame that arrived last.
    decided: Option<Decision>,
    /// Who sends what departs from here, though not from us.
    kernel: Option<MacAddr>,
}

/// A wire.
pub(super) struct Source {
    name: InterfaceName,
    device: Wire,
    pool: Pool,
    arrived: Batch,
    /// What the host that we are waits for: room on the wire, or its next turn at once.
    waits_for_room: bool,
    again: bool,
    monitor: GapMonitor,
}

/// What it is made of.
enum Wire {
    Socket(PacketSocket, Interface),
    Tap(Tap),
    /// A TAP, and the host that we are on it.
    Host(Tap, Box<Host>),
}

impl Source {
    /// Opens the interface of `-I`, or the TAP.
    pub(super) fn open(arguments: &WatchArguments, clock: Clock) -> Result<Source, Failure> {
        let (name, device) = match (&arguments.interface, &arguments.tap) {
            (Some(name), _) => {
                let socket = PacketSocket::open_arp_monitor(name)?;
                (name.clone(), Wire::Socket(socket, Interface::named(name)?))
            }
            (None, Some(name)) => {
                let tap = open_tap(name, arguments.kernel)?;
                let name = tap.interface().name().clone();
                match arguments.address {
                    None => (name, Wire::Tap(tap)),
                    Some(address) => {
                        let host = host(arguments, &tap, address, clock.now())?;
                        (name, Wire::Host(tap, Box::new(host)))
                    }
                }
            }
            (None, None) => return Err(Failure::new("nothing is named to watch; name it by -I or --tap")),
        };
        let frames = if let Wire::Host(_, host) = &device { host.frames() } else { 2 * BATCH };
        let pool = Pool::new(device.device().mtu(), frames);
        let interface = match &device {
            Wire::Socket(_, interface) => interface,
            Wire::Tap(tap) | Wire::Host(tap, _) => tap.interface(),
        };
        let is_tap = !matches!(device, Wire::Socket(..));
        let monitor = GapMonitor::open(interface, is_tap, clock.now())?;
        let arrived = Batch::new(BATCH);
        Ok(Source { name, device, pool, arrived, waits_for_room: false, again: false, monitor })
    }

    pub(super) fn name(&self) -> &InterfaceName {
        &self.name
    }

    /// How long nothing is due; none if nothing ever is.
    pub(super) fn pause(&self, now: Instant) -> Option<Duration> {
        let of_device = match &self.device {
            Wire::Host(..) if self.again => Some(Duration::ZERO),
            // While the wire has no room, what is due has nowhere to go.
            Wire::Host(_, host) if !self.waits_for_room => host.deadline().map(|at| at.since(now)),
            // Nobody is told when it is deleted.
            Wire::Socket(socket, _) if socket.was_down() => Some(DOWN),
            _ => None,
        };
        [of_device, self.monitor.pause(now)].into_iter().flatten().min()
    }

    /// The descriptor that is readable when the state of the link has changed.
    pub(super) fn link(&self) -> BorrowedFd<'_> {
        self.monitor.as_fd()
    }

    /// The next change of the link's state.
    pub(super) fn take_link_change(&mut self, now: Instant) -> Option<LinkState> {
        self.monitor.poll(now)
    }

    /// Whether the wire's room is waited for.
    pub(super) fn waits_for_room(&self) -> bool {
        self.waits_for_room
    }

    /// Receives frames and replies to them if this is a host there. Returns whether there were any.
    pub(super) fn turn(&mut self, now: Instant, listener: &mut Listener) -> Result<bool, Failure> {
        let name = &self.name;
        let failed = |error: DeviceError| device_failure(name, &error);
        let device: &mut dyn Device = match &mut self.device {
            Wire::Socket(socket, _) => socket,
            Wire::Tap(tap) => tap,
            Wire::Host(tap, host) => {
                let outcome = host.poll(now, tap, &mut self.pool, listener).map_err(failed)?;
                (self.waits_for_room, self.again) = (outcome.tx_blocked, outcome.poll_again);
                // What becomes of the host is not what is watched.
                while host.take_event().is_some() {}
                return Ok(outcome.received > 0);
            }
        };
        let arrived = device.receive(&mut self.pool, &mut self.arrived).map_err(failed)?;

        while let Some(frame) = self.arrived.pop() {
            listener.heard(now, frame.bytes());
            self.pool.give(frame);
        }
        Ok(arrived > 0)
    }

    /// Whether nothing can be heard for now.
    pub(super) fn is_down(&self) -> bool {
        self.monitor.is_down()
    }

    /// What could not be received so far. Every change of the link is to be taken before.
    pub(super) fn gaps(&self) -> Gaps {
        self.monitor.gaps(&self.device.device().counters(), self.interface())
    }

    /// Whether frames could be received at one time at least.
    pub(super) fn was_alive(&self) -> bool {
        self.monitor.was_alive()
    }

    /// Notes that frames are left unread.
    pub(super) fn mark_unread(&mut self) {
        self.monitor.mark_unread();
    }

    fn interface(&self) -> &Interface {
        match &self.device {
            Wire::Socket(_, interface) => interface,
            Wire::Tap(tap) | Wire::Host(tap, _) => tap.interface(),
        }
    }
}

impl Wire {
    fn device(&self) -> &dyn Device {
        match self {
            Self::Socket(socket, _) => socket,
            Self::Tap(tap) | Self::Host(tap, _) => tap,
        }
    }
}

impl AsFd for Source {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.device {
            Wire::Socket(socket, _) => socket.as_fd(),
            Wire::Tap(tap) | Wire::Host(tap, _) => tap.as_fd(),
        }
    }
}

/// A host that uses its address at once: it is there to be heard by, not to be heard of.
fn host(arguments: &WatchArguments, tap: &Tap, address: Ipv4Net, now: Instant) -> Result<Host, Failure> {
    let usual = HostConfig::new(address, default_mac(tap.interface().name(), Some(address)));
    let table = arp::Settings { seed: secret(), ..usual.table };
    Ok(Host::new(now, &HostConfig { mtu: tap.mtu(), vlan: arguments.vlan, table, ..usual })?)
}

impl Listener {
    /// One that hears `source`.
    pub(super) fn new(
        observer: Observer,
        recorder: Option<Recorder<File>>,
        origin: Duration,
        source: &Source,
    ) -> Result<Listener, Failure> {
        let kernel = match &source.device {
            Wire::Socket(_, interface) => Some(MacAddr::new(interface.hardware_address()?)),
            // Whatever comes out of a TAP comes in.
            Wire::Tap(_) | Wire::Host(..) => None,
        };
        Ok(Listener { observer, recorder, origin, decided: None, kernel })
    }

    /// Our own clock's time as the wall clock has it.
    pub(super) fn wall(&self, now: Instant) -> Instant {
        Instant::ORIGIN + self.origin + now.since(Instant::ORIGIN)
    }

    /// A frame that nobody answers.
    fn heard(&mut self, now: Instant, octets: &[u8]) {
        let decision = self.observer.hear(self.wall(now), octets);
        self.record(now, frame_direction(self.kernel, octets), octets, &decision.to_string());
    }

    /// Writes what is captured.
    pub(super) fn flush(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.flush();
        }
    }

    fn record(&mut self, now: Instant, direction: Direction, octets: &[u8], comment: &str) {
        if let Some(recorder) = &mut self.recorder {
            recorder.frame(now, direction, octets, Some(comment));
        }
    }
}

impl Tracer for Listener {
    fn frame_received(&mut self, now: Instant, octets: &[u8]) {
        self.decided = Some(self.observer.hear(self.wall(now), octets));
        if let Some(recorder) = &mut self.recorder {
            recorder.arrived(octets);
        }
    }

    fn frame_handled(&mut self, now: Instant, verdict: FrameOutcome) {
        if let Some((recorder, decision)) = self.recorder.as_mut().zip(self.decided) {
            recorder.decided(now, &format!("{decision}; {verdict}"));
        }
    }

    fn frame_sent(&mut self, now: Instant, octets: &[u8]) {
        let decision = self.observer.hear(self.wall(now), octets);
        self.record(now, Direction::Out, octets, &decision.to_string());
    }
}
