use proptest::prelude::*;

use super::*;

const BLOCK: SackBlock =
    SackBlock { start: SequenceNumber::new(0x0102_0304), end: SequenceNumber::new(0x0506_0708) };
const TIMESTAMP: Timestamps = Timestamps { value: 0x1112_1314, echo: 0x2122_2324 };

/// Returns the bytes of the options in a header.
fn written(options: Options) -> Vec<u8> {
    let mut bytes = vec![0xee; options.length()];
    options.write_to(&mut bytes);
    bytes
}

/// Returns this number of different blocks.
fn blocks(count: u32) -> SackBlocks {
    let mut blocks = SackBlocks::default();
    for number in 0..count {
        let start = SequenceNumber::new(10 * number);
        assert!(blocks.push(SackBlock { start, end: start.plus(1) }), "block {number} was refused");
    }
    blocks
}

// proves: rfc9293-options
#[test]
fn options_of_syn_have_layout_of_linux() {
    let options = Options {
        maximum_segment_size: Some(1_460),
        window_scale: Some(7),
        sack_permitted: true,
        timestamps: Some(TIMESTAMP),
        ..Options::default()
    };
    let expected =
        [2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0x11, 0x12, 0x13, 0x14, 0x21, 0x22, 0x23, 0x24, 1, 3, 3, 7];
    assert_eq!(written(options), expected);
    assert_eq!(Options::parse(&expected), (options, true));
}

