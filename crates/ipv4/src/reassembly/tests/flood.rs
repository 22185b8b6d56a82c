//! Floods of fragments from many sources.

use super::*;

/// Asserts that the stored fragments are within the bounds.
fn assert_bounded(reassembly: &Reassembly, limits: ReassemblyLimits) {
    assert!(reassembly.len() <= limits.datagrams);
    assert!(reassembly.bytes() <= limits.bytes);
}

/// Returns the first fragment of a datagram from the source with this number.
fn other_source(number: u32) -> TestFragment {
    TestFragment { source: Ipv4Addr::from(0x2000_0000 | number), ..fragment_at(0, true) }
}

/// Receives a datagram of 20,000 bytes from the peer in fragments for an MTU of 1,500 bytes, and calls `between` before
/// each fragment. Returns its data if it completes.
fn send_datagram(reassembly: &mut Reassembly, mut between: impl FnMut(&mut Reassembly)) -> Option<Vec<u8>> {
    let whole = data(20_000);
    let mut outcome = None;
    for fragment in crate::Fragments::of(whole.len(), 1_500, false).unwrap() {
        between(reassembly);
        let input = fragment_at(fragment.range.start, fragment.more_fragments);
        outcome = receive(reassembly, at(1), input, &whole[fragment.range]).unwrap();
    }
    outcome
}

// proves: reassembly-bounds, reassembly-flood
#[test]
fn honest_datagram_completes_when_million_sources_flood() {
    let limits = ReassemblyLimits::default();
    let mut reassembly = Reassembly::new(limits, 3);
    let mut number = 0;
    let outcome = send_datagram(&mut reassembly, |reassembly| {
        // Fragments of 1,480 bytes arrive between two fragments of the honest host. After the second fragment of this
        // host, more fragments arrive than the store can hold.
        for _ in 0..if number < 2_000 { 1_000 } else { 5_000 } {
            number += 1;
            receive(reassembly, at(0), other_source(number), &[0xee; 1_480]).unwrap();
        }
        assert_bounded(reassembly, limits);
    });
    assert_eq!(outcome, Some(data(20_000)));
    // The same number of bytes arrives from many sources.
    let mut bytes = [0xee; 28];
    for number in number..1_000_000 {
        let source = other_source(number).source;
        let fields = Ipv4Fields { more_fragments: true, ..Ipv4Fields::new(IpProtocol::ICMP, source, LOCAL) };
        fields.write_to(&mut bytes).unwrap();
        let kept = reassembly.receive(at(1), &Datagram::parse(&bytes).unwrap());
        assert_eq!(kept, Ok(None));
    }
    assert_bounded(&reassembly, limits);
    assert_eq!(send_datagram(&mut reassembly, |_| ()), Some(data(20_000)));
}

// proves: reassembly-flood
#[test]
fn progressing_datagram_survives_flood_of_two_fragments_per_source() {
    let limits = ReassemblyLimits::default();
    let mut reassembly = Reassembly::new(limits, 3);
    let mut number = 0;
    let outcome = send_datagram(&mut reassembly, |reassembly| {
        for _ in 0..500 {
            number += 1;
            for offset in [0, 1_480] {
                receive(reassembly, at(0), TestFragment { offset, ..other_source(number) }, &[0xee; 1_480])
                    .unwrap();
            }
        }
        assert_bounded(reassembly, limits);
    });
    assert_eq!(outcome, Some(data(20_000)));
}

// proves: reassembly-bounds
#[test]
fn source_evicts_its_datagrams_when_share_is_full() {
    let limits = ReassemblyLimits::default();
    let mut reassembly = Reassembly::new(limits, 3);
    let quiet = TestFragment { source: Ipv4Addr::new(10, 0, 0, 9), ..fragment_at(0, true) };
    receive(&mut reassembly, at(0), quiet, &data(8)).unwrap();
    for identification in 0..5_000 {
        let input = TestFragment { identification, ..fragment_at(0, true) };
        receive(&mut reassembly, at(0), input, &data(8)).unwrap();
        assert!(reassembly.len() <= 1 + limits.datagrams_per_source);
    }
    for identification in 5_000..5_500 {
        let input = TestFragment { identification, ..fragment_at(0, true) };
        receive(&mut reassembly, at(0), input, &data(16_000)).unwrap();
        assert!(reassembly.bytes() <= BLOCK + limits.bytes_per_source);
    }
    let rest = TestFragment { offset: 8, more: false, ..quiet };
    assert_eq!(receive(&mut reassembly, at(0), rest, &data(8)).map(|whole| whole.is_some()), Ok(true));
}

// proves: reassembly-flood
#[test]
fn datagram_is_reassembled_when_other_sources_hold_their_whole_share() {
    let limits = ReassemblyLimits::default();
    let mut reassembly = Reassembly::new(limits, 3);
    for source in 0..16 {
        for identification in 0..20 {
            let held = TestFragment { identification, ..other_source(source) };
            for offset in [0, 32_000] {
                receive(&mut reassembly, at(0), TestFragment { offset, ..held }, &data(32_000)).unwrap();
            }
        }
    }
    assert_bounded(&reassembly, limits);
    assert_eq!(send_datagram(&mut reassembly, |_| ()), Some(data(20_000)));
}

