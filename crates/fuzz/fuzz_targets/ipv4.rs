//! Datagrams, fragments and time. Checks that datagrams are inside their frames, that limits are respected, and that
//! reassembly agrees with a model.
#![no_main]

mod reassembly_model;

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use inet::IpProtocol;
use ipv4::{
    AddressTable, Datagram, DestinationKind, Instant, Ipv4, Ipv4DropReason, Ipv4Fields, MacAddr,
    ReassemblyFailure, ReassemblyLimits, ReceivedDatagram,
};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

use reassembly_model::{FragmentInput, Outcome, ReassemblyModel};

#[derive(Arbitrary, Debug)]
struct Scenario<'a> {
    datagrams: u8,
    datagrams_per_source: u8,
    steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    /// A frame of arbitrary bytes arrives, with or without a corrected checksum.
    Bytes { bytes: &'a [u8], repaired: bool },
    /// A fragment arrives that may belong to a datagram with other fragments.
    Fragment(FragmentInput),
    /// A fragment arrives from another source and completes no datagram.
    OtherSource(u16),
    /// Seconds pass.
    Wait(u8),
    /// The host with small limits reports a timeout.
    TakeTimedOut,
}

/// Maximum number of steps. The host with large limits has the capacity to store one fragment per step.
const STEPS: usize = 1_000;

fuzz_target!(|scenario: Scenario<'_>| {
    let large_limits = ReassemblyLimits {
        bytes: 1 << 20,
        bytes_per_source: 1 << 20,
        datagrams: 64,
        datagrams_per_source: 64,
        ..ReassemblyLimits::default()
    };
    let small_limits = ReassemblyLimits {
        bytes: 0,
        bytes_per_source: 0,
        datagrams: scenario.datagrams.into(),
        datagrams_per_source: scenario.datagrams_per_source.into(),
        ..large_limits
    };
    let (mut large, mut small) = (host(large_limits), host(small_limits));
    let mut model = ReassemblyModel::default();
    let mut seconds = 0;
    for step in scenario.steps.into_iter().take(STEPS) {
        let now = Instant::ORIGIN + Duration::from_secs(seconds);
        match step {
            Step::Bytes { bytes, repaired } => {
                let bytes = if repaired { repair(bytes) } else { bytes.to_vec() };
                check_views(&bytes);
                let _ = receive(&mut small, now, &bytes);
            }
            Step::Fragment(fragment) => {
                let bytes = fragment.bytes();
                let outcome = receive(&mut large, now, &bytes);
                assert_eq!(outcome, model.receive(now, &fragment));
                if let Ok(Some(whole)) = receive(&mut small, now, &bytes) {
                    FragmentInput::assert_whole(&whole);
                }
            }
            Step::OtherSource(number) => {
                let source = [0x20, 0, number.to_be_bytes()[0], number.to_be_bytes()[1]].into();
                let fields = Ipv4Fields::new(IpProtocol::UDP, source, reassembly_model::LOCAL);
                let mut bytes = [0; 28];
                Ipv4Fields { more_fragments: true, ..fields }
                    .write_to(&mut bytes)
                    .expect("buffer should hold an IPv4 header");
                let _ = receive(&mut small, now, &bytes);
            }
            Step::Wait(seconds_passed) => seconds += u64::from(seconds_passed),
            Step::TakeTimedOut => check_timeout(&mut small, now),
        }
        // Datagrams stay stored until their timeout is taken, and must not fill the host with large limits.
        while large.reassembly().len() > 32 {
            check_timeout(&mut large, now);
        }
        assert!(small.reassembly().len() <= usize::from(scenario.datagrams.max(4)));
        assert!(small.reassembly().bytes() <= 2 * 65_536);
    }
    check_empty_after_timeout(&mut large, seconds);
    check_empty_after_timeout(&mut small, seconds);
    assert_eq!(large.reassembly().failures().get(ReassemblyFailure::Evicted), 0);
});

/// IPv4 with the table of its address.
struct Host {
    ipv4: Ipv4,
    addresses: AddressTable,
}

impl Deref for Host {
    type Target = Ipv4;

    fn deref(&self) -> &Ipv4 {
        &self.ipv4
    }
}

