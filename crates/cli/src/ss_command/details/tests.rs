use host::TcpState;

use super::*;
use crate::control::message::{DETAILS_PAGE, MAX_REPLY};

/// Returns the details of a connection that has sent and received data.
fn details() -> TcpDetails {
    TcpDetails {
        timestamps: true,
        sack: true,
        ecn: true,
        send_window_shift: Some(7),
        receive_window_shift: Some(10),
        congestion_control: CongestionControlName::Reno,
        rto_ns: 204_000_000,
        rtt_ns: Some(4_000_000),
        rtt_variation_ns: Some(2_500_000),
        rtt_min_ns: Some(26_000),
        send_segment_size: 1_448,
        receive_segment_size: 536,
        advertised_segment_size: 1_460,
        path_mtu: 1_500,
        congestion_window: 14_480,
        slow_start_threshold: Some(28_960),
        recovering: true,
        unacknowledged: 2_000,
        unsent: 7,
        send_window: 65_536,
        receive_window: 64_256,
        receive_buffer: 65_000,
        send_buffer: 87_040,
        backoff: 1,
        retransmissions: 3,
        sacked: 2,
        lost: 1,
        retransmitted: 1,
        reorderings: 4,
        reordering: 10_000,
        undone_recoveries: 1,
        duplicate_reports: 5,
        ignored_sack_blocks: 6,
        segments_received: 7,
        segments_sent: 8,
        bytes_sent: 100_000,
        bytes_retransmitted: 2_896,
        bytes_acknowledged: 98_000,
        bytes_received: 5,
        since_sent_ns: 300_999_999,
        since_received_ns: 104_000_000,
        busy_ns: 1_200_000_000,
        window_limited_ns: 300_000_000,
        delivered: 98_000,
        pacing_rate: Some(4_000_000),
        delivery_rate: Some(3_366_060),
        application_limited: true,
    }
}

// The words and their order are those of iproute2 6.1.
#[test]
fn line_has_words_of_ss() {
    let expected = "\t ts sack ecn reno wscale:7,10 rto:204 backoff:1 rtt:4/2.5 mss:1448 pmtu:1500 rcvmss:536 \
        advmss:1460 cwnd:10 ssthresh:20 bytes_sent:102896 bytes_retrans:2896 bytes_acked:98000 bytes_received:5 \
        segs_out:8 segs_in:7 send 28960000bps lastsnd:300 lastrcv:104 pacing_rate 32000000bps \
        delivery_rate 26928480bps delivered:68 app_limited busy:1200ms rwnd_limited:300ms(25.0%) \
        unacked:2 retrans:1/3 lost:2 sacked:2 dsack_dups:5 reordering:7 reord_seen:4 rcv_space:65000 notsent:7 minrtt:0.026 snd_wnd:65536 rcv_wnd:64256";
    assert_eq!(details().line(true), expected);
    let rounded = details().line(false);
    assert!(rounded.contains(" send 29Mbps ") && rounded.contains(" delivery_rate 26.9Mbps "), "{rounded}");
}

#[test]
fn line_omits_words_without_value() {
    let new = TcpDetails {
        timestamps: false,
        sack: false,
        ecn: false,
        send_window_shift: None,
        receive_window_shift: None,
        rtt_ns: None,
        rtt_variation_ns: None,
        rtt_min_ns: None,
        slow_start_threshold: None,
        unacknowledged: 0,
        unsent: 0,
        send_window: 0,
        receive_window: 0,
        backoff: 0,
        retransmissions: 0,
        sacked: 0,
        lost: 0,
        retransmitted: 0,
        reorderings: 0,
        reordering: 0,
        duplicate_reports: 0,
        segments_received: 0,
        segments_sent: 0,
        bytes_sent: 0,
        bytes_retransmitted: 0,
        bytes_acknowledged: 0,
        bytes_received: 0,
        since_sent_ns: 0,
        since_received_ns: 0,
        busy_ns: 0,
        window_limited_ns: 0,
        delivered: 0,
        pacing_rate: None,
        delivery_rate: None,
        application_limited: false,
        ..details()
    };
    let expected = "\t reno rto:204 mss:1448 pmtu:1500 rcvmss:536 advmss:1460 cwnd:10 rcv_space:65000";
    assert_eq!(new.line(true), expected);
}

// The texts are those of `%g` of printf.
#[test]
fn milliseconds_have_six_significant_digits() {
    for (nanoseconds, text) in [
        (0, "0"),
        (26_000, "0.026"),
        (10_754_000, "10.754"),
        (200_000_000, "200"),
        (999_999_000, "999.999"),
        (1_234_560_000, "1234.56"),
        (12_345_640_000, "12345.6"),
        (120_000_000_000, "120000"),
    ] {
        assert_eq!(milliseconds(nanoseconds), text, "{nanoseconds} ns");
    }
}

