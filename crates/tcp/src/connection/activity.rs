//! How long a connection has data to send, and how long the peer's window limits it.

use std::time::Duration;

use tap::Instant;

use super::Connection;
use crate::State;

/// What a connection does with its data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Activity {
    /// No data is unsent, and neither data nor a FIN is outstanding.
    #[default]
    Idle,
    /// Data is unsent, or data or a FIN is not acknowledged.
    Busy,
    /// Unsent data does not fit the peer's window.
    WindowLimited,
}

/// The activity of a connection, and its start.
#[derive(Clone, Copy, Debug)]
pub(super) struct CurrentActivity {
    activity: Activity,
    since: Instant,
}

/// Times of a connection, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ActivityTimes {
    busy: u32,
    window_limited: u32,
}

impl CurrentActivity {
    pub(super) fn new(now: Instant) -> CurrentActivity {
        CurrentActivity { activity: Activity::Idle, since: now }
    }
}

impl ActivityTimes {
    /// Returns the time in which data was unsent, or data or a FIN was not acknowledged.
    pub(super) fn busy(self) -> Duration {
        Duration::from_millis(self.busy.into())
    }

    /// Returns the part of this time in which unsent data did not fit the peer's window.
    pub(super) fn window_limited(self) -> Duration {
        Duration::from_millis(self.window_limited.into())
    }

    /// Returns the times with the time of the current activity. Returns the counted time, in whole milliseconds.
    fn with(self, now: Instant, current: CurrentActivity) -> (ActivityTimes, Duration) {
        let elapsed = u32::try_from(now.since(current.since).as_millis()).unwrap_or(u32::MAX);
        let share = |is_counted: bool| if is_counted { elapsed } else { 0 };
        let is_limited = current.activity == Activity::WindowLimited;
        let times = ActivityTimes {
            busy: self.busy.saturating_add(share(current.activity != Activity::Idle)),
            window_limited: self.window_limited.saturating_add(share(is_limited)),
        };
        (times, Duration::from_millis(elapsed.into()))
    }
}

impl Connection {
    /// Counts the time of the last activity, after a change of the connection.
    // spec: tcp-activity
    pub(super) fn note_activity(&mut self, now: Instant) {
        let activity = self.activity();
        if self.transfer.as_ref().map_or(Activity::Idle, |transfer| transfer.current.activity) == activity {
            return;
        }
        let times = self.counts.times;
        let current = &mut self.transfer_mut(now).current;
        let (times, counted) = times.with(now, *current);
        // The rest of a millisecond counts as time of the next activity.
        let since = if current.activity == Activity::Idle { now } else { current.since + counted };
        *current = CurrentActivity { activity, since };
        self.counts.times = times;
    }

    /// Returns the times up to now.
    pub(super) fn activity_times(&self, now: Instant) -> ActivityTimes {
        let current = self.transfer.as_deref().map(|transfer| transfer.current);
        current.map_or(self.counts.times, |current| self.counts.times.with(now, current).0)
    }

    fn activity(&self) -> Activity {
        let unsent = self.unsent();
        if matches!(self.state, State::Closed | State::SynSent | State::SynReceived | State::TimeWait)
            || self.send.outstanding() == 0 && unsent == 0
        {
            return Activity::Idle;
        }
        let is_limited = unsent > 0 && self.usable_window(self.send.next) < unsent.min(self.segment_limit());
        if is_limited { Activity::WindowLimited } else { Activity::Busy }
    }
}
