//! A census as text.

use std::fmt::{self, Write};
use std::time::Duration;

use anstyle::Style;
use arptools::census::{Counts, Event, Presence};

use super::observer::Observer;
use crate::color::{EMPHASIS, ERROR, SUCCESS, WARNING};

/// Returns the text of an event. With two MAC addresses, an IP address and the time it fits into 80 columns.
pub(super) fn event_text(event: Event) -> String {
    match event {
        Event::New { subject, hardware } => format!("new {subject} is at {hardware}"),
        Event::Moved { subject, from, to } => format!("moved {subject} from {from} to {to}"),
        Event::Conflict { subject, hardware, other } => {
            format!("conflict {subject}: both {other} and {hardware}")
        }
        Event::Probe { subject, hardware, holder: None } => format!("probe {subject} by {hardware}"),
        Event::Probe { subject, hardware, holder: Some(holder) } => {
            format!("probe {subject} by {hardware}; {holder} has it")
        }
        Event::Announcement { subject, hardware } => format!("announced {subject} is at {hardware}"),
        Event::Mismatch { subject, hardware, source } => {
            format!("mismatch {subject}: {hardware} sent by {source}")
        }
        Event::Odd { source, vlan: None, reason } => format!("odd from {source}: {reason}"),
        Event::Odd { source, vlan: Some(vlan), reason } => format!("odd from {source}@{vlan}: {reason}"),
        Event::Gone { subject, hardware } => format!("gone {subject} was at {hardware}"),
        Event::Returned { subject, hardware, silence } => {
            format!("returned {subject} is at {hardware} after {}", ShortDuration(silence))
        }
        Event::Many { hardware, addresses } => format!("many addresses are at {hardware}: {addresses}"),
        Event::Flood { hardware: Some(hardware), packets } => {
            format!("flood from {hardware}: {packets} packets in a second")
        }
        Event::Flood { hardware: None, packets } => format!("flood from many: {packets} packets in a second"),
        Event::Full { subject, hardware } => format!("full: no room for {subject} at {hardware}"),
        Event::Evicted { subject } => format!("evicted {subject} to make room"),
    }
}

/// Returns the style of the first word of an event's text.
pub(super) fn event_style(event: Event) -> Style {
    match event {
        Event::Conflict { .. } => ERROR,
        Event::Probe { holder: Some(_), .. }
        | Event::Moved { .. }
        | Event::Mismatch { .. }
        | Event::Odd { .. }
        | Event::Many { .. }
        | Event::Flood { .. }
        | Event::Full { .. } => WARNING,
        Event::New { .. } | Event::Returned { .. } => SUCCESS,
        Event::Probe { .. } | Event::Announcement { .. } | Event::Gone { .. } | Event::Evicted { .. } => {
            EMPHASIS
        }
    }
}

/// Returns the statistics at the end of a watch, without the last line break.
pub(super) fn statistics_text(observer: &Observer, lost: u64) -> String {
    let Counts { requests, replies, announcements, probes, dropped, turned_away, .. } = observer.counts();
    let counts = observer.counts();
    let elapsed = observer.began.map_or(Duration::ZERO, |began| observer.now.since(began));
    let [fresh, quiet, gone] = presences(observer);
    let mut lines = format!(
        "{} in {}: {}, {}, {}, {}",
        plural(counts.packets(), "packet"),
        ShortDuration(elapsed),
        plural(requests, "request"),
        reply_count(replies),
        plural(announcements, "announcement"),
        plural(probes, "probe"),
    );
    // Writing to a String does not fail.
    for (count, label) in [(dropped, "odd"), (turned_away, "turned away")] {
        let _ = if count > 0 { write!(lines, ", {count} {label}") } else { Ok(()) };
    }
    let _ = write!(
        lines,
        "\n{}: {fresh} fresh, {quiet} quiet, {gone} gone; {}, {} of them in conflict",
        address_count(observer.census.len()),
        plural(counts.changed, "change"),
        counts.conflicts,
    );
    for (reason, count) in observer.census.dropped().iter().filter(|(_, count)| *count > 0) {
        let _ = write!(lines, "\n{count:>10}  odd: {reason}");
    }
    let more = [
        (observer.ignored, "frames that carry no ARP, or are in another VLAN"),
        (counts.evicted, "addresses evicted to make room"),
        (counts.events_lost, "events lost, for they were too many at once"),
        (lost, "frames lost before they were read"),
        (observer.link_losses, "times that the link was down or had no carrier"),
    ];
    for (count, label) in more.into_iter().filter(|(count, _)| *count > 0) {
        let _ = write!(lines, "\n{count:>10}  {label}");
    }
    lines
}

/// Returns the numbers of fresh, quiet and gone addresses.
pub(super) fn presences(observer: &Observer) -> [usize; 3] {
    observer.census.iter(observer.now).fold([0; 3], |[fresh, quiet, gone], row| match row.presence {
        Presence::Fresh => [fresh + 1, quiet, gone],
        Presence::Quiet => [fresh, quiet + 1, gone],
        Presence::Gone => [fresh, quiet, gone + 1],
    })
}

pub(super) fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

pub(super) fn reply_count(count: u64) -> String {
    if count == 1 { "1 reply".to_owned() } else { format!("{count} replies") }
}

pub(super) fn address_count(count: usize) -> String {
    if count == 1 { "1 address".to_owned() } else { format!("{count} addresses") }
}

/// Duration in its largest unit, four characters at most from a second on: 250ms, 12s, 59m, 23h, 99d.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShortDuration(pub(super) Duration);

impl fmt::Display for ShortDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        f.pad(&match seconds {
            0 if !self.0.is_zero() => format!("{}ms", self.0.as_millis()),
            0..60 => format!("{seconds}s"),
            60..3_600 => format!("{}m", seconds / 60),
            3_600..86_400 => format!("{}h", seconds / 3_600),
            _ => format!("{}d", seconds / 86_400),
        })
    }
}

#[cfg(test)]
mod tests;
