//! Records of the sent segments that are not acknowledged (RFC 6675 3, the scoreboard).

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use base::{List, Place, Slab};
use tap::Instant;

use crate::{SackBlock, SentMark, SequenceNumber};

/// Records of the sent segments that are not acknowledged, in the order of their sequence numbers.
///
/// Each record is in one group: in the network, lost, or selectively acknowledged. Neighbors that are selectively
/// acknowledged become one record. If there are many records, segments that are sent together share a record. The time of
/// an operation is logarithmic in the number of records, plus the number of records that change their group.
pub(crate) struct Scoreboard {
    records: Slab<Sent>,
    /// The records in the order of their sequence numbers. The ranges have no gap between them.
    order: VecDeque<Place>,
    /// Records in the network, in the order of their last transmission.
    in_flight: Group,
    /// Records that are lost and wait for their retransmission, in the order of their last transmission.
    lost: Group,
    /// Records that are selectively acknowledged.
    sacked: Group,
    /// Number of records in the network that were sent more than once.
    retransmitted: u32,
    /// Length of a full segment when the last segment was sent, in bytes. At least 1.
    segment_size: u32,
    #[cfg(test)]
    visits: u64,
}

/// A record of a sent segment, or of several segments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) start: SequenceNumber,
    /// Sequence number after the segment.
    pub(crate) end: SequenceNumber,
    /// Mark of the last transmission.
    pub(crate) mark: SentMark,
    first_sent_at: Instant,
    segments: u32,
    state: SentState,
    /// Whether a part of the segment was sent more than once.
    pub(crate) is_retransmitted: bool,
}

/// Group of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SentState {
    InFlight,
    Lost,
    Sacked,
}

/// The records with one state.
#[derive(Clone, Copy, Debug)]
struct Group {
    list: List,
    bytes: u32,
    segments: u32,
}

/// Longest turn. All segments of a turn have the same time, so that a shorter time has no meaning.
pub(crate) const LONGEST_TURN: Duration = Duration::from_micros(250);

/// What happens to a record in the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The record is lost.
    Lost,
    /// The record stays in the network.
    Wait,
    /// This record and the records that were sent later stay in the network.
    WaitForAll,
}

impl Sent {
    fn length(&self) -> u32 {
        self.end.distance_from(self.start)
    }
}

impl Group {
    const EMPTY: Group = Group { list: List::EMPTY, bytes: 0, segments: 0 };

    fn add(&mut self, sent: &Sent) {
        self.bytes = self.bytes.saturating_add(sent.length());
        self.segments = self.segments.saturating_add(sent.segments);
    }

    fn subtract(&mut self, sent: &Sent) {
        self.bytes = self.bytes.saturating_sub(sent.length());
        self.segments = self.segments.saturating_sub(sent.segments);
    }
}

impl Scoreboard {
    /// Maximum number of records.
    const MAXIMUM_RECORDS: usize = 16_384;

    /// Number of records from which segments that are sent together share a record.
    const MANY_RECORDS: usize = Self::MAXIMUM_RECORDS / 4;

    /// Maximum number of full segments in a shared record.
    const SHARED_SEGMENTS: u32 = 16;

    /// Creates a scoreboard without records.
    pub(crate) fn new() -> Scoreboard {
        Scoreboard {
            records: Slab::new(Self::MAXIMUM_RECORDS),
            order: VecDeque::new(),
            in_flight: Group::EMPTY,
            lost: Group::EMPTY,
            sacked: Group::EMPTY,
            retransmitted: 0,
            segment_size: 1,
            #[cfg(test)]
            visits: 0,
        }
    }

    /// Returns whether no more segments can be recorded.
    // spec: tcp-records-bound
    pub(crate) fn is_full(&self) -> bool {
        self.order.len() >= Self::MAXIMUM_RECORDS
    }

