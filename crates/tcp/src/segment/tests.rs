use inet::checksum;
use proptest::prelude::*;

use super::*;
use crate::options::tests::any_options;
use crate::{SackBlock, Timestamps};

const ADDRESSES: (Ipv4Addr, Ipv4Addr) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
const FIELDS: SegmentFields = SegmentFields {
    source: SocketAddrV4::new(ADDRESSES.0, 4_000),
    destination: SocketAddrV4::new(ADDRESSES.1, 80),
    sequence: SequenceNumber::new(0x0102_0304),
    acknowledgment: SequenceNumber::new(0x0506_0708),
    flags: Flags::ACK.with(Flags::PSH),
    window: 0x1112,
    urgent_pointer: 0,
    options: Options::NONE,
};
/// A state in which the checksum field contains only the sum of the pseudo-header.
const PARTIAL: Checksum = Checksum::Partial { start: 34, offset: 16 };

/// Returns a segment with these fields and data.
fn segment(fields: SegmentFields, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xee; fields.header_length()];
    bytes.extend_from_slice(data);
    fields.write_to(&mut bytes).unwrap();
    bytes
}

fn parse(bytes: &[u8]) -> Result<Segment, TcpDropReason> {
    Segment::parse(bytes, ADDRESSES, Checksum::None)
}

/// Returns a segment that parses to these flags and numbers, with `data_length` bytes of data.
fn received(flags: Flags, data_length: usize) -> Segment {
    parse(&segment(SegmentFields { flags, ..FIELDS }, &vec![7; data_length])).unwrap()
}

/// Returns the fields that a parsed segment has.
fn fields_of(segment: &Segment) -> SegmentFields {
    let Segment {
        source, destination, sequence, acknowledgment, flags, window, urgent_pointer, options, ..
    } = *segment;
    SegmentFields { source, destination, sequence, acknowledgment, flags, window, urgent_pointer, options }
}

/// Returns the checksum over the pseudo-header of RFC 9293 3.1, which is written out here, and the segment.
fn checksum_with_pseudo_header((source, destination): (Ipv4Addr, Ipv4Addr), segment: &[u8]) -> u16 {
    let mut covered = [source.octets(), destination.octets()].concat();
    covered.extend([0, 6]);
    covered.extend(u16::try_from(segment.len()).unwrap().to_be_bytes());
    covered.extend_from_slice(segment);
    checksum::of(&covered)
}

// proves: rfc9293-checksum
#[test]
fn segment_has_rfc_9293_layout() {
    let mut fields = FIELDS;
    fields.urgent_pointer = 0x2122;
    fields.options.timestamps = Some(Timestamps { value: 1, echo: 2 });
    let bytes = segment(fields, b"abc");
    let expected = [
        0x0f, 0xa0, 0, 80, 1, 2, 3, 4, 5, 6, 7, 8, 0x80, 0x18, 0x11, 0x12, bytes[16], bytes[17], 0x21, 0x22,
        1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, b'a', b'b', b'c',
    ];
    assert_eq!(bytes, expected);
    assert_eq!(checksum_with_pseudo_header(ADDRESSES, &bytes), 0);
    let parsed = parse(&bytes).unwrap();
    assert_eq!(fields_of(&parsed), fields);
    assert_eq!((parsed.header_length, parsed.data_length), (32, 3));
}

#[test]
fn segment_shorter_than_header_is_dropped() {
    let bytes = segment(FIELDS, b"");
    for length in 0..20 {
        assert_eq!(parse(&bytes[..length]), Err(TcpDropReason::Truncated), "{length}");
    }
}

// proves: rfc9293-data-offset
#[test]
fn segment_is_dropped_when_data_offset_is_below_five_or_beyond_datagram() {
    for words in 0..=15_u8 {
        let mut bytes = segment(FIELDS, &[1; 20]);
        bytes[12] = words << 4;
        let parsed = Segment::parse(&bytes, ADDRESSES, Checksum::Verified);
        let lengths = parsed.map(|segment| (segment.header_length, segment.data_length));
        let header_length = 4 * usize::from(words);
        let expected = match words {
            5..=10 => Ok((header_length, 40 - header_length)),
            _ => Err(TcpDropReason::DataOffset),
        };
        assert_eq!(lengths, expected, "{words} words");
    }
}

