use super::*;
use proptest::prelude::*;

/// Computes the checksum as RFC 1071 1 defines it, word by word.
fn naive(bytes: &[u8]) -> u16 {
    let mut sum = 0_u32;
    for pair in bytes.chunks(2) {
        sum += u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap()
}

// proves: rfc1071-sum
#[test]
fn checksum_matches_example_of_rfc_1071() {
    let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
    assert_eq!(of(&bytes), !0xddf2);
}

// proves: rfc1071-sum
#[test]
fn odd_last_byte_is_upper_half_of_word() {
    assert_eq!(of(&[0x12]), !0x1200);
    assert_eq!(of(&[0, 1, 0x12]), !0x1201);
    assert_eq!(of(&[]), 0xffff);
}

// proves: rfc1071-sum
#[test]
fn checksum_equals_definition_at_every_length_and_alignment() {
    let bytes: Vec<u8> = (0..400_u32).map(|place| (place * 167 + 13).to_le_bytes()[0]).collect();
    for from in 0..16 {
        for to in from..bytes.len() {
            assert_eq!(of(&bytes[from..to]), naive(&bytes[from..to]), "{from}..{to}");
        }
    }
}

// proves: rfc1071-sum
#[test]
fn sum_does_not_overflow_when_input_is_long_and_large() {
    // In one run, more than 64 * 2^16 bytes would overflow the accumulators.
    for length in [65_535, 65_534, 65_472, 20, 64 * 65_537 + 3] {
        assert_eq!(of(&vec![0xff; length]), naive(&vec![0xff; length]), "{length}");
    }
}

// proves: rfc1071-verify
#[test]
fn checksum_is_valid_until_any_bit_flips() {
    let mut bytes = [0x45, 0, 0, 84, 0xbe, 0xef, 0x40, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    let sum = of(&bytes);
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    assert!(is_valid(&bytes));
    for bit in 0..8 * bytes.len() {
        let mut flipped = bytes;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(!is_valid(&flipped), "bit {bit}");
    }
}

// proves: rfc1624-update
#[test]
fn update_gives_zero_in_corner_case_of_rfc_1624() {
    assert_eq!(update(0xdd2f, 0x5555, 0x3285), 0x0000);
}

// proves: rfc1071-parts
#[test]
fn word_counts_as_two_bytes() {
    let sum = Sum::default().plus_word(0x1234).plus(&[0x56]);
    assert_eq!(sum.checksum(), naive(&[0x12, 0x34, 0x56]));
}

// proves: rfc1071-parts
#[test]
fn words_after_odd_number_of_bytes_are_byte_swapped() {
    let odd = Sum::default().plus(&[0xfe]);
    assert_eq!(odd.plus_word(0x1234).checksum(), naive(&[0xfe, 0x12, 0x34]));
    let double_word = odd.plus_number(0x1234_ff78).plus(&[0x9a]);
    assert_eq!(double_word.checksum(), naive(&[0xfe, 0x12, 0x34, 0xff, 0x78, 0x9a]));
    let even = Sum::default().plus_number(0x1234_ff78);
    assert_eq!(even.checksum(), naive(&[0x12, 0x34, 0xff, 0x78]));
}

proptest! {
    // proves: rfc1071-sum
    #[test]
    fn checksum_equals_definition(bytes in prop::collection::vec(any::<u8>(), 0..4_000)) {
        prop_assert_eq!(of(&bytes), naive(&bytes));
    }

    // proves: rfc1071-verify
    #[test]
    fn header_is_valid_when_its_bytes_are_valid(mut header: [u8; 20], has_checksum: bool) {
        if has_checksum {
            header[10..12].fill(0);
            let checksum = of(&header).to_be_bytes();
            header[10..12].copy_from_slice(&checksum);
            prop_assert!(is_valid_header(&header));
        }
        prop_assert_eq!(is_valid_header(&header), is_valid(&header));
    }

    // proves: rfc1071-parts
    #[test]
    fn sum_of_parts_equals_sum_of_whole(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..8)) {
        let sum = parts.iter().fold(Sum::default(), |sum, part| sum.plus(part));
        prop_assert_eq!(sum.checksum(), naive(&parts.concat()));
    }

    // proves: rfc1624-update
    #[test]
    fn update_equals_new_checksum(
        mut bytes in prop::collection::vec(any::<u8>(), 20..60),
        place in 0_usize..10,
        to: u16,
    ) {
        // A header has a byte that is not zero (RFC 1624 3).
        bytes[0] = 0x45;
        prop_assume!(place != 0 || to != 0);
        let old = of(&bytes);
        let word = 2 * place..2 * place + 2;
        let from = u16::from_be_bytes(bytes[word.clone()].try_into().unwrap());
        bytes[word].copy_from_slice(&to.to_be_bytes());
        let rest_is_zero = bytes.iter().all(|byte| *byte == 0);
        prop_assume!(!rest_is_zero);
        prop_assert_eq!(update(old, from, to), of(&bytes));
    }
}
