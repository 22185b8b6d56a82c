use super::*;
use crate::Ipv4Fields;
use proptest::prelude::*;
use std::collections::HashMap;

mod flood;

const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// The fields of a fragment that the tests vary.
#[derive(Clone, Copy, Debug)]
struct TestFragment {
    source: Ipv4Addr,
    identification: u16,
    offset: usize,
    more: bool,
}

fn fragment_at(offset: usize, more: bool) -> TestFragment {
    TestFragment { source: PEER, identification: 7, offset, more }
}

fn at(seconds: u64) -> Instant {
    Instant::ORIGIN + Duration::from_secs(seconds)
}

/// Returns the bytes of a fragment with these options and data.
fn fragment_bytes(input: TestFragment, options: &[u8], data: &[u8]) -> Vec<u8> {
    let mut bytes = [&[0; 20], options, data].concat();
    let fields = Ipv4Fields {
        identification: input.identification,
        more_fragments: input.more,
        fragment_offset: input.offset,
        ..Ipv4Fields::new(IpProtocol::ICMP, input.source, LOCAL)
    };
    fields.write_to(&mut bytes).unwrap();
    let words = u8::try_from(5 + options.len() / 4).unwrap();
    bytes[0] = 0x40 | words;
    bytes[10..12].fill(0);
    let sum = inet::checksum::of(&bytes[..20 + options.len()]);
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    bytes
}

type Outcome = Result<Option<Vec<u8>>, Ipv4DropReason>;

/// Receives a fragment. Returns the data of the datagram that it completes.
fn receive(reassembly: &mut Reassembly, now: Instant, input: TestFragment, data: &[u8]) -> Outcome {
    let bytes = fragment_bytes(input, &[], data);
    let whole = reassembly.receive(now, &Datagram::parse(&bytes).unwrap())?;
    Ok(whole.map(|whole| {
        let data = whole.datagram().unwrap().payload().to_vec();
        reassembly.recycle(whole);
        data
    }))
}

fn reassembly() -> Reassembly {
    Reassembly::new(ReassemblyLimits::default(), 1)
}

fn data(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place * 31 + (place >> 8)).to_le_bytes()[0]).collect()
}

// proves: rfc791-reassembly, rfc1122-reassembly
#[test]
fn datagram_completes_when_fragments_arrive_in_any_order() {
    let whole = data(27);
    let parts = [(0, 8, true), (8, 16, true), (16, 24, true), (24, 27, false)];
    for order in 0..256_usize {
        let order = [order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6];
        let mut sorted = order;
        sorted.sort_unstable();
        if sorted != [0, 1, 2, 3] {
            continue;
        }
        let mut reassembly = reassembly();
        let outcomes: Vec<_> = order
            .iter()
            .map(|place| {
                let (from, to, more) = parts[*place];
                receive(&mut reassembly, at(0), fragment_at(from, more), &whole[from..to]).unwrap()
            })
            .collect();
        assert_eq!(outcomes, [None, None, None, Some(whole.clone())], "{order:?}");
        assert_eq!((reassembly.len(), reassembly.bytes()), (0, 0));
    }
}

// proves: rfc791-reassembly
#[test]
fn reassembled_header_is_first_fragment_header_without_fragment_fields() {
    let mut reassembly = reassembly();
    let last = fragment_bytes(fragment_at(8, false), &[], b"tail");
    assert_eq!(reassembly.receive(at(0), &Datagram::parse(&last).unwrap()), Ok(None));
    let mut first = fragment_bytes(fragment_at(0, true), &[148, 4, 0, 0], b"datagram");
    first[6] |= 0x40;
    first[10..12].fill(0);
    let sum = inet::checksum::of(&first[..24]);
    first[10..12].copy_from_slice(&sum.to_be_bytes());
    let whole = reassembly.receive(at(0), &Datagram::parse(&first).unwrap()).unwrap().unwrap();
    let datagram = whole.datagram().unwrap();
    assert_eq!(datagram.payload(), b"datagramtail");
    assert_eq!(datagram.options(), [148, 4, 0, 0]);
    assert_eq!((datagram.identification(), datagram.source()), (7, PEER));
    assert!(!datagram.is_fragment() && datagram.dont_fragment());
}

