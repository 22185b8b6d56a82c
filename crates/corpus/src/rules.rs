//! Why the two may differ: each difference that has a reason has it here.

use std::net::Ipv4Addr;

use super::compare::{ComparedValue, our_name};
use super::decoded::DecodedHeader;
use super::pdml::Field;

/// A kind of difference that is as it should be.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    /// Why it is so.
    pub(crate) reason: &'static str,
    explains: fn(&ComparedValue<'_>) -> bool,
}

/// The first that explains a difference counts.
pub(crate) const RULES: &[Rule] = &[
    Rule {
        name: "behind a foreign header",
        reason: "Between the headers that `decode` reads and this one stands one that it does not, such as IPv6's \
                 (RFC 8200), GRE's (RFC 2784), PPPoE's (RFC 2516) or MPLS's (RFC 3032): there it ends, and tshark goes on.",
        explains: |compared| compared.ours.is_none() && is_behind_foreign(compared),
    },
    Rule {
        name: "less on the wire than captured",
        reason: "A capture that claims a length on the wire below the captured length contradicts itself: `decode` takes the \
                 captured length for both, tshark shows the claim.",
        explains: |compared| {
            let theirs = compared.theirs.as_deref().and_then(|theirs| theirs.parse::<usize>().ok());
            (compared.header, compared.field) == ("frame", "length")
                && theirs.is_some_and(|theirs| theirs < compared.frame.captured())
        },
    },
    Rule {
        name: "signed numbers",
        reason: "tshark reads the fraction of a time as a signed number and no length above 2^31 - 1; both are unsigned in \
                 captures, and `decode` shows what the record says.",
        explains: |compared| {
            let theirs = compared.theirs.as_deref().unwrap_or_default();
            match (compared.header, compared.field) {
                ("frame", "time") => theirs.starts_with('-'),
                ("frame", "length") => theirs == "2147483647" && compared.ours.is_some(),
                _ => false,
            }
        },
    },
    Rule {
        name: "padding",
        reason: "What follows the end that a length or a format sets is padding (IEEE 802.3 3.2.8, RFC 894): no field \
                 of a header, and `decode` shows it among the octets alone (`-x`).",
        explains: |compared| {
            let (_, kind) = compared.field.rsplit_once('.').unwrap_or_default();
            compared.ours.is_none() && ["padding", "trailer", "fcs"].contains(&kind) && is_last(compared)
        },
    },
    Rule {
        name: "addresses beyond the frame",
        reason: "The lengths of an ARP packet promise more than the frame has (RFC 826): tshark shows none of its \
                 addresses then, `decode` those that are whole.",
        explains: |compared| {
            compared.header == "arp" && compared.theirs.is_none() && is_beyond(compared) == Some(true)
        },
    },
    Rule {
        name: "addresses of no octets",
        reason: "A length of 0 leaves an ARP address empty (RFC 826): `decode` prints it so, tshark does not.",
        explains: |compared| {
            compared.header == "arp" && compared.theirs.is_none() && compared.ours.as_deref() == Some("")
        },
    },
    Rule {
        name: "dots or digits",
        reason: "An ARP address of four octets whose protocol type is not IPv4 (RFC 826) stands in hexadecimal digits \
                 with tshark, in decimal ones with `decode`: the octets are the same.",
        explains: |compared| {
            let is_of_ipv4 = field(compared, "protocol_type") == Some("2048");
            compared.header == "arp" && !is_of_ipv4 && is_alike(compared)
        },
    },
    Rule {
        name: "a hardware's own ARP",
        reason: "With the hardware type of ATM (19) or AX.25 (3) tshark reads a packet of another format (RFC 2225); \
                 `decode` reads RFC 826's, and says that the hardware type is not Ethernet's.",
        explains: |compared| {
            compared.header == "arp"
                && compared.theirs.is_none()
                && ["3", "19"].map(Some).contains(&field(compared, "hardware_type"))
        },
    },
    Rule {
        name: "DRARP's error",
        reason: "With operation 7 tshark reads an error status of DRARP (RFC 1931) in place of the target protocol \
                 address, `decode` the address, as in every packet of RFC 826.",
        explains: |compared| {
            compared.header == "arp"
                && field(compared, "operation") == Some("7")
                && ["target_protocol_address", "arp.dst.drarp_error_status"].contains(&compared.field)
        },
    },
    Rule {
        name: "tags of old",
        reason: "tshark takes 0x9100, 0x9200 and 0x9300 for VLAN tags, as some switches did; the EtherTypes of tags are \
                 0x8100 (IEEE 802.1Q) and 0x88a8 (IEEE 802.1ad), and `decode` reads no others.",
        explains: |compared| {
            let carried = last_ether_type(compared).unwrap_or_default();
            compared.ours.is_none() && ["37120", "37376", "37632"].contains(&carried) && has(compared, "vlan")
        },
    },
    Rule {
        name: "ISL",
        reason: "A destination that starts with 01-00-0c-00-00 or 03-00-0c-00-00 is Cisco's Inter-Switch Link to \
                 tshark, and the frame inside is shown; IEEE 802.3 knows no such thing, nor does `decode`.",
        explains: |compared| {
            let marks = ["01:00:0c:00:00:", "03:00:0c:00:00:"];
            let to = compared.frame.field("ethernet", "destination").unwrap_or_default();
            compared.theirs.is_none() && has(compared, "isl") && marks.iter().any(|mark| to.starts_with(mark))
        },
    },
    Rule {
        name: "FabricPath",
        reason: "EtherType 0x8903 is Cisco FabricPath's to tshark, which reads the addresses before it as that \
                 protocol's own; to `decode` they are the addresses of IEEE 802.3.",
        explains: |compared| {
            compared.header == "ethernet"
                && compared.theirs.is_none()
                && field(compared, "type_or_length") == Some("35075")
                && has(compared, "cfp")
        },
    },
    Rule {
        name: "SNAP behind numbers",
        reason: "Behind 0xaaaa tshark looks for a SNAP header whatever the control field says; RFC 1042 has it in \
                 unnumbered information (3) alone, and so has `decode`.",
        explains: |compared| {
            compared.header == "llc"
                && compared.ours.is_none()
                && field(compared, "dsap") == Some("170")
                && field(compared, "control") != Some("3")
        },
    },
    Rule {
        name: "in a bare tunnel",
        reason: "An IPv4 datagram of protocol 4 (RFC 2003) or 143 (RFC 8986) carries a datagram or a frame with no \
                 header between: `decode` ends there, tshark goes on.",
        explains: |compared| compared.ours.is_none() && is_in_bare_tunnel(compared),
    },
    Rule {
        name: "a header cut short",
        reason: "The frame or the capture ends within the header: `decode` prints the fields that are whole, tshark \
                 may show none of them, or leave out its last.",
        explains: |compared| is_silent(compared) && is_cut(compared),
    },
    Rule {
        name: "no IPv4 header",
        reason: "With a version other than 4 (RFC 1122 3.2.1.1), or a header length below five words or beyond the \
                 total length (RFC 791 3.1), tshark reads no further; `decode` says which it is, and goes on.",
        explains: |compared| is_silent(compared) && is_senseless(compared),
    },
    Rule {
        name: "no UDP or TCP header",
        reason: "With a UDP length below 8 (RFC 768) or a TCP data offset below five words (RFC 9293 3.1) tshark reads \
                 no further; `decode` says so, and shows the fields.",
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
            is_none && compared.theirs.is_none()
        },
    },
    Rule {
        name: "a source route",
        reason: "Under a source route (RFC 791 3.1) tshark takes the last address of the route for the destination, \
                 and calls the header's own the current one; `decode` prints the header's.",
        explains: |compared| {
            let has_route = item(compared, "ip.cur_rt").is_some();
            compared.header == "ipv4" && has_route && ["destination", "ip.cur_rt"].contains(&compared.field)
        },
    },
    Rule {
        name: "a message that is not all here",
        reason: "The checksum of ICMP covers the whole message (RFC 792): of a fragment, of a datagram that promises \
                 more than the frame has, or of less than a header, `decode` says nothing about it.",
        explains: |compared| {
            let is_open = compared.ours.as_deref() == Some("not verified");
            compared.header == "icmp" && compared.field == "verdict" && is_open
        },
    },
    Rule {
        name: "what ICMP leaves open",
        reason: "Of the four octets behind the checksum that RFC 792 leaves to the type, or unused, tshark reads what \
                 later standards put there, and behind them (RFC 1256, RFC 4884, RFC 8335); `decode` prints them as one \
                 number.",
        explains: is_left_open,
    },
    Rule {
        name: "a time in echo data",
        reason: "The data of an echo is the sender's to choose (RFC 792): tshark guesses that it starts with a time, as \
                 ping of Linux sends it, and calculates with it; `decode` does not read it.",
        explains: |compared| {
            compared.header == "icmp"
                && compared.ours.is_none()
                && compared.field.starts_with("icmp.data_time")
        },
    },
    Rule {
        name: "a quoted segment",
        reason: "An ICMP error need quote no more than eight octets of the data (RFC 792): of a TCP header there tshark \
                 reads only these, or what a length of RFC 4884 says; `decode` prints what is there.",
        explains: |compared| {
            let is_quoted = compared.of.is_some_and(|header| header.is_quoted);
            compared.header == "tcp" && is_quoted && compared.theirs.is_none()
        },
    },
];

