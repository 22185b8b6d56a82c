//! State of a TCP connection in detail: `tapstack ss -i`.

use std::fmt::Write as _;
use std::time::Duration;

use host::{CongestionControl, TcpInfo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::json::nanos;

/// State of a TCP connection in detail. Lengths are in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
// Each field is independent of the others.
#[allow(clippy::struct_excessive_bools)]
pub(crate) struct TcpDetails {
    /// Whether all segments have timestamps.
    timestamps: bool,
    /// Whether received data out of order is acknowledged selectively.
    sack: bool,
    /// Whether both sides support explicit congestion notification (RFC 3168).
    ecn: bool,
    /// Shift of the windows that the peer announces; null if windows are not scaled.
    send_window_shift: Option<u8>,
    /// Shift of the announced windows; null if windows are not scaled.
    receive_window_shift: Option<u8>,
    /// Algorithm of congestion control.
    congestion_control: CongestionControlName,
    /// Retransmission timeout, in nanoseconds.
    rto_ns: u64,
    /// Smoothed round-trip time, in nanoseconds; null before the first measurement.
    rtt_ns: Option<u64>,
    /// Variation of the round-trip time, in nanoseconds; null before the first measurement.
    rtt_variation_ns: Option<u64>,
    /// Smallest round-trip time, in nanoseconds; null before the first measurement.
    rtt_min_ns: Option<u64>,
    /// Maximum data of a sent segment.
    send_segment_size: u32,
    /// Largest data of a received segment.
    receive_segment_size: u32,
    /// Maximum segment size of the SYN of the host.
    advertised_segment_size: u32,
    /// MTU of the path.
    path_mtu: u32,
    /// Congestion window.
    congestion_window: u32,
    /// Slow start threshold; null before the first end of slow start.
    slow_start_threshold: Option<u32>,
    /// Whether a recovery from losses is in progress.
    recovering: bool,
    /// Data that was sent and not acknowledged.
    unacknowledged: u32,
    /// Data that was not sent yet.
    unsent: u32,
    /// Window of the peer.
    send_window: u32,
    /// Announced window.
    receive_window: u32,
    /// Size of the receive buffer.
    receive_buffer: usize,
    /// Maximum data in the send buffer.
    send_buffer: usize,
    /// Number of expirations of the retransmission timer since the last progress.
    backoff: u8,
    /// Number of retransmitted segments.
    retransmissions: u32,
    /// Number of segments that are selectively acknowledged.
    sacked: u32,
    /// Number of segments that are lost and not sent again yet.
    lost: u32,
    /// Number of segments that were sent again and are not acknowledged.
    retransmitted: u32,
    /// Number of acknowledgments that delivered a segment out of order.
    reorderings: u32,
    /// Largest distance in bytes between a segment that was delivered out of order and the highest delivered byte.
    reordering: u32,
    /// Number of recoveries that were unnecessary, and undone.
    undone_recoveries: u32,
    /// Number of reports of the peer about data that the peer received twice (RFC 2883).
    duplicate_reports: u32,
    /// Number of received SACK blocks that were ignored.
    ignored_sack_blocks: u32,
    /// Number of received segments.
    segments_received: u32,
    /// Number of sent segments.
    segments_sent: u32,
    /// Data that was sent for the first time.
    bytes_sent: u64,
    /// Data that was sent again.
    bytes_retransmitted: u64,
    /// Data that the peer has acknowledged.
    bytes_acknowledged: u64,
    /// Data that was received in order.
    bytes_received: u64,
    /// Time since data was sent, in nanoseconds.
    since_sent_ns: u64,
    /// Time since a segment was received, in nanoseconds.
    since_received_ns: u64,
    /// Time in which data was unsent, or data or a FIN was not acknowledged, in nanoseconds.
    busy_ns: u64,
    /// Part of this time in which unsent data did not fit the peer's window, in nanoseconds.
    window_limited_ns: u64,
    /// Data that was delivered, in order or selectively acknowledged.
    delivered: u64,
    /// Rate of paced data, in bytes per second; null without pacing.
    pacing_rate: Option<u64>,
    /// Last measured delivery rate, in bytes per second; null before the first measurement.
    delivery_rate: Option<u64>,
    /// Whether the delivery rate is that of the application, because the application had no data to send.
    application_limited: bool,
}

/// Algorithm of congestion control, in the words of Linux if Linux has the algorithm.
// The documentation is also a description in the JSON schema.
#[allow(clippy::doc_markdown)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum CongestionControlName {
    /// CUBIC (RFC 9438).
    Cubic,
    /// NewReno (RFC 5681 and RFC 6582).
    Reno,
    /// No congestion control.
    None,
}

