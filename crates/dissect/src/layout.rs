//! Layouts of headers: the fields of each in order, with the widths that the standard of the header defines.

pub(crate) mod ipv6;
pub(crate) mod payload;

/// Length of a UDP header in bytes (RFC 768).
pub(crate) const UDP_HEADER: usize = 8;
/// Length of a TCP header without options in bytes (RFC 9293 3.1).
pub(crate) const TCP_HEADER: usize = 20;

/// Layout of a header.
#[derive(Debug)]
pub struct Layout {
    /// Name in JSON.
    pub name: &'static str,
    /// Title in an explained frame.
    pub title: &'static str,
    /// Standard and section that define the header.
    pub standard: &'static str,
    /// Fields, in order.
    pub fields: &'static [Field],
}

/// A field of a header.
#[derive(Debug)]
pub struct Field {
    /// Name in JSON.
    pub name: &'static str,
    /// Short name for diagram cells that are too narrow for `name`.
    pub label: &'static str,
    /// Width in bits, at most 128.
    pub bits: usize,
    /// Format of the value.
    pub format: FieldFormat,
    /// Meaning of the value.
    pub meaning: &'static str,
}

/// Format of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldFormat {
    /// A decimal number.
    Number,
    /// A hexadecimal number; a decimal number in JSON.
    Hex,
    /// One bit.
    Flag,
    /// A MAC address.
    Mac,
    /// An IPv4 address.
    Ip,
    /// An IPv6 address.
    Ip6,
}

use FieldFormat::{Flag, Hex, Ip, Mac, Number};

/// All layouts.
pub static LAYOUTS: [&Layout; 33] = [
    &ETHERNET,
    &LINUX_SLL,
    &LINUX_SLL2,
    &LOOPBACK,
    &TAG,
    &SNAP,
    &LLC,
    &LLC_NUMBERED,
    &ARP,
    &ARP_HEAD,
    &IPV4,
    &ECHO,
    &TIMESTAMP,
    &MASK,
    &TOO_BIG,
    &REDIRECT,
    &PARAMETER,
    &ICMP,
    &ipv6::IPV6,
    &ipv6::ECHO6,
    &ipv6::TOO_BIG6,
    &ipv6::LISTENER,
    &ipv6::SOLICITATION,
    &ipv6::ADVERTISEMENT,
    &ipv6::REDIRECT6,
    &ipv6::ICMPV6,
    &UDP,
    &TCP,
    &payload::DNS,
    &payload::DHCP,
    &payload::LLDP,
    &payload::STP_HEAD,
    &payload::STP,
];

impl Layout {
    /// Returns the length of the header in bytes.
    pub fn length(&self) -> usize {
        self.fields.iter().map(|field| field.bits).sum::<usize>() / 8
    }
}

const fn field(
    name: &'static str,
    label: &'static str,
    bits: usize,
    format: FieldFormat,
    meaning: &'static str,
) -> Field {
    Field { name, label, bits, format, meaning }
}

pub(crate) static ETHERNET: Layout = Layout {
    name: "ethernet",
    title: "Ethernet header",
    standard: "RFC 894, IEEE 802.3 3.2",
    fields: &[
        field("destination", "dst", 48, Mac, "destination MAC address"),
        field("source", "src", 48, Mac, "source MAC address"),
        field("type_or_length", "type", 16, Hex, "EtherType, or the payload length if 1500 or less"),
    ],
};

pub(crate) static LINUX_SLL: Layout = Layout {
    name: "linux_sll",
    title: "Linux cooked header, version 1",
    standard: "LINKTYPE_LINUX_SLL",
    fields: &[
        field("packet_type", "packet", 16, Number, PACKET_TYPE),
        field("hardware_type", "hardware", 16, Number, HARDWARE_TYPE),
        field("address_length", "halen", 16, Number, "length of the sender's address in bytes"),
        field("address", "address", 48, Mac, "MAC address of the sender"),
        field("unused", "unused", 16, Hex, "unused; the rest of an address of eight bytes"),
        field("protocol_type", "type", 16, Hex, "EtherType; 4 means that an LLC header follows"),
    ],
};

