//! The fields of tshark that correspond to the fields of tapstack.

use super::pdml::{Field, PdmlProtocol};

/// A header of tapstack and its name in tshark.
pub(crate) const PROTOCOLS: [(&str, &[&str]); 12] = [
    ("ethernet", &["eth"]),
    ("linux_sll", &["sll"]),
    ("linux_sll2", &["sll"]),
    ("loopback", &["null"]),
    ("tags", &["vlan", "ieee8021ad"]),
    ("snap", &["llc"]),
    ("llc", &["llc"]),
    ("arp", &["arp"]),
    ("ipv4", &["ip"]),
    ("icmp", &["icmp"]),
    ("udp", &["udp"]),
    ("tcp", &["tcp"]),
];

/// A field of tapstack, and the fields of tshark with the same meaning.
pub(crate) struct FieldMapping {
    pub(crate) header: &'static str,
    pub(crate) field: &'static str,
    /// Names of the fields of tshark. The first field that exists is used.
    pub(crate) reference: &'static [&'static str],
    form: ValueFormat,
}

/// Conversion of a value of tshark.
#[derive(Clone, Copy)]
enum ValueFormat {
    /// The displayed value.
    Shown,
    /// A number in decimal or hexadecimal digits.
    Number,
    /// A number in units.
    Units(u64),
    /// Bits of a number, selected by shift and mask.
    Bits(u32, u64),
    /// The bytes as a number, or the bits of a bit field.
    Bytes,
    /// The bytes in hexadecimal digits.
    Raw,
    /// Seconds with a fraction, converted to nanoseconds.
    Seconds,
    /// Direction of a frame.
    Direction,
    /// Verdict on a checksum.
    Verdict,
}

/// Offset of the options in an IPv4 header, in bytes.
const FIXED_IPV4: usize = 20;

/// Fields of the frame.
pub(crate) const FRAME_FIELDS: [FieldMapping; 6] = [
    mapping("frame", "number", &["frame.number"], ValueFormat::Number),
    mapping("frame", "time_ns", &["frame.time_epoch"], ValueFormat::Seconds),
    mapping("frame", "bytes", &["frame.len"], ValueFormat::Number),
    mapping("frame", "captured_bytes", &["frame.cap_len"], ValueFormat::Number),
    mapping("frame", "direction", &["frame.packet_flags_direction"], ValueFormat::Direction),
    mapping("frame", "comment", &["frame.comment"], ValueFormat::Shown),
];

