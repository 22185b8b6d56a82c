//! Which field of tshark's means what one of ours does.

use super::pdml::{Field, Protocol};

/// One of our headers and what tshark calls it.
pub(crate) const PROTOCOLS: [(&str, &[&str]); 9] = [
    ("ethernet", &["eth"]),
    ("tags", &["vlan", "ieee8021ad"]),
    ("snap", &["llc"]),
    ("llc", &["llc"]),
    ("arp", &["arp"]),
    ("ipv4", &["ip"]),
    ("icmp", &["icmp"]),
    ("udp", &["udp"]),
    ("tcp", &["tcp"]),
];

/// One field of ours, and tshark's of the same meaning.
pub(crate) struct Meaning {
    pub(crate) header: &'static str,
    pub(crate) field: &'static str,
    /// The first that is there.
    pub(crate) theirs: &'static [&'static str],
    form: Form,
}

/// How tshark's value becomes ours.
#[derive(Clone, Copy)]
enum Form {
    /// As it shows it.
    Shown,
    /// A number, which it shows in decimal or hexadecimal digits.
    Number,
    /// A number counted in units of so many.
    Units(u64),
    /// Some bits of a number: how far from the right they start, and their mask.
    Bits(u32, u64),
    /// Its octets as a number, or the bits of them that are its own.
    Octets,
    /// Its octets as they are.
    Raw,
    /// Seconds and their parts, as nanoseconds.
    Seconds,
    /// Which way a frame went.
    Direction,
    /// What became of a checksum.
    Verdict,
}

/// Where in an IPv4 header the options start, in octets.
const FIXED_IPV4: usize = 20;

/// Of the frame itself.
pub(crate) const FRAME: [Meaning; 6] = [
    meaning("frame", "number", &["frame.number"], Form::Number),
    meaning("frame", "time", &["frame.time_epoch"], Form::Seconds),
    meaning("frame", "length", &["frame.len"], Form::Number),
    meaning("frame", "captured", &["frame.cap_len"], Form::Number),
    meaning("frame", "direction", &["frame.packet_flags_direction"], Form::Direction),
    meaning("frame", "comment", &["frame.comment"], Form::Shown),
];

