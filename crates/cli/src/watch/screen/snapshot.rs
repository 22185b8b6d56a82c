//! Content of the screen at one point in time.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use arptools::census::{Census, CensusCounts, CensusEntry, CensusEvent};
use tap::Instant;

use super::keys::SortKey;
use crate::vendors::Vendors;
use crate::watch::observer::Observer;
use crate::watch::text::presences;

/// The state of a census at one point in time.
pub(super) struct Snapshot {
    pub(super) name: String,
    /// Whether the source is live rather than a capture.
    pub(super) is_live: bool,
    pub(super) is_down: bool,
    pub(super) now: Instant,
    /// Time since the first frame.
    pub(super) elapsed: Duration,
    pub(super) rows: Vec<CensusEntry>,
    /// The latest events, newest first.
    pub(super) events: Vec<(Instant, CensusEvent)>,
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
        observer: &Observer,
        events: &VecDeque<(Instant, CensusEvent)>,
    ) -> Snapshot {
        let now = observer.now;
        Snapshot {
            name: name.to_owned(),
            is_live,
            is_down: observer.is_down,
            now,
            elapsed: observer.began.map_or(Duration::ZERO, |began| now.since(began)),
            rows: observer.census.iter(now).collect(),
            events: events.iter().copied().collect(),
            counts: observer.counts(),
            recent: observer.census.recent(now),
            per_second: observer.census.seconds(now),
            presences: presences(observer),
            vendors: Rc::clone(&observer.vendors),
            sort_key: SortKey::Address,
        }
    }

    /// Sorts the rows; rows with equal keys are sorted by address.
    pub(super) fn sort(&mut self, sort_key: SortKey) {
        if std::mem::replace(&mut self.sort_key, sort_key) == sort_key {
            return;
        }
        match sort_key {
            SortKey::Address => self.rows.sort_by_key(|row| row.address),
            SortKey::LastSeen => self.rows.sort_by_key(|row| (Reverse(row.last), row.address)),
            SortKey::Packets => self.rows.sort_by_key(|row| (Reverse(row.packets()), row.address)),
        }
    }

    /// Returns the number of addresses in conflict.
    pub(super) fn conflicts(&self) -> usize {
        self.rows.iter().filter(|row| row.conflict.is_some()).count()
    }
}
