use super::*;
use proptest::prelude::*;

/// Returns a datagram from `::1` to `::2`.
fn datagram(next_header: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![0x60, 0, 0, 0, length[0], length[1], next_header, 64];
    bytes.extend(Ipv6Addr::LOCALHOST.octets());
    bytes.extend(Ipv6Addr::from(2).octets());
    bytes.extend(payload);
    bytes
}

#[test]
fn extension_headers_are_skipped_up_to_data() {
    let hop_by_hop = [60, 0, 1, 4, 0, 0, 0, 0];
    let destination = [51, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let authentication = [44, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let fragment = [17, 0, 0, 1, 0, 0, 0, 7];
    let data = [1, 2, 3, 4];
    let payload = [&hop_by_hop[..], &destination, &authentication, &fragment, &data].concat();
    let mut bytes = datagram(0, &payload);
    // Padding is no data.
    bytes.extend([0; 6]);
    let datagram = Ipv6Datagram::parse(&bytes).unwrap();
    assert_eq!((datagram.protocol, datagram.payload), (IpProtocol::UDP, &data[..]));
    assert_eq!(datagram.fragment, Some(Fragment { offset: 0, is_last: false }));
    assert_eq!((datagram.is_start(), datagram.data_length(bytes.len())), (true, 4));
    let numbers: Vec<_> = datagram.extensions().map(|extension| extension.number).collect();
    assert_eq!(numbers, [0, 60, 51, 44]);
}

#[test]
fn data_of_later_fragment_is_not_read_as_extension_header() {
    let payload = [60, 0, 0, 8, 0, 0, 0, 7, 17, 0, 0, 0, 0, 0, 0, 0];
    let bytes = datagram(44, &payload);
    let datagram = Ipv6Datagram::parse(&bytes).unwrap();
    assert_eq!((datagram.protocol, datagram.payload.len()), (IpProtocol(60), 8));
    assert_eq!(
        (datagram.fragment, datagram.is_start()),
        (Some(Fragment { offset: 8, is_last: true }), false)
    );
}

#[test]
fn incomplete_or_other_header_ends_extension_headers() {
    for payload in [&[17, 1, 0, 0, 0, 0, 0, 0][..], &[17], &[]] {
        let bytes = datagram(0, payload);
        let datagram = Ipv6Datagram::parse(&bytes).unwrap();
        assert_eq!((datagram.protocol, datagram.payload), (IpProtocol(0), payload));
    }
    assert_eq!(Ipv6Datagram::parse(&datagram(17, &[])[..39]), None);
    assert_eq!(Ipv6Datagram::parse(&[0x45; 60]), None);
}

proptest! {
    #[test]
    fn payload_is_end_of_datagram(next_header: u8, payload in prop::collection::vec(any::<u8>(), 0..100)) {
        let bytes = datagram(next_header, &payload);
        let datagram = Ipv6Datagram::parse(&bytes).unwrap();
        prop_assert!(payload.ends_with(datagram.payload));
        let skipped: usize = datagram.extensions().map(|extension| extension.length()).sum();
        prop_assert_eq!(skipped + datagram.payload.len(), payload.len());
        prop_assert_eq!((datagram.source, datagram.hop_limit), (Ipv6Addr::LOCALHOST, 64));
    }
}
