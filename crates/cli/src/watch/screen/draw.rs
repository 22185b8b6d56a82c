//! The picture on the screen.

use arptools::census::Event;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use tap::Instant;

use super::help;
use super::keys::Ui;
use super::picture::Picture;
use super::table::{Columns, rate, short};
use crate::color::Styler;
use crate::watch::words::{self, TimeOfDay, plural};

/// The name of the program, and what is watched; what there is; the titles.
const HEAD: u16 = 3;
const TITLE: Style = Style::new().add_modifier(Modifier::REVERSED);

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, picture: &Picture, ui: &mut Ui, styler: Styler) {
    let area = frame.area();
    let width = usize::from(area.width);
    let mut lines = vec![bar(&head(picture, ui, width), width), status(picture, width)];
    let room = usize::from(area.height.saturating_sub(HEAD + 1));
    if ui.is_help {
        lines.push(bar("HELP, any key leaves it", width));
        lines.extend(help::LINES.map(Line::from));
    } else {
        body(&mut lines, picture, ui, (width, room));
    }
    lines.resize(usize::from(area.height.saturating_sub(1)), Line::default());
    lines.push(bar(&foot(ui, width), width));
    for (line, y) in lines.into_iter().zip(area.top()..area.bottom()) {
        let line = if styler.is_enabled() { line } else { without_colour(line) };
        frame.render_widget(line, Rect { y, height: 1, ..area });
    }
}

/// The table, and what happened last: rows take what they need and leave a quarter at least to the events.
fn body(lines: &mut Vec<Line<'static>>, picture: &Picture, ui: &mut Ui, (width, room): (usize, usize)) {
    let columns = Columns::new(width, &picture.rows);
    lines.push(bar(&columns.title(), width));
    // One line is the title of the events.
    let events = (room / 4).min(picture.latest.len()).max(room.min(1));
    let shown = picture.rows.len().min(room.saturating_sub(events + 1));
    ui.fit(shown, picture.rows.len());
    let rows = picture.rows.iter().skip(ui.above).take(shown);
    lines.extend(rows.map(|row| columns.row(row, picture.now)));
    lines.push(bar("LATEST (UTC)", width));
    let latest = picture.latest.iter().take(room.saturating_sub(shown + 1));
    lines.extend(latest.map(|(at, event)| of_event(*at, *event)));
}

/// The first line: what is watched, and since when; and how much there was each second, if there is room.
fn head(picture: &Picture, ui: &Ui, width: usize) -> String {
    let seconds = picture.span.as_secs();
    let span = format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let what = if picture.is_live { "" } else { ", the end of a capture" };
    let paused = if ui.is_paused { "  PAUSED" } else { "" };
    let down = if picture.is_down { "  DOWN: nothing can be heard" } else { "" };
    let head = format!("tapstack watch {}{what}  {span}{down}{paused}", picture.name);
    let bars = if ui.has_bars { bars(&picture.seconds) } else { String::new() };
    let room = width.saturating_sub(head.chars().count() + picture.seconds.len() + 2);
    if room == 0 || bars.is_empty() { head } else { format!("{head}{}{bars}", " ".repeat(room + 2)) }
}

/// A bar for each second, the highest one for the most packets; none for none.
fn bars(seconds: &[u32]) -> String {
    const BARS: [char; 9] =
        [' ', '\u{2581}', '\u{2582}', '\u{2583}', '\u{2584}', '\u{2585}', '\u{2586}', '\u{2587}', '\u{2588}'];
    let most = u64::from(seconds.iter().copied().max().unwrap_or_default()).max(1);
    let height = |count: u32| usize::try_from((u64::from(count) * 8).div_ceil(most)).unwrap_or_default();
    seconds.iter().map(|count| BARS.get(height(*count)).copied().unwrap_or(' ')).collect()
}

/// The second line: what there is. What matters least is left out first.
fn status(picture: &Picture, width: usize) -> Line<'static> {
    let [fresh, quiet, gone] = picture.presences;
    let counts = &picture.counts;
    let conflicts = u64::try_from(picture.conflicts()).unwrap_or(u64::MAX);
    let style = if conflicts == 0 { Style::new() } else { Style::new().fg(Color::Red) };
    let mut spans = vec![Span::styled(
        plural(conflicts, "conflict"),
        if conflicts == 0 { style } else { style.add_modifier(Modifier::BOLD) },
    )];
    let more = [
        format!("{}: {fresh} fresh, {quiet} quiet, {gone} gone", words::addresses(picture.rows.len())),
        format!("{}, {}/s", plural(counts.packets(), "packet"), rate(picture.recent)),
        plural(counts.changed, "change"),
        format!("{}, {}", plural(counts.requests, "request"), words::replies(counts.replies)),
        format!("{}, {}", plural(counts.announcements, "announcement"), plural(counts.probes, "probe")),
        format!("{} odd, {} turned away", short(counts.dropped), short(counts.turned_away)),
    ];
    let mut length = spans.iter().map(Span::width).sum::<usize>();
    for part in more {
        length += part.len() + 2;
        if length > width {
            break;
        }
        spans.push(Span::raw(format!("  {part}")));
    }
    Line::from(spans)
}

/// The last line: what can be pressed, and which rows are shown.
fn foot(ui: &Ui, width: usize) -> String {
    let keys = format!("q quit  arrows scroll  s sort: {}  p pause  ? help", ui.sort.name());
    let first = ui.above.saturating_add(1).min(ui.total);
    let shown = format!("{first}-{} of {}", ui.above.saturating_add(ui.shown), ui.total);
    let room = width.saturating_sub(keys.len() + shown.len());
    if room < 2 { keys } else { format!("{keys}{}{shown}", " ".repeat(room)) }
}

/// What happened at a time.
fn of_event(at: Instant, event: Event) -> Line<'static> {
    let sentence = words::sentence(event);
    let (word, rest) = sentence.split_once(' ').unwrap_or((&sentence, ""));
    let time = Span::styled(format!("{} ", TimeOfDay(at)), Style::new().add_modifier(Modifier::DIM));
    Line::from(vec![time, Span::styled(word.to_owned(), style(event)), Span::raw(format!(" {rest}"))])
}

/// How the word of an event looks, as it does line by line.
fn style(event: Event) -> Style {
    use anstyle::{AnsiColor, Effects};
    let style = words::style(event);
    let colour = match style.get_fg_color() {
        Some(anstyle::Color::Ansi(AnsiColor::Red)) => Some(Color::Red),
        Some(anstyle::Color::Ansi(AnsiColor::Yellow)) => Some(Color::Yellow),
        Some(anstyle::Color::Ansi(AnsiColor::Green)) => Some(Color::Green),
        _ => None,
    };
    let shown = colour.map_or(Style::new(), |colour| Style::new().fg(colour));
    if style.get_effects().contains(Effects::BOLD) { shown.add_modifier(Modifier::BOLD) } else { shown }
}

/// A line from edge to edge.
fn bar(text: &str, width: usize) -> Line<'static> {
    Line::styled(format!("{text:<width$}"), TITLE)
}

fn without_colour(line: Line<'static>) -> Line<'static> {
    let plain = |style: Style| Style { fg: None, ..style };
    let spans = line.spans.into_iter().map(|span| Span { style: plain(span.style), ..span });
    Line { spans: spans.collect(), style: plain(line.style), ..line }
}
