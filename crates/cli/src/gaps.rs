//! Gaps in reception. They decide whether a command may report a negative result.

use std::time::Duration;

use tap::linux::{Interface, InterfaceName};
use tap::{DeviceCounters, Instant, LinkState};

use crate::error_message::ErrorMessage;

/// Frames that a command did not receive or send, counted by reason. "Free", "no reply" and "no conflict" are results only
/// if there are no gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gaps {
    /// Whether the link was down or without carrier at any time.
    pub(crate) was_down: bool,
    /// Frames that the kernel dropped because its receive queue was full.
    pub(crate) lost: u64,
    /// Frames that were truncated, by the receive buffer or a capture, and could not be parsed.
    pub(crate) truncated: u64,
    /// Whether frames that had arrived were not read when the command ended.
    pub(crate) is_unread: bool,
    /// Packets with addresses that did not fit into the full table, and addresses that the table evicted while in use.
    pub(crate) turned_away: u64,
    /// Frames that the device refused to send.
    pub(crate) refused: u64,
    /// Packets that the host could not queue for the device, for example because the queue was full.
    pub(crate) unsent: u64,
}

/// Reason and hint if frames that had arrived were not read.
const UNREAD: (&str, &str) =
    ("more frames arrived than could be read", "try again with less load on the machine or the network");

impl Gaps {
    /// Returns the gaps that the counters of a device show.
    pub(crate) fn of_device(counters: &DeviceCounters) -> Gaps {
        Gaps {
            // The kernel reports one read error each time the link goes down.
            was_down: counters.unreadable > 0,
            lost: counters.lost,
            truncated: counters.truncated,
            ..Gaps::default()
        }
    }

    /// Returns `None` if everything could be received, otherwise an explanation.
    ///
    /// Every command that reports a negative result calls this function.
    pub(crate) fn explain(&self, name: &InterfaceName) -> Option<ErrorMessage> {
        let (_, fewer) = UNREAD;
        self.explain_with(name, fewer)
    }

    /// Like [`Gaps::explain`], with a hint for a command that can reduce the number of frames.
    pub(crate) fn explain_with(&self, name: &InterfaceName, fewer: &str) -> Option<ErrorMessage> {
        let inspect = format!("`ip link show {name}`");
        let (unread, _) = UNREAD;
        self.explain_for(&name.to_string(), (unread, fewer), &inspect)
    }

    /// Like [`Gaps::explain`], for one of several interfaces. Each explanation starts with the name of the interface.
    pub(crate) fn explain_one_of_several(&self, name: &InterfaceName) -> Option<ErrorMessage> {
        let inspect = format!("`ip link show {name}`");
        let (unread, fewer) = UNREAD;
        let why = self.explain_for("the interface", (unread, fewer), &inspect)?;
        Some(why.context(name.to_string()))
    }

    /// Like [`Gaps::explain`], for the capture `name`.
    pub(crate) fn explain_capture(&self, name: &str) -> Option<ErrorMessage> {
        self.explain_for(
            name,
            ("the capture was not read to its end", "let the command run to the end"),
            name,
        )
    }

    fn explain_for(&self, name: &str, unread: (&str, &str), inspect: &str) -> Option<ErrorMessage> {
        let Gaps { was_down, lost, truncated, is_unread, turned_away, refused, unsent } = *self;
        let reasons = [
            (was_down, format!("{name} was down or had no carrier")),
            (refused > 0, format!("{name} refused {}", frames(refused))),
            (unsent > 0, format!("{} not sent", frames_were(unsent))),
            (lost > 0, format!("the kernel dropped {}: receive queue full", frames(lost))),
            (truncated > 0, format!("{} cut short", frames_were(truncated))),
            (is_unread, unread.0.to_owned()),
            (turned_away > 0, format!("the table of addresses was full {turned_away} times")),
        ];
        let reasons: Vec<_> = reasons.into_iter().filter(|(is_so, _)| *is_so).map(|(_, why)| why).collect();
        let hint = match () {
            () if was_down || refused > 0 => format!("try again when {inspect} shows it up"),
            () if lost > 0 || is_unread => unread.1.to_owned(),
            () if unsent > 0 => "send less data, or use a longer interval".to_owned(),
            () if turned_away > 0 => "watch fewer addresses, e.g. with --vlan".to_owned(),
            () => format!("check {inspect}"),
        };
        (!reasons.is_empty()).then(|| ErrorMessage::new(reasons.join(", ")).hint(hint))
    }
}

