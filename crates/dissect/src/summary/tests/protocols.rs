//! Summaries of IPv6, its ICMP, DNS, DHCP, LLDP and spanning tree. Unless noted, expected lines are the output of tcpdump 4.99.3
//! `-n -t` for the same bytes.

use proptest::prelude::*;

use super::HEAD;
use super::datagrams::datagram;
use crate::conversation::TcpConversations;
use crate::dissect;
use crate::summary::SummaryStyle;
use inet::IpProtocol;

/// Returns the summary of a frame, with or without link header.
fn summary(link_header: bool, rest: &[&[u8]]) -> String {
    let bytes = [&HEAD[..], &rest.concat()].concat();
    let mut line = String::new();
    let style = SummaryStyle { link_header, verbose: false };
    dissect(&bytes, bytes.len()).write_summary(&mut line, style, &mut TcpConversations::default()).unwrap();
    line
}

/// Returns the summary of an IPv6 datagram from `fe80::1` to `fe80::2`.
fn ipv6(next_header: u8, payload: &[u8]) -> String {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let address = |last| [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
    let header = [0x60, 0, 0, 0, length[0], length[1], next_header, 255];
    summary(false, &[&[0x86, 0xdd], &header, &address(1), &address(2), payload])
}

/// Returns the summary of a UDP datagram between 10.0.0.1 and 10.0.0.2 with this data.
fn udp(ports: [u16; 2], data: &[u8]) -> String {
    let length = u16::try_from(data.len() + 8).unwrap();
    let [from, to] = ports.map(u16::to_be_bytes);
    let segment = [&from[..], &to, &length.to_be_bytes(), &[0, 0], data].concat();
    summary(false, &[&[8, 0], &datagram(IpProtocol::UDP.0, &segment)])
}

#[test]
fn neighbor_discovery_matches_tcpdump() {
    let target = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
    let option = [1, 1, 2, 0, 0, 0, 0, 1];
    let message = |kind, after: &[u8]| ipv6(58, &[&[kind, 0, 0, 0, 0, 0, 0, 0], after].concat());
    let neighbor = [&target[..], &option].concat();
    let start = "IP6 fe80::1 > fe80::2: ICMP6,";
    assert_eq!(message(135, &neighbor), format!("{start} neighbor solicitation, who has fe80::9, length 32"));
    assert_eq!(message(136, &neighbor), format!("{start} neighbor advertisement, tgt is fe80::9, length 32"));
    assert_eq!(message(133, &option), format!("{start} router solicitation, length 16"));
    assert_eq!(message(134, &[0; 8]), format!("{start} router advertisement, length 16"));
    let echo = ipv6(58, &[128, 0, 0, 0, 0, 7, 0, 9]);
    assert_eq!(echo, format!("{start} echo request, id 7, seq 9, length 8"));
}

#[test]
fn ipv6_data_matches_tcpdump() {
    let segment = [0x0f, 0xa0, 0, 81, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 4, 0, 0, 0, 0, 0];
    assert_eq!(ipv6(6, &segment), "IP6 fe80::1.4000 > fe80::2.81: Flags [S], seq 1, win 1024, length 0");
    let udp = [0x0f, 0xa0, 0, 81, 0, 9, 0, 0, 1];
    assert_eq!(ipv6(17, &udp), "IP6 fe80::1.4000 > fe80::2.81: UDP, length 1");
    let later = [17, 0, 0, 8, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(ipv6(44, &later), "IP6 fe80::1 > fe80::2: frag (8|8)");
    let report = [&[58, 0, 5, 2, 0, 0, 1, 0, 143, 0][..], &[0; 6]].concat();
    assert_eq!(ipv6(0, &report), "IP6 fe80::1 > fe80::2: HBH ICMP6, multicast listener report v2, length 8");
    assert_eq!(ipv6(59, &[]), "IP6 fe80::1 > fe80::2: no next header");
    assert_eq!(summary(false, &[&[0x86, 0xdd], &[0x60; 30]]), "IP6 length 30");
}

#[test]
fn dns_messages_match_tcpdump() {
    let name = b"\x04host\x07example\0";
    let head = |flags: [u8; 2], answers: u8| [0, 7, flags[0], flags[1], 0, 1, 0, answers, 0, 0, 0, 0];
    let query = [&head([1, 0], 0)[..], name, &[0, 1, 0, 1]].concat();
    let start = "IP 10.0.0.1.4000 > 10.0.0.2.53:";
    assert_eq!(udp([4_000, 53], &query), format!("{start} 7+ A? host.example. (30)"));
    let alias = [&[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 4, 1, b'x', 0xc0, 17][..]].concat();
    let address = [0xc0, 42, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1];
    let response = [&head([0x81, 0x80], 2)[..], name, &[0, 1, 0, 1], &alias, &address].concat();
    assert_eq!(
        udp([53, 4_000], &response),
        "IP 10.0.0.1.53 > 10.0.0.2.4000: 7 2/0/0 CNAME x.example., A 192.0.2.1 (62)"
    );
    let failure = [&head([0x85, 0x83], 0)[..], name, &[0, 28, 0, 1]].concat();
    assert_eq!(udp([53, 4_000], &failure), "IP 10.0.0.1.53 > 10.0.0.2.4000: 7 NXDomain* 0/0/0 (30)");
    // tcpdump marks an incomplete message with brackets.
    assert_eq!(udp([4_000, 53], &query[..20]), format!("{start} UDP, length 20"));
    // A name with control characters.
    let query = [&head([0, 0], 0)[..], b"\x03a\x1bb\0", &[0, 1, 0, 1]].concat();
    assert!(udp([4_000, 53], &query).is_ascii(), "{}", udp([4_000, 53], &query));
    assert!(!udp([4_000, 53], &query).contains('\x1b'));
}

/// Returns a DHCP message with these options.
fn dhcp(operation: u8, options: &[u8]) -> Vec<u8> {
    let mut message = vec![0; 236];
    message[..3].copy_from_slice(&[operation, 1, 6]);
    message[16..20].copy_from_slice(&[10, 0, 0, 9]);
    message[28..34].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
    [&message[..], &[99, 130, 83, 99], options].concat()
}

// tcpdump prints the part before the colon after the length; the rest is behind `-v` there.
#[test]
fn dhcp_message_has_type_and_addresses() {
    let options = [53, 1, 3, 0, 50, 4, 10, 0, 0, 9, 12, 4, b'h', b'o', 7, b't', 255, 54, 4, 9, 9, 9, 9];
    assert_eq!(
        udp([68, 67], &dhcp(1, &options)),
        "IP 10.0.0.1.68 > 10.0.0.2.67: BOOTP/DHCP, Request from 02:00:00:00:00:01, length 263: Request, requested 10.0.0.9, hostname ho\\u{7}t"
    );
    let options = [53, 1, 2, 54, 4, 10, 0, 0, 1, 12, 9];
    assert_eq!(
        udp([67, 68], &dhcp(2, &options)),
        "IP 10.0.0.1.67 > 10.0.0.2.68: BOOTP/DHCP, Reply, length 251: Offer, address 10.0.0.9 for 02:00:00:00:00:01, server 10.0.0.1"
    );
    assert_eq!(udp([68, 67], &[1]), "IP 10.0.0.1.68 > 10.0.0.2.67: BOOTP/DHCP, length 1");
    // A hardware address of another type or length is no MAC address.
    for (place, value) in [(1, 32), (2, 16)] {
        for operation in [1, 2] {
            let mut message = dhcp(operation, &[]);
            message[place] = value;
            let line = udp([67, 68], &message);
            assert!(!line.contains("02:00:00:00:00:01"), "{line}");
        }
    }
    // Characters that change the order or the lines of the text.
    let name = "a\u{202e}b\u{2066}c\u{2028}d\u{2029}e\u{200f}";
    let options = [&[12, u8::try_from(name.len()).unwrap()][..], name.as_bytes()].concat();
    let line = udp([68, 67], &dhcp(1, &options));
    assert!(line.ends_with(r"hostname a\u{202e}b\u{2066}c\u{2028}d\u{2029}e\u{200f}"), "{line}");
}

// tcpdump prints length and name.
#[test]
fn lldp_frame_has_name_chassis_and_port() {
    let chassis = [2, 7, 4, 2, 0, 0, 0, 0, 1];
    let port = [4, 5, 5, b'e', b't', b'h', b'0'];
    let frame = [&chassis[..], &port, &[6, 2, 0, 120, 10, 2, b's', b'1', 0, 0]].concat();
    let expected = "LLDP, length 26: s1, chassis 02:00:00:00:00:01, port eth0, ttl 120";
    assert_eq!(summary(false, &[&[0x88, 0xcc], &frame]), expected);
    let line = summary(true, &[&[0x88, 0xcc], &frame]);
    assert!(line.ends_with(&format!("(0x88cc), length 40: {expected}")), "{line}");
    assert_eq!(summary(false, &[&[0x88, 0xcc, 2, 9]]), "LLDP, length 2");
}

#[test]
fn bridge_protocol_data_unit_matches_tcpdump() {
    let llc = [0x42, 0x42, 3];
    let bridge = [0x80, 1, 2, 0, 0, 0, 0, 1, 0x80, 2];
    let config =
        |version, kind, flags: u8| [&[0, 0, version, kind, flags][..], &[0; 12], &bridge, &[0; 8]].concat();
    let plain = config(0, 0, 0x01);
    let expected =
        "STP 802.1d, Config, Flags [Topology change], bridge-id 8001.02:00:00:00:00:01.8002, length 35";
    assert_eq!(summary(false, &[&[0, 38], &llc, &plain, &[0; 8]]), expected);
    assert_eq!(
        summary(true, &[&[0, 38], &llc, &plain]),
        format!(
            "02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 38: LLC, dsap STP (0x42) Individual, ssap STP (0x42) Command, ctrl 0x03: {expected}"
        )
    );
    let rapid = [config(2, 2, 0x3c), vec![0]].concat();
    assert_eq!(
        summary(false, &[&[0, 39], &llc, &rapid]),
        "STP 802.1w, Rapid STP, Flags [Learn, Forward], bridge-id 8001.02:00:00:00:00:01.8002, length 36"
    );
    let multiple = [config(3, 2, 0x70), vec![0; 67]].concat();
    assert_eq!(
        summary(false, &[&[0, 105], &llc, &multiple]),
        "STP 802.1s, Rapid STP, CIST Flags [Learn, Forward, Agreement], length 102"
    );
    assert_eq!(summary(false, &[&[0, 7], &llc, &[0, 0, 0, 0x80]]), "STP 802.1d, Topology Change");
}

proptest! {
    #[test]
    fn summary_of_any_message_is_one_short_line(
        kind in 0..7_usize, bytes in prop::collection::vec(any::<u8>(), 0..120), link_header: bool,
    ) {
        let line = match kind {
            0 => ipv6(58, &bytes),
            1 => ipv6(0, &bytes),
            2 => udp([53, 53], &bytes),
            3 => udp([67, 68], &dhcp(2, &bytes)),
            4 => summary(link_header, &[&[0x88, 0xcc], &bytes]),
            5 => summary(link_header, &[&[0, 60, 0x42, 0x42, 3], &bytes]),
            _ => ipv6(17, &[&[0, 53, 0, 53, 0, 60, 0, 0][..], &bytes].concat()),
        };
        prop_assert!(!line.contains(char::is_control), "{:?}", line);
        prop_assert!(line.len() < 2_000, "{}", line.len());
    }
}
