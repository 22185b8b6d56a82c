//! Layouts of the fixed headers of DNS, DHCP, LLDP and the spanning tree protocols.

use super::FieldFormat::{Flag, Hex, Ip, Mac, Number};
use super::{Field, Layout, field};
use link::EtherType;

/// EtherType of LLDP.
pub(crate) const LLDP_TYPE: EtherType = EtherType(0x88cc);
/// Destination and source service access point, and control field, of a bridge protocol data unit.
pub(crate) const STP_LLC: [u8; 3] = [0x42, 0x42, 3];

pub(crate) static DNS: Layout = Layout {
    name: "dns",
    title: "DNS header",
    standard: "RFC 1035 4.1.1, RFC 4035 3",
    fields: &[
        field("identifier", "id", 16, Number, "identifier, matches a response to its query"),
        field("response", "R", 1, Flag, "0 for a query, 1 for a response"),
        field("opcode", "op", 4, Number, "kind of query"),
        field("authoritative", "A", 1, Flag, "the server is an authority for the name"),
        field("truncated", "T", 1, Flag, "the message was truncated"),
        field("recursion_desired", "D", 1, Flag, "the server should query other servers"),
        field("recursion_available", "V", 1, Flag, "the server can query other servers"),
        field("reserved", "Z", 1, Flag, "reserved, zero"),
        field("authentic_data", "N", 1, Flag, "the data was verified (DNSSEC)"),
        field("checking_disabled", "C", 1, Flag, "the data need not be verified (DNSSEC)"),
        field("response_code", "code", 4, Number, "0 without an error"),
        field("questions", "qd", 16, Number, "number of questions"),
        field("answers", "an", 16, Number, "number of answer records"),
        field("authorities", "ns", 16, Number, "number of authority records"),
        field("additional", "ar", 16, Number, "number of additional records"),
    ],
};

pub(crate) static DHCP: Layout = Layout {
    name: "dhcp",
    title: "DHCP message without names and options",
    standard: "RFC 2131 2",
    fields: &[
        field("message_operation", "op", 8, Number, "1 for a request of a client, 2 for a reply of a server"),
        field("hardware_type", "htype", 8, Number, "hardware type, 1 for Ethernet"),
        field("hardware_length", "hlen", 8, Number, "length of the hardware address, 6 for Ethernet"),
        field("hops", "hops", 8, Number, "number of relays"),
        field("transaction", "xid", 32, Hex, "identifier, matches a reply to its request"),
        field("seconds", "secs", 16, Number, "seconds since the client began"),
        field("broadcast", "B", 1, Flag, "the server should broadcast its reply"),
        field("reserved", "rsv", 15, Hex, "reserved, zero"),
        field("client_ip", "ciaddr", 32, Ip, "current IP address of the client"),
        field("assigned_ip", "yiaddr", 32, Ip, "IP address that the server assigns to the client"),
        field("server_ip", "siaddr", 32, Ip, "IP address of the next server"),
        field("relay_ip", "giaddr", 32, Ip, "IP address of the relay"),
        field("client_mac", "chaddr", 48, Mac, "MAC address of the client"),
    ],
};

pub(crate) static LLDP: Layout = Layout {
    name: "lldp",
    title: "Start of the chassis in LLDP",
    standard: "IEEE 802.1AB 8.5.2",
    fields: &[
        field("tlv_type", "type", 7, Number, "type of the first TLV, 1 for the chassis"),
        field("tlv_length", "length", 9, Number, "length of the first TLV in bytes"),
        field(
            "chassis_subtype",
            "subtype",
            8,
            Number,
            "format of the chassis identifier, 4 for a MAC address",
        ),
    ],
};

const PROTOCOL: Field = field("protocol_identifier", "protocol", 16, Number, "protocol, 0 for spanning tree");
const VERSION: Field = field("protocol_version", "version", 8, Number, "version of the protocol");
const TYPE: Field = field("bpdu_type", "type", 8, Hex, "type of the unit");

pub(crate) static STP_HEAD: Layout = Layout {
    name: "stp",
    title: "Bridge protocol data unit",
    standard: "IEEE 802.1D 9.3.2",
    fields: &[PROTOCOL, VERSION, TYPE],
};

pub(crate) static STP: Layout = Layout {
    name: "stp",
    title: "Bridge protocol data unit",
    standard: "IEEE 802.1D 9.3.1, 9.3.3",
    fields: &[
        PROTOCOL,
        VERSION,
        TYPE,
        field("bpdu_flags", "flags", 8, Hex, "topology change, state and role of the port"),
        field("root_priority", "root", 16, Hex, "priority of the root bridge"),
        field("root_mac", "root", 48, Mac, "MAC address of the root bridge"),
        field("root_path_cost", "cost", 32, Number, "cost of the path to the root bridge"),
        field("bridge_priority", "bridge", 16, Hex, "priority of the sending bridge"),
        field("bridge_mac", "bridge", 48, Mac, "MAC address of the sending bridge"),
        field("port_identifier", "port", 16, Hex, "priority and number of the sending port"),
        field("message_age", "age", 16, Number, "age of the information, in 1/256 seconds"),
        field("maximum_age", "max age", 16, Number, "lifetime of the information, in 1/256 seconds"),
        field("hello_time", "hello", 16, Number, "interval between two units, in 1/256 seconds"),
        field("forward_delay", "delay", 16, Number, "delay before a port forwards, in 1/256 seconds"),
    ],
};
