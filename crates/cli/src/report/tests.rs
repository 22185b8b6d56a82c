use super::*;
use arp::{ClaimEvent, NeighborEvent};
use host::HostEvent;
use serde_json::Value;
use tap::{Checksum, Offload};

const PORT: PortId = PortId::new(0);
const NOW: Instant = Instant::from_nanos(3_661_000_042_000);

fn events() -> Vec<HostEvent> {
    let (a, b) = (MacAddr::new([2, 0, 0, 0, 0, 1]), MacAddr::new([2, 0, 0, 0, 0, 2]));
    let ip = [10, 0, 0, 1].into();
    let changes = [
        NeighborEvent::Learned { ip, mac: a },
        NeighborEvent::Resolving { ip },
        NeighborEvent::Forgotten { ip },
        NeighborEvent::Moved { ip, from: a, to: b },
        NeighborEvent::StaticConflict { ip, mac: a },
        NeighborEvent::Changed { ip, from: arp::NeighborState::Delay, to: arp::NeighborState::Probe },
        NeighborEvent::Expired { ip },
        NeighborEvent::Evicted { ip },
        NeighborEvent::Refused { ip },
    ];
    let claims = [
        ClaimEvent::Probing { ip },
        ClaimEvent::Bound { ip, mac: a },
        ClaimEvent::ProbeConflict { ip, mac: a },
        ClaimEvent::Conflict { ip, mac: a },
        ClaimEvent::Defended { ip, mac: a },
        ClaimEvent::Ceased { ip, mac: a },
    ];
    let events = changes.into_iter().map(arp::ArpEvent::Neighbor);
    let events = events.chain(claims.into_iter().map(arp::ArpEvent::Claim));
    events.map(|event| HostEvent::Arp(inet::InterfaceId(0), event)).collect()
}

#[test]
fn link_change_is_printed_as_one_line() {
    let state = LinkState { is_up: true, has_carrier: false, mtu: 1_500 };
    let line = |json| printed(Verbosity::Events, json, |report| report.link(NOW, state));
    assert_eq!(line(false), "01:01:01.000042 link has no carrier\n");
    testbed::schema::check_lines("host", &line(true));
    testbed::schema::check_lines("ping", &line(true));
}

#[test]
fn ready_line_names_services_and_ports() {
    const MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
    let host = Host::new(Instant::ORIGIN, &HostConfig::range("10.1.0.0/16".parse().unwrap(), MAC));
    let host = host.unwrap();
    let ready = |services: &[ReadyService]| {
        printed(Verbosity::Quiet, false, |report| report.ready(&"tap0".parse().unwrap(), &host, services))
    };
    let service = |service, port| ReadyService { service, protocol: "udp", port };
    assert_eq!(ready(&[]), "ready tap0 02:00:00:00:00:02 10.1.0.0/16\n");
    let services = [service("echo", 7), service("chargen", 1_900)];
    assert_eq!(
        ready(&services),
        "ready tap0 02:00:00:00:00:02 10.1.0.0/16 serving echo 7/udp, chargen 1900/udp\n"
    );
}

#[test]
fn counter_names_are_unique_identifiers_in_their_layer() {
    let counters = zero_counters();
    let names: Vec<_> = counters.iter().map(|counter| (counter.layer, counter.name)).collect();
    let unique: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(unique.len(), names.len());
    let is_identifier = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    assert_eq!(names.into_iter().find(|(_, name)| !is_identifier(name)), None);
}

fn printed(level: Verbosity, json: bool, act: impl FnOnce(&mut HostReport<Vec<u8>>)) -> String {
    let mut report = HostReport::new(Vec::new(), level, json, WallClock::Fixed(Duration::ZERO));
    act(&mut report);
    report.flush();
    String::from_utf8(report.out.into_inner()).unwrap()
}

fn frame(bytes: &[u8], offload: Offload) -> Frame {
    let mut frame = Frame::for_mtu(bytes.len());
    frame.write(bytes).unwrap();
    frame.set_offload(offload);
    frame
}

fn drop_one(report: &mut HostReport<Vec<u8>>) {
    report.frame_received(NOW, PORT, &frame(&[2; 14], Offload::default()));
    report.frame_handled(NOW, PORT, FrameOutcome::Dropped(link::LinkDropReason::GroupSource.into()));
}

#[test]
fn drop_for_other_station_is_printed_only_with_all_frames() {
    let for_others = |report: &mut HostReport<Vec<u8>>| {
        report.frame_handled(NOW, PORT, FrameOutcome::Dropped(link::LinkDropReason::NotLocal.into()));
    };
    assert_eq!(printed(Verbosity::Events, false, for_others), "");
    assert_eq!(printed(Verbosity::Frames, false, for_others).lines().count(), 1);
    assert_eq!(printed(Verbosity::Events, true, for_others), "");
    assert_eq!(printed(Verbosity::Frames, true, for_others).lines().count(), 1);
}