// proves: rfc9293-reserved
#[test]
fn reserved_bits_are_ignored() {
    let mut bytes = segment(FIELDS, b"data");
    assert_eq!(bytes[12] & 0x0f, 0);
    bytes[12] |= 0x0f;
    let parsed = Segment::parse(&bytes, ADDRESSES, Checksum::Verified).unwrap();
    assert_eq!(fields_of(&parsed), FIELDS);
}

// proves: rfc9293-checksum
#[test]
fn segment_is_dropped_when_one_bit_or_address_differs() {
    let bytes = segment(FIELDS, b"data");
    // A flipped bit of the data offset is found by its value.
    for bit in (0..8 * bytes.len()).filter(|bit| !(96..100).contains(bit)) {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 0x80 >> (bit % 8);
        assert_eq!(parse(&damaged), Err(TcpDropReason::Checksum), "bit {bit}");
    }
    let (source, destination) = ADDRESSES;
    for addresses in [(source, source), (destination, destination)] {
        let parsed = Segment::parse(&bytes, addresses, Checksum::None);
        assert_eq!(parsed, Err(TcpDropReason::Checksum), "{addresses:?}");
    }
}

// proves: partial-checksum
#[test]
fn checksum_is_not_verified_when_device_reports_it() {
    let mut bytes = segment(FIELDS, b"data");
    bytes[16] ^= 1;
    for (state, is_accepted) in [(Checksum::None, false), (Checksum::Verified, true), (PARTIAL, true)] {
        assert_eq!(Segment::parse(&bytes, ADDRESSES, state).is_ok(), is_accepted, "{state:?}");
        let truncated = Segment::parse(&bytes[..19], ADDRESSES, state);
        assert_eq!(truncated, Err(TcpDropReason::Truncated), "{state:?}");
    }
}

// proves: rfc9293-checksum
#[test]
fn checksum_of_zero_is_a_checksum() {
    let mut bytes = segment(FIELDS, b"data");
    bytes[16..18].fill(0);
    assert_eq!(parse(&bytes), Err(TcpDropReason::Checksum), "a checksum of zero was not verified");
    // The last two bytes are the checksum of the other bytes, so the computed checksum is zero.
    let mut bytes = segment(FIELDS, &[0; 2]);
    let checksum = [bytes[16], bytes[17]];
    bytes[20..].copy_from_slice(&checksum);
    FIELDS.write_to(&mut bytes).unwrap();
    assert_eq!(bytes[16..18], [0, 0]);
    assert!(parse(&bytes).is_ok(), "a correct checksum of zero is not accepted");
}

// proves: tcp-port-zero
#[test]
fn segment_with_port_zero_is_dropped() {
    let port_zero = |address: SocketAddrV4| SocketAddrV4::new(*address.ip(), 0);
    for fields in [
        SegmentFields { source: port_zero(FIELDS.source), ..FIELDS },
        SegmentFields { destination: port_zero(FIELDS.destination), ..FIELDS },
    ] {
        assert_eq!(parse(&segment(fields, b"")), Err(TcpDropReason::PortZero), "{fields:?}");
    }
}

// proves: rfc9293-syn-options
#[test]
fn options_of_syn_have_no_effect_in_other_segments() {
    let options = Options {
        maximum_segment_size: Some(1_460),
        window_scale: Some(7),
        sack_permitted: true,
        timestamps: Some(Timestamps { value: 1, echo: 2 }),
        ..Options::NONE
    };
    for (flags, expected) in [
        (Flags::SYN, options),
        (Flags::SYN | Flags::ACK, options),
        (Flags::ACK, Options { timestamps: options.timestamps, ..Options::NONE }),
    ] {
        let parsed = parse(&segment(SegmentFields { flags, options, ..FIELDS }, b"")).unwrap();
        assert_eq!((parsed.options, parsed.has_invalid_option), (expected, false), "{flags}");
    }
}

