use super::*;
use proptest::prelude::*;

const FIELDS: Ipv4Fields =
    Ipv4Fields::new(IpProtocol::UDP, Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));

/// Returns a datagram with this payload.
fn datagram(payload: &[u8]) -> Vec<u8> {
    let mut bytes = [&[0xee; 20], payload].concat();
    FIELDS.write_to(&mut bytes).unwrap();
    bytes
}

/// Returns a datagram with this payload, one changed byte, and a valid checksum.
fn with(place: usize, byte: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = datagram(payload);
    bytes[place] = byte;
    repair(&mut bytes);
    bytes
}

fn repair(bytes: &mut [u8]) {
    let length = usize::from(bytes[0] & 0x0f) * 4;
    bytes[10..12].fill(0);
    let length = length.clamp(20, bytes.len());
    let sum = checksum::of(&bytes[..length]);
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
}

fn reason(bytes: &[u8]) -> Ipv4DropReason {
    Datagram::parse(bytes).unwrap_err()
}

// proves: rfc791-header, rfc791-checksum, rfc1122-type-of-service
#[test]
fn header_has_rfc_791_layout() {
    let fields = Ipv4Fields {
        type_of_service: 0xb8,
        identification: 0x1234,
        dont_fragment: true,
        more_fragments: true,
        fragment_offset: 8 * 0x0123,
        time_to_live: 7,
        ..FIELDS
    };
    let mut bytes = [0xff; 22];
    fields.write_to(&mut bytes).unwrap();
    let expected =
        [0x45, 0xb8, 0, 22, 0x12, 0x34, 0x61, 0x23, 7, 17, 0x2b, 0xc6, 10, 0, 0, 1, 10, 0, 0, 2, 0xff, 0xff];
    assert_eq!(bytes, expected);
    assert_eq!(Ipv4Fields::from(&Datagram::parse(&bytes).unwrap()), fields);
}

// proves: rfc791-header
#[test]
fn datagram_is_truncated_when_shorter_than_20_bytes() {
    for length in 0..20 {
        assert_eq!(reason(&datagram(b"")[..length]), Ipv4DropReason::Truncated, "{length}");
    }
}

// proves: rfc1122-version
#[test]
fn datagram_is_dropped_when_version_is_not_4() {
    for version in (0..16).filter(|version| *version != 4) {
        assert_eq!(reason(&with(0, version << 4 | 5, b"")), Ipv4DropReason::Version, "{version}");
    }
}

// proves: rfc791-header-length
#[test]
fn datagram_is_dropped_when_header_length_is_invalid() {
    for words in 0..5 {
        assert_eq!(reason(&with(0, 0x40 | words, &[0; 40])), Ipv4DropReason::HeaderLength, "{words}");
    }
    for words in 5..16 {
        assert!(Datagram::parse(&with(0, 0x40 | words, &[0; 40])).is_ok(), "{words}");
    }
    assert_eq!(reason(&with(0, 0x46, b"abc")), Ipv4DropReason::TotalLengthShort);
}

// proves: rfc791-total-length
#[test]
fn datagram_is_dropped_when_total_length_exceeds_frame_or_is_below_header() {
    let bytes = datagram(b"data");
    assert_eq!(reason(&bytes[..23]), Ipv4DropReason::TotalLength);
    for total in 0..20 {
        assert_eq!(reason(&with(3, total, b"data")), Ipv4DropReason::TotalLengthShort, "{total}");
    }
    assert_eq!(Datagram::parse(&with(3, 20, b"data")).unwrap().payload(), b"");
}

// proves: rfc791-padding
#[test]
fn bytes_after_total_length_are_padding() {
    let padded = [&datagram(b"data")[..], &[0xee; 22]].concat();
    let parsed = Datagram::parse(&padded).unwrap();
    assert_eq!(parsed.payload(), b"data");
    assert_eq!(parsed.bytes(), datagram(b"data"));
}

// proves: rfc1122-header-checksum
#[test]
fn datagram_is_dropped_when_any_header_bit_flips() {
    let good = datagram(b"data");
    for bit in 0..160 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(Datagram::parse(&bytes).is_err(), "bit {bit}");
    }
    let mut data = good;
    data[20] ^= 1;
    assert!(Datagram::parse(&data).is_ok(), "a changed data byte made the header checksum invalid");
}

// proves: rfc791-options, rfc1122-header-checksum
#[test]
fn options_are_kept_and_covered_by_checksum() {
    // A record route with a pointer beyond its end, and an option longer than the header.
    let options = [7, 7, 200, 1, 2, 3, 4, 68, 255, 0, 0, 0];
    let bytes = with(0, 0x48, &[&options[..], b"data"].concat());
    let parsed = Datagram::parse(&bytes).unwrap();
    assert_eq!((parsed.options(), parsed.payload()), (&options[..], &b"data"[..]));
    assert_eq!(parsed.header_length(), 32);
    let mut damaged = bytes;
    damaged[24] ^= 1;
    assert_eq!(reason(&damaged), Ipv4DropReason::Checksum);
}

// proves: rfc1122-time-to-live
#[test]
fn time_to_live_is_ignored_on_input_and_never_zero_on_output() {
    for time_to_live in [0, 1, 255] {
        let bytes = with(8, time_to_live, b"");
        assert_eq!(Datagram::parse(&bytes).unwrap().time_to_live(), time_to_live);
    }
    let mut bytes = [0; 20];
    Ipv4Fields { time_to_live: 0, ..FIELDS }.write_to(&mut bytes).unwrap();
    assert_eq!(Datagram::parse(&bytes).unwrap().time_to_live(), 1);
}

