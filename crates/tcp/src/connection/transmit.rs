//! Segments to send: what is sent next, and its header (RFC 9293 3.8.6.2.1, 3.7.4; RFC 5681; RFC 6298 5).

use std::ops::Range;

use tap::{Frame, Instant, Offload, Offloads, Segmentation, SegmentationKind};

use super::ecn::ECT_0;
use super::timers::NEVER;
use super::transfer::Transfer;
use super::{Connection, HEADERS, Owed, length};
use crate::{CongestionControl, Flags, Options, SegmentFields, SequenceNumber, State, WindowControl as _};

/// The next segment that occupies sequence numbers, or the next probe, or the segments of the next superframe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    kind: Kind,
    sequence: SequenceNumber,
    /// Length of the data, in bytes.
    length: u32,
    has_fin: bool,
    /// Length of the data of each segment but the last, in bytes. `None` for a single segment.
    segment_size: Option<u16>,
}

/// Kind of a segment to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The SYN or the SYN,ACK.
    Syn,
    /// Data or a FIN that is sent for the first time.
    New,
    /// Data or a FIN that is sent again.
    Again,
    /// A probe of the window, or of an idle peer.
    Probe,
    /// A probe for the loss of the last segments: data or a FIN that is sent for the first time or again.
    TailProbe,
}

impl Plan {
    /// Length of the longest segment that a device cuts into segments, in bytes: the longest IP datagram, without 256 bytes
    /// for other headers, and without an IP header.
    const LONGEST: usize = 65_535 - 256 - 20;

    /// Maximum length of a header with its options, in bytes.
    const LONGEST_HEADER: usize = 60;

    /// Creates the plan of a single segment.
    fn new(kind: Kind, sequence: SequenceNumber, length: u32, has_fin: bool) -> Plan {
        Plan { kind, sequence, length, has_fin, segment_size: None }
    }

    /// Returns whether a device cuts the frame into several segments.
    pub(crate) fn is_superframe(&self) -> bool {
        self.segment_size.is_some()
    }

    /// Returns the number of segments.
    fn segments(&self) -> u32 {
        self.segment_size.map_or(1, |size| self.length.div_ceil(u32::from(size).max(1)))
    }
}

impl Connection {
    /// Writes the next segment to an empty frame: header, options and data. Returns the type of service of its datagram, or
    /// `None` if no segment was due.
    ///
    /// With `offloads`, the device completes the checksum, and cuts a frame with several segments of new data: a superframe.
    /// The number of segments depends on the capacity of the frame.
    pub fn transmit(&mut self, now: Instant, offloads: Offloads, frame: &mut Frame) -> Option<u8> {
        let plan = self.plan_for(now, offloads, frame.capacity().saturating_sub(Frame::HEADROOM));
        self.transmit_plan(now, plan, offloads, frame)
    }

    /// Writes planned segments, or the acknowledgment that is due, to an empty frame: see [`Connection::transmit`].
    pub(crate) fn transmit_plan(
        &mut self,
        now: Instant,
        plan: Option<Plan>,
        offloads: Offloads,
        frame: &mut Frame,
    ) -> Option<u8> {
        let type_of_service = self.service().type_of_service;
        if let Some(plan) = plan {
            let is_new_data = self.is_new_data(&plan);
            let is_written = self.send_planned(now, &plan, offloads, frame);
            self.arm(now);
            // RFC 3168 6.1.2: "For a TCP connection using ECN, new data packets are transmitted with an ECT codepoint set in the
            // IP header. When only one ECT codepoint is needed by a sender for all packets sent on a TCP connection, ECT(0)
            // SHOULD be used."
            // spec: rfc3168-data, rfc3168-not-ect
            let has_ect = self.negotiated.has_ecn && is_new_data;
            let field = if has_ect { ECT_0 } else { 0 };
            return is_written.then_some(type_of_service | field);
        }
        if self.acknowledging.owed != Owed::Now {
            return None;
        }
        let fields = self.acknowledgment(now, None);
        write(frame, &fields, offloads, 0, |_| {}).then_some(type_of_service)
    }

