//! Content of the screen at one point in time.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use arptools::census::{Census, CensusCounts, CensusEntry, CensusEvent, VlanAddress};
use tap::Instant;

use super::keys::SortKey;
use crate::vendors::Vendors;
use crate::watch::observer::Observer;
use crate::watch::text::presences;

/// An event, with its interface if several are watched.
#[derive(Clone, Debug)]
pub(super) struct ShownEvent {
    pub(super) time: Instant,
    pub(super) interface: Option<String>,
    pub(super) event: CensusEvent,
}

/// An address, with its interface if several are watched.
#[derive(Clone, Debug)]
pub(super) struct ShownAddress {
    /// Place of the interface.
    place: usize,
    pub(super) interface: Option<Rc<str>>,
    pub(super) entry: CensusEntry,
}

impl ShownAddress {
    /// Returns the key of the default order.
    fn key(&self) -> (usize, VlanAddress) {
        (self.place, self.entry.address)
    }
}

/// The state of the censuses of all interfaces at one point in time.
pub(super) struct Snapshot {
    pub(super) name: String,
    /// Whether the source is live rather than a capture.
    pub(super) is_live: bool,
    /// Number of interfaces, or 1 for a capture.
    pub(super) interfaces: usize,
    /// Names of the interfaces with a link that is down. If only one is watched, its name is empty.
    pub(super) down: Vec<String>,
    pub(super) now: Instant,
    /// Time since the first frame.
    pub(super) elapsed: Duration,
    pub(super) rows: Vec<ShownAddress>,
    /// The latest events, newest first.
    pub(super) events: Vec<ShownEvent>,
    pub(super) counts: CensusCounts,
    /// Number of packets in the last ten seconds.
    pub(super) recent: u32,
    /// Number of packets in each of the last seconds.
    pub(super) per_second: [u32; Census::SECONDS],
    /// Numbers of fresh, quiet and gone addresses.
    pub(super) presences: [usize; 3],
    /// Vendor names of the MAC addresses.
    pub(super) vendors: Rc<Vendors>,
    sort_key: SortKey,
}

impl Snapshot {
    pub(super) fn new(
        name: &str,
        is_live: bool,
        observers: &[Observer],
        events: &VecDeque<ShownEvent>,
    ) -> Snapshot {
        let now = observers.iter().map(|observer| observer.now).max().unwrap_or(Instant::ORIGIN);
        let mut snapshot = Snapshot {
            name: name.to_owned(),
            is_live,
            interfaces: observers.len(),
            down: Vec::new(),
            now,
            elapsed: Duration::ZERO,
            rows: Vec::new(),
            events: events.iter().cloned().collect(),
            counts: CensusCounts::default(),
            recent: 0,
            per_second: [0; Census::SECONDS],
            presences: [0; 3],
            vendors: observers.first().map(|observer| Rc::clone(&observer.vendors)).unwrap_or_default(),
            sort_key: SortKey::Address,
        };
        observers.iter().enumerate().for_each(|(place, observer)| snapshot.add(place, observer));
        snapshot
    }

    /// Adds the census of an interface.
    fn add(&mut self, place: usize, observer: &Observer) {
        let interface: Option<Rc<str>> = observer.label().map(|name| name.to_string().into());
        if observer.is_down {
            self.down.push(interface.as_deref().unwrap_or_default().to_owned());
        }
        self.elapsed = self.elapsed.max(observer.began.map_or(Duration::ZERO, |began| self.now.since(began)));
        let rows = observer.census.iter(self.now);
        self.rows.extend(rows.map(|entry| ShownAddress { place, interface: interface.clone(), entry }));
        self.counts = self.counts.plus(observer.counts());
        self.recent = self.recent.saturating_add(observer.census.recent(self.now));
        for (sum, count) in self.per_second.iter_mut().zip(observer.census.seconds(self.now)) {
            *sum = sum.saturating_add(count);
        }
        for (sum, count) in self.presences.iter_mut().zip(presences(observer)) {
            *sum = sum.saturating_add(count);
        }
    }

    /// Sorts the rows; rows with equal keys are sorted by interface and address.
    pub(super) fn sort(&mut self, sort_key: SortKey) {
        if std::mem::replace(&mut self.sort_key, sort_key) == sort_key {
            return;
        }
        match sort_key {
            SortKey::Address => self.rows.sort_by_key(ShownAddress::key),
            SortKey::LastSeen => self.rows.sort_by_key(|row| (Reverse(row.entry.last), row.key())),
            SortKey::Packets => {
                self.rows.sort_by_key(|row| (Reverse(row.entry.packets()), row.key()));
            }
        }
    }

    /// Returns the number of addresses in conflict.
    pub(super) fn conflicts(&self) -> usize {
        self.rows.iter().filter(|row| row.entry.conflict.is_some()).count()
    }
}
