//! Draws the screen.

use arptools::census::CensusEvent;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::keys::ScreenState;
use super::snapshot::{ShownEvent, Snapshot};
use super::table::{Columns, rate, short_number};
use crate::color::Styler;
use crate::local_time::LocalSecondOfDay;
use crate::watch::text::{self, plural};

/// Number of lines above the rows: heading, status and column titles.
const HEADER_LINES: u16 = 3;
const TITLE: Style = Style::new().add_modifier(Modifier::REVERSED);
/// Help that `?` shows: at most 20 lines of 78 characters.
pub(super) const HELP: [&str; 19] = [
    "q, Esc, Ctrl-C  quit                   s          sort: address, last, packets",
    "arrows, j, k    scroll by one row      p, space   pause the display",
    "PgUp, PgDn      scroll by a screen     g, G       first row, last row",
    "",
    "fresh      sent ARP within the last 5 minutes",
    "quiet      sent no ARP for 5 minutes; the host may still be up",
    "gone       sent no ARP for an hour",
    "/s         packets per second, averaged over the last 10 seconds",
    "",
    "new        first ARP packet from this IP address",
    "moved      the IP address has another MAC address: failover or new hardware",
    "conflict   two MAC addresses claim one IP address: both answered a request,",
    "           it moved back within a second, or it moved 3 times within minutes",
    "probe      a host checks that the IP address is free (RFC 5227)",
    "announced  gratuitous ARP: a host announces its IP address",
    "mismatch   the sender MAC address of the packet is not the frame's source",
    "invalid    no host can have the sender address of the packet",
    "many       one station has many IP addresses",
    "flood      too many packets per second",
];

/// Draws the whole screen.
pub(super) fn draw(frame: &mut Frame<'_>, snapshot: &Snapshot, state: &mut ScreenState, styler: Styler) {
    let area = frame.area();
    let width = usize::from(area.width);
    let mut lines = vec![title_line(&heading(snapshot, state, width), width), status(snapshot, width)];
    let available = usize::from(area.height.saturating_sub(HEADER_LINES + 1));
    if state.shows_help {
        lines.push(title_line("HELP (any key returns)", width));
        lines.extend(HELP.map(Line::from));
    } else {
        draw_table(&mut lines, snapshot, state, (width, available));
    }
    lines.resize(usize::from(area.height.saturating_sub(1)), Line::default());
    lines.push(title_line(&footer(state, width), width));
    for (line, y) in lines.into_iter().zip(area.top()..area.bottom()) {
        let line = if styler.is_enabled() { line } else { without_color(line) };
        frame.render_widget(line, Rect { y, height: 1, ..area });
    }
}

/// Draws the table and the latest events. At least a quarter of the lines show events.
fn draw_table(
    lines: &mut Vec<Line<'static>>,
    snapshot: &Snapshot,
    state: &mut ScreenState,
    (width, available): (usize, usize),
) {
    let columns = Columns::new(width, &snapshot.rows, !snapshot.vendors.is_empty());
    lines.push(title_line(&columns.title(), width));
    // One of these lines is the title.
    let event_lines = (available / 4).min(snapshot.events.len()).max(available.min(1));
    let shown = snapshot.rows.len().min(available.saturating_sub(event_lines + 1));
    state.fit(shown, snapshot.rows.len());
    let rows = snapshot.rows.iter().skip(state.scroll).take(shown);
    lines.extend(rows.map(|row| columns.row(row, snapshot.vendors.name(row.entry.mac), snapshot.now)));
    lines.push(title_line("LATEST EVENTS", width));
    let events = snapshot.events.iter().take(available.saturating_sub(shown + 1));
    lines.extend(events.map(event_line));
}

/// Returns the first line: source, elapsed time, state and, if the width allows, a sparkline of packets per second. Names of
/// several interfaces that do not fit are replaced by their number.
fn heading(snapshot: &Snapshot, state: &ScreenState, width: usize) -> String {
    let seconds = snapshot.elapsed.as_secs();
    let elapsed = format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let origin = if snapshot.is_live { "" } else { " (end of capture)" };
    let paused = if state.is_paused { "  PAUSED" } else { "" };
    let down = |what: &str| if snapshot.down.is_empty() { String::new() } else { format!("  DOWN: {what}") };
    let titled = |source: &str, down| format!("tapstack watch {source}{origin}  {elapsed}{paused}{down}");
    let number = |count: usize| plural(u64::try_from(count).unwrap_or(u64::MAX), "interface");
    let heading = if snapshot.interfaces == 1 {
        titled(&snapshot.name, down("receiving nothing"))
    } else {
        let (down_names, all) = (down(&snapshot.down.join(", ")), number(snapshot.interfaces));
        let headings = [titled(&snapshot.name, down_names.clone()), titled(&all, down_names)];
        let fitting = headings.into_iter().find(|heading| heading.chars().count() <= width);
        fitting.unwrap_or_else(|| titled(&all, down(&number(snapshot.down.len()))))
    };
    let seconds = snapshot.per_second.len();
    let label = format!("packets/s, last {seconds} s: ");
    let available = width.saturating_sub(heading.chars().count() + label.len() + seconds + 2);
    if available == 0 || !state.supports_bars {
        heading
    } else {
        format!("{heading}{}{label}{}", " ".repeat(available + 2), bars(&snapshot.per_second))
    }
}

