//! Connections in TIME-WAIT that their users have closed.

use std::net::SocketAddrV4;
use std::time::Duration;

use base::list::index;
use base::{Links, List, Place};
use tap::Instant;

use crate::{SegmentService, SequenceNumber};

/// What is left of a connection in TIME-WAIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeWait {
    pub(crate) local: SocketAddrV4,
    pub(crate) peer: SocketAddrV4,
    /// SND.NXT.
    pub(crate) send_next: SequenceNumber,
    /// RCV.NXT.
    pub(crate) receive_next: SequenceNumber,
    /// RCV.WND.
    pub(crate) receive_window: u32,
    /// The window field of segments.
    pub(crate) window: u16,
    /// TS.Recent, if the connection used timestamps.
    pub(crate) timestamp: Option<u32>,
    /// Length of TIME-WAIT.
    pub(crate) length: Duration,
    /// IP header fields of segments.
    pub(crate) service: SegmentService,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
struct Row {
    ends_at: Instant,
    links: Links,
    local: SocketAddrV4,
    peer: SocketAddrV4,
    send_next: SequenceNumber,
    receive_next: SequenceNumber,
    receive_window: u32,
    timestamp: u32,
    /// Length of TIME-WAIT in milliseconds.
    length: u32,
    /// Milliseconds modulo 2^32 when a segment without data was answered last, or zero.
    replied_at: u32,
    window: u16,
    /// Number of the list that the row is in.
    list: u8,
    has_timestamp: bool,
    is_used: bool,
    service: SegmentService,
}

// spec: tcp-time-wait-bound
const _: () = assert!(size_of::<Row>() <= 64);

/// All connections in TIME-WAIT.
#[derive(Debug)]
pub(super) struct TimeWaits {
    rows: Vec<Row>,
    free: Vec<Place>,
    bound: usize,
    /// The connections of a list end in the order of the list.
    lists: [List; Self::LISTS],
}

impl TimeWaits {
    /// Number of lists. Connections with up to eight different lengths of TIME-WAIT end at their times.
    const LISTS: usize = 8;

    pub(super) fn new(bound: usize) -> TimeWaits {
        TimeWaits { rows: Vec::new(), free: Vec::new(), bound, lists: [List::EMPTY; Self::LISTS] }
    }

    /// Returns the number of connections.
    pub(super) fn len(&self) -> usize {
        self.rows.len() - self.free.len()
    }

    /// Returns the place of the next connection, or `None` if the maximum number exists.
    pub(super) fn vacant(&self) -> Option<Place> {
        match self.free.last() {
            Some(place) => Some(*place),
            None if self.rows.len() >= self.bound => None,
            None => Place::try_from(self.rows.len()).ok(),
        }
    }

    /// Returns the connection that ends first.
    pub(super) fn first(&self) -> Option<Place> {
        self.lists.iter().filter_map(|list| list.first()).min_by_key(|place| self.ends_at(*place))
    }

    /// Returns the time of the next [`TimeWaits::expire`].
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.ends_at(self.first()?)
    }

    /// Returns a connection that has ended.
    pub(super) fn expire(&self, now: Instant) -> Option<Place> {
        self.first().filter(|place| self.ends_at(*place).is_some_and(|at| at <= now))
    }

    /// Adds a connection at [`TimeWaits::vacant`]. Its TIME-WAIT starts now.
    pub(super) fn insert(&mut self, now: Instant, from: &TimeWait) {
        let Some(place) = self.vacant() else { return };
        let row = Row {
            ends_at: now,
            links: Links::NONE,
            local: from.local,
            peer: from.peer,
            send_next: from.send_next,
            receive_next: from.receive_next,
            receive_window: from.receive_window,
            timestamp: from.timestamp.unwrap_or_default(),
            length: u32::try_from(from.length.as_millis()).unwrap_or(u32::MAX),
            replied_at: 0,
            window: from.window,
            list: 0,
            has_timestamp: from.timestamp.is_some(),
            is_used: true,
            service: from.service,
        };
        match self.free.pop().and_then(|place| self.rows.get_mut(index(place))) {
            Some(vacant) => *vacant = row,
            None => self.rows.push(row),
        }
        self.start(now, place);
    }

    pub(super) fn remove(&mut self, place: Place) {
        self.unlink(place);
        if let Some(row) = self.rows.get_mut(index(place)) {
            row.is_used = false;
            self.free.push(place);
        }
    }

    pub(super) fn get(&self, place: Place) -> Option<TimeWait> {
        let row = self.rows.get(index(place)).filter(|row| row.is_used)?;
        Some(TimeWait {
            local: row.local,
            peer: row.peer,
            send_next: row.send_next,
            receive_next: row.receive_next,
            receive_window: row.receive_window,
            window: row.window,
            timestamp: row.has_timestamp.then_some(row.timestamp),
            length: Duration::from_millis(row.length.into()),
            service: row.service,
        })
    }

    /// Returns the places of all connections from a place on.
    pub(super) fn places_from(&self, first: Place) -> impl Iterator<Item = Place> {
        let rows = self.rows.get(index(first)..).unwrap_or_default().iter().zip(first..);
        rows.filter(|(row, _)| row.is_used).map(|(_, place)| place)
    }

    /// Starts TIME-WAIT of a connection again.
    pub(super) fn restart(&mut self, now: Instant, place: Place) {
        self.unlink(place);
        self.start(now, place);
    }

    /// Returns whether a segment without data may be answered: once in 500 milliseconds.
    // spec: tcp-ack-loop
    pub(super) fn may_reply(&mut self, now: Instant, place: Place) -> bool {
        self.rows.get_mut(index(place)).is_some_and(|row| super::waiting::may_reply(now, &mut row.replied_at))
    }

    /// Returns the time since the start of TIME-WAIT of a connection.
    pub(super) fn age(&self, now: Instant, place: Place) -> Option<Duration> {
        let rest = self.ends_at(place)?.since(now);
        Some(self.get(place)?.length.saturating_sub(rest))
    }

    /// Returns the end of TIME-WAIT of a connection.
    pub(super) fn ends_at(&self, place: Place) -> Option<Instant> {
        self.rows.get(index(place)).map(|row| row.ends_at)
    }

    /// Adds a connection to the list with the latest end before its end, so that the other lists stay open for shorter
    /// lengths. If all lists end later, the connection ends with the first of them: TIME-WAIT is never shorter than its
    /// length.
    fn start(&mut self, now: Instant, place: Place) {
        let Some(row) = self.rows.get(index(place)) else { return };
        let end = now + Duration::from_millis(row.length.into());
        let end_of = |list: &List| list.last().and_then(|place| self.ends_at(place)).unwrap_or_default();
        let lists = || (0_u8..).zip(self.lists.iter().map(end_of));
        let Some((list, last_end)) = lists()
            .filter(|(_, last_end)| *last_end <= end)
            .max_by_key(|(_, last_end)| *last_end)
            .or_else(|| lists().min_by_key(|(_, last_end)| *last_end))
        else {
            return;
        };
        if let Some(row) = self.rows.get_mut(index(place)) {
            (row.list, row.ends_at) = (list, end.max(last_end));
        }
        if let Some(list) = self.lists.get_mut(usize::from(list)) {
            list.append(&mut self.rows, |row| &mut row.links, place);
        }
    }

    fn unlink(&mut self, place: Place) {
        let Some(row) = self.rows.get(index(place)) else { return };
        if let Some(list) = self.lists.get_mut(usize::from(row.list)) {
            list.unlink(&mut self.rows, |row| &mut row.links, place);
        }
    }
}

#[cfg(test)]
mod tests;
