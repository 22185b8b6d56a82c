//! A segment's packets, good and bad, packets and time, under every policy: who is answered, who is
//! believed, who is asked, and that no packet is lost; and frames, which say the same at one look and
//! in layers.
#![no_main]

mod frame_view;
mod packet;
mod segment;

use std::net::Ipv4Addr;
use std::time::Duration;

use arp::{Defense, Instant, LearningPolicy, StartMode};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use link::VlanId;

use frame_view::ParserPair;
use packet::{FuzzPacket, Hardware};
use segment::{HARDWARE, Segment};

#[derive(Arbitrary, Debug)]
struct Scenario<'a> {
    entries: u8,
    packets: u8,
    /// What is done about a conflict: ceasing, once, or for ever.
    defense: u8,
    steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    /// A packet, in a frame sent to one of our stations or to all.
    Receive {
        station: Option<u8>,
        packet: FuzzPacket<'a>,
    },
    /// A frame of any bytes, and the same with some changed from this place on.
    Frame {
        bytes: &'a [u8],
        place: u8,
        others: [u8; 2],
    },
    /// A packet of so many bytes for a peer.
    Send {
        peer: u8,
        bytes: u8,
    },
    /// So many tenths of a second pass, and all that is due then is done.
    Wait(u8),
    /// The clock jumps, back too, and to its end.
    Jump(u64),
    /// An upper layer heard from a peer.
    Confirm {
        peer: u8,
    },
    /// A person enters a peer, or removes one, or all.
    Add {
        peer: u8,
        hardware: Hardware,
    },
    Remove {
        peer: u8,
    },
    Flush,
    /// An address is claimed, ours or a peer's: at once, with announcements, or by probing.
    Claim {
        address: u8,
        start: u8,
    },
}

fuzz_target!(|scenario: Scenario<'_>| {
    let policies = [LearningPolicy::Cautious, LearningPolicy::Rfc826, LearningPolicy::Permissive];
    let defense = [Defense::Cease, Defense::Once, Defense::Always][usize::from(scenario.defense % 3)];
    let mut segments =
        policies.map(|policy| Segment::new(policy, defense, scenario.entries % 8, scenario.packets % 8));
    let mut pairs = [None, VlanId::new(5)].map(ParserPair::new);
    let mut now = Instant::ORIGIN;
    // How far the clock went forward in all: what a table counts ends after 584 years of it.
    let mut forward = Duration::ZERO;
    for step in &scenario.steps {
        match step {
            Step::Wait(tenths) => {
                let later = now + Duration::from_millis(u64::from(*tenths) * 100);
                forward += later.since(now);
                now = later;
                for segment in &mut segments {
                    segment.poll(now);
                }
            }
            Step::Jump(nanoseconds) => {
                let back = *nanoseconds < now.as_nanos();
                forward += Instant::from_nanos(*nanoseconds).since(now);
                now = Instant::from_nanos(*nanoseconds);
                segments.iter_mut().filter(|_| back).for_each(Segment::forget_when);
            }
            Step::Receive { station, packet } => {
                let station = station.and_then(|number| HARDWARE.plus(u64::from(number % 4)));
                let bytes = packet.bytes();
                for pair in &mut pairs {
                    pair.receive(now, &frame_view::frame(station, &bytes));
                }
                let result = segments.each_mut().map(|segment| segment.receive(now, station, &bytes));
                let [answer, others @ ..] = result.map(|result| result.map(|received| received.reply));
                assert_eq!([answer; 2], others, "a policy is about learning, not about answering");
            }
            Step::Frame { bytes, place, others } => {
                let mut changed = bytes.to_vec();
                changed.iter_mut().skip((*place).into()).zip(others).for_each(|(byte, other)| *byte = *other);
                for pair in &mut pairs {
                    pair.receive(now, bytes);
                    pair.receive(now, &changed);
                }
            }
            _ => segments.iter_mut().for_each(|segment| step.happens(now, segment)),
        }
        segments.iter_mut().for_each(Segment::holds);
    }
    if forward < Duration::from_nanos(u64::MAX / 2) {
        for segment in &mut segments {
            segment.ends(now);
        }
    }
});

impl Step<'_> {
    fn happens(&self, now: Instant, segment: &mut Segment) {
        match self {
            Self::Send { peer: number, bytes } => segment.send(now, peer(*number), (*bytes).into()),
            Self::Confirm { peer: number } => segment.confirm(now, peer(*number)),
            Self::Add { peer: number, hardware } => segment.add(now, peer(*number), hardware.address()),
            Self::Remove { peer: number } => segment.remove(peer(*number)),
            Self::Flush => segment.flush(),
            Self::Claim { address, start } => {
                let start =
                    [StartMode::Immediate, StartMode::Announce, StartMode::Probe][usize::from(start % 3)];
                segment.claim(now, Ipv4Addr::new(10, 0, 0, 2 + address % 13), start);
            }
            Self::Receive { .. } | Self::Frame { .. } | Self::Wait(_) | Self::Jump(_) => {}
        }
    }
}

/// 10.0.0.6 to .14: near, and none of ours unless it is claimed.
fn peer(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, 6 + number % 9)
}