    /// Returns what is due, apart from acknowledgments without data: several segments of new data if the device cuts them
    /// and a frame of `capacity` bytes has space for them.
    pub(crate) fn plan_for(&self, now: Instant, offloads: Offloads, capacity: usize) -> Option<Plan> {
        // A device completes the checksums of the segments that it cuts.
        let are_cut = offloads.tcp_v4 && offloads.checksum;
        self.plan().map(|plan| if are_cut { self.extended(now, plan, capacity) } else { plan })
    }

    /// Returns the next segments of new data, of which `plan` is the first. A frame has `capacity` bytes for them.
    ///
    /// Each segment is one that the connection would send now by itself. All segments but the last are full.
    // spec: tcp-superframe
    fn extended(&self, now: Instant, plan: Plan, capacity: usize) -> Plan {
        let size = plan.length;
        let unsent = self.unsent();
        let is_single = plan.kind != Kind::New
            || plan.has_fin
            || unsent <= size
            || size < self.segment_limit()
            // Only the first segment has the flag CWR, and only one place of the data has an urgent pointer.
            || self.ecn_of_data() != Flags::NONE
            || self.send.urgent.is_some()
            // The first segment reduces the congestion window.
            || self.is_restart(now);
        let Ok(segment_size) = u16::try_from(size) else { return plan };
        if is_single {
            return plan;
        }
        let record = self.record_length(plan.sequence);
        let capacity = capacity.min(Plan::LONGEST).saturating_sub(Plan::LONGEST_HEADER);
        let permitted = self.permitted_by_congestion().unwrap_or(0).min(self.paced_burst(now));
        let permitted = permitted.min(length(capacity));
        let available = unsent.min(record);
        let possible = available.min(self.usable_window(plan.sequence)).min(permitted);
        let full = (possible / size).max(1) * size;
        let mut plan = Plan { length: full, segment_size: Some(segment_size), ..plan };
        // The last segment: the rest of all data or of the record, and the FIN.
        let rest = available.saturating_sub(full);
        if full < record
            && rest < size
            && (rest > 0 || self.send.is_shut_down())
            && let Some(last) = self.plan_new(plan.sequence.plus(full))
            && last.length < size
            && full + last.length <= permitted
        {
            (plan.length, plan.has_fin) = (full + last.length, last.has_fin);
        }
        Plan { segment_size: plan.segment_size.filter(|_| plan.length > size), ..plan }
    }

    /// Returns whether a planned segment has data that was not sent before. The data of a window probe does not count.
    fn is_new_data(&self, plan: &Plan) -> bool {
        matches!(plan.kind, Kind::New | Kind::TailProbe) && plan.length > 0 && plan.sequence == self.send.next
    }

    /// Returns the next segment that is due, apart from acknowledgments without data.
    pub(super) fn plan(&self) -> Option<Plan> {
        match self.state {
            State::Closed | State::TimeWait => None,
            State::SynSent | State::SynReceived => {
                let sequence = self.send.initial;
                self.send.is_syn_due.then_some(Plan::new(Kind::Syn, sequence, 0, false))
            }
            _ if self.send.is_probe_due => Some(self.plan_probe()),
            // The window is probed.
            _ if !self.can_send() || self.send.window == 0 || self.is_held() => None,
            _ => self.plan_data(),
        }
    }

    /// Returns the segment of data or FIN that is due: lost data, a probe for a tail loss, or new data.
    fn plan_data(&self) -> Option<Plan> {
        if let Some(transfer) = self.transfer.as_deref() {
            if let Some(lost) = transfer.scoreboard.next_lost(self.segment_limit() + 1) {
                // RFC 8985 9.3: "A segment marked as lost by RACK-TLP MUST NOT be retransmitted until congestion control deems
                // this appropriate." The first retransmission is always appropriate (RFC 5681 3.2, RFC 6298 5.4).
                // spec: rfc8985-congestion, rfc6675-next
                let plan = self.plan_again(&lost)?;
                let is_allowed = transfer.is_lost_due || self.is_allowed_by_congestion(plan.length);
                return is_allowed.then_some(plan);
            }
            if transfer.recovery.rack().is_some_and(|recovery| recovery.probe.is_due) {
                return self.plan_tail_probe(transfer);
            }
            if transfer.scoreboard.is_full() {
                return None;
            }
        }
        self.plan_new(self.send.next)
    }

