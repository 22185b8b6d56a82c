//! Packets, good and bad, in frames of anybody's, and time: who is there, who moved, who is in conflict.
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

use packet::{Hardware, Heard};

#[derive(Arbitrary, Debug)]
struct Scene<'a> {
    entries: u8,
    steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    /// A packet, and the frame it is in.
    Hear { source: Hardware, is_broadcast: bool, vlan: u8, heard: Heard<'a> },
    /// So many seconds pass.
    Wait(u16),
    /// So many milliseconds pass.
    Pause(u16),
    /// The clock jumps, back too, and to its end.
    Jump(u64),
}

fuzz_target!(|scene: Scene<'_>| {
    assert_eq!(run(&scene), run(&scene));
});

fn run(scene: &Scene<'_>) -> (Vec<Classification>, Vec<CensusEvent>, Vec<CensusEntry>) {
    let entries = 1 + usize::from(scene.entries % 8);
    let settings = CensusSettings {
        entries,
        many_addresses: 2,
        station_flood: 4,
        total_flood: 8,
        ..CensusSettings::default()
    };
    let mut census = Census::new(settings);
    let (mut now, mut verdicts) = (Instant::ORIGIN, Vec::new());
    for step in &scene.steps {
        match step {
            Step::Wait(seconds) => now = now + Duration::from_secs((*seconds).into()),
            Step::Pause(millis) => now = now + Duration::from_millis((*millis).into()),
            Step::Jump(nanoseconds) => now = Instant::from_nanos(*nanoseconds),
            Step::Hear { source, is_broadcast, vlan, heard } => {
                let (source, vlan) = (source.address(), VlanId::new((vlan % 3).into()));
                let frame = FrameInfo { source, is_broadcast: *is_broadcast, vlan };
                verdicts.push(census.receive(now, frame, Packet::parse(&heard.octets())));
            }
        }
        census.poll(now);
        holds(&census, now, &verdicts, entries);
    }
    let rows: Vec<_> = census.iter(now).collect();
    let events: Vec<_> = std::iter::from_fn(|| census.take_event()).collect();
    if census.counts().events_lost == 0 {
        tell(&events, &rows, census.counts().displaced);
    }
    (verdicts, events, rows)
}

fn holds(census: &Census, now: Instant, verdicts: &[Classification], entries: usize) {
    let rows: Vec<_> = census.iter(now).collect();
    assert!(rows.len() <= entries && rows.len() == census.len());
    agrees(&census.counts(), verdicts, rows.len());
    // Whoever was silent for so long is gone, and nobody is waited for who is.
    assert!(census.deadline().is_none_or(|deadline| deadline > now || now == Instant::from_nanos(u64::MAX)));
    for row in &rows {
        let others = rows.iter().filter(|other| other.mac == row.mac).count();
        assert_eq!(row.addresses as usize, others);
        assert!(row.mac.is_station() && row.conflict != Some(row.mac));
        assert!(row.previous != Some(row.mac) && (row.changes > 0) == row.previous.is_some());
        assert!(row.packets() > row.changes && u64::from(row.recent) <= row.packets());
    }
    assert!(census.seconds(now).iter().map(|count| u64::from(*count)).sum::<u64>() <= verdicts.len() as u64);
}

/// The counts are those of the verdicts.
fn agrees(counts: &CensusCounts, verdicts: &[Classification], rows: usize) {
    let of = |is: fn(&Classification) -> bool| verdicts.iter().filter(|verdict| is(verdict)).count() as u64;
    assert_eq!(counts.packets(), verdicts.len() as u64);
    assert_eq!(counts.conflicts, of(|verdict| matches!(verdict, Classification::Conflict { .. })));
    assert_eq!(
        counts.changed - counts.conflicts,
        of(|verdict| matches!(verdict, Classification::Moved { .. }))
    );
    assert_eq!(counts.entered, of(|verdict| *verdict == Classification::New));
    assert_eq!(counts.turned_away, of(|verdict| *verdict == Classification::Full));
    assert_eq!(counts.probes, of(|verdict| *verdict == Classification::Probe));
    assert_eq!(counts.dropped, of(|verdict| matches!(verdict, Classification::Dropped(_))));
    assert_eq!(counts.entered - counts.evicted, rows as u64);
    assert!(counts.broadcast <= counts.packets());
}

/// The events say which addresses are there: none comes that was there, and none leaves that was not, but for those that a full
/// census has displaced.
fn tell(events: &[CensusEvent], rows: &[CensusEntry], displaced: u64) {
    let mut evicted_present = 0;
    let (mut known, mut contested) = (HashMap::<VlanAddress, (MacAddr, bool)>::new(), HashSet::new());
    for event in events {
        // Of a conflict not every turn is told: who has the address then, and since when, is not known.
        match *event {
            CensusEvent::New { address, mac } => {
                assert_eq!(known.insert(address, (mac, true)), None);
            }
            CensusEvent::Gone { address, mac } => {
                let before = known.insert(address, (mac, false));
                assert!(before == Some((mac, true)) || contested.contains(&address));
            }
            CensusEvent::Returned { address, mac, .. } => {
                let before = known.insert(address, (mac, true));
                assert!(before == Some((mac, false)) || contested.contains(&address));
            }
            CensusEvent::Moved { address, from, to } => {
                let (before, _) = known.insert(address, (to, true)).expect("somebody had it");
                assert!(before == from || contested.contains(&address));
            }
            CensusEvent::Conflict { address, mac, .. } => {
                known.insert(address, (mac, true)).expect("somebody had it");
                contested.insert(address);
            }
            CensusEvent::Evicted { address } => {
                let (_, is_there) = known.remove(&address).expect("an entry");
                evicted_present += u64::from(is_there && !contested.contains(&address));
            }
            _ => {}
        }
    }
    assert!(evicted_present <= displaced);
    let mut told: Vec<_> = known.into_keys().collect();
    told.sort_unstable();
    assert!(told.into_iter().eq(rows.iter().map(|row| row.address)));
}