// proves: reassembly-flood
#[test]
fn progressing_datagram_evicts_others_of_its_source() {
    let mut reassembly = reassembly();
    let oldest = TestFragment { identification: 9_999, ..fragment_at(0, true) };
    receive(&mut reassembly, at(0), oldest, &data(512)).unwrap();
    for identification in 0..100 {
        receive(
            &mut reassembly,
            at(0),
            TestFragment { identification, ..fragment_at(0, true) },
            &data(10_240),
        )
        .unwrap();
    }
    assert_eq!(reassembly.bytes(), 512 + 100 * 10_240);
    let long = TestFragment { offset: 512, more: false, ..oldest };
    assert!(matches!(receive(&mut reassembly, at(0), long, &data(30_720)), Ok(Some(_))));
}

// proves: reassembly-flood
#[test]
fn datagram_is_not_evicted_for_its_fragment() {
    let mut reassembly =
        Reassembly::new(ReassemblyLimits { bytes: 0, bytes_per_source: 0, ..ReassemblyLimits::default() }, 3);
    // Each fragment takes a block. All fragments together take more than half of all blocks.
    for number in 0..140 {
        receive(&mut reassembly, at(0), fragment_at(number * 8, true), &data(8)).unwrap();
    }
    let mut number = 0;
    while reassembly.bytes() < 2 * 65_536 {
        number += 1;
        receive(&mut reassembly, at(0), other_source(number), &data(8)).unwrap();
    }
    let last = receive(&mut reassembly, at(0), fragment_at(140 * 8, false), &data(8));
    assert!(matches!(last, Ok(Some(_))), "{last:?}");
}

// proves: reassembly-bounds
#[test]
fn fragment_is_dropped_when_only_its_datagram_could_be_evicted() {
    let limits = ReassemblyLimits { bytes: 1 << 20, bytes_per_source: 0, ..ReassemblyLimits::default() };
    let mut reassembly = Reassembly::new(limits, 3);
    let mut refused = None;
    // Each fragment takes a block of 512 bytes, so the limit of the source is reached after 256 fragments.
    for number in 0..300 {
        let outcome = receive(&mut reassembly, at(0), fragment_at(number * 16, true), &data(8));
        refused = refused.or(outcome.is_err().then_some((number, outcome)));
    }
    assert_eq!(refused, Some((256, Err(Ipv4DropReason::ReassemblyFull))));
    assert_eq!(reassembly.bytes(), 256 * BLOCK);
}

// proves: reassembly-flood
#[test]
fn later_datagrams_complete_when_forged_fragments_contradicted() {
    const FORGED: u16 = 900;
    let mut reassembly = Reassembly::new(ReassemblyLimits::default(), 3);
    for identification in 0..FORGED {
        for (offset, outcome) in [(0, Ok(None)), (8, Err(Ipv4DropReason::FragmentOverlap))] {
            let forged = TestFragment { identification, ..fragment_at(offset, true) };
            assert_eq!(receive(&mut reassembly, at(0), forged, &[0xee; 16]), outcome);
        }
    }
    assert_eq!((reassembly.len(), reassembly.bytes()), (0, 0), "state of a discarded datagram is left");
    let mut whole = 0;
    for identification in 0..FORGED {
        let fragment = |offset, more| TestFragment { identification, ..fragment_at(offset, more) };
        assert_eq!(receive(&mut reassembly, at(1), fragment(0, true), &data(1_480)), Ok(None));
        let rest = receive(&mut reassembly, at(1), fragment(1_480, false), &data(100));
        whole += u16::from(matches!(rest, Ok(Some(_))));
    }
    assert_eq!(whole, FORGED);
}

// proves: reassembly-flood
#[test]
fn datagram_completes_when_forged_fragments_stay_within_source_share() {
    let share = u16::try_from(ReassemblyLimits::default().datagrams_per_source).unwrap();
    assert_eq!(share, 256);
    for (forged, survives) in [(share - 1, true), (share, false), (900, false)] {
        let mut reassembly = Reassembly::new(ReassemblyLimits::default(), 3);
        let fragment =
            |identification, offset, more| TestFragment { identification, ..fragment_at(offset, more) };
        assert_eq!(receive(&mut reassembly, at(0), fragment(0, 0, true), &data(1_480)), Ok(None));
        for identification in 1..=forged {
            receive(&mut reassembly, at(0), fragment(identification, 0, true), &[0xee; 16]).unwrap();
        }
        let rest = receive(&mut reassembly, at(0), fragment(0, 1_480, false), &data(100));
        assert_eq!(matches!(rest, Ok(Some(_))), survives, "{forged}");
    }
}

