//! Layouts of headers as their standards draw them: every field in order, with its width.

/// Length of a UDP header in bytes (RFC 768).
pub(crate) const UDP_HEADER: usize = 8;
/// Length of a TCP header without options in bytes (RFC 9293 3.1).
pub(crate) const TCP_HEADER: usize = 20;

/// Layout of a header.
#[derive(Debug)]
pub struct Layout {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its title in an explained frame.
    pub title: &'static str,
    /// The standard that draws it.
    pub standard: &'static str,
    /// Its fields, in order.
    pub fields: &'static [Field],
}

/// A field of a header.
#[derive(Debug)]
pub struct Field {
    /// Its name in JSON.
    pub name: &'static str,
    /// Short name, for a diagram where the name does not fit.
    pub label: &'static str,
    /// Width in bits: 64 at most.
    pub bits: usize,
    /// Format of its value.
    pub format: FieldFormat,
    /// What its value means.
    pub meaning: &'static str,
}

/// Format of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldFormat {
    /// A decimal number.
    Number,
    /// A hexadecimal number; a decimal one in JSON.
    Hex,
    /// One bit.
    Flag,
    /// A MAC address.
    Mac,
    /// An IPv4 address.
    Ip,
}

use FieldFormat::{Flag, Hex, Ip, Mac, Number};

/// All layouts.
pub static LAYOUTS: [&Layout; 17] = [
    &ETHERNET,
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
    &UDP,
    &TCP,
];

impl Layout {
    /// Octets of the header.
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
        field("destination", "dst", 48, Mac, "whom the frame is for"),
        field("source", "src", 48, Mac, "who sent it"),
        field("type_or_length", "type", 16, Hex, "from 1536 on what it carries, up to 1500 how much"),
    ],
};

pub(crate) static TAG: Layout = Layout {
    name: "tags",
    title: "VLAN tag",
    standard: "IEEE 802.1Q clause 9",
    fields: &[
        field("priority", "prio", 3, Number, "0 to 7"),
        field("drop_eligible", "d", 1, Flag, "whether it may be dropped first under congestion"),
        field("vlan", "vlan", 12, Number, "the VLAN; 0 says none, only a priority"),
        field("type_or_length", "type", 16, Hex, "what the tag pushed back"),
    ],
};

pub(crate) static SNAP: Layout = Layout {
    name: "snap",
    title: "LLC and SNAP header",
    standard: "RFC 1042, IEEE 802.2",
    fields: &[
        field("dsap", "dsap", 8, Hex, "destination service access point: 0xaa is SNAP"),
        field("ssap", "ssap", 8, Hex, "source service access point: 0xaa is SNAP"),
        field("control", "ctrl", 8, Hex, "3 is unnumbered information"),
        field(
            "organization",
            "oui",
            24,
            Hex,
            "who gave the protocol its number: 0 says that it is an EtherType",
        ),
        field("ether_type", "type", 16, Hex, "what it carries"),
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
        field("control", "ctrl", 8, Hex, "what it is: unnumbered"),
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
        field("control", "ctrl", 16, Hex, "what it is, and its numbers: both octets in their order"),
    ],
};

pub(crate) static ARP: Layout = Layout {
    name: "arp",
    title: "ARP packet",
    standard: "RFC 826 \"Packet format\"",
    fields: &[
        field(
            "hardware_type",
            "hrd",
            16,
            Number,
            "the hardware's address space: 1 is Ethernet, 6 is IEEE 802",
        ),
        field("protocol_type", "pro", 16, Hex, "the protocol's address space, an EtherType"),
        field("hardware_length", "hln", 8, Number, "octets in a hardware address"),
        field("protocol_length", "pln", 8, Number, "octets in a protocol address"),
        field("operation", "op", 16, Number, "what the packet is"),
        field("sender_hardware_address", "sha", 48, Mac, "where the sender is"),
        field("sender_protocol_address", "spa", 32, Ip, "who the sender is; 0.0.0.0 in a probe"),
        field("target_hardware_address", "tha", 48, Mac, "without meaning in a request"),
        field("target_protocol_address", "tpa", 32, Ip, "whom it is about"),
    ],
};

/// What precedes the addresses of an ARP packet whose address lengths are not 6 and 4.
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
        field("version", "ver", 4, Number, "4"),
        field("header_length", "ihl", 4, Number, "of the header, in words of four octets"),
        field("type_of_service", "tos", 8, Hex, "six bits of DSCP, two of ECN"),
        field("total_length", "length", 16, Number, "of header and data, in octets"),
        field("identification", "id", 16, Number, "which fragments belong together"),
        field("reserved", "0", 1, Flag, "zero"),
        field("dont_fragment", "DF", 1, Flag, "whether nobody may fragment it"),
        field("more_fragments", "MF", 1, Flag, "whether fragments come after it"),
        field("fragment_offset", "offset", 13, Number, "where its data belongs, in units of eight octets"),
        field("time_to_live", "ttl", 8, Number, "how many more hops it may take"),
        field("protocol", "proto", 8, Number, "what it carries"),
        field("checksum", "sum", 16, Hex, "of the header"),
        field("source", "src", 32, Ip, "who sent it"),
        field("destination", "dst", 32, Ip, "whom it is for"),
    ],
};

