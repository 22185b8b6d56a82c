//! Datagrams, fragments and time: what parses lies in its frame, bounds hold, and what is made whole is
//! what the plainest model makes of the same fragments.
#![no_main]

mod puzzle;

use std::time::Duration;

use inet::IpProtocol;
use ipv4::{
    Datagram, DestinationKind, Instant, Ipv4, Ipv4DropReason, Ipv4Fields, LocalAddresses, ReassemblyFailure,
    ReassemblyLimits, ReceivedDatagram,
};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

use puzzle::{Outcome, Part, Puzzle};

#[derive(Arbitrary, Debug)]
struct Scene<'a> {
    datagrams: u8,
    datagrams_per_source: u8,
    steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    /// A frame of any octets, or of octets with a checksum made right.
    Octets { octets: &'a [u8], repaired: bool },
    /// A fragment that may fit among others.
    Part(Part),
    /// A stranger's fragment, which fits nowhere.
    Stranger(u16),
    /// So many seconds pass.
    Pass(u8),
}

/// So few that the roomy host never has too little room: a fragment here takes one block.
const STEPS: usize = 1_000;

fuzz_target!(|scene: Scene<'_>| {
    let plenty = ReassemblyLimits {
        bytes: 1 << 20,
        bytes_per_source: 1 << 20,
        datagrams: 64,
        datagrams_per_source: 64,
        ..ReassemblyLimits::default()
    };
    let little = ReassemblyLimits {
        bytes: 0,
        bytes_per_source: 0,
        datagrams: scene.datagrams.into(),
        datagrams_per_source: scene.datagrams_per_source.into(),
        ..plenty
    };
    let (mut roomy, mut tight) = (host(plenty), host(little));
    let mut puzzle = Puzzle::default();
    let mut seconds = 0;
    for step in scene.steps.into_iter().take(STEPS) {
        let now = Instant::ORIGIN + Duration::from_secs(seconds);
        match step {
            Step::Octets { octets, repaired } => {
                let octets = if repaired { repair(octets) } else { octets.to_vec() };
                lies_inside(&octets);
                let _ = give(&mut tight, now, &octets);
            }
            Step::Part(part) => {
                let octets = part.octets();
                let outcome = give(&mut roomy, now, &octets);
                assert_eq!(outcome, puzzle.give(now, &part));
                if let Ok(Some(whole)) = give(&mut tight, now, &octets) {
                    Part::assert_whole(&whole);
                }
            }
            Step::Stranger(number) => {
                let source = [0x20, 0, number.to_be_bytes()[0], number.to_be_bytes()[1]].into();
                let fields = Ipv4Fields::new(IpProtocol::UDP, source, puzzle::OURS);
                let mut octets = [0; 28];
                Ipv4Fields { more_fragments: true, ..fields }
                    .write_to(&mut octets)
                    .expect("room for a header");
                let _ = give(&mut tight, now, &octets);
            }
            Step::Pass(passed) => seconds += u64::from(passed),
        }
        assert!(tight.reassembly().len() <= usize::from(scene.datagrams.max(4)));
        assert!(tight.reassembly().bytes() <= 2 * 65_536);
    }
    ends(&mut roomy, seconds);
    ends(&mut tight, seconds);
    assert_eq!(roomy.reassembly().failures().get(ReassemblyFailure::Evicted), 0);
});

fn host(limits: ReassemblyLimits) -> Ipv4 {
    let address = "10.0.0.2/24".parse().expect("an address");
    Ipv4::new(LocalAddresses::one(address), limits, 7)
}

/// What comes out of a host: every datagram is taken, kept or dropped, and counted once.
fn give(host: &mut Ipv4, now: Instant, octets: &[u8]) -> Outcome {
    let count = |host: &Ipv4| host.accepted() + host.dropped().iter().map(|(_, count)| count).sum::<u64>();
    let before = count(host);
    let outcome = match host.receive(now, DestinationKind::Unicast, octets) {
        Ok(ReceivedDatagram::Whole(datagram, _)) => {
            assert!(!datagram.is_fragment());
            Ok(Some(datagram.payload().to_vec()))
        }
        Ok(ReceivedDatagram::Kept) => Ok(None),
        Ok(ReceivedDatagram::Reassembled(whole, DestinationKind::Unicast)) => {
            let datagram = whole.datagram().expect("a header made whole is right");
            assert!(!datagram.is_fragment());
            let payload = datagram.payload().to_vec();
            host.recycle(whole);
            Ok(Some(payload))
        }
        Ok(ReceivedDatagram::Reassembled(..)) => unreachable!("nothing was sent to many"),
        Err(reason) => Err(reason),
    };
    assert_eq!(count(host) - before, u64::from(outcome != Ok(None)));
    outcome
}

/// What time leaves: nothing.
fn ends(host: &mut Ipv4, seconds: u64) {
    host.poll(Instant::ORIGIN + Duration::from_secs(seconds + 30));
    assert_eq!((host.reassembly().len(), host.reassembly().bytes(), host.deadline()), (0, 0, None));
    while let Some(event) = host.take_event() {
        let Some(first) = event.first_fragment else { continue };
        assert!((21..=68).contains(&first.bytes().len()));
    }
}

/// The octets with version 4 and the right checksum, wherever the header ends.
fn repair(octets: &[u8]) -> Vec<u8> {
    let mut octets = octets.to_vec();
    if octets.len() < 20 {
        return octets;
    }
    octets[0] = 0x40 | octets[0] & 0x0f;
    let length = (usize::from(octets[0] & 0x0f) * 4).clamp(20, octets.len());
    octets[10..12].fill(0);
    let sum = inet::checksum::of(&octets[..length]);
    octets[10..12].copy_from_slice(&sum.to_be_bytes());
    octets
}

/// Header, options and data are the frame's start, one after another; their fields can be written again.
fn lies_inside(octets: &[u8]) {
    let datagram = match Datagram::parse(octets) {
        Ok(datagram) => datagram,
        Err(reason) => {
            assert!(octets.len() >= 20 || reason == Ipv4DropReason::Truncated);
            return;
        }
    };
    let whole = datagram.bytes();
    assert!(octets.starts_with(whole) && whole.len() >= datagram.header_length());
    let (header, payload) = whole.split_at(datagram.header_length());
    assert_eq!((&header[20..], payload), (datagram.options(), datagram.payload()));
    assert!(Datagram::parse(&whole[..whole.len() - 1]).is_err(), "no octet is too many");
    let fields = Ipv4Fields::from(&datagram);
    let mut again = [&[0; 20], payload].concat();
    fields.write_to(&mut again).expect("no longer than before");
    let again = Datagram::parse(&again).expect("what is written is right");
    let sent = Ipv4Fields { time_to_live: fields.time_to_live.max(1), ..fields };
    assert_eq!((Ipv4Fields::from(&again), again.payload()), (sent, payload));
}