#[test]
fn drop_line_has_source_and_reason() {
    let text = printed(Verbosity::Events, false, drop_one);
    assert_eq!(
        text,
        "01:01:01.000042 dropped a frame from 02:02:02:02:02:02: source is a multicast or broadcast address\n"
    );
}

#[test]
fn verbosity_selects_drops_and_frames() {
    assert_eq!(printed(Verbosity::Quiet, false, drop_one), "");
    assert_eq!(printed(Verbosity::Frames, false, drop_one).lines().count(), 2);
}

#[test]
fn drop_flood_is_suppressed_unless_all_frames_are_printed() {
    let flood = |report: &mut HostReport<Vec<u8>>| {
        (0..400).for_each(|_| drop_one(report));
        report.suppressed(NOW, None);
    };
    for json in [false, true] {
        let text = printed(Verbosity::Events, json, flood);
        assert_eq!(text.lines().count(), 11, "{text}");
        let last = text.lines().last().unwrap();
        assert!(last.contains("suppressed") && last.contains("390"), "{last}");
        let reason = if json { "source_multicast" } else { "source is a multicast or broadcast address" };
        assert!(last.contains(reason), "{last}");
        assert_eq!(printed(Verbosity::Frames, json, flood).lines().count(), 800);
    }
}

#[test]
fn line_kind_has_json_event_name() {
    for event in events() {
        let line = serde_json::to_value(HostJson::event(event, None)).unwrap();
        let name = LineKind::of_event(event).map(LineKind::name);
        assert!(name.is_none_or(|name| line["event"] == name), "{line}: {name:?}");
    }
}

#[test]
fn time_direction_and_first_word_are_styled() {
    let mut report = HostReport::new(Vec::new(), Verbosity::Frames, false, WallClock::Fixed(Duration::ZERO))
        .with_styler(Styler::ENABLED);
    drop_one(&mut report);
    report.flush();
    let text = String::from_utf8(report.out.into_inner()).unwrap();
    let time = "\u{1b}[2m01:01:01.000042\u{1b}[0m";
    let mut lines = text.lines();
    assert!(lines.next().unwrap().starts_with(&format!("{time} \u{1b}[36mIn \u{1b}[0m ")), "{text}");
    let dropped = lines.next().unwrap();
    assert!(dropped.starts_with(&format!("{time} \u{1b}[33mdropped\u{1b}[0m a frame from ")), "{text}");
}

#[test]
fn json_is_not_styled_and_events_have_styles_by_severity() {
    let mut report = HostReport::new(Vec::new(), Verbosity::Frames, true, WallClock::Fixed(Duration::ZERO))
        .with_styler(Styler::ENABLED);
    drop_one(&mut report);
    report.flush();
    assert!(!String::from_utf8(report.out.into_inner()).unwrap().contains('\u{1b}'));
    let styled = |expected| events().into_iter().filter(|event| event_style(*event) == expected).count();
    assert_eq!((styled(crate::color::ERROR), styled(WARNING), styled(crate::color::EMPHASIS)), (3, 4, 8));
}

#[test]
fn json_event_of_vlan_names_it() {
    for event in events() {
        let json = |vlan| serde_json::to_value(HostJson::event(event, vlan)).unwrap();
        assert_eq!(json(link::VlanId::new(5))["vlan"], 5, "{event:?}");
        assert_eq!(json(None).get("vlan"), None);
    }
}

#[test]
fn host_event_is_one_json_object_with_time() {
    for event in events() {
        let line = serde_json::to_value(HostJson::event(event, None)).unwrap();
        assert!(line.get("event").is_some_and(Value::is_string), "{line}");
        assert!(event_text(event).starts_with(line["event"].as_str().unwrap()));
    }
    let text = printed(Verbosity::Frames, true, drop_one);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["hex"], "02".repeat(14));
    assert_eq!(lines[0]["time"], "1970-01-01T01:01:01.000042000+00:00");
    assert_eq!((&lines[0]["schema"], &lines[0]["elapsed_ns"]), (&1.into(), &NOW.as_nanos().into()));
    assert_eq!(
        (lines[1]["layer"].as_str(), lines[1]["reason"].as_str()),
        (Some("link"), Some("source_multicast"))
    );
}

