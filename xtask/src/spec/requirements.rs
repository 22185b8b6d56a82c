//! The pages of requirements.
//!
//! A page is a standard: its first heading names it, up to a colon. The next line says whether the work on it is
//! finished. Every item of a list on it is a requirement, and has one form:
//! `- **id** LEVEL place: what is asked. Refused: why`, or `Open: why`, or neither where it is built.

use std::fmt;

use super::{Fault, Location};
use crate::source::Source;

/// One line of a standard.
#[derive(Debug)]
pub(super) struct Requirement {
    /// What citations call it.
    pub(super) id: String,
    /// How much it binds.
    pub(super) level: Level,
    /// Whether it is met.
    pub(super) state: State,
    /// What it asks, with the reason where it is not met.
    pub(super) text: String,
    /// The standard, as its page is headed.
    pub(super) standard: String,
    /// Where it stands.
    pub(super) place: Location,
}

/// How much a requirement binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// `M`: the standard says MUST, or leaves no choice.
    Must,
    /// `S`: the standard says SHOULD.
    Should,
    /// `m`: the standard says MAY.
    May,
    /// `P`: the policy is ours.
    Policy,
}

/// Whether a requirement is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Code does it and a test proves it.
    Built,
    /// It is not met, by decision.
    Refused,
    /// It is not met yet.
    Open,
}

/// Adds the requirements of a page, and what is wrong with it.
pub(super) fn read(page: &Source, requirements: &mut Vec<Requirement>, faults: &mut Vec<Fault>) {
    let place = |line| Location { path: page.path.clone(), line };
    let heading = page.text.lines().find_map(|line| line.strip_prefix("# "));
    let standard = heading.and_then(|heading| heading.split(':').next()).unwrap_or_default().trim();
    if standard.is_empty() {
        faults.push(place(1).fault("no heading says which standard this is: `# STANDARD: subject`"));
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
            let what = "the line after the heading is neither `Status: finished.` nor `Status: in progress.`";
            faults.push(place(1).fault(what));
            false
        }
    };
    for (line, item) in items(&page.text) {
        match parse(&item) {
            Ok((id, level, state, text)) => {
                if finished && state == State::Open {
                    faults.push(place(line).fault(format!("`{id}` is open, and the page is finished")));
                }
                let (id, text, standard) = (id.to_owned(), text.to_owned(), standard.to_owned());
                requirements.push(Requirement { id, level, state, text, standard, place: place(line) });
            }
            Err(what) => faults.push(place(line).fault(what)),
        }
    }
}

/// The items of a page's lists, each with the number of its first line and its lines joined. What
/// breaks the form becomes an item of its own, so that nothing that looks like one is passed over.
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

/// Takes an item apart into its id, its level, its state and its text.
fn parse(item: &str) -> Result<(&str, Level, State, &str), String> {
    let parts = item.strip_prefix("- **").and_then(|rest| rest.split_once("** "));
    let (id, rest) = parts.ok_or(
        "no requirement: its form is `- **id** LEVEL place: what is asked`, and further lines are indented by two spaces",
    )?;
    if !is_id(id) {
        return Err(format!("`{id}` is no id: it takes lowercase letters, digits and hyphens"));
    }
    let (level, text) = rest.split_once(' ').unwrap_or((rest, ""));
    let level = match level {
        "M" => Level::Must,
        "S" => Level::Should,
        "m" => Level::May,
        "P" => Level::Policy,
        _ => return Err(format!("`{id}` has the level `{level}`: there are M, S, m and P")),
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
        _ => Err(format!("`{id}` does not say where it stands and what it asks: `place: what is asked`")),
    }
}

/// Whether a citation may name it.
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
