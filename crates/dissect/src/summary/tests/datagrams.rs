//! Summaries of datagrams. Unless noted, expected lines are the output of tcpdump 4.99.3 `-e -n -t` for the same bytes.

use super::{HEAD, line, summarize, without_faults};
use crate::conversation::TcpConversations;
use crate::dissect;
use crate::summary::{SummaryStyle, write};
use icmp::{Echo, IcmpType};
use inet::{IpProtocol, checksum};
use ipv4::Ipv4Fields;
use proptest::prelude::*;

const FROM: [u8; 4] = [10, 0, 0, 1];
const TO: [u8; 4] = [10, 0, 0, 2];

/// Returns a datagram, or a fragment with an offset of `offset` bytes.
pub(super) fn fragment(protocol: u8, offset: usize, more_fragments: bool, data: &[u8]) -> Vec<u8> {
    let mut bytes = [&[0; Ipv4Fields::LENGTH][..], data].concat();
    let fields = Ipv4Fields::new(IpProtocol(protocol), FROM.into(), TO.into());
    Ipv4Fields { fragment_offset: offset, more_fragments, ..fields }.write_to(&mut bytes).unwrap();
    bytes
}

pub(super) fn datagram(protocol: u8, data: &[u8]) -> Vec<u8> {
    fragment(protocol, 0, false, data)
}

fn echo(kind: IcmpType, data: &[u8]) -> Vec<u8> {
    let mut message = vec![0; Echo::HEADER + data.len()];
    Echo { identifier: 7, sequence: 9, data }.write_to(kind, &mut message).unwrap();
    message
}

/// Returns a message with a valid checksum.
fn message(kind: u8, code: u8, rest: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut message = [&[kind, code, 0, 0], &rest[..], data].concat();
    let sum = checksum::of(&message).to_be_bytes();
    message[2..4].copy_from_slice(&sum);
    message
}

fn udp(length: u16) -> Vec<u8> {
    let [high, low] = length.to_be_bytes();
    [&[0x30, 0x39, 0, 9, high, low, 0, 0][..], b"hello"].concat()
}

fn tcp() -> Vec<u8> {
    [&[4, 0x57, 0, 80][..], &[0; 8], &[5 << 4, 2, 4, 0], &[0; 4]].concat()
}

/// Returns the summary of a frame's payload: the text after the link header.
pub(super) fn text(payload: &[u8]) -> String {
    let line = line(&[&[8, 0], payload]);
    let start = format!(
        "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length {}: ",
        14 + payload.len()
    );
    line.strip_prefix(&start).unwrap_or_else(|| panic!("{line}")).to_owned()
}