    /// Returns the segment at the start of a range that was sent before.
    fn plan_again(&self, range: &Range<SequenceNumber>) -> Option<Plan> {
        let start = range.start;
        let is_end_fin = self.is_fin_outstanding() && range.end == self.send.next;
        let data = range.end.distance_from(start) - u32::from(is_end_fin);
        // RFC 9293 3.8.6: the sender "SHOULD retransmit normally the old unacknowledged data between SND.UNA and
        // SND.UNA+SND.WND (SHLD-16)."
        // spec: rfc9293-window-shrunk
        let usable = self.usable_window(start);
        let length = data.min(self.segment_limit()).min(usable).min(self.record_length(start));
        let has_fin = is_end_fin && length == data;
        (length > 0 || has_fin).then_some(Plan::new(Kind::Again, start, length, has_fin))
    }

    /// Returns the probe for a tail loss: new data, or the last segment.
    fn plan_tail_probe(&self, transfer: &Transfer) -> Option<Plan> {
        // RFC 8985 7.3: "the sender SHOULD transmit a previously unsent data segment, if one exists and the receive window
        // allows". "If such an unsent segment is not available, then the sender SHOULD retransmit the highest-sequence segment
        // sent so far".
        // spec: rfc8985-probe-segment
        let (unsent, usable) = (self.unsent(), self.usable_window(self.send.next));
        let length = unsent.min(self.segment_limit()).min(usable).min(self.record_length(self.send.next));
        if length > 0 && !transfer.scoreboard.is_full() {
            let has_fin = self.send.is_shut_down() && length == unsent && usable > length;
            return Some(Plan::new(Kind::TailProbe, self.send.next, length, has_fin));
        }
        let last = transfer.scoreboard.last()?;
        let fin = u32::from(self.is_fin_outstanding());
        let data = transfer.scoreboard.last_segment(fin).min(self.segment_limit());
        let earliest = last.end.minus(data + fin);
        // A segment has data of one record at most.
        let data = last.end.minus(fin).distance_from(self.data_start());
        let record = self.send_buffer.last_record_end(index(data)).unwrap_or(0);
        let record = self.data_start().plus(super::length(record));
        let start = if earliest.is_before(record) { record } else { earliest };
        let plan = self.plan_again(&(start..last.end))?;
        Some(Plan { kind: Kind::TailProbe, ..plan })
    }

    /// Returns the segment of new data that begins at a sequence number, if the windows and the rules against small segments
    /// permit it.
    #[expect(clippy::inline_always, reason = "most calls end after a few instructions")]
    #[inline(always)]
    fn plan_new(&self, sequence: SequenceNumber) -> Option<Plan> {
        if self.is_fin_outstanding() {
            return None;
        }
        let unsent = self.unsent_from(sequence);
        if unsent == 0 && !self.send.is_shut_down() {
            return None;
        }
        let usable = self.usable_window(sequence);
        let limit = self.segment_limit();
        let record = self.record_length(sequence);
        let length = unsent.min(limit).min(usable).min(record);
        let is_all = length == unsent;
        let has_fin = self.send.is_shut_down() && is_all && usable > length;
        let plan = Plan::new(Kind::New, sequence, length, has_fin);
        if length == 0 {
            return has_fin.then_some(plan);
        }
        // RFC 9293 3.7.4: "If there is unacknowledged data (i.e., SND.NXT > SND.UNA), then the sending TCP endpoint buffers
        // all user data [...] until the outstanding data has been acknowledged or until the TCP endpoint can send a
        // full-sized segment". In the modification of A.3, only a small segment that is outstanding counts. A FIN and urgent
        // data do not wait. A segment of a record that other data follows does not wait either: more data does not extend it.
        // spec: rfc9293-nagle
        let may_wait = !self.send.is_shut_down() && self.send.urgent.is_none();
        let is_corked = self.policy.is_corked && is_all && length < record;
        let is_held = may_wait
            && (is_corked
                || self.policy.has_nagle
                    && (is_all || length < record)
                    && self.send.unacknowledged.is_before(self.send.small_end));
        // RFC 9293 3.8.6.2.1: "Send data: (1) if a maximum-sized segment can be sent, i.e., if: min(D,U) >= Eff.snd.MSS;
        // (2) or if the data is pushed and all queued data can be sent now, i.e., if: [SND.NXT = SND.UNA and] PUSHed and D
        // <= U (the bracketed condition is imposed by the Nagle algorithm); (3) or if at least a fraction Fs of the maximum
        // window can be sent". All data counts as pushed, also at the end of a record.
        // spec: rfc9293-sws-sender, rfc9293-send-maximum, rfc9293-push, tcp-cork, tcp-record
        let is_complete = is_all || length == record;
        let is_worth = length == limit || !is_held && (is_complete || length >= self.send.maximum_window / 2);
        (is_worth && self.is_allowed_by_congestion(length)).then_some(plan)
    }

