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
    let first = reply(&mut sweep, MacAddr::new([2, 0, 0, 0, 0, 10]));
    assert_eq!(
        object((&sweep, &stations), ScanEvent::Reply(first)),
        json!({"schema": 1, "time": AT, "elapsed_ns": 400, "event": "reply", "ip": "10.0.0.1",
            "mac": "02:00:00:00:00:0a", "vendor": null, "reply_number": 1, "duplicate": false,
            "other_mac": null, "broadcast": false, "rtt_ns": 0})
    );
    let second = reply(&mut sweep, RIVAL);
    assert_eq!(
        object((&sweep, &stations), ScanEvent::Reply(SweepReply { is_broadcast: true, ..second })),
        json!({"schema": 1, "time": AT, "elapsed_ns": 400, "event": "reply", "ip": "10.0.0.1",
            "mac": "02:00:00:00:00:0b", "vendor": "Rival & Sons", "reply_number": 2, "duplicate": true,
            "other_mac": "02:00:00:00:00:0a", "broadcast": true, "rtt_ns": 0})
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
                ScanEvent::Statistics { outcome, elapsed: Duration::from_nanos(7), lost: 5 }
            ),
            json!({"schema": 1, "time": AT, "elapsed_ns": 400, "event": "statistics", "outcome": outcome_name,
                "targets": 2, "requested": 1, "sent": 1, "send_failures": 0, "answered": 1, "duplicates": 0,
                "conflicts": 1, "contested": 1, "unmatched": 0, "frames_lost": 5, "duration_ns": 7,
                "shared_addresses": [{"ip": "10.0.0.1", "macs": ["02:00:00:00:00:0a", "02:00:00:00:00:0b"]}],
                "shared_macs": [{"mac": "02:00:00:00:00:0a", "addresses": 2, "first_ip": "10.0.0.1",
                    "last_ip": "10.0.0.2"}], "uncounted": 0})
        );
    }
}