/// Which rule explains a difference: its place in the table.
pub(crate) fn explain(compared: &ComparedValue<'_>) -> Option<usize> {
    RULES.iter().position(|rule| (rule.explains)(compared))
}

/// Whether before the header stands one that we do not read.
fn is_behind_foreign(compared: &ComparedValue<'_>) -> bool {
    let Some(place) = compared.place else { return false };
    let before = compared.packet.protocols.get(..place).unwrap_or_default();
    before.iter().any(|protocol| {
        our_name(&protocol.name).is_none() && !FRAME_PROTOCOLS.contains(&protocol.name.as_str())
    })
}

/// What tshark says of the frame as a whole.
const FRAME_PROTOCOLS: [&str; 3] = ["geninfo", "frame", "pkt_comment"];

/// Whether the header is right behind that of a datagram that carries such whole.
fn is_in_bare_tunnel(compared: &ComparedValue<'_>) -> bool {
    let protocols = compared.packet.protocols.get(..compared.place.unwrap_or_default()).unwrap_or_default();
    protocols.iter().filter(|protocol| protocol.name == "ip").any(|protocol| {
        let carries = protocol.fields.iter().find(|field| field.name == "ip.proto");
        carries.is_some_and(|field| ["4", "143"].contains(&field.show.as_str()))
    })
}

