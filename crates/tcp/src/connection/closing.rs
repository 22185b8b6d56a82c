//! The end of a connection: shutdown, close and abort (RFC 9293 3.10.4, 3.10.5).

use std::time::Duration;

use tap::Instant;

use super::sequences::LocalFin;
use super::timers::NEVER;
use super::{Connection, Owed};
use crate::tcp::time_wait::TimeWait;
use crate::{CloseReason, Flags, Resources, SegmentFields, State};

impl Connection {
    /// Ends the transmission of data: a FIN follows the written data. Received data can still be read.
    pub fn shutdown(&mut self, now: Instant) {
        // spec: rfc9293-close
        match self.state {
            // RFC 9293 3.10.4, SYN-SENT: "Delete the TCB and return "error: closing" responses to any queued SENDs, or
            // RECEIVEs."
            // spec: rfc9293-close-syn-sent
            State::SynSent => self.end(CloseReason::Closed),
            // SYN-RECEIVED: "queue for processing after entering ESTABLISHED state." CLOSE-WAIT: "Queue this request until all
            // preceding SENDs have been segmentized; then send a FIN segment, enter LAST-ACK state."
            State::SynReceived | State::CloseWait => self.send.fin = LocalFin::Requested,
            // ESTABLISHED: "Queue this until all preceding SENDs have been segmentized, then form a FIN segment and send it.
            // In any case, enter FIN-WAIT-1 state."
            State::Established => {
                self.send.fin = LocalFin::Requested;
                self.state = State::FinWait1;
            }
            _ => {}
        }
        self.arm(now);
    }

    /// Closes the connection for its user, who reads no more data. Returns a reset to send if unread data is lost;
    /// otherwise, the connection sends the written data and a FIN, and then ends by itself.
    pub fn close(&mut self, now: Instant, cx: &mut Resources<'_>) -> Option<SegmentFields> {
        // RFC 9293 3.6.1: "If such a host issues a CLOSE call while received data is still pending in the TCP connection,
        // [...] its TCP implementation SHOULD send a RST to show that data was lost (SHLD-3)."
        // spec: rfc9293-close-unread
        if self.receive_buffer.readable() > 0 {
            return self.abort(now, cx);
        }
        self.is_orphan = true;
        self.timers.window_probes = 0;
        self.shutdown(now);
        self.limit_fin_wait_2(now);
        self.flush_if_ended(cx);
        None
    }

    /// Ends the connection immediately, and discards its data. Returns the reset to send.
    pub fn abort(&mut self, now: Instant, cx: &mut Resources<'_>) -> Option<SegmentFields> {
        // RFC 9293 3.10.5, SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2 and CLOSE-WAIT: "Send a reset segment:
        // <SEQ=SND.NXT><CTL=RST>". CLOSING, LAST-ACK and TIME-WAIT: "delete the TCB, enter CLOSED state, and return."
        // spec: rfc9293-abort
        let reset = matches!(
            self.state,
            State::SynReceived | State::Established | State::FinWait1 | State::FinWait2 | State::CloseWait
        )
        .then(|| self.reset(now));
        if self.state != State::Closed {
            self.end(CloseReason::Closed);
        }
        self.release(cx);
        reset
    }

    /// Returns a reset of this connection.
    pub(super) fn reset(&self, now: Instant) -> SegmentFields {
        // RFC 7323 5.2: "If an <RST> is being generated because of a user abort, and Snd.TS.OK is set, then a Timestamps
        // option SHOULD be included in the <RST>."
        // spec: rfc7323-reset
        self.fields(self.send.next, Flags::RST | Flags::ACK, 0, self.timestamp_options(now))
    }

    /// Enters CLOSED.
    pub(super) fn end(&mut self, reason: CloseReason) {
        // The SYN and the FIN are no longer outstanding, so all outstanding sequence numbers are data.
        self.send.next = self.send.unacknowledged.plus(self.outstanding_data());
        // spec: rfc9293-close-reported
        self.state = State::Closed;
        self.closed = Some(reason);
        self.timers.stop();
        self.acknowledging.owed = Owed::Nothing;
    }

    /// Releases the memory of an ended connection. After a regular end, received data can still be read.
    pub(super) fn flush_if_ended(&mut self, cx: &mut Resources<'_>) {
        // spec: tcp-memory-returned
        match self.closed {
            None => {}
            Some(CloseReason::Closed) => self.send_buffer.clear(cx.memory),
            Some(_) => self.release(cx),
        }
    }

    /// Returns what a connection in TIME-WAIT needs to answer segments.
    pub(crate) fn time_wait(&self) -> TimeWait {
        TimeWait {
            local: self.local,
            peer: self.peer,
            send_next: self.send.next,
            receive_next: self.receive.next,
            receive_window: self.current_window(),
            window: u16::try_from(self.current_window() >> self.negotiated.receive_shift).unwrap_or(u16::MAX),
            timestamp: self.negotiated.has_timestamps.then(|| self.peer_clock.recent()),
            length: Duration::from_millis(self.policy.time_wait.0.into()),
            service: self.service(),
        }
    }

    /// Enters TIME-WAIT, and starts its timer.
    pub(super) fn enter_time_wait(&mut self, now: Instant) {
        self.state = State::TimeWait;
        self.timers.stop();
        self.timers.life = self.policy.time_wait.after(now);
    }

    /// Ends TIME-WAIT before its time, because a new connection has the same addresses and ports.
    pub(crate) fn end_time_wait(&mut self) {
        if self.state == State::TimeWait {
            self.end(CloseReason::Closed);
        }
    }

    /// Starts the timer of FIN-WAIT-2 of a connection that its user has closed. Such a connection sends no keep-alives.
    pub(super) fn limit_fin_wait_2(&mut self, now: Instant) {
        if !self.is_orphan {
            return;
        }
        match self.state {
            State::FinWait2 => self.timers.life = self.policy.fin_wait_2.after(now),
            State::TimeWait | State::Closed => {}
            _ => self.timers.life = NEVER,
        }
    }
}