    /// Returns the probe that is due: a byte of data or the FIN into a closed window, or an empty segment to an idle peer.
    fn plan_probe(&self) -> Plan {
        // RFC 9293 3.8.6.1: "The sending TCP peer must regularly transmit at least one octet of new data (if available), or
        // retransmit to the receiving TCP peer even if the send window is zero, in order to "probe" the window."
        // spec: tcp-probe-byte, rfc9293-zero-window-probe
        let outstanding = self.send.outstanding();
        if outstanding > 0 && self.can_send() {
            let data = outstanding - u32::from(self.is_fin_outstanding());
            let sequence = self.send.unacknowledged;
            return Plan::new(Kind::Probe, sequence, data.min(1), data == 0);
        }
        let unsent = self.unsent();
        if unsent > 0 {
            // The timer that overrides the rules against small segments expired.
            let length = self.usable_window(self.send.next).max(1).min(unsent).min(self.segment_limit());
            let length = length.min(self.record_length(self.send.next));
            return Plan::new(Kind::Probe, self.send.next, length, false);
        }
        if self.send.is_shut_down() && self.can_send() {
            return Plan::new(Kind::Probe, self.send.next, 0, true);
        }
        // RFC 9293 3.8.4: "Such a segment generally contains SEG.SEQ = SND.NXT-1".
        // spec: rfc9293-keep-alive
        Plan::new(Kind::Probe, self.send.next.minus(1), 0, false)
    }

    /// Returns the length of the data from `start` to the end of its record, or the maximum if its record has no end.
    fn record_length(&self, start: SequenceNumber) -> u32 {
        let offset = start.distance_from(self.data_start());
        self.send_buffer.record_length(index(offset)).map_or(u32::MAX, length)
    }

    /// Returns the number of bytes that were not sent yet.
    pub(super) fn unsent(&self) -> u32 {
        self.unsent_from(self.send.next)
    }

    /// Returns the number of bytes from a sequence number to the end of the data.
    fn unsent_from(&self, sequence: SequenceNumber) -> u32 {
        let end = self.data_end();
        if sequence.is_before(end) { end.distance_from(sequence) } else { 0 }
    }

    /// Returns whether the data that was not sent yet is less than a full segment, and `length` more bytes make at least one.
    pub(crate) fn needs_data(&self, length: usize) -> bool {
        let segment = self.segment_size();
        self.unsent() < segment && length >= index(segment)
    }

    /// Returns the number of sequence numbers from `start` on that fit the peer's window. A peer that shrinks its window
    /// can move the edge before `start`.
    pub(super) fn usable_window(&self, start: SequenceNumber) -> u32 {
        // RFC 9293 3.8.6: "a sending TCP peer MUST be robust against window shrinking, which may cause the "usable window"
        // (see Section 3.8.6.2.1) to become negative (MUST-34)."
        let edge = self.send.unacknowledged.plus(self.send.window);
        if start.is_before(edge) { edge.distance_from(start) } else { 0 }
    }

    /// Returns whether the congestion window permits `length` more bytes in flight.
    fn is_allowed_by_congestion(&self, length: u32) -> bool {
        self.pipe() == 0 || self.permitted_by_congestion().is_some_and(|permitted| length <= permitted)
    }