/// Records gaps that the counters of a device do not include: link state, TAP drops, unread frames.
#[derive(Debug)]
pub(crate) struct GapMonitor {
    /// Latest state of the link.
    state: LinkState,
    /// Number of frames that the kernel had dropped at the start because the TAP queue was full. Reads do not report these drops.
    drops: Option<u64>,
    /// Time until which a link that was down at the start may come up without a report.
    carrier_deadline: Option<Instant>,
    was_alive: bool,
    was_down: bool,
    is_unread: bool,
}

/// Time within which the kernel notices the carrier of an interface that was just opened.
const CARRIER_TIMEOUT: Duration = Duration::from_millis(1_500);

impl GapMonitor {
    /// Starts to record gaps of an interface. `state` is the state of its link. `is_tap` says that it is a TAP that this
    /// process reads.
    pub(crate) fn new(interface: &Interface, is_tap: bool, state: LinkState, now: Instant) -> GapMonitor {
        let is_alive = state.carries_frames();
        GapMonitor {
            state,
            drops: is_tap.then(|| interface.transmit_drops().ok()).flatten(),
            carrier_deadline: (!is_alive).then_some(now + CARRIER_TIMEOUT),
            was_alive: is_alive,
            was_down: false,
            is_unread: false,
        }
    }

    /// Records a change of the link. Returns whether to report it.
    pub(crate) fn follow(&mut self, now: Instant, state: LinkState) -> bool {
        let is_starting = self.carrier_deadline.take().is_some_and(|until| now < until);
        let is_alive = state.carries_frames();
        self.state = state;
        self.was_alive |= is_alive;
        self.was_down |= !is_alive;
        !(is_alive && is_starting)
    }

    /// Returns the state of a link that was down at the start and has not come up in time. The state is returned once.
    pub(crate) fn take_missing_carrier(&mut self, now: Instant) -> Option<LinkState> {
        self.carrier_deadline.take_if(|until| now >= *until)?;
        self.was_down = true;
        Some(self.state)
    }

    /// Returns when [`take_missing_carrier`](GapMonitor::take_missing_carrier) may return a state.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.carrier_deadline
    }

    /// Whether the link is down. A link that may still come up after it was opened is not down.
    pub(crate) fn is_down(&self) -> bool {
        !self.state.carries_frames() && self.carrier_deadline.is_none()
    }

    /// Whether the link carried frames at any time.
    pub(crate) fn was_alive(&self) -> bool {
        self.was_alive
    }

    /// Records that frames are left unread.
    pub(crate) fn mark_unread(&mut self) {
        self.is_unread = true;
    }

    /// Returns the gaps so far, including those of the device's counters. All changes of the link must have been recorded.
    pub(crate) fn gaps(&self, counters: &DeviceCounters, interface: &Interface) -> Gaps {
        let gaps = Gaps::of_device(counters);
        let drops =
            self.drops.and_then(|before| Some(interface.transmit_drops().ok()?.saturating_sub(before)));
        Gaps {
            was_down: gaps.was_down || self.was_down || !self.state.carries_frames(),
            lost: gaps.lost.saturating_add(drops.unwrap_or_default()),
            is_unread: self.is_unread,
            ..gaps
        }
    }
}

fn frames(count: u64) -> String {
    if count == 1 { "1 frame".to_owned() } else { format!("{count} frames") }
}

fn frames_were(count: u64) -> String {
    if count == 1 { "1 frame was".to_owned() } else { format!("{count} frames were") }
}

#[cfg(test)]
mod tests;
