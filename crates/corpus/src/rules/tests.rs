use std::collections::BTreeSet;

use super::*;
use crate::compare::compare;
use crate::decoded::Frame;
use crate::lines::LINE_RULES;
use crate::pdml::PdmlReader;

/// The page with the table of rules.
const PAGE: &str = include_str!("../../../../docs/corpus.md");

#[test]
fn corpus_page_lists_every_rule_with_its_reason() {
    let rules = RULES.iter().map(|rule| (rule.name, rule.reason));
    let lines = LINE_RULES.iter().map(|rule| (rule.name, rule.reason));
    let rows: Vec<_> = rules.chain(lines).map(|(name, reason)| format!("| {name} | {reason} |\n")).collect();
    let table = format!("\n| rule | reason |\n|---|---|\n{}\n", rows.concat());
    assert!(format!("{PAGE}\n").contains(&table), "docs/corpus.md does not contain:\n{table}");
}

#[test]
fn rule_names_are_unique() {
    let names: BTreeSet<_> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), RULES.len());
}

/// Returns the rule that explains each difference of a frame.
fn explained(tapstack: &str, reference: &str) -> Vec<Option<&'static str>> {
    let frame = Frame::parse(&format!("{{\"number\":1,\"captured_bytes\":60,{tapstack}}}")).unwrap();
    let page = format!(
        "<packet><proto name=\"frame\" size=\"60\" pos=\"0\"><field name=\"frame.number\" size=\"0\" pos=\"0\" \
         show=\"1\"/><field name=\"frame.cap_len\" size=\"0\" pos=\"0\" show=\"60\"/></proto>{reference}</packet>"
    );
    let packet = PdmlReader::new(page.as_bytes()).next().unwrap().unwrap();
    let mut rules = Vec::new();
    compare(&frame, &packet, &mut |compared| {
        if compared.tapstack != compared.reference {
            rules.push(explain(&compared).map(|place| RULES[place].name));
        }
    });
    rules
}

fn proto(name: &str, position: usize, fields: &str) -> String {
    format!("<proto name=\"{name}\" size=\"20\" pos=\"{position}\">{fields}</proto>")
}

fn item(name: &str, position: usize, size: usize, show: &str, value: &str) -> String {
    format!("<field name=\"{name}\" size=\"{size}\" pos=\"{position}\" show=\"{show}\" value=\"{value}\"/>")
}

#[test]
fn header_is_unparsed_only_after_unparsed_header() {
    let inner = proto("ip", 38, &item("ip.ttl", 46, 1, "64", "40"));
    let tunnel = proto("gre", 34, "");
    assert_eq!(explained("\"faults\":[]", &format!("{tunnel}{inner}")), [Some("after an unparsed header")]);
    assert_eq!(explained("\"faults\":[]", &inner), [None]);
    assert_eq!(
        explained("\"faults\":[]", &format!("{inner}{tunnel}")),
        [None],
        "unparsed header that follows explains the difference"
    );
}

#[test]
fn padding_rule_applies_only_after_all_headers() {
    let tapstack = "\"ethernet\":{\"offset\":0},\"arp\":{\"offset\":14}";
    let rest = proto("arp", 14, "");
    let padding = |position| proto("eth", 0, &item("eth.padding", position, 4, "00:00:00:00", "00000000"));
    assert_eq!(explained(tapstack, &(padding(42) + &rest)), [Some("padding")]);
    assert_eq!(explained(tapstack, &(padding(10) + &rest)), [None]);
}

#[test]
fn dotted_and_hexadecimal_values_must_be_same_bytes() {
    let tapstack = "\"arp\":{\"offset\":14,\"protocol_type\":2049,\"sender_protocol_address\":\"10.0.0.1\"}";
    let reference = |digits| {
        let kind = item("arp.proto.type", 16, 2, "0x0801", "0801");
        proto("arp", 14, &(kind + &item("arp.src.proto", 28, 4, digits, "")))
    };
    assert_eq!(explained(tapstack, &reference("0a:00:00:01")), [Some("dotted or hexadecimal")]);
    assert_eq!(explained(tapstack, &reference("0a:00:00:02")), [None]);
    let tapstack = tapstack.replace("2049", "2048");
    let ipv4 = reference("0a:00:00:01").replace("0801", "0800");
    assert_eq!(explained(&tapstack, &ipv4), [None], "different output for IPv4 explained");
}

#[test]
fn missing_addresses_are_explained_when_frame_ends_before_them() {
    let arp = |length: u8| {
        format!(
            "\"arp\":{{\"offset\":14,\"hardware_length\":{length},\"protocol_length\":4,\"sender_hardware_address\":\"02\"}}"
        )
    };
    let reference = |length: u8| {
        let lengths =
            item("arp.hw.size", 18, 1, &length.to_string(), "") + &item("arp.proto.size", 19, 1, "4", "");
        proto("arp", 14, &lengths)
    };
    assert_eq!(explained(&arp(200), &reference(200)), [Some("addresses beyond the frame")]);
    assert_eq!(explained(&arp(1), &reference(1)), [Some("truncated header")]);
}

