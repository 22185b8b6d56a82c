//! Compares one frame as decoded by tapstack and by tshark.

use serde::Serialize;

use super::decoded::{DecodedHeader, Frame};
use super::fields::{FRAME_FIELDS, FieldMapping, HEADER_FIELDS, PROTOCOLS};
use super::pdml::{Field, PdmlPacket, PdmlProtocol};

/// A compared value.
#[derive(Clone, Debug)]
pub(crate) struct ComparedValue<'a> {
    pub(crate) frame: &'a Frame,
    pub(crate) packet: &'a PdmlPacket,
    /// tapstack's name of the header.
    pub(crate) header: &'a str,
    /// tapstack's name of the field, or tshark's name if tapstack has no such field.
    pub(crate) field: &'a str,
    pub(crate) tapstack: Option<String>,
    pub(crate) reference: Option<String>,
    /// Index of the header among tshark's protocols.
    pub(crate) place: Option<usize>,
    /// The field of tshark, if tshark shows the field.
    pub(crate) item: Option<&'a Field>,
    /// The header of tapstack, if tapstack decodes the header.
    pub(crate) of: Option<&'a DecodedHeader>,
}

/// A difference that no rule explains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    pub(crate) frame: u64,
    /// The names of the header and the field, separated by a dot.
    pub(crate) field: String,
    pub(crate) tapstack: Option<String>,
    pub(crate) reference: Option<String>,
}

/// The pseudo protocols of tshark with facts about a frame.
const FRAME_PROTOCOLS: [&str; 2] = ["frame", "pkt_comment"];

/// Passes every value of a frame that tapstack or tshark shows to `report_value`.
pub(crate) fn compare<'a>(
    frame: &'a Frame,
    packet: &'a PdmlPacket,
    report_value: &mut impl FnMut(ComparedValue<'a>),
) {
    compare_facts(frame, packet, report_value);
    let mut is_taken = vec![false; packet.protocols.len()];
    for header in &frame.headers {
        let place = packet.protocols.iter().enumerate().position(|(place, protocol)| {
            protocol.position == header.offset
                && is_called(&header.name, &protocol.name)
                && is_taken.get(place) == Some(&false)
        });
        if let Some(taken) = place.and_then(|place| is_taken.get_mut(place)) {
            *taken = true;
        }
        compare_header(&FramePair { frame, packet, place }, header, report_value);
    }
    for (place, protocol) in packet.protocols.iter().enumerate() {
        if is_taken.get(place) == Some(&false) {
            show_reference(&FramePair { frame, packet, place: Some(place) }, protocol, report_value);
        }
    }
}

/// Returns tapstack's name for a protocol of tshark, or `None` if tapstack does not parse the protocol.
pub(crate) fn our_name(protocol: &str) -> Option<&'static str> {
    PROTOCOLS.iter().find(|(_, reference)| reference.contains(&protocol)).map(|(tapstack, _)| *tapstack)
}

/// A frame and the current header of tshark.
struct FramePair<'a> {
    frame: &'a Frame,
    packet: &'a PdmlPacket,
    place: Option<usize>,
}

impl<'a> FramePair<'a> {
    fn compared(&self, header: &'a str, field: &'a str) -> ComparedValue<'a> {
        let FramePair { frame, packet, place } = *self;
        ComparedValue {
            frame,
            packet,
            header,
            field,
            tapstack: None,
            reference: None,
            place,
            item: None,
            of: None,
        }
    }
}

fn is_called(tapstack: &str, reference: &str) -> bool {
    PROTOCOLS.iter().any(|(name, names)| *name == tapstack && names.contains(&reference))
}

fn compare_facts<'a>(
    frame: &'a Frame,
    packet: &'a PdmlPacket,
    report_value: &mut impl FnMut(ComparedValue<'a>),
) {
    let pair = FramePair { frame, packet, place: None };
    let about =
        || packet.protocols.iter().filter(|protocol| FRAME_PROTOCOLS.contains(&protocol.name.as_str()));
    for mapping in &FRAME_FIELDS {
        let item = about().find_map(|protocol| mapping.find(protocol));
        let tapstack = frame.facts.iter().find(|(name, _)| name == mapping.field);
        let tapstack = tapstack.map(|(_, value)| value.clone());
        let reference = item.filter(|item| !mapping.is_unknown(item)).map(|item| mapping.read(item));
        if tapstack.is_some() || reference.is_some() {
            report_value(ComparedValue {
                tapstack,
                reference,
                item,
                ..pair.compared(mapping.header, mapping.field)
            });
        }
    }
}