// proves: rfc9293-option-padding
#[test]
fn each_option_ends_at_word_boundary() {
    let with = |change: fn(&mut Options)| {
        let mut options = Options::default();
        change(&mut options);
        written(options)
    };
    assert_eq!(with(|_| ()), [0; 0]);
    assert_eq!(with(|options| options.maximum_segment_size = Some(536)), [2, 4, 2, 24]);
    assert_eq!(with(|options| options.window_scale = Some(14)), [1, 3, 3, 14]);
    assert_eq!(with(|options| options.sack_permitted = true), [1, 1, 4, 2]);
    assert_eq!(
        with(|options| options.timestamps = Some(TIMESTAMP)),
        [1, 1, 8, 10, 0x11, 0x12, 0x13, 0x14, 0x21, 0x22, 0x23, 0x24]
    );
    assert_eq!(with(|options| assert!(options.sack.push(BLOCK))), [1, 1, 5, 10, 1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn three_sack_blocks_fit_with_timestamps_and_four_without() {
    for (timestamps, capacity, length) in [(None, 4, 36), (Some(TIMESTAMP), 3, 40)] {
        let options = Options { timestamps, sack: blocks(4), ..Options::default() };
        assert_eq!(options.length(), length);
        let (parsed, is_valid) = Options::parse(&written(options));
        assert!(is_valid, "written options are invalid");
        assert_eq!(parsed, Options { timestamps, sack: blocks(capacity), ..Options::default() });
    }
}

#[test]
fn fifth_sack_block_is_refused() {
    let mut blocks = blocks(4);
    assert!(!blocks.push(BLOCK), "a fifth block was accepted");
    assert_eq!((blocks.len(), blocks.iter().count()), (4, 4));
}

// proves: rfc9293-options
#[test]
fn options_are_parsed_at_any_alignment() {
    let mut bytes = vec![];
    for no_operations in 0..4 {
        bytes.resize(no_operations, 1);
        bytes.extend([2, 4, 0x05, 0xb4, 4, 2]);
        let (options, is_valid) = Options::parse(&bytes);
        assert_eq!(
            (options.maximum_segment_size, options.sack_permitted, is_valid),
            (Some(1_460), true, true)
        );
        bytes.clear();
    }
}

// proves: rfc9293-options
#[test]
fn unsupported_option_is_skipped_by_its_length() {
    let bytes = [34, 10, 2, 4, 0, 1, 2, 4, 0, 2, 254, 2, 2, 4, 0x05, 0xb4];
    let (options, is_valid) = Options::parse(&bytes);
    assert_eq!((options.maximum_segment_size, is_valid), (Some(1_460), true));
    let listed: Vec<_> = TcpOptions::new(&bytes).collect();
    let expected = [
        TcpOption::Unsupported { kind: 34, data: &[2, 4, 0, 1, 2, 4, 0, 2] },
        TcpOption::Unsupported { kind: 254, data: &[] },
        TcpOption::MaximumSegmentSize(1_460),
    ];
    assert_eq!(listed, expected);
}

// proves: rfc9293-option-length
#[test]
fn illegal_option_length_ends_options() {
    for (malformed, name) in
        [(&[8, 0][..], "zero"), (&[8, 1], "one"), (&[8, 11, 1, 1], "beyond header"), (&[8], "absent")]
    {
        let bytes = [&[2, 4, 0x05, 0xb4][..], malformed].concat();
        let (options, is_valid) = Options::parse(&bytes);
        assert_eq!((options.maximum_segment_size, is_valid), (Some(1_460), false), "length {name}");
        let last = TcpOptions::new(&bytes).last();
        assert_eq!(last, Some(TcpOption::Malformed { kind: 8 }), "length {name}");
        assert_eq!(TcpOptions::new(&bytes).count(), 2, "length {name}: an option follows");
    }
}

// proves: rfc9293-options
#[test]
fn bytes_after_end_of_options_are_ignored() {
    let bytes = [0, 2, 4, 0x05, 0xb4, 8, 0];
    assert_eq!(Options::parse(&bytes), (Options::default(), true));
    assert_eq!(TcpOptions::new(&bytes).collect::<Vec<_>>(), [TcpOption::End]);
}

// proves: tcp-option-known-length
#[test]
fn option_with_wrong_length_has_no_effect() {
    let wrong: [&[u8]; 9] = [
        &[2, 3, 5],
        &[2, 5, 5, 5, 5],
        &[3, 2],
        &[3, 4, 7, 7],
        &[4, 3, 1],
        &[5, 2],
        &[5, 11, 0, 0, 0, 1, 0, 0, 0, 2, 0],
        &[8, 9, 1, 2, 3, 4, 5, 6, 7],
        &[8, 2],
    ];
    for option in wrong {
        // The options that follow count.
        let bytes = [option, &[3, 3, 9]].concat();
        let (options, is_valid) = Options::parse(&bytes);
        assert!(!is_valid, "{option:?} is valid");
        assert_eq!(options, Options { window_scale: Some(9), ..Options::default() }, "{option:?}");
    }
}

// proves: tcp-option-first
#[test]
fn first_of_several_options_of_a_kind_has_effect() {
    let first = written(Options {
        maximum_segment_size: Some(1),
        window_scale: Some(1),
        timestamps: Some(TIMESTAMP),
        ..Options::default()
    });
    let second = [2, 4, 0, 2, 3, 3, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(Options::parse(&[&first[..], &second].concat()), Options::parse(&first));
    let sack = |sack| written(Options { sack, ..Options::default() });
    let (parsed, _) = Options::parse(&[sack(blocks(1)), sack(blocks(2))].concat());
    assert_eq!(parsed.sack, blocks(1));
}

prop_compose! {
    fn any_block()(start in any::<u32>(), end in any::<u32>()) -> SackBlock {
        SackBlock { start: SequenceNumber::new(start), end: SequenceNumber::new(end) }
    }
}

prop_compose! {
    /// Returns options that a header can have, without regard to its flags.
    pub(crate) fn any_options()(
        maximum_segment_size in any::<Option<u16>>(),
        window_scale in any::<Option<u8>>(),
        sack_permitted in any::<bool>(),
        timestamps in any::<Option<(u32, u32)>>(),
        blocks in proptest::collection::vec(any_block(), 0..=4),
    ) -> Options {
        let timestamps = timestamps.map(|(value, echo)| Timestamps { value, echo });
        let mut options =
            Options { maximum_segment_size, window_scale, sack_permitted, timestamps, sack: SackBlocks::default() };
        let capacity = (40 - options.length()).saturating_sub(4) / 8;
        for block in blocks.into_iter().take(capacity) {
            assert!(options.sack.push(block), "a header has capacity for more than four blocks");
        }
        options
    }
}

proptest! {
    // proves: rfc9293-options, rfc9293-option-padding
    #[test]
    fn written_options_are_parsed_to_same_options(options in any_options()) {
        let bytes = written(options);
        prop_assert_eq!(bytes.len() % 4, 0);
        prop_assert!(bytes.len() <= 40, "{} bytes", bytes.len());
        prop_assert_eq!(Options::parse(&bytes), (options, true));
        prop_assert!(!TcpOptions::new(&bytes).any(|option| option == TcpOption::End), "padding follows: {bytes:?}");
    }

    // proves: rfc9293-option-length, tcp-option-known-length
    #[test]
    fn each_byte_of_any_options_is_read_at_most_once(bytes in proptest::collection::vec(any::<u8>(), 0..=40)) {
        // Kind and length of an option take at least one byte.
        prop_assert!(TcpOptions::new(&bytes).count() <= bytes.len());
        let mut read = 0;
        for option in TcpOptions::new(&bytes) {
            read += match option {
                TcpOption::End | TcpOption::NoOperation | TcpOption::Malformed { .. } => 1,
                TcpOption::MaximumSegmentSize(_) => 4,
                TcpOption::WindowScale(_) => 3,
                TcpOption::SackPermitted => 2,
                TcpOption::Sack(blocks) => 2 + 8 * blocks.len(),
                TcpOption::Timestamps(_) => 10,
                TcpOption::Unsupported { data, .. } => 2 + data.len(),
                TcpOption::InvalidLength { length, .. } => usize::from(length),
            };
        }
        prop_assert!(read <= bytes.len(), "{read} bytes of {}", bytes.len());
    }
}