#[test]
fn reserved_flag_is_tolerated() {
    assert!(!Datagram::parse(&with(6, 0x80, b"")).unwrap().is_fragment());
}

#[test]
fn header_is_written_only_when_datagram_has_20_to_65535_bytes() {
    assert!(FIELDS.write_to(&mut [0; 19]).is_err());
    assert!(FIELDS.write_to(&mut vec![0; 65_536]).is_err());
    assert!(FIELDS.write_to(&mut vec![0; Datagram::MAX_LENGTH]).is_ok());
}

prop_compose! {
    fn fields()(
        type_of_service: u8,
        identification: u16,
        flags: (bool, bool),
        units in 0_usize..0x2000,
        time_to_live in 1_u8..,
        protocol: u8,
        source: [u8; 4],
        destination: [u8; 4],
    ) -> Ipv4Fields {
        Ipv4Fields {
            type_of_service,
            identification,
            dont_fragment: flags.0,
            more_fragments: flags.1,
            fragment_offset: units * 8,
            time_to_live,
            protocol: IpProtocol(protocol),
            source: source.into(),
            destination: destination.into(),
        }
    }
}

proptest! {
    // proves: rfc791-header
    #[test]
    fn written_fields_are_read_back(fields in fields(), payload in prop::collection::vec(any::<u8>(), 0..99)) {
        let mut bytes = [&[0xff; 20][..], &payload].concat();
        fields.write_to(&mut bytes).unwrap();
        let parsed = Datagram::parse(&bytes).unwrap();
        prop_assert_eq!(Ipv4Fields::from(&parsed), fields);
        prop_assert_eq!(parsed.payload(), payload);
    }

    #[test]
    fn any_bytes_are_parsed_without_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..128), repaired: bool) {
        if let (true, [first, ..]) = (repaired && bytes.len() >= 20, bytes.as_mut_slice()) {
            *first = *first & 0x0f | 0x40;
            bytes[2] = 0;
            repair(&mut bytes);
        }
        let _ = Datagram::parse(&bytes);
    }
}

#[test]
fn damaged_datagram_is_parsed_leniently() {
    let whole = datagram(b"abcd");
    let mut wrong = [&whole[..], &[0; 22]].concat();
    wrong[8] ^= 1;
    assert_eq!(reason(&wrong), Ipv4DropReason::Checksum);
    let parsed = Datagram::parse_lenient(&wrong).unwrap();
    assert_eq!((parsed.payload(), parsed.total_length()), (&b"abcd"[..], 24));

    let cut = Datagram::parse_lenient(&whole[..22]).unwrap();
    assert_eq!((cut.payload(), cut.total_length()), (&b"ab"[..], 24));
    let mut unfilled = whole.clone();
    unfilled[2..4].fill(0);
    assert_eq!(Datagram::parse_lenient(&unfilled).unwrap().payload(), b"abcd");

    for (bytes, text) in [
        (&whole[..19], "short"),
        (&with(0, 0x65, b""), "version"),
        (&with(0, 0x44, b""), "length"),
        (&with(0, 0x46, b""), "beyond"),
    ] {
        assert!(Datagram::parse_lenient(bytes).is_none(), "{text}");
    }
}

/// Returns a source route with two addresses and this pointer, padded to a multiple of four bytes.
fn route(kind: u8, pointer: u8) -> [u8; 12] {
    [kind, 11, pointer, 192, 0, 2, 1, 192, 0, 2, 2, END]
}

// proves: rfc791-source-route
#[test]
fn source_route_is_incomplete_until_pointer_exceeds_length() {
    for kind in [LOOSE_SOURCE_ROUTE, STRICT_SOURCE_ROUTE] {
        for pointer in 0..=u8::MAX {
            assert_eq!(has_incomplete_source_route(&route(kind, pointer)), pointer <= 11, "{kind} {pointer}");
        }
        // Incomplete source routes after other options, and after a completed source route.
        let behind = [&[1, 1, 1, 7, 7, 4, 0, 0, 0, 0][..], &route(kind, 4)].concat();
        assert!(has_incomplete_source_route(&behind));
        let second = [&route(kind, 12)[..11], &route(kind, 8)].concat();
        assert!(has_incomplete_source_route(&second));
        // Options after the end of the list are ignored.
        assert!(!has_incomplete_source_route(&[&[END][..], &route(kind, 4)].concat()));
    }
}

// proves: rfc791-source-route
#[test]
fn malformed_source_route_is_incomplete() {
    for malformed in
        [&[131][..], &[137, 3], &[131, 2, 9, 0], &[131, 0, 9, 0], &[137, 8, 9, 0], &[131, 3, 3, 0]]
    {
        assert!(has_incomplete_source_route(malformed), "{malformed:?}");
    }
    assert!(!has_incomplete_source_route(&[131, 3, 4, 0]), "a source route without addresses is incomplete");
}

#[test]
fn other_options_hold_no_source_route() {
    for options in [&[][..], &[0; 4], &[1; 40], &[7, 131, 4, 0], &[68, 0, 131, 4], &[68, 1, 131, 4], &[7]] {
        assert!(!has_incomplete_source_route(options), "{options:?}");
    }
}

proptest! {
    #[test]
    fn any_options_are_searched_without_panic(options in prop::collection::vec(prop_oneof![any::<u8>(), 0_u8..12, Just(131)], 0..41)) {
        let _ = has_incomplete_source_route(&options);
    }
}
