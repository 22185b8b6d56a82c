//! Addresses of a census, with a limit, and with expiry of silent addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use link::{Instant, MacAddr};

use super::claims::ClaimChange;
use super::entry::Entry;
use super::{CensusSettings, VlanAddress};
use arp::PacketFields;

/// Ordered addresses with their expiry queues.
///
/// A packet does not move its address in the expiry queue. The position in the queue is updated only when the queued
/// time expires, so that a packet costs one map lookup.
#[derive(Debug)]
pub(super) struct Register {
    bound: usize,
    entries: BTreeMap<VlanAddress, IndexedEntry>,
    present: BTreeSet<(Instant, VlanAddress)>,
    gone: BTreeSet<(Instant, VlanAddress)>,
    /// Addresses with a single packet, by the time of the packet. If no address is gone, only these addresses are
    /// evicted. A flood of forged addresses thus evicts no address with several packets.
    once: BTreeSet<(Instant, VlanAddress)>,
}

/// Entry with its keys in the queues.
#[derive(Debug)]
struct IndexedEntry {
    entry: Entry,
    at: Instant,
    is_gone: bool,
    since: Instant,
}

/// Evicted address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evicted {
    pub(super) address: VlanAddress,
    pub(super) mac: MacAddr,
    /// Whether the address was not gone, so that a conflict of the address may be missed.
    pub(super) was_present: bool,
}

/// Result of recording a claim.
#[derive(Clone, Copy, Debug)]
pub(super) enum InsertOutcome {
    /// The address is known. `silence` is the time since the last packet of the address if the address was gone.
    Known { change: ClaimChange, silence: Option<Duration> },
    /// The address is new, and another address may have been evicted.
    New { evicted: Option<Evicted> },
    /// The address was not added: the census is full.
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

    /// Applies `note` to the entry of an address, if known.
    pub(super) fn note(&mut self, address: VlanAddress, note: impl FnOnce(&mut Entry)) {
        if let Some(indexed) = self.entries.get_mut(&address) {
            note(&mut indexed.entry);
        }
    }

    /// Records a claim.
    pub(super) fn record(
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

    /// Marks an address as gone if it had no packet for `span`, and returns the address. Each address is returned once.
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

    /// Returns the time of the first address in the expiry queue.
    pub(super) fn oldest(&self) -> Option<Instant> {
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

    /// Evicts the address that has been gone for longest, or else the oldest with a single packet.
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