    /// Records the first transmission of `range` in a number of segments, which follows the last record. `is_probe` if the
    /// time of its acknowledgment is no sample of the RTT. The caller sends nothing while the scoreboard is full.
    ///
    /// Segments that a device cuts from one frame share a record. Acknowledgments and losses of a part divide the record.
    // spec: rfc8985-transmit, tcp-superframe-records
    pub(crate) fn sent(
        &mut self,
        range: &Range<SequenceNumber>,
        mark: SentMark,
        segment_size: u32,
        segments: u32,
        is_probe: bool,
    ) {
        self.segment_size = segment_size;
        if self.extend_last(range, mark, segments, is_probe) {
            return;
        }
        let sent = Sent {
            start: range.start,
            end: range.end,
            mark,
            first_sent_at: mark.sent_at(),
            segments,
            state: SentState::InFlight,
            is_retransmitted: is_probe,
        };
        let Ok(place) = self.records.push(&mut self.in_flight.list, sent) else { return };
        self.in_flight.add(&sent);
        self.retransmitted += u32::from(is_probe);
        self.order.push_back(place);
        self.check();
    }

    /// Adds `range` to the last record, if there are many records.
    // spec: tcp-records-bound
    fn extend_last(
        &mut self,
        range: &Range<SequenceNumber>,
        mark: SentMark,
        segments: u32,
        is_probe: bool,
    ) -> bool {
        let length = range.end.distance_from(range.start);
        let Some(place) = self.order.back().copied().filter(|_| !is_probe) else { return false };
        let Some(last) = self.records.get(place) else { return false };
        let longest = self.longest_record(place, last.first_sent_at, mark);
        let Some(last) = self.records.get_mut(place).filter(|last| {
            last.state == SentState::InFlight
                && !last.is_retransmitted
                && last.length().saturating_add(length) <= longest
        }) else {
            return false;
        };
        self.in_flight.subtract(last);
        (last.end, last.mark, last.segments) = (range.end, mark, last.segments.saturating_add(segments));
        self.in_flight.add(last);
        self.records.move_to_end(&mut self.in_flight.list, place);
        self.check();
        true
    }

    /// Returns the largest length in bytes of the last record with another segment. `first_sent_at` is the time of the first
    /// segment of the record, and `mark` is the mark of the other segment.
    fn longest_record(&self, place: Place, first_sent_at: Instant, mark: SentMark) -> u32 {
        // No other segment was sent between the segments of a shared record, so that one mark keeps their order in time. The
        // bound on the number of records then does not bound the flight.
        let is_together = mark.sent_at() <= first_sent_at + LONGEST_TURN;
        if is_together && self.order.len() >= Self::MANY_RECORDS && self.in_flight.list.is_last(place) {
            return self.segment_size.saturating_mul(Self::SHARED_SEGMENTS);
        }
        // The number of records depends on the bytes in flight, so that tiny segments take no more memory than full segments.
        if self.order.len() >= self.limit() { self.segment_size } else { 0 }
    }

    /// Records another transmission of `range`. Returns whether a part of it was sent more than once before.
    // spec: rfc8985-transmit
    pub(crate) fn sent_again(&mut self, range: &Range<SequenceNumber>, mark: SentMark) -> bool {
        let mut is_repeated = false;
        let mut position = self.position(range.start);
        while let Some((place, sent)) = self.record(position)
            && sent.start.is_before(range.end)
        {
            position += 1;
            if sent.state == SentState::Sacked {
                continue;
            }
            if sent.start.is_before(range.start)
                && self.split(position - 1, range.start, Self::MAXIMUM_RECORDS)
            {
                continue;
            }
            if range.end.is_before(sent.end) {
                self.split(position - 1, range.end, Self::MAXIMUM_RECORDS);
            }
            is_repeated |= sent.is_retransmitted;
            // A record that is still in the network moves to the end of its group, too.
            self.set_state(place, SentState::Lost);
            if let Some(sent) = self.records.get_mut(place) {
                (sent.mark, sent.is_retransmitted) = (mark, true);
            }
            self.set_state(place, SentState::InFlight);
        }
        self.check();
        is_repeated
    }

