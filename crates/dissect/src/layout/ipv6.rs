//! Layouts of the headers of IPv6 and of ICMP for IPv6.

use super::FieldFormat::{Flag, Hex, Ip6, Number};
use super::{Field, IDENTIFIER, Layout, MESSAGE_CODE, MESSAGE_TYPE, SEQUENCE, field};

const CHECKSUM: Field =
    field("checksum", "sum", 16, Hex, "checksum of pseudo-header and message (not verified)");
const TARGET: Field = field("target", "target", 128, Ip6, "IP address that the message is about");
const RESERVED: Field = field("reserved", "reserved", 32, Hex, "unused, zero");

pub(crate) static IPV6: Layout = Layout {
    name: "ipv6",
    title: "IPv6 header",
    standard: "RFC 8200 3",
    fields: &[
        field("version", "ver", 4, Number, "version, 6"),
        field("traffic_class", "class", 8, Hex, "differentiated services and ECN"),
        field("flow_label", "flow", 20, Hex, "label of the flow; 0 means none"),
        field("payload_length", "length", 16, Number, "length of extension headers and data in bytes"),
        field(
            "next_header",
            "next",
            8,
            Number,
            "protocol of the data, or type of the first extension header",
        ),
        field("hop_limit", "hops", 8, Number, "hops that are left before the datagram is dropped"),
        field("source", "src", 128, Ip6, "source IP address"),
        field("destination", "dst", 128, Ip6, "destination IP address"),
    ],
};

pub(crate) static ECHO6: Layout = Layout {
    name: "icmpv6",
    title: "ICMPv6 message",
    standard: "RFC 4443 4",
    fields: &[MESSAGE_TYPE, MESSAGE_CODE, CHECKSUM, IDENTIFIER, SEQUENCE],
};

pub(crate) static TOO_BIG6: Layout = Layout {
    name: "icmpv6",
    title: "ICMPv6 message",
    standard: "RFC 4443 3.2",
    fields: &[
        MESSAGE_TYPE,
        MESSAGE_CODE,
        CHECKSUM,
        field("mtu", "mtu", 32, Number, "MTU of the next link in bytes"),
    ],
};

pub(crate) static LISTENER: Layout = Layout {
    name: "icmpv6",
    title: "ICMPv6 message",
    standard: "RFC 2710 3",
    fields: &[
        MESSAGE_TYPE,
        MESSAGE_CODE,
        CHECKSUM,
        field("maximum_delay", "delay", 16, Number, "maximum time to the report, in milliseconds"),
        field("reserved", "reserved", 16, Hex, "unused, zero"),
        field("multicast_address", "group", 128, Ip6, "multicast group; :: in a general query"),
    ],
};

pub(crate) static SOLICITATION: Layout = Layout {
    name: "icmpv6",
    title: "ICMPv6 message",
    standard: "RFC 4861 4.3",
    fields: &[MESSAGE_TYPE, MESSAGE_CODE, CHECKSUM, RESERVED, TARGET],
};

pub(crate) static ADVERTISEMENT: Layout = Layout {
    name: "icmpv6",
    title: "ICMPv6 message",
    standard: "RFC 4861 4.4",
    fields: &[
        MESSAGE_TYPE,
        MESSAGE_CODE,
        CHECKSUM,
        field("router", "R", 1, Flag, "the sender is a router"),
        field("solicited", "S", 1, Flag, "the message answers a solicitation"),
        field("override", "O", 1, Flag, "the message replaces the known MAC address"),
        field("reserved", "reserved", 29, Hex, "unused, zero"),
        TARGET,
    ],
};

pub(crate) static REDIRECT6: Layout = Layout {
    name: "icmpv6",
    title: "ICMPv6 message",
    standard: "RFC 4861 4.5",
    fields: &[
        MESSAGE_TYPE,
        MESSAGE_CODE,
        CHECKSUM,
        RESERVED,
        TARGET,
        field("destination", "dst", 128, Ip6, "IP address that the next hop leads to"),
    ],
};

pub(crate) static ICMPV6: Layout = Layout {
    name: "icmpv6",
    title: "ICMPv6 message",
    standard: "RFC 4443 2.1",
    fields: &[
        MESSAGE_TYPE,
        MESSAGE_CODE,
        CHECKSUM,
        field("rest", "rest", 32, Hex, "rest of the header; its meaning depends on the type"),
    ],
};