    /// Returns how many more bytes in flight the congestion window permits, or `None` if more bytes are in flight than it
    /// permits.
    fn permitted_by_congestion(&self) -> Option<u32> {
        // RFC 6675 5: "If cwnd - pipe >= 1 SMSS the sender SHOULD transmit one or more segments".
        // spec: rfc5681-window, rfc6675-pipe, rfc3042-new-data, rfc3042-new-information, tcp-no-congestion-control
        if self.policy.congestion == CongestionControl::None {
            return Some(u32::MAX);
        }
        // RFC 6937 3: "Transmit up to sndcnt".
        // spec: rfc6937-sent
        let permitted = self.transfer.as_ref().and_then(|transfer| transfer.recovery.permitted());
        permitted.or_else(|| self.congestion_window().checked_sub(self.pipe()))
    }

    /// Returns the maximum length of the data of a segment without selective acknowledgments, in bytes.
    pub(super) fn segment_size(&self) -> u32 {
        // RFC 9293 3.7.1: "Eff.snd.MSS = min(SendMSS+20, MMS_S) - TCPhdrsize - IPoptionsize"
        // spec: rfc9293-mss-effective
        let negotiated = &self.negotiated;
        let fitting = negotiated.mtu.saturating_sub(HEADERS).min(negotiated.local_segment_size);
        let size = fitting.min(negotiated.peer_segment_size).saturating_sub(self.timestamps_length());
        u32::from(size.max(1))
    }

    /// Returns the maximum length of the data of the next segment, in bytes.
    pub(super) fn segment_limit(&self) -> u32 {
        if !self.negotiated.has_sack || !self.receive_buffer.has_blocks() {
            return self.segment_size();
        }
        let mut options =
            Options { timestamps: self.timestamp_options(Instant::ORIGIN).timestamps, ..Options::default() };
        self.add_sack_blocks(&mut options, None);
        let sack = length(options.length()) - u32::from(self.timestamps_length());
        self.segment_size().saturating_sub(sack).max(1)
    }

    /// Returns the length of the timestamps in a header, in bytes.
    pub(super) fn timestamps_length(&self) -> u16 {
        if self.negotiated.has_timestamps { 12 } else { 0 }
    }

    /// Writes a planned segment, and records its transmission. Returns whether it fits into the frame.
    fn send_planned(&mut self, now: Instant, plan: &Plan, offloads: Offloads, frame: &mut Frame) -> bool {
        if plan.kind == Kind::Syn {
            return self.send_syn(now, offloads, frame);
        }
        let end = plan.sequence.plus(plan.length);
        let is_pushed = plan.length > 0 && end == self.data_end();
        let mut flags = Flags::ACK;
        if is_pushed {
            // RFC 9293 3.9.1.2: the sender "MUST set the PSH bit in the last buffered segment (i.e., when there is no more
            // queued data to be sent) (MUST-61)."
            flags = flags | Flags::PSH;
        }
        if plan.has_fin {
            flags = flags | Flags::FIN;
        }
        if self.is_new_data(plan) {
            flags = flags | self.ecn_of_data();
        }
        let window = self.announce_window();
        let mut options = self.timestamp_options(now);
        self.add_sack_blocks(&mut options, None);
        let mut fields = self.fields(plan.sequence, flags, window, options);
        self.add_urgent(&mut fields);
        let offset = plan.sequence.distance_from(self.data_start());
        let send_buffer = &self.send_buffer;
        let is_written = write(frame, &fields, offloads, plan.length, |bytes| {
            send_buffer.copy_to(index(offset), bytes);
        });
        if is_written {
            if let Some(size) = plan.segment_size {
                leave_segmentation(frame, &fields, size);
            }
            self.acknowledged();
            self.counts.segments_sent = self.counts.segments_sent.saturating_add(plan.segments() - 1);
            self.record_transmission(now, plan);
        }
        is_written
    }

    /// Adds the urgent pointer to a segment.
    fn add_urgent(&self, fields: &mut SegmentFields) {
        // RFC 9293 3.8.5: "The URG control flag indicates that the urgent field is meaningful and must be added to the
        // segment sequence number to yield the urgent pointer."
        // RFC 9293 3.8.5: "The urgent pointer MUST point to the sequence number of the octet following the urgent data
        // (MUST-62)."
        // spec: rfc9293-urgent-send
        if let Some(end) = self.send.urgent.filter(|end| fields.sequence.is_before(*end)) {
            fields.flags = fields.flags | Flags::URG;
            fields.urgent_pointer = u16::try_from(end.distance_from(fields.sequence)).unwrap_or(u16::MAX);
        }
    }

