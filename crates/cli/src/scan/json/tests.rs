use std::time::Duration;

use super::*;
use crate::scan::tests::{RIVAL, reply, sweep};
use arp::PacketFields;
use serde_json::{Value, json};
use testbed::schema::check_lines;

const AT: &str = "1970-01-01T00:00:00.000000400+00:00";

#[test]
fn scan_json_lines_match_schema() {
    let (mut sweep, mut stations) = (sweep(), ScanStations::default());
    let object = |sweep: (&Sweep, &ScanStations), event: ScanEvent| -> Value {
        let name = |address| (address == RIVAL).then_some("Rival & Sons");
        let line = line(Moment::of_nanos(400), &"tap0".parse().unwrap(), sweep, name, &event);
        check_lines("scan", &line);
        serde_json::from_str(&line).unwrap()
    };
    assert_eq!(
        object((&sweep, &stations), ScanEvent::Start),
        json!({"schema": 1, "time": AT, "elapsed_ns": 400, "event": "start", "interface": "tap0",
            "local_ip": "10.0.0.9", "local_mac": "02:00:00:00:00:09", "targets": 2, "passes": 2,
            "interval_ns": 2_000_000})
    );
    let event = |reply| ScanEvent::Reply(ReplyEvent { reply, at: Moment::of_nanos(400), name: None });
    let first = reply(&mut sweep, MacAddr::new([2, 0, 0, 0, 0, 10]));
    assert_eq!(
        object((&sweep, &stations), event(first)),
        json!({"schema": 1, "time": AT, "elapsed_ns": 400, "event": "reply", "ip": "10.0.0.1",
            "mac": "02:00:00:00:00:0a", "vendor": null, "reply_number": 1, "duplicate": false,
            "other_mac": null, "broadcast": false, "rtt_ns": 0, "name": null})
    );
    let second = reply(&mut sweep, RIVAL);
    assert_eq!(
        object((&sweep, &stations), event(SweepReply { is_broadcast: true, ..second })),
        json!({"schema": 1, "time": AT, "elapsed_ns": 400, "event": "reply", "ip": "10.0.0.1",
            "mac": "02:00:00:00:00:0b", "vendor": "Rival & Sons", "reply_number": 2, "duplicate": true,
            "other_mac": "02:00:00:00:00:0a", "broadcast": true, "rtt_ns": 0, "name": null})
    );
    let packet = PacketFields { sender_protocol: Ipv4Addr::new(10, 0, 0, 2), ..first.packet };
    for reply in [first, second, SweepReply { packet, ..first }] {
        stations.add(&reply);
    }
    let outcomes = [
        (SweepOutcome::Found, "found"),
        (SweepOutcome::BelowLimit, "below_limit"),
        (SweepOutcome::NoReply, "no_reply"),
        (SweepOutcome::NothingSent, "nothing_sent"),
        (SweepOutcome::Impaired, "impaired"),
        (SweepOutcome::Unfinished, "unfinished"),
    ];
    for (outcome, outcome_name) in outcomes {
        assert_eq!(
            object(
                (&sweep, &stations),
                ScanEvent::Statistics {
                    outcome,
                    elapsed: Duration::from_nanos(7),
                    lost: 5,
                    differences: None
                }
            ),
            json!({"schema": 1, "time": AT, "elapsed_ns": 400, "event": "statistics", "outcome": outcome_name,
                "targets": 2, "requested": 1, "sent": 1, "send_failures": 0, "answered": 1, "duplicates": 0,
                "conflicts": 1, "contested": 1, "unmatched": 0, "frames_lost": 5, "duration_ns": 7, "differences": null,
                "shared_addresses": [{"ip": "10.0.0.1", "macs": ["02:00:00:00:00:0a", "02:00:00:00:00:0b"]}],
                "shared_macs": [{"mac": "02:00:00:00:00:0a", "addresses": 2, "first_ip": "10.0.0.1",
                    "last_ip": "10.0.0.2"}], "uncounted": 0})
        );
    }
    let (old, new) = (MacAddr::new([2, 0, 0, 0, 0, 10]), RIVAL);
    let difference = |old: &[MacAddr], new: &[MacAddr]| {
        let difference = Difference { ip: [10, 0, 0, 2].into(), old: old.to_vec(), new: new.to_vec() };
        object((&sweep, &stations), ScanEvent::Difference(difference))
    };
    let fields = json!({"schema": 1, "time": AT, "elapsed_ns": 400, "ip": "10.0.0.2"});
    let expected = |more: Value| {
        let mut object = fields.clone();
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    };
    let (old_mac, new_mac) = ("02:00:00:00:00:0a", "02:00:00:00:00:0b");
    assert_eq!(difference(&[], &[new]), expected(json!({"event": "added", "macs": [new_mac]})));
    assert_eq!(difference(&[old], &[]), expected(json!({"event": "gone", "old_macs": [old_mac]})));
    assert_eq!(
        difference(&[old], &[old, new]),
        expected(json!({"event": "moved", "old_macs": [old_mac], "macs": [old_mac, new_mac]}))
    );
}
