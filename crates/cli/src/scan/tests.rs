//! Fixtures for the tests of text and JSON.

use super::*;
use arp::{Operation, Packet, PacketFields};
use arptools::Requester;
use arptools::sweep::SweepReply;
use link::MacAddr;

pub(super) const RIVAL: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 11]);

/// Returns a sweep of 10.0.0.1 and 10.0.0.2 that has sent the first request.
pub(super) fn sweep() -> Sweep {
    let plan = SweepPlan {
        sender: Identity { ip: Ipv4Addr::new(10, 0, 0, 9), mac: MacAddr::new([2, 0, 0, 0, 0, 9]) },
        passes: 2,
        timeout: Duration::from_millis(500),
        backoff: 1.5,
        interval: Duration::from_millis(2),
        limit: None,
        seed: None,
    };
    let ranges = TargetRanges::new([Ipv4Addr::new(10, 0, 0, 1)..=Ipv4Addr::new(10, 0, 0, 2)]).unwrap();
    let mut sweep = Sweep::new(Instant::ORIGIN, plan, ranges);
    sweep.sent(Instant::ORIGIN);
    sweep
}

/// Passes an ARP reply of 10.0.0.1 from this MAC address to the sweep.
pub(super) fn reply(sweep: &mut Sweep, sender_hardware: MacAddr) -> SweepReply {
    reply_for(sweep, Ipv4Addr::new(10, 0, 0, 1), sender_hardware)
}

fn reply_for(sweep: &mut Sweep, sender_protocol: Ipv4Addr, sender_hardware: MacAddr) -> SweepReply {
    let sender = sweep.plan().sender;
    let packet = PacketFields {
        operation: Operation::REPLY,
        sender_hardware,
        sender_protocol,
        target_hardware: sender.mac,
        target_protocol: sender.ip,
    };
    let mut bytes = [0; PacketFields::LENGTH];
    packet.write_to(&mut bytes).unwrap();
    sweep.receive(Instant::ORIGIN, Packet::parse(&bytes).unwrap(), false).unwrap()
}

#[test]
fn scan_warns_before_start_when_it_takes_minutes() {
    let plan = |retry: u32, interval| SweepPlan { passes: retry, interval, ..*sweep().plan() };
    let two = Duration::from_millis(2);
    assert_eq!(max_duration(&plan(2, two), 256), Duration::from_millis(2 * 512 + 500 + 750));
    assert!(duration_warning(max_duration(&plan(2, two), 256)).is_none());
    let warning = duration_warning(max_duration(&plan(2, two), 1 << 24)).unwrap();
    assert_eq!(
        warning.to_string(),
        "this scan takes up to 19 hours\nhint: use a higher --rate or fewer --retry to shorten it"
    );
    let warning = duration_warning(max_duration(&plan(2, Duration::from_hours(1)), u64::MAX)).unwrap();
    assert!(warning.to_string().starts_with("this scan takes more than a year\n"), "{warning}");
    // The example of the help text: 65,536 addresses at 20,000 per second.
    let pass = max_duration(&plan(1, Duration::from_micros(50)), 1 << 16);
    assert_eq!(pass, Duration::from_micros(50 * 65_536) + Duration::from_millis(500));
}

#[test]
fn conflict_message_names_first_address_and_number_of_others() {
    let (mut sweep, mut stations) = (sweep(), ScanStations::default());
    let first = reply(&mut sweep, MacAddr::new([2, 0, 0, 0, 0, 10]));
    stations.add(&first);
    assert_eq!(conflict_message(&sweep, &stations), None);
    stations.add(&reply(&mut sweep, RIVAL));
    let one = "10.0.0.1 is used by two stations: 02:00:00:00:00:0a, 02:00:00:00:00:0b";
    assert_eq!(conflict_message(&sweep, &stations).unwrap(), format!("address conflict: {one}"));
    sweep.sent(Instant::ORIGIN);
    for mac in [RIVAL, MacAddr::new([2, 0, 0, 0, 0, 10])] {
        stations.add(&reply_for(&mut sweep, Ipv4Addr::new(10, 0, 0, 2), mac));
    }
    let two = format!("address conflicts: {one}; and 1 more address");
    assert_eq!(conflict_message(&sweep, &stations).unwrap(), two);
}
