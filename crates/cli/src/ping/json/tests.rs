use super::*;
use crate::ping::reply::PingReply;
use crate::ping::session::PingPlan;
use icmp::IcmpError;
use serde_json::{Value, json};
use std::time::Duration;
use tap::Instant;

const AT: &str = "1970-01-01T00:00:00.000000400+00:00";

const TARGET: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

#[test]
fn ping_json_lines_match_schema() {
    let (interval, timeout) = (Duration::from_secs(1), Duration::from_secs(10));
    let plan = PingPlan { target: TARGET, identifier: 7, bytes: 56, count: None, interval, timeout };
    let mut session = PingSession::new(plan);
    session.sent(Instant::from_nanos(100), 1);
    let mismatch = Some(DataMismatch { offset: 9, expected: 9, received: 255 });
    let reply = PingReply { from: TARGET.into(), sequence: 1, length: 64, time_to_live: 64, mismatch };
    let response = session.receive_reply(Instant::from_nanos(350), reply).unwrap();
    let object = |event: PingEvent<'_>| -> Value {
        let line = line(Moment::of_nanos(400), &session, &event);
        testbed::schema::check_lines("ping", &line);
        serde_json::from_str(&line).unwrap()
    };
    let interface = "tap0".parse().unwrap();
    let address = "10.0.0.2/24".parse().unwrap();
    assert_eq!(
        object(PingEvent::Start { interface: &interface, address }),
        json!({"schema": 1, "time": AT, "elapsed_ns": 400, "event": "start", "interface": "tap0",
            "local_ip": "10.0.0.2", "prefix_length": 24, "target_ip": "10.0.0.1", "identifier": 7, "bytes": 56})
    );
    assert_eq!(
        object(PingEvent::Response(response)),
        json!({"schema": 1, "time": AT, "elapsed_ns": 400, "event": "reply", "ip": "10.0.0.1", "sequence": 1,
            "bytes": 64, "ttl": 64, "rtt_ns": 250, "duplicate": false,
            "mismatch": {"offset": 9, "expected": 9, "received": 255}})
    );
    let (from, sequence, problem) = (TARGET, 1, IcmpError::HOST_UNREACHABLE);
    let error = json!({"schema": 1, "time": AT, "elapsed_ns": 400, "event": "error", "reporter_ip": "10.0.0.1",
        "sequence": 1, "icmp_type": 3, "icmp_code": 1, "message": "Destination Host Unreachable"});
    assert_eq!(
        object(PingEvent::Response(PingResponse::Error { from: from.into(), sequence, problem })),
        error
    );
    let notice = object(PingEvent::Response(PingResponse::Advice { from: from.into(), sequence, problem }));
    assert_eq!((&notice["event"], &notice["sequence"]), (&json!("notice"), &json!(1)));
    assert_eq!(
        object(PingEvent::Statistics),
        json!({"schema": 1, "time": AT, "elapsed_ns": 400, "event": "statistics", "target_ip": "10.0.0.1",
            "sent": 1, "received": 1, "duplicates": 0, "mismatches": 1, "errors": 0, "unmatched": 0,
            "duration_ns": 0, "rtt_min_ns": 250, "rtt_mean_ns": 250, "rtt_max_ns": 250, "rtt_stddev_ns": 0})
    );
}

#[test]
fn statistics_json_matches_schema_without_replies() {
    let (interval, timeout) = (Duration::from_secs(1), Duration::from_secs(10));
    let session = PingSession::new(PingPlan {
        target: TARGET,
        identifier: 7,
        bytes: 56,
        count: None,
        interval,
        timeout,
    });
    let line = line(Moment::of_nanos(400), &session, &PingEvent::Statistics);
    assert!(line.contains("\"rtt_min_ns\":null"), "{line}");
    testbed::schema::check_lines("ping", &line);
}
