//! Rows of the table. The number of columns depends on the width.

use std::fmt::Write;
use std::time::Duration;

use arptools::census::{CensusEntry, Presence, VlanAddress};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use tap::Instant;

use super::snapshot::ShownAddress;
use crate::local_time::LocalSecond;
use crate::watch::text::{ShortDuration, plural};

/// Minimum width for vendors.
const VENDOR_WIDE: usize = 100;
/// Title of the column of interfaces.
const INTERFACE: &str = "IFACE";
/// Width of the column of vendors.
const VENDOR: usize = 16;
/// Minimum width for one column per kind of packet.
const WIDE: usize = 120;
/// Minimum width for times with dates.
const VERY_WIDE: usize = 150;

/// The columns of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    width: usize,
    /// Width of the column of interfaces with its gap, or 0 without this column.
    interface: usize,
    address: usize,
    has_vendor: bool,
}

impl Columns {
    /// Returns the columns for this width. The columns of interfaces and vendors take their width from the other columns.
    pub(super) fn new(width: usize, rows: &[ShownAddress], has_vendors: bool) -> Columns {
        let longest = rows.iter().map(|row| text_length(row.entry.address)).max().unwrap_or_default();
        let names = rows.iter().filter_map(|row| row.interface.as_ref());
        let interface =
            names.map(|name| name.chars().count().max(INTERFACE.len()) + 2).max().unwrap_or_default();
        let width = width.saturating_sub(interface);
        let has_vendor = has_vendors && width >= VENDOR_WIDE;
        let width = if has_vendor { width - VENDOR - 2 } else { width };
        Columns { width, interface, address: longest.max("ADDRESS".len()), has_vendor }
    }

    /// Returns the titles of the columns.
    pub(super) fn title(self) -> String {
        let first = if self.width >= VERY_WIDE { "FIRST SEEN         " } else { "FIRST" };
        let last = if self.width >= VERY_WIDE { "LAST SEEN" } else { "LAST" };
        let mut title = format!(
            "{}{:<address$}  {:<17}  {}STATE  {first} {last} PACKETS     /s",
            self.interface_cell(INTERFACE),
            "ADDRESS",
            "MAC ADDRESS",
            self.vendor_cell("VENDOR"),
            address = self.address
        );
        if self.width >= WIDE {
            title += " REQUESTS REPLIES ANNOUNCED PROBED TARGET CHANGES";
        }
        title + "  NOTES"
    }

    /// Returns the cell of an interface, with the gap behind it. The cell is empty without a column of interfaces.
    fn interface_cell(self, name: &str) -> String {
        if self.interface == 0 { String::new() } else { format!("{name:<0$}", self.interface) }
    }

    /// Returns the cell of a vendor, with the gap behind it. The cell is empty without a column of vendors.
    fn vendor_cell(self, name: &str) -> String {
        if !self.has_vendor {
            return String::new();
        }
        let name: String = name.chars().take(VENDOR).collect();
        format!("{name:<VENDOR$}  ")
    }

    /// Returns the cells of a row, without notes.
    fn cells(self, shown: &ShownAddress, vendor: Option<&str>, now: Instant) -> String {
        let row = &shown.entry;
        let first = if self.width >= VERY_WIDE {
            LocalSecond(row.first).to_string()
        } else {
            format!("{:>5}", age(now, row.first))
        };
        let last = if self.width >= VERY_WIDE { "LAST SEEN".len() } else { "LAST".len() };
        let mut cells = format!(
            "{}{:<address$}  {}  {}{:<5}  {first} {:>last$} {:>7} {:>6}",
            self.interface_cell(shown.interface.as_deref().unwrap_or_default()),
            row.address,
            row.mac,
            self.vendor_cell(vendor.unwrap_or_default()),
            row.presence.name(),
            age(now, row.last),
            short_number(row.packets()),
            rate(row.recent),
            address = self.address
        );
        if self.width >= WIDE {
            let kinds = [
                (row.requests, 8),
                (row.replies, 7),
                (row.announcements, 9),
                (row.probes, 6),
                (row.requested, 6),
                (row.changes, 7),
            ];
            for (count, width) in kinds {
                // Writing to a String does not fail.
                let _ = write!(cells, " {:>width$}", short_number(count));
            }
        }
        cells
    }

    /// Returns the line of a row.
    pub(super) fn row(self, shown: &ShownAddress, vendor: Option<&str>, now: Instant) -> Line<'static> {
        let (row, cells) = (&shown.entry, self.cells(shown, vendor, now));
        let width = if self.has_vendor { self.width + VENDOR + 2 } else { self.width } + self.interface;
        let available = width.saturating_sub(cells.chars().count() + 2);
        let notes = notes(row, available);
        let style = match (row.conflict, row.presence) {
            (Some(_), _) => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
            (None, Presence::Fresh) => Style::new(),
            (None, Presence::Quiet | Presence::Gone) => Style::new().add_modifier(Modifier::DIM),
        };
        Line::from(vec![Span::styled(cells, style), Span::styled(format!("  {notes}"), style)])
    }
}

/// Returns the length of the text of an address. The text is not written, because a table may have thousands of rows.
pub(super) fn text_length(address: VlanAddress) -> usize {
    let digits = |number: u16| match number {
        0..10 => 1,
        10..100 => 2,
        100..1_000 => 3,
        1_000.. => 4,
    };
    let bytes = address.ip.octets().into_iter().map(|byte| digits(byte.into()));
    bytes.sum::<usize>() + "...".len() + address.vlan.map_or(0, |vlan| 1 + digits(vlan.number()))
}

/// Returns the time since `then` in whole seconds, in at most four characters.
fn age(now: Instant, then: Instant) -> ShortDuration {
    ShortDuration(Duration::from_secs(now.since(then).as_secs()))
}

/// Returns the notes on a row that fit into `width` columns, most important first.
fn notes(row: &CensusEntry, width: usize) -> String {
    let mut notes = Vec::new();
    match (row.conflict, row.previous) {
        (Some(other), _) => notes.push([format!("conflict with {other}"), "conflict".to_owned()]),
        (None, Some(previous)) => notes.push([format!("moved from {previous}"), "moved".to_owned()]),
        (None, None) => {}
    }
    if row.addresses > 1 {
        let addresses = row.addresses;
        notes.push([format!("one of {addresses} addresses of this station"), format!("1 of {addresses}")]);
    }
    if row.probes > 0 {
        notes.push([plural(row.probes, "probe"), "probed".to_owned()]);
    }
    let mut fitted = String::new();
    for note in notes {
        let before = if fitted.is_empty() { "" } else { ", " };
        let fits = |note: &&String| fitted.len() + before.len() + note.len() <= width;
        let Some(note) = note.iter().find(fits) else { break };
        fitted = format!("{fitted}{before}{note}");
    }
    fitted
}

/// Formats a number in at most five characters.
pub(super) fn short_number(count: u64) -> String {
    match count {
        0..100_000 => count.to_string(),
        100_000..10_000_000 => format!("{}K", count / 1_000),
        10_000_000..10_000_000_000 => format!("{}M", count / 1_000_000),
        _ => format!("{}G", count / 1_000_000_000),
    }
}

/// Formats the rate per second for a number of packets in ten seconds.
pub(super) fn rate(recent: u32) -> String {
    match recent {
        0..100_000 => format!("{}.{}", recent / 10, recent % 10),
        _ => short_number(u64::from(recent / 10)),
    }
}
