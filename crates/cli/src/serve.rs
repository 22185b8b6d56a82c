//! The event loop.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use host::Host;
use tap::linux::{LinkMonitor, Woken, look, wait};
use tap::{Device, DeviceError, Instant, LinkState, Pool};

use crate::clock::{Clock, Suspension};
use crate::failure::Failure;
use crate::host_device::HostDevice;
use crate::output::Sink;
use crate::report::Report;
use crate::signals::Signals;

/// A host, its wire, and who watches.
pub(crate) struct Server<W> {
    pub(crate) host: Host,
    pub(crate) attachment: HostDevice,
    pub(crate) pool: Pool,
    pub(crate) report: Report<W>,
    /// When the last turn was.
    pub(crate) now: Instant,
    /// The state of the link; none once its interface is deleted.
    monitor: Option<LinkMonitor>,
    /// Whether changes of the link are printed.
    is_silent: bool,
    clock: Clock,
    suspension: Suspension,
    /// How long to look for frames before sleeping.
    spin: Duration,
    congested: bool,
    again: bool,
    /// How many steps have found something without asking whether a signal came.
    finds: u32,
}

/// Why the loop cannot go on.
#[derive(Debug)]
pub(crate) enum ServeError {
    Device(DeviceError),
    Wait(io::Error),
    Link(io::Error),
}

impl<W: Sink> Server<W> {
    /// Under load a signal is looked for once in so many steps: that is a system call, too.
    const FINDS: u32 = 64;
    /// How long an attachment that is in doubt is left alone.
    const DOUBT: Duration = Duration::from_millis(200);

    pub(crate) fn new(
        mut host: Host,
        attachment: HostDevice,
        report: Report<W>,
        clock: Clock,
        spin: Duration,
    ) -> Result<Server<W>, Failure> {
        let pool = Pool::new(attachment.mtu(), host.frames());
        let monitor = LinkMonitor::open(attachment.name()).map_err(ServeError::Link);
        let monitor = monitor.map_err(|error| attachment.failure(&error))?;
        let now = clock.now();
        host.link_changed(now, monitor.state());
        Ok(Server {
            host,
            attachment,
            pool,
            report,
            now,
            monitor: Some(monitor),
            is_silent: false,
            clock,
            suspension: Suspension::start(),
            spin,
            congested: false,
            again: false,
            finds: 0,
        })
    }

    /// The same without lines about the link.
    pub(crate) fn silent(self, is_silent: bool) -> Server<W> {
        Server { is_silent, ..self }
    }

    /// Waits for the wire, for a signal, for what the time brings, or until `limit` has passed; then
    /// does what is due.
    pub(crate) fn step(&mut self, signals: &Signals, limit: Option<Duration>) -> Result<Woken, ServeError> {
        // While the wire has no room, what is due has nowhere to go.
        let due = self.host.deadline().filter(|_| !self.congested);
        let due = due.map(|deadline| deadline.since(self.clock.now()));
        let doubt = self.attachment.is_in_doubt().then_some(Self::DOUBT);
        let notice = self.report.deadline().map(|deadline| deadline.since(self.clock.now()));
        let limit = [due, limit, doubt, notice].into_iter().flatten().min();
        let spin = limit.map_or(self.spin, |limit| limit.min(self.spin));
        let was_congested = self.congested;
        let again = self.again;
        let found = again || look(spin, || self.turn())?;
        self.finds = if found { self.finds + 1 } else { Self::FINDS };
        let woken = if self.finds < Self::FINDS {
            Woken { device: true, ..Woken::default() }
        } else {
            self.finds = 0;
            // What was due while the wire had no room is due again once it has.
            let has_room = was_congested && !self.congested;
            let limit = limit.map(|limit| limit.saturating_sub(spin));
            let limit = if found || has_room { Some(Duration::ZERO) } else { limit };
            let monitor = self.monitor.as_ref().map(AsFd::as_fd);
            wait(self.attachment.as_fd(), self.congested, signals.as_fd(), monitor.as_slice(), limit)
                .map_err(ServeError::Wait)?
        };
        if woken.others {
            self.follow_link()?;
        }
        // Many steps a second need not look for what takes seconds.
        if self.finds == 0 && self.suspension.has_ended() {
            self.wake();
        }
        if again || !found {
            self.turn()?;
        }
        self.report.suppressed(self.now, Some(self.now));
        self.report.flush();
        Ok(woken)
    }

    /// Passes each change of the link to the host, and prints it.
    fn follow_link(&mut self) -> Result<(), ServeError> {
        while let Some(monitor) = &mut self.monitor {
            match monitor.poll() {
                Ok(None) => break,
                Ok(Some(state)) => {
                    let now = self.clock.now();
                    self.host.link_changed(now, state);
                    if !self.is_silent {
                        self.report.link(now, state);
                    }
                }
                // The device reports that as well, and ends the loop.
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.monitor = None,
                Err(error) => return Err(ServeError::Link(error)),
            }
        }
        Ok(())
    }

    /// Has the host act as after a lost link, because the machine was suspended: the wire may be
    /// another one, although the carrier was not lost.
    // spec: rfc5227-wake
    fn wake(&mut self) {
        if let Some(monitor) = &self.monitor {
            let (now, state) = (self.clock.now(), monitor.state());
            self.host.link_changed(now, LinkState { has_carrier: false, ..state });
            self.host.link_changed(now, state);
        }
    }

    /// One turn of the loop. Returns whether something arrived.
    fn turn(&mut self) -> Result<bool, ServeError> {
        self.now = self.clock.now();
        let turn = self.host.turn(self.now, &mut self.attachment, &mut self.pool, &mut self.report);
        let turn = turn.map_err(ServeError::Device)?;
        (self.congested, self.again) = (turn.congested, turn.again);
        Ok(turn.arrived > 0)
    }

    /// Prints the events of the host.
    pub(crate) fn print_events(&mut self) {
        let now = self.clock.now();
        self.report.events(now, &mut self.host);
        self.report.flush();
    }

    /// Prints what was counted.
    pub(crate) fn counters(&mut self) {
        self.report.suppressed(self.now, None);
        self.report.counters(&self.host, &self.attachment, &self.pool);
    }
}

impl std::fmt::Display for ServeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Device(error) => error.fmt(f),
            Self::Wait(error) => write!(f, "cannot wait for frames: {error}"),
            Self::Link(error) => write!(f, "cannot monitor the link: {error}"),
        }
    }
}

impl std::error::Error for ServeError {}