pub(crate) static LINUX_SLL2: Layout = Layout {
    name: "linux_sll2",
    title: "Linux cooked header, version 2",
    standard: "LINKTYPE_LINUX_SLL2",
    fields: &[
        field("protocol_type", "type", 16, Hex, "EtherType; 4 means that an LLC header follows"),
        field("reserved", "0", 16, Hex, "reserved, zero"),
        field("interface", "interface", 32, Number, "number of the interface on the capturing machine"),
        field("hardware_type", "hardware", 16, Number, HARDWARE_TYPE),
        field("packet_type", "packet", 8, Number, PACKET_TYPE),
        field("address_length", "halen", 8, Number, "length of the sender's address in bytes"),
        field("address", "address", 48, Mac, "MAC address of the sender"),
        field("unused", "unused", 16, Hex, "unused; the rest of an address of eight bytes"),
    ],
};

const PACKET_TYPE: &str =
    "0 to this machine, 1 broadcast, 2 multicast, 3 to another machine, 4 sent by this machine";
const HARDWARE_TYPE: &str = "hardware type of the interface (ARPHRD); 1 is Ethernet, 772 is loopback";

/// Header of BSD loopback interfaces.
pub(crate) static LOOPBACK: Layout = Layout {
    name: "loopback",
    title: "Loopback header",
    standard: "LINKTYPE_NULL, LINKTYPE_LOOP",
    fields: &[field(
        "family",
        "family",
        32,
        Hex,
        "address family; its byte order is that of the capturing machine in LINKTYPE_NULL",
    )],
};

pub(crate) static TAG: Layout = Layout {
    name: "tags",
    title: "VLAN tag",
    standard: "IEEE 802.1Q clause 9",
    fields: &[
        field("priority", "prio", 3, Number, "priority code point (PCP), 0 to 7"),
        field("drop_eligible", "d", 1, Flag, "drop eligible indicator (DEI), dropped first under congestion"),
        field("vlan", "vlan", 12, Number, "VLAN identifier (VID); 0 means priority only, no VLAN"),
        field("type_or_length", "type", 16, Hex, "EtherType, or the payload length if 1500 or less"),
    ],
};

pub(crate) static SNAP: Layout = Layout {
    name: "snap",
    title: "LLC and SNAP header",
    standard: "RFC 1042, IEEE 802.2",
    fields: &[
        field("dsap", "dsap", 8, Hex, "destination service access point; 0xaa is SNAP"),
        field("ssap", "ssap", 8, Hex, "source service access point; 0xaa is SNAP"),
        field("control", "ctrl", 8, Hex, "control field; 0x03 is unnumbered information (UI)"),
        field(
            "organization",
            "oui",
            24,
            Hex,
            "organizationally unique identifier (OUI); 0 means that an EtherType follows",
        ),
        field(
            "ethertype",
            "type",
            16,
            Hex,
            "EtherType, or the protocol number that the organization assigned",
        ),
    ],
};

/// LLC header of an unnumbered frame that has no SNAP header.
pub(crate) static LLC: Layout = Layout {
    name: "llc",
    title: "LLC header",
    standard: "IEEE 802.2 3.2",
    fields: &[
        field("dsap", "dsap", 8, Hex, "destination service access point"),
        field("ssap", "ssap", 8, Hex, "source service access point"),
        field("control", "ctrl", 8, Hex, "control field of an unnumbered PDU"),
    ],
};

/// LLC header with sequence numbers.
pub(crate) static LLC_NUMBERED: Layout = Layout {
    name: "llc",
    title: "LLC header",
    standard: "IEEE 802.2 3.2",
    fields: &[
        field("dsap", "dsap", 8, Hex, "destination service access point"),
        field("ssap", "ssap", 8, Hex, "source service access point"),
        field("control", "ctrl", 16, Hex, "control field with sequence numbers, two bytes in the order sent"),
    ],
};