/// Whether tshark says nothing, or nothing of use: a length that it made up for one of 0, no options, no verdict, a part.
fn is_silent(compared: &ComparedValue<'_>) -> bool {
    let is_made_up = match compared.field {
        "total_length" => compared.ours.as_deref() == Some("0"),
        "options" => compared.theirs.as_deref() == Some(""),
        "verdict" => {
            [&compared.ours, &compared.theirs].iter().any(|side| side.as_deref() == Some("not verified"))
        }
        "ip.version" => true,
        // Parts of the four octets that are not whole.
        name => name.starts_with("icmp."),
    };
    is_made_up || compared.theirs.is_none()
}

/// Whether our header lacks the last of its fields, or options that its length promises.
fn is_cut(compared: &ComparedValue<'_>) -> bool {
    let Some(header) = compared.of else { return false };
    let last = match header.name.as_str() {
        "ethernet" | "tags" => "type_or_length",
        "snap" => "ether_type",
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

/// Whether a message has not even its first eight octets.
fn icmp_is_cut(header: &DecodedHeader) -> bool {
    let ends = ["sequence", "next_hop_mtu", "gateway", "unused", "rest"];
    !ends.iter().any(|field| header.field(field).is_some())
}

/// Whether the IPv4 header, this one or one before it, is none by its own fields.
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

/// Whether it is about the octets 4 to 7 of a message, which we print as a number, or about its data.
fn is_left_open(compared: &ComparedValue<'_>) -> bool {
    let Some(header) = compared.of.filter(|_| compared.header == "icmp") else { return false };
    let Some(open) = ["rest", "unused"].into_iter().find(|name| header.field(name).is_some()) else {
        return false;
    };
    let start = header.offset + 4;
    match compared.item {
        // As one number it would have to be the same.
        Some(item) => {
            let is_there = item.position >= start;
            is_there && (compared.ours.is_none() || (compared.field == open && item.size < 3))
        }
        None => compared.field == open,
    }
}

/// tshark's field of this name in the header that is looked at.
fn item<'a>(compared: &ComparedValue<'a>, name: &str) -> Option<&'a Field> {
    let protocol = compared.packet.protocols.get(compared.place?)?;
    protocol.fields.iter().find(|field| field.name == name)
}

/// Whether no header of ours starts behind it.
fn is_last(compared: &ComparedValue<'_>) -> bool {
    let Some(item) = compared.item else { return false };
    compared.frame.headers.iter().all(|header| header.offset < item.position)
}

/// What another field of our header holds.
fn field<'a>(compared: &ComparedValue<'a>, name: &str) -> Option<&'a str> {
    compared.of.and_then(|header| header.field(name))
}

/// Whether an ARP packet promises more octets than were captured.
fn is_beyond(compared: &ComparedValue<'_>) -> Option<bool> {
    let length = |name| field(compared, name)?.parse::<usize>().ok();
    let promised = 8 + 2 * (length("hardware_length")? + length("protocol_length")?);
    Some(compared.of?.offset + promised > compared.frame.captured())
}

/// Whether an address in dots is one in digits.
fn is_alike(compared: &ComparedValue<'_>) -> bool {
    let ours = compared.ours.as_deref().and_then(|ours| ours.parse::<Ipv4Addr>().ok());
    let digits = ours.map(|ours| ours.octets().map(|byte| format!("{byte:02x}")).join(":"));
    digits.is_some() && digits == compared.theirs
}

/// Whether tshark found such a protocol in the frame.
fn has(compared: &ComparedValue<'_>, protocol: &str) -> bool {
    compared.packet.protocols.iter().any(|found| found.name == protocol)
}

/// The EtherType of what the frame carries, by our own reading.
fn last_ether_type<'a>(compared: &ComparedValue<'a>) -> Option<&'a str> {
    let mut headers = compared.frame.headers.iter().rev();
    headers.find_map(|header| header.field("ether_type").or(header.field("type_or_length")))
}

#[cfg(test)]
mod tests;