    /// Writes the SYN or the SYN,ACK.
    fn send_syn(&mut self, now: Instant, offloads: Offloads, frame: &mut Frame) -> bool {
        let negotiated = self.negotiated;
        // spec: rfc7323-scale-offer
        let options = Options {
            maximum_segment_size: Some(negotiated.local_segment_size),
            window_scale: negotiated.has_scale.then_some(negotiated.receive_shift),
            sack_permitted: negotiated.has_sack,
            ..self.timestamp_options(now)
        };
        let is_answer = self.state == State::SynReceived;
        let flags = if is_answer { Flags::SYN | Flags::ACK } else { Flags::SYN };
        let flags = flags | self.ecn_of_syn(is_answer);
        // RFC 7323 2.2: "The window field in a segment where the SYN bit is set (i.e., a <SYN> or <SYN,ACK>) MUST NOT be
        // scaled."
        // spec: rfc7323-scale-both
        let window = negotiated.initial_window;
        let fields = self.fields(self.send.initial, flags, window, options);
        if !write(frame, &fields, offloads, 0, |_| {}) {
            return false;
        }
        self.acknowledged();
        self.send.is_syn_due = false;
        self.send.last_sent = now;
        self.start_retransmission_timer(now);
        true
    }

    /// Updates the state after the transmission of a segment.
    fn record_transmission(&mut self, now: Instant, plan: &Plan) {
        let end = plan.sequence.plus(plan.length).plus(u32::from(plan.has_fin));
        let is_first = self.send.next.is_before(end);
        if self.is_new_data(plan) {
            self.reported_reduction();
        }
        if is_first {
            self.restart_after_idle(now);
            self.record_new(now, plan, end);
        } else if end != plan.sequence {
            self.record_again(now, plan, end);
        }
        if plan.kind == Kind::Probe {
            self.send.is_probe_due = false;
        } else {
            self.pace(now, plan.length);
        }
        // RFC 6298 5: "the following is the RECOMMENDED algorithm for managing the retransmission timer". "An implementation
        // MUST manage the retransmission timer(s) in such a way that a segment is never retransmitted too early, i.e., less
        // than one RTO after the previous transmission of that segment."
        // spec: rfc6298-timer
        let is_oldest = plan.sequence == self.send.unacknowledged && end != plan.sequence;
        if is_oldest && !self.timers.is_probing {
            self.start_retransmission_timer(now);
        }
        if plan.kind == Kind::TailProbe {
            self.record_tail_probe(now, !is_first);
        } else if is_first {
            self.schedule_tail_probe(now);
        }
        if plan.has_fin && self.state == State::CloseWait {
            // RFC 9293 3.10.4: "then send a FIN segment, enter LAST-ACK state."
            self.state = State::LastAck;
        }
    }

    /// Starts the retransmission timer, for the first transmission or a retransmission of the first outstanding segment.
    fn start_retransmission_timer(&mut self, now: Instant) {
        // RFC 6298 5.1: "Every time a packet containing data is sent (including a retransmission), if the timer is not
        // running, start it running so that it will expire after RTO seconds (for the current value of RTO)."
        // spec: rfc6298-restart
        if self.timers.retransmit == NEVER {
            self.timers.stalled_since = now;
        }
        self.timers.retransmit = now + self.rtt.rto();
    }

