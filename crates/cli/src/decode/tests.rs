use std::borrow::Cow;
use std::path::Path;

use capture::{CapturedFrame, Direction, LinkType};
use clap::Parser;
use dissect::{FrameFault, TAG_LIMIT, dissect};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::arguments::{Command, CommandLine};
use testbed::schema::check_lines;

const REQUEST: [u8; 42] = [
    2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0,
    0, 0, 0, 10, 0, 0, 2,
];
/// An echo request of 8 bytes, identifier 7, sequence number 9.
const ECHO: [u8; 42] = [
    2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 28, 0, 0, 0x40, 0, 64, 1, 0x26, 0xdf, 10, 0, 0, 1,
    10, 0, 0, 2, 8, 0, 0xf7, 0xef, 0, 7, 0, 9,
];

fn frame(bytes: &[u8]) -> CapturedFrame<'_> {
    CapturedFrame {
        number: 1,
        interface: capture::PacketInterface::default(),
        link_type: LinkType::ETHERNET,
        time: Some(1_700_000_000_123_456_789),
        length: bytes.len(),
        captured: bytes.len(),
        bytes,
        direction: None,
        comments: Vec::new(),
    }
}

/// Returns the faults and warnings of a frame.
fn faults(bytes: &[u8], length: usize) -> Vec<FrameFault> {
    dissect(bytes, length).faults().to_vec()
}

/// Returns the output of `decode` for a frame, with these options.
fn output(options: &str, frame: &CapturedFrame<'_>) -> String {
    output_of_all(options, std::slice::from_ref(frame))
}