    /// Records that a part of the first segment was sent again, as a probe of the window.
    pub(crate) fn probed(&mut self) {
        self.separate_first();
        if let Some(place) = self.order.front().copied()
            && let Some(first) = self.records.get_mut(place)
            && !std::mem::replace(&mut first.is_retransmitted, true)
            && first.state == SentState::InFlight
        {
            self.retransmitted += 1;
        }
    }

    /// Removes the sequence numbers before `acknowledgment`. Calls `deliver` for each record that was not delivered before,
    /// also for a part of a record with at least one full segment. Returns the number of bytes that were not delivered
    /// before.
    pub(crate) fn acknowledge(
        &mut self,
        acknowledgment: SequenceNumber,
        mut deliver: impl FnMut(&Sent),
    ) -> u32 {
        let mut bytes = 0_u32;
        while let Some((place, sent)) = self.record(0)
            && sent.start.is_before(acknowledgment)
        {
            let is_new = sent.state != SentState::Sacked;
            if acknowledgment.is_before(sent.end) {
                let (part, rest) = self.divide(&sent, acknowledgment);
                let group = self.group_mut(sent.state);
                group.subtract(&sent);
                group.add(&rest);
                if let Some(sent) = self.records.get_mut(place) {
                    *sent = rest;
                }
                if is_new {
                    bytes = bytes.saturating_add(part.length());
                }
                // spec: tcp-superframe-records
                if is_new && sent.segments > 1 && part.length() >= self.segment_size {
                    deliver(&part);
                }
                break;
            }
            self.order.pop_front();
            self.remove(place);
            if is_new {
                bytes = bytes.saturating_add(sent.length());
                deliver(&sent);
            }
        }
        self.check();
        bytes
    }

    /// Records that the peer has received `block`, which is within the recorded sequence numbers. Calls `deliver` for each
    /// record that was not delivered before. Returns the number of bytes that were not delivered before, and whether the
    /// whole block was recorded: otherwise, the number of records would exceed its bound.
    // spec: rfc2018-scoreboard, tcp-sack-cost, tcp-records-bound
    pub(crate) fn sack(&mut self, block: SackBlock, mut deliver: impl FnMut(&Sent)) -> (u32, bool) {
        let (mut bytes, mut is_complete) = (0_u32, true);
        let mut position = self.position(block.start);
        if let Some((_, sent)) = self.record(position)
            && sent.state != SentState::Sacked
            && sent.start.is_before(block.start)
        {
            is_complete = self.split(position, block.start, self.limit());
            position += 1;
        }
        let first = position;
        while let Some((place, sent)) = self.record(position)
            && sent.start.is_before(block.end)
        {
            if sent.state != SentState::Sacked {
                if block.end.is_before(sent.end) && !self.split(position, block.end, self.limit()) {
                    is_complete = false;
                    break;
                }
                self.set_state(place, SentState::Sacked);
                if let Some(sent) = self.records.get(place) {
                    bytes = bytes.saturating_add(sent.length());
                    deliver(sent);
                }
            }
            position += 1;
        }
        self.merge_sacked(first, position);
        self.check();
        (bytes, is_complete)
    }

    /// Makes one record of the selectively acknowledged records from `first` to before `end` and their selectively
    /// acknowledged neighbors. No later acknowledgment visits them one by one.
    fn merge_sacked(&mut self, first: usize, end: usize) {
        let mut is_sacked =
            |position: usize| self.record(position).is_some_and(|(_, sent)| sent.state == SentState::Sacked);
        if first == end {
            return;
        }
        let first = if first > 0 && is_sacked(first - 1) { first - 1 } else { first };
        let end = if is_sacked(end) { end + 1 } else { end };
        let Some((place, mut merged)) = self.record(first) else { return };
        self.sacked.subtract(&merged);
        for place in self.order.drain(first + 1..end) {
            if let Some(sent) = self.records.remove(&mut self.sacked.list, place) {
                self.sacked.subtract(&sent);
                (merged.end, merged.segments) = (sent.end, merged.segments.saturating_add(sent.segments));
                merged.is_retransmitted |= sent.is_retransmitted;
            }
        }
        self.sacked.add(&merged);
        if let Some(sent) = self.records.get_mut(place) {
            *sent = merged;
        }
    }