pub(crate) static ARP: Layout = Layout {
    name: "arp",
    title: "ARP packet",
    standard: "RFC 826 \"Packet format\"",
    fields: &[
        field("hardware_type", "hrd", 16, Number, "hardware type; 1 is Ethernet, 6 is IEEE 802"),
        field("protocol_type", "pro", 16, Hex, "protocol type, an EtherType"),
        field("hardware_length", "hln", 8, Number, "length of a MAC address in bytes"),
        field("protocol_length", "pln", 8, Number, "length of an IP address in bytes"),
        field("operation", "op", 16, Number, "operation code (opcode)"),
        field("sender_hardware_address", "sha", 48, Mac, "sender MAC address"),
        field("sender_protocol_address", "spa", 32, Ip, "sender IP address; 0.0.0.0 in an ARP probe"),
        field("target_hardware_address", "tha", 48, Mac, "target MAC address; undefined in a request"),
        field("target_protocol_address", "tpa", 32, Ip, "target IP address"),
    ],
};

/// The fields before the addresses of an ARP packet with address lengths other than 6 and 4.
pub(crate) static ARP_HEAD: Layout = Layout {
    name: "arp",
    title: "ARP packet with addresses of other lengths",
    standard: "RFC 826 \"Packet format\"",
    fields: match ARP.fields.split_at_checked(5) {
        Some((head, _)) => head,
        None => &[],
    },
};

pub(crate) static IPV4: Layout = Layout {
    name: "ipv4",
    title: "IPv4 header",
    standard: "RFC 791 3.1",
    fields: &[
        field("version", "ver", 4, Number, "IP version, 4"),
        field("header_length", "ihl", 4, Number, "header length in 32-bit words"),
        field("type_of_service", "tos", 8, Hex, "DSCP (6 bits) and ECN (2 bits)"),
        field("total_length", "length", 16, Number, "length of header and data in bytes"),
        field("identification", "id", 16, Number, "identification, the same in all fragments of a datagram"),
        field("reserved", "0", 1, Flag, "reserved, zero"),
        field("dont_fragment", "DF", 1, Flag, "do not fragment"),
        field("more_fragments", "MF", 1, Flag, "more fragments follow"),
        field("fragment_offset", "offset", 13, Number, "offset of this fragment in units of 8 bytes"),
        field("ttl", "ttl", 8, Number, "time to live, the remaining hops"),
        field("protocol", "proto", 8, Number, "protocol of the payload"),
        field("checksum", "sum", 16, Hex, "header checksum"),
        field("source", "src", 32, Ip, "source IP address"),
        field("destination", "dst", 32, Ip, "destination IP address"),
    ],
};

const MESSAGE_TYPE: Field = field("type", "type", 8, Number, "message type");
const MESSAGE_CODE: Field = field("code", "code", 8, Number, "code, the subtype of the message");
const MESSAGE_CHECKSUM: Field = field("checksum", "sum", 16, Hex, "checksum of the whole message");
const IDENTIFIER: Field = field("identifier", "id", 16, Number, "identifier, matches a reply to its request");
const SEQUENCE: Field =
    field("sequence", "seq", 16, Number, "sequence number, matches a reply to its request");

pub(crate) static ECHO: Layout = Layout {
    name: "icmp",
    title: "ICMP message",
    standard: "RFC 792 \"Echo or Echo Reply Message\"",
    fields: &[MESSAGE_TYPE, MESSAGE_CODE, MESSAGE_CHECKSUM, IDENTIFIER, SEQUENCE],
};

pub(crate) static TIMESTAMP: Layout = Layout {
    name: "icmp",
    title: "ICMP message",
    standard: "RFC 792 \"Timestamp or Timestamp Reply Message\"",
    fields: &[
        MESSAGE_TYPE,
        MESSAGE_CODE,
        MESSAGE_CHECKSUM,
        IDENTIFIER,
        SEQUENCE,
        field(
            "originate",
            "orig",
            32,
            Number,
            "time when the request was sent, in milliseconds since midnight UTC",
        ),
        field("receive", "recv", 32, Number, "time when the request was received"),
        field("transmit", "xmit", 32, Number, "time when the reply was sent"),
    ],
};

