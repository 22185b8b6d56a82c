//! A census in words.

use std::fmt::{self, Write};
use std::time::Duration;

use anstyle::Style;
use arptools::census::{Counts, Event, Presence};
use tap::Instant;

use super::observer::Observer;
use crate::color::{EMPHASIS, ERROR, SUCCESS, WARNING};

/// What happened, in words. Two hardware addresses and an address fit into a line of 80 beside the time.
pub(super) fn sentence(event: Event) -> String {
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
            format!("returned {subject} is at {hardware} after {}", Span(silence))
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

/// How the first word of its sentence looks: what somebody must see to, what is worth a look, the rest.
pub(super) fn style(event: Event) -> Style {
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

/// What it all came to, without the last line feed.
pub(super) fn statistics(observer: &Observer, lost: u64) -> String {
    let Counts { requests, replies, announcements, probes, dropped, turned_away, .. } = observer.counts();
    let counts = observer.counts();
    let span = observer.began.map_or(Duration::ZERO, |began| observer.now.since(began));
    let [fresh, quiet, gone] = presences(observer);
    let mut lines = format!(
        "{} in {}: {}, {}, {}, {}",
        plural(counts.packets(), "packet"),
        Span(span),
        plural(requests, "request"),
        self::replies(replies),
        plural(announcements, "announcement"),
        plural(probes, "probe"),
    );
    // Writing to a String does not fail.
    for (count, what) in [(dropped, "odd"), (turned_away, "turned away")] {
        let _ = if count > 0 { write!(lines, ", {count} {what}") } else { Ok(()) };
    }
    let _ = write!(
        lines,
        "\n{}: {fresh} fresh, {quiet} quiet, {gone} gone; {}, {} of them in conflict",
        addresses(observer.census.len()),
        plural(counts.changed, "change"),
        counts.conflicts,
    );
    for (reason, count) in observer.census.dropped().iter().filter(|(_, count)| *count > 0) {
        let _ = write!(lines, "\n{count:>10}  odd: {reason}");
    }
    let rest = [
        (observer.ignored, "frames that carry no ARP, or are in another VLAN"),
        (counts.evicted, "addresses evicted to make room"),
        (counts.events_lost, "events lost, for they were too many at once"),
        (lost, "frames lost before they were read"),
        (observer.link_losses, "times that the link was down or had no carrier"),
    ];
    for (count, what) in rest.into_iter().filter(|(count, _)| *count > 0) {
        let _ = write!(lines, "\n{count:>10}  {what}");
    }
    lines
}

/// How many addresses are fresh, quiet and gone.
pub(super) fn presences(observer: &Observer) -> [usize; 3] {
    observer.census.iter(observer.now).fold([0; 3], |[fresh, quiet, gone], row| match row.presence {
        Presence::Fresh => [fresh + 1, quiet, gone],
        Presence::Quiet => [fresh, quiet + 1, gone],
        Presence::Gone => [fresh, quiet, gone + 1],
    })
}

pub(super) fn plural(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

pub(super) fn replies(count: u64) -> String {
    if count == 1 { "1 reply".to_owned() } else { format!("{count} replies") }
}

pub(super) fn addresses(count: usize) -> String {
    if count == 1 { "1 address".to_owned() } else { format!("{count} addresses") }
}

/// A length of time in its largest unit, four letters at most: 250ms, 12s, 59m, 23h, 99d.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span(pub(super) Duration);

impl fmt::Display for Span {
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

/// A time since 1970 as UTC has it: with the date, to the microsecond.
#[derive(Clone, Copy, Debug)]
pub(super) struct Date(pub(super) Instant);

/// The same to the second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Second(pub(super) Instant);

/// The same without the date.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeOfDay(pub(super) Instant);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_nanos() / 1_000 % 1_000_000;
        write!(f, "{}.{micros:06}", Second(self.0))
    }
}

impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.0.as_nanos() / 1_000_000_000 / 86_400);
        write!(f, "{year:04}-{month:02}-{day:02} {}", TimeOfDay(self.0))
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_nanos() / 1_000_000_000;
        write!(f, "{:02}:{:02}:{:02}", seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60)
    }
}

/// Year, month and day so many days after 1970 began, by the Gregorian calendar. Years are counted from March
/// on here, so that the day that some of them have more is the last.
pub(crate) fn date(days: u64) -> (u64, u64, u64) {
    // From 0000-03-01 on; 400 years have 146,097 days.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Five months from March on have 153 days, and so have the next five.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests;