    /// Asks `verdict` about the records in the network, from the one that was sent first. Returns the number of lost bytes.
    pub(crate) fn lose(&mut self, mut verdict: impl FnMut(&Sent) -> Verdict) -> u32 {
        let before = self.lost.bytes;
        let mut next = self.in_flight.list.first();
        while let Some(place) = next {
            self.count_visit();
            let Some(sent) = self.records.get(place) else { break };
            next = self.records.next(place);
            match verdict(sent) {
                Verdict::Lost => self.set_state(place, SentState::Lost),
                Verdict::Wait => {}
                Verdict::WaitForAll => break,
            }
        }
        self.check();
        self.lost.bytes - before
    }

    /// Marks the first segment as lost, unless the peer has acknowledged it selectively.
    pub(crate) fn lose_first(&mut self) {
        if let Some((place, sent)) = self.record(0)
            && sent.state == SentState::InFlight
        {
            self.separate_first();
            self.set_state(place, SentState::Lost);
        }
    }

    /// Divides the first record after its first segment, if the record has several segments.
    // spec: tcp-superframe-records
    fn separate_first(&mut self) {
        if let Some((_, sent)) = self.record(0)
            && sent.state != SentState::Sacked
            && sent.segments > 1
            && sent.length() > self.segment_size
        {
            self.split(0, sent.start.plus(self.segment_size), Self::MAXIMUM_RECORDS);
        }
    }

    /// Returns whether the peer has selectively acknowledged the first record, but does not acknowledge it.
    pub(crate) fn is_first_sacked(&mut self) -> bool {
        self.record(0).is_some_and(|(_, sent)| sent.state == SentState::Sacked)
    }

    /// Marks all selectively acknowledged records as lost, because the peer has discarded the data.
    pub(crate) fn forget_sacked(&mut self) {
        while let Some(place) = self.sacked.list.first() {
            self.set_state(place, SentState::Lost);
        }
        self.check();
    }

    /// Marks the lost records as in the network again, because they were not lost.
    pub(crate) fn restore(&mut self) {
        let mut next = self.lost.list.first();
        while let Some(place) = next {
            next = self.records.next(place);
            if let Some(sent) = self.records.get_mut(place) {
                sent.state = SentState::InFlight;
                self.retransmitted += u32::from(sent.is_retransmitted);
            }
        }
        // Each lost record was sent before the records in the network.
        self.records.append(&mut self.lost.list, &mut self.in_flight.list);
        let lost = std::mem::replace(&mut self.lost, Group::EMPTY);
        self.in_flight.list = lost.list;
        self.in_flight.bytes = self.in_flight.bytes.saturating_add(lost.bytes);
        self.in_flight.segments = self.in_flight.segments.saturating_add(lost.segments);
        self.check();
    }

    /// Returns up to `limit` lost sequence numbers to send again: from SND.UNA on if the first record is lost, because
    /// the record delays all data behind it, and otherwise from the lost record on that was sent first. Neighboring
    /// lost records are sent as one segment.
    pub(crate) fn next_lost(&self, limit: u32) -> Option<Range<SequenceNumber>> {
        let first = self.order.front().and_then(|place| self.records.get(*place))?;
        let first = match first.state {
            SentState::Lost => first,
            _ => self.records.get(self.lost.list.first()?)?,
        };
        let (start, mut end) = (first.start, first.end);
        for place in self.order.range(self.position(start)..).skip(1) {
            let next = self.records.get(*place).filter(|sent| sent.state == SentState::Lost);
            let Some(next) = next.filter(|_| end.distance_from(start) < limit) else { break };
            end = next.end;
        }
        let length = end.distance_from(start).min(limit);
        Some(start..start.plus(length))
    }

    /// Returns the last record.
    pub(crate) fn last(&self) -> Option<&Sent> {
        self.records.get(*self.order.back()?)
    }

