use proptest::prelude::*;

use super::*;
use crate::dissect;

const ARP: [u8; 42] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10,
    0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2,
];
/// A UDP datagram from 10.0.0.1.53 to 192.168.1.2.4000.
const UDP: [u8; 42] = [
    2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 192,
    168, 1, 2, 0, 53, 0x0f, 0xa0, 0, 8, 0, 0,
];
/// A BPDU.
const BPDU: [u8; 60] = {
    let mut frame = [0; 60];
    (frame[0], frame[1], frame[2]) = (0x01, 0x80, 0xc2);
    (frame[6], frame[11], frame[13], frame[14], frame[15], frame[16]) = (2, 1, 38, 0x42, 0x42, 3);
    frame
};

/// Returns a TCP segment from `2001:db8::1` to `2001:db8::2`, port 80, in VLAN 5.
fn segment() -> Vec<u8> {
    let mut frame = [&UDP[..12], &[0x81, 0, 0, 5, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 20, 6, 64]].concat();
    for last in [1, 2] {
        frame.extend([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    }
    frame.extend([0x0f, 0xa0, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 2, 0, 0, 0, 0, 0, 0]);
    frame
}

/// Returns which of the frames match: ARP, UDP, segment, BPDU.
fn matched(filter: &str) -> String {
    let filter: FrameFilter = filter.parse().unwrap_or_else(|error| panic!("{filter}: {error}"));
    let segment = segment();
    let frames = [("a", &ARP[..]), ("u", &UDP), ("s", &segment), ("b", &BPDU)];
    let names = frames.into_iter().filter(|(_, bytes)| filter.matches(&dissect(bytes, bytes.len())));
    names.map(|(name, _)| name).collect()
}

#[test]
fn primitives_match_their_frames() {
    let table = [
        ("arp", "a"),
        ("rarp", ""),
        ("ip", "u"),
        ("ip6", "s"),
        ("udp", "u"),
        ("tcp", "s"),
        ("icmp", ""),
        ("host 10.0.0.1", "au"),
        ("10.0.0.1", "au"),
        ("src 10.0.0.1", "au"),
        ("dst host 10.0.0.1", ""),
        ("src or dst host 10.0.0.1", "au"),
        ("src and dst host 10.0.0.1", ""),
        ("src and dst net 10", "a"),
        ("arp host 10.0.0.2", "a"),
        ("ip host 10.0.0.2", ""),
        ("host 2001:db8::1", "s"),
        ("net 10.0.0.0/30", "au"),
        ("10.0.0.0/30", "au"),
        ("src 10.0.0.0/8", "au"),
        ("dst 10.0.0.0/8", "a"),
        ("arp src 10.0.0.0/8", "a"),
        ("dst net 192.168", "u"),
        ("net 192.168.1.2", "u"),
        ("net 2001:db8::/32", "s"),
        ("port 53", "u"),
        ("udp port 53", "u"),
        ("tcp port 53", ""),
        ("src port 4000", "s"),
        ("portrange 53-80", "us"),
        ("tcp dst portrange 80-80", "s"),
        ("ether host 02:00:00:00:00:01", "ausb"),
        ("ether src 2:0:0:0:0:1", "ausb"),
        ("ether dst 02-00-00-00-00-02", "us"),
        ("ether proto 0x0806", "a"),
        ("ether proto \\arp", "a"),
        ("ip proto 17", "u"),
        ("ip6 proto tcp", "s"),
        ("proto 6", "s"),
        ("broadcast", "a"),
        ("ether broadcast", "a"),
        ("multicast", "ab"),
        ("vlan", "s"),
        ("vlan 5", "s"),
        ("vlan 6", ""),
        ("less 42", "au"),
        ("greater 60", "sb"),
        ("less 42 and greater 42", "au"),
    ];
    for (filter, expected) in table {
        assert_eq!(matched(filter), expected, "{filter}");
        let not: String = "ausb".chars().filter(|name| !expected.contains(*name)).collect();
        assert_eq!(matched(&format!("not ({filter})")), not, "not ({filter})");
    }
}

#[test]
fn operators_have_equal_precedence_and_keywords_carry_over() {
    // From the left: (arp or udp) and tcp.
    assert_eq!(matched("arp or udp and tcp"), "");
    assert_eq!(matched("arp or (udp and tcp)"), "a");
    assert_eq!(matched("arp||udp&&!tcp"), "au");
    assert_eq!(matched("!(arp or udp)"), "sb");
    assert_eq!(matched("not not arp"), "a");
    assert_eq!(matched("port 53 or 80"), "us");
    assert_eq!(matched("tcp port 53 or 80"), "s");
    assert_eq!(matched("dst host 10.0.0.2 or 192.168.1.2 or 2001:db8::2"), "aus");
    assert_eq!(matched("(port 53)or(80)"), "us");
    assert_eq!(matched("dst net 172.16.0.0/12 or 10.0.0.0/8"), "a");
    assert_eq!(matched("src net 172.16.0.0/12 or 192.168.0.0/16"), "");
    assert_eq!(matched("dst 172.16.0.0/12 or 10.0.0.0/8 or 192.168.1.2"), "au");
    assert_eq!(matched("dst 172.16.0.1 or 10.0.0.0/8"), "a");
    assert_eq!(matched("10.0.0.0/30 or 2001:db8::/32"), "aus");
}

#[test]
fn errors_name_the_word() {
    let table = [
        ("", "the filter is empty"),
        ("  ", "the filter is empty"),
        ("arp and", "the filter ends after `and`"),
        ("(arp", "the filter ends after `arp`"),
        ("arp)", "unexpected `)`"),
        ("arp udp", "unexpected `udp`"),
        ("host gateway", "invalid IP address `gateway`"),
        ("host 10.0.0", "invalid IP address `10.0.0`"),
        ("host 010.0.0.1", "invalid IP address `010.0.0.1`"),
        ("net 10.0.0.1/8", "network `10.0.0.1/8` has address bits behind its length"),
        ("net 10.0.0.0/33", "invalid network `10.0.0.0/33`"),
        ("src host 10.0.0.1 or 10.0.0.0/8", "invalid IP address `10.0.0.0/8`"),
        ("port 53 or 10.0.0.0/8", "invalid port `10.0.0.0/8`"),
        ("ether src 2:0:0:0:0:1 or 10.0.0.0/8", "unexpected `10.0.0.0/8`"),
        ("port http", "invalid port `http`"),
        ("port 65536", "invalid port `65536`"),
        ("portrange 80-53", "invalid port `80-53`"),
        ("icmp port 53", "unexpected `53`"),
        ("arp port 53", "unexpected `53`"),
        ("tcp host 10.0.0.1", "unexpected `10.0.0.1`"),
        ("ether host 10.0.0.1", "invalid MAC address `10.0.0.1`"),
        ("ether proto foo", "invalid EtherType `foo`"),
        ("ip proto 256", "invalid IP protocol `256`"),
        ("tcp proto 6", "unexpected `proto`"),
        ("less many", "invalid length `many`"),
        ("tcp[13] = 2", "unexpected `tcp[13]`"),
        ("lldp", "unexpected `lldp`"),
    ];
    for (filter, expected) in table {
        let error = filter.parse::<FrameFilter>().expect_err(filter).to_string();
        assert_eq!(error, expected, "{filter}");
    }
    for deep in ["(".repeat(100), "not ".repeat(100) + "arp"] {
        assert_eq!(deep.parse::<FrameFilter>(), Err(FilterError::TooDeep));
    }
    // A long expression is not deep.
    assert_eq!(matched(&("arp".to_owned() + &" or udp".repeat(10_000))), "au");
}

/// An expression, with the frames that match as a set of bits.
#[derive(Clone, Debug)]
enum Expression {
    Primitive(&'static str, u8),
    Not(Box<Expression>),
    Pair(Box<Expression>, bool, Box<Expression>),
}

impl Expression {
    fn text(&self) -> String {
        match self {
            Self::Primitive(text, _) => (*text).to_owned(),
            Self::Not(inner) => format!("not ({})", inner.text()),
            Self::Pair(one, is_and, other) => {
                let operator = if *is_and { "and" } else { "||" };
                format!("({}) {operator} ({})", one.text(), other.text())
            }
        }
    }

    fn bits(&self) -> u8 {
        match self {
            Self::Primitive(_, bits) => *bits,
            Self::Not(inner) => !inner.bits() & 0xf,
            Self::Pair(one, true, other) => one.bits() & other.bits(),
            Self::Pair(one, false, other) => one.bits() | other.bits(),
        }
    }
}

fn expression() -> impl Strategy<Value = Expression> {
    let primitive = prop_oneof![
        Just(Expression::Primitive("arp", 1)),
        Just(Expression::Primitive("host 10.0.0.1", 3)),
        Just(Expression::Primitive("port 80", 4)),
        Just(Expression::Primitive("multicast", 9)),
    ];
    primitive.prop_recursive(5, 32, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Expression::Not(Box::new(inner))),
            (inner.clone(), any::<bool>(), inner).prop_map(|(one, is_and, other)| Expression::Pair(
                Box::new(one),
                is_and,
                Box::new(other)
            )),
        ]
    })
}

proptest! {
    #[test]
    fn expression_matches_as_boolean_algebra(expression in expression()) {
        let names = "ausb".chars().zip(0..).filter(|(_, bit)| expression.bits() >> bit & 1 == 1);
        prop_assert_eq!(matched(&expression.text()), names.map(|(name, _)| name).collect::<String>());
    }

    #[test]
    fn arbitrary_words_are_a_filter_or_an_error(
        words in prop::collection::vec(prop_oneof![
            "[ -~]{0,6}",
            prop::sample::select(vec![
                "and", "or", "not", "(", ")", "src", "dst", "host", "net", "port", "ether", "vlan", "proto", "arp",
                "tcp", "10.0.0.1", "80", "10/8", "2:0:0:0:0:1", "less",
            ]).prop_map(str::to_owned),
        ], 0..12),
        frame in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        if let Ok(filter) = words.join(" ").parse::<FrameFilter>() {
            let inverse: FrameFilter = format!("not ({})", words.join(" ")).parse().unwrap();
            let dissection = dissect(&frame, frame.len());
            prop_assert_ne!(filter.matches(&dissection), inverse.matches(&dissection));
        }
    }
}