    /// Records sequence numbers that are sent for the first time.
    fn record_new(&mut self, now: Instant, plan: &Plan, end: SequenceNumber) {
        // The byte that probes a closed window is discarded by the peer.
        let is_window_probe = plan.kind == Kind::Probe && self.send.window == 0;
        let limit = self.segment_limit();
        if !plan.length.is_multiple_of(limit) && !is_window_probe {
            self.send.small_end = plan.sequence.plus(plan.length);
        }
        self.send.next = end;
        self.send.last_sent = now;
        let (unsent, segment_size) = (self.unsent(), self.segment_size());
        let transfer = self.transfer_mut(now);
        let mark = transfer.delivery.sent(now, transfer.scoreboard.pipe());
        let is_probe = plan.kind == Kind::Probe;
        transfer.scoreboard.sent(&(plan.sequence..end), mark, limit, plan.segments(), is_probe);
        transfer.recovery.sent(plan.length);
        let (in_flight, delivered) = (transfer.scoreboard.pipe(), transfer.delivery.total());
        let is_limited = unsent > 0 && !self.is_allowed_by_congestion(segment_size.min(unsent));
        let transfer = self.transfer_mut(now);
        transfer.window_use.sent(in_flight, is_limited, delivered);
        // spec: tcp-delivery-rate
        if unsent == 0 && !is_limited {
            transfer.delivery.limit_by_application(in_flight);
        }
    }

    /// Records sequence numbers that are sent again.
    fn record_again(&mut self, now: Instant, plan: &Plan, end: SequenceNumber) {
        let timestamp = self.negotiated.has_timestamps.then(|| self.timestamp(now));
        self.send.last_sent = now;
        let transfer = self.transfer_mut(now);
        transfer.bytes_retransmitted = transfer.bytes_retransmitted.saturating_add(plan.length.into());
        transfer.retransmissions = transfer.retransmissions.saturating_add(1);
        if plan.kind == Kind::Probe {
            transfer.scoreboard.probed();
            return;
        }
        let mark = transfer.delivery.sent(now, transfer.scoreboard.pipe());
        let is_repeated = transfer.scoreboard.sent_again(&(plan.sequence..end), mark);
        transfer.recovery.sent(plan.length);
        transfer.is_lost_due &= plan.kind != Kind::Again;
        if let Some(undo) = &mut transfer.undo
            && undo.is_in_recovery()
        {
            undo.sent_again(plan.length, timestamp, is_repeated);
        }
    }

    /// Records a probe for the loss of the last segments.
    fn record_tail_probe(&mut self, now: Instant, is_retransmission: bool) {
        let next = self.send.next;
        if let Some(recovery) = self.transfer_mut(now).recovery.rack_mut() {
            recovery.probe.sent(next, is_retransmission);
        }
        self.start_retransmission_timer(now);
    }

    /// Returns whether the next data follows an idle time that reduces the congestion window.
    fn is_restart(&self, now: Instant) -> bool {
        self.send.outstanding() == 0 && now.since(self.send.last_sent) > self.rtt.rto()
    }

    /// Reports the first data after a time without data in flight to the congestion control.
    fn restart_after_idle(&mut self, now: Instant) {
        if self.send.outstanding() > 0 {
            return;
        }
        let segment_size = self.segment_size();
        let is_restart = self.is_restart(now);
        let Some(transfer) = &mut self.transfer else { return };
        transfer.congestion.resume(now);
        // RFC 5681 4.1: "a TCP SHOULD set cwnd to no more than RW before beginning transmission if the TCP has not sent data
        // in an interval exceeding the retransmission timeout."
        // spec: rfc5681-restart
        if is_restart {
            transfer.congestion.restart_after_idle(segment_size);
        }
    }
}

/// Writes a segment to a frame. `copy` writes all bytes of the data. Returns whether the segment fits.
fn write(
    frame: &mut Frame,
    fields: &SegmentFields,
    offloads: Offloads,
    length: u32,
    copy: impl FnOnce(&mut [u8]),
) -> bool {
    let header = fields.header_length();
    frame.clear();
    let Ok(bytes) = frame.extend(header.saturating_add(index(length))) else { return false };
    if let Some(data) = bytes.get_mut(header..) {
        copy(data);
    }
    fields.write_to_frame(frame, offloads).is_ok()
}

/// Leaves the segmentation of a segment at the start of its frame to the device.
fn leave_segmentation(frame: &mut Frame, fields: &SegmentFields, size: u16) {
    let header = u16::try_from(fields.header_length()).unwrap_or(u16::MAX);
    let segmentation = Segmentation { kind: SegmentationKind::TcpV4, size, header, cwr: false };
    frame.set_offload(Offload { segmentation: Some(segmentation), ..frame.offload() });
}

/// Returns a number of bytes as an index. All systems with TAPs have a `usize` of at least 32 bits.
fn index(bytes: u32) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
