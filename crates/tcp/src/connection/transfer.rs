//! Data in flight: congestion control, loss detection, and the records of sent segments.

use std::collections::VecDeque;

use tap::Instant;

use super::Connection;
use crate::{
    Algorithm, DeliveryRate, FastRecovery, Round, SentMark, SequenceNumber, WindowControl as _, WindowUse,
    initial_window,
};

/// State of a connection that has sent data.
#[derive(Debug)]
pub(super) struct Transfer {
    pub(super) congestion: Algorithm,
    pub(super) recovery: FastRecovery,
    pub(super) delivery: DeliveryRate,
    pub(super) window_use: WindowUse,
    /// The first sequence number that was not sent at the last reduction of the congestion window, until data behind it is
    /// acknowledged. Only with ECN.
    pub(super) reduced_until: Option<SequenceNumber>,
    /// Time at which the paced rate permits the next data, without a burst.
    pub(super) paced_until: Instant,
    /// Data that was sent for the first time, in bytes.
    pub(super) bytes_sent: u64,
    /// Data that the peer has acknowledged, in bytes.
    pub(super) bytes_acknowledged: u64,
    /// Data that was sent again, in bytes.
    pub(super) bytes_retransmitted: u64,
    /// Number of retransmitted segments.
    pub(super) retransmissions: u32,
    records: VecDeque<Record>,
}

/// A sent segment that is not acknowledged yet.
#[derive(Clone, Copy, Debug)]
struct Record {
    /// Sequence number after the segment.
    end: SequenceNumber,
    mark: SentMark,
    /// Whether a part of the segment was sent again.
    is_retransmitted: bool,
}

/// What an acknowledgment says about the acknowledged segments.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Acknowledged {
    /// Time when the first of the segments was sent. `None` if one of the segments was sent again.
    pub(super) first_sent: Option<Instant>,
    /// The mark of the last of the segments.
    pub(super) last_mark: Option<SentMark>,
    /// Whether one of the segments was sent again.
    pub(super) is_retransmitted: bool,
}

impl Transfer {
    /// Maximum number of records. Further segments extend the last record.
    const MAXIMUM_RECORDS: usize = 4_096;

    /// Records that `length` sequence numbers up to `end` are sent for the first time.
    pub(super) fn record(
        &mut self,
        now: Instant,
        end: SequenceNumber,
        in_flight: u32,
        is_probe: bool,
        limit: usize,
    ) {
        let mark = self.delivery.sent(now, in_flight);
        // The bound holds for any segment size, so that tiny segments take no more memory than full segments.
        if self.records.len() >= limit.min(Self::MAXIMUM_RECORDS)
            && let Some(last) = self.records.back_mut()
        {
            last.end = end;
            return;
        }
        self.records.push_back(Record { end, mark, is_retransmitted: is_probe });
    }

    /// Records that the sequence numbers from `start` to `end` are sent again.
    pub(super) fn record_again(&mut self, start: SequenceNumber, end: SequenceNumber) {
        for record in &mut self.records {
            if start.is_before(record.end) {
                record.is_retransmitted = true;
            }
            if end.is_at_or_before(record.end) {
                return;
            }
        }
    }

    /// Removes the records of the segments before `acknowledgment`.
    pub(super) fn remove_records(&mut self, acknowledgment: SequenceNumber) -> Acknowledged {
        let mut acknowledged = Acknowledged::default();
        while let Some(record) = self.records.front().copied()
            && record.end.is_at_or_before(acknowledgment)
        {
            acknowledged.first_sent = acknowledged.first_sent.or(Some(record.mark.sent_at()));
            acknowledged.last_mark = Some(record.mark);
            acknowledged.is_retransmitted |= record.is_retransmitted;
            self.records.pop_front();
        }
        acknowledged
    }

    /// Frees the memory of the records if no segment is outstanding.
    pub(super) fn release(&mut self) {
        if self.records.is_empty() {
            self.records = VecDeque::new();
        }
    }

    /// Returns the number of records that the memory has capacity for.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.records.capacity()
    }

    /// Returns the time when the first unacknowledged segment was sent.
    pub(super) fn first_sent(&self) -> Option<Instant> {
        self.records.front().map(|record| record.mark.sent_at())
    }
}

impl Connection {
    /// Returns the state of the data in flight, which begins with the first data.
    pub(super) fn transfer_mut(&mut self, now: Instant) -> &mut Transfer {
        let segment_size = self.segment_size();
        let (lost_syns, kind) = (self.send.lost_syns, self.policy.congestion);
        let initial = self.send.initial;
        self.transfer.get_or_insert_with(|| {
            Box::new(Transfer {
                congestion: Algorithm::new(kind, initial_window(segment_size, lost_syns.into())),
                recovery: FastRecovery::new(initial),
                delivery: DeliveryRate::new(now),
                window_use: WindowUse::default(),
                reduced_until: None,
                paced_until: now,
                bytes_sent: 0,
                bytes_acknowledged: 0,
                bytes_retransmitted: 0,
                retransmissions: 0,
                records: VecDeque::new(),
            })
        })
    }

    /// Returns the number of bytes that may be in flight.
    pub(super) fn congestion_window(&self) -> u32 {
        let segment_size = self.segment_size();
        self.transfer.as_ref().map_or_else(
            || initial_window(segment_size, self.send.lost_syns.into()),
            |transfer| transfer.recovery.window(transfer.congestion.window(), segment_size),
        )
    }

    /// Returns the state for an event of congestion control.
    pub(super) fn round(&self, now: Instant) -> Round {
        let transfer = self.transfer.as_ref();
        let (maximum_in_flight, is_window_limited) = transfer.map_or((0, false), |transfer| {
            (transfer.window_use.maximum_in_flight(), transfer.window_use.is_window_limited())
        });
        Round {
            now,
            rtt: self.rtt.smoothed(),
            minimum_rtt: self.rtt.minimum(),
            delivered: transfer.map_or(0, |transfer| transfer.delivery.total()),
            segment_size: self.segment_size(),
            in_flight: self.send.outstanding(),
            maximum_in_flight,
            is_window_limited,
            is_echoed: self.ecn.is_echoed,
        }
    }
}
