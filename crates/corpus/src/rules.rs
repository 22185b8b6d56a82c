//! The expected differences and their reasons.

use std::net::Ipv4Addr;

use super::compare::{ComparedValue, our_name};
use super::decoded::DecodedHeader;
use super::pdml::Field;

/// An expected kind of difference.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    /// The reason for the difference.
    pub(crate) reason: &'static str,
    explains: fn(&ComparedValue<'_>) -> bool,
}

/// The rules. The first rule that explains a difference applies.
pub(crate) const RULES: &[Rule] = &[
    Rule {
        name: "after an unparsed header",
        reason: "A header without fields in `decode --json` precedes this header, such as IPv6 (RFC 8200), GRE (RFC 2784), PPPoE (RFC 2516) or MPLS (RFC 3032): `decode` stops at that header, tshark continues.",
        explains: |compared| compared.tapstack.is_none() && is_behind_foreign(compared),
    },
    Rule {
        name: "less on the wire than captured",
        reason: "The record is inconsistent, because its length on the wire is below its captured length: `decode` \
                 prints the captured length for both, tshark prints the lengths of the record.",
        explains: |compared| {
            let reference =
                compared.reference.as_deref().and_then(|reference| reference.parse::<usize>().ok());
            (compared.header, compared.field) == ("frame", "bytes")
                && reference.is_some_and(|reference| reference < compared.frame.captured())
        },
    },
    Rule {
        name: "signed numbers",
        reason: "tshark reads the fraction of a time as a signed number, and reads no length above 2^31 - 1. Both are \
                 unsigned in captures, and `decode` prints the numbers of the record.",
        explains: |compared| {
            let reference = compared.reference.as_deref().unwrap_or_default();
            match (compared.header, compared.field) {
                ("frame", "time_ns") => reference.starts_with('-'),
                ("frame", "bytes") => reference == "2147483647" && compared.tapstack.is_some(),
                _ => false,
            }
        },
    },
    Rule {
        name: "padding",
        reason: "Bytes after the end of the payload, as set by a length or a format, are padding (IEEE 802.3 3.2.8, \
                 RFC 894): `decode` shows padding only with `-x`.",
        explains: |compared| {
            let (_, kind) = compared.field.rsplit_once('.').unwrap_or_default();
            compared.tapstack.is_none() && ["padding", "trailer", "fcs"].contains(&kind) && is_last(compared)
        },
    },
    Rule {
        name: "addresses beyond the frame",
        reason: "The ARP packet is longer than the frame by its length fields (RFC 826): tshark shows no address, \
                 `decode` shows the complete addresses.",
        explains: |compared| {
            compared.header == "arp" && compared.reference.is_none() && is_beyond(compared) == Some(true)
        },
    },
    Rule {
        name: "empty addresses",
        reason: "An ARP address with a length of 0 is empty (RFC 826): `decode` prints the empty address, tshark \
                 omits the address.",
        explains: |compared| {
            compared.header == "arp"
                && compared.reference.is_none()
                && compared.tapstack.as_deref() == Some("")
        },
    },
    Rule {
        name: "dotted or hexadecimal",
        reason: "An ARP address of four bytes with a protocol type other than IPv4 (RFC 826): tshark prints it in hexadecimal, `decode` \
                 in dotted decimal. The bytes are the same.",
        explains: |compared| {
            let is_of_ipv4 = field(compared, "protocol_type") == Some("2048");
            compared.header == "arp" && !is_of_ipv4 && is_same_address(compared)
        },
    },
    Rule {
        name: "ARP of other hardware",
        reason: "With the hardware type of ATM (19) or AX.25 (3), tshark parses another format (RFC 2225 for ATM). \
                 `decode` parses the format of RFC 826 and reports that the hardware type is not Ethernet.",
        explains: |compared| {
            compared.header == "arp"
                && compared.reference.is_none()
                && ["3", "19"].map(Some).contains(&field(compared, "hardware_type"))
        },
    },
    Rule {
        name: "DRARP error",
        reason: "With operation 7, tshark reads an error status of DRARP (RFC 1931) in place of the target protocol \
                 address; `decode` prints the target protocol address (RFC 826).",
        explains: |compared| {
            compared.header == "arp"
                && field(compared, "operation") == Some("7")
                && ["target_protocol_address", "arp.dst.drarp_error_status"].contains(&compared.field)
        },
    },
    Rule {
        name: "obsolete VLAN tags",
        reason: "tshark reads the EtherTypes 0x9100, 0x9200 and 0x9300 as VLAN tags of old switches. `decode` reads \
                 only the standard EtherTypes 0x8100 (IEEE 802.1Q) and 0x88a8 (IEEE 802.1ad).",
        explains: |compared| {
            let carried = last_ether_type(compared).unwrap_or_default();
            compared.tapstack.is_none()
                && ["37120", "37376", "37632"].contains(&carried)
                && has(compared, "vlan")
        },
    },
    Rule {
        name: "ISL",
        reason: "tshark reads a frame to 01-00-0c-00-00 or 03-00-0c-00-00 (first five bytes) as Cisco's Inter-Switch \
                 Link, and shows the frame inside. IEEE 802.3 does not define ISL, and `decode` does not support it.",
        explains: |compared| {
            let marks = ["01:00:0c:00:00:", "03:00:0c:00:00:"];
            let to = compared.frame.field("ethernet", "destination").unwrap_or_default();
            compared.reference.is_none()
                && has(compared, "isl")
                && marks.iter().any(|mark| to.starts_with(mark))
        },
    },
    Rule {
        name: "FabricPath",
        reason: "With EtherType 0x8903, tshark reads the addresses as those of Cisco FabricPath; `decode` reads them \
                 as addresses of IEEE 802.3.",
        explains: |compared| {
            compared.header == "ethernet"
                && compared.reference.is_none()
                && field(compared, "type_or_length") == Some("35075")
                && has(compared, "cfp")
        },
    },
    Rule {
        name: "SNAP in other LLC frames",
        reason: "After 0xaaaa, tshark parses a SNAP header with any control field; `decode` parses it only in \
                 unnumbered information frames (3), as RFC 1042 requires.",
        explains: |compared| {
            compared.header == "llc"
                && compared.tapstack.is_none()
                && field(compared, "dsap") == Some("170")
                && field(compared, "control") != Some("3")
        },
    },
    Rule {
        name: "tunnel without a header",
        reason: "An IPv4 datagram of protocol 4 (RFC 2003) or 143 (RFC 8986) carries a datagram or a frame without a \
                 header between them: `decode` stops, tshark continues.",
        explains: |compared| compared.tapstack.is_none() && is_in_bare_tunnel(compared),
    },
    Rule {
        name: "truncated header",
        reason: "The frame or the capture ends within the header: `decode` prints the complete fields, tshark may \
                 omit the last field or all fields.",
        explains: |compared| is_silent(compared) && is_cut(compared),
    },
    Rule {
        name: "invalid IPv4 header",
        reason: "With a version other than 4 (RFC 1122 3.2.1.1), or a header length below five words or beyond the \
                 total length (RFC 791 3.1), tshark stops; `decode` reports the error and continues.",
        explains: |compared| is_silent(compared) && is_senseless(compared),
    },
    Rule {
        name: "invalid UDP or TCP header",
        reason: "With a UDP length below 8 (RFC 768) or a TCP data offset below five words (RFC 9293 3.1), tshark \
                 stops; `decode` reports the error and prints the fields.",
        explains: |compared| {
            let below = |name, least| {
                field(compared, name)
                    .and_then(|text| text.parse().ok())
                    .is_some_and(|number: u32| number < least)
            };
            let is_none = match compared.header {
                "udp" => below("length", 8),
                "tcp" => below("data_offset", 5),
                _ => false,
            };
            is_none && compared.reference.is_none()
        },
    },
    Rule {
        name: "source route",
        reason: "With a source route (RFC 791 3.1), tshark prints the last address of the route as the destination, \
                 and the destination of the header as the current route. `decode` prints the destination of the \
                 header.",
        explains: |compared| {
            let has_route = item(compared, "ip.cur_rt").is_some();
            compared.header == "ipv4" && has_route && ["destination", "ip.cur_rt"].contains(&compared.field)
        },
    },
    Rule {
        name: "incomplete ICMP message",
        reason: "The ICMP checksum covers the whole message (RFC 792). `decode` does not verify it in a fragment, in \
                 a datagram that is longer than the frame, or in a message that is shorter than a header.",
        explains: |compared| {
            let is_open = compared.tapstack.as_deref() == Some("not verified");
            compared.header == "icmp" && compared.field == "verdict" && is_open
        },
    },
    Rule {
        name: "type-specific ICMP bytes",
        reason: "In RFC 792 the four bytes after the checksum depend on the type, or are unused. tshark parses fields \
                 of later standards in these bytes and after them (RFC 1256, RFC 4884, RFC 8335); `decode` prints one \
                 number.",
        explains: is_left_open,
    },
    Rule {
        name: "time in echo data",
        reason: "The sender chooses the data of an echo (RFC 792): tshark parses a time at the start of the data, as \
                 sent by the ping of Linux; `decode` does not parse the data.",
        explains: |compared| {
            compared.header == "icmp"
                && compared.tapstack.is_none()
                && compared.field.starts_with("icmp.data_time")
        },
    },
    Rule {
        name: "quoted TCP segment",
        reason: "An ICMP error may quote as little as eight bytes of the data (RFC 792). tshark parses only these \
                 bytes of a TCP header, or up to the length of RFC 4884; `decode` prints all quoted fields.",
        explains: |compared| {
            let is_quoted = compared.of.is_some_and(|header| header.is_quoted);
            compared.header == "tcp" && is_quoted && compared.reference.is_none()
        },
    },
];

