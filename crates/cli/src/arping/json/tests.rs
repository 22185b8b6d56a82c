use super::*;
use crate::arping::tests::first_reply;
use serde_json::{Value, json};
use testbed::schema::check_lines;

const AT: &str = "1970-01-01T00:00:00.000000400+00:00";

#[test]
fn arping_json_lines_match_schema() {
    let (inquiry, reply) = first_reply();
    let interface = "tap0".parse().unwrap();
    let object = |event: ArpingEvent<'_>| -> Value {
        let line = line(Moment::of_nanos(400), &inquiry, &event);
        check_lines("arping", &line);
        serde_json::from_str(&line).unwrap()
    };
    assert_eq!(
        object(ArpingEvent::Start { interface: &interface }),
        json!({"schema": 1, "time": AT, "elapsed_ns": 400, "event": "start", "interface": "tap0",
            "local_ip": "10.0.0.2", "local_mac": "02:00:00:00:00:02", "target_ip": "10.0.0.1"})
    );
    assert_eq!(
        object(ArpingEvent::Reply(reply)),
        json!({"schema": 1, "time": AT, "elapsed_ns": 400, "event": "reply", "operation": 2, "ip": "10.0.0.1",
            "mac": "02:00:00:00:00:0a", "target_ip": "10.0.0.2", "target_mac": "02:00:00:00:00:02",
            "broadcast": false, "rtt_ns": 612_500, "duplicate": false})
    );
    assert_eq!(
        object(ArpingEvent::Statistics(InquiryOutcome::Answered)),
        json!({"schema": 1, "time": AT, "elapsed_ns": 400, "event": "statistics", "target_ip": "10.0.0.1",
            "outcome": "answered", "sent": 1, "broadcasts": 1, "send_failures": 0, "received": 1,
            "duplicates": 0, "unmatched": 0})
    );
    let shows_its_event =
        |outcome: InquiryOutcome| object(ArpingEvent::Statistics(outcome))["outcome"].is_string();
    let rest = [
        InquiryOutcome::NoReply,
        InquiryOutcome::InUse,
        InquiryOutcome::Free,
        InquiryOutcome::Announced,
        InquiryOutcome::NothingSent,
    ];
    assert!(
        rest.into_iter().chain([InquiryOutcome::Impaired, InquiryOutcome::Unfinished]).all(shows_its_event)
    );
}
