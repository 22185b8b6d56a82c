//! What `ss -ti` prints about a connection.

use std::time::Duration;

use tap::Instant;

use super::{Connection, Transfer};
use crate::{CongestionControl, MAXIMUM_WINDOW, RateSample, State, WindowControl as _};

/// State of a connection in detail, as `ss -ti` and `struct tcp_info` of Linux have it. Lengths are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each field is independent of the others")]
pub struct TcpInfo {
    /// State of the connection.
    pub state: State,
    /// Whether all segments have timestamps.
    pub has_timestamps: bool,
    /// Whether received data out of order is acknowledged selectively.
    pub has_sack: bool,
    /// Whether both sides use explicit congestion notification (RFC 3168).
    pub has_ecn: bool,
    /// Shifts of received and of sent windows, if windows are scaled.
    pub window_scales: Option<(u8, u8)>,
    /// Retransmission timeout.
    pub rto: Duration,
    /// Smoothed RTT.
    pub rtt: Option<Duration>,
    /// Variation of the RTT.
    pub rtt_variation: Option<Duration>,
    /// Smallest RTT.
    pub minimum_rtt: Option<Duration>,
    /// Maximum data of a sent segment.
    pub send_segment_size: u32,
    /// Largest data of a received segment.
    pub receive_segment_size: u32,
    /// Maximum segment size of the local SYN.
    pub advertised_segment_size: u32,
    /// MTU of the path.
    pub path_mtu: u32,
    /// Algorithm of congestion control.
    pub congestion_control: CongestionControl,
    /// Congestion window.
    pub congestion_window: u32,
    /// Slow start threshold. `None` before the first end of slow start.
    pub slow_start_threshold: Option<u32>,
    /// Whether a recovery from losses is in progress.
    pub is_recovering: bool,
    /// Sent data that is not acknowledged.
    pub unacknowledged: u32,
    /// Data that was not sent yet.
    pub unsent: u32,
    /// Window of the peer.
    pub send_window: u32,
    /// Announced window.
    pub receive_window: u32,
    /// Size of the receive buffer.
    pub receive_buffer: usize,
    /// Maximum data in the send buffer.
    pub send_buffer: usize,
    /// Number of expirations of the retransmission timer since the last progress.
    pub backoff: u8,
    /// Number of probes without an answer.
    pub probes: u8,
    /// Number of retransmitted segments.
    pub retransmissions: u32,
    /// Number of segments that are selectively acknowledged.
    pub sacked: u32,
    /// Number of segments that are lost and not sent again yet.
    pub lost: u32,
    /// Number of segments that were sent again and are not acknowledged.
    pub retransmitted: u32,
    /// Number of acknowledgments that delivered a segment out of order.
    pub reorderings: u32,
    /// Largest distance between a segment that was delivered out of order and the highest delivered byte.
    pub reordering: u32,
    /// Number of recoveries that were unnecessary, and undone.
    pub undone_recoveries: u32,
    /// Number of reports of data that was received twice (RFC 2883).
    pub duplicate_reports: u32,
    /// Number of received SACK blocks that were ignored.
    pub ignored_sack_blocks: u32,
    /// Number of received segments.
    pub segments_received: u32,
    /// Number of sent segments.
    pub segments_sent: u32,
    /// Data that was sent for the first time.
    pub bytes_sent: u64,
    /// Data that was sent again.
    pub bytes_retransmitted: u64,
    /// Data that the peer has acknowledged.
    pub bytes_acknowledged: u64,
    /// Data that was received in order.
    pub bytes_received: u64,
    /// Time since data was sent.
    pub last_sent: Duration,
    /// Time since a segment was received.
    pub last_received: Duration,
    /// Time in which data was unsent, or data or a FIN was not acknowledged.
    pub busy: Duration,
    /// Part of this time in which unsent data did not fit the peer's window.
    pub window_limited: Duration,
    /// Data that was delivered, in order or selectively acknowledged.
    pub delivered: u64,
    /// Last measured delivery rate. `None` also after an idle time.
    pub delivery_rate: Option<RateSample>,
    /// Rate of a paced connection in bytes per second. `None` if nothing is paced.
    pub pacing_rate: Option<u64>,
}

