//! What is known at one moment.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::time::Duration;

use arptools::census::{Census, Counts, Event, Row};
use tap::Instant;

use super::keys::Sort;
use crate::watch::observer::Observer;
use crate::watch::words::presences;

/// A moment of a census.
pub(super) struct Picture {
    pub(super) name: String,
    /// Whether time passes in it, or it is a capture's end.
    pub(super) is_live: bool,
    pub(super) is_down: bool,
    pub(super) now: Instant,
    /// How long it has been heard.
    pub(super) span: Duration,
    pub(super) rows: Vec<Row>,
    /// The latest event first.
    pub(super) latest: Vec<(Instant, Event)>,
    pub(super) counts: Counts,
    /// Packets in the last ten seconds.
    pub(super) recent: u32,
    /// Packets in each of the last seconds.
    pub(super) seconds: [u32; Census::SECONDS],
    /// Addresses that are fresh, quiet and gone.
    pub(super) presences: [usize; 3],
    sorted: Sort,
}

impl Picture {
    pub(super) fn of(
        name: &str,
        is_live: bool,
        observer: &Observer,
        latest: &VecDeque<(Instant, Event)>,
    ) -> Picture {
        let now = observer.now;
        Picture {
            name: name.to_owned(),
            is_live,
            is_down: observer.is_down,
            now,
            span: observer.began.map_or(Duration::ZERO, |began| now.since(began)),
            rows: observer.census.iter(now).collect(),
            latest: latest.iter().copied().collect(),
            counts: observer.counts(),
            recent: observer.census.recent(now),
            seconds: observer.census.seconds(now),
            presences: presences(observer),
            sorted: Sort::Address,
        }
    }

    /// Puts the rows in order. Rows that are alike stay in the order of their addresses.
    pub(super) fn sort(&mut self, sort: Sort) {
        if std::mem::replace(&mut self.sorted, sort) == sort {
            return;
        }
        match sort {
            Sort::Address => self.rows.sort_by_key(|row| row.subject),
            Sort::Last => self.rows.sort_by_key(|row| (Reverse(row.last), row.subject)),
            Sort::Packets => self.rows.sort_by_key(|row| (Reverse(row.packets()), row.subject)),
        }
    }

    /// How many addresses are in conflict.
    pub(super) fn conflicts(&self) -> usize {
        self.rows.iter().filter(|row| row.conflict.is_some()).count()
    }
}