#[test]
fn json_lines_match_schema_and_cover_all_its_events() {
    let interface = "tap0".parse().unwrap();
    let ip = Ipv4Addr::new(10, 0, 0, 2);
    let mac = MacAddr::new([2, 0, 0, 0, 0, 2]);
    let one = ReadyHosts { mac: Mac(mac), ip: ip.into(), prefix_length: 24, count: 1, vlan: None };
    let range = ReadyHosts { vlan: Some(5), count: 256, ..one };
    let services = [ReadyService { service: "chargen", protocol: "udp", port: 1_900 }];
    let entry = |mac| Neighbor { ip, mac, state: arp::NeighborState::Static };
    let reason = DropReason::from(link::LinkDropReason::GroupSource);
    let more = [
        HostJson::ready(&interface, 1_500, &[], &[]),
        HostJson::ready(&interface, 1_500, &[one, range], &services),
        HostJson::neighbor(&interface, &entry(Some(mac))),
        HostJson::neighbor(&interface, &entry(None)),
        HostJson::dropped(Some(mac), reason),
        HostJson::dropped(None, reason),
        HostJson::suppressed(&SuppressedLines { kind: LineKind::of_drop(reason), count: 37 }),
        HostJson::suppressed(&SuppressedLines { kind: LineKind::Event("learned"), count: 1 }),
        HostJson::suppressed(&SuppressedLines { kind: LineKind::EventAbout("moved", ip), count: 1 }),
        HostJson::frame(Direction::In, &[2; 14]),
        HostJson::frame(Direction::Out, &[]),
        HostJson::counters(&zero_counters()),
    ];
    let lines = events()
        .into_iter()
        .flat_map(|event| [None, link::VlanId::new(5)].map(|vlan| HostJson::event(event, vlan)));
    let lines = lines.chain(more);
    let link = LinkState { is_up: true, has_carrier: false, mtu: 1_500 };
    let at = Moment::of_nanos(NOW.as_nanos());
    let link = output::json(&EventObject::new(at, LinkJson::from(link)));
    let lines: Vec<String> =
        lines.map(|line| output::json(&EventObject::new(at, line))).chain([link]).collect();
    let mut printed: Vec<String> = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].as_str().unwrap().to_owned())
        .collect();
    printed.dedup();
    testbed::schema::check_lines("host", &lines.join("\n"));
    for event in testbed::schema::events("host") {
        assert!(printed.contains(&event), "no test prints {event}");
    }
}

/// Returns a UDP datagram in a frame of this length, with a complete checksum and with the sum of its pseudo-header.
fn datagram(length: usize) -> [Vec<u8>; 2] {
    let total = u16::try_from(length - 14).unwrap().to_be_bytes();
    let udp = u16::try_from(length - 34).unwrap().to_be_bytes();
    let mut complete =
        [&[2; 12][..], &[8, 0, 0x45, 0, total[0], total[1], 0, 0, 0, 0, 64, 17, 0, 0]].concat();
    complete.extend([10, 0, 0, 1, 10, 0, 0, 2]);
    let sum = inet::checksum::of(&complete[14..]);
    complete[24..26].copy_from_slice(&sum.to_be_bytes());
    complete.extend([0, 7, 0, 9, udp[0], udp[1], 0, 0]);
    complete.resize(length, 0x5a);
    let pseudo_header = inet::checksum::Sum::default().plus(&complete[26..34]).plus_word(17).plus(&udp);
    let sum = pseudo_header.plus(&complete[34..]).checksum();
    complete[40..42].copy_from_slice(&sum.to_be_bytes());
    let mut partial = complete.clone();
    partial[40..42].copy_from_slice(&(!pseudo_header.checksum()).to_be_bytes());
    [complete, partial]
}

#[test]
fn frames_with_incomplete_checksums_are_printed_and_captured_with_complete_checksums() {
    let path = std::env::temp_dir().join(format!("tapstack-checksums-{}", std::process::id()));
    let recorder = Recorder::create(&path, "tap0", WallClock::Fixed(Duration::ZERO)).unwrap();
    // Frames of several segments, which a turn receives together, and a short frame.
    let frames = [65_549, 65_549, 65_549, 100].map(datagram);
    let offload = Offload { checksum: Checksum::Partial { start: 34, offset: 6 }, segmentation: None };
    let mut report = HostReport::new(Vec::new(), Verbosity::Frames, true, WallClock::Fixed(Duration::ZERO))
        .with_recorder(Some(recorder));
    for [_, partial] in &frames {
        let frame = frame(partial, offload);
        report.frame_received(NOW, PORT, &frame);
        report.frame_handled(NOW, PORT, FrameOutcome::Dropped(link::LinkDropReason::NotLocal.into()));
        report.frame_sent(NOW, PORT, &frame);
    }
    report.flush();
    let lines = String::from_utf8(report.out.into_inner()).unwrap();
    drop(report.recorder);
    let capture = std::fs::read(&path).unwrap();
    std::fs::remove_file(path).unwrap();

    let complete: Vec<_> = frames.iter().flat_map(|[complete, _]| [complete, complete]).collect();
    let objects = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let printed: Vec<_> =
        objects.filter_map(|object| Some(object.get("hex")?.as_str()?.to_owned())).collect();
    let hex = |bytes: &Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    assert!(
        printed == complete.iter().map(|bytes| hex(bytes)).collect::<Vec<_>>(),
        "a printed frame differs"
    );
    let mut captured = Vec::new();
    let mut reader = capture::FrameReader::new(&capture[..], &[capture::LinkType::ETHERNET]).unwrap();
    reader
        .read(|record| {
            captured.push(record.bytes.to_vec());
            true
        })
        .unwrap();
    assert!(captured.iter().eq(complete), "a captured frame differs");
}