#[test]
fn different_value_in_complete_header_has_no_rule() {
    let tapstack =
        "\"udp\":{\"offset\":34,\"source_port\":7,\"destination_port\":8,\"length\":20,\"checksum\":1}";
    let reference = |port, length: &str| {
        let ports = item("udp.srcport", 34, 2, port, "") + &item("udp.dstport", 36, 2, "8", "");
        let rest = item("udp.length", 38, 2, length, "") + &item("udp.checksum", 40, 2, "0x0001", "");
        proto("udp", 34, &(ports + &rest))
    };
    assert_eq!(explained(tapstack, &reference("7", "20")), []);
    assert_eq!(explained(tapstack, &reference("9", "20")), [None]);
    assert_eq!(explained(tapstack, &reference("7", "21")), [None]);
}

#[test]
fn invalid_ipv4_header_explains_missing_value_and_no_other() {
    let tapstack = |header_length| {
        format!(
            "\"ipv4\":{{\"offset\":14,\"header_length\":{header_length},\"ttl\":64,\"destination\":\"10.0.0.2\"}}"
        )
    };
    let head = item("ip.hdr_len", 14, 1, "16", "");
    let to = item("ip.dst", 30, 4, "10.0.0.2", "");
    let silent = proto("ip", 14, &format!("{head}{to}"));
    assert_eq!(explained(&tapstack(4), &silent), [Some("invalid IPv4 header")]);
    let other = proto("ip", 14, &format!("{head}{}{to}", item("ip.ttl", 22, 1, "63", "")));
    assert_eq!(explained(&tapstack(4), &other), [None]);
    let whole = silent.replace("show=\"16\"", "show=\"20\"");
    assert_eq!(explained(&tapstack(5), &whole), [None]);
}

#[test]
fn icmp_unused_rule_covers_only_unused_bytes() {
    let tapstack = "\"icmp\":{\"offset\":34,\"type\":3,\"code\":0,\"checksum\":1,\"rest\":7}";
    let head = item("icmp.type", 34, 1, "3", "") + &item("icmp.checksum", 36, 2, "1", "");
    let text = |code, part: &str| {
        explained(
            tapstack,
            &proto("icmp", 34, &format!("{head}{}{part}", item("icmp.code", 35, 1, code, ""))),
        )
    };
    let verdict = Some("incomplete ICMP message");
    let open = Some("type-specific ICMP bytes");
    assert_eq!(text("0", &item("icmp.length", 39, 1, "7", "07")), [open, verdict, open]);
    assert_eq!(text("1", ""), [None, open, verdict]);
    assert_eq!(
        text("0", &item("icmp.unused", 38, 4, "", "00000008")),
        [None, verdict],
        "different values of all four bytes explained"
    );
}

#[test]
fn guessed_time_in_echo_data_is_explained_and_missing_field_is_not() {
    let reference = |name| proto("icmp", 34, &item(name, 42, 8, "1", "01"));
    let tapstack = r#""icmp":{"offset":34,"type":8,"sequence":1},"faults":[]"#;
    let rule = Some("time in echo data");
    assert!(explained(tapstack, &reference("icmp.data_time")).contains(&rule));
    assert!(!explained(tapstack, &reference("icmp.ext")).contains(&rule));
}

#[test]
fn wire_length_below_captured_length_is_explained_and_another_is_not() {
    let of = |claimed: &str, captured: u32| {
        let tapstack = format!("{{\"number\":1,\"captured_bytes\":{captured},\"bytes\":60,\"faults\":[]}}");
        let frame = Frame::parse(&tapstack).unwrap();
        let page = format!(
            "<packet><proto name=\"frame\" size=\"60\" pos=\"0\">{}</proto></packet>",
            item("frame.len", 0, 0, claimed, "")
        );
        let packet = PdmlReader::new(page.as_bytes()).next().unwrap().unwrap();
        let mut rules = Vec::new();
        compare(&frame, &packet, &mut |compared| {
            if compared.field == "bytes" {
                rules.push(explain(&compared).map(|place| RULES[place].name));
            }
        });
        rules
    };
    assert_eq!(of("32", 60), [Some("less on the wire than captured")]);
    assert_eq!(of("61", 60), [None]);
    assert_eq!(of("32", 20), [None]);
}

#[test]
fn time_and_length_beyond_signed_numbers_are_explained() {
    let of = |name: &str, reference: &str| {
        let tapstack = "\"time_ns\":1953635450562680000,\"bytes\":4093509168,\"faults\":[]";
        explained(tapstack, &proto("frame", 0, &item(name, 0, 0, reference, "")))
    };
    let signed = Some("signed numbers");
    assert!(of("frame.time_epoch", "-1953631157.1404616000").contains(&signed));
    assert!(!of("frame.time_epoch", "1953631157.1404616000").contains(&signed));
    assert!(of("frame.len", "2147483647").contains(&signed));
    assert!(!of("frame.len", "60").contains(&signed));
}
