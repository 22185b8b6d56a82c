//! Summaries of TCP segments. Unless noted, expected lines are the output of tcpdump 4.99.3 `-n -t` for the same bytes.

use std::net::{Ipv4Addr, SocketAddrV4};

use inet::IpProtocol;
use ipv4::Ipv4Fields;
use proptest::prelude::*;
use tcp::{Flags, Options, SegmentFields, SequenceNumber};

use super::datagrams::{datagram, fragment, text};
use super::{HEAD, without_faults};
use crate::conversation::TcpConversations;
use crate::dissect;
use crate::summary::{SummaryStyle, write};

const CLIENT: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 4_000);
const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 80);
/// Options of a SYN: maximum segment size, SACK permitted, timestamps, window scale.
const SYN: &[u8] = &[2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];
/// Timestamps.
const TIME: &[u8] = &[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2];

/// A segment with options in any form.
#[derive(Clone, Copy)]
struct TestSegment<'a> {
    from: SocketAddrV4,
    to: SocketAddrV4,
    sequence: u32,
    acknowledgment: u32,
    flags: Flags,
    window: u16,
    options: &'a [u8],
    data: &'a [u8],
}

impl TestSegment<'_> {
    /// Returns a datagram with the segment.
    fn datagram(&self) -> Vec<u8> {
        let fields = SegmentFields {
            source: self.from,
            destination: self.to,
            sequence: SequenceNumber::new(self.sequence),
            acknowledgment: SequenceNumber::new(self.acknowledgment),
            flags: self.flags,
            window: self.window,
            urgent_pointer: if self.flags.contains(Flags::URG) { 7 } else { 0 },
            options: Options::NONE,
        };
        let mut segment = [&[0; 20], self.options, self.data].concat();
        fields.write_to(&mut segment).unwrap();
        segment[12] = u8::try_from((20 + self.options.len()) / 4 * 16).unwrap();
        let mut bytes = [&[0; Ipv4Fields::LENGTH], &segment[..]].concat();
        Ipv4Fields::new(IpProtocol::TCP, *self.from.ip(), *self.to.ip()).write_to(&mut bytes).unwrap();
        bytes
    }
}

/// Returns the summaries of datagrams that arrive one after the other.
fn lines(datagrams: &[Vec<u8>]) -> Vec<String> {
    let mut conversations = TcpConversations::default();
    let style = SummaryStyle { link_header: false, verbose: false };
    let of = |datagram: &Vec<u8>| {
        let bytes = [&HEAD[..], &[8, 0], datagram].concat();
        let mut line = String::new();
        write(&mut line, style, &dissect(&bytes, bytes.len()), &mut conversations).unwrap();
        line
    };
    datagrams.iter().map(of).collect()
}

/// Returns the options of a summary, and the faults.
fn options(bytes: &[u8]) -> String {
    let segment = TestSegment {
        from: CLIENT,
        to: SERVER,
        sequence: 0,
        acknowledgment: 1,
        flags: Flags::ACK,
        window: 10,
        options: bytes,
        data: b"",
    };
    let line = lines(&[segment.datagram()]).remove(0);
    let start = "IP 10.0.0.1.4000 > 10.0.0.2.80: Flags [.], ack 1, win 10, options [";
    let rest = line.strip_prefix(start).unwrap_or_else(|| panic!("{line}"));
    rest.replacen("], length 0", "", 1)
}

