use super::*;

fn range(first: [u8; 4], last: [u8; 4]) -> RangeInclusive<Ipv4Addr> {
    first.into()..=last.into()
}

#[test]
fn overlapping_and_adjacent_ranges_merge_and_addresses_are_numbered_once() {
    let ranges = TargetRanges::new([
        range([10, 0, 1, 0], [10, 0, 1, 3]),
        range([10, 0, 0, 4], [10, 0, 0, 7]),
        range([10, 0, 0, 0], [10, 0, 0, 3]),
        range([10, 0, 1, 2], [10, 0, 1, 2]),
        range([10, 0, 9, 2], [10, 0, 9, 1]),
    ])
    .unwrap();
    assert_eq!(ranges.count(), 12);
    let whole: Vec<_> = ranges.iter().collect();
    assert_eq!(whole, [range([10, 0, 0, 0], [10, 0, 0, 7]), range([10, 0, 1, 0], [10, 0, 1, 3])]);
    for number in 0..12 {
        let address = ranges.address(number).unwrap();
        assert_eq!(ranges.number(address), Some(number));
    }
    assert_eq!(ranges.address(8), Some(Ipv4Addr::new(10, 0, 1, 0)));
    assert_eq!((ranges.address(12), ranges.address(u32::MAX)), (None, None));
    for outside in [[9, 255, 255, 255], [10, 0, 0, 8], [10, 0, 0, 255], [10, 0, 1, 4], [255; 4]] {
        assert!(!ranges.contains(outside.into()), "{outside:?}");
    }
}

#[test]
fn first_and_last_ipv4_addresses_are_valid_targets() {
    let (low, high) = (range([0; 4], [0, 0, 0, 9]), range([255, 255, 255, 248], [255; 4]));
    let ranges = TargetRanges::new([
        high.clone(),
        range([255; 4], [255; 4]),
        low.clone(),
        range([0, 0, 0, 8], [0, 0, 0, 9]),
    ]);
    let ranges = ranges.unwrap();
    assert_eq!((ranges.count(), ranges.iter().collect::<Vec<_>>()), (18, vec![low, high]));
    assert_eq!((ranges.number([0; 4].into()), ranges.number([255; 4].into())), (Some(0), Some(17)));
    assert_eq!((ranges.address(17), ranges.address(18)), (Some([255; 4].into()), None));
    assert!(!ranges.contains([255, 255, 255, 247].into()) && !ranges.contains([0, 0, 0, 10].into()));
}

#[test]
fn ranges_beyond_slash_8_and_empty_ranges_are_rejected() {
    let most = TargetRanges::new([range([10, 0, 0, 0], [10, 255, 255, 255])]).unwrap();
    assert_eq!(most.count(), TargetRanges::MAX_COUNT);
    assert_eq!(TargetRanges::new([]), Err(TargetRangesError::Empty));
    let more = TargetRanges::new([range([10, 0, 0, 0], [11, 0, 0, 0])]);
    assert_eq!(more, Err(TargetRangesError::TooMany(16_777_217)));
    let all = TargetRanges::new([range([0; 4], [255; 4]), range([0; 4], [255; 4])]);
    assert_eq!(all, Err(TargetRangesError::TooMany(1 << 32)));
    assert!(all.unwrap_err().to_string().contains("(limit 16777216, a /8)"));
}

#[test]
fn excluded_addresses_are_no_targets() {
    type Ranges<'a> = &'a [RangeInclusive<Ipv4Addr>];
    let whole = [range([10, 0, 0, 0], [10, 0, 0, 9]), range([10, 0, 1, 0], [10, 0, 1, 1])];
    let rows: [(Ranges<'_>, Ranges<'_>); 5] = [
        (&[range([10, 0, 0, 10], [10, 0, 0, 255])], &whole),
        (
            &[range([10, 0, 0, 5], [10, 0, 0, 5])],
            &[range([10, 0, 0, 0], [10, 0, 0, 4]), range([10, 0, 0, 6], [10, 0, 0, 9]), whole[1].clone()],
        ),
        (&[range([0; 4], [10, 0, 0, 8])], &[range([10, 0, 0, 9], [10, 0, 0, 9]), whole[1].clone()]),
        (&[range([10, 0, 0, 9], [255; 4])], &[range([10, 0, 0, 0], [10, 0, 0, 8])]),
        (
            &[range([10, 0, 0, 8], [10, 0, 0, 9]), range([10, 0, 0, 1], [10, 0, 0, 7])],
            &[range([10, 0, 0, 0], [10, 0, 0, 0]), whole[1].clone()],
        ),
    ];
    for (excluded, left) in rows {
        let ranges = TargetRanges::excluding(whole.clone(), excluded.iter().cloned()).unwrap();
        assert_eq!(ranges.iter().collect::<Vec<_>>(), left, "without {excluded:?}");
        let count: u32 = left.iter().map(|range| range.end().to_bits() - range.start().to_bits() + 1).sum();
        assert_eq!(ranges.count(), count);
        for number in 0..count {
            assert_eq!(ranges.address(number).and_then(|address| ranges.number(address)), Some(number));
        }
    }
    let nothing = TargetRanges::excluding(whole, [range([0; 4], [255; 4])]);
    assert_eq!(nothing, Err(TargetRangesError::Empty));
    // A range with more addresses than the limit may be cut to the limit.
    let cut = TargetRanges::excluding([range([10, 0, 0, 0], [11, 0, 0, 0])], [range([11; 4], [11; 4])]);
    assert_eq!(cut.unwrap_err(), TargetRangesError::TooMany(16_777_217));
    let cut =
        TargetRanges::excluding([range([10, 0, 0, 0], [11, 0, 0, 0])], [range([11, 0, 0, 0], [11, 0, 0, 0])]);
    assert_eq!(cut.unwrap().count(), TargetRanges::MAX_COUNT);
}
