//! The addresses of a census, with a hard bound, and who has been silent for long.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use link::{Instant, MacAddr};

use super::claims::Turn;
use super::entry::Entry;
use super::{Settings, Subject};
use arp::Fields;

/// The addresses, in order.
///
/// An address is filed under when it was heard, and filed anew only when its turn comes to be gone: to hear
/// a packet costs the search for its address alone.
#[derive(Debug)]
pub(super) struct Register {
    bound: usize,
    entries: BTreeMap<Subject, Filed>,
    present: BTreeSet<(Instant, Subject)>,
    gone: BTreeSet<(Instant, Subject)>,
    /// Those that one packet alone claimed, by when it came. Where all are present these are evicted first, so that a
    /// flood of forged addresses replaces itself and not what is really there.
    once: BTreeSet<(Instant, Subject)>,
}

/// An address, and where it is filed.
#[derive(Debug)]
struct Filed {
    entry: Entry,
    at: Instant,
    is_gone: bool,
    since: Instant,
}

/// An address that was evicted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evicted {
    pub(super) subject: Subject,
    pub(super) hardware: MacAddr,
    /// Whether it was not gone: a conflict about it may go unnoticed from now on.
    pub(super) was_present: bool,
}

/// What became of a claim.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entered {
    /// It is to an address that is known, which may have been silent for so long that it was gone.
    Heard { turn: Turn, silence: Option<Duration> },
    /// It is to another, which may have taken the place of one.
    New { evicted: Option<Evicted> },
    /// There is no room for it.
    Full,
}

impl Register {
    pub(super) fn new(bound: usize) -> Register {
        let bound = bound.max(1);
        Register {
            bound,
            entries: BTreeMap::new(),
            present: BTreeSet::new(),
            gone: BTreeSet::new(),
            once: BTreeSet::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn get(&self, subject: Subject) -> Option<&Entry> {
        self.entries.get(&subject).map(|filed| &filed.entry)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Subject, &Entry)> {
        self.entries.iter().map(|(subject, filed)| (subject, &filed.entry))
    }

    /// Notes something about an address, if it is known.
    pub(super) fn note(&mut self, subject: Subject, note: impl FnOnce(&mut Entry)) {
        if let Some(filed) = self.entries.get_mut(&subject) {
            note(&mut filed.entry);
        }
    }

    /// Hears a claim.
    pub(super) fn enter(
        &mut self,
        now: Instant,
        subject: Subject,
        packet: &Fields,
        settings: &Settings,
    ) -> Entered {
        let Some(filed) = self.entries.get_mut(&subject) else {
            return self.insert(now, subject, packet);
        };
        self.once.remove(&(filed.since, subject));
        let silence = filed.is_gone.then(|| now.since(filed.entry.last));
        if filed.is_gone {
            filed.is_gone = false;
            self.gone.remove(&(filed.at, subject));
            filed.at = now;
            self.present.insert((now, subject));
        }
        Entered::Heard { turn: filed.entry.hear(now, packet, settings.window), silence }
    }

    /// An address that has not been heard for a span, and who had it; each once.
    pub(super) fn take_silent(&mut self, now: Instant, span: Duration) -> Option<(Subject, MacAddr)> {
        while let Some((at, subject)) = self.present.first().copied().filter(|(at, _)| now.since(*at) >= span)
        {
            self.present.remove(&(at, subject));
            let filed = self.entries.get_mut(&subject)?;
            filed.at = filed.entry.last;
            filed.is_gone = now.since(filed.at) >= span;
            if filed.is_gone {
                self.gone.insert((filed.at, subject));
                return Some((subject, filed.entry.claims.current()));
            }
            self.present.insert((filed.at, subject));
        }
        None
    }

    /// When somebody was heard whose turn it is to be gone next.
    pub(super) fn first_heard(&self) -> Option<Instant> {
        self.present.first().map(|(at, _)| *at)
    }

    fn insert(&mut self, now: Instant, subject: Subject, packet: &Fields) -> Entered {
        let is_full = self.entries.len() >= self.bound;
        let evicted = if is_full { self.evict() } else { None };
        if is_full && evicted.is_none() {
            return Entered::Full;
        }
        self.present.insert((now, subject));
        self.once.insert((now, subject));
        let filed = Filed { entry: Entry::new(now, packet), at: now, is_gone: false, since: now };
        self.entries.insert(subject, filed);
        Entered::New { evicted }
    }

    /// Evicts the address that has been gone for longest, or the oldest that was claimed once.
    fn evict(&mut self) -> Option<Evicted> {
        let gone = self.gone.pop_first();
        let was_present = gone.is_none();
        let (_, subject) = gone.or_else(|| self.once.pop_first())?;
        let filed = self.entries.remove(&subject)?;
        self.once.remove(&(filed.since, subject));
        self.present.remove(&(filed.at, subject));
        Some(Evicted { subject, hardware: filed.entry.claims.current(), was_present })
    }
}
