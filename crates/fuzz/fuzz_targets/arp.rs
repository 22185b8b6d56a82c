//! ARP packets, packets to send and time, under each learning policy. Checks replies, learning, requests, and that no
//! packet is lost.
//!
//! Also compares [`arp::FrameView`] with parsing layer by layer.
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
use packet::{FuzzMac, FuzzPacket};
use segment::{LOCAL_MAC, Segment};

#[derive(Arbitrary, Debug)]
struct Scenario<'a> {
    entries: u8,
    packets: u8,
    /// Policy for address conflicts.
    defense: u8,
    steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    /// A packet arrives, in a frame to a local MAC address or to broadcast.
    Receive { station: Option<u8>, packet: FuzzPacket<'a> },
    /// A frame of arbitrary bytes arrives, then the same frame with bytes changed at `place`.
    Frame { bytes: &'a [u8], place: u8, others: [u8; 2] },
    /// A packet of `bytes` bytes is sent to a peer.
    Send { peer: u8, bytes: u8 },
    /// Time passes, in tenths of a second, and all due actions are performed.
    Wait(u8),
    /// The clock jumps to any time, in nanoseconds.
    Jump(u64),
    /// An upper layer confirms a peer.
    Confirm { peer: u8 },
    /// A static entry is added for a peer.
    Add { peer: u8, mac: FuzzMac },
    /// The entry of a peer is removed.
    Remove { peer: u8 },
    /// All entries except static ones are removed.
    Flush,
    /// A local address or the address of a peer is claimed.
    Claim { address: u8, start: u8 },
    /// The device refuses a request for an address, or a probe or announcement of an address.
    Refuse { address: u8, is_request: bool },
    /// The link goes down or comes up.
    Link { is_up: bool },
}

fuzz_target!(|scenario: Scenario<'_>| {
    let policies = [LearningPolicy::Cautious, LearningPolicy::Rfc826, LearningPolicy::Permissive];
    let defense = [Defense::Cease, Defense::Once, Defense::Always][usize::from(scenario.defense % 3)];
    let mut segments =
        policies.map(|policy| Segment::new(policy, defense, scenario.entries % 8, scenario.packets % 8));
    let mut pairs = [None, VlanId::new(5)].map(ParserPair::new);
    let mut now = Instant::ORIGIN;
    // Total time that the clock moved forward. The clock of the neighbor table ends after 584 years.
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
                segments.iter_mut().filter(|_| back).for_each(Segment::forget_request_times);
            }
            Step::Receive { station, packet } => {
                let station = station.and_then(|number| LOCAL_MAC.plus(u64::from(number % 4)));
                let bytes = packet.bytes();
                for pair in &mut pairs {
                    pair.receive(now, &frame_view::frame(station, &bytes));
                }
                let result = segments.each_mut().map(|segment| segment.receive(now, station, &bytes));
                let [reply, others @ ..] = result.map(|result| result.map(|received| received.reply));
                assert_eq!([reply; 2], others, "different replies per policy");
            }
            Step::Frame { bytes, place, others } => {
                let mut changed = bytes.to_vec();
                changed.iter_mut().skip((*place).into()).zip(others).for_each(|(byte, other)| *byte = *other);
                for pair in &mut pairs {
                    pair.receive(now, bytes);
                    pair.receive(now, &changed);
                }
            }
            _ => segments.iter_mut().for_each(|segment| step.apply(now, segment)),
        }
        segments.iter_mut().for_each(Segment::check);
    }
    if forward < Duration::from_nanos(u64::MAX / 2) {
        for segment in &mut segments {
            segment.finish(now);
        }
    }
});

impl Step<'_> {
    fn apply(&self, now: Instant, segment: &mut Segment) {
        match self {
            Self::Send { peer: number, bytes } => segment.send(now, peer(*number), (*bytes).into()),
            Self::Confirm { peer: number } => segment.confirm(now, peer(*number)),
            Self::Add { peer: number, mac } => segment.add_static(now, peer(*number), mac.address()),
            Self::Remove { peer: number } => segment.remove(peer(*number)),
            Self::Flush => segment.flush(),
            Self::Claim { address, start } => {
                let start =
                    [StartMode::Immediate, StartMode::Announce, StartMode::Probe][usize::from(start % 3)];
                segment.claim(now, Ipv4Addr::new(10, 0, 0, 2 + address % 13), start);
            }
            Self::Refuse { address, is_request } => {
                segment.refuse(now, Ipv4Addr::new(10, 0, 0, 2 + address % 13), *is_request);
            }
            Self::Link { is_up } => segment.set_link(now, *is_up),
            Self::Receive { .. } | Self::Frame { .. } | Self::Wait(_) | Self::Jump(_) => {}
        }
    }
}

/// Returns a peer in 10.0.0.6 to .14, which is local only if claimed.
fn peer(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, 6 + number % 9)
}