impl From<&TcpInfo> for TcpDetails {
    fn from(info: &TcpInfo) -> TcpDetails {
        TcpDetails {
            timestamps: info.has_timestamps,
            sack: info.has_sack,
            ecn: info.has_ecn,
            send_window_shift: info.window_scales.map(|(send, _)| send),
            receive_window_shift: info.window_scales.map(|(_, receive)| receive),
            congestion_control: match info.congestion_control {
                CongestionControl::Cubic => CongestionControlName::Cubic,
                CongestionControl::NewReno => CongestionControlName::Reno,
                CongestionControl::None => CongestionControlName::None,
            },
            rto_ns: nanos(info.rto),
            rtt_ns: info.rtt.map(nanos),
            rtt_variation_ns: info.rtt_variation.map(nanos),
            rtt_min_ns: info.minimum_rtt.map(nanos),
            send_segment_size: info.send_segment_size,
            receive_segment_size: info.receive_segment_size,
            advertised_segment_size: info.advertised_segment_size,
            path_mtu: info.path_mtu,
            congestion_window: info.congestion_window,
            slow_start_threshold: info.slow_start_threshold,
            recovering: info.is_recovering,
            unacknowledged: info.unacknowledged,
            unsent: info.unsent,
            send_window: info.send_window,
            receive_window: info.receive_window,
            receive_buffer: info.receive_buffer,
            send_buffer: info.send_buffer,
            backoff: info.backoff,
            retransmissions: info.retransmissions,
            sacked: info.sacked,
            lost: info.lost,
            retransmitted: info.retransmitted,
            reorderings: info.reorderings,
            reordering: info.reordering,
            undone_recoveries: info.undone_recoveries,
            duplicate_reports: info.duplicate_reports,
            ignored_sack_blocks: info.ignored_sack_blocks,
            segments_received: info.segments_received,
            segments_sent: info.segments_sent,
            bytes_sent: info.bytes_sent,
            bytes_retransmitted: info.bytes_retransmitted,
            bytes_acknowledged: info.bytes_acknowledged,
            bytes_received: info.bytes_received,
            since_sent_ns: nanos(info.last_sent),
            since_received_ns: nanos(info.last_received),
            busy_ns: nanos(info.busy),
            window_limited_ns: nanos(info.window_limited),
            delivered: info.delivered,
            pacing_rate: info.pacing_rate,
            delivery_rate: info.delivery_rate.map(|sample| sample.bytes_per_second()),
            application_limited: info.delivery_rate.is_some_and(|sample| sample.is_application_limited),
        }
    }
}

impl TcpDetails {
    /// Returns the line of `ss -ti` of iproute2: its words in its order, without the words that have no value. Rates are
    /// rounded if `is_exact` is false.
    pub(super) fn line(&self, is_exact: bool) -> String {
        let segment = self.send_segment_size.max(1);
        let rate = |bytes_per_second: u64| bit_rate(bytes_per_second.saturating_mul(8), is_exact);
        let mut words = Words("\t".to_owned());
        words.flag("ts", self.timestamps);
        words.flag("sack", self.sack);
        words.flag("ecn", self.ecn);
        words.flag(self.congestion_control.name(), true);
        if let Some((send, receive)) = self.send_window_shift.zip(self.receive_window_shift) {
            words.word(&format!("wscale:{send},{receive}"));
        }
        words.word(&format!("rto:{}", milliseconds(self.rto_ns)));
        words.count("backoff", self.backoff.into());
        if let Some((rtt, variation)) = self.rtt_ns.zip(self.rtt_variation_ns) {
            words.word(&format!("rtt:{}/{}", milliseconds(rtt), milliseconds(variation)));
        }
        words.count("mss", self.send_segment_size.into());
        words.count("pmtu", self.path_mtu.into());
        words.count("rcvmss", self.receive_segment_size.into());
        words.count("advmss", self.advertised_segment_size.into());
        words.count("cwnd", u64::from(self.congestion_window / segment));
        words.count(
            "ssthresh",
            self.slow_start_threshold.map_or(0, |threshold| u64::from(threshold / segment)),
        );
        // Linux also counts the data that was sent again.
        words.count("bytes_sent", self.bytes_sent.saturating_add(self.bytes_retransmitted));
        words.count("bytes_retrans", self.bytes_retransmitted);
        words.count("bytes_acked", self.bytes_acknowledged);
        words.count("bytes_received", self.bytes_received);
        words.count("segs_out", self.segments_sent.into());
        words.count("segs_in", self.segments_received.into());
        if let Some(window_per_rtt) = self.window_per_second() {
            words.word(&format!("send {}bps", rate(window_per_rtt)));
        }
        words.count("lastsnd", self.since_sent_ns / 1_000_000);
        words.count("lastrcv", self.since_received_ns / 1_000_000);
        if let Some(pacing_rate) = self.pacing_rate {
            words.word(&format!("pacing_rate {}bps", rate(pacing_rate)));
        }
        if let Some(delivery_rate) = self.delivery_rate {
            words.word(&format!("delivery_rate {}bps", rate(delivery_rate)));
        }
        words.count("delivered", self.delivered.div_ceil(segment.into()));
        words.flag("app_limited", self.application_limited);
        if self.busy_ns > 0 {
            words.word(&format!("busy:{}ms", self.busy_ns / 1_000_000));
        }
        if self.window_limited_ns > 0 {
            let (limited, busy) = (u128::from(self.window_limited_ns), u128::from(self.busy_ns.max(1)));
            let tenths = (limited * 1_000 + busy / 2) / busy;
            words.word(&format!("rwnd_limited:{}ms({}.{}%)", limited / 1_000_000, tenths / 10, tenths % 10));
        }
        words.count("unacked", u64::from(self.unacknowledged.div_ceil(segment)));
        if self.retransmissions > 0 {
            words.word(&format!("retrans:{}/{}", self.retransmitted, self.retransmissions));
        }
        // In Linux, a segment that was sent again counts as lost until it is acknowledged.
        words.count("lost", u64::from(self.lost).saturating_add(self.retransmitted.into()));
        words.count("sacked", self.sacked.into());
        words.count("dsack_dups", self.duplicate_reports.into());
        // Linux counts from 3 segments, the number of duplicate acknowledgments of a loss.
        let reordering = self.reordering.div_ceil(segment);
        words.count("reordering", if reordering > 3 { reordering.into() } else { 0 });
        words.count("reord_seen", self.reorderings.into());
        words.count("rcv_space", u64::try_from(self.receive_buffer).unwrap_or(u64::MAX));
        words.count("notsent", self.unsent.into());
        if let Some(minimum) = self.rtt_min_ns {
            words.word(&format!("minrtt:{}", milliseconds(minimum)));
        }
        words.count("snd_wnd", self.send_window.into());
        words.count("rcv_wnd", self.receive_window.into());
        words.0
    }