/// Fields of the headers.
pub(crate) const HEADER_FIELDS: [FieldMapping; 85] = [
    mapping("linux_sll", "packet_type", &["sll.pkttype"], ValueFormat::Number),
    mapping("linux_sll", "hardware_type", &["sll.hatype"], ValueFormat::Number),
    mapping("linux_sll", "address_length", &["sll.halen"], ValueFormat::Number),
    mapping("linux_sll", "address", &["sll.src.eth"], ValueFormat::Shown),
    mapping("linux_sll", "unused", &["sll.unused"], ValueFormat::Bytes),
    mapping("linux_sll", "protocol_type", &["sll.etype", "sll.ltype"], ValueFormat::Number),
    mapping("linux_sll2", "protocol_type", &["sll.etype", "sll.ltype"], ValueFormat::Number),
    mapping("linux_sll2", "reserved", &["sll.unused"], ValueFormat::Bytes),
    mapping("linux_sll2", "interface", &["sll.ifindex"], ValueFormat::Number),
    mapping("linux_sll2", "hardware_type", &["sll.hatype"], ValueFormat::Number),
    mapping("linux_sll2", "packet_type", &["sll.pkttype"], ValueFormat::Number),
    mapping("linux_sll2", "address_length", &["sll.halen"], ValueFormat::Number),
    mapping("linux_sll2", "address", &["sll.src.eth"], ValueFormat::Shown),
    mapping("linux_sll2", "unused", &["sll.unused"], ValueFormat::Bytes),
    mapping("loopback", "family", &["null.family"], ValueFormat::Bytes),
    mapping("ethernet", "destination", &["eth.dst"], ValueFormat::Shown),
    mapping("ethernet", "source", &["eth.src"], ValueFormat::Shown),
    mapping(
        "ethernet",
        "type_or_length",
        &["eth.type", "eth.len", "eth.invalid_lentype"],
        ValueFormat::Number,
    ),
    mapping("tags", "priority", &["vlan.priority", "ieee8021ad.priority"], ValueFormat::Number),
    mapping("tags", "drop_eligible", &["vlan.dei", "ieee8021ad.dei"], ValueFormat::Number),
    mapping("tags", "vlan", &["vlan.id", "ieee8021ad.id"], ValueFormat::Number),
    mapping("tags", "type_or_length", &["vlan.etype", "vlan.len", "ieee8021ah.etype"], ValueFormat::Number),
    mapping("snap", "dsap", &["llc.dsap"], ValueFormat::Number),
    mapping("snap", "ssap", &["llc.ssap"], ValueFormat::Number),
    mapping("snap", "control", &["llc.control"], ValueFormat::Bytes),
    mapping("snap", "organization", &["llc.oui"], ValueFormat::Number),
    mapping("snap", "ethertype", &["llc.type", "llc.cisco_pid", "llc.pid"], ValueFormat::Number),
    mapping("llc", "dsap", &["llc.dsap"], ValueFormat::Number),
    mapping("llc", "ssap", &["llc.ssap"], ValueFormat::Number),
    // tshark shows these two bytes as a little-endian number.
    mapping("llc", "control", &["llc.control"], ValueFormat::Bytes),
    mapping("arp", "hardware_type", &["arp.hw.type"], ValueFormat::Number),
    mapping("arp", "protocol_type", &["arp.proto.type"], ValueFormat::Number),
    mapping("arp", "hardware_length", &["arp.hw.size"], ValueFormat::Number),
    mapping("arp", "protocol_length", &["arp.proto.size"], ValueFormat::Number),
    mapping("arp", "operation", &["arp.opcode"], ValueFormat::Number),
    mapping("arp", "sender_hardware_address", &["arp.src.hw_mac", "arp.src.hw"], ValueFormat::Shown),
    mapping("arp", "sender_protocol_address", &["arp.src.proto_ipv4", "arp.src.proto"], ValueFormat::Shown),
    mapping("arp", "target_hardware_address", &["arp.dst.hw_mac", "arp.dst.hw"], ValueFormat::Shown),
    mapping("arp", "target_protocol_address", &["arp.dst.proto_ipv4", "arp.dst.proto"], ValueFormat::Shown),
    mapping("ipv4", "version", &["ip.version"], ValueFormat::Number),
    mapping("ipv4", "header_length", &["ip.hdr_len"], ValueFormat::Units(4)),
    mapping("ipv4", "type_of_service", &["ip.dsfield"], ValueFormat::Number),
    mapping("ipv4", "total_length", &["ip.len"], ValueFormat::Number),
    mapping("ipv4", "identification", &["ip.id"], ValueFormat::Number),
    mapping("ipv4", "reserved", &["ip.flags.rb"], ValueFormat::Number),
    mapping("ipv4", "dont_fragment", &["ip.flags.df"], ValueFormat::Number),
    mapping("ipv4", "more_fragments", &["ip.flags.mf"], ValueFormat::Number),
    mapping("ipv4", "fragment_offset", &["ip.frag_offset"], ValueFormat::Bytes),
    mapping("ipv4", "ttl", &["ip.ttl"], ValueFormat::Number),
    mapping("ipv4", "protocol", &["ip.proto"], ValueFormat::Number),
    mapping("ipv4", "checksum", &["ip.checksum"], ValueFormat::Number),
    mapping("ipv4", "verdict", &["ip.checksum.status"], ValueFormat::Verdict),
    mapping("ipv4", "source", &["ip.src"], ValueFormat::Shown),
    mapping("ipv4", "destination", &["ip.dst"], ValueFormat::Shown),
    // A field without a name, which contains the bytes of all options.
    mapping("ipv4", "options", &[""], ValueFormat::Raw),
    mapping("icmp", "type", &["icmp.type"], ValueFormat::Number),
    mapping("icmp", "code", &["icmp.code"], ValueFormat::Number),
    mapping("icmp", "checksum", &["icmp.checksum"], ValueFormat::Number),
    mapping("icmp", "verdict", &["icmp.checksum.status"], ValueFormat::Verdict),
    mapping("icmp", "identifier", &["icmp.ident"], ValueFormat::Number),
    mapping("icmp", "sequence", &["icmp.seq"], ValueFormat::Number),
    mapping("icmp", "originate", &["icmp.originate_timestamp"], ValueFormat::Bytes),
    mapping("icmp", "receive", &["icmp.receive_timestamp"], ValueFormat::Bytes),
    mapping("icmp", "transmit", &["icmp.transmit_timestamp"], ValueFormat::Bytes),
    mapping("icmp", "address_mask", &["icmp.address_mask"], ValueFormat::Shown),
    // The unused bytes before an MTU or after a pointer.
    mapping("icmp", "unused", &["icmp.unused"], ValueFormat::Bytes),
    mapping("icmp", "next_hop_mtu", &["icmp.mtu"], ValueFormat::Number),
    mapping("icmp", "gateway", &["icmp.redir_gw"], ValueFormat::Shown),
    mapping("icmp", "pointer", &["icmp.pointer"], ValueFormat::Number),
    mapping("icmp", "rest", &["icmp.unused"], ValueFormat::Bytes),
    mapping("udp", "source_port", &["udp.srcport"], ValueFormat::Number),
    mapping("udp", "destination_port", &["udp.dstport"], ValueFormat::Number),
    mapping("udp", "length", &["udp.length"], ValueFormat::Number),
    mapping("udp", "checksum", &["udp.checksum"], ValueFormat::Number),
    mapping("tcp", "source_port", &["tcp.srcport"], ValueFormat::Number),
    mapping("tcp", "destination_port", &["tcp.dstport"], ValueFormat::Number),
    mapping("tcp", "sequence", &["tcp.seq_raw", "tcp.seq"], ValueFormat::Number),
    mapping("tcp", "acknowledgment", &["tcp.ack_raw", "tcp.ack"], ValueFormat::Number),
    mapping("tcp", "data_offset", &["tcp.hdr_len"], ValueFormat::Units(4)),
    mapping("tcp", "reserved", &["tcp.flags"], ValueFormat::Bits(8, 0xf)),
    mapping("tcp", "flags", &["tcp.flags"], ValueFormat::Bits(0, 0xff)),
    mapping("tcp", "window", &["tcp.window_size_value"], ValueFormat::Number),
    mapping("tcp", "checksum", &["tcp.checksum"], ValueFormat::Number),
    mapping("tcp", "urgent_pointer", &["tcp.urgent_pointer"], ValueFormat::Number),
    mapping("tcp", "options", &["tcp.options"], ValueFormat::Raw),
];