// proves: rfc791-ecn
#[test]
fn congestion_mark_of_a_fragment_marks_the_datagram() {
    const NOT_ECT: u8 = 0b00;
    const ECT_1: u8 = 0b01;
    const ECT_0: u8 = 0b10;
    const CE: u8 = 0b11;
    for (fields, expected) in [
        ([ECT_0, ECT_0, CE], Some(CE)),
        ([ECT_1, CE, ECT_0], Some(CE)),
        ([CE, CE, CE], Some(CE)),
        ([ECT_0, ECT_0, ECT_0], Some(ECT_0)),
        ([ECT_1, ECT_1, ECT_1], Some(ECT_1)),
        ([NOT_ECT, NOT_ECT, NOT_ECT], Some(NOT_ECT)),
        ([NOT_ECT, ECT_0, CE], None),
        ([CE, NOT_ECT, CE], None),
    ] {
        let mut reassembly = reassembly();
        let mut receive = |number: usize| {
            let fragment = fragment_at(8 * number, number < 2);
            let mut bytes = fragment_bytes(fragment, &[], &data(8));
            bytes[1] = 0xb8 | fields[number];
            bytes[10..12].fill(0);
            let sum = inet::checksum::of(&bytes[..20]);
            bytes[10..12].copy_from_slice(&sum.to_be_bytes());
            let whole = reassembly.receive(at(0), &Datagram::parse(&bytes).unwrap())?;
            Ok(whole.map(|whole| whole.datagram().unwrap().type_of_service()))
        };
        assert_eq!((receive(2), receive(0)), (Ok(None), Ok(None)));
        match expected {
            Some(field) => assert_eq!(receive(1), Ok(Some(0xb8 | field)), "{fields:?}"),
            None => assert_eq!(receive(1), Err(Ipv4DropReason::FragmentEcn), "{fields:?}"),
        }
        assert_eq!(reassembly.failures().get(ReassemblyFailure::Ecn), u64::from(expected.is_none()));
        assert_eq!(reassembly.bytes(), 0);
    }
}

#[test]
fn fragments_of_other_datagrams_stay_separate() {
    let mut reassembly = reassembly();
    let first = fragment_at(0, true);
    receive(&mut reassembly, at(0), first, b"datagram").unwrap();
    let others = [
        TestFragment { offset: 8, more: false, source: Ipv4Addr::new(10, 0, 0, 3), ..first },
        TestFragment { offset: 8, more: false, identification: 8, ..first },
    ];
    for other in others {
        assert_eq!(receive(&mut reassembly, at(0), other, b"tail"), Ok(None));
    }
    let mut bytes = fragment_bytes(fragment_at(8, false), &[], b"tail");
    bytes[9] = IpProtocol::UDP.0;
    bytes[10..12].fill(0);
    let sum = inet::checksum::of(&bytes[..20]);
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(reassembly.receive(at(0), &Datagram::parse(&bytes).unwrap()), Ok(None));
    assert_eq!(reassembly.len(), 4);
}

// proves: rfc1122-reassembly
#[test]
fn longest_datagram_completes_from_smallest_fragments_backwards() {
    let whole = data(65_515);
    let mut reassembly = reassembly();
    // An MTU of 68 bytes, which every link has (RFC 791 3.2).
    let parts: Vec<_> = crate::Fragments::of(whole.len(), 68, false).unwrap().collect();
    let mut outcome = None;
    for fragment in parts.into_iter().rev() {
        assert_eq!(outcome, None);
        let input = fragment_at(fragment.range.start, fragment.more_fragments);
        outcome = receive(&mut reassembly, at(0), input, &whole[fragment.range]).unwrap();
    }
    assert_eq!(outcome, Some(whole));
}