// proves: reassembly-flood
#[test]
fn forged_fragment_costs_only_contradicted_datagram() {
    let mut reassembly = reassembly();
    // For every third datagram, a forged fragment arrives first.
    let mut whole = Vec::new();
    for identification in 0..300 {
        let fragment = |offset, more| TestFragment { identification, ..fragment_at(offset, more) };
        if identification % 3 == 0 {
            receive(&mut reassembly, at(0), fragment(1_480, true), &[0xee; 8]).unwrap();
        }
        let _ = receive(&mut reassembly, at(0), fragment(0, true), &data(1_480));
        whole.extend(receive(&mut reassembly, at(0), fragment(1_480, false), &data(100)).ok().flatten());
    }
    assert_eq!(whole.len(), 200);
    assert!(whole.iter().all(|bytes| bytes[..1_480] == data(1_480) && bytes[1_480..] == data(100)));
    assert_eq!(reassembly.failures().get(ReassemblyFailure::Overlap), 100);
}

#[test]
fn recycled_buffers_are_bounded() {
    let mut reassembly = reassembly();
    let mut whole = Vec::new();
    for identification in 0..10 {
        receive(&mut reassembly, at(0), TestFragment { identification, ..fragment_at(0, true) }, &data(8))
            .unwrap();
        let bytes = fragment_bytes(TestFragment { identification, ..fragment_at(8, false) }, &[], b"tail");
        whole.extend(reassembly.receive(at(0), &Datagram::parse(&bytes).unwrap()).unwrap());
    }
    assert_eq!(whole.len(), 10);
    for whole in whole {
        reassembly.recycle(whole);
    }
    assert_eq!(reassembly.free_buffers.len(), Reassembly::MAX_FREE_BUFFERS);
}

// proves: reassembly-timeout
#[test]
fn every_timeout_is_returned_when_many_datagrams_time_out_at_once() {
    let mut reassembly = reassembly();
    for number in 0..4_096 {
        receive(&mut reassembly, at(0), other_source(number), &data(8)).unwrap();
    }
    // Fragments of other datagrams arrive between the calls.
    let mut sources = Vec::new();
    for number in 0..4_096 {
        sources.push(reassembly.take_timed_out(at(30)).unwrap().source);
        receive(&mut reassembly, at(30), other_source(10_000 + number), &data(8)).unwrap();
    }
    assert_eq!(sources, (0..4_096).map(|number| other_source(number).source).collect::<Vec<_>>());
    assert_eq!((reassembly.take_timed_out(at(30)), reassembly.deadline()), (None, Some(at(60))));
    assert_eq!(reassembly.failures().get(ReassemblyFailure::TimedOut), 4_096);
}

#[test]
fn reassembly_is_empty_when_all_timed_out() {
    let mut reassembly = reassembly();
    for round in 0..3 {
        for number in 0..6_000 {
            receive(&mut reassembly, at(round * 60), other_source(number), &data(1_480)).unwrap();
        }
        while reassembly.take_timed_out(at(round * 60 + 30)).is_some() {}
        assert_eq!((reassembly.len(), reassembly.bytes()), (0, 0));
    }
    assert_eq!(send_datagram(&mut reassembly, |_| ()), Some(data(20_000)));
}

/// The data from which all fragments are taken.
static ALL: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| data(60_000));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // proves: reassembly-bounds
    #[test]
    fn bounds_hold_and_datagrams_are_right_for_any_fragments(
        fragments in prop::collection::vec((0_u32..9, 0_u16..4, 0_usize..40, 1_usize..90, any::<bool>()), 1..200),
    ) {
        let limits = ReassemblyLimits { bytes: 0, bytes_per_source: 0, datagrams: 6, datagrams_per_source: 3, ..ReassemblyLimits::default() };
        let mut reassembly = Reassembly::new(limits, 3);
        let all = &*ALL;
        for (second, (source, identification, offset, length, more)) in (0..).zip(fragments) {
            let input = TestFragment { identification, offset: offset * 512, more, ..other_source(source) };
            let bytes = &all[input.offset..input.offset + length * 64];
            if let Ok(Some(whole)) = receive(&mut reassembly, at(second), input, bytes) {
                prop_assert!(all.starts_with(&whole));
            }
            prop_assert!(reassembly.len() <= 6);
            prop_assert!(reassembly.bytes() <= 2 * 65_536);
            let known = reassembly.incomplete.find(DatagramKey {
                source: input.source,
                destination: LOCAL,
                protocol: IpProtocol::ICMP,
                identification,
            });
            prop_assert!(known.is_none_or(|place| !reassembly.has_timed_out(at(second), place)));
            // The timeouts are not always taken.
            if second % 7 == 0 {
                reassembly.take_timed_out(at(second));
            }
        }
        while reassembly.take_timed_out(at(1_000)).is_some() {}
        prop_assert_eq!((reassembly.len(), reassembly.bytes()), (0, 0));
    }
}