/// Returns the index of the first rule that explains a difference.
pub(crate) fn explain(compared: &ComparedValue<'_>) -> Option<usize> {
    RULES.iter().position(|rule| (rule.explains)(compared))
}

/// Returns whether a header that tapstack does not parse precedes this header.
fn is_behind_foreign(compared: &ComparedValue<'_>) -> bool {
    let Some(place) = compared.place else { return false };
    let before = compared.packet.protocols.get(..place).unwrap_or_default();
    before.iter().any(|protocol| {
        our_name(&protocol.name).is_none() && !FRAME_PROTOCOLS.contains(&protocol.name.as_str())
    })
}

/// The pseudo protocols of tshark with facts about a frame.
const FRAME_PROTOCOLS: [&str; 3] = ["geninfo", "frame", "pkt_comment"];

/// Returns whether an IPv4 header that precedes this header has the protocol 4 (IPv4) or 143 (Ethernet).
fn is_in_bare_tunnel(compared: &ComparedValue<'_>) -> bool {
    let protocols = compared.packet.protocols.get(..compared.place.unwrap_or_default()).unwrap_or_default();
    protocols.iter().filter(|protocol| protocol.name == "ip").any(|protocol| {
        let carries = protocol.fields.iter().find(|field| field.name == "ip.proto");
        carries.is_some_and(|field| ["4", "143"].contains(&field.show.as_str()))
    })
}