// proves: rfc9293-option-length
#[test]
fn invalid_option_is_reported_with_segment() {
    let mut options = Options::NONE;
    options.maximum_segment_size = Some(1_460);
    let mut bytes = segment(SegmentFields { flags: Flags::SYN, options, ..FIELDS }, b"data");
    bytes[21] = 0;
    let parsed = Segment::parse(&bytes, ADDRESSES, Checksum::Verified).unwrap();
    assert!(parsed.has_invalid_option, "an option with length zero was not reported");
    assert_eq!((parsed.options, parsed.data_length), (Options::NONE, 4));
}

#[test]
fn sequence_length_counts_data_syn_and_fin() {
    for (flags, length, expected) in [
        (Flags::ACK, 0, 0),
        (Flags::ACK, 3, 3),
        (Flags::SYN, 0, 1),
        (Flags::FIN | Flags::ACK, 3, 4),
        (Flags::SYN | Flags::FIN, 3, 5),
    ] {
        assert_eq!(received(flags, length).sequence_length(), expected, "{flags} {length}");
    }
}

#[test]
fn reset_is_acceptable_to_sender_of_segment() {
    let zero = SequenceNumber::new(0);
    let reset = |flags, length| {
        let reset = SegmentFields::reset_for(&received(flags, length))?;
        assert_eq!((reset.source, reset.destination), (FIELDS.destination, FIELDS.source), "{flags}");
        assert_eq!((reset.window, reset.urgent_pointer, reset.options), (0, 0, Options::NONE), "{flags}");
        Some((reset.sequence, reset.acknowledgment, reset.flags))
    };
    let after = |length| Some((zero, FIELDS.sequence.plus(length), Flags::RST | Flags::ACK));
    assert_eq!(reset(Flags::SYN, 0), after(1));
    assert_eq!(reset(Flags::NONE, 5), after(5));
    assert_eq!(reset(Flags::SYN | Flags::FIN, 5), after(7));
    for flags in [Flags::ACK, Flags::SYN | Flags::ACK, Flags::FIN | Flags::ACK] {
        assert_eq!(reset(flags, 5), Some((FIELDS.acknowledgment, zero, Flags::RST)), "{flags}");
    }
    for flags in [Flags::RST, Flags::RST | Flags::ACK, Flags::RST | Flags::SYN] {
        assert_eq!(reset(flags, 0), None, "{flags}");
    }
}

// proves: rfc9293-checksum
#[test]
fn every_length_is_written_and_parsed() {
    let data: Vec<u8> = (0..=u16::MAX).map(|number| number.to_le_bytes()[usize::from(number % 2)]).collect();
    for length in (0..100).chain((100..65_495).step_by(4_999)).chain([1_460, 65_494, 65_495]) {
        let bytes = segment(FIELDS, &data[..length]);
        assert_eq!(checksum_with_pseudo_header(ADDRESSES, &bytes), 0, "{length}");
        assert_eq!(parse(&bytes).unwrap().data_length, length);
    }
}

#[test]
fn write_is_refused_when_length_is_invalid() {
    let mut options = Options::NONE;
    assert!(options.sack.push(SackBlock::default()), "an empty list refused a block");
    let fields = SegmentFields { options, ..FIELDS };
    for length in (0..32).chain([65_516, 65_535, 65_536, 100_000]) {
        let mut bytes = vec![0xee; length];
        assert_eq!(fields.write_to(&mut bytes), Err(TcpLengthError), "{length}");
        assert!(bytes.iter().all(|byte| *byte == 0xee), "{length}: the bytes changed");
    }
    let text = TcpLengthError.to_string();
    assert_eq!(text, "TCP segment shorter than its header or longer than 65515 bytes");
}

