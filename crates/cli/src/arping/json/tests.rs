use super::*;
use crate::arping::tests::{first_reply, inquiry as inquiry_of, reply as probe_reply};
use link::MacAddr;
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
            "broadcast": false, "rtt_ns": 612_500, "duplicate": false, "other_mac": null})
    );
    assert_eq!(
        object(ArpingEvent::Statistics(InquiryOutcome::Answered)),
        json!({"schema": 1, "time": AT, "elapsed_ns": 400, "event": "statistics", "target_ip": "10.0.0.1",
            "outcome": "answered", "sent": 1, "broadcasts": 1, "send_failures": 0, "received": 1,
            "duplicates": 0, "unmatched": 0, "unanswered": 0, "macs": ["02:00:00:00:00:0a"], "rtt_min_ns": 612_500,
            "rtt_mean_ns": 612_500, "rtt_max_ns": 612_500})
    );
    let other_mac = Some(MacAddr::new([2, 0, 0, 0, 0, 11]));
    let second = object(ArpingEvent::Reply(InquiryReply { is_duplicate: true, other_mac, ..reply }));
    assert_eq!((&second["duplicate"], &second["other_mac"]), (&json!(true), &json!("02:00:00:00:00:0b")));
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
    // Probes are not requests, and have no round-trip times.
    let mut probe = inquiry_of(Purpose::Probe);
    probe_reply(&mut probe, 5, |_| {}).unwrap();
    let end = line(Moment::of_nanos(400), &probe, &ArpingEvent::Statistics(InquiryOutcome::InUse));
    check_lines("arping", &end);
    let end: Value = serde_json::from_str(&end).unwrap();
    assert_eq!((&end["unanswered"], &end["rtt_min_ns"]), (&Value::Null, &Value::Null));
    assert_eq!(end["macs"], json!(["02:00:00:00:00:0a"]));
}