    /// Returns the congestion window per RTT, in bytes per second.
    fn window_per_second(&self) -> Option<u64> {
        let window = u128::from(self.congestion_window).saturating_mul(1_000_000_000);
        u64::try_from(window.checked_div(self.rtt_ns?.into())?).ok()
    }
}

impl CongestionControlName {
    /// Returns the name of the algorithm, which is that of Linux if Linux has the algorithm.
    fn name(self) -> &'static str {
        match self {
            CongestionControlName::Cubic => "cubic",
            CongestionControlName::Reno => "reno",
            CongestionControlName::None => "none",
        }
    }
}

/// The words of a line.
struct Words(String);

impl Words {
    fn word(&mut self, word: &str) {
        // Writing to a `String` cannot fail.
        let _ = write!(self.0, " {word}");
    }

    fn flag(&mut self, name: &str, is_set: bool) {
        if is_set {
            self.word(name);
        }
    }

    /// Adds a number, unless the number is zero.
    fn count(&mut self, name: &str, number: u64) {
        if number != 0 {
            self.word(&format!("{name}:{number}"));
        }
    }
}

/// Formats a time in milliseconds with up to six significant digits.
fn milliseconds(nanoseconds: u64) -> String {
    let time = Duration::from_nanos(nanoseconds);
    let decimals = match time.as_millis() {
        0..1_000 => 3,
        1_000..10_000 => 2,
        10_000..100_000 => 1,
        _ => 0,
    };
    trimmed(&format!("{:.decimals$}", time.as_secs_f64() * 1_000.0))
}

/// Formats a rate in bits per second: exact, or with three significant digits and a unit.
fn bit_rate(rate: u64, is_exact: bool) -> String {
    let units = [("T", 1_000_000_000_000), ("G", 1_000_000_000), ("M", 1_000_000), ("K", 1_000)];
    let unit = units.into_iter().find(|(_, factor)| rate >= *factor).filter(|_| !is_exact);
    let Some((unit, factor)) = unit else { return rate.to_string() };
    let decimals = match rate / factor {
        0..10 => 2,
        10..100 => 1,
        _ => 0,
    };
    let thousandths = u32::try_from(rate / (factor / 1_000)).unwrap_or(u32::MAX);
    format!("{}{unit}", trimmed(&format!("{:.decimals$}", f64::from(thousandths) / 1_000.0)))
}

/// Returns a decimal number without zeros at the end of its fraction.
fn trimmed(number: &str) -> String {
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        number.to_owned()
    }
}

#[cfg(test)]
mod tests;