    /// Returns the length of the data of the last segment, in bytes. `fin` is the number of FIN flags in the last record.
    // spec: tcp-superframe-records
    pub(crate) fn last_segment(&self, fin: u32) -> u32 {
        let data = self.last().map_or(0, |last| last.length().saturating_sub(fin));
        // All segments of a record but the last are full.
        if data == 0 { 0 } else { (data - 1) % self.segment_size + 1 }
    }

    /// Returns the time when the first record was sent for the first time.
    pub(crate) fn first_sent(&self) -> Option<Instant> {
        self.order.front().and_then(|place| self.records.get(*place)).map(|sent| sent.first_sent_at)
    }

    /// Returns the number of bytes in the network.
    pub(crate) fn pipe(&self) -> u32 {
        self.in_flight.bytes
    }

    /// Returns the number of bytes that wait for their retransmission.
    pub(crate) fn lost_bytes(&self) -> u32 {
        self.lost.bytes
    }

    /// Returns the number of segments that wait for their retransmission.
    pub(crate) fn lost_segments(&self) -> u32 {
        self.lost.segments
    }

    /// Returns the number of bytes that are selectively acknowledged.
    pub(crate) fn sacked_bytes(&self) -> u32 {
        self.sacked.bytes
    }

    /// Returns the number of segments that are selectively acknowledged.
    pub(crate) fn sacked_segments(&self) -> u32 {
        self.sacked.segments
    }

    /// Returns the number of records in the network that were sent more than once.
    pub(crate) fn retransmitted(&self) -> u32 {
        self.retransmitted
    }

    /// Frees the memory of the records if no segment is outstanding.
    pub(crate) fn release(&mut self) {
        if self.order.is_empty() {
            *self = Scoreboard::new();
        }
    }

