//! The data of arriving segments (RFC 9293 3.10.7.4, seventh check).

use tap::Instant;

use super::Connection;
use super::receive::{Arrival, Stop};
use crate::{CloseReason, Flags, Resources, SackBlock, TcpDropReason};

impl Connection {
    /// Seventh: processes the data of a segment.
    pub(super) fn take_text(
        &mut self,
        now: Instant,
        arrival: &mut Arrival,
        cx: &mut Resources<'_>,
    ) -> Result<(), Stop> {
        if arrival.length() == 0 {
            return Ok(());
        }
        // RFC 9293 3.10.7.4, CLOSE-WAIT, CLOSING, LAST-ACK and TIME-WAIT: "This should not occur since a FIN has been
        // received from the remote side. Ignore the segment text."
        // spec: rfc9293-text-ignored
        if !self.state.can_receive() {
            return Err(Stop::Drop(TcpDropReason::DataAfterFin));
        }
        // RFC 9293 3.6.1: "If such a host issues a CLOSE call while received data is still pending in the TCP connection,
        // or if new data is received after CLOSE is called, its TCP implementation SHOULD send a RST to show that data was
        // lost (SHLD-3)."
        // spec: rfc9293-close-unread
        if self.is_orphan {
            arrival.reply = Some(self.reset(now));
            self.end(CloseReason::Reset);
            return Err(Stop::Drop(TcpDropReason::DataAfterClose));
        }
        self.trim_to_fin(arrival);
        let Some(data) = arrival.data.take() else { return Ok(()) };
        self.measure_segment(arrival.segment_length(data.len()));
        let had_gap = self.receive_buffer.has_blocks();
        let next = self.receive.next;
        let offset = arrival.start.distance_from(next);
        // RFC 9293 3.10.7.4: "Segments with higher beginning sequence numbers SHOULD be held for later processing
        // (SHLD-31)."
        // spec: rfc9293-out-of-order
        let inserted = self.receive_buffer.insert(offset, data, cx);
        // "Once the TCP endpoint takes responsibility for the data, it advances RCV.NXT over the data accepted, and adjusts
        // RCV.WND as appropriate to the current buffer availability. The total of RCV.NXT and RCV.WND should not be
        // reduced."
        // spec: rfc9293-text
        self.receive.next = next.plus(inserted.advanced);
        self.receive_window.advance(inserted.advanced);
        self.memory_level = cx.memory.level();
        self.counts.bytes_received = self.counts.bytes_received.saturating_add(inserted.advanced.into());
        self.acknowledging.is_pushed |= arrival.segment.flags.contains(Flags::PSH);
        // spec: rfc2883-second
        if let Some(range) = inserted.duplicate
            && arrival.duplicate.is_none()
        {
            arrival.duplicate = Some(SackBlock { start: next.plus(range.start), end: next.plus(range.end) });
        }
        if inserted.advanced == 0 {
            // RFC 5681 4.2: "Out-of-order data segments SHOULD be acknowledged immediately, in order to accelerate loss
            // recovery."
            // spec: rfc5681-duplicate-ack
            arrival.reply = Some(self.acknowledgment(now, None));
        } else if had_gap {
            arrival.fills_gap = true;
        } else {
            self.owe(now, inserted.advanced, arrival.segments());
        }
        inserted.reason.map_or(Ok(()), |reason| Err(Stop::Drop(reason)))
    }

    /// Cuts off data behind the peer's FIN.
    fn trim_to_fin(&self, arrival: &mut Arrival) {
        if let Some(fin) = self.receive.fin {
            let window =
                if self.receive.next.is_before(fin) { fin.distance_from(self.receive.next) } else { 0 };
            arrival.trim(self.receive.next, window);
        }
    }

    /// Updates the largest segment size of the peer.
    fn measure_segment(&mut self, length: usize) {
        let maximum = self.negotiated.local_segment_size.saturating_sub(self.timestamps_length());
        let length = u16::try_from(length).unwrap_or(u16::MAX).min(maximum);
        self.acknowledging.segment_size = self.acknowledging.segment_size.max(length);
    }
}