fn of_icmp(message: &[u8]) -> String {
    let text = text(&datagram(1, message));
    text.strip_prefix("10.0.0.1 > 10.0.0.2: ICMP ").unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn echo_request_and_reply_match_tcpdump() {
    assert_eq!(of_icmp(&echo(IcmpType::ECHO_REQUEST, &[0x55; 56])), "echo request, id 7, seq 9, length 64");
    assert_eq!(of_icmp(&echo(IcmpType::ECHO_REPLY, b"")), "echo reply, id 7, seq 9, length 8");
    // The padding of a short frame is not part of the data.
    let padded = [&datagram(1, &echo(IcmpType::ECHO_REQUEST, b""))[..], &[0; 18]].concat();
    assert_eq!(text(&padded), "10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 9, length 8");
}

#[test]
fn echo_is_summarized_after_vlan_tag_and_in_802_3() {
    let echo = datagram(1, &echo(IcmpType::ECHO_REQUEST, b""));
    let tagged = line(&[&[0x81, 0, 0, 5, 8, 0], &echo]);
    assert!(tagged.ends_with("ethertype 802.1Q (0x8100), length 46: vlan 5, p 0, ethertype IPv4 (0x0800), 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 9, length 8"), "{tagged}");
    let snap = line(&[&[0, 36, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &echo]);
    assert!(snap.ends_with("ethertype IPv4 (0x0800), length 28: 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 9, length 8"), "{snap}");
}

#[test]
fn unreachable_message_names_destination_for_each_code() {
    let quoted = datagram(17, &udp(13));
    let texts = [
        "net 10.0.0.2 unreachable",
        "host 10.0.0.2 unreachable",
        "10.0.0.2 protocol 17 unreachable",
        "10.0.0.2 udp port 9 unreachable",
        "10.0.0.2 unreachable - need to frag",
        "10.0.0.2 unreachable - source route failed",
        "net 10.0.0.2 unreachable - unknown",
        "host 10.0.0.2 unreachable - unknown",
        "10.0.0.2 unreachable - source host isolated",
        "net 10.0.0.2 unreachable - admin prohibited",
        "host 10.0.0.2 unreachable - admin prohibited",
        "net 10.0.0.2 unreachable - tos prohibited",
        "host 10.0.0.2 unreachable - tos prohibited",
        "host 10.0.0.2 unreachable - admin prohibited filter",
        "host 10.0.0.2 unreachable - host precedence violation",
        "host 10.0.0.2 unreachable - precedence cutoff",
        "10.0.0.2 unreachable - #16",
    ];
    for (code, text) in (0..).zip(texts) {
        assert_eq!(of_icmp(&message(3, code, [0; 4], &quoted)), format!("{text}, length 41"));
    }
    let mtu = message(3, 4, [0, 0, 5, 0xdc], &quoted);
    assert_eq!(of_icmp(&mtu), "10.0.0.2 unreachable - need to frag (mtu 1500), length 41");
    let port = |quoted: &[u8]| of_icmp(&message(3, 3, [0; 4], quoted));
    assert_eq!(port(&datagram(6, &tcp())), "10.0.0.2 tcp port 80 unreachable, length 48");
    assert_eq!(port(&datagram(132, &[0, 7, 0, 8])), "10.0.0.2 protocol 132 port 8 unreachable, length 32");
}

#[test]
fn other_icmp_errors_match_tcpdump() {
    let quoted = datagram(1, &echo(IcmpType::ECHO_REQUEST, b""));
    let of = |kind, code, rest| of_icmp(&message(kind, code, rest, &quoted));
    let table = [
        (of(11, 0, [0; 4]), "time exceeded in-transit"),
        (of(11, 1, [0; 4]), "ip reassembly time exceeded"),
        (of(11, 2, [0; 4]), "time exceeded-#2"),
        // words: off (the words of tcpdump)
        (of(12, 0, [9, 0, 0, 0]), "parameter problem - octet 9"),
        // words: on
        (of(12, 1, [9, 0, 0, 0]), "parameter problem - code 1"),
        (of(5, 0, [10, 0, 0, 254]), "redirect 10.0.0.2 to net 10.0.0.254"),
        (of(5, 1, [10, 0, 0, 254]), "redirect 10.0.0.2 to host 10.0.0.254"),
        (of(5, 2, [10, 0, 0, 254]), "redirect-tos 10.0.0.2 to net 10.0.0.254"),
        (of(5, 3, [10, 0, 0, 254]), "redirect-tos 10.0.0.2 to host 10.0.0.254"),
        (of(5, 4, [10, 0, 0, 254]), "redirect-#4 10.0.0.2 to 10.0.0.254"),
        (of(4, 0, [0; 4]), "source quench"),
    ];
    for (line, text) in table {
        assert_eq!(line, format!("{text}, length 36"));
    }
}

#[test]
fn other_icmp_queries_match_tcpdump() {
    let of = |kind| of_icmp(&message(kind, 0, [0, 1, 0, 2], &[0; 12]));
    let table = [
        (10, "router solicitation"),
        (13, "time stamp query id 1 seq 2"),
        (15, "information request"),
        (16, "information reply"),
        (17, "address mask request"),
        (42, "type-#42"),
        (14, "time stamp reply id 1 seq 2: org 00:00:00.000, recv 00:00:00.000, xmit 00:00:00.000"),
        (18, "address mask is 0x00000000"),
    ];
    for (kind, text) in table {
        assert_eq!(of(kind), format!("{text}, length 20"));
    }
}

#[test]
fn router_advertisement_lists_addresses_and_lifetime() {
    let of = |size, lifetime: u16, addresses: &[u8]| {
        let [high, low] = lifetime.to_be_bytes();
        of_icmp(&message(9, 0, [2, size, high, low], addresses))
    };
    let two = [10, 0, 0, 9, 0, 0, 0, 5, 10, 0, 0, 8, 0xff, 0xff, 0xff, 0xff];
    let text = "2: {10.0.0.9 5} {10.0.0.8 4294967295}, length 24";
    assert_eq!(of(2, 30, &two), format!("router advertisement lifetime 30 {text}"));
    assert_eq!(of(2, 600, &two), format!("router advertisement lifetime 10:00 {text}"));
    assert_eq!(of(2, 7_300, &two), format!("router advertisement lifetime 2:01:40 {text}"));
    assert_eq!(of(3, 30, &two), "router advertisement lifetime 30 2: [size 3], length 24");
}

#[test]
fn timestamp_and_mask_replies_show_their_values() {
    let times = [3_723_004_u32, 0x8000_0001, 86_399_999].map(u32::to_be_bytes).concat();
    let expected =
        "time stamp reply id 1 seq 2: org 01:02:03.004, recv 596:31:23.649, xmit 23:59:59.999, length 20";
    assert_eq!(of_icmp(&message(14, 0, [0, 1, 0, 2], &times)), expected);
    let mask = message(18, 0, [0, 1, 0, 2], &[255, 255, 255, 0]);
    assert_eq!(of_icmp(&mask), "address mask is 0xffffff00, length 12");
}

#[test]
fn ecn_bits_and_reserved_flag_are_named() {
    let text = |service, flags| {
        let mut bytes = datagram(1, &echo(IcmpType::ECHO_REQUEST, b""));
        (bytes[1], bytes[6]) = (service, flags);
        let bytes = [&HEAD[..], &[8, 0], &bytes].concat();
        let mut line = String::new();
        let style = SummaryStyle { link_header: false, verbose: true };
        write(&mut line, style, &without_faults(&bytes, bytes.len()), &mut TcpConversations::default())
            .unwrap();
        line.split(", ttl").next().unwrap().to_owned()
            + line.split_once("offset 0").unwrap().1.split(", proto").next().unwrap()
    };
    assert_eq!(text(1, 0xe0), "IP (tos 0x1,ECT(1), flags [+, DF, rsvd]");
    assert_eq!(text(2, 0x80), "IP (tos 0x2,ECT(0), flags [rsvd]");
    assert_eq!(text(3, 0), "IP (tos 0x3,CE, flags [none]");
    assert_eq!(text(4, 0x40), "IP (tos 0x4, flags [DF]");
}

#[test]
fn truncated_datagram_summary_has_wire_lengths() {
    let text = |protocol, data: &[u8], captured: usize| {
        let bytes = [&HEAD[..], &[8, 0], &datagram(protocol, data)].concat();
        let (cut, length) = (&bytes[..captured], bytes.len());
        assert_eq!(dissect(cut, length).faults(), [], "truncation by the capture is not a fault");
        let mut line = String::new();
        let style = SummaryStyle { link_header: false, verbose: false };
        write(&mut line, style, &without_faults(cut, length), &mut TcpConversations::default()).unwrap();
        let text = line.split(" [truncated:").next().unwrap();
        text.strip_prefix("IP ").unwrap().replace("10.0.0.1 > 10.0.0.2: ", "")
    };
    let echo = echo(IcmpType::ECHO_REQUEST, &[0x55; 56]);
    assert_eq!(text(1, &echo, 60), "ICMP echo request, id 7, seq 9, length 64");
    for captured in 34..42 {
        assert_eq!(text(1, &echo, captured), "ICMP, length 64");
    }
    assert_eq!(text(1, &echo, 30), "length 84");
    let udp = [&udp(48)[..8], &[0; 40]].concat();
    assert_eq!(text(17, &udp, 36), "UDP, length 40");
    assert_eq!(text(17, &udp, 38), "10.0.0.1.12345 > 10.0.0.2.9: UDP, length 40");
    assert_eq!(text(17, &udp, 60), "10.0.0.1.12345 > 10.0.0.2.9: UDP, length 40");
    let tcp = [tcp(), vec![0; 40]].concat();
    assert_eq!(text(6, &tcp, 40), "10.0.0.1.1111 > 10.0.0.2.80: TCP");
    assert_eq!(text(6, &tcp, 53), "10.0.0.1.1111 > 10.0.0.2.80: TCP, length 40");
    let whole = "10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 0:40, win 1024, length 40: HTTP";
    assert_eq!(text(6, &tcp, 54), whole);
    assert_eq!(text(99, &[0; 60], 40), " ip-proto-99 60");
}

#[test]
fn fragment_summaries_match_tcpdump() {
    let first = fragment(1, 0, true, &echo(IcmpType::ECHO_REQUEST, &[0x55; 1_472]));
    assert_eq!(text(&first), "10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 9, length 1480");
    // The checksum covers the whole message, so the checksum cannot be checked in a fragment.
    let mut part = echo(IcmpType::ECHO_REQUEST, &[0x55; 8]);
    part[2] ^= 1;
    assert_eq!(
        text(&fragment(1, 0, true, &part)),
        "10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 9, length 16"
    );
    assert_eq!(text(&fragment(1, 1_480, true, &[0x55; 1_480])), "10.0.0.1 > 10.0.0.2: ip-proto-1");
    assert_eq!(text(&fragment(17, 1_480, false, &[0x55; 8])), "10.0.0.1 > 10.0.0.2: ip-proto-17");
    assert_eq!(text(&fragment(6, 80, false, &[0x55; 40])), "10.0.0.1 > 10.0.0.2: ip-proto-6");
    assert_eq!(text(&fragment(17, 0, true, &udp(3_008))), "10.0.0.1.12345 > 10.0.0.2.9: UDP, length 3000");
}

#[test]
fn udp_summary_has_ports() {
    let of = |length| text(&datagram(17, &udp(length)));
    assert_eq!(of(13), "10.0.0.1.12345 > 10.0.0.2.9: UDP, length 5");
    assert_eq!(of(10), "10.0.0.1.12345 > 10.0.0.2.9: UDP, length 2");
    assert_eq!(
        of(100),
        "10.0.0.1.12345 > 10.0.0.2.9: UDP, bad length 92 > 5 [UDP length beyond the datagram]"
    );
    assert_eq!(of(3), "10.0.0.1.12345 > 10.0.0.2.9: truncated-udplength 3 [UDP length below 8]");
}

#[test]
fn unknown_protocol_is_summarized_by_number() {
    assert_eq!(text(&datagram(253, b"abcd")), "10.0.0.1 > 10.0.0.2:  ip-proto-253 4");
}

// Differences from tcpdump.

#[test]
fn malformed_datagram_summary_has_fault_in_brackets() {
    let echo = echo(IcmpType::ECHO_REQUEST, b"");
    assert_eq!(text(&datagram(1, &echo)[..19]), "length 19 [shorter than an IPv4 header]");
    let cut = "10.0.0.1 > 10.0.0.2: ICMP, length 8 [total length beyond the frame]";
    assert_eq!(text(&datagram(1, &echo)[..27]), cut);
    let mut header = datagram(1, &echo);
    header[8] ^= 1;
    let wrong = "10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 9, length 8 [header checksum is wrong]";
    assert_eq!(text(&header), wrong);
    header[0] = 0x65;
    assert_eq!(text(&header), "length 28 [version is not 4]");
    assert_eq!(
        text(&datagram(1, &echo[..7])),
        "10.0.0.1 > 10.0.0.2: ICMP, length 7 [shorter than an ICMP header]"
    );
    let mut wrong = echo.clone();
    wrong[2] ^= 1;
    assert_eq!(of_icmp(&wrong), "echo request, id 7, seq 9, length 8 [ICMP checksum is wrong]");
    assert_eq!(
        of_icmp(&message(3, 3, [0; 4], &[0x45; 19])),
        "unreachable, length 27 [ICMP error without a quoted datagram]"
    );
    let portless = message(3, 3, [0; 4], &datagram(17, b"")[..20]);
    assert_eq!(of_icmp(&portless), "10.0.0.2 port unreachable, length 28");
    assert_eq!(
        text(&datagram(17, &[0; 7])),
        "10.0.0.1.0 > 10.0.0.2.0: truncated-udplength 0 [UDP length below 8]"
    );
}

/// Exclusive limit on the length of a summary, in bytes.
const LINE_LIMIT: usize = 700;

proptest! {
    #[test]
    fn arbitrary_bytes_have_short_summary(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(summarize(&bytes).len() < LINE_LIMIT);
        prop_assert!(line(&[&[8, 0], &bytes]).len() < LINE_LIMIT);
    }

    #[test]
    fn valid_datagram_with_arbitrary_data_has_short_summary(
        protocol in prop_oneof![Just(1), Just(6), Just(17), any::<u8>()],
        (offset, more) in prop_oneof![Just((0, false)), Just((0, true)), Just((8, false))],
        kind in 0..20_u8,
        data in prop::collection::vec(any::<u8>(), 0..100),
        quoted in any::<u8>(),
    ) {
        let mut data = data;
        if let Some(first) = data.first_mut() {
            *first = kind;
        }
        // In most cases, the data that an ICMP error quotes looks like an IPv4 header.
        if let Some(version) = data.get_mut(8).filter(|_| quoted < 200) {
            *version = 0x40 | quoted & 0x0f;
        }
        let bytes = [&HEAD[..], &[8, 0], &fragment(protocol, offset, more, &data)].concat();
        let text = summarize(&bytes);
        prop_assert!(text.len() < LINE_LIMIT && text.contains("10.0.0.1"), "{}", text);
    }
}
