use inet::checksum;
use proptest::prelude::*;

use super::*;

const FIELDS: UdpFields = UdpFields {
    source: SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 4_000),
    destination: SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 53),
};
const ADDRESSES: (Ipv4Addr, Ipv4Addr) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
/// A state in which the device has verified the checksum.
const VERIFIED: Checksum = Checksum::Verified;
/// A state in which the checksum field contains only the sum of the pseudo-header.
const PARTIAL: Checksum = Checksum::Partial { start: 34, offset: 6 };

/// Returns a datagram with these fields and data.
fn datagram(fields: UdpFields, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xee; UdpFields::LENGTH];
    bytes.extend_from_slice(data);
    fields.write_to(&mut bytes).unwrap();
    bytes
}

fn parse(bytes: &[u8]) -> Result<UdpDatagram<'_>, UdpDropReason> {
    UdpDatagram::parse(bytes, ADDRESSES, Checksum::None)
}

/// Returns ports and data of a datagram, or the reason to drop it.
fn parsed(bytes: &[u8], checksum: Checksum) -> Result<(u16, u16, &[u8]), UdpDropReason> {
    let parsed = UdpDatagram::parse(bytes, ADDRESSES, checksum);
    parsed.map(|datagram| (datagram.source_port(), datagram.destination_port(), datagram.data()))
}

/// Returns the checksum over the pseudo-header of RFC 768, which is written out here, and the datagram.
fn checksum_with_pseudo_header((source, destination): (Ipv4Addr, Ipv4Addr), datagram: &[u8]) -> u16 {
    let mut covered = [source.octets(), destination.octets()].concat();
    covered.extend([0, 17]);
    covered.extend(u16::try_from(datagram.len()).unwrap().to_be_bytes());
    covered.extend_from_slice(datagram);
    checksum::of(&covered)
}

// proves: rfc768-header, rfc1122-udp-checksum-sent
#[test]
fn datagram_has_rfc_768_layout() {
    let expected = [0x0f, 0xa0, 0, 53, 0, 11, 0x17, 0x9e, b'a', b'b', b'c'];
    assert_eq!(datagram(FIELDS, b"abc"), expected);
    assert_eq!(parsed(&expected, Checksum::None), Ok((4_000, 53, &b"abc"[..])));
}

// proves: rfc768-zero-checksum
#[test]
fn computed_checksum_of_zero_is_sent_as_all_ones() {
    // The two bytes of data are the checksum of the datagram without them, so the sum of all bytes is zero.
    let mut bytes = datagram(FIELDS, &[0; 2]);
    let [.., c, d, _, _] = bytes[..] else { unreachable!("the datagram has ten bytes") };
    bytes[8..].copy_from_slice(&[c, d]);
    FIELDS.write_to(&mut bytes).unwrap();
    assert_eq!(bytes[6..8], [0xff, 0xff]);
    assert!(parse(&bytes).is_ok(), "a checksum of all ones is not accepted");
    bytes[9] ^= 1;
    assert_eq!(parse(&bytes).unwrap_err(), UdpDropReason::Checksum);
}

// proves: rfc768-no-checksum
#[test]
fn datagram_is_accepted_when_checksum_is_zero() {
    let mut bytes = datagram(FIELDS, b"data");
    bytes[6..8].fill(0);
    assert_eq!(parsed(&bytes, Checksum::None), Ok((4_000, 53, &b"data"[..])));
}

// proves: partial-checksum
#[test]
fn checksum_is_not_verified_when_device_reports_it() {
    let mut bytes = datagram(FIELDS, b"data");
    bytes[6] ^= 1;
    for (state, is_accepted) in [(Checksum::None, false), (VERIFIED, true), (PARTIAL, true)] {
        assert_eq!(parsed(&bytes, state).is_ok(), is_accepted, "{state:?}");
        let truncated = UdpDatagram::parse(&bytes[..11], ADDRESSES, state);
        assert_eq!(truncated.unwrap_err(), UdpDropReason::Length);
    }
}

// proves: rfc1122-udp-checksum
#[test]
fn datagram_is_dropped_when_one_bit_or_address_differs() {
    let bytes = datagram(FIELDS, b"data");
    // A flipped bit of the length is found by its value.
    for bit in (0..8 * bytes.len()).filter(|bit| !(32..48).contains(bit)) {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(parse(&damaged).unwrap_err(), UdpDropReason::Checksum, "bit {bit}");
    }
    let (source, destination) = ADDRESSES;
    for addresses in [(source, source), (destination, destination)] {
        let parsed = UdpDatagram::parse(&bytes, addresses, Checksum::None);
        assert_eq!(parsed.unwrap_err(), UdpDropReason::Checksum);
    }
}

