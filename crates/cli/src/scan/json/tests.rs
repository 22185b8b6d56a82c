use std::time::Duration;

use super::*;
use crate::scan::tests::{RIVAL, reply, sweep};
use serde_json::{Value, json};
use testbed::schema::check_lines;

#[test]
fn scan_json_lines_match_schema() {
    let mut sweep = sweep();
    let object = |sweep: &Sweep, event: ScanEvent| -> Value {
        let name = |address| (address == RIVAL).then_some("Rival & Sons");
        let line = line(Instant::from_nanos(400), &"tap0".parse().unwrap(), sweep, name, &event);
        check_lines("scan", &line);
        serde_json::from_str(&line).unwrap()
    };
    assert_eq!(
        object(&sweep, ScanEvent::Start),
        json!({"event": "start", "time": 400, "interface": "tap0", "protocol_address": "10.0.0.9",
            "hardware_address": "02:00:00:00:00:09", "hosts": 2, "passes": 2, "pace": 2_000_000})
    );
    let first = reply(&mut sweep, MacAddr::new([2, 0, 0, 0, 0, 10]));
    assert_eq!(
        object(&sweep, ScanEvent::Reply { reply: first, is_broadcast: false }),
        json!({"event": "reply", "time": 400, "protocol_address": "10.0.0.1",
            "hardware_address": "02:00:00:00:00:0a", "vendor": null, "number": 1, "duplicate": false,
            "conflict_with": null, "broadcast": false})
    );
    let second = reply(&mut sweep, RIVAL);
    assert_eq!(
        object(&sweep, ScanEvent::Reply { reply: second, is_broadcast: true }),
        json!({"event": "reply", "time": 400, "protocol_address": "10.0.0.1",
            "hardware_address": "02:00:00:00:00:0b", "vendor": "Rival & Sons", "number": 2, "duplicate": true,
            "conflict_with": "02:00:00:00:00:0a", "broadcast": true})
    );
    let outcomes = [
        (SweepOutcome::Found, "found"),
        (SweepOutcome::BelowLimit, "fewer"),
        (SweepOutcome::NoReply, "silent"),
        (SweepOutcome::NothingSent, "unasked"),
        (SweepOutcome::Impaired, "hindered"),
        (SweepOutcome::Unfinished, "unfinished"),
    ];
    for (outcome, outcome_name) in outcomes {
        assert_eq!(
            object(&sweep, ScanEvent::Statistics { outcome, elapsed: Duration::from_nanos(7), lost: 5 }),
            json!({"event": "statistics", "time": 400, "outcome": outcome_name, "hosts": 2, "asked": 1, "sent": 1,
                "refused": 0, "answered": 1, "duplicates": 0, "conflicts": 1, "contested": 1, "strays": 0, "lost": 5,
                "elapsed": 7})
        );
    }
}