/// Of its headers.
pub(crate) const FIELDS: [Meaning; 69] = [
    meaning("ethernet", "destination", &["eth.dst"], Form::Shown),
    meaning("ethernet", "source", &["eth.src"], Form::Shown),
    meaning("ethernet", "type_or_length", &["eth.type", "eth.len", "eth.invalid_lentype"], Form::Number),
    meaning("tags", "priority", &["vlan.priority", "ieee8021ad.priority"], Form::Number),
    meaning("tags", "drop_eligible", &["vlan.dei", "ieee8021ad.dei"], Form::Number),
    meaning("tags", "vlan", &["vlan.id", "ieee8021ad.id"], Form::Number),
    meaning("tags", "type_or_length", &["vlan.etype", "vlan.len", "ieee8021ah.etype"], Form::Number),
    meaning("snap", "dsap", &["llc.dsap"], Form::Number),
    meaning("snap", "ssap", &["llc.ssap"], Form::Number),
    meaning("snap", "control", &["llc.control"], Form::Octets),
    meaning("snap", "organization", &["llc.oui"], Form::Number),
    meaning("snap", "ether_type", &["llc.type", "llc.cisco_pid", "llc.pid"], Form::Number),
    meaning("llc", "dsap", &["llc.dsap"], Form::Number),
    meaning("llc", "ssap", &["llc.ssap"], Form::Number),
    // Two octets have no order in which they are a number: tshark takes the first for the lower.
    meaning("llc", "control", &["llc.control"], Form::Octets),
    meaning("arp", "hardware_type", &["arp.hw.type"], Form::Number),
    meaning("arp", "protocol_type", &["arp.proto.type"], Form::Number),
    meaning("arp", "hardware_length", &["arp.hw.size"], Form::Number),
    meaning("arp", "protocol_length", &["arp.proto.size"], Form::Number),
    meaning("arp", "operation", &["arp.opcode"], Form::Number),
    meaning("arp", "sender_hardware_address", &["arp.src.hw_mac", "arp.src.hw"], Form::Shown),
    meaning("arp", "sender_protocol_address", &["arp.src.proto_ipv4", "arp.src.proto"], Form::Shown),
    meaning("arp", "target_hardware_address", &["arp.dst.hw_mac", "arp.dst.hw"], Form::Shown),
    meaning("arp", "target_protocol_address", &["arp.dst.proto_ipv4", "arp.dst.proto"], Form::Shown),
    meaning("ipv4", "version", &["ip.version"], Form::Number),
    meaning("ipv4", "header_length", &["ip.hdr_len"], Form::Units(4)),
    meaning("ipv4", "type_of_service", &["ip.dsfield"], Form::Number),
    meaning("ipv4", "total_length", &["ip.len"], Form::Number),
    meaning("ipv4", "identification", &["ip.id"], Form::Number),
    meaning("ipv4", "reserved", &["ip.flags.rb"], Form::Number),
    meaning("ipv4", "dont_fragment", &["ip.flags.df"], Form::Number),
    meaning("ipv4", "more_fragments", &["ip.flags.mf"], Form::Number),
    meaning("ipv4", "fragment_offset", &["ip.frag_offset"], Form::Octets),
    meaning("ipv4", "time_to_live", &["ip.ttl"], Form::Number),
    meaning("ipv4", "protocol", &["ip.proto"], Form::Number),
    meaning("ipv4", "checksum", &["ip.checksum"], Form::Number),
    meaning("ipv4", "verdict", &["ip.checksum.status"], Form::Verdict),
    meaning("ipv4", "source", &["ip.src"], Form::Shown),
    meaning("ipv4", "destination", &["ip.dst"], Form::Shown),
    // Mere text, with the octets of all options.
    meaning("ipv4", "options", &[""], Form::Raw),
    meaning("icmp", "type", &["icmp.type"], Form::Number),
    meaning("icmp", "code", &["icmp.code"], Form::Number),
    meaning("icmp", "checksum", &["icmp.checksum"], Form::Number),
    meaning("icmp", "verdict", &["icmp.checksum.status"], Form::Verdict),
    meaning("icmp", "identifier", &["icmp.ident"], Form::Number),
    meaning("icmp", "sequence", &["icmp.seq"], Form::Number),
    meaning("icmp", "originate", &["icmp.originate_timestamp"], Form::Octets),
    meaning("icmp", "receive", &["icmp.receive_timestamp"], Form::Octets),
    meaning("icmp", "transmit", &["icmp.transmit_timestamp"], Form::Octets),
    meaning("icmp", "address_mask", &["icmp.address_mask"], Form::Shown),
    // With an MTU and with a pointer, what stands beside them.
    meaning("icmp", "unused", &["icmp.unused"], Form::Octets),
    meaning("icmp", "next_hop_mtu", &["icmp.mtu"], Form::Number),
    meaning("icmp", "gateway", &["icmp.redir_gw"], Form::Shown),
    meaning("icmp", "pointer", &["icmp.pointer"], Form::Number),
    meaning("icmp", "rest", &["icmp.unused"], Form::Octets),
    meaning("udp", "source_port", &["udp.srcport"], Form::Number),
    meaning("udp", "destination_port", &["udp.dstport"], Form::Number),
    meaning("udp", "length", &["udp.length"], Form::Number),
    meaning("udp", "checksum", &["udp.checksum"], Form::Number),
    meaning("tcp", "source_port", &["tcp.srcport"], Form::Number),
    meaning("tcp", "destination_port", &["tcp.dstport"], Form::Number),
    meaning("tcp", "sequence", &["tcp.seq_raw", "tcp.seq"], Form::Number),
    meaning("tcp", "acknowledgment", &["tcp.ack_raw", "tcp.ack"], Form::Number),
    meaning("tcp", "data_offset", &["tcp.hdr_len"], Form::Units(4)),
    meaning("tcp", "reserved", &["tcp.flags"], Form::Bits(8, 0xf)),
    meaning("tcp", "flags", &["tcp.flags"], Form::Bits(0, 0xff)),
    meaning("tcp", "window", &["tcp.window_size_value"], Form::Number),
    meaning("tcp", "checksum", &["tcp.checksum"], Form::Number),
    meaning("tcp", "urgent_pointer", &["tcp.urgent_pointer"], Form::Number),
];

const fn meaning(
    header: &'static str,
    field: &'static str,
    theirs: &'static [&'static str],
    form: Form,
) -> Meaning {
    Meaning { header, field, theirs, form }
}

impl Meaning {
    /// tshark's field in one of its protocols.
    pub(crate) fn find<'a>(&self, protocol: &'a Protocol) -> Option<&'a Field> {
        let is_it = |field: &&Field, name: &str| {
            field.name == name && (!name.is_empty() || field.position == protocol.position + FIXED_IPV4)
        };
        let named = |name: &&str| protocol.fields.iter().find(|field| is_it(field, name));
        self.theirs.iter().find_map(named)
    }

    /// Whether tshark's value says that nothing is known: a direction of 0 (pcapng 4.3.1).
    pub(crate) fn is_unknown(&self, field: &Field) -> bool {
        matches!(self.form, Form::Direction)
            && field.show.trim_start_matches("0x").bytes().all(|digit| digit == b'0')
    }

    /// What tshark says, as we say it. What cannot be read so stands as it is.
    pub(crate) fn read(&self, field: &Field) -> String {
        self.form.read(field).unwrap_or_else(|| field.show.clone())
    }
}

impl Form {
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
            Self::Octets => u64::from_str_radix(&field.value, 16).ok().map(|number| number.to_string()),
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