pub(crate) static MASK: Layout = Layout {
    name: "icmp",
    title: "ICMP message",
    standard: "RFC 950 appendix I",
    fields: &[
        MESSAGE_TYPE,
        MESSAGE_CODE,
        MESSAGE_CHECKSUM,
        IDENTIFIER,
        SEQUENCE,
        field("address_mask", "mask", 32, Ip, "subnet mask; 0.0.0.0 in a request"),
    ],
};

pub(crate) static TOO_BIG: Layout = Layout {
    name: "icmp",
    title: "ICMP message",
    standard: "RFC 1191 4",
    fields: &[
        MESSAGE_TYPE,
        MESSAGE_CODE,
        MESSAGE_CHECKSUM,
        field("unused", "unused", 16, Number, "unused, zero"),
        field("next_hop_mtu", "mtu", 16, Number, "MTU of the next hop in bytes; 0 if not reported"),
    ],
};

pub(crate) static REDIRECT: Layout = Layout {
    name: "icmp",
    title: "ICMP message",
    standard: "RFC 792 \"Redirect Message\"",
    fields: &[
        MESSAGE_TYPE,
        MESSAGE_CODE,
        MESSAGE_CHECKSUM,
        field("gateway", "gateway", 32, Ip, "IP address of the gateway to use instead"),
    ],
};

pub(crate) static PARAMETER: Layout = Layout {
    name: "icmp",
    title: "ICMP message",
    standard: "RFC 792 \"Parameter Problem Message\"",
    fields: &[
        MESSAGE_TYPE,
        MESSAGE_CODE,
        MESSAGE_CHECKSUM,
        field("pointer", "pointer", 8, Number, "offset of the invalid byte in the quoted datagram"),
        field("unused", "unused", 24, Number, "unused, zero"),
    ],
};

pub(crate) static ICMP: Layout = Layout {
    name: "icmp",
    title: "ICMP message",
    standard: "RFC 792 \"Message Formats\"",
    fields: &[
        MESSAGE_TYPE,
        MESSAGE_CODE,
        MESSAGE_CHECKSUM,
        field("rest", "rest", 32, Hex, "rest of the header; its meaning depends on the type"),
    ],
};

pub(crate) static UDP: Layout = Layout {
    name: "udp",
    title: "UDP header",
    standard: "RFC 768 \"Format\"",
    fields: &[
        field("source_port", "from", 16, Number, "source port"),
        field("destination_port", "to", 16, Number, "destination port"),
        field("length", "length", 16, Number, "length of header and data in bytes"),
        field(
            "checksum",
            "sum",
            16,
            Hex,
            "checksum of pseudo-header, header and data; 0 means none (not verified)",
        ),
    ],
};

pub(crate) static TCP: Layout = Layout {
    name: "tcp",
    title: "TCP header",
    standard: "RFC 9293 3.1",
    fields: &[
        field("source_port", "from", 16, Number, "source port"),
        field("destination_port", "to", 16, Number, "destination port"),
        field("sequence", "seq", 32, Number, "sequence number of the first data byte"),
        field("acknowledgment", "ack", 32, Number, "next sequence number that the sender expects"),
        field("data_offset", "off", 4, Number, "header length in 32-bit words"),
        field("reserved", "rsv", 4, Number, "reserved, zero"),
        field("flags", "flags", 8, Hex, "control bits, from CWR (0x80) to FIN (0x01)"),
        field("window", "window", 16, Number, "receive window of the sender, before scaling"),
        field("checksum", "sum", 16, Hex, "checksum of pseudo-header, header and data (not verified)"),
        field("urgent_pointer", "urgent", 16, Number, "end of the urgent data, valid with URG"),
    ],
};
