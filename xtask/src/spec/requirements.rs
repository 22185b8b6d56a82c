//! The pages of requirements.
//!
//! A page describes a standard. The first heading names the standard before a colon. The next line that is not blank is
//! the status of the page. Every list item of the page is a requirement of the form
//! `- **id** LEVEL place: requirement.`. `Refused: reason` or `Open: reason` follows if the requirement is not implemented.

use std::fmt;

use super::{Fault, Location};
use crate::source::Source;

/// A requirement of a standard.
#[derive(Debug)]
pub(super) struct Requirement {
    /// The id that citations use.
    pub(super) id: String,
    /// The level of obligation.
    pub(super) level: Level,
    /// Whether the requirement is implemented.
    pub(super) state: State,
    /// The text of the requirement, with the reason if it is not implemented.
    pub(super) text: String,
    /// The name of the standard in the heading of the page.
    pub(super) standard: String,
    /// The place of the requirement.
    pub(super) place: Location,
}

/// The level of obligation of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// `M`: MUST, or the standard leaves no choice.
    Must,
    /// `S`: SHOULD.
    Should,
    /// `m`: MAY.
    May,
    /// `P`: a policy of tapstack.
    Policy,
}

/// The state of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Implemented by code and proved by a test.
    Built,
    /// Not implemented, by decision.
    Refused,
    /// Not implemented yet.
    Open,
}

/// Adds the requirements of a page to `requirements`, and its errors to `faults`.
pub(super) fn read(page: &Source, requirements: &mut Vec<Requirement>, faults: &mut Vec<Fault>) {
    let place = |line| Location { path: page.path.clone(), line };
    let heading = page.text.lines().find_map(|line| line.strip_prefix("# "));
    let standard = heading.and_then(|heading| heading.split(':').next()).unwrap_or_default().trim();
    if standard.is_empty() {
        faults
            .push(place(1).fault("no heading with the name of the standard: expected `# STANDARD: subject`"));
    }
    let status = page
        .text
        .lines()
        .skip_while(|line| !line.starts_with("# "))
        .skip(1)
        .find(|line| !line.trim().is_empty());
    let finished = match status {
        Some("Status: finished.") => true,
        Some("Status: in progress.") => false,
        _ => {
            let what = "no status after the heading: expected `Status: finished.` or `Status: in progress.`";
            faults.push(place(1).fault(what));
            false
        }
    };
    for (line, item) in items(&page.text) {
        match parse(&item) {
            Ok((id, level, state, text)) => {
                if finished && state == State::Open {
                    faults.push(place(line).fault(format!("`{id}` is open, but the page is finished")));
                }
                let (id, text, standard) = (id.to_owned(), text.to_owned(), standard.to_owned());
                requirements.push(Requirement { id, level, state, text, standard, place: place(line) });
            }
            Err(what) => faults.push(place(line).fault(what)),
        }
    }
}

/// Returns the list items of a page, each with the number of its first line and its joined lines. A malformed line
/// becomes an item, so that [`parse`] reports the line.
fn items(text: &str) -> Vec<(usize, String)> {
    let mut items: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (number, line) in (1..).zip(text.lines()) {
        let listed = line.trim_start().starts_with(['-', '*', '+']);
        match items.last_mut() {
            _ if line.trim().is_empty() => open = false,
            Some((_, item)) if open && !listed && line.starts_with("  ") => {
                item.push(' ');
                item.push_str(line.trim());
            }
            _ if listed || open => {
                items.push((number, line.trim_end().to_owned()));
                open = true;
            }
            _ => {}
        }
    }
    items
}

/// Parses an item into id, level, state and text.
fn parse(item: &str) -> Result<(&str, Level, State, &str), String> {
    let parts = item.strip_prefix("- **").and_then(|rest| rest.split_once("** "));
    let (id, rest) = parts.ok_or(
        "not a requirement: expected `- **id** LEVEL place: requirement`, with further lines indented by two spaces",
    )?;
    if !is_id(id) {
        return Err(format!("`{id}` is not an id: expected lowercase letters, digits and hyphens"));
    }
    let (level, text) = rest.split_once(' ').unwrap_or((rest, ""));
    let level = match level {
        "M" => Level::Must,
        "S" => Level::Should,
        "m" => Level::May,
        "P" => Level::Policy,
        _ => return Err(format!("`{id}` has the unknown level `{level}`: expected M, S, m or P")),
    };
    let unmet = [("Refused:", State::Refused), ("Open:", State::Open)]
        .into_iter()
        .find_map(|(word, state)| text.split_once(word).map(|(asked, reason)| (asked, state, reason)));
    let (asked, state, reason) = unmet.unwrap_or((text, State::Built, "done"));
    if reason.trim().is_empty() {
        return Err(format!("`{id}` is {state} without a reason"));
    }
    match asked.split_once(": ") {
        Some((place, what)) if !place.is_empty() && !what.trim().is_empty() => Ok((id, level, state, text)),
        _ => Err(format!("`{id}` has no place or no text: expected `place: requirement`")),
    }
}

/// Returns whether a text is a valid id.
pub(super) fn is_id(text: &str) -> bool {
    let may_be_inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(may_be_inside)
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Built => "built",
            State::Refused => "refused",
            State::Open => "open",
        })
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}, {}: {}", self.state, self.id, self.place, self.text)
    }
}