// The texts are those of `ss` without `-n`.
#[test]
fn rates_have_three_significant_digits_and_a_unit() {
    for (rate, text) in [
        (0, "0"),
        (999, "999"),
        (1_000, "1K"),
        (26_927_680, "26.9M"),
        (986_130_178, "986M"),
        (6_553_600_000, "6.55G"),
        (187_137_836_008, "187G"),
        (1_500_000_000_000, "1.5T"),
    ] {
        assert_eq!((bit_rate(rate, false), bit_rate(rate, true)), (text.to_owned(), rate.to_string()));
    }
}

#[test]
fn page_with_details_fits_in_reply() {
    let longest = TcpDetails {
        rto_ns: u64::MAX,
        rtt_ns: Some(u64::MAX),
        rtt_variation_ns: Some(u64::MAX),
        rtt_min_ns: Some(u64::MAX),
        since_sent_ns: u64::MAX,
        since_received_ns: u64::MAX,
        busy_ns: u64::MAX,
        window_limited_ns: u64::MAX,
        bytes_sent: u64::MAX,
        bytes_retransmitted: u64::MAX,
        bytes_acknowledged: u64::MAX,
        bytes_received: u64::MAX,
        delivered: u64::MAX,
        pacing_rate: Some(u64::MAX),
        delivery_rate: Some(u64::MAX),
        congestion_window: u32::MAX,
        slow_start_threshold: Some(u32::MAX),
        unacknowledged: u32::MAX,
        unsent: u32::MAX,
        send_window: u32::MAX,
        receive_window: u32::MAX,
        ..details()
    };
    // A row without details is shorter than 512 bytes.
    let length = serde_json::to_string(&longest).unwrap().len() + 512;
    assert!(length * DETAILS_PAGE < MAX_REPLY, "a page has {DETAILS_PAGE} rows of {length} bytes");
}

#[test]
fn details_are_the_measurements_of_the_connection() {
    let expected = TcpDetails {
        backoff: 9,
        retransmitted: 10,
        undone_recoveries: 11,
        delivered: 99_000,
        delivery_rate: None,
        application_limited: false,
        ..details()
    };
    let info = TcpInfo {
        state: TcpState::Established,
        has_timestamps: true,
        has_sack: true,
        has_ecn: true,
        window_scales: Some((7, 10)),
        rto: Duration::from_millis(204),
        rtt: Some(Duration::from_millis(4)),
        rtt_variation: Some(Duration::from_micros(2_500)),
        minimum_rtt: Some(Duration::from_micros(26)),
        send_segment_size: 1_448,
        receive_segment_size: 536,
        advertised_segment_size: 1_460,
        path_mtu: 1_500,
        congestion_control: CongestionControl::NewReno,
        congestion_window: 14_480,
        slow_start_threshold: Some(28_960),
        is_recovering: true,
        unacknowledged: 2_000,
        unsent: 7,
        send_window: 65_536,
        receive_window: 64_256,
        receive_buffer: 65_000,
        send_buffer: 87_040,
        backoff: 9,
        probes: 12,
        retransmissions: 3,
        sacked: 2,
        lost: 1,
        retransmitted: 10,
        reorderings: 4,
        reordering: 10_000,
        undone_recoveries: 11,
        duplicate_reports: 5,
        ignored_sack_blocks: 6,
        segments_received: 7,
        segments_sent: 8,
        bytes_sent: 100_000,
        bytes_retransmitted: 2_896,
        bytes_acknowledged: 98_000,
        bytes_received: 5,
        last_sent: Duration::from_nanos(300_999_999),
        last_received: Duration::from_millis(104),
        busy: Duration::from_millis(1_200),
        window_limited: Duration::from_millis(300),
        delivered: 99_000,
        delivery_rate: None,
        pacing_rate: Some(4_000_000),
    };
    assert_eq!(TcpDetails::from(&info), expected);
    // Each flag is independent of the others.
    for number in 0..4 {
        let is_set = |flag| flag == number;
        let info = TcpInfo {
            has_timestamps: is_set(0),
            has_sack: is_set(1),
            has_ecn: is_set(2),
            is_recovering: is_set(3),
            congestion_control: CongestionControl::Cubic,
            window_scales: None,
            ..info
        };
        let details = TcpDetails::from(&info);
        let flags = [details.timestamps, details.sack, details.ecn, details.recovering];
        assert_eq!(flags, [is_set(0), is_set(1), is_set(2), is_set(3)]);
        assert_eq!(details.congestion_control, CongestionControlName::Cubic);
        assert_eq!((details.send_window_shift, details.receive_window_shift), (None, None));
    }
}