// proves: fragments-overlap
#[test]
fn datagram_is_discarded_and_may_start_again_when_fragments_overlap() {
    // Bytes 16 to 32 are stored.
    let table = [
        (8, 16, true),
        (24, 16, true),
        (16, 8, true),
        (24, 8, true),
        (8, 32, true),
        (16, 24, true),
        (0, 20, false),
        (24, 2, false),
    ];
    for (offset, length, more) in table {
        let mut reassembly = reassembly();
        receive(&mut reassembly, at(0), fragment_at(16, true), &data(16)).unwrap();
        let overlap = receive(&mut reassembly, at(1), fragment_at(offset, more), &data(length));
        assert_eq!(overlap, Err(Ipv4DropReason::FragmentOverlap), "{offset} {length}");
        assert_eq!(reassembly.bytes(), 0);
        assert_eq!(reassembly.failures().get(ReassemblyFailure::Overlap), 1);
        assert_eq!((reassembly.len(), reassembly.deadline()), (0, None));
        assert_eq!(receive(&mut reassembly, at(1), fragment_at(0, true), &data(16)), Ok(None));
        assert_eq!(reassembly.deadline(), Some(at(31)), "the timeout did not start again");
        let rest = receive(&mut reassembly, at(1), fragment_at(16, false), &data(16));
        assert_eq!(rest, Ok(Some([data(16), data(16)].concat())));
    }
}

// proves: fragments-repeated
#[test]
fn repeated_fragment_is_dropped() {
    let whole = data(1_600);
    let mut reassembly = reassembly();
    for (from, to, more) in [(0, 800, true), (1_200, 1_600, false)] {
        assert_eq!(receive(&mut reassembly, at(0), fragment_at(from, more), &whole[from..to]), Ok(None));
        let again = receive(&mut reassembly, at(0), fragment_at(from, more), &whole[from..to]);
        assert_eq!(again, Err(Ipv4DropReason::FragmentRepeated));
    }
    assert_eq!(receive(&mut reassembly, at(0), fragment_at(800, true), &whole[800..1_200]), Ok(Some(whole)));
}

// proves: fragments-overlap
#[test]
fn fragment_is_overlap_when_repeated_with_other_bytes() {
    let mut changed = data(1_600);
    changed[1_599] ^= 1;
    for (again, more) in [(changed, true), (data(1_600), false)] {
        let mut reassembly = reassembly();
        receive(&mut reassembly, at(0), fragment_at(0, true), &data(1_600)).unwrap();
        assert_eq!(
            receive(&mut reassembly, at(0), fragment_at(0, more), &again),
            Err(Ipv4DropReason::FragmentOverlap)
        );
    }
}

// proves: fragments-overlap
#[test]
fn fragment_is_overlap_when_it_contradicts_end() {
    // Bytes 16 to 24 are stored as the last fragment. Another last fragment, or data after byte 24, is a contradiction.
    for (offset, length, more) in [(24, 8, true), (24, 8, false), (0, 8, false), (0, 24, true)] {
        let mut reassembly = reassembly();
        receive(&mut reassembly, at(0), fragment_at(16, false), &data(8)).unwrap();
        let outcome = receive(&mut reassembly, at(0), fragment_at(offset, more), &data(length));
        assert_eq!(outcome, Err(Ipv4DropReason::FragmentOverlap), "{offset} {length}");
    }
    // A last fragment that ends before stored data is a contradiction.
    let mut reassembly = reassembly();
    receive(&mut reassembly, at(0), fragment_at(16, true), &data(8)).unwrap();
    assert_eq!(
        receive(&mut reassembly, at(0), fragment_at(0, false), &data(8)),
        Err(Ipv4DropReason::FragmentOverlap)
    );
}

