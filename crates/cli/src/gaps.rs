//! What could not be received: the one place that decides whether a negative result can be known.

use std::fmt;

use tap::Counters;
use tap::linux::InterfaceName;

/// The ways in which frames escape a command, each counted. "Free", "no reply" and "no conflict" are results only
/// where there were none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gaps {
    /// Whether the link was down or had no carrier for a time, or is now.
    pub(crate) was_down: bool,
    /// Frames that the kernel dropped because its receive queue was full.
    pub(crate) lost: u64,
    /// Frames that were cut short, on the wire or in a capture, and could not be read.
    pub(crate) truncated: u64,
    /// Whether frames that had arrived were not read when the command ended.
    pub(crate) is_unread: bool,
    /// Packets about addresses that the table had no capacity for, and addresses that it dropped while present.
    pub(crate) turned_away: u64,
    /// Frames of our own that the wire refused: these questions were not asked.
    pub(crate) refused: u64,
}

/// [`Gaps`] in words: the reasons, and what helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Explanation {
    reasons: Vec<String>,
    hint: String,
}

impl Gaps {
    /// The gaps of a device with these counters.
    pub(crate) fn of_device(counters: &Counters) -> Gaps {
        Gaps {
            // What cannot be read is one error for each time that the link went down.
            was_down: counters.unreadable > 0,
            lost: counters.lost,
            truncated: counters.truncated,
            ..Gaps::default()
        }
    }

    /// Decides whether everything could have been received. Returns none if so, or else why not.
    ///
    /// Every command that reports the absence of something asks here.
    pub(crate) fn explain(&self, name: &InterfaceName) -> Option<Explanation> {
        let look = format!("`ip link show {name}`");
        let unread = "more frames arrived than could be read";
        self.explain_of(&name.to_string(), (unread, "try again on a less busy machine or wire"), &look)
    }

    /// The same for the capture of this name.
    pub(crate) fn explain_capture(&self, name: &str) -> Option<Explanation> {
        self.explain_of(name, ("the capture was not read to its end", "let it run"), name)
    }

    fn explain_of(&self, name: &str, unread: (&str, &str), look: &str) -> Option<Explanation> {
        let Gaps { was_down, lost, truncated, is_unread, turned_away, refused } = *self;
        let reasons = [
            (was_down, format!("{name} was down or had no carrier")),
            (refused > 0, format!("{name} refused {}", frames(refused))),
            (lost > 0, format!("the kernel dropped {}: receive queue full", frames(lost))),
            (truncated > 0, format!("{} cut short", were(truncated))),
            (is_unread, unread.0.to_owned()),
            (turned_away > 0, format!("the table of addresses was full {turned_away} times")),
        ];
        let reasons: Vec<_> = reasons.into_iter().filter(|(is_so, _)| *is_so).map(|(_, why)| why).collect();
        let hint = match () {
            () if was_down || refused > 0 => format!("try again when {look} says that it is up"),
            () if lost > 0 || is_unread => unread.1.to_owned(),
            () if turned_away > 0 => "watch fewer addresses, such as one --vlan".to_owned(),
            () => format!("look at {look}"),
        };
        (!reasons.is_empty()).then_some(Explanation { reasons, hint })
    }
}

fn frames(count: u64) -> String {
    if count == 1 { "1 frame".to_owned() } else { format!("{count} frames") }
}

fn were(count: u64) -> String {
    if count == 1 { "1 frame was".to_owned() } else { format!("{count} frames were") }
}

impl fmt::Display for Explanation {
    /// The reasons, then what helps: `eth0 was down or had no carrier; try again when ...`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.reasons.join(", "), self.hint)
    }
}

#[cfg(test)]
mod tests;