pub(crate) static ECHO: Layout = Layout {
    name: "icmp",
    title: "ICMP message",
    standard: "RFC 792 \"Echo or Echo Reply Message\"",
    fields: &[
        field("type", "type", 8, Number, "what it is"),
        field("code", "code", 8, Number, "what it is in particular"),
        field("checksum", "sum", 16, Hex, "of the whole message"),
        field("identifier", "id", 16, Number, "whose it is"),
        field("sequence", "seq", 16, Number, "which of his"),
    ],
};

pub(crate) static TIMESTAMP: Layout = Layout {
    name: "icmp",
    title: "ICMP message",
    standard: "RFC 792 \"Timestamp or Timestamp Reply Message\"",
    fields: &[
        field("type", "type", 8, Number, "what it is"),
        field("code", "code", 8, Number, "what it is in particular"),
        field("checksum", "sum", 16, Hex, "of the whole message"),
        field("identifier", "id", 16, Number, "whose it is"),
        field("sequence", "seq", 16, Number, "which of his"),
        field("originate", "orig", 32, Number, "when it was asked, in milliseconds since midnight UTC"),
        field("receive", "recv", 32, Number, "when the question arrived"),
        field("transmit", "xmit", 32, Number, "when it was answered"),
    ],
};

pub(crate) static MASK: Layout = Layout {
    name: "icmp",
    title: "ICMP message",
    standard: "RFC 950 appendix I",
    fields: &[
        field("type", "type", 8, Number, "what it is"),
        field("code", "code", 8, Number, "what it is in particular"),
        field("checksum", "sum", 16, Hex, "of the whole message"),
        field("identifier", "id", 16, Number, "whose it is"),
        field("sequence", "seq", 16, Number, "which of his"),
        field("address_mask", "mask", 32, Ip, "the network's; 0.0.0.0 in a request"),
    ],
};

pub(crate) static TOO_BIG: Layout = Layout {
    name: "icmp",
    title: "ICMP message",
    standard: "RFC 1191 4",
    fields: &[
        field("type", "type", 8, Number, "what it is"),
        field("code", "code", 8, Number, "what it is in particular"),
        field("checksum", "sum", 16, Hex, "of the whole message"),
        field("unused", "unused", 16, Number, "zero"),
        field("next_hop_mtu", "mtu", 16, Number, "what would fit, in octets; 0 says nothing"),
    ],
};

pub(crate) static REDIRECT: Layout = Layout {
    name: "icmp",
    title: "ICMP message",
    standard: "RFC 792 \"Redirect Message\"",
    fields: &[
        field("type", "type", 8, Number, "what it is"),
        field("code", "code", 8, Number, "what it is in particular"),
        field("checksum", "sum", 16, Hex, "of the whole message"),
        field("gateway", "gateway", 32, Ip, "who is nearer"),
    ],
};

pub(crate) static PARAMETER: Layout = Layout {
    name: "icmp",
    title: "ICMP message",
    standard: "RFC 792 \"Parameter Problem Message\"",
    fields: &[
        field("type", "type", 8, Number, "what it is"),
        field("code", "code", 8, Number, "what it is in particular"),
        field("checksum", "sum", 16, Hex, "of the whole message"),
        field("pointer", "pointer", 8, Number, "which octet makes no sense"),
        field("unused", "unused", 24, Number, "zero"),
    ],
};

pub(crate) static ICMP: Layout = Layout {
    name: "icmp",
    title: "ICMP message",
    standard: "RFC 792 \"Message Formats\"",
    fields: &[
        field("type", "type", 8, Number, "what it is"),
        field("code", "code", 8, Number, "what it is in particular"),
        field("checksum", "sum", 16, Hex, "of the whole message"),
        field("rest", "rest", 32, Hex, "as the type has it"),
    ],
};

pub(crate) static UDP: Layout = Layout {
    name: "udp",
    title: "UDP header",
    standard: "RFC 768 \"Format\"",
    fields: &[
        field("source_port", "from", 16, Number, "who sent it"),
        field("destination_port", "to", 16, Number, "whom it is for"),
        field("length", "length", 16, Number, "of header and data, in octets"),
        field(
            "checksum",
            "sum",
            16,
            Hex,
            "of addresses, header and data; 0 says none. It is not checked by decode",
        ),
    ],
};

pub(crate) static TCP: Layout = Layout {
    name: "tcp",
    title: "TCP header",
    standard: "RFC 9293 3.1",
    fields: &[
        field("source_port", "from", 16, Number, "who sent it"),
        field("destination_port", "to", 16, Number, "whom it is for"),
        field("sequence", "seq", 32, Number, "of the first octet of its data"),
        field("acknowledgment", "ack", 32, Number, "which octet is expected next"),
        field("data_offset", "off", 4, Number, "of the header, in words of four octets"),
        field("reserved", "rsv", 4, Number, "zero"),
        field("flags", "flags", 8, Hex, "control bits, from CWR (0x80) to FIN (0x01)"),
        field("window", "window", 16, Number, "how much more may be sent"),
        field("checksum", "sum", 16, Hex, "of addresses, header and data. It is not checked by decode"),
        field("urgent_pointer", "urgent", 16, Number, "where urgent data ends, with URG"),
    ],
};