/// Returns a sparkline: one bar per second, scaled to the maximum, and a blank for no packets.
fn bars(seconds: &[u32]) -> String {
    const BARS: [char; 9] =
        [' ', '\u{2581}', '\u{2582}', '\u{2583}', '\u{2584}', '\u{2585}', '\u{2586}', '\u{2587}', '\u{2588}'];
    let maximum = u64::from(seconds.iter().copied().max().unwrap_or_default()).max(1);
    let height = |count: u32| usize::try_from((u64::from(count) * 8).div_ceil(maximum)).unwrap_or_default();
    seconds.iter().map(|count| BARS.get(height(*count)).copied().unwrap_or(' ')).collect()
}

/// Returns the second line: the counters that fit into the width, in order.
fn status(snapshot: &Snapshot, width: usize) -> Line<'static> {
    let [fresh, quiet, gone] = snapshot.presences;
    let counts = &snapshot.counts;
    let conflicts = u64::try_from(snapshot.conflicts()).unwrap_or(u64::MAX);
    let style = if conflicts == 0 { Style::new() } else { Style::new().fg(Color::Red) };
    let mut spans = vec![Span::styled(
        plural(conflicts, "conflict"),
        if conflicts == 0 { style } else { style.add_modifier(Modifier::BOLD) },
    )];
    let parts = [
        format!("{}: {fresh} fresh, {quiet} quiet, {gone} gone", text::address_count(snapshot.rows.len())),
        format!("{}, {}/s", plural(counts.packets(), "packet"), rate(snapshot.recent)),
        plural(counts.changed, "change"),
        format!("{}, {}", plural(counts.requests, "request"), text::reply_count(counts.replies)),
        format!("{}, {}", plural(counts.announcements, "announcement"), plural(counts.probes, "probe")),
        format!("{} invalid, {} rejected", short_number(counts.dropped), short_number(counts.rejected)),
    ];
    let mut length = spans.iter().map(Span::width).sum::<usize>();
    for part in parts {
        length += part.len() + 2;
        if length > width {
            break;
        }
        spans.push(Span::raw(format!("  {part}")));
    }
    Line::from(spans)
}

/// Returns the last line: keys and the range of visible rows.
fn footer(state: &ScreenState, width: usize) -> String {
    let keys = format!("q quit  arrows scroll  s sort: {}  p pause  ? help", state.sort_key.name());
    let first = state.scroll.saturating_add(1).min(state.total);
    let shown = format!("{first}-{} of {}", state.scroll.saturating_add(state.shown), state.total);
    let available = width.saturating_sub(keys.len() + shown.len());
    if available < 2 { keys } else { format!("{keys}{}{shown}", " ".repeat(available)) }
}

/// Returns the line of an event.
fn event_line(ShownEvent { time, interface, event }: &ShownEvent) -> Line<'static> {
    let text = text::event_text(*event);
    let (word, rest) = text.split_once(' ').unwrap_or((&text, ""));
    let time = format!("{} ", LocalSecondOfDay(*time));
    let time = Span::styled(time, Style::new().add_modifier(Modifier::DIM));
    let interface = Span::raw(interface.as_ref().map(|name| format!("{name} ")).unwrap_or_default());
    let word = Span::styled(word.to_owned(), event_style(*event));
    Line::from(vec![time, interface, word, Span::raw(format!(" {rest}"))])
}

/// Returns the style of an event's first word, the same as in text lines.
fn event_style(event: CensusEvent) -> Style {
    use anstyle::{AnsiColor, Effects};
    let style = text::event_style(event);
    let color = match style.get_fg_color() {
        Some(anstyle::Color::Ansi(AnsiColor::Red)) => Some(Color::Red),
        Some(anstyle::Color::Ansi(AnsiColor::Yellow)) => Some(Color::Yellow),
        Some(anstyle::Color::Ansi(AnsiColor::Green)) => Some(Color::Green),
        _ => None,
    };
    let shown = color.map_or(Style::new(), |color| Style::new().fg(color));
    if style.get_effects().contains(Effects::BOLD) { shown.add_modifier(Modifier::BOLD) } else { shown }
}

/// Returns a line in reverse video over the whole width.
fn title_line(text: &str, width: usize) -> Line<'static> {
    Line::styled(format!("{text:<width$}"), TITLE)
}

fn without_color(line: Line<'static>) -> Line<'static> {
    let plain = |style: Style| Style { fg: None, ..style };
    let spans = line.spans.into_iter().map(|span| Span { style: plain(span.style), ..span });
    Line { spans: spans.collect(), style: plain(line.style), ..line }
}
