//! The addresses of a census, with a hard bound, and who has been silent for long.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use link::{Instant, MacAddr};

use super::claims::ClaimChange;
use super::entry::Entry;
use super::{CensusSettings, VlanAddress};
use arp::PacketFields;

/// The addresses, in order.
///
/// An address is filed under when it was heard, and filed anew only when its turn comes to be gone: to hear
/// a packet costs the search for its address alone.
#[derive(Debug)]
pub(super) struct Register {
    bound: usize,
    entries: BTreeMap<VlanAddress, IndexedEntry>,
    present: BTreeSet<(Instant, VlanAddress)>,
    gone: BTreeSet<(Instant, VlanAddress)>,
    /// Those that one packet alone claimed, by when it came. Where all are present these are evicted first, so that a
    /// flood of forged addresses replaces itself and not what is really there.
    once: BTreeSet<(Instant, VlanAddress)>,
}

/// An address, and where it is filed.
#[derive(Debug)]
struct IndexedEntry {
    entry: Entry,
    at: Instant,
    is_gone: bool,
    since: Instant,
}

/// An address that was evicted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evicted {
    pub(super) address: VlanAddress,
    pub(super) mac: MacAddr,
    /// Whether it was not gone: a conflict about it may go unnoticed from now on.
    pub(super) was_present: bool,
}

/// What became of a claim.
#[derive(Clone, Copy, Debug)]
pub(super) enum InsertOutcome {
    /// It is to an address that is known, which may have been silent for so long that it was gone.
    Known { change: ClaimChange, silence: Option<Duration> },
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

    pub(super) fn get(&self, address: VlanAddress) -> Option<&Entry> {
        self.entries.get(&address).map(|indexed| &indexed.entry)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&VlanAddress, &Entry)> {
        self.entries.iter().map(|(address, indexed)| (address, &indexed.entry))
    }

    /// Notes something about an address, if it is known.
    pub(super) fn note(&mut self, address: VlanAddress, note: impl FnOnce(&mut Entry)) {
        if let Some(indexed) = self.entries.get_mut(&address) {
            note(&mut indexed.entry);
        }
    }

    /// Hears a claim.
    pub(super) fn enter(
        &mut self,
        now: Instant,
        address: VlanAddress,
        packet: &PacketFields,
        settings: &CensusSettings,
    ) -> InsertOutcome {
        let Some(indexed) = self.entries.get_mut(&address) else {
            return self.insert(now, address, packet);
        };
        self.once.remove(&(indexed.since, address));
        let silence = indexed.is_gone.then(|| now.since(indexed.entry.last));
        if indexed.is_gone {
            indexed.is_gone = false;
            self.gone.remove(&(indexed.at, address));
            indexed.at = now;
            self.present.insert((now, address));
        }
        InsertOutcome::Known { change: indexed.entry.record(now, packet, settings.conflict_window), silence }
    }

    /// An address that has not been heard for a span, and who had it; each once.
    pub(super) fn take_silent(&mut self, now: Instant, span: Duration) -> Option<(VlanAddress, MacAddr)> {
        while let Some((at, address)) = self.present.first().copied().filter(|(at, _)| now.since(*at) >= span)
        {
            self.present.remove(&(at, address));
            let indexed = self.entries.get_mut(&address)?;
            indexed.at = indexed.entry.last;
            indexed.is_gone = now.since(indexed.at) >= span;
            if indexed.is_gone {
                self.gone.insert((indexed.at, address));
                return Some((address, indexed.entry.claims.current()));
            }
            self.present.insert((indexed.at, address));
        }
        None
    }

    /// When somebody was heard whose turn it is to be gone next.
    pub(super) fn first_heard(&self) -> Option<Instant> {
        self.present.first().map(|(at, _)| *at)
    }

    fn insert(&mut self, now: Instant, address: VlanAddress, packet: &PacketFields) -> InsertOutcome {
        let is_full = self.entries.len() >= self.bound;
        let evicted = if is_full { self.evict() } else { None };
        if is_full && evicted.is_none() {
            return InsertOutcome::Full;
        }
        self.present.insert((now, address));
        self.once.insert((now, address));
        let indexed = IndexedEntry { entry: Entry::new(now, packet), at: now, is_gone: false, since: now };
        self.entries.insert(address, indexed);
        InsertOutcome::New { evicted }
    }

    /// Evicts the address that has been gone for longest, or the oldest that was claimed once.
    fn evict(&mut self) -> Option<Evicted> {
        let gone = self.gone.pop_first();
        let was_present = gone.is_none();
        let (_, address) = gone.or_else(|| self.once.pop_first())?;
        let indexed = self.entries.remove(&address)?;
        self.once.remove(&(indexed.since, address));
        self.present.remove(&(indexed.at, address));
        Some(Evicted { address, mac: indexed.entry.claims.current(), was_present })
    }
}
