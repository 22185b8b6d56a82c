//! How many lines of one kind are printed: no sender of frames can flood the log.

use std::net::Ipv4Addr;
use std::time::Duration;

use arp::{Change, ClaimEvent};
use host::{DropReason, HostEvent};
use link::EtherType;
use tap::Instant;

/// What similar lines have in common.
///
/// There are finitely many but for the addresses, whose number [`LineLimits`] bounds: a reason to drop a frame carries no number but its EtherType, which is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Events of this name.
    Event(&'static str),
    /// Events of this name about this address: a flood about one hides none about another.
    EventAbout(&'static str, Ipv4Addr),
    /// Dropped frames, for this reason.
    Dropped(DropReason),
}

/// How many lines of each kind were printed lately, and how many were not.
#[derive(Debug, Default)]
pub(super) struct LineLimits {
    windows: Vec<Window>,
}

/// The span of time in which lines of one kind are counted.
#[derive(Debug)]
struct Window {
    kind: Kind,
    end: Instant,
    printed: u32,
    suppressed: u64,
}

/// Lines of one kind that were not printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Suppressed {
    pub(super) kind: Kind,
    pub(super) count: u64,
}

impl LineLimits {
    /// How many lines of one kind are printed in one window.
    pub(super) const LINES: u32 = 10;
    /// How long a window lasts.
    pub(super) const WINDOW: Duration = Duration::from_secs(10);
    /// How many addresses have a window of their own for events of one name; further ones share one.
    const ADDRESSES: usize = 64;

    /// Whether one more line of this kind may be printed; if not, it is counted.
    pub(super) fn admits(&mut self, now: Instant, kind: Kind) -> bool {
        let kind = self.counted_as(now, kind);
        let known = self.windows.iter_mut().find(|window| window.kind == kind);
        let Some(window) = known else {
            self.windows.push(Window { kind, end: now + Self::WINDOW, printed: 1, suppressed: 0 });
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

    /// The kind whose window counts an event: its address's, as long as there is capacity for it.
    fn counted_as(&mut self, now: Instant, kind: Kind) -> Kind {
        let Kind::EventAbout(name, _) = kind else { return kind };
        if self.windows.iter().any(|window| window.kind == kind) {
            return kind;
        }
        let is_of_name = |window: &Window| matches!(window.kind, Kind::EventAbout(other, _) if other == name);
        self.windows.retain(|window| !is_of_name(window) || window.suppressed > 0 || now < window.end);
        let count = self.windows.iter().filter(|window| is_of_name(window)).count();
        if count < Self::ADDRESSES { kind } else { Kind::Event(name) }
    }

    /// When the next window with suppressed lines ends.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.windows.iter().filter(|window| window.suppressed > 0).map(|window| window.end).min()
    }

    /// Takes what was suppressed in a window that has ended; without a time, in any window.
    pub(super) fn take(&mut self, now: Option<Instant>) -> Option<Suppressed> {
        let has_ended = |end| now.is_none_or(|now| now >= end);
        let window = self.windows.iter_mut().find(|window| window.suppressed > 0 && has_ended(window.end))?;
        Some(Suppressed { kind: window.kind, count: std::mem::take(&mut window.suppressed) })
    }
}

impl Kind {
    /// The kind of an event; none if other stations cannot cause it again and again.
    pub(super) fn of_event(event: HostEvent) -> Option<Kind> {
        let name = match event {
            HostEvent::Arp(arp::Event::Claim(event)) => match event {
                ClaimEvent::Conflict { protocol, .. } => return Some(Kind::EventAbout("conflict", protocol)),
                ClaimEvent::Defended { protocol, .. } => return Some(Kind::EventAbout("defended", protocol)),
                ClaimEvent::Probing { .. }
                | ClaimEvent::Bound { .. }
                | ClaimEvent::ProbeConflict { .. }
                | ClaimEvent::Ceased { .. } => return None,
            },
            HostEvent::Arp(arp::Event::Neighbor(event)) => match event {
                Change::Learned { .. } => "learned",
                Change::Asking { .. } => "asking",
                Change::Forgotten { .. } => "forgotten",
                Change::Moved { protocol, .. } => return Some(Kind::EventAbout("moved", protocol)),
                Change::Held { .. } => "held",
                Change::Changed { .. } => "changed",
                Change::Expired { .. } => "expired",
                Change::Evicted { .. } => "evicted",
                Change::Refused { .. } => "refused",
            },
            HostEvent::EchoReply(_) => "echoed",
            HostEvent::DeliveryFailed(_) => "undelivered",
        };
        Some(Kind::Event(name))
    }

    /// The kind of a drop.
    pub(super) fn of_drop(reason: DropReason) -> Kind {
        Kind::Dropped(match reason {
            DropReason::UnsupportedEtherType(_) => DropReason::UnsupportedEtherType(EtherType(0)),
            other => other,
        })
    }

    /// The event that its lines have in JSON: the first word of each.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Event(name) | Self::EventAbout(name, _) => name,
            Self::Dropped(_) => "dropped",
        }
    }

    /// Why its frames were dropped, in words.
    pub(super) fn reason(self) -> Option<String> {
        match self {
            Self::Event(_) | Self::EventAbout(..) => None,
            Self::Dropped(DropReason::UnsupportedEtherType(_)) => Some("unsupported EtherType".to_owned()),
            Self::Dropped(reason) => Some(reason.to_string()),
        }
    }
}

impl Suppressed {
    /// What was not printed, in words.
    pub(super) fn sentence(self) -> String {
        let Suppressed { kind, count } = self;
        let address = match kind {
            Kind::EventAbout(_, address) => Some(address.to_string()),
            Kind::Event(_) | Kind::Dropped(_) => None,
        };
        let reason = kind.reason().or(address).map_or(String::new(), |reason| format!(", {reason}"));
        let lines = if count == 1 { "line" } else { "lines" };
        format!("suppressed {count} similar {lines}: {}{reason}", kind.name())
    }
}

#[cfg(test)]
mod tests;