// proves: fragments-length
#[test]
fn fragment_is_dropped_when_empty_or_uneven_and_datagram_still_completes() {
    let mut reassembly = reassembly();
    receive(&mut reassembly, at(0), fragment_at(0, true), b"datagram").unwrap();
    for length in [1, 7, 9, 1_479] {
        let outcome = receive(&mut reassembly, at(0), fragment_at(8, true), &data(length));
        assert_eq!(outcome, Err(Ipv4DropReason::FragmentUneven), "{length}");
    }
    for more in [true, false] {
        assert_eq!(
            receive(&mut reassembly, at(0), fragment_at(8, more), b""),
            Err(Ipv4DropReason::FragmentEmpty)
        );
    }
    assert_eq!(receive(&mut reassembly, at(0), fragment_at(8, false), b"!"), Ok(Some(b"datagram!".to_vec())));
}

// proves: fragments-too-long
#[test]
fn fragment_is_dropped_when_it_ends_beyond_longest_datagram() {
    let mut reassembly = reassembly();
    let beyond = [(65_528, 1, false), (65_512, 4, false), (64_800, 1_480, true), (65_528, 1_000, false)];
    for (offset, length, more) in beyond {
        let outcome = receive(&mut reassembly, at(0), fragment_at(offset, more), &data(length));
        assert_eq!(outcome, Err(Ipv4DropReason::FragmentBeyond), "{offset} {length}");
    }
    assert!(reassembly.is_empty());
    assert_eq!(receive(&mut reassembly, at(0), fragment_at(65_512, false), &data(3)), Ok(None));
}

// proves: fragments-too-long
#[test]
fn datagram_is_discarded_when_first_header_makes_it_too_long() {
    let mut reassembly = reassembly();
    receive(&mut reassembly, at(0), fragment_at(65_504, false), &data(11)).unwrap();
    for offset in (8..65_504).step_by(8 * 8_187) {
        receive(&mut reassembly, at(0), fragment_at(offset, true), &data(65_496.min(65_504 - offset)))
            .unwrap();
    }
    let first = fragment_bytes(fragment_at(0, true), &[1; 40], &data(8));
    let outcome = reassembly.receive(at(0), &Datagram::parse(&first).unwrap());
    assert_eq!(outcome, Err(Ipv4DropReason::FragmentBeyond));
    assert_eq!(reassembly.failures().get(ReassemblyFailure::TooLong), 1);
    assert_eq!(reassembly.bytes(), 0);
}

// proves: reassembly-timeout
#[test]
fn incomplete_datagram_times_out_and_reports_first_fragment() {
    let mut reassembly = reassembly();
    receive(&mut reassembly, at(1), fragment_at(0, true), &data(24)).unwrap();
    receive(&mut reassembly, at(20), fragment_at(48, true), &data(8)).unwrap();
    let rest = TestFragment { identification: 8, ..fragment_at(8, false) };
    receive(&mut reassembly, at(2), rest, b"tail").unwrap();
    assert_eq!(reassembly.deadline(), Some(at(31)));
    assert_eq!((reassembly.take_timed_out(at(30)), reassembly.len()), (None, 2));
    let timed_out = [0; 3].map(|_| reassembly.take_timed_out(at(32)));
    let [Some(first), Some(second), None] = timed_out else { panic!("{timed_out:?}") };
    assert_eq!((first.source, first.destination, first.identification), (PEER, LOCAL, 7));
    let as_received = fragment_bytes(fragment_at(0, true), &[], &data(24));
    assert_eq!(first.first_fragment.unwrap().bytes(), &as_received[..28]);
    assert_eq!((second.identification, second.first_fragment), (8, None));
    assert_eq!((reassembly.len(), reassembly.bytes(), reassembly.deadline()), (0, 0, None));
    assert_eq!(reassembly.failures().get(ReassemblyFailure::TimedOut), 2);
}

#[test]
fn short_first_fragment_with_options_is_quoted_whole() {
    let mut reassembly = reassembly();
    let first = fragment_bytes(fragment_at(0, true), &[1; 40], &data(8));
    reassembly.receive(at(0), &Datagram::parse(&first).unwrap()).unwrap();
    assert_eq!(reassembly.take_timed_out(at(30)).unwrap().first_fragment.unwrap().bytes(), first);
}