/// Returns whether tshark has no value, or a value that cannot be compared: a computed length instead of 0, no options,
/// no verdict, or a field of incomplete bytes.
fn is_silent(compared: &ComparedValue<'_>) -> bool {
    let is_made_up = match compared.field {
        "total_length" => compared.tapstack.as_deref() == Some("0"),
        "options" => compared.reference.as_deref() == Some(""),
        "verdict" => [&compared.tapstack, &compared.reference]
            .iter()
            .any(|side| side.as_deref() == Some("not verified")),
        "ip.version" => true,
        // Fields in bytes 4 to 7 of an incomplete message.
        name => name.starts_with("icmp."),
    };
    is_made_up || compared.reference.is_none()
}

/// Returns whether tapstack's header lacks its last field, or the capture lacks options of the header.
fn is_cut(compared: &ComparedValue<'_>) -> bool {
    let Some(header) = compared.of else { return false };
    let last = match header.name.as_str() {
        "ethernet" | "tags" => "type_or_length",
        "snap" => "ethertype",
        "llc" => "control",
        "arp" => "target_protocol_address",
        "ipv4" => "destination",
        "udp" => "checksum",
        "tcp" => "urgent_pointer",
        "icmp" => return icmp_is_cut(header),
        _ => return false,
    };
    let words = header.field("header_length").and_then(|words| words.parse::<usize>().ok());
    let promised = words.unwrap_or_default() * 4;
    header.field(last).is_none() || header.offset + promised > compared.frame.captured()
}