fn compare_header<'a>(
    pair: &FramePair<'a>,
    header: &'a DecodedHeader,
    report_value: &mut impl FnMut(ComparedValue<'a>),
) {
    let protocol = pair.place.and_then(|place| pair.packet.protocols.get(place));
    let mut known: Vec<&Field> = Vec::new();
    let verdict = verdict(pair.frame, header).map(|verdict| ("verdict", verdict));
    let fields = header.fields.iter().map(|(name, value)| (name.as_str(), value.clone()));
    for (field, tapstack) in fields.chain(verdict) {
        let mapping =
            HEADER_FIELDS.iter().find(|mapping| mapping.header == header.name && mapping.field == field);
        let item = mapping.zip(protocol).and_then(|(mapping, protocol)| mapping.find(protocol));
        known.extend(item);
        let reference = mapping.zip(item).map(|(mapping, item)| mapping.read(item));
        // tshark shows no options field for a header without options.
        let reference = reference.or_else(|| (field == "options" && protocol.is_some()).then(String::new));
        let tapstack = Some(tapstack);
        report_value(ComparedValue {
            tapstack,
            reference,
            item,
            of: Some(header),
            ..pair.compared(&header.name, field)
        });
    }
    for item in protocol.into_iter().flat_map(|protocol| shown(protocol, &known)) {
        report_value(ComparedValue {
            reference: Some(read(item)),
            item: Some(item),
            of: Some(header),
            ..pair.compared(&header.name, &item.name)
        });
    }
}

/// Returns tapstack's verdict on a checksum, or `None` in a quoted datagram. The checksums of incomplete messages are
/// not verified.
fn verdict(frame: &Frame, header: &DecodedHeader) -> Option<String> {
    let is_judged = ["ipv4", "icmp"].contains(&header.name.as_str()) && !header.is_quoted;
    header.field("checksum").filter(|_| is_judged)?;
    let verdict = match header.name.as_str() {
        name if frame.has_fault(name, "checksum") => "bad",
        "ipv4"
            if frame
                .number_of("ipv4", "header_length")
                .is_some_and(|words| frame.holds("ipv4", words * 4)) =>
        {
            "good"
        }
        // An ICMP message has at least eight bytes, which give more than three fields.
        "icmp" if frame.has_whole_datagram() && header.fields.len() > 3 => "good",
        _ => "not verified",
    };
    Some(verdict.to_owned())
}

/// Passes the values of a header that only tshark shows to `report_value`.
fn show_reference<'a>(
    pair: &FramePair<'a>,
    protocol: &'a PdmlProtocol,
    report_value: &mut impl FnMut(ComparedValue<'a>),
) {
    let Some(header) = our_name(&protocol.name) else { return };
    for item in shown(protocol, &[]) {
        report_value(ComparedValue {
            reference: Some(read(item)),
            item: Some(item),
            ..pair.compared(header, &item.name)
        });
    }
}

/// Returns the fields of tshark in a header, except known fields and fields of the same bytes. For UDP and TCP, returns
/// only fields that correspond to fields of tapstack.
fn shown<'a>(protocol: &'a PdmlProtocol, known: &[&Field]) -> impl Iterator<Item = &'a Field> {
    let is_known: Vec<bool> = protocol.fields.iter().map(|field| covers(known, field)).collect();
    let is_tapstack = ["udp", "tcp"].contains(&protocol.name.as_str());
    protocol.fields.iter().zip(is_known).filter_map(move |(field, is_known)| {
        let is_field = field.is_direct && !field.is_hidden && field.size > 0 && !field.name.is_empty();
        (is_field && !is_known && (!is_tapstack || mapping_of(field).is_some())).then_some(field)
    })
}

/// Returns whether the known fields cover every byte of a field.
fn covers(known: &[&Field], field: &Field) -> bool {
    (field.position..field.position + field.size)
        .all(|byte| known.iter().any(|one| (one.position..one.position + one.size).contains(&byte)))
}

fn mapping_of(field: &Field) -> Option<&'static FieldMapping> {
    HEADER_FIELDS.iter().find(|mapping| mapping.reference.contains(&field.name.as_str()))
}

fn read(field: &Field) -> String {
    mapping_of(field).map_or_else(|| field.show.clone(), |mapping| mapping.read(field))
}

impl Difference {
    pub(crate) fn of(compared: &ComparedValue<'_>) -> Difference {
        Difference {
            frame: compared.frame.number,
            field: format!("{}.{}", compared.header, compared.field),
            tapstack: compared.tapstack.clone(),
            reference: compared.reference.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