// proves: reassembly-timeout
#[test]
fn new_datagram_with_key_of_timed_out_datagram_completes_and_keeps_its_own_timeout() {
    let mut reassembly = reassembly();
    receive(&mut reassembly, at(0), fragment_at(0, true), &data(24)).unwrap();
    // The timeout is not taken. A fragment would complete the old datagram.
    assert_eq!(receive(&mut reassembly, at(30), fragment_at(24, false), b"tail"), Ok(None));
    assert_eq!((reassembly.len(), reassembly.deadline()), (2, Some(at(30))));
    assert!(reassembly.take_timed_out(at(40)).unwrap().first_fragment.is_some());
    assert_eq!((reassembly.take_timed_out(at(40)), reassembly.deadline()), (None, Some(at(60))));
    let whole = receive(&mut reassembly, at(40), fragment_at(0, true), &data(24));
    assert_eq!(whole, Ok(Some([data(24), b"tail".to_vec()].concat())));
    assert!(reassembly.is_empty());
}

#[test]
fn reassembly_is_bounded_when_clock_is_at_its_limits() {
    let end = Instant::from_nanos(u64::MAX);
    let mut reassembly = reassembly();
    for now in [end, at(0), end, at(5), end] {
        while reassembly.take_timed_out(now).is_some() {}
        let _ = receive(&mut reassembly, now, fragment_at(8, true), &data(8));
        assert!(reassembly.len() <= 1);
    }
}

/// Model of a datagram: the received bytes and fragments.
#[derive(Default)]
struct Model {
    bytes: Vec<Option<u8>>,
    fragments: Vec<(usize, bool, Vec<u8>)>,
}

impl Model {
    fn receive(&mut self, offset: usize, more: bool, data: &[u8]) -> Outcome {
        let end = offset + data.len();
        let new = (offset, more, data.to_vec());
        if self.fragments.contains(&new) {
            return Err(Ipv4DropReason::FragmentRepeated);
        }
        self.bytes.resize(self.bytes.len().max(end), None);
        let known = self.fragments.iter().find(|(_, more, _)| !more).map(|(at, _, data)| at + data.len());
        let farthest = self.fragments.iter().map(|(at, _, data)| at + data.len()).max().unwrap_or(0);
        let contradicts =
            known.is_some_and(|known| end > known || !more || end == known) || !more && farthest > end;
        if contradicts || self.bytes[offset..end].iter().any(Option::is_some) {
            *self = Model::default();
            return Err(Ipv4DropReason::FragmentOverlap);
        }
        for (place, byte) in self.bytes[offset..end].iter_mut().zip(data) {
            *place = Some(*byte);
        }
        self.fragments.push(new);
        let is_whole = known.is_some() || !more;
        Ok(self.bytes.iter().copied().collect::<Option<Vec<u8>>>().filter(|_| is_whole))
    }
}

proptest! {
    // proves: rfc791-reassembly, fragments-overlap, fragments-repeated
    #[test]
    fn reassembly_matches_model(
        fragments in prop::collection::vec((0_u16..3, 0_usize..6, 1_usize..4, any::<bool>(), 0_u8..20), 1..60),
    ) {
        let mut reassembly = reassembly();
        let mut models: HashMap<u16, Model> = HashMap::new();
        for (identification, offset, length, more, odd) in fragments {
            let mut bytes = data(80)[offset * 8..(offset + length) * 8].to_vec();
            if odd == 0 {
                bytes[0] ^= 1;
            }
            if !more {
                bytes.truncate(length * 8 - usize::from(odd % 8));
            }
            let input = TestFragment { identification, ..fragment_at(offset * 8, more) };
            let model = models.entry(identification).or_default();
            let expected = model.receive(offset * 8, more, &bytes);
            prop_assert_eq!(&receive(&mut reassembly, at(0), input, &bytes), &expected);
            if matches!(expected, Ok(Some(_))) {
                models.remove(&identification);
            }
        }
    }
}
