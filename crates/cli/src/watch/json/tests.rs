use super::*;
use crate::link_change::LinkChange;
use crate::watch::tests::{at, every_event, sample_census};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tap::LinkState;
use testbed::schema::check_lines;
use testbed::schema::events;

#[test]
fn json_lines_match_schema_and_cover_all_its_events() {
    let (observer, _) = sample_census();
    let link = LinkState { is_up: true, has_carrier: true, mtu: 1_500 };
    let mut lines = vec![
        start(at(0), "eth0"),
        crate::output::json(&LinkChange::new(at(0), link)),
        statistics(&observer, 0),
    ];
    lines.extend(every_event().into_iter().map(|happened| event(at(1), happened)));
    lines.extend(observer.census.iter(at(4_200)).map(|row| address(at(4_200), &row)));
    check_lines("watch", &lines.join("\n"));
    let printed: BTreeSet<_> = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(printed, events("watch").into_iter().collect());
}

#[test]
fn json_event_has_time_since_1970_and_vlan_number() {
    let vlan = VlanId::new(5);
    let address = VlanAddress { vlan, ip: Ipv4Addr::new(10, 0, 0, 7) };
    let [a, b] = [0xa, 0xb].map(crate::watch::tests::mac);
    let line = event(at(1), CensusEvent::Conflict { address, mac: a, other: b });
    assert_eq!(
        serde_json::from_str::<Value>(&line).unwrap(),
        json!({"event": "conflict", "time": 1_795_334_401_000_000_000_u64, "protocol_address": "10.0.0.7",
            "vlan": 5, "hardware_address": "02:00:00:00:00:0a", "other": "02:00:00:00:00:0b"})
    );
}

#[test]
fn json_address_and_statistics_have_all_numbers() {
    let (observer, _) = sample_census();
    let row = observer.census.iter(at(4_200)).next().unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&address(at(4_200), &row)).unwrap(),
        json!({"event": "address", "time": 1_795_338_600_000_000_000_u64, "protocol_address": "10.0.0.1",
            "vlan": null, "hardware_address": "02:00:00:00:00:aa", "state": "fresh",
            "former": "02:00:00:00:00:01", "conflict": "02:00:00:00:00:01",
            "first": 1_795_338_591_000_000_000_u64, "last": 1_795_338_591_000_000_000_u64, "requests": 0,
            "replies": 2, "announcements": 0, "probes": 0, "asked": 2, "changes": 1})
    );
    assert_eq!(
        serde_json::from_str::<Value>(&statistics(&observer, 3)).unwrap(),
        json!({"event": "statistics", "time": 1_795_338_600_000_000_000_u64,
            "elapsed": 4_200_000_000_000_u64, "packets": 11, "requests": 5, "replies": 2, "announcements": 2,
            "probes": 1, "odd": 1, "turned_away": 0, "broadcast": 11, "ignored": 0, "addresses": 6,
            "fresh": 4, "quiet": 1, "gone": 1, "entered": 6, "changed": 2, "conflicts": 1, "evicted": 0, "displaced": 0,
            "hushed": 0, "events_lost": 0, "frames_lost": 3, "link_losses": 0})
    );
}
