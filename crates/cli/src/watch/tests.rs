//! Sample census for the tests of all outputs.

use std::net::Ipv4Addr;

use arp::{ArpDropReason, Operation, PacketFields};
use arptools::census::{CensusEvent, VlanAddress};
use link::{MacAddr, VlanId};

use super::*;

/// 2026-11-22 08:00:00 UTC.
pub(super) const BEGIN: Instant = Instant::from_nanos(1_795_334_400_000_000_000);

pub(super) fn at(seconds: u64) -> Instant {
    BEGIN + Duration::from_secs(seconds)
}

pub(super) fn mac(last: u8) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, last])
}

pub(super) fn ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

/// Returns a broadcast frame with an ARP packet.
pub(super) fn frame(operation: u16, sender: (MacAddr, Ipv4Addr), target: (MacAddr, Ipv4Addr)) -> Vec<u8> {
    let fields = PacketFields {
        operation: Operation(operation),
        sender_hardware: sender.0,
        sender_protocol: sender.1,
        target_hardware: target.0,
        target_protocol: target.1,
    };
    let mut packet = [0; PacketFields::LENGTH];
    fields.write_to(&mut packet).unwrap();
    [&[0xff; 6][..], &sender.0.bytes(), &[8, 6], &packet].concat()
}

pub(super) fn request(sender: u8, target: u8) -> Vec<u8> {
    frame(1, (mac(sender), ip(sender)), (MacAddr::ZERO, ip(target)))
}

/// Returns a census of 70 minutes and eight hosts: one gone, one quiet, one moved, two in conflict, one probed address and
/// an invalid packet.
pub(super) fn sample_census() -> (Observer, Vec<(Instant, CensusEvent)>) {
    let mut observer = Observer::new(None);
    for (seconds, bytes) in sample_frames() {
        observer.observe(at(seconds), &bytes);
    }
    observer.advance(at(4_200));
    let events = std::iter::from_fn(|| observer.census.take_event()).collect::<Vec<_>>();
    let events = events.into_iter().zip(0..).map(|(event, number)| (at(4_190 + number), event)).collect();
    (observer, events)
}

/// Returns the frames of the sample census, with their times in seconds.
pub(super) fn sample_frames() -> Vec<(u64, Vec<u8>)> {
    let reply = |sender: u8| frame(2, (mac(sender), ip(1)), (mac(5), ip(5)));
    let announcement = |sender: u8, last: u8| frame(1, (mac(sender), ip(last)), (MacAddr::ZERO, ip(last)));
    let probe = frame(1, (mac(9), Ipv4Addr::UNSPECIFIED), (MacAddr::ZERO, ip(5)));
    let invalid = frame(1, (MacAddr::BROADCAST, ip(6)), (MacAddr::ZERO, ip(1)));
    vec![
        (0, request(4, 1)),
        (3_600, request(3, 1)),
        (4_190, request(5, 1)),
        (4_191, reply(1)),
        (4_191, reply(0xaa)),
        (4_192, announcement(7, 2)),
        (4_193, announcement(8, 2)),
        (4_194, probe),
        (4_195, invalid),
        (4_196, request(8, 1)),
        (4_199, request(5, 1)),
    ]
}

/// Returns at least one event of each kind, with the longest addresses.
pub(super) fn every_event() -> Vec<CensusEvent> {
    let address = VlanAddress { vlan: None, ip: Ipv4Addr::new(192, 168, 100, 200) };
    let (mac, other) = (mac(0xaa), mac(0xbb));
    vec![
        CensusEvent::New { address, mac },
        CensusEvent::Moved { address, from: mac, to: other },
        CensusEvent::Conflict { address, mac, other },
        CensusEvent::Probe { address, mac, owner: None },
        CensusEvent::Probe { address, mac, owner: Some(other) },
        CensusEvent::Announcement { address, mac },
        CensusEvent::Mismatch { address, mac, source: other },
        CensusEvent::Invalid { source: mac, vlan: None, reason: ArpDropReason::SenderMac },
        CensusEvent::Invalid { source: mac, vlan: VlanId::new(5), reason: ArpDropReason::SenderIp },
        CensusEvent::Gone { address, mac },
        CensusEvent::Returned { address, mac, silence: Duration::from_secs(4_000) },
        CensusEvent::ManyAddresses { mac, addresses: 16 },
        CensusEvent::Flood { mac: Some(mac), packets: 100 },
        CensusEvent::Flood { mac: None, packets: 1_000 },
        CensusEvent::Full { address, mac },
        CensusEvent::Evicted { address },
    ]
}

/// Returns observers of these interfaces.
pub(super) fn observers(names: &[&str]) -> Observers {
    let arguments = arguments(&[]);
    Observers::open(&arguments, &names.iter().map(|name| name.parse().unwrap()).collect::<Vec<_>>()).unwrap()
}

/// Returns the arguments of a watch with these words in addition.
pub(super) fn arguments(more: &[&str]) -> WatchArguments {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        watch: WatchArguments,
    }
    let words = ["watch", "-q", "-I", "eth0"].iter().chain(more);
    <Line as clap::Parser>::try_parse_from(words).unwrap().watch
}

#[test]
fn failure_does_not_replace_event_of_fail_on() {
    assert!(check(None, Ok(())).is_ok());
    assert!(check(None, Err(Failure::new("cannot write"))).is_err());
    let event = ErrorMessage::new("new 10.0.0.1");
    assert!(check(Some(&event), Err(Failure::new("cannot write"))).is_ok(), "the failure replaces the event");
}
