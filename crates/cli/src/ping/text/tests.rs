//! Expected texts are the output of iputils 20221126.

use super::*;
use crate::ping::reply::PingReply;
use crate::ping::session::PingPlan;
use host::SocketFailure;
use std::net::Ipv4Addr;
use tap::Instant;

const TARGET: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

fn session(bytes: usize) -> PingSession {
    let (interval, timeout) = (Duration::from_secs(1), Duration::from_secs(10));
    PingSession::new(PingPlan { target: TARGET, identifier: 7, bytes, count: None, interval, timeout })
}

fn reply(sequence: u16, bytes: usize) -> PingReply {
    PingReply { from: TARGET.into(), sequence, length: bytes, time_to_live: 64, mismatch: None }
}

fn at(micros: u64) -> Instant {
    Instant::ORIGIN + Duration::from_micros(micros)
}

/// Returns the line for a reply after this many microseconds.
fn answered(bytes: usize, reply: PingReply, micros: u64) -> String {
    let mut session = session(bytes);
    session.sent(at(0), reply.sequence);
    let response = session.receive_reply(at(micros), reply).unwrap();
    lines(&session, &PingEvent::Response(response))
}

#[test]
fn first_line_names_data_and_datagram_length() {
    let interface = "tap0".parse().unwrap();
    let start = PingEvent::Start { interface: &interface, address: "10.0.0.2/24".parse().unwrap() };
    assert_eq!(lines(&session(56), &start), "PING 10.0.0.1 (10.0.0.1) 56(84) bytes of data.");
    assert_eq!(lines(&session(65_507), &start), "PING 10.0.0.1 (10.0.0.1) 65507(65535) bytes of data.");
}

#[test]
fn round_trip_prints_three_significant_digits() {
    let table = [
        (0, "0.000 ms"),
        (35, "0.035 ms"),
        (999, "0.999 ms"),
        (1_000, "1.00 ms"),
        (1_234, "1.23 ms"),
        (1_235, "1.24 ms"),
        (9_994, "9.99 ms"),
        (9_995, "10.0 ms"),
        (12_340, "12.3 ms"),
        (99_949, "99.9 ms"),
        (99_950, "100 ms"),
        (1_234_567, "1235 ms"),
    ];
    for (micros, text) in table {
        let line = answered(56, reply(1, 64), micros);
        assert_eq!(line, format!("64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time={text}"));
    }
}

#[test]
fn reply_prints_no_time_below_16_bytes_of_data() {
    assert_eq!(answered(15, reply(1, 23), 5), "23 bytes from 10.0.0.1: icmp_seq=1 ttl=64");
    assert_eq!(answered(16, reply(1, 24), 5), "24 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=0.005 ms");
    let mut session = session(15);
    session.sent(at(0), 1);
    session.receive_reply(at(5), reply(1, 23));
    assert!(lines(&session, &PingEvent::Statistics).ends_with("0% packet loss, time 0ms\n"));
}

#[test]
fn reply_text_marks_truncated_duplicate_changed_and_other_senders_replies() {
    assert_eq!(answered(56, reply(1, 63), 5), "63 bytes from 10.0.0.1: icmp_seq=1 ttl=64 (truncated)");
    let other = PingReply { from: [10, 0, 0, 9].into(), ..reply(1, 64) };
    let line = "64 bytes from 10.0.0.9: icmp_seq=1 ttl=64 time=0.005 ms (DIFFERENT ADDRESS!)";
    assert_eq!(answered(56, other, 5), line);
    let mismatch = Some(DataMismatch { offset: 17, expected: 0x11, received: 0xee });
    let line = "64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=0.005 ms\n\
        wrong data byte #17 should be 0x11 but was 0xee";
    assert_eq!(answered(56, PingReply { mismatch, ..reply(1, 64) }, 5), line);
    let mut session = session(56);
    session.sent(at(0), 1);
    session.receive_reply(at(5), PingReply { mismatch, ..reply(1, 64) });
    let end = lines(&session, &PingEvent::Statistics);
    assert!(end.contains("1 packets transmitted, 1 received, +1 changed, 0% packet loss"), "{end}");
    let again = session.receive_reply(at(6), reply(1, 64)).unwrap();
    let line = "64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=0.006 ms (DUP!)";
    assert_eq!(lines(&session, &PingEvent::Response(again)), line);
}