const fn mapping(
    header: &'static str,
    field: &'static str,
    reference: &'static [&'static str],
    form: ValueFormat,
) -> FieldMapping {
    FieldMapping { header, field, reference, form }
}

impl FieldMapping {
    /// Returns the corresponding field of tshark in a protocol.
    pub(crate) fn find<'a>(&self, protocol: &'a PdmlProtocol) -> Option<&'a Field> {
        let is_it = |field: &&Field, name: &str| {
            field.name == name && (!name.is_empty() || field.position == protocol.position + FIXED_IPV4)
        };
        let named = |name: &&str| protocol.fields.iter().find(|field| is_it(field, name));
        self.reference.iter().find_map(named)
    }

    /// Returns whether the value means unknown, which a direction of 0 does (pcapng 4.3.1).
    pub(crate) fn is_unknown(&self, field: &Field) -> bool {
        matches!(self.form, ValueFormat::Direction)
            && field.show.trim_start_matches("0x").bytes().all(|digit| digit == b'0')
    }

    /// Converts a value of tshark. Returns a value that cannot be converted unchanged.
    pub(crate) fn read(&self, field: &Field) -> String {
        self.form.read(field).unwrap_or_else(|| field.show.clone())
    }
}

impl ValueFormat {
    fn read(self, field: &Field) -> Option<String> {
        let number = |text: &str| match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        };
        match self {
            Self::Shown => Some(field.show.clone()),
            Self::Number => number(&field.show).map(|number| number.to_string()),
            Self::Units(unit) => number(&field.show)
                .filter(|number| number % unit == 0)
                .map(|number| (number / unit).to_string()),
            Self::Bits(from, mask) => number(&field.show).map(|number| (number >> from & mask).to_string()),
            Self::Bytes => u64::from_str_radix(&field.value, 16).ok().map(|number| number.to_string()),
            Self::Raw => Some(field.value.clone()),
            Self::Seconds => {
                let (seconds, parts) = field.show.split_once('.')?;
                let seconds: u64 = seconds.parse().ok()?;
                Some((seconds * 1_000_000_000 + format!("{parts:0<9}").parse::<u64>().ok()?).to_string())
            }
            Self::Direction => match number(&field.show)? {
                1 => Some("in".to_owned()),
                2 => Some("out".to_owned()),
                _ => None,
            },
            Self::Verdict => match number(&field.show)? {
                0 => Some("bad".to_owned()),
                1 => Some("good".to_owned()),
                _ => Some("not verified".to_owned()),
            },
        }
    }
}
