//! The event loop.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use host::Host;
use tap::linux::{Woken, look, wait};
use tap::{Device, DeviceError, Instant, Pool};

use crate::attachment::Attachment;
use crate::clock::Clock;
use crate::output::Sink;
use crate::report::Report;
use crate::signals::Signals;

/// A host, its wire, and who watches.
pub(crate) struct Server<W> {
    pub(crate) host: Host,
    pub(crate) attachment: Attachment,
    pub(crate) pool: Pool,
    pub(crate) report: Report<W>,
    /// When the last turn was.
    pub(crate) now: Instant,
    clock: Clock,
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
}

impl<W: Sink> Server<W> {
    /// Under load a signal is looked for once in so many steps: that is a system call, too.
    const FINDS: u32 = 64;
    /// How long an attachment that is in doubt is left alone.
    const DOUBT: Duration = Duration::from_millis(200);

    pub(crate) fn new(
        host: Host,
        attachment: Attachment,
        report: Report<W>,
        clock: Clock,
        spin: Duration,
    ) -> Server<W> {
        let pool = Pool::new(attachment.mtu(), host.frames());
        Server {
            host,
            attachment,
            pool,
            report,
            now: clock.now(),
            clock,
            spin,
            congested: false,
            again: false,
            finds: 0,
        }
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
            wait(self.attachment.as_fd(), self.congested, signals.as_fd(), &[], limit)
                .map_err(ServeError::Wait)?
        };
        if again || !found {
            self.turn()?;
        }
        self.report.suppressed(self.now, Some(self.now));
        self.report.flush();
        Ok(woken)
    }

    /// One turn of the loop. Returns whether something arrived.
    fn turn(&mut self) -> Result<bool, ServeError> {
        self.now = self.clock.now();
        let turn = self.host.turn(self.now, &mut self.attachment, &mut self.pool, &mut self.report);
        let turn = turn.map_err(ServeError::Device)?;
        (self.congested, self.again) = (turn.congested, turn.again);
        Ok(turn.arrived > 0)
    }

    /// Prints what has happened.
    pub(crate) fn tell(&mut self) {
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
        }
    }
}

impl std::error::Error for ServeError {}