    /// Returns the number of records that the memory has capacity for.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.order.capacity()
    }

    /// Returns the largest number of records that SACK blocks may cause: two in each full segment, and some more.
    // spec: tcp-records-bound
    fn limit(&self) -> usize {
        let outstanding =
            self.in_flight.bytes.saturating_add(self.lost.bytes).saturating_add(self.sacked.bytes);
        let segments = usize::try_from(outstanding / self.segment_size.max(1)).unwrap_or(usize::MAX);
        segments.saturating_mul(2).saturating_add(16).min(Self::MAXIMUM_RECORDS)
    }

    /// Divides a record that is not selectively acknowledged. Returns whether `limit` permits another record.
    fn split(&mut self, position: usize, at: SequenceNumber, limit: usize) -> bool {
        if self.order.len() >= limit {
            return false;
        }
        let Some((place, sent)) = self.record(position) else { return false };
        let (first, second) = self.divide(&sent, at);
        let mut list = self.group_mut(sent.state).list;
        let Ok(new) = self.records.insert_after(&mut list, place, second) else { return false };
        let group = self.group_mut(sent.state);
        group.list = list;
        group.subtract(&sent);
        group.add(&first);
        group.add(&second);
        if let Some(sent) = self.records.get_mut(place) {
            *sent = first;
        }
        if sent.state == SentState::InFlight {
            self.retransmitted += u32::from(sent.is_retransmitted);
        }
        self.order.insert(position + 1, new);
        true
    }

    /// Returns both parts of a record that is divided at a sequence number. Each part has at least one segment.
    fn divide(&self, sent: &Sent, at: SequenceNumber) -> (Sent, Sent) {
        let full = sent.end.distance_from(at).div_ceil(self.segment_size.max(1));
        let segments = full.min(sent.segments.saturating_sub(1)).max(1);
        let first = Sent { end: at, segments: sent.segments.saturating_sub(segments).max(1), ..*sent };
        (first, Sent { start: at, segments, ..*sent })
    }

    /// Returns the position of the record that contains `sequence`, or the number of records.
    fn position(&self, sequence: SequenceNumber) -> usize {
        let start = self.order.front().and_then(|place| self.records.get(*place)).map(|sent| sent.start);
        let distance = sequence.distance_from(start.unwrap_or_default());
        self.order.partition_point(|place| {
            self.records
                .get(*place)
                .is_some_and(|sent| sent.end.distance_from(start.unwrap_or_default()) <= distance)
        })
    }

    /// Returns the record at a position of the order.
    fn record(&mut self, position: usize) -> Option<(Place, Sent)> {
        self.count_visit();
        let place = self.order.get(position).copied()?;
        self.records.get(place).map(|sent| (place, *sent))
    }

    /// Moves a record to the end of another group.
    fn set_state(&mut self, place: Place, state: SentState) {
        let Some(sent) = self.records.get_mut(place) else { return };
        let from = std::mem::replace(&mut sent.state, state);
        let sent = *sent;
        if from == state {
            return;
        }
        let (mut old, mut new) = (*self.group_mut(from), *self.group_mut(state));
        old.subtract(&sent);
        new.add(&sent);
        self.records.move_to(&mut old.list, &mut new.list, place);
        (*self.group_mut(from), *self.group_mut(state)) = (old, new);
        if from == SentState::InFlight {
            self.retransmitted -= u32::from(sent.is_retransmitted);
        }
        if state == SentState::InFlight {
            self.retransmitted += u32::from(sent.is_retransmitted);
        }
    }

    /// Removes a record that is no longer in the order.
    fn remove(&mut self, place: Place) {
        let Some(sent) = self.records.get(place).copied() else { return };
        let mut group = *self.group_mut(sent.state);
        group.subtract(&sent);
        self.records.remove(&mut group.list, place);
        *self.group_mut(sent.state) = group;
        if sent.state == SentState::InFlight {
            self.retransmitted -= u32::from(sent.is_retransmitted);
        }
    }

    fn group_mut(&mut self, state: SentState) -> &mut Group {
        match state {
            SentState::InFlight => &mut self.in_flight,
            SentState::Lost => &mut self.lost,
            SentState::Sacked => &mut self.sacked,
        }
    }

    /// Returns the number of accesses to records.
    #[cfg(test)]
    pub(crate) fn visits(&self) -> u64 {
        self.visits
    }

    /// Counts the access to a record, for the tests of the cost of an acknowledgment.
    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "only tests count"))]
    fn count_visit(&mut self) {
        #[cfg(test)]
        {
            self.visits += 1;
        }
    }

    /// Compares the sums with the records, in a debug build with few records.
    fn check(&self) {
        debug_assert!(
            self.order.len() > 32 || self.is_consistent(),
            "the sums differ from the records: {self:?}"
        );
    }

    /// Returns whether groups and sums agree with the records.
    fn is_consistent(&self) -> bool {
        let (mut groups, mut retransmitted, mut next) = ([Group::EMPTY; 3], 0, None);
        for place in &self.order {
            let Some(sent) = self.records.get(*place) else { return false };
            if next.is_some_and(|next| next != sent.start) || sent.length() == 0 {
                return false;
            }
            next = Some(sent.end);
            let [in_flight, lost, sacked] = &mut groups;
            match sent.state {
                SentState::InFlight => {
                    in_flight.add(sent);
                    retransmitted += u32::from(sent.is_retransmitted);
                }
                SentState::Lost => lost.add(sent),
                SentState::Sacked => sacked.add(sent),
            }
        }
        let sums = [self.in_flight, self.lost, self.sacked].map(|group| (group.bytes, group.segments));
        self.records.len() == self.order.len()
            && retransmitted == self.retransmitted
            && groups.map(|group| (group.bytes, group.segments)) == sums
    }
}

impl fmt::Debug for Scoreboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scoreboard { in_flight, lost, sacked, .. } = self;
        write!(
            f,
            "Scoreboard({} records, {} bytes in flight, {} lost, {} selectively acknowledged)",
            self.order.len(),
            in_flight.bytes,
            lost.bytes,
            sacked.bytes
        )
    }
}

#[cfg(test)]
mod tests;
