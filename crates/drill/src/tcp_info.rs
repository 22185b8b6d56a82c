//! The struct that Linux returns for `TCP_INFO`.

use std::time::Duration;

use tcp::{State, TcpInfo};
use zerocopy::{Immutable, IntoBytes};

/// `struct tcp_info` of Linux 6.12, without its last fields. packetdrill has a longer struct, and the rest is zero.
///
/// Linux counts many lengths in segments. Fields that tapstack does not measure are zero.
#[derive(Clone, Copy, Debug, Default, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct LinuxTcpInfo {
    state: u8,
    ca_state: u8,
    retransmits: u8,
    probes: u8,
    backoff: u8,
    options: u8,
    window_scales: u8,
    flags: u8,
    rto: u32,
    ato: u32,
    snd_mss: u32,
    rcv_mss: u32,
    unacked: u32,
    sacked: u32,
    lost: u32,
    retrans: u32,
    fackets: u32,
    last_data_sent: u32,
    last_ack_sent: u32,
    last_data_recv: u32,
    last_ack_recv: u32,
    pmtu: u32,
    rcv_ssthresh: u32,
    rtt: u32,
    rttvar: u32,
    snd_ssthresh: u32,
    snd_cwnd: u32,
    advmss: u32,
    reordering: u32,
    rcv_rtt: u32,
    rcv_space: u32,
    total_retrans: u32,
    pacing_rate: u64,
    max_pacing_rate: u64,
    bytes_acked: u64,
    bytes_received: u64,
    segs_out: u32,
    segs_in: u32,
    notsent_bytes: u32,
    min_rtt: u32,
    data_segs_in: u32,
    data_segs_out: u32,
    delivery_rate: u64,
    busy_time: u64,
    rwnd_limited: u64,
    sndbuf_limited: u64,
    delivered: u32,
    delivered_ce: u32,
    bytes_sent: u64,
    bytes_retrans: u64,
    dsack_dups: u32,
    reord_seen: u32,
    rcv_ooopack: u32,
    snd_wnd: u32,
    rcv_wnd: u32,
    rehash: u32,
    /// The fields of later versions, up to the length of packetdrill's struct.
    later: [u32; 10],
}

/// Threshold of a connection without losses.
const INFINITE: u32 = 0x7fff_ffff;
/// State "disorder" of the congestion control.
const DISORDER: u8 = 1;
/// State "recovery" of the congestion control.
const RECOVERY: u8 = 3;
/// State "loss" of the congestion control.
const LOSS: u8 = 4;

impl LinuxTcpInfo {
    pub(crate) fn new(info: &TcpInfo) -> LinuxTcpInfo {
        let segments = |bytes: u32| bytes / info.send_segment_size.max(1);
        let segments_up = |bytes: u32| bytes.div_ceil(info.send_segment_size.max(1));
        let option = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        let (send_scale, receive_scale) = info.window_scales.unwrap_or_default();
        let ca_state = match (info.is_recovering, info.backoff) {
            (_, 1..) => LOSS,
            (true, 0) => RECOVERY,
            (false, 0) => option(info.sacked > 0, DISORDER),
        };
        LinuxTcpInfo {
            state: linux_state(info.state),
            ca_state,
            retransmits: info.backoff,
            probes: info.probes,
            backoff: info.backoff,
            options: option(info.has_timestamps, 1)
                | option(info.has_sack, 2)
                | option(info.window_scales.is_some(), 4)
                | option(info.has_ecn, 8),
            window_scales: send_scale | receive_scale << 4,
            rto: microseconds(info.rto),
            snd_mss: info.send_segment_size,
            rcv_mss: info.receive_segment_size,
            unacked: segments_up(info.unacknowledged),
            sacked: info.sacked,
            // A segment that was sent again counts as lost in Linux until it is acknowledged.
            lost: info.lost + info.retransmitted,
            retrans: info.retransmitted,
            last_data_sent: milliseconds(info.last_sent),
            last_data_recv: milliseconds(info.last_received),
            last_ack_recv: milliseconds(info.last_received),
            pmtu: info.path_mtu,
            rtt: microseconds(info.rtt.unwrap_or_default()),
            rttvar: microseconds(info.rtt_variation.unwrap_or_default()),
            snd_ssthresh: info.slow_start_threshold.map_or(INFINITE, segments),
            snd_cwnd: segments(info.congestion_window),
            advmss: info.advertised_segment_size,
            reordering: segments_up(info.reordering).max(3),
            rcv_space: u32::try_from(info.receive_buffer).unwrap_or(u32::MAX),
            total_retrans: info.retransmissions,
            bytes_acked: info.bytes_acknowledged,
            bytes_received: info.bytes_received,
            segs_out: info.segments_sent,
            segs_in: info.segments_received,
            notsent_bytes: info.unsent,
            busy_time: u64::try_from(info.busy.as_micros()).unwrap_or(u64::MAX),
            rwnd_limited: u64::try_from(info.window_limited.as_micros()).unwrap_or(u64::MAX),
            pacing_rate: info.pacing_rate.unwrap_or(u64::MAX),
            min_rtt: microseconds(info.minimum_rtt.unwrap_or_default()),
            bytes_sent: info.bytes_sent.saturating_add(info.bytes_retransmitted),
            bytes_retrans: info.bytes_retransmitted,
            dsack_dups: info.duplicate_reports,
            reord_seen: info.reorderings,
            snd_wnd: info.send_window,
            rcv_wnd: info.receive_window,
            ..LinuxTcpInfo::default()
        }
    }
}

/// Returns the number of a state in Linux.
fn linux_state(state: State) -> u8 {
    match state {
        State::Established => 1,
        State::SynSent => 2,
        State::SynReceived => 3,
        State::FinWait1 => 4,
        State::FinWait2 => 5,
        State::TimeWait => 6,
        State::Closed => 7,
        State::CloseWait => 8,
        State::LastAck => 9,
        State::Closing => 11,
    }
}

fn microseconds(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