// proves: rfc768-length
#[test]
fn datagram_is_dropped_when_length_is_below_header_or_beyond_datagram() {
    for length in 0..=40_u16 {
        let mut bytes = datagram(FIELDS, b"data");
        bytes[4..6].copy_from_slice(&length.to_be_bytes());
        bytes[6..8].fill(0);
        let expected = match usize::from(length) {
            length @ 8..=12 => Ok(&b"data"[..length - 8]),
            _ => Err(UdpDropReason::Length),
        };
        assert_eq!(parse(&bytes).map(|datagram| datagram.data()), expected, "{length}");
    }
    for length in 0..8 {
        assert_eq!(parse(&datagram(FIELDS, b"")[..length]).unwrap_err(), UdpDropReason::Truncated);
    }
}

// proves: rfc768-length
#[test]
fn bytes_after_length_are_ignored() {
    let mut bytes = datagram(FIELDS, b"data");
    bytes.extend([0xff; 7]);
    assert_eq!(parsed(&bytes, Checksum::None), Ok((4_000, 53, &b"data"[..])));
}

// proves: rfc768-source-port-zero
#[test]
fn datagram_with_source_port_zero_is_accepted() {
    let source = SocketAddrV4::new(*FIELDS.source.ip(), 0);
    let bytes = datagram(UdpFields { source, ..FIELDS }, b"data");
    assert_eq!(parsed(&bytes, Checksum::None), Ok((0, 53, &b"data"[..])));
}

// proves: rfc768-header, rfc1122-udp-checksum-sent, udp-all-lengths
#[test]
fn every_length_is_written_and_parsed() {
    let bytes: Vec<u8> = (0..=u16::MAX).map(|number| number.to_le_bytes()[usize::from(number % 2)]).collect();
    for length in (0..300).chain((300..UdpFields::MAX_DATA).step_by(997)).chain([1_472, 65_506, 65_507]) {
        let bytes = datagram(FIELDS, &bytes[..length]);
        assert_eq!(checksum_with_pseudo_header(ADDRESSES, &bytes), 0, "{length}");
        assert_eq!(parse(&bytes).unwrap().data(), &bytes[8..], "{length}");
    }
}

#[test]
fn write_is_refused_when_length_is_invalid() {
    for length in (0..8).chain([65_516, 65_535, 65_536, 100_000]) {
        let mut bytes = vec![0xee; length];
        assert_eq!(FIELDS.write_to(&mut bytes), Err(UdpLengthError), "{length}");
        assert!(bytes.iter().all(|byte| *byte == 0xee), "{length}: the bytes changed");
    }
}

proptest! {
    // proves: rfc768-header, rfc768-zero-checksum, rfc1122-udp-checksum-sent
    #[test]
    fn written_datagram_is_parsed_to_same_fields(
        source in any::<(u32, u16)>(),
        destination in any::<(u32, u16)>(),
        data in proptest::collection::vec(any::<u8>(), 0..600),
        padding in 0..20_usize,
    ) {
        let address = |(address, port)| SocketAddrV4::new(Ipv4Addr::from_bits(address), port);
        let fields = UdpFields { source: address(source), destination: address(destination) };
        let addresses = (*fields.source.ip(), *fields.destination.ip());
        let mut bytes = datagram(fields, &data);
        prop_assert_ne!(&bytes[6..8], &[0, 0]);
        prop_assert_eq!(checksum_with_pseudo_header(addresses, &bytes), 0);
        bytes.resize(bytes.len() + padding, 0xaa);
        let parsed = UdpDatagram::parse(&bytes, addresses, Checksum::None).unwrap();
        prop_assert_eq!((parsed.source_port(), parsed.destination_port()), (source.1, destination.1));
        prop_assert_eq!(parsed.data(), &data[..]);
    }

    // proves: rfc768-length, rfc1122-udp-checksum
    #[test]
    fn any_bytes_are_parsed_within_their_length(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        for state in [Checksum::None, VERIFIED, PARTIAL] {
            if let Ok(datagram) = UdpDatagram::parse(&bytes, ADDRESSES, state) {
                let end = usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
                prop_assert_eq!(datagram.data(), &bytes[8..end]);
                let has_checksum = bytes[6..8] != [0, 0];
                let is_checked = state == Checksum::None && has_checksum;
                prop_assert!(!is_checked || checksum_with_pseudo_header(ADDRESSES, &bytes[..end]) == 0);
            }
        }
    }
}

// proves: partial-checksum-sent
#[test]
fn device_completes_partial_checksum() {
    for length in [0, 1, 64, 1_472] {
        let complete = datagram(FIELDS, &vec![0xa5; length]);
        let mut bytes = complete.clone();
        FIELDS.write_partial_to(&mut bytes).unwrap();
        assert_eq!(parsed(&bytes, UdpFields::PARTIAL_CHECKSUM), parsed(&complete, Checksum::None));
        let checksum = checksum::of(&bytes);
        bytes[6..8].copy_from_slice(&checksum.to_be_bytes());
        assert_eq!(bytes, complete, "{length}");
    }
    assert_eq!(FIELDS.write_partial_to(&mut [0; 7]), Err(UdpLengthError));
}