impl Connection {
    /// Returns the number of received SACK blocks that were ignored.
    pub(crate) fn ignored_blocks(&self) -> u32 {
        self.transfer.as_ref().map_or(0, |transfer| transfer.ignored_blocks)
    }

    /// Returns the state in detail.
    pub fn info(&self, now: Instant) -> TcpInfo {
        let negotiated = &self.negotiated;
        let transfer = self.transfer.as_deref();
        let window = |transfer: &Transfer| transfer.congestion.window();
        let times = self.activity_times(now);
        TcpInfo {
            state: self.state,
            has_timestamps: negotiated.has_timestamps,
            has_sack: negotiated.has_sack,
            has_ecn: negotiated.has_ecn,
            window_scales: negotiated.has_scale.then_some((negotiated.send_shift, negotiated.receive_shift)),
            rto: self.rtt.rto(),
            rtt: self.rtt.smoothed(),
            rtt_variation: self.rtt.variation(),
            minimum_rtt: self.rtt.minimum(),
            send_segment_size: self.segment_size(),
            receive_segment_size: self.acknowledging.segment_size.into(),
            advertised_segment_size: negotiated.local_segment_size.into(),
            path_mtu: negotiated.mtu.into(),
            congestion_control: self.policy.congestion,
            congestion_window: transfer.map_or_else(|| self.congestion_window(), window),
            slow_start_threshold: transfer
                .map(|transfer| transfer.congestion.threshold())
                .filter(|threshold| *threshold < MAXIMUM_WINDOW),
            is_recovering: transfer.is_some_and(|transfer| transfer.recovery.is_active()),
            unacknowledged: self.send.outstanding(),
            unsent: self.unsent(),
            send_window: self.send.window,
            receive_window: self.current_window(),
            receive_buffer: self.receive_window.size(),
            send_buffer: self.send_buffer.limit(),
            backoff: self.send.retransmissions,
            probes: self.timers.unanswered_window_probes.max(self.timers.unanswered_keep_alives),
            retransmissions: transfer.map_or(0, |transfer| transfer.retransmissions),
            sacked: transfer.map_or(0, |transfer| transfer.scoreboard.sacked_segments()),
            lost: transfer.map_or(0, |transfer| transfer.scoreboard.lost_segments()),
            retransmitted: transfer.map_or(0, |transfer| transfer.scoreboard.retransmitted()),
            reorderings: transfer
                .and_then(|transfer| transfer.recovery.rack())
                .map_or(0, |recovery| recovery.rack.reorderings()),
            reordering: transfer
                .and_then(|transfer| transfer.recovery.rack())
                .map_or(0, |recovery| recovery.rack.reordering()),
            undone_recoveries: transfer.map_or(0, |transfer| transfer.undone),
            duplicate_reports: transfer.map_or(0, |transfer| transfer.duplicate_reports),
            ignored_sack_blocks: self.ignored_blocks(),
            segments_received: self.counts.segments_received,
            segments_sent: self.counts.segments_sent,
            bytes_sent: self.counts.bytes_acknowledged.saturating_add(self.outstanding_data().into()),
            bytes_retransmitted: transfer.map_or(0, |transfer| transfer.bytes_retransmitted),
            bytes_acknowledged: self.counts.bytes_acknowledged,
            bytes_received: self.counts.bytes_received,
            last_sent: now.since(self.send.last_sent),
            last_received: now.since(self.acknowledging.last_received),
            busy: times.busy(),
            window_limited: times.window_limited(),
            delivered: transfer.map_or(self.counts.bytes_acknowledged, |transfer| transfer.delivery.total()),
            delivery_rate: transfer.and_then(|transfer| transfer.delivery.latest()),
            pacing_rate: self.pacing_rate(),
        }
    }
}
