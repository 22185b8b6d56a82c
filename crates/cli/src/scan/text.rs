//! Text output of a sweep, in the format of arp-scan.

use std::time::Duration;

use arptools::sweep::{Sweep, SweepCounts};
use link::MacAddr;
use tap::linux::InterfaceName;

use super::event::{Difference, ReplyEvent, ScanEvent};
use super::stations::{ScanStations, StationAddresses};
use crate::color::{ERROR, Styler, WARNING};

const PROGRAM: &str = concat!("tapstack ", env!("CARGO_PKG_VERSION"));

/// The bit in the first byte of a MAC address that marks a locally administered address.
const LOCAL: u8 = 2;

/// Returns the text of an event in one or more lines, without a line break at the end. Without `vendors`, no vendors are
/// printed, and without `has_names`, no names of IP addresses.
pub(super) fn lines<'a>(
    styler: Styler,
    has_names: bool,
    interface: &InterfaceName,
    (sweep, stations): (&Sweep, &ScanStations),
    vendors: Option<impl Fn(MacAddr) -> Option<&'a str>>,
    event: &ScanEvent,
) -> String {
    let sender = sweep.plan().sender;
    match event {
        ScanEvent::Start => format!(
            "Interface: {interface}, type: EN10MB, MAC: {}, IPv4: {}\nStarting {PROGRAM} with {}",
            sender.mac,
            sender.ip,
            plural(sweep.targets(), "host", "hosts")
        ),
        ScanEvent::Reply(reply) => reply_text(styler, has_names, reply, vendors),
        ScanEvent::Difference(difference) => difference_text(difference),
        ScanEvent::Statistics { elapsed, lost, differences, .. } => {
            let statistics = statistics_text(styler, sweep.counts(), *elapsed, *lost);
            let text = format!("{statistics}{}", stations_text(styler, sweep.counts(), stations));
            match differences {
                None => text,
                Some(count) => {
                    let count = u64::try_from(*count).unwrap_or(u64::MAX);
                    format!("{text}\n{}", plural(count, "difference", "differences"))
                }
            }
        }
    }
}

/// Returns the text of a difference, with all stations of an address.
pub(super) fn difference_text(Difference { ip, old, new }: &Difference) -> String {
    let listed = |macs: &[MacAddr]| macs.iter().map(MacAddr::to_string).collect::<Vec<_>>().join(", ");
    match (old.as_slice(), new.as_slice()) {
        ([], new) => format!("added {ip} is at {}", listed(new)),
        (old, []) => format!("gone {ip} was at {}", listed(old)),
        (old, new) => format!("moved {ip} from {} to {}", listed(old), listed(new)),
    }
}

fn reply_text<'a>(
    styler: Styler,
    has_names: bool,
    ReplyEvent { reply, name, .. }: &ReplyEvent,
    vendors: Option<impl Fn(MacAddr) -> Option<&'a str>>,
) -> String {
    let (ip, mac) = (reply.packet.sender_protocol, reply.packet.sender_hardware);
    let vendor = vendors.map(|vendors| vendors(mac).unwrap_or_else(|| unknown_vendor(mac)));
    let vendor = vendor.map(|vendor| format!("\t{vendor}")).unwrap_or_default();
    let name = if has_names { format!("\t{}", name.as_deref().unwrap_or("-")) } else { String::new() };
    let again = if reply.number > 1 { format!(" (DUP: {})", reply.number) } else { String::new() };
    let conflict = reply.other_mac.map(|mac| styler.apply(ERROR, &format!("(CONFLICT: also at {mac})")));
    let conflict = conflict.map(|mark| format!(" {mark}")).unwrap_or_default();
    format!("{ip}\t{mac}{vendor}{name}{again}{conflict}")
}

/// Returns the text for an unknown vendor.
fn unknown_vendor(mac: MacAddr) -> &'static str {
    let [first, ..] = mac.bytes();
    if first & LOCAL != 0 { "(Unknown: locally administered)" } else { "(Unknown)" }
}

fn statistics_text(styler: Styler, counts: &SweepCounts, elapsed: Duration, lost: u64) -> String {
    let SweepCounts { requested, sent, refused, answered, duplicates, conflicts, contested, .. } = *counts;
    let replies = answered.saturating_add(duplicates).saturating_add(conflicts);
    let refused = if refused > 0 { format!(", {refused} refused by the interface") } else { String::new() };
    let lost = if lost > 0 { format!(", {} lost", plural(lost, "frame", "frames")) } else { String::new() };
    let conflict = if contested > 0 {
        let addresses = plural(contested, "address", "addresses");
        let text = format!("CONFLICT: several stations replied for {addresses}");
        format!("\n{}", styler.apply(ERROR, &text))
    } else {
        String::new()
    };
    format!(
        "\n{} sent{refused}, {} received{lost}\n\
        Ending {PROGRAM}: {} scanned in {:.3} seconds ({} hosts/sec). {answered} responded{conflict}",
        plural(sent, "request", "requests"),
        plural(replies, "reply", "replies"),
        plural(requested, "host", "hosts"),
        elapsed.as_secs_f64(),
        PerSecond(requested, elapsed),
    )
}

/// Returns the lines of the IP addresses with several stations, and of the stations with several IP addresses. Each line
/// follows a line break.
fn stations_text(styler: Styler, counts: &SweepCounts, stations: &ScanStations) -> String {
    let mut lines: Vec<_> =
        stations.shared().map(|shared| styler.apply(ERROR, &shared.to_string())).collect();
    let listed = u64::try_from(lines.len()).unwrap_or(u64::MAX);
    let unlisted = counts.contested.saturating_sub(listed);
    if unlisted > 0 {
        lines.push(format!("{} with several stations not listed", plural(unlisted, "address", "addresses")));
    }
    lines.extend(stations.with_several_addresses().into_iter().map(
        |StationAddresses { mac, count, first, last }| {
            let text = format!("{mac} replied for {count} addresses, from {first} to {last}");
            styler.apply(WARNING, &text)
        },
    ));
    if stations.uncounted() > 0 {
        let addresses = plural(stations.uncounted(), "address", "addresses");
        lines.push(format!("{addresses} not counted by station: the table of stations is full"));
    }
    if lines.is_empty() { String::new() } else { format!("\n{}", lines.join("\n")) }
}

/// Formats a count with its noun.
fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A rate: a number of hosts per time.
struct PerSecond(u64, Duration);

impl std::fmt::Display for PerSecond {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hundredths = u128::from(self.0) * 100 * 1_000_000_000 / self.1.as_nanos().max(1);
        write!(f, "{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

#[cfg(test)]
mod tests;
