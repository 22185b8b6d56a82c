use super::*;
use ipv4::Ipv4Fields;

/// Returns the start of a datagram of the host with this protocol, fragment offset and data.
fn quote(protocol: IpProtocol, offset: usize, data: &[u8]) -> Vec<u8> {
    let mut bytes = [&[0; 20], data].concat();
    let source = [10, 0, 0, 2].into();
    let fields = Ipv4Fields {
        fragment_offset: offset,
        identification: 9,
        ..Ipv4Fields::new(protocol, source, [10, 0, 0, 1].into())
    };
    fields.write_to(&mut bytes).unwrap();
    bytes
}

const DATA: [u8; 8] = [8, 0, 0xaa, 0xbb, 0x12, 0x34, 0, 7];

// proves: rfc1122-error-reported
#[test]
fn quoted_datagram_names_protocol_ports_and_echo() {
    let bytes = quote(IpProtocol::ICMP, 0, &DATA);
    let quoted = QuotedDatagram::parse(&bytes).unwrap();
    assert_eq!(quoted.source(), Ipv4Addr::new(10, 0, 0, 2));
    assert_eq!(quoted.destination(), Ipv4Addr::new(10, 0, 0, 1));
    assert_eq!((quoted.protocol(), quoted.identification()), (IpProtocol::ICMP, 9));
    assert_eq!((quoted.echo(), quoted.ports()), (Some((0x1234, 7)), None));
    assert_eq!((quoted.total_length(), quoted.data()), (28, &DATA[..]));
    for protocol in [IpProtocol::UDP, IpProtocol::TCP] {
        let bytes = quote(protocol, 0, &DATA);
        let quoted = QuotedDatagram::parse(&bytes).unwrap();
        assert_eq!((quoted.echo(), quoted.ports()), (None, Some((0x0800, 0xaabb))));
    }
}

#[test]
fn ports_and_echo_are_none_for_later_fragments_short_quotations_and_replies() {
    let later = quote(IpProtocol::UDP, 8, &DATA);
    assert_eq!(QuotedDatagram::parse(&later).unwrap().ports(), None);
    let later = quote(IpProtocol::ICMP, 8, &DATA);
    assert_eq!(QuotedDatagram::parse(&later).unwrap().echo(), None);
    for length in 0..8 {
        let short = quote(IpProtocol::ICMP, 0, &DATA[..length]);
        assert_eq!(QuotedDatagram::parse(&short).unwrap().echo(), None, "{length}");
    }
    let mut reply = DATA;
    reply[0] = 0;
    let reply = quote(IpProtocol::ICMP, 0, &reply);
    assert_eq!(QuotedDatagram::parse(&reply).unwrap().echo(), None);
}

#[test]
fn quoted_header_is_read_when_routers_changed_it() {
    let mut bytes = quote(IpProtocol::ICMP, 0, &DATA);
    bytes[3] = 0xff;
    bytes[8] = 1;
    bytes[10] ^= 0xff;
    assert!(QuotedDatagram::parse(&bytes).unwrap().echo().is_some());
}

#[test]
fn quoted_datagram_is_refused_without_whole_ipv4_header() {
    let bytes = quote(IpProtocol::ICMP, 0, &DATA);
    for length in 0..20 {
        assert!(QuotedDatagram::parse(&bytes[..length]).is_none(), "{length}");
    }
    for first in [0x44, 0x48, 0x65] {
        let mut bytes = bytes.clone();
        bytes[0] = first;
        assert!(QuotedDatagram::parse(&bytes).is_none(), "{first:x}");
    }
    let mut with_options = bytes;
    with_options[0] = 0x47;
    assert_eq!(QuotedDatagram::parse(&with_options).unwrap().data(), []);
}