#[test]
fn conversation_matches_tcpdump() {
    let push = Flags::PSH | Flags::ACK;
    let of = |sequence, acknowledgment, flags, window, options, data| TestSegment {
        from: CLIENT,
        to: SERVER,
        sequence,
        acknowledgment,
        flags,
        window,
        options,
        data,
    };
    let reply = |segment: TestSegment<'static>| TestSegment { from: SERVER, to: CLIENT, ..segment };
    let one_block = &[1, 1, 5, 10, 0, 0, 4, 16, 0, 0, 4, 26];
    let two_blocks = &[1, 1, 5, 18, 0, 0, 4, 16, 0, 0, 4, 26, 0, 0, 4, 36, 0, 0, 4, 46];
    let segments = [
        of(1_000, 0, Flags::SYN, 64_240, SYN, b""),
        reply(of(5_000, 1_001, Flags::SYN | Flags::ACK, 65_535, SYN, b"")),
        of(1_001, 5_001, Flags::ACK, 501, TIME, b""),
        of(1_001, 5_001, push, 501, TIME, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        reply(of(5_001, 1_028, push, 501, TIME, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")),
        reply(of(5_001, 1_028, Flags::ACK, 501, one_block, b"")),
        reply(of(5_001, 1_028, Flags::ACK, 501, two_blocks, b"")),
        of(1_028, 5_050, Flags::FIN | Flags::ACK, 501, TIME, b""),
        of(1_028, 5_050, Flags::RST | Flags::ACK, 0, b"", b""),
        of(1_028, 0, Flags::RST, 0, b"", b""),
        of(0, 0, Flags::NONE, 0, b"", b""),
        of(1_028, 5_050, Flags::from_bits(0xff), 10, b"", b"xy"),
    ];
    let expected = [
        "1.4000 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0",
        "2.80 > 10.0.0.1.4000: Flags [S.], seq 5000, ack 1001, win 65535, options [mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0",
        "1.4000 > 10.0.0.2.80: Flags [.], ack 1, win 501, options [nop,nop,TS val 1 ecr 2], length 0",
        "1.4000 > 10.0.0.2.80: Flags [P.], seq 1:28, ack 1, win 501, options [nop,nop,TS val 1 ecr 2], length 27: HTTP: GET / HTTP/1.1",
        "2.80 > 10.0.0.1.4000: Flags [P.], seq 1:42, ack 28, win 501, options [nop,nop,TS val 1 ecr 2], length 41: HTTP: HTTP/1.1 200 OK",
        "2.80 > 10.0.0.1.4000: Flags [.], ack 28, win 501, options [nop,nop,sack 1 {40:50}], length 0",
        "2.80 > 10.0.0.1.4000: Flags [.], ack 28, win 501, options [nop,nop,sack 2 {40:50}{60:70}], length 0",
        "1.4000 > 10.0.0.2.80: Flags [F.], seq 28, ack 50, win 501, options [nop,nop,TS val 1 ecr 2], length 0",
        "1.4000 > 10.0.0.2.80: Flags [R.], seq 28, ack 50, win 0, length 0",
        "1.4000 > 10.0.0.2.80: Flags [R], seq 1028, win 0, length 0",
        "1.4000 > 10.0.0.2.80: Flags [none], win 0, length 0",
        "1.4000 > 10.0.0.2.80: Flags [FSRP.UEW], seq 1028:1030, ack 5050, win 10, urg 7, length 2: HTTP",
    ];
    let lines = lines(&segments.map(|segment| segment.datagram()));
    assert_eq!(lines, expected.map(|line| format!("IP 10.0.0.{line}")));
}

#[test]
fn numbers_of_conversation_without_start_count_from_first_segment() {
    let (from, to) = (SocketAddrV4::new(*CLIENT.ip(), 4_001), SocketAddrV4::new(*SERVER.ip(), 81));
    let of = |sequence, acknowledgment, flags, data| {
        TestSegment { from, to, sequence, acknowledgment, flags, window: 10, options: b"", data }.datagram()
    };
    let segments = [of(777, 888, Flags::ACK, &b""[..]), of(780, 890, Flags::PSH | Flags::ACK, b"hello")];
    let expected = [
        "IP 10.0.0.1.4001 > 10.0.0.2.81: Flags [.], ack 888, win 10, length 0",
        "IP 10.0.0.1.4001 > 10.0.0.2.81: Flags [P.], seq 3:8, ack 3, win 10, length 5",
    ];
    assert_eq!(lines(&segments), expected);
}

#[test]
fn verbose_summary_has_checksum() {
    let segment = TestSegment {
        from: CLIENT,
        to: SERVER,
        sequence: 780,
        acknowledgment: 890,
        flags: Flags::ACK,
        window: 10,
        options: b"",
        data: b"hello",
    };
    let verbose = |datagram: &[u8], length| {
        let bytes = [&HEAD[..], &[8, 0], datagram].concat();
        let mut line = String::new();
        let style = SummaryStyle { link_header: false, verbose: true };
        write(&mut line, style, &without_faults(&bytes, length), &mut TcpConversations::default()).unwrap();
        line.split_once("Flags [.]").unwrap().1.to_owned()
    };
    let mut bytes = segment.datagram();
    let rest = ", seq 780:785, ack 890, win 10, length 5: HTTP";
    assert_eq!(verbose(&bytes, 59), format!(", cksum 0x417b (correct){rest}"));
    bytes[37] ^= 1;
    assert_eq!(verbose(&bytes, 59), format!(", cksum 0x417a (incorrect -> 0x417b){rest}"));
    // The checksum covers the whole segment, so the checksum of a part cannot be checked.
    let truncated = verbose(&bytes[..44], 59);
    assert_eq!(truncated, format!("{rest} [truncated: 58 of 59 bytes captured]"));
    let fragment = verbose(&fragment(6, 0, true, &bytes[20..]), 59);
    assert_eq!(fragment, rest);
}

#[test]
fn options_match_tcpdump() {
    assert_eq!(options(&[99, 4, 0x0a, 0x0b]), "unknown-99 0x0a0b");
    assert_eq!(options(&[99, 2, 0, 0]), "unknown-99,eol");
    assert_eq!(options(&[2, 4, 5, 0xb4, 0, 1, 2, 3]), "mss 1460,eol");
    assert_eq!(options(&[1, 1, 1, 0]), "nop,nop,nop,eol");
    assert_eq!(options(&[3, 3, 15, 0]), "wscale 15,eol");
}

// Differences from tcpdump.

#[test]
fn invalid_options_are_named_with_their_length() {
    for (bytes, expected) in [
        (&[2, 3, 5, 1][..], "mss[len 3],nop"),
        (&[3, 4, 1, 1], "wscale[len 4]"),
        (&[4, 3, 1, 0], "sackOK[len 3],eol"),
        (&[5, 2, 1, 1], "sack[len 2],nop,nop"),
        (&[8, 4, 0, 0], "TS[len 4]"),
    ] {
        assert_eq!(
            options(bytes),
            format!("{expected} [TCP option length does not match its kind]"),
            "{bytes:?}"
        );
    }
    for (bytes, expected) in [
        (&[2, 0, 0, 0], "mss[bad opt]"),
        (&[8, 200, 0, 0], "TS[bad opt]"),
        (&[1, 1, 1, 8], "nop,nop,nop,TS[bad opt]"),
        (&[30, 1, 0, 0], "unknown-30[bad opt]"),
    ] {
        assert_eq!(
            options(bytes),
            format!("{expected} [TCP option length below 2 or beyond the header]"),
            "{bytes:?}"
        );
    }
}

#[test]
fn invalid_data_offset_is_named() {
    for (offset, why) in [(4, "below 5"), (6, "beyond the segment")] {
        let mut segment = [&[4, 0x57, 0, 80][..], &[0; 8], &[5 << 4, 2, 4, 0], &[0; 4]].concat();
        segment[12] = offset << 4;
        let expected = format!("10.0.0.1.1111 > 10.0.0.2.80: TCP, length 20 [TCP data offset {why}]");
        assert_eq!(text(&datagram(6, &segment)), expected);
    }
}

#[test]
fn truncated_segment_has_captured_options() {
    let segment = TestSegment {
        from: CLIENT,
        to: SERVER,
        sequence: 1,
        acknowledgment: 0,
        flags: Flags::SYN,
        window: 10,
        options: SYN,
        data: b"",
    };
    let datagram = segment.datagram();
    for (captured, expected) in [(42, ""), (44, "mss 1460"), (46, "mss 1460,sackOK"), (50, "mss 1460,sackOK")]
    {
        let bytes = [&HEAD[..], &[8, 0], &datagram[..captured]].concat();
        let mut line = String::new();
        let style = SummaryStyle { link_header: false, verbose: false };
        write(&mut line, style, &without_faults(&bytes, 74), &mut TcpConversations::default()).unwrap();
        let (_, rest) = line.split_once("win 10").unwrap();
        let captured = captured + 14;
        let expected =
            format!(", options [{expected}], length 0 [truncated: {captured} of 74 bytes captured]");
        assert_eq!(rest, expected);
    }
}

#[test]
fn data_on_http_port_is_named_without_its_text_when_text_is_no_message() {
    let of = |data: &[u8], port| {
        let to = SocketAddrV4::new(*SERVER.ip(), port);
        let segment = TestSegment {
            from: CLIENT,
            to,
            sequence: 1,
            acknowledgment: 1,
            flags: Flags::ACK,
            window: 10,
            options: b"",
            data,
        };
        lines(&[segment.datagram()])[0].split_once("length ").unwrap().1.to_owned()
    };
    assert_eq!(of(b"GET / HTTP/1.1\r\n", 80), "16: HTTP: GET / HTTP/1.1");
    assert_eq!(of(b"GET / HTTP/1.0", 8_080), "14: HTTP: GET / HTTP/1.0");
    assert_eq!(of(b"GET / HTTP/1.1\r\n", 81), "16");
    assert_eq!(of(b"\x1b[2J HTTP/1.1\n", 80), "14: HTTP");
    assert_eq!(of(b"\xff\xfe HTTP/1.1\n", 80), "12: HTTP");
    assert_eq!(of(b"rest of a page\r\n", 80), "16: HTTP");
    let long = [&b"GET /"[..], &[b'x'; 2_000], b" HTTP/1.1\r\n"].concat();
    assert_eq!(of(&long, 80), "2016: HTTP");
}

proptest! {
    #[test]
    fn summary_of_any_header_is_one_short_line(
        head in any::<[u8; 20]>(),
        words in 5..=15_u8,
        rest in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let mut segment = [&head[..], &rest].concat();
        segment[12] = words << 4;
        let line = text(&datagram(6, &segment));
        prop_assert!(line.len() < 700, "{line}");
        prop_assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}
