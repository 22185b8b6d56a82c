//! ARP packets in frames of any source, and time. Checks the entries, counts and events of a census.
#![no_main]

mod packet;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use arp::{Instant, MacAddr, Packet};
use arptools::census::{
    Census, CensusCounts, CensusEntry, CensusEvent, CensusSettings, Classification, FrameInfo, VlanAddress,
};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use link::VlanId;

use packet::{FuzzMac, FuzzPacket};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    entries: u8,
    steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    /// A packet arrives in a frame.
    Receive { source: FuzzMac, is_broadcast: bool, vlan: u8, packet: FuzzPacket<'a> },
    /// Seconds pass.
    Wait(u16),
    /// Milliseconds pass.
    Pause(u16),
    /// The clock jumps to any time, in nanoseconds.
    Jump(u64),
}

fuzz_target!(|input: Input<'_>| {
    assert_eq!(run(&input), run(&input));
});

fn run(input: &Input<'_>) -> (Vec<Classification>, Vec<CensusEvent>, Vec<CensusEntry>) {
    let entries = 1 + usize::from(input.entries % 8);
    let settings = CensusSettings {
        entries,
        many_addresses: 2,
        station_flood: 4,
        total_flood: 8,
        ..CensusSettings::default()
    };
    let mut census = Census::new(settings);
    let (mut now, mut classifications) = (Instant::ORIGIN, Vec::new());
    for step in &input.steps {
        match step {
            Step::Wait(seconds) => now = now + Duration::from_secs((*seconds).into()),
            Step::Pause(millis) => now = now + Duration::from_millis((*millis).into()),
            Step::Jump(nanoseconds) => now = Instant::from_nanos(*nanoseconds),
            Step::Receive { source, is_broadcast, vlan, packet } => {
                let (source, vlan) = (source.address(), VlanId::new((vlan % 3).into()));
                let frame = FrameInfo { source, is_broadcast: *is_broadcast, vlan };
                classifications.push(census.receive(now, frame, Packet::parse(&packet.bytes())));
            }
        }
        census.poll(now);
        check_census(&census, now, &classifications, entries);
    }
    let rows: Vec<_> = census.iter(now).collect();
    let events: Vec<_> = std::iter::from_fn(|| census.take_event()).collect();
    if census.counts().events_lost == 0 {
        check_events(&events, &rows, census.counts().displaced);
    }
    (classifications, events, rows)
}

fn check_census(census: &Census, now: Instant, classifications: &[Classification], entries: usize) {
    let rows: Vec<_> = census.iter(now).collect();
    assert!(rows.len() <= entries && rows.len() == census.len());
    check_counts(&census.counts(), classifications, rows.len());
    // Silent addresses are gone, and no deadline is set for a gone address.
    assert!(census.deadline().is_none_or(|deadline| deadline > now || now == Instant::from_nanos(u64::MAX)));
    for row in &rows {
        let others = rows.iter().filter(|other| other.mac == row.mac).count();
        assert_eq!(row.addresses as usize, others);
        assert!(row.mac.is_station() && row.conflict != Some(row.mac));
        assert!(row.previous != Some(row.mac) && (row.changes > 0) == row.previous.is_some());
        assert!(row.packets() > row.changes && u64::from(row.recent) <= row.packets());
    }
    assert!(
        census.seconds(now).iter().map(|count| u64::from(*count)).sum::<u64>()
            <= classifications.len() as u64
    );
}

/// Checks that the counts agree with the classifications.
fn check_counts(counts: &CensusCounts, classifications: &[Classification], rows: usize) {
    let count_of = |is: fn(&Classification) -> bool| {
        classifications.iter().filter(|classification| is(classification)).count() as u64
    };
    assert_eq!(counts.packets(), classifications.len() as u64);
    assert_eq!(
        counts.conflicts,
        count_of(|classification| matches!(classification, Classification::Conflict { .. }))
    );
    assert_eq!(
        counts.changed - counts.conflicts,
        count_of(|classification| matches!(classification, Classification::Moved { .. }))
    );
    assert_eq!(counts.added, count_of(|classification| *classification == Classification::New));
    assert_eq!(counts.rejected, count_of(|classification| *classification == Classification::Full));
    assert_eq!(counts.probes, count_of(|classification| *classification == Classification::Probe));
    assert_eq!(
        counts.dropped,
        count_of(|classification| matches!(classification, Classification::Dropped(_)))
    );
    assert_eq!(counts.added - counts.evicted, rows as u64);
    assert!(counts.broadcast <= counts.packets());
}

/// Checks that the events describe the listed addresses.
///
/// An address does not appear twice, and does not disappear before it appeared, unless a full census has evicted the
/// address.
fn check_events(events: &[CensusEvent], rows: &[CensusEntry], displaced: u64) {
    let mut evicted_present = 0;
    let (mut known, mut contested) = (HashMap::<VlanAddress, (MacAddr, bool)>::new(), HashSet::new());
    for event in events {
        // During a conflict, not every change is an event, so the owner is unknown.
        match *event {
            CensusEvent::New { address, mac } => {
                assert_eq!(known.insert(address, (mac, true)), None);
            }
            CensusEvent::Gone { address, mac } => {
                let last_state = known.insert(address, (mac, false));
                assert!(last_state == Some((mac, true)) || contested.contains(&address));
            }
            CensusEvent::Returned { address, mac, .. } => {
                let last_state = known.insert(address, (mac, true));
                assert!(last_state == Some((mac, false)) || contested.contains(&address));
            }
            CensusEvent::Moved { address, from, to } => {
                let (last_state, _) =
                    known.insert(address, (to, true)).expect("address should have an earlier owner");
                assert!(last_state == from || contested.contains(&address));
            }
            CensusEvent::Conflict { address, mac, .. } => {
                known.insert(address, (mac, true)).expect("address should have an earlier owner");
                contested.insert(address);
            }
            CensusEvent::Evicted { address } => {
                let (_, is_present) = known.remove(&address).expect("evicted address should have an entry");
                evicted_present += u64::from(is_present && !contested.contains(&address));
            }
            _ => {}
        }
    }
    assert!(evicted_present <= displaced);
    let mut subjects: Vec<_> = known.into_keys().collect();
    subjects.sort_unstable();
    assert!(subjects.into_iter().eq(rows.iter().map(|row| row.address)));
}
