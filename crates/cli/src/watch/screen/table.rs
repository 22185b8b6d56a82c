//! The rows of the table: as many columns as there is room for.

use std::fmt::Write;
use std::time::Duration;

use arptools::census::{Presence, Row};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use tap::Instant;

use crate::watch::words::{Second, Span as Age, plural};

/// From so many columns on each kind of packet has one of its own.
const WIDE: usize = 120;
/// From so many on there is room for dates.
const VERY_WIDE: usize = 150;

/// The columns for rows of these addresses on a screen of this width.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    width: usize,
    address: usize,
}

impl Columns {
    pub(super) fn new(width: usize, rows: &[Row]) -> Columns {
        let longest = rows.iter().map(|row| row.subject.to_string().len()).max().unwrap_or_default();
        Columns { width, address: longest.max("ADDRESS".len()) }
    }

    /// The line above the rows.
    pub(super) fn title(self) -> String {
        let first = if self.width >= VERY_WIDE { "FIRST HEARD (UTC)  " } else { "FIRST" };
        let last = if self.width >= VERY_WIDE { "LAST HEARD" } else { "LAST" };
        let mut title = format!(
            "{:<address$}  {:<17}  STATE  {first} {last} PACKETS     /s",
            "ADDRESS",
            "HARDWARE ADDRESS",
            address = self.address
        );
        if self.width >= WIDE {
            title += " REQUESTS REPLIES ANNOUNCED PROBED  ASKED CHANGES";
        }
        title + "  NOTES"
    }

    /// A row, without its notes.
    fn cells(self, row: &Row, now: Instant) -> String {
        let first = if self.width >= VERY_WIDE {
            Second(row.first).to_string()
        } else {
            format!("{:>5}", age(now, row.first))
        };
        let last = if self.width >= VERY_WIDE { "LAST HEARD".len() } else { "LAST".len() };
        let mut cells = format!(
            "{:<address$}  {}  {:<5}  {first} {:>last$} {:>7} {:>6}",
            row.subject,
            row.hardware,
            row.presence.name(),
            age(now, row.last),
            short(row.packets()),
            rate(row.recent),
            address = self.address
        );
        if self.width >= WIDE {
            let kinds = [
                (row.requests, 8),
                (row.replies, 7),
                (row.announcements, 9),
                (row.probes, 6),
                (row.asked, 6),
                (row.changes, 7),
            ];
            for (count, width) in kinds {
                // Writing to a String does not fail.
                let _ = write!(cells, " {:>width$}", short(count));
            }
        }
        cells
    }

    /// A row as it is shown.
    pub(super) fn row(self, row: &Row, now: Instant) -> Line<'static> {
        let cells = self.cells(row, now);
        let room = self.width.saturating_sub(cells.len() + 2);
        let notes = notes(row, room);
        let style = match (row.conflict, row.presence) {
            (Some(_), _) => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
            (None, Presence::Fresh) => Style::new(),
            (None, Presence::Quiet | Presence::Gone) => Style::new().add_modifier(Modifier::DIM),
        };
        Line::from(vec![Span::styled(cells, style), Span::styled(format!("  {notes}"), style)])
    }
}

/// How long ago that was, in whole seconds: four letters at most.
fn age(now: Instant, then: Instant) -> Age {
    Age(Duration::from_secs(now.since(then).as_secs()))
}

/// What else is to be said of a row: as much as there is room for, what matters most first.
fn notes(row: &Row, room: usize) -> String {
    let mut notes = Vec::new();
    match (row.conflict, row.former) {
        (Some(other), _) => notes.push([format!("conflict with {other}"), "conflict".to_owned()]),
        (None, Some(former)) => notes.push([format!("moved from {former}"), "moved".to_owned()]),
        (None, None) => {}
    }
    if row.addresses > 1 {
        let addresses = row.addresses;
        notes.push([format!("one of {addresses} at its station"), format!("1 of {addresses}")]);
    }
    if row.probes > 0 {
        notes.push([format!("{} for it", plural(row.probes, "probe")), "probed".to_owned()]);
    }
    let mut fitted = String::new();
    for note in notes {
        let before = if fitted.is_empty() { "" } else { ", " };
        let fits = |note: &&String| fitted.len() + before.len() + note.len() <= room;
        let Some(note) = note.iter().find(fits) else { break };
        fitted = format!("{fitted}{before}{note}");
    }
    fitted
}

/// A number in five letters or fewer.
pub(super) fn short(count: u64) -> String {
    match count {
        0..100_000 => count.to_string(),
        100_000..10_000_000 => format!("{}K", count / 1_000),
        10_000_000..10_000_000_000 => format!("{}M", count / 1_000_000),
        _ => format!("{}G", count / 1_000_000_000),
    }
}

/// How many a second that is if there were so many in ten.
pub(super) fn rate(recent: u32) -> String {
    match recent {
        0..100_000 => format!("{}.{}", recent / 10, recent % 10),
        _ => short(u64::from(recent / 10)),
    }
}
