//! Rate limit of similar lines, so that no sender of frames can flood the log.

use std::net::Ipv4Addr;
use std::time::Duration;

use arp::{ClaimEvent, NeighborEvent};
use host::{DropReason, HostEvent};
use link::EtherType;
use tap::Instant;

/// Kind of similar lines.
///
/// The number of kinds is bounded: [`LineLimits`] limits the number of addresses, and the `EtherType` in a drop reason is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineKind {
    /// Events of this name.
    Event(&'static str),
    /// Events of this name about this address, so that a flood about one address hides no events of another address.
    EventAbout(&'static str, Ipv4Addr),
    /// Dropped frames, for this reason.
    Dropped(DropReason),
}

/// Rate limits of lines by kind.
#[derive(Debug, Default)]
pub(super) struct LineLimits {
    windows: Vec<LineWindow>,
}

/// A window of time in which the lines of one kind are counted.
#[derive(Debug)]
struct LineWindow {
    kind: LineKind,
    end: Instant,
    printed: u32,
    suppressed: u64,
}

/// Suppressed lines of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SuppressedLines {
    pub(super) kind: LineKind,
    pub(super) count: u64,
}

impl LineLimits {
    /// Maximum number of printed lines of one kind in one window.
    pub(super) const LINES: u32 = 10;
    /// Length of a window.
    pub(super) const WINDOW: Duration = Duration::from_secs(10);
    /// Maximum number of addresses with a separate window for events of one name; further addresses share one window.
    const ADDRESSES: usize = 64;

    /// Whether one more line of this kind may be printed; otherwise the line is counted.
    pub(super) fn admits(&mut self, now: Instant, kind: LineKind) -> bool {
        let kind = self.counted_as(now, kind);
        let known = self.windows.iter_mut().find(|window| window.kind == kind);
        let Some(window) = known else {
            self.windows.push(LineWindow { kind, end: now + Self::WINDOW, printed: 1, suppressed: 0 });
            return true;
        };
        if now >= window.end && window.suppressed == 0 {
            (window.end, window.printed) = (now + Self::WINDOW, 0);
        }
        let admits = window.printed < Self::LINES;
        if admits {
            window.printed += 1;
        } else {
            window.suppressed = window.suppressed.saturating_add(1);
        }
        admits
    }

    /// Returns the kind that counts an event: the kind with its address, up to [`Self::ADDRESSES`] addresses.
    fn counted_as(&mut self, now: Instant, kind: LineKind) -> LineKind {
        let LineKind::EventAbout(name, _) = kind else { return kind };
        if self.windows.iter().any(|window| window.kind == kind) {
            return kind;
        }
        let is_of_name =
            |window: &LineWindow| matches!(window.kind, LineKind::EventAbout(other, _) if other == name);
        self.windows.retain(|window| !is_of_name(window) || window.suppressed > 0 || now < window.end);
        let count = self.windows.iter().filter(|window| is_of_name(window)).count();
        if count < Self::ADDRESSES { kind } else { LineKind::Event(name) }
    }

    /// Returns when the next window with suppressed lines ends.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.windows.iter().filter(|window| window.suppressed > 0).map(|window| window.end).min()
    }

    /// Takes the suppressed lines of a window that has ended, or of any window without a time.
    pub(super) fn take(&mut self, now: Option<Instant>) -> Option<SuppressedLines> {
        let has_ended = |end| now.is_none_or(|now| now >= end);
        let window = self.windows.iter_mut().find(|window| window.suppressed > 0 && has_ended(window.end))?;
        Some(SuppressedLines { kind: window.kind, count: std::mem::take(&mut window.suppressed) })
    }
}

impl LineKind {
    /// Returns the kind of an event; none if other stations cannot cause the event repeatedly.
    pub(super) fn of_event(event: HostEvent) -> Option<LineKind> {
        let name = match event {
            HostEvent::Arp(_, arp::ArpEvent::Claim(event)) => match event {
                ClaimEvent::Conflict { ip, .. } => {
                    return Some(LineKind::EventAbout("conflict", ip));
                }
                ClaimEvent::Defended { ip, .. } => {
                    return Some(LineKind::EventAbout("defended", ip));
                }
                ClaimEvent::Probing { .. }
                | ClaimEvent::Bound { .. }
                | ClaimEvent::ProbeConflict { .. }
                | ClaimEvent::Ceased { .. } => return None,
            },
            HostEvent::Arp(_, arp::ArpEvent::Neighbor(event)) => match event {
                NeighborEvent::Learned { .. } => "learned",
                NeighborEvent::Resolving { .. } => "resolving",
                NeighborEvent::Forgotten { .. } => "resolution_failed",
                NeighborEvent::Moved { ip, .. } => return Some(LineKind::EventAbout("moved", ip)),
                NeighborEvent::StaticConflict { .. } => "static_conflict",
                NeighborEvent::Changed { .. } => "state_changed",
                NeighborEvent::Expired { .. } => "expired",
                NeighborEvent::Evicted { .. } => "evicted",
                NeighborEvent::Refused { .. } => "table_full",
            },
        };
        Some(LineKind::Event(name))
    }

    /// Returns the kind of a drop.
    pub(super) fn of_drop(reason: DropReason) -> LineKind {
        LineKind::Dropped(match reason {
            DropReason::UnsupportedEtherType(_) => DropReason::UnsupportedEtherType(EtherType(0)),
            other => other,
        })
    }

    /// Returns the JSON name of the events of this kind, which is the first word of their text lines.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Event(name) | Self::EventAbout(name, _) => name,
            Self::Dropped(_) => "dropped",
        }
    }

    /// Returns the name of the reason of the drops of this kind.
    pub(super) fn reason_name(self) -> Option<&'static str> {
        match self {
            Self::Event(_) | Self::EventAbout(..) => None,
            Self::Dropped(reason) => Some(reason.name()),
        }
    }

    /// Returns the address of the events of this kind, if events are counted by address.
    pub(super) fn address(self) -> Option<Ipv4Addr> {
        match self {
            Self::EventAbout(_, address) => Some(address),
            Self::Event(_) | Self::Dropped(_) => None,
        }
    }

    /// Returns the reason of the drops of this kind, as text.
    fn reason(self) -> Option<String> {
        match self {
            Self::Event(_) | Self::EventAbout(..) => None,
            Self::Dropped(DropReason::UnsupportedEtherType(_)) => Some("unsupported EtherType".to_owned()),
            Self::Dropped(reason) => Some(reason.to_string()),
        }
    }
}

impl SuppressedLines {
    /// Returns the text line about the suppressed lines.
    pub(super) fn text(self) -> String {
        let SuppressedLines { kind, count } = self;
        let address = kind.address().map(|address| address.to_string());
        let reason = kind.reason().or(address).map_or(String::new(), |reason| format!(", {reason}"));
        let lines = if count == 1 { "line" } else { "lines" };
        format!("suppressed {count} similar {lines}: {}{reason}", kind.name())
    }
}

#[cfg(test)]
mod tests;
