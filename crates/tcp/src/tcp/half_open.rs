//! Half-open connections: what a listener keeps of a SYN until its SYN,ACK is acknowledged (RFC 4987 3.4).

use std::net::SocketAddrV4;
use std::time::Duration;

use base::list::index;
use base::{Links, List, Place};
use inet::InterfaceId;
use tap::Instant;

use crate::{Options, SequenceNumber, Timestamps};

/// A half-open connection. The addresses are in the index too, and the listener has the settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct HalfOpen {
    /// Time of the last SYN,ACK.
    pub(super) sent_at: Instant,
    links: Links,
    pub(super) local: SocketAddrV4,
    pub(super) peer: SocketAddrV4,
    /// Initial sequence number.
    pub(super) sequence: SequenceNumber,
    /// Initial sequence number of the peer.
    pub(super) peer_sequence: SequenceNumber,
    pub(super) listener: Place,
    /// Timestamp of the peer.
    timestamp: u32,
    /// Window of the peer's SYN.
    pub(super) window: u16,
    /// Maximum segment size of the peer. Zero if its SYN did not have the option.
    segment_size: u16,
    /// MTU of the interface, in bytes.
    pub(super) mtu: u16,
    interface: u16,
    /// Window scale of the peer, or [`HalfOpen::NO_SCALE`].
    window_scale: u8,
    has_timestamps: bool,
    has_sack: bool,
    /// Whether the SYN,ACK accepts ECN.
    pub(super) has_ecn: bool,
    /// Milliseconds modulo 2^32 when a segment without data was answered last, or zero.
    replied_at: u32,
    /// Number of retransmissions of the SYN,ACK.
    pub(super) retransmissions: u8,
    stage: Stage,
}

/// The list that a half-open connection is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// No connection is at this place.
    Vacant,
    /// The SYN,ACK was sent.
    Waiting,
    /// The SYN,ACK is sent again as soon as the interface has capacity.
    Due,
}

// spec: tcp-half-open-size
const _: () = assert!(size_of::<HalfOpen>() <= 64);

/// All half-open connections of a host.
#[derive(Debug)]
pub(super) struct HalfOpens {
    rows: Vec<HalfOpen>,
    free: Vec<Place>,
    bound: usize,
    /// The connections that wait, by the number of retransmissions. The connections of a list wait equally long, so the
    /// first one of a list waits no longer than the others.
    waiting: [List; Self::TRANSMISSIONS],
}

/// What the time brings for a half-open connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expired {
    /// The SYN,ACK is due on this interface.
    Due(InterfaceId),
    /// The connection ends.
    Ended,
}

impl HalfOpen {
    const NO_SCALE: u8 = u8::MAX;

    /// Creates the row of a SYN. `options` are those that the SYN,ACK answers.
    pub(super) fn new(
        now: Instant,
        addresses: (SocketAddrV4, SocketAddrV4),
        sequences: (SequenceNumber, SequenceNumber),
        listener: Place,
        options: &Options,
    ) -> HalfOpen {
        HalfOpen {
            sent_at: now,
            links: Links::NONE,
            local: addresses.0,
            peer: addresses.1,
            sequence: sequences.0,
            peer_sequence: sequences.1,
            listener,
            timestamp: options.timestamps.unwrap_or_default().value,
            window: 0,
            segment_size: options.maximum_segment_size.unwrap_or_default(),
            mtu: 0,
            interface: 0,
            window_scale: options.window_scale.unwrap_or(Self::NO_SCALE),
            has_timestamps: options.timestamps.is_some(),
            has_sack: options.sack_permitted,
            has_ecn: false,
            replied_at: 0,
            retransmissions: 0,
            stage: Stage::Vacant,
        }
    }

    /// Returns the row with ECN or without ECN.
    pub(super) fn with_ecn(self, has_ecn: bool) -> HalfOpen {
        HalfOpen { has_ecn, ..self }
    }

    /// Returns the row with window, MTU and interface.
    pub(super) fn on(self, window: u16, mtu: u16, interface: InterfaceId) -> HalfOpen {
        HalfOpen { window, mtu, interface: interface.0, ..self }
    }

    /// Returns the options of the peer's SYN that the SYN,ACK answers.
    pub(super) fn options(&self) -> Options {
        Options {
            maximum_segment_size: Some(self.segment_size).filter(|size| *size != 0),
            window_scale: Some(self.window_scale).filter(|scale| *scale != Self::NO_SCALE),
            sack_permitted: self.has_sack,
            timestamps: self.has_timestamps.then_some(Timestamps { value: self.timestamp, echo: 0 }),
            ..Options::default()
        }
    }

    pub(super) fn interface(&self) -> InterfaceId {
        InterfaceId(self.interface)
    }

    fn links(row: &mut HalfOpen) -> &mut Links {
        &mut row.links
    }
}

impl HalfOpens {
    /// Number of times that a SYN,ACK is sent: at first, and after 1, 3, 7, 15 and 31 seconds.
    // spec: tcp-syn-ack-retransmission, tcp-amplification
    const TRANSMISSIONS: usize = 6;

    pub(super) fn new(bound: usize) -> HalfOpens {
        HalfOpens { rows: Vec::new(), free: Vec::new(), bound, waiting: [List::EMPTY; Self::TRANSMISSIONS] }
    }

    /// Returns the number of half-open connections.
    pub(super) fn len(&self) -> usize {
        self.rows.len() - self.free.len()
    }

    /// Returns whether the maximum number of half-open connections exists.
    // spec: tcp-half-open-bound
    pub(super) fn is_full(&self) -> bool {
        self.len() >= self.bound
    }