proptest! {
    // proves: rfc9293-checksum, rfc9293-options
    #[test]
    fn written_segment_is_parsed_to_same_fields(
        addresses in any::<(u32, u32)>(),
        ports in (1..=u16::MAX, 1..=u16::MAX),
        numbers in any::<(u32, u32)>(),
        flags in any::<u8>(),
        window in any::<u16>(),
        urgent_pointer in any::<u16>(),
        options in any_options(),
        data in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let addresses = (Ipv4Addr::from_bits(addresses.0), Ipv4Addr::from_bits(addresses.1));
        let fields = SegmentFields {
            source: SocketAddrV4::new(addresses.0, ports.0),
            destination: SocketAddrV4::new(addresses.1, ports.1),
            sequence: SequenceNumber::new(numbers.0),
            acknowledgment: SequenceNumber::new(numbers.1),
            flags: Flags::from_bits(flags) | Flags::SYN,
            window,
            urgent_pointer,
            options,
        };
        let bytes = segment(fields, &data);
        prop_assert_eq!(checksum_with_pseudo_header(addresses, &bytes), 0);
        let parsed = Segment::parse(&bytes, addresses, Checksum::None).unwrap();
        prop_assert_eq!(fields_of(&parsed), fields);
        prop_assert_eq!(&bytes[parsed.header_length..], &data[..]);
        prop_assert!(!parsed.has_invalid_option, "a written option is invalid");
    }

    // proves: rfc9293-data-offset, rfc9293-checksum
    #[test]
    fn any_bytes_are_parsed_within_their_length(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        for state in [Checksum::None, Checksum::Verified, PARTIAL] {
            if let Ok(segment) = Segment::parse(&bytes, ADDRESSES, state) {
                prop_assert_eq!(segment.header_length + segment.data_length, bytes.len());
                prop_assert!((20..=60).contains(&segment.header_length), "{} bytes", segment.header_length);
                prop_assert!(state != Checksum::None || checksum_with_pseudo_header(ADDRESSES, &bytes) == 0);
            }
        }
    }
}

// proves: tcp-partial-checksum
#[test]
fn partial_checksum_is_the_sum_of_the_pseudo_header() {
    let device = Offloads { checksum: true, ..Offloads::default() };
    for length in [0, 1, 999, 1_000, 65_000] {
        let data: Vec<u8> = (0..length).map(|byte| u8::try_from(byte % 251).unwrap()).collect();
        let mut frame = Frame::for_mtu(65_535);
        frame.write(&[vec![0xee; FIELDS.header_length()], data.clone()].concat()).unwrap();
        FIELDS.write_to_frame(&mut frame, device).unwrap();
        assert_eq!(frame.offload().checksum, Checksum::Partial { start: 0, offset: 16 });
        let field = u16::from_be_bytes([frame.bytes()[16], frame.bytes()[17]]);
        let sum =
            u32::from(!checksum_with_pseudo_header(ADDRESSES, &[])) + u32::try_from(frame.len()).unwrap();
        assert_eq!(u32::from(field), (sum & 0xffff) + (sum >> 16), "{length} bytes");
        // The device replaces the field by the checksum of the bytes.
        let completed = checksum::of(frame.bytes());
        frame.bytes_mut()[16..18].copy_from_slice(&completed.to_be_bytes());
        assert_eq!(frame.bytes(), segment(FIELDS, &data));
    }
    let mut frame = Frame::for_mtu(1_500);
    frame.write(&segment(FIELDS, b"data")).unwrap();
    FIELDS.write_to_frame(&mut frame, Offloads::default()).unwrap();
    assert_eq!((frame.bytes(), frame.offload()), (&segment(FIELDS, b"data")[..], Offload::default()));
    assert!(
        FIELDS.write_to_frame(&mut Frame::for_mtu(1_500), device).is_err(),
        "an empty frame has a header"
    );
}
