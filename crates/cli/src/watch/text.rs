//! Text output of a census.

use std::fmt::{self, Write};
use std::time::Duration;

use anstyle::Style;
use arptools::census::{CensusCounts, CensusEvent, Presence};

use super::observer::Observer;
use crate::color::{EMPHASIS, ERROR, SUCCESS, WARNING};
use crate::vendors::Vendors;

/// Returns the text of an event. With the time of day, the line fits into 80 columns, unless the event has a long reason.
pub(super) fn event_text(event: CensusEvent) -> String {
    match event {
        CensusEvent::New { address, mac } => format!("new {address} is at {mac}"),
        CensusEvent::Moved { address, from, to } => format!("moved {address} from {from} to {to}"),
        CensusEvent::Conflict { address, mac, other } => {
            format!("conflict {address}: both {other} and {mac}")
        }
        CensusEvent::Probe { address, mac, owner: None } => format!("probe {address} by {mac}"),
        CensusEvent::Probe { address, mac, owner: Some(owner) } => {
            format!("probe {address} by {mac}; in use by {owner}")
        }
        CensusEvent::Announcement { address, mac } => format!("announced {address} is at {mac}"),
        CensusEvent::Mismatch { address, mac, source } => {
            format!("mismatch {address}: {mac} sent by {source}")
        }
        CensusEvent::Invalid { source, vlan: None, reason } => format!("invalid from {source}: {reason}"),
        CensusEvent::Invalid { source, vlan: Some(vlan), reason } => {
            format!("invalid from {source}@{vlan}: {reason}")
        }
        CensusEvent::Gone { address, mac } => format!("gone {address} was at {mac}"),
        CensusEvent::Returned { address, mac, silence } => {
            format!("returned {address} is at {mac} after {}", ShortDuration(silence))
        }
        CensusEvent::ManyAddresses { mac, addresses } => format!("many addresses at {mac}: {addresses}"),
        CensusEvent::Flood { mac: Some(mac), packets } => {
            format!("flood from {mac}: {packets} packets/s")
        }
        CensusEvent::Flood { mac: None, packets } => {
            format!("flood in total: {packets} packets/s")
        }
        CensusEvent::Full { address, mac } => format!("full: not tracking {address} at {mac}"),
        CensusEvent::Evicted { address } => format!("evicted {address}: table full"),
    }
}

/// Returns the message about an event of `--fail-on`.
pub(super) fn event_message(event: CensusEvent) -> String {
    match event {
        CensusEvent::Conflict { address, mac, other } => {
            format!("address conflict: {address} is claimed by {other} and {mac}")
        }
        event => event_text(event),
    }
}

/// Returns the text of an event, with the vendor of a new address.
pub(super) fn event_text_with_vendor(event: CensusEvent, vendors: &Vendors) -> String {
    let vendor = match event {
        CensusEvent::New { mac, .. } => vendors.name(mac),
        _ => None,
    };
    let vendor = vendor.map(|name| format!(" ({name})")).unwrap_or_default();
    format!("{}{vendor}", event_text(event))
}

/// Returns the style of the first word of an event's text.
pub(super) fn event_style(event: CensusEvent) -> Style {
    match event {
        CensusEvent::Conflict { .. } => ERROR,
        CensusEvent::Probe { owner: Some(_), .. }
        | CensusEvent::Moved { .. }
        | CensusEvent::Mismatch { .. }
        | CensusEvent::Invalid { .. }
        | CensusEvent::ManyAddresses { .. }
        | CensusEvent::Flood { .. }
        | CensusEvent::Full { .. } => WARNING,
        CensusEvent::New { .. } | CensusEvent::Returned { .. } => SUCCESS,
        CensusEvent::Probe { .. }
        | CensusEvent::Announcement { .. }
        | CensusEvent::Gone { .. }
        | CensusEvent::Evicted { .. } => EMPHASIS,
    }
}

/// Returns the final statistics of an interface or a capture, without a line break at the end. If several interfaces are
/// watched, each line starts with the name of the interface.
pub(super) fn statistics_text(observer: &Observer) -> String {
    let lines = counter_lines(observer);
    let Some(name) = observer.label() else { return lines };
    lines.lines().map(|line| format!("{name}: {line}")).collect::<Vec<_>>().join("\n")
}

fn counter_lines(observer: &Observer) -> String {
    let CensusCounts { requests, replies, announcements, probes, dropped, rejected, .. } = observer.counts();
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
    for (count, label) in [(dropped, "invalid"), (rejected, "rejected")] {
        let _ = if count > 0 { write!(lines, ", {count} {label}") } else { Ok(()) };
    }
    let _ = write!(
        lines,
        "\n{}: {fresh} fresh, {quiet} quiet, {gone} gone; {}, {}",
        address_count(observer.census.len()),
        plural(counts.changed, "change"),
        plural(counts.conflicts, "conflict"),
    );
    for (reason, count) in observer.census.dropped().iter().filter(|(_, count)| *count > 0) {
        let _ = write!(lines, "\n{count:>10}  arp: dropped: {reason}");
    }
    let commands = observer.commands;
    let more = [
        (observer.excluded, "frames of ignored stations"),
        (observer.known_not_added, "addresses not added to the known addresses: list full"),
        (commands.started, "commands of --exec started"),
        (commands.failed, "commands of --exec failed"),
        (commands.lost, "events without a command of --exec: too many events, or watch ended"),
        (observer.ignored, "frames ignored: not ARP, other VLAN or malformed"),
        (counts.evicted, "addresses evicted: table full"),
        (counts.events_lost, "events lost: event queue full"),
        (observer.frames_lost, "frames lost or truncated"),
        (observer.link_losses, "link losses: down or no carrier"),
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

/// A duration in its largest unit: 250ms, 12s, 59m, 23h, 99d. From one second on, the text has at most four characters.
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