    /// Returns the place of the next connection, or `None` if the maximum number exists.
    pub(super) fn vacant(&self) -> Option<Place> {
        match self.free.last() {
            Some(place) => Some(*place),
            None if self.is_full() => None,
            None => Place::try_from(self.rows.len()).ok(),
        }
    }

    /// Adds a connection at [`HalfOpens::vacant`]. Its SYN,ACK was sent now.
    pub(super) fn insert(&mut self, row: HalfOpen) {
        let Some(place) = self.vacant() else { return };
        match self.free.pop().and_then(|place| self.rows.get_mut(index(place))) {
            Some(vacant) => *vacant = row,
            None => self.rows.push(row),
        }
        self.wait(place);
    }

    /// Removes a connection. `due` are the due connections of its interface.
    pub(super) fn remove(&mut self, place: Place, due: &mut List) {
        self.unlink(place, due);
        if let Some(row) = self.rows.get_mut(index(place)) {
            row.stage = Stage::Vacant;
            self.free.push(place);
        }
    }

    pub(super) fn get(&self, place: Place) -> Option<&HalfOpen> {
        self.rows.get(index(place)).filter(|row| row.stage != Stage::Vacant)
    }

    /// Returns whether a segment without data, SYN or FIN may be answered: once in 500 milliseconds.
    // spec: tcp-ack-loop
    pub(super) fn may_reply(&mut self, now: Instant, place: Place) -> bool {
        self.rows.get_mut(index(place)).is_some_and(|row| super::waiting::may_reply(now, &mut row.replied_at))
    }

    /// Returns the first connection of a listener from a place on.
    pub(super) fn of_listener(&self, listener: Place, first: Place) -> Option<Place> {
        let mut rows = self.iter_from(first);
        rows.find_map(|(place, row)| (row.listener == listener).then_some(place))
    }

    /// Returns the connections from a place on, with their places.
    pub(super) fn iter_from(&self, first: Place) -> impl Iterator<Item = (Place, &HalfOpen)> {
        let rows = self.rows.get(index(first)..).unwrap_or_default().iter().zip(first..);
        rows.filter(|(row, _)| row.stage != Stage::Vacant).map(|(row, place)| (place, row))
    }

    /// Ends the use of ECN.
    pub(super) fn remove_ecn(&mut self, place: Place) {
        if let Some(row) = self.rows.get_mut(index(place)) {
            row.has_ecn = false;
        }
    }

    /// Updates the timestamp of the peer, unless it is older than the known one.
    pub(super) fn update_timestamp(&mut self, place: Place, timestamp: u32) {
        if let Some(row) = self.rows.get_mut(index(place))
            && SequenceNumber::new(row.timestamp).is_before(SequenceNumber::new(timestamp))
        {
            row.timestamp = timestamp;
        }
    }

    /// Records that the SYN,ACK was sent again. `due` are the due connections of the interface.
    pub(super) fn sent_again(&mut self, now: Instant, place: Place, due: &mut List) {
        self.unlink(place, due);
        if let Some(row) = self.rows.get_mut(index(place)) {
            row.sent_at = now;
            // A SYN,ACK that is repeated when its next hop is resolved counts for no further list.
            let last = u8::try_from(Self::TRANSMISSIONS - 1).unwrap_or(u8::MAX);
            row.retransmissions = row.retransmissions.saturating_add(1).min(last);
            self.wait(place);
        }
    }

    /// Returns a connection with an expired wait, and what is due for it. The caller removes the connection, or passes it
    /// to [`HalfOpens::make_due`].
    pub(super) fn expire(&self, now: Instant) -> Option<(Place, Expired)> {
        let last = Self::TRANSMISSIONS - 1;
        let place = (0..Self::TRANSMISSIONS).find_map(|count| {
            let place = self.waiting.get(count)?.first()?;
            (self.ends_at(place)? <= now).then_some(place)
        })?;
        let row = self.rows.get(index(place))?;
        let expired = if usize::from(row.retransmissions) >= last {
            Expired::Ended
        } else {
            Expired::Due(row.interface())
        };
        Some((place, expired))
    }

    /// Moves a connection from the waiting connections to the due connections of its interface.
    pub(super) fn make_due(&mut self, place: Place, due: &mut List) {
        self.unlink(place, due);
        if let Some(row) = self.rows.get_mut(index(place)) {
            row.stage = Stage::Due;
            due.append(&mut self.rows, HalfOpen::links, place);
        }
    }

    /// Returns the time of the next [`HalfOpens::expire`].
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waiting.iter().filter_map(|list| self.ends_at(list.first()?)).min()
    }

    /// Returns the end of the wait of a connection.
    fn ends_at(&self, place: Place) -> Option<Instant> {
        let row = self.rows.get(index(place))?;
        // RFC 6298 2.1: the first timeout is one second. RFC 6298 5.5: each further timeout is twice as long.
        Some(row.sent_at + Duration::from_secs(1 << row.retransmissions.min(31)))
    }

    fn wait(&mut self, place: Place) {
        let Some(row) = self.rows.get_mut(index(place)) else { return };
        row.stage = Stage::Waiting;
        if let Some(list) = self.waiting.get_mut(usize::from(row.retransmissions)) {
            list.append(&mut self.rows, HalfOpen::links, place);
        }
    }

    fn unlink(&mut self, place: Place, due: &mut List) {
        let Some(row) = self.rows.get(index(place)) else { return };
        match row.stage {
            Stage::Vacant => {}
            Stage::Due => due.unlink(&mut self.rows, HalfOpen::links, place),
            Stage::Waiting => {
                if let Some(list) = self.waiting.get_mut(usize::from(row.retransmissions)) {
                    list.unlink(&mut self.rows, HalfOpen::links, place);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