/// Returns the output of `decode` for consecutive frames, with these options.
fn output_of_all(options: &str, frames: &[CapturedFrame<'_>]) -> String {
    let options = ["tapstack", "decode", "-"].into_iter().chain(options.split_whitespace());
    let Some(Command::Decode(arguments)) = CommandLine::try_parse_from(options).unwrap().command else {
        panic!("another command");
    };
    let (mut lines, mut conversations) = (String::new(), arguments.conversations());
    for frame in frames {
        let dissection = dissect_captured(frame.link_type, frame.bytes, frame.length);
        write_frame(&mut lines, &arguments, frame, &dissection, &mut conversations);
    }
    lines
}

fn object(frame: &CapturedFrame<'_>) -> Value {
    let line = output("--json", frame);
    check_lines("decode", &line);
    serde_json::from_str(&line).unwrap()
}

/// Returns the field and the rule of each fault.
fn fault_locations(bytes: &[u8]) -> Vec<(String, String)> {
    let object = object(&frame(bytes));
    let of = |fault: &Value| {
        let location =
            format!("{}.{}", fault["header"].as_str().unwrap(), fault["field"].as_str().unwrap_or("-"));
        let by = fault["requirement"].as_str().or(fault["standard"].as_str()).unwrap();
        assert!(fault["rule"].as_str().is_some_and(|rule| rule.len() > 20), "{fault}");
        (location, by.to_owned())
    };
    object["faults"].as_array().unwrap().iter().map(of).collect()
}

fn with_changes(bytes: &[u8], changes: &[(usize, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (index, byte) in changes {
        bytes[*index] = *byte;
    }
    bytes
}

// Expected lines are the output of tcpdump 4.99.3 for the same bytes, with -n and the same options.

#[test]
fn decode_line_matches_tcpdump() {
    let arp = frame(&REQUEST);
    assert_eq!(output("", &arp), "22:13:20.123456 ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28\n");
    assert_eq!(
        output("-t -v", &arp),
        "ARP, Ethernet (len 6), IPv4 (len 4), Request who-has 10.0.0.2 tell 10.0.0.1, length 28\n"
    );
    assert_eq!(
        output("-t -v", &frame(&with_changes(&REQUEST, &[(15, 6)]))),
        "ARP, TokenRing (len 6), IPv4 (len 4), Request who-has 10.0.0.2 tell 10.0.0.1, length 28\n"
    );
    assert_eq!(
        output("-t -e", &arp),
        "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype ARP (0x0806), length 42: Request who-has 10.0.0.2 tell 10.0.0.1, length 28\n"
    );
    let echo = frame(&ECHO);
    assert_eq!(output("-t", &echo), "IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 9, length 8\n");
    assert_eq!(
        output("-t -v", &echo),
        "IP (tos 0x0, ttl 64, id 0, offset 0, flags [DF], proto ICMP (1), length 28)\n    10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 9, length 8\n"
    );
}

#[test]
fn hex_dump_excludes_or_includes_link_header() {
    let lines = output("-t -x", &frame(&REQUEST));
    let expected =
        "\t0x0000:  0001 0800 0604 0001 0200 0000 0001 0a00\n\t0x0010:  0001 0000 0000 0000 0a00 0002\n";
    assert!(lines.ends_with(expected), "{lines}");
    let lines = output("-t -xx", &frame(&REQUEST[..17]));
    assert!(
        lines.ends_with("\t0x0000:  0200 0000 0002 0200 0000 0001 0806 0001\n\t0x0010:  08\n"),
        "{lines}"
    );
}

// Output that tcpdump does not have.

#[test]
fn truncated_frame_is_reported_without_fault() {
    let truncated = CapturedFrame { length: 1_514, ..frame(&ECHO[..38]) };
    assert_eq!(
        output("-t", &truncated),
        "IP 10.0.0.1 > 10.0.0.2: ICMP, length 8 [truncated: 38 of 1514 bytes captured]\n"
    );
    for length in 0..ECHO.len() {
        assert_eq!(faults(&ECHO[..length], ECHO.len()), [], "{length}");
        assert_ne!(faults(&ECHO[..length], length), [], "{length}");
    }
}

#[test]
fn fault_names_field_and_requirement() {
    let table: [(Vec<u8>, &str, &str); 15] = [
        (REQUEST[..13].to_vec(), "ethernet.-", "truncated"),
        (with_changes(&REQUEST, &[(6, 3)]), "ethernet.source", "ethernet-group-source"),
        (with_changes(&REQUEST, &[(12, 5), (13, 0xff)]), "ethernet.type_or_length", "ethernet-undefined"),
        (with_changes(&REQUEST, &[(12, 5), (13, 0)]), "ethernet.type_or_length", "ethernet-length-beyond"),
        (
            with_changes(&REQUEST, &[(12, 0x81), (13, 0), (14, 0x0f), (15, 0xff)]),
            "tags.vlan",
            "ethernet-reserved-vlan",
        ),
        (REQUEST[..41].to_vec(), "arp.-", "truncated"),
        (with_changes(&REQUEST, &[(15, 7)]), "arp.hardware_type", "rfc826-hardware-type"),
        (with_changes(&REQUEST, &[(17, 6)]), "arp.protocol_type", "rfc826-protocol-type"),
        (with_changes(&REQUEST, &[(19, 6)]), "arp.protocol_length", "rfc826-lengths"),
        (with_changes(&REQUEST, &[(22, 3)]), "arp.sender_hardware_address", "sender-hardware-station"),
        (with_changes(&REQUEST, &[(28, 224)]), "arp.sender_protocol_address", "sender-protocol-host"),
        (with_changes(&ECHO, &[(22, 63)]), "ipv4.checksum", "rfc1122-header-checksum"),
        (with_changes(&ECHO, &[(14, 0x65)]), "ipv4.version", "rfc1122-version"),
        (ECHO[..41].to_vec(), "ipv4.total_length", "rfc791-total-length"),
        (with_changes(&ECHO, &[(41, 8)]), "icmp.checksum", "rfc792-checksum"),
    ];
    for (bytes, location, rule) in table {
        assert_eq!(fault_locations(&bytes), [(location.to_owned(), rule.to_owned())]);
    }
    assert_eq!(fault_locations(&REQUEST), []);
    assert_eq!(fault_locations(&ECHO), []);
}

#[test]
fn wrong_checksum_fault_has_expected_value() {
    let page = output("--explain", &frame(&with_changes(&ECHO, &[(24, 0), (25, 0)])));
    let decoded = "\ninvalid: ipv4.checksum: header checksum is wrong: 0x0000, expected 0x26df\n  RFC 1122 3.2.1.2 (rfc1122-header-checksum): a datagram with a wrong header checksum is dropped;";
    assert!(page.contains(decoded), "{page}");
}

#[test]
fn loopback_source_is_fault_except_on_loopback_interface() {
    // The checksum of 127.0.0.1 > 10.0.0.2.
    let from = with_changes(&ECHO, &[(24, 0xb1), (25, 0xde), (26, 127)]);
    assert_eq!(fault_locations(&from), [("ipv4.source".to_owned(), "rfc1122-source".to_owned())]);
    let inside = [&[0; 12][..], &from[12..]].concat();
    assert_eq!(fault_locations(&inside), []);
}

#[test]
fn diagram_has_field_values() {
    let page = output("--explain", &frame(&REQUEST));
    let drawn = "\
  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  |       hardware_type = 1       |    protocol_type = 0x0800     |
  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  |    hln = 6    |    pln = 4    |         operation = 1         |
  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
";
    assert!(page.contains(drawn), "{page}");
    assert!(page.contains("  operation                1 = Request: operation code (opcode)\n"), "{page}");
}

#[test]
fn diagram_rows_are_as_wide_as_their_borders() {
    let tagged = [&ECHO[..12], &[0x81, 0, 0x30, 5], &ECHO[12..]].concat();
    for bytes in [&REQUEST[..], &ECHO, &tagged] {
        let page = output("--explain", &frame(bytes));
        let lines: Vec<_> =
            page.lines().filter(|line| line.starts_with("  |") || line.starts_with("  +")).collect();
        assert!(lines.len() > 10);
        for pair in lines.windows(2).filter(|pair| pair[0].starts_with("  |")) {
            assert!(pair[1].len() >= pair[0].len() && pair[0].len() >= 3 + 2 * 16, "{pair:?}");
        }
    }
}

#[test]
fn json_object_has_all_fields() {
    let comments = vec![Cow::Borrowed("answered"), Cow::Borrowed("and kept")];
    let object = object(&CapturedFrame { direction: Some(Direction::In), comments, ..frame(&ECHO) });
    let expected: Value = serde_json::from_str(
        r#"{"schema":1,"number":1,"time":"2023-11-14T22:13:20.123456789+00:00","time_ns":1700000000123456789,"bytes":42,"captured_bytes":42,"direction":"in","comment":"answered","comments":["answered","and kept"],
        "ethernet":{"offset":0,"destination":"02:00:00:00:00:02","source":"02:00:00:00:00:01","type_or_length":2048},
        "tags":[],"more_tags":0,
        "ipv4":{"offset":14,"version":4,"header_length":5,"type_of_service":0,"total_length":28,"identification":0,
        "reserved":false,"dont_fragment":true,"more_fragments":false,"fragment_offset":0,"ttl":64,
        "protocol":1,"checksum":9951,"source":"10.0.0.1","destination":"10.0.0.2","options":""},
        "icmp":{"offset":34,"type":8,"code":0,"checksum":63471,"identifier":7,"sequence":9},
        "faults":[],"warnings":[]}"#,
    )
    .unwrap();
    assert_eq!(object, expected);
}

/// Returns an Ethernet frame with an IPv4 datagram with this protocol and data.
fn datagram(protocol: u8, data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(20 + data.len()).unwrap();
    let mut header = [0x45, 0, 0, length, 0, 0, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    let sum = inet::checksum::of(&header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    [&ECHO[..14], &header, data].concat()
}

/// Returns an ICMP message with a valid checksum.
fn message(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = inet::checksum::of(&bytes);
    bytes[2..4].copy_from_slice(&sum.to_be_bytes());
    bytes
}

#[test]
fn quoted_datagram_has_separate_headers() {
    let quoted = &datagram(17, &[0, 7, 0, 9, 0, 8, 0, 0])[14..];
    let error = datagram(1, &message([&[3, 4, 0, 0, 0, 0, 2, 64], quoted].concat()));
    let decoded = object(&frame(&error));
    assert_eq!(decoded["icmp"]["next_hop_mtu"], 576);
    assert_eq!(decoded["ipv4"]["offset"], 14);
    assert_eq!(decoded["quoted"]["ipv4"]["offset"], 42);
    assert_eq!(decoded["quoted"]["udp"]["destination_port"], 9);
    assert!(decoded.get("udp").is_none(), "{decoded}");
    let page = output("--explain", &frame(&error));
    assert!(page.contains("\nUDP header of the quoted datagram, bytes 62 to 69 (RFC 768"), "{page}");
    // An error with any other code has no MTU.
    let error = datagram(1, &message([&[3, 1, 0, 0, 0, 0, 2, 64], quoted].concat()));
    assert_eq!(object(&frame(&error))["icmp"]["rest"], 576);
}

#[test]
fn icmp_timestamp_and_mask_have_their_fields() {
    let head = [13, 0, 0, 0, 0, 1, 0, 2];
    let stamp = datagram(1, &message([&head[..], &[0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5]].concat()));
    let decoded = object(&frame(&stamp));
    assert_eq!(
        [3, 4, 5],
        ["originate", "receive", "transmit"].map(|name| decoded["icmp"][name].as_u64().unwrap())
    );
    let mask = datagram(1, &message([&with_changes(&head, &[(0, 18)])[..], &[255, 255, 255, 0]].concat()));
    assert_eq!(object(&frame(&mask))["icmp"]["address_mask"], "255.255.255.0");
}

#[test]
fn llc_header_is_decoded_with_either_control_field() {
    let with_llc = |llc: &[u8]| {
        let length = u8::try_from(llc.len()).unwrap();
        [&REQUEST[..12], &[0, length], llc, &[0; 46]].concat()
    };
    let unnumbered = object(&frame(&with_llc(&[0x42, 0x42, 3, 0, 0])));
    let expected = serde_json::json!({"offset": 14, "dsap": 66, "ssap": 66, "control": 3});
    assert_eq!(unnumbered["llc"], expected);
    let numbered = object(&frame(&with_llc(&[0x42, 0x42, 0x28, 1, 0])));
    assert_eq!(numbered["llc"]["control"], 0x2801);
    // 1501 to 1535 is not a length.
    assert!(
        object(&frame(&with_changes(&with_llc(&[0x42; 5]), &[(12, 5), (13, 0xdd)]))).get("llc").is_none()
    );
}

#[test]
fn arp_addresses_have_lengths_of_packet() {
    let packet = [0, 6, 8, 0, 2, 4, 0, 1, 0xaa, 0xbb, 10, 0, 0, 1, 0xcc, 0xdd, 10, 0, 0, 2];
    let decoded = object(&frame(&[&REQUEST[..14], &packet, &[0; 26]].concat()));
    assert_eq!(decoded["arp"]["sender_hardware_address"], "aa:bb");
    assert_eq!(decoded["arp"]["target_protocol_address"], "10.0.0.2");
    let page = output("--explain", &frame(&[&REQUEST[..14], &packet].concat()));
    assert!(page.contains("  target_hardware_address  cc:dd: length as given in the packet\n"), "{page}");
    // Incomplete addresses are omitted.
    let decoded = object(&frame(&[&REQUEST[..14], &packet[..15]].concat()));
    assert_eq!(decoded["arp"]["sender_protocol_address"], "10.0.0.1");
    assert!(decoded["arp"].get("target_hardware_address").is_none(), "{decoded}");
    let long = with_changes(&packet, &[(5, 2)]);
    let decoded = object(&frame(&[&REQUEST[..14], &long].concat()));
    assert_eq!(decoded["arp"]["sender_protocol_address"], "0a:00");
}

#[test]
fn header_checksum_is_checked_when_total_length_is_invalid() {
    let short = with_changes(&ECHO, &[(17, 200), (22, 63)]);
    let checksum = ("ipv4.checksum".to_owned(), "rfc1122-header-checksum".to_owned());
    let length = ("ipv4.total_length".to_owned(), "rfc791-total-length".to_owned());
    assert_eq!(fault_locations(&short), [length, checksum.clone()]);
    let line = output("-t", &frame(&short));
    assert!(line.ends_with(" [total length beyond the frame] [header checksum is wrong]\n"), "{line}");
    let truncated = CapturedFrame { length: 300, ..frame(&short) };
    assert!(
        output("-t", &truncated)
            .ends_with(" [header checksum is wrong] [truncated: 42 of 300 bytes captured]\n")
    );
    assert_eq!(faults(&short, 300).len(), 1);
}

#[test]
fn truncated_packet_summary_has_wire_length() {
    let truncated = CapturedFrame { length: 60, ..frame(&REQUEST) };
    assert_eq!(
        output("-t", &truncated),
        "ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 46 [truncated: 42 of 60 bytes captured]\n"
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_printed_in_all_formats(
        kind in prop_oneof![Just([8, 6]), Just([8, 0]), Just([0x86, 0xdd]), Just([0x81, 0]), any::<[u8; 2]>()],
        bytes in prop::collection::vec(any::<u8>(), 0..120),
        more in 0..2_usize,
    ) {
        let bytes = [&REQUEST[..12], &kind, &bytes].concat();
        for bytes in [&bytes[..], &bytes[bytes.len() / 2..]] {
            let frame = CapturedFrame { length: bytes.len() + more, ..frame(bytes) };
            for options in ["", "-e -v -xx", "--explain"] {
                prop_assert!(output(options, &frame).ends_with('\n'));
            }
            prop_assert_eq!(&object(&frame)["captured_bytes"], bytes.len());
        }
    }

    #[test]
    fn frame_that_stack_drops_has_fault_in_brackets(
        index in 0..ECHO.len(), byte in any::<u8>(), of_arp in any::<bool>()
    ) {
        let bytes = with_changes(if of_arp { &REQUEST } else { &ECHO }, &[(index, byte)]);
        let stack_drops = match link::EthernetFrame::parse(&bytes) {
            Ok(frame) if frame.ether_type() == link::EtherType::ARP => arp::Packet::parse(frame.payload()).is_err(),
            Ok(frame) if frame.ether_type() == link::EtherType::IPV4 => ipv4::Datagram::parse(frame.payload()).is_err(),
            _ => false,
        };
        if stack_drops {
            prop_assert!(!faults(&bytes, bytes.len()).is_empty());
            prop_assert!(output("", &frame(&bytes)).contains('['));
        }
    }
}

#[test]
fn comments_cannot_inject_terminal_escapes() {
    let comment = "\u{7f}\u{9b}2J\u{1b}[2J\n\"";
    let frame = CapturedFrame { comments: vec![Cow::Borrowed(comment)], ..frame(&REQUEST) };
    for options in ["", "--json", "--explain"] {
        let decoded = output(options, &frame);
        assert!(
            !decoded.trim_end_matches('\n').contains(|letter: char| letter.is_control() && letter != '\n'),
            "{decoded:?}"
        );
    }
    assert_eq!(object(&frame)["comment"], comment);
}

#[test]
fn faults_are_in_all_formats() {
    let cases = [
        with_changes(&REQUEST, &[(6, 3)]),
        with_changes(&REQUEST, &[(22, 0xff), (23, 0xff)]),
        with_changes(&REQUEST, &[(28, 224)]),
        with_changes(&ECHO, &[(26, 255), (27, 255), (28, 255), (29, 255)]),
        with_changes(&ECHO, &[(41, 8)]),
        with_changes(&ECHO, &[(16, 0), (17, 0)]),
    ];
    for bytes in cases {
        let frame = frame(&bytes);
        let object = object(&frame);
        let decoded: Vec<_> = ["faults", "warnings"]
            .iter()
            .flat_map(|key| object[key].as_array().unwrap())
            .map(|fault| fault["message"].as_str().unwrap().split(": ").next().unwrap().to_owned())
            .collect();
        assert!(!decoded.is_empty(), "{object}");
        let (line, page) = (output("-t", &frame), output("--explain", &frame));
        for fault in &decoded {
            assert!(line.contains(&format!(" [{fault}]")), "{line}");
            assert!(page.contains(fault), "{page}");
        }
        assert_eq!(line.matches('[').count(), decoded.len(), "{line}");
    }
}

#[test]
fn zero_total_length_is_no_header_length_fault() {
    let bytes = with_changes(&ECHO, &[(17, 0), (24, 0x26), (25, 0xfb)]);
    assert_eq!(fault_locations(&bytes), [("ipv4.total_length".to_owned(), "rfc791-total-length".to_owned())]);
    let expected = "IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 9, length 8 [total length below the header length]\n";
    assert_eq!(output("-t", &frame(&bytes)), expected);
}

#[test]
fn sender_mac_other_than_source_is_warning() {
    let bytes = with_changes(&REQUEST, &[(27, 9)]);
    let object = object(&frame(&bytes));
    assert_eq!(object["faults"], serde_json::json!([]));
    assert_eq!(object["warnings"][0]["field"], "sender_hardware_address");
    let line = output("-t", &frame(&bytes));
    assert!(line.ends_with(" [sender MAC address is not the frame's source]\n"), "{line}");
    assert!(output("--explain", &frame(&bytes)).contains("\nwarning: arp.sender_hardware_address: "));
    assert!(faults(&bytes, bytes.len()).iter().all(|fault| fault.is_warning));
}

#[test]
fn control_bits_are_explained_by_name() {
    let segment =
        |flags| datagram(6, &[4, 0x57, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, flags, 4, 0, 0, 0, 0, 0]);
    let page = |flags| output("--explain", &frame(&segment(flags)));
    assert!(page(2).contains("  flags                    0x02 = SYN: control bits"), "{}", page(2));
    assert!(page(0x18).contains(" 0x18 = ACK PSH: "), "{}", page(0x18));
    assert!(page(0).contains(" 0x00 = none: "), "{}", page(0));
}

#[test]
fn sequence_numbers_are_absolute_when_requested() {
    let segment = |sequence: u8, flags, data: &[u8]| {
        let head = [4, 0x57, 0, 80, 0, 0, 3, sequence, 0, 0, 0, 0, 0x50, flags, 4, 0, 0, 0, 0, 0];
        datagram(6, &[&head[..], data].concat())
    };
    let (syn, data) = (segment(0xe8, 0x12, &[]), segment(0xe9, 0x18, &[0, 0]));
    for (options, sequence) in [("-t", "seq 1:3,"), ("-t -S", "seq 1001:1003,")] {
        let lines = output_of_all(options, &[frame(&syn), frame(&data)]);
        assert!(lines.contains("seq 1000,") && lines.contains(sequence), "{options}: {lines}");
    }
}

#[test]
fn tcp_options_are_decoded_and_explained() {
    let options = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];
    let head = [4, 0x57, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0xa0, 2, 4, 0, 0, 0, 0, 0];
    let bytes = datagram(6, &[&head[..], &options].concat());
    assert_eq!(object(&frame(&bytes))["tcp"]["options"], "020405b40402080a000000010000000001030307");
    let page = output("--explain", &frame(&bytes));
    assert!(page.contains("\nTCP header, bytes 34 to 73 (RFC 9293 3.1)\n"), "{page}");
    for option in ["mss 1460: ", "sackOK: ", "TS val 1 ecr 0: ", "nop: ", "wscale 7: "] {
        assert!(page.contains(&format!("\n  option                   {option}")), "{option}: {page}");
    }
    assert_eq!(object(&frame(&datagram(6, &with_changes(&head, &[(12, 0x50)]))))["tcp"]["options"], "");
    let page =
        output("--explain", &frame(&datagram(6, &[&head[..], &with_changes(&options, &[(1, 0)])].concat())));
    let fault =
        "\ninvalid: tcp.options: TCP option length below 2 or beyond the header\n  RFC 9293 3.2, MUST-7 (";
    assert!(page.contains(fault), "{page}");
}

#[test]
fn frame_of_vlan_tags_is_decoded_in_bounded_memory() {
    let tags = capture::FRAME_LIMIT / 4;
    let bytes = [&REQUEST[..12], &[0x81, 0, 0, 5].repeat(tags), &[0x88, 0xb5]].concat();
    let found = dissect(&bytes, bytes.len()).layers();
    assert_eq!(found.layers.len(), 1 + TAG_LIMIT);
    assert_eq!(found.more_tags + TAG_LIMIT, tags);
    assert!(found.layers.capacity() < 64);
    let frame = frame(&bytes);
    assert_eq!(object(&frame)["more_tags"], found.more_tags);
    for options in ["", "-e -v", "--json", "--explain"] {
        let decoded = output(options, &frame);
        assert!(decoded.len() < 32 * 1_024, "{options}: {} bytes", decoded.len());
    }
    let explained = format!("\n{} more VLAN tags (not shown)\n", found.more_tags);
    assert!(output("--explain", &frame).contains(&explained));
}

#[test]
fn explanation_is_colored_without_a_change_of_its_text() {
    let mut bytes = REQUEST;
    bytes[22..28].fill(0xff);
    let page = output("--explain", &frame(&bytes));
    let colored = explained::color(&page, crate::color::Styler::ENABLED);
    assert!(
        colored.contains("\u{1b}[1m\u{1b}[31minvalid:\u{1b}[0m arp.sender_hardware_address"),
        "{colored}"
    );
    assert!(colored.contains("\n  \u{1b}[36mhardware_type\u{1b}[0m   "), "{colored}");
    let plain: String = colored
        .split('\u{1b}')
        .map(|part| part.strip_prefix('[').map_or(part, |code| code.split_once('m').unwrap().1))
        .collect();
    assert_eq!(plain, page);
    assert_eq!(explained::color(&page, crate::color::Styler::DISABLED), page);
}

/// Returns the lines of a capture of three frames: a request, a request with another hardware type, and an echo request.
fn lines_of_capture(options: &str) -> Vec<String> {
    let mut capture = Vec::new();
    capture::write::section(&mut capture, "test");
    capture::write::interface(&mut capture, LinkType::ETHERNET, "tap0");
    let faulty = with_changes(&REQUEST, &[(15, 7)]);
    for data in [&REQUEST[..], &faulty, &ECHO] {
        let packet = capture::write::EnhancedPacket { interface: 0, time: 0, data, flags: 0, comment: None };
        capture::write::packet(&mut capture, &packet);
    }
    let options = ["tapstack", "decode", "-t"].into_iter().chain(options.split(' '));
    let Some(Command::Decode(arguments)) = CommandLine::try_parse_from(options).unwrap().command else {
        panic!("another command");
    };
    assert_eq!(arguments.path(), Path::new("-"));
    let mut reader = FrameReader::new(&capture[..], LINK_TYPES).unwrap();
    let mut lines = Vec::new();
    let read = print(&mut reader, &arguments, |line, is_faulty| {
        lines.push(format!("{}{}", if is_faulty { "!" } else { "" }, line.lines().next().unwrap()));
        true
    });
    read.unwrap();
    lines
}

#[test]
fn only_selected_frames_are_printed() {
    let request = "ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28";
    let faulty = "!ARP, length 28 [hardware type is not Ethernet]";
    let echo = "IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 9, length 8";
    assert_eq!(lines_of_capture("-"), [request, faulty, echo]);
    assert_eq!(lines_of_capture("-n -r -"), [request, faulty, echo]);
    assert_eq!(lines_of_capture("-c 2 -"), [request, faulty]);
    assert_eq!(lines_of_capture("--faults-only -"), [faulty]);
    assert_eq!(lines_of_capture("--filter icmp -"), [echo]);
    assert_eq!(lines_of_capture("--filter=10.0.0.2 -c1 -nnr -"), [request]);
    assert_eq!(lines_of_capture("--filter icmp --faults-only -"), [""; 0]);
}

#[test]
fn file_is_required_once_and_filter_is_checked() {
    let error = |options: &str| {
        let options = ["tapstack", "decode"].into_iter().chain(options.split(' '));
        CommandLine::try_parse_from(options).err().map(|error| error.to_string())
    };
    assert_eq!(error("-r a.pcap"), None);
    for options in ["-n", "a.pcap -r b.pcap", "-c 0 a.pcap"] {
        assert!(error(options).is_some(), "{options} was accepted");
    }
    let error = error("--filter foo a.pcap").unwrap();
    assert!(error.contains("unexpected `foo`") || error.contains("invalid IP address `foo`"), "{error}");
}
