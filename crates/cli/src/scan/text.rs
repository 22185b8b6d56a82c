//! Events of a sweep as text, as arp-scan prints them.

use std::time::Duration;

use arptools::sweep::{Sweep, SweepCounts, SweepOutcome, SweepReply};
use link::MacAddr;
use tap::linux::InterfaceName;

use crate::color::{ERROR, Styler};

/// An event of a sweep that is printed.
#[derive(Clone, Copy, Debug)]
pub(super) enum ScanEvent {
    Start,
    Reply {
        reply: SweepReply,
        is_broadcast: bool,
    },
    /// With the number of frames that were lost unread.
    Statistics {
        outcome: SweepOutcome,
        elapsed: Duration,
        lost: u64,
    },
}

const PROGRAM: &str = concat!("tapstack ", env!("CARGO_PKG_VERSION"));

/// The bit of the first byte that marks a locally administered MAC address.
const LOCAL: u8 = 2;

/// Returns an event as one line or more, without the last line feed. Without `names` no vendors are printed.
pub(super) fn lines<'a>(
    styler: Styler,
    interface: &InterfaceName,
    sweep: &Sweep,
    names: Option<impl Fn(MacAddr) -> Option<&'a str>>,
    event: &ScanEvent,
) -> String {
    let sender = sweep.plan().sender;
    match event {
        ScanEvent::Start => format!(
            "Interface: {interface}, type: EN10MB, MAC: {}, IPv4: {}\nStarting {PROGRAM} with {} hosts",
            sender.mac,
            sender.ip,
            sweep.targets()
        ),
        ScanEvent::Reply { reply, .. } => reply_text(styler, reply, names),
        ScanEvent::Statistics { elapsed, lost, .. } => {
            statistics_text(styler, sweep.counts(), *elapsed, *lost)
        }
    }
}

/// Returns the comment on a packet in the capture.
pub(super) fn capture_comment(reply: Option<SweepReply>) -> &'static str {
    match reply {
        None => "no reply to this scan",
        Some(SweepReply { other_mac: Some(_), .. }) => {
            "conflict: another station has replied for the address"
        }
        Some(SweepReply { number: 1, .. }) => "reply",
        Some(_) => "duplicate reply",
    }
}

fn reply_text<'a>(
    styler: Styler,
    reply: &SweepReply,
    names: Option<impl Fn(MacAddr) -> Option<&'a str>>,
) -> String {
    let (ip, mac) = (reply.packet.sender_protocol, reply.packet.sender_hardware);
    let vendor = names.map(|names| names(mac).unwrap_or_else(|| unknown_vendor(mac)));
    let vendor = vendor.map(|vendor| format!("\t{vendor}")).unwrap_or_default();
    let again = if reply.number > 1 { format!(" (DUP: {})", reply.number) } else { String::new() };
    let conflict = reply.other_mac.map(|mac| styler.apply(ERROR, &format!("(CONFLICT: also at {mac})")));
    let conflict = conflict.map(|mark| format!(" {mark}")).unwrap_or_default();
    format!("{ip}\t{mac}{vendor}{again}{conflict}")
}

/// Returns the text in place of an unknown vendor.
fn unknown_vendor(mac: MacAddr) -> &'static str {
    let [first, ..] = mac.bytes();
    if first & LOCAL != 0 { "(Unknown: locally administered)" } else { "(Unknown)" }
}

fn statistics_text(styler: Styler, counts: &SweepCounts, elapsed: Duration, lost: u64) -> String {
    let SweepCounts { requested, sent, refused, answered, duplicates, conflicts, contested, .. } = *counts;
    let replies = answered.saturating_add(duplicates).saturating_add(conflicts);
    let refused = if refused > 0 { format!(", {refused} refused by the wire") } else { String::new() };
    let lost = if lost > 0 { format!(", {lost} frames lost unread") } else { String::new() };
    let conflict = match contested {
        0 => String::new(),
        1 => format!("\n{}", styler.apply(ERROR, "CONFLICT: several stations replied for 1 address")),
        _ => format!(
            "\n{}",
            styler.apply(ERROR, &format!("CONFLICT: several stations replied for {contested} addresses"))
        ),
    };
    format!(
        "\n{sent} requests sent{refused}, {replies} replies received{lost}\n\
        Ending {PROGRAM}: {requested} hosts scanned in {:.3} seconds ({} hosts/sec). {answered} responded{conflict}",
        elapsed.as_secs_f64(),
        PerSecond(requested, elapsed),
    )
}

/// A rate: a number of hosts in a time.
struct PerSecond(u64, Duration);

impl std::fmt::Display for PerSecond {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hundredths = u128::from(self.0) * 100 * 1_000_000_000 / self.1.as_nanos().max(1);
        write!(f, "{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

#[cfg(test)]
mod tests;
