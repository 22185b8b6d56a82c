//! Packets, good and bad, in frames of anybody's, and time: who is there, who moved, who is in conflict.
#![no_main]

mod packet;

use std::time::Duration;

use arp::census::{Census, Envelope, Event, Row, Settings, Verdict};
use arp::{Instant, Packet};
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

fn run(scene: &Scene<'_>) -> (Vec<Verdict>, Vec<Event>, Vec<Row>) {
    let entries = 1 + usize::from(scene.entries % 8);
    let settings = Settings { entries, many: 2, flood: 4, flood_of_all: 8, ..Settings::default() };
    let mut census = Census::new(settings);
    let (mut now, mut verdicts) = (Instant::ORIGIN, Vec::new());
    for step in &scene.steps {
        match step {
            Step::Wait(seconds) => now = now + Duration::from_secs((*seconds).into()),
            Step::Pause(millis) => now = now + Duration::from_millis((*millis).into()),
            Step::Jump(nanoseconds) => now = Instant::from_nanos(*nanoseconds),
            Step::Hear { source, is_broadcast, vlan, heard } => {
                let (source, vlan) = (source.address(), VlanId::new((vlan % 3).into()));
                let envelope = Envelope { source, is_broadcast: *is_broadcast, vlan };
                verdicts.push(census.receive(now, envelope, Packet::parse(&heard.octets())));
            }
        }
        census.poll(now);
        holds(&census, now, &verdicts, entries);
    }
    let rows = census.iter(now).collect();
    (verdicts, std::iter::from_fn(|| census.take_event()).collect(), rows)
}

fn holds(census: &Census, now: Instant, verdicts: &[Verdict], entries: usize) {
    let rows: Vec<_> = census.iter(now).collect();
    assert!(rows.len() <= entries && rows.len() == census.len());
    let counts = census.counts();
    assert_eq!(counts.packets(), verdicts.len() as u64);
    let conflicts = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Conflict { .. }));
    assert_eq!(counts.conflicts, conflicts.count() as u64);
    assert!(counts.broadcast <= counts.packets() && counts.conflicts <= counts.changed);
    for row in &rows {
        let others = rows.iter().filter(|other| other.hardware == row.hardware).count();
        assert_eq!(row.addresses as usize, others);
        assert!(row.hardware.is_station() && row.conflict != Some(row.hardware));
    }
    census.seconds(now);
}