#[test]
fn icmp_errors_print_like_iputils() {
    let from = Ipv4Addr::new(10, 0, 0, 2);
    let error = |problem| response_text(56, &PingResponse::Error { from: from.into(), sequence: 3, problem });
    assert_eq!(error(IcmpError::HOST_UNREACHABLE), "From 10.0.0.2 icmp_seq=3 Destination Host Unreachable");
    assert_eq!(error(IcmpError::HOPS_EXCEEDED), "From 10.0.0.2 icmp_seq=3 Time to live exceeded");
    let problem = problem(5, 1, [10, 0, 0, 254]);
    assert_eq!(
        response_text(56, &PingResponse::Advice { from: from.into(), sequence: 3, problem }),
        "From 10.0.0.2: icmp_seq=3 Redirect Host(New nexthop: 10.0.0.254)"
    );
}

fn problem(kind: u8, code: u8, rest: [u8; 4]) -> IcmpError {
    let quoted = [&[0x45][..], &[0; 19]].concat();
    let mut message = [&[kind, code, 0, 0], &rest[..], &quoted].concat();
    let sum = inet::checksum::of(&message).to_be_bytes();
    message[2..4].copy_from_slice(&sum);
    match icmp::IcmpMessage::parse(&message).unwrap().body().unwrap() {
        icmp::IcmpBody::Error(problem, _) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_icmp_problem_has_text() {
    let unreachable = [
        "Destination Net Unreachable",
        "Destination Host Unreachable",
        "Destination Protocol Unreachable",
        "Destination Port Unreachable",
        "Frag needed and DF set (mtu = 1400)",
        "Source Route Failed",
        "Destination Net Unknown",
        "Destination Host Unknown",
        "Source Host Isolated",
        "Destination Net Prohibited",
        "Destination Host Prohibited",
        "Destination Net Unreachable for Type of Service",
        "Destination Host Unreachable for Type of Service",
        "Packet filtered",
        "Precedence Violation",
        "Precedence Cutoff",
        "Dest Unreachable, Bad Code: 16",
    ];
    for (code, text) in (0..).zip(unreachable) {
        assert_eq!(problem_text(problem(3, code, [0, 0, 5, 120])), text);
    }
    let table = [
        (4, 0, "Source Quench"),
        (5, 0, "Redirect Network(New nexthop: 10.0.0.9)"),
        (5, 2, "Redirect Type of Service and Network(New nexthop: 10.0.0.9)"),
        (5, 3, "Redirect Type of Service and Host(New nexthop: 10.0.0.9)"),
        (5, 4, "Redirect, Bad Code: 4(New nexthop: 10.0.0.9)"),
        (11, 0, "Time to live exceeded"),
        (11, 1, "Frag reassembly time exceeded"),
        (11, 2, "Time exceeded, Bad Code: 2"),
        (12, 0, "Parameter problem: pointer = 10"),
    ];
    for (kind, code, text) in table {
        assert_eq!(problem_text(problem(kind, code, [10, 0, 0, 9])), text);
    }
}

#[test]
fn statistics_text_lists_only_nonzero_counts() {
    let mut session = session(56);
    assert_eq!(
        lines(&session, &PingEvent::Statistics),
        "\n--- 10.0.0.1 ping statistics ---\n0 packets transmitted, 0 received\n"
    );
    for sequence in 1..=3_u16 {
        session.sent(at(1_000_400 * u64::from(sequence)), sequence);
    }
    for micros in [33, 35] {
        session.receive_reply(at(3_001_200 + micros), reply(3, 64));
    }
    session.receive_failure(SocketFailure {
        problem: IcmpError::HOST_UNREACHABLE,
        from: TARGET.into(),
        peer: (TARGET, 0).into(),
        sequence: Some(2),
    });
    assert_eq!(
        lines(&session, &PingEvent::Statistics),
        "\n--- 10.0.0.1 ping statistics ---\n\
         3 packets transmitted, 1 received, +1 duplicates, +1 errors, 66.6667% packet loss, time 2001ms\n\
         rtt min/avg/max/mdev = 0.033/0.034/0.035/0.001 ms, pipe 2"
    );
}
