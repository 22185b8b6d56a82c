use super::*;
use crate::ping::session::PingPlan;
use host::{EchoReply, HostEvent};
use icmp::IcmpError;
use serde_json::{Value, json};
use std::time::Duration;

const TARGET: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

#[test]
fn ping_json_lines_match_schema() {
    let (interval, timeout) = (Duration::from_secs(1), Duration::from_secs(10));
    let plan = PingPlan { target: TARGET, identifier: 7, bytes: 56, count: None, interval, timeout };
    let mut session = PingSession::new(plan);
    session.sent(Instant::from_nanos(100), 1);
    let mismatch = Some(DataMismatch { offset: 9, expected: 9, received: 255 });
    let reply = EchoReply {
        from: TARGET,
        to: TARGET,
        identifier: 7,
        sequence: 1,
        length: 64,
        time_to_live: 64,
        mismatch,
    };
    let response = session.receive(Instant::from_nanos(350), HostEvent::EchoReply(reply)).unwrap();
    let object = |event: PingEvent<'_>| -> Value {
        let line = line(Instant::from_nanos(400), &session, &event);
        testbed::schema::check_lines("ping", &line);
        serde_json::from_str(&line).unwrap()
    };
    let interface = "tap0".parse().unwrap();
    let address = "10.0.0.2/24".parse().unwrap();
    assert_eq!(
        object(PingEvent::Start { interface: &interface, address }),
        json!({"event": "start", "time": 400, "interface": "tap0", "address": "10.0.0.2/24",
            "target": "10.0.0.1", "identifier": 7, "octets": 56})
    );
    assert_eq!(
        object(PingEvent::Response(response)),
        json!({"event": "reply", "time": 400, "from": "10.0.0.1", "sequence": 1, "octets": 64,
            "time_to_live": 64, "round_trip": 250, "duplicate": false,
            "difference": {"offset": 9, "expected": 9, "received": 255}})
    );
    let (from, sequence, problem) = (TARGET, 1, IcmpError::HOST_UNREACHABLE);
    let error = json!({"event": "error", "time": 400, "from": "10.0.0.1", "sequence": 1, "kind": 3, "code": 1,
        "problem": "Destination Host Unreachable"});
    assert_eq!(object(PingEvent::Response(PingResponse::Error { from, sequence, problem })), error);
    let advice = object(PingEvent::Response(PingResponse::Advice { from, sequence, problem }));
    assert_eq!((&advice["event"], &advice["sequence"]), (&json!("advice"), &json!(1)));
    assert_eq!(
        object(PingEvent::Statistics),
        json!({"event": "statistics", "time": 400, "target": "10.0.0.1", "transmitted": 1, "received": 1,
            "duplicates": 0, "changed": 1, "errors": 0, "strays": 0, "elapsed": 0,
            "round_trips": {"least": 250, "mean": 250, "most": 250, "deviation": 0}})
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
    let line = line(Instant::from_nanos(400), &session, &PingEvent::Statistics);
    assert!(line.contains("\"round_trips\":null"), "{line}");
    testbed::schema::check_lines("ping", &line);
}