impl DerefMut for Host {
    fn deref_mut(&mut self) -> &mut Ipv4 {
        &mut self.ipv4
    }
}

fn host(limits: ReassemblyLimits) -> Host {
    let address = "10.0.0.2/24".parse().expect("address should parse");
    let addresses = AddressTable::one(address, MacAddr::new([2, 0, 0, 0, 0, 2]))
        .expect("local MAC address should be valid");
    Host { ipv4: Ipv4::new(limits, 7), addresses }
}

/// Receives a datagram and checks that it is accepted, stored or dropped, and counted once.
fn receive(host: &mut Host, now: Instant, bytes: &[u8]) -> Outcome {
    let count = |host: &Host| host.accepted() + host.dropped().iter().map(|(_, count)| count).sum::<u64>();
    let before = count(host);
    let outcome = match host.ipv4.receive(&host.addresses, DestinationKind::Unicast, bytes) {
        Ok(ReceivedDatagram { datagram, destination_kind }) => {
            if datagram.is_fragment() {
                assert_eq!(destination_kind, DestinationKind::Unicast);
                receive_fragment(host, now, datagram)
            } else {
                Ok(Some(datagram.payload().to_vec()))
            }
        }
        Err(reason) => Err(reason),
    };
    assert_eq!(count(host) - before, u64::from(outcome != Ok(None)));
    outcome
}

/// Stores a fragment. Returns the payload of the datagram that the fragment completes.
fn receive_fragment(host: &mut Host, now: Instant, fragment: Datagram<'_>) -> Outcome {
    let Some(whole) = host.reassemble(now, fragment)? else { return Ok(None) };
    let datagram = whole.datagram().expect("reassembled header should be valid");
    assert!(!datagram.is_fragment());
    let payload = datagram.payload().to_vec();
    host.recycle(whole);
    Ok(Some(payload))
}

/// Checks that no fragment is left after the timeout.
fn check_empty_after_timeout(host: &mut Host, seconds: u64) {
    let end = Instant::ORIGIN + Duration::from_secs(seconds + 30);
    for _ in 0..host.reassembly().len() {
        check_timeout(host, end);
    }
    assert_eq!((host.reassembly().len(), host.reassembly().bytes(), host.deadline()), (0, 0, None));
}

/// Takes a timeout, and checks the start of the first fragment.
fn check_timeout(host: &mut Host, now: Instant) {
    let first = host.take_timed_out(now).and_then(|timed_out| timed_out.first_fragment);
    assert!(first.is_none_or(|first| (21..=68).contains(&first.bytes().len())));
}

/// Returns the bytes with version 4 and the correct checksum for the length of the header.
fn repair(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.len() < 20 {
        return bytes;
    }
    bytes[0] = 0x40 | bytes[0] & 0x0f;
    let length = (usize::from(bytes[0] & 0x0f) * 4).clamp(20, bytes.len());
    bytes[10..12].fill(0);
    let sum = inet::checksum::of(&bytes[..length]);
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// Checks that the frame starts with header, options and data in this order, and that the fields can be written again.
fn check_views(bytes: &[u8]) {
    let datagram = match Datagram::parse(bytes) {
        Ok(datagram) => datagram,
        Err(reason) => {
            assert!(bytes.len() >= 20 || reason == Ipv4DropReason::Truncated);
            return;
        }
    };
    let whole = datagram.bytes();
    assert!(bytes.starts_with(whole) && whole.len() >= datagram.header_length());
    let (header, payload) = whole.split_at(datagram.header_length());
    assert_eq!((&header[20..], payload), (datagram.options(), datagram.payload()));
    assert!(Datagram::parse(&whole[..whole.len() - 1]).is_err(), "datagram parsed without its last byte");
    let fields = Ipv4Fields::from(&datagram);
    let mut again = [&[0; 20], payload].concat();
    fields.write_to(&mut again).expect("buffer should hold the datagram");
    let again = Datagram::parse(&again).expect("written datagram should parse");
    let sent = Ipv4Fields { time_to_live: fields.time_to_live.max(1), ..fields };
    assert_eq!((Ipv4Fields::from(&again), again.payload()), (sent, payload));
}
