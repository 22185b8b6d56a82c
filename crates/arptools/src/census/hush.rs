//! What was told a short while ago.

use std::collections::VecDeque;
use std::time::Duration;

use link::{Instant, MacAddr};

use super::Subject;
use arp::Dropped;

/// What an event is about, as far as telling it twice is a nuisance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    Probe(Subject, MacAddr),
    Announcement(Subject, MacAddr),
    /// Who sent the frame, and whom the packet names.
    Mismatch(MacAddr, MacAddr),
    Odd(MacAddr, Dropped),
    /// Between these two, the lower one first.
    Conflict(Subject, MacAddr, MacAddr),
    Flood(Option<MacAddr>),
    Full,
}

/// The topics told last, oldest first.
#[derive(Debug)]
pub(super) struct Hush {
    again: Duration,
    told: VecDeque<(Instant, Topic)>,
}

/// How many topics are remembered: whoever has more to say is told more often.
const TOPICS: usize = 256;

impl Hush {
    pub(super) fn new(again: Duration) -> Hush {
        Hush { again, told: VecDeque::new() }
    }

    /// Whether a topic is worth a word again; it is taken for told then.
    pub(super) fn is_news(&mut self, now: Instant, topic: Topic) -> bool {
        let place = self.told.iter().position(|(_, told)| *told == topic);
        if let Some((at, _)) = place.and_then(|place| self.told.get(place)) {
            // A clock that went back makes everything news.
            if now >= *at && now.since(*at) < self.again {
                return false;
            }
        }
        if let Some(place) = place {
            self.told.remove(place);
        } else if self.told.len() >= TOPICS {
            self.told.pop_front();
        }
        self.told.push_back((now, topic));
        true
    }
}

impl Topic {
    /// A conflict between two stations, whichever is heard first.
    pub(super) fn conflict(subject: Subject, one: MacAddr, other: MacAddr) -> Topic {
        Topic::Conflict(subject, one.min(other), one.max(other))
    }
}
