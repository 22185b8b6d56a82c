use super::*;
use crate::link_change::LinkJson;
use crate::watch::tests::{at, every_event, sample_census};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tap::{Instant, LinkState};
use testbed::schema::{check_lines, events};

/// Returns the object of an event on eth0 at this time, one second after the start.
fn object(wall: Instant, event: impl Serialize) -> Value {
    let observer = Observer { interface: Some("eth0".parse().unwrap()), ..Observer::new(None) };
    object_of(&observer, wall, event)
}

fn object_of(observer: &Observer, wall: Instant, event: impl Serialize) -> Value {
    let line = line(Moment { wall, elapsed: Duration::from_secs(1) }, observer, event);
    check_lines("watch", &line);
    serde_json::from_str(&line).unwrap()
}

#[test]
fn json_lines_match_schema_and_cover_all_its_events() {
    let (observer, _) = sample_census();
    let vendors = Vendors::default();
    let mut lines = vec![
        object(at(0), WatchJson::start(SourceKind::Link, "eth0")),
        object(at(0), WatchJson::start(SourceKind::Pipe, "-")),
        object(at(0), WatchJson::statistics(&observer)),
    ];
    lines.extend(every_event().into_iter().map(|event| object(at(1), WatchJson::event(event, &vendors))));
    lines.extend(
        observer
            .census
            .iter(at(4_200))
            .map(|row| object(at(4_200), WatchJson::address(&row, &Vendors::default()))),
    );
    let mut printed: BTreeSet<_> =
        lines.iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect();
    let link = LinkJson::from(LinkState { is_up: true, has_carrier: true, mtu: 1_500 });
    printed.extend(object(at(0), link)["event"].as_str().map(str::to_owned));
    assert_eq!(printed, events("watch").into_iter().collect());
}

#[test]
fn json_event_has_time_and_vlan_number() {
    let vlan = VlanId::new(5);
    let address = VlanAddress { vlan, ip: Ipv4Addr::new(10, 0, 0, 7) };
    let [a, b] = [0xa, 0xb].map(crate::watch::tests::mac);
    assert_eq!(
        object(
            at(1),
            WatchJson::event(CensusEvent::Conflict { address, mac: a, other: b }, &Vendors::default())
        ),
        json!({"schema": 1, "time": "2026-11-22T08:00:01.000000000+00:00", "elapsed_ns": 1_000_000_000,
            "interface": "eth0", "event": "conflict", "ip": "10.0.0.7", "vlan": 5, "mac": "02:00:00:00:00:0a",
            "other_mac": "02:00:00:00:00:0b"})
    );
}

#[test]
fn json_address_and_statistics_have_all_numbers() {
    let (mut observer, _) = sample_census();
    observer.frames_lost = 3;
    let row = observer.census.iter(at(4_200)).next().unwrap();
    assert_eq!(
        object(at(4_200), WatchJson::address(&row, &Vendors::default())),
        json!({"schema": 1, "time": "2026-11-22T09:10:00.000000000+00:00", "elapsed_ns": 1_000_000_000,
            "interface": "eth0", "event": "address", "ip": "10.0.0.1", "vlan": null, "mac": "02:00:00:00:00:aa", "vendor": null, "state": "fresh",
            "old_mac": "02:00:00:00:00:01", "other_mac": "02:00:00:00:00:01",
            "first_seen": "2026-11-22T09:09:51.000000000+00:00",
            "last_seen": "2026-11-22T09:09:51.000000000+00:00", "requests": 0, "replies": 2,
            "announcements": 0, "probes": 0, "requested": 2, "changes": 1})
    );
    assert_eq!(
        object(at(4_200), WatchJson::statistics(&observer)),
        json!({"schema": 1, "time": "2026-11-22T09:10:00.000000000+00:00", "elapsed_ns": 1_000_000_000,
            "interface": "eth0", "event": "statistics", "duration_ns": 4_200_000_000_000_u64, "packets": 11, "requests": 5,
            "replies": 2, "announcements": 2, "probes": 1, "invalid": 1, "rejected": 0, "broadcasts": 11,
            "ignored": 0, "addresses": 6, "fresh": 4, "quiet": 1, "gone": 1, "added": 6, "changes": 2,
            "conflicts": 1, "evicted": 0, "displaced": 0, "suppressed": 0, "events_lost": 0, "frames_lost": 3,
            "link_losses": 0, "excluded": 0, "known_not_added": 0, "commands_started": 0, "commands_failed": 0,
            "commands_lost": 0})
    );
}

#[test]
fn json_start_names_interface_or_file() {
    let live = object(at(0), WatchJson::start(SourceKind::Link, "eth0, eth1"));
    assert_eq!((&live["interface"], &live["file"]), (&json!("eth0"), &Value::Null));
    let capture = object_of(&Observer::new(None), at(0), WatchJson::start(SourceKind::File, "a.pcap"));
    assert_eq!((&capture["interface"], &capture["file"]), (&Value::Null, &json!("a.pcap")));
}

#[test]
fn json_names_vendor_of_new_address() {
    let file = std::env::temp_dir().join(format!("tapstack-vendors-{}", std::process::id()));
    std::fs::write(&file, "020000\tThe Makers\n").unwrap();
    let vendors = Vendors::from_file(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let event = every_event().remove(0);
    assert_eq!(object(at(1), WatchJson::event(event, &vendors))["vendor"], "The Makers");
    let text = crate::watch::text::event_text_with_vendor(event, &vendors);
    assert_eq!(text, "new 192.168.100.200 is at 02:00:00:00:00:aa (The Makers)");
}