/// Returns whether an ICMP message is shorter than eight bytes.
fn icmp_is_cut(header: &DecodedHeader) -> bool {
    let ends = ["sequence", "next_hop_mtu", "gateway", "unused", "rest"];
    !ends.iter().any(|field| header.field(field).is_some())
}

/// Returns whether this IPv4 header, or an IPv4 header before this header, has an invalid version or length.
fn is_senseless(compared: &ComparedValue<'_>) -> bool {
    let Some(of) = compared.of else { return false };
    let is_none = |header: &DecodedHeader| {
        let number = |name| header.field(name)?.parse::<usize>().ok();
        let (version, words, total) = (number("version"), number("header_length"), number("total_length"));
        let length = words.map(|words| words * 4);
        version.is_some_and(|version| version != 4)
            || length.is_some_and(|length| length < 20 || total.is_some_and(|total| total < length))
    };
    let headers = compared.frame.headers.iter().filter(|header| header.offset <= of.offset);
    headers.filter(|header| header.name == "ipv4").any(is_none)
}

/// Returns whether the field is in the data of an ICMP message, or in bytes 4 to 7, which tapstack prints as one
/// number.
fn is_left_open(compared: &ComparedValue<'_>) -> bool {
    let Some(header) = compared.of.filter(|_| compared.header == "icmp") else { return false };
    let Some(open) = ["rest", "unused"].into_iter().find(|name| header.field(name).is_some()) else {
        return false;
    };
    let start = header.offset + 4;
    match compared.item {
        // A field of tshark with all four bytes must have the same value.
        Some(item) => {
            let is_there = item.position >= start;
            is_there && (compared.tapstack.is_none() || (compared.field == open && item.size < 3))
        }
        None => compared.field == open,
    }
}

/// Returns the field of tshark with this name in the current header.
fn item<'a>(compared: &ComparedValue<'a>, name: &str) -> Option<&'a Field> {
    let protocol = compared.packet.protocols.get(compared.place?)?;
    protocol.fields.iter().find(|field| field.name == name)
}

/// Returns whether all headers of tapstack start before this field.
fn is_last(compared: &ComparedValue<'_>) -> bool {
    let Some(item) = compared.item else { return false };
    compared.frame.headers.iter().all(|header| header.offset < item.position)
}

/// Returns the field of tapstack with this name in the current header.
fn field<'a>(compared: &ComparedValue<'a>, name: &str) -> Option<&'a str> {
    compared.of.and_then(|header| header.field(name))
}

/// Returns whether an ARP packet extends beyond the captured frame.
fn is_beyond(compared: &ComparedValue<'_>) -> Option<bool> {
    let length = |name| field(compared, name)?.parse::<usize>().ok();
    let promised = 8 + 2 * (length("hardware_length")? + length("protocol_length")?);
    Some(compared.of?.offset + promised > compared.frame.captured())
}

/// Returns whether tapstack's dotted address and tshark's hexadecimal address are equal.
fn is_same_address(compared: &ComparedValue<'_>) -> bool {
    let tapstack = compared.tapstack.as_deref().and_then(|tapstack| tapstack.parse::<Ipv4Addr>().ok());
    let digits = tapstack.map(|tapstack| tapstack.octets().map(|byte| format!("{byte:02x}")).join(":"));
    digits.is_some() && digits == compared.reference
}

/// Returns whether tshark found this protocol in the frame.
fn has(compared: &ComparedValue<'_>, protocol: &str) -> bool {
    compared.packet.protocols.iter().any(|found| found.name == protocol)
}

/// Returns the EtherType of the payload, as decoded by tapstack.
fn last_ether_type<'a>(compared: &ComparedValue<'a>) -> Option<&'a str> {
    let mut headers = compared.frame.headers.iter().rev();
    headers.find_map(|header| header.field("ethertype").or(header.field("type_or_length")))
}

#[cfg(test)]
mod tests;
