use super::*;
use crate::arping::tests::first_reply;
use serde_json::{Value, json};
use testbed::schema::check_lines;

#[test]
fn arping_json_lines_match_schema() {
    let (inquiry, reply) = first_reply();
    let interface = "tap0".parse().unwrap();
    let object = |event: ArpingEvent<'_>| -> Value {
        let line = line(Instant::from_nanos(400), &inquiry, &event);
        check_lines("arping", &line);
        serde_json::from_str(&line).unwrap()
    };
    assert_eq!(
        object(ArpingEvent::Start { interface: &interface }),
        json!({"event": "start", "time": 400, "interface": "tap0", "target": "10.0.0.1",
            "protocol_address": "10.0.0.2", "hardware_address": "02:00:00:00:00:02"})
    );
    assert_eq!(
        object(ArpingEvent::Reply(reply)),
        json!({"event": "reply", "time": 400, "operation": 2, "sender_protocol_address": "10.0.0.1",
            "sender_hardware_address": "02:00:00:00:00:0a", "target_protocol_address": "10.0.0.2",
            "target_hardware_address": "02:00:00:00:00:02", "broadcast": false, "round_trip": 612_500,
            "duplicate": false})
    );
    assert_eq!(
        object(ArpingEvent::Statistics(InquiryOutcome::Answered)),
        json!({"event": "statistics", "time": 400, "target": "10.0.0.1", "outcome": "answered", "sent": 1,
            "broadcast": 1, "refused": 0, "received": 1, "duplicates": 0, "strays": 0})
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
