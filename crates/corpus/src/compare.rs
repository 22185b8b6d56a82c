//! One frame, as we and as tshark see it.

use super::meaning::{FIELDS, FRAME, Meaning, PROTOCOLS};
use super::ours::{Frame, Header};
use super::pdml::{Field, Packet, Protocol};

/// One value that was compared.
#[derive(Clone, Debug)]
pub(crate) struct Compared<'a> {
    pub(crate) frame: &'a Frame,
    pub(crate) packet: &'a Packet,
    /// The header by our name.
    pub(crate) header: &'a str,
    /// The field by our name, or by tshark's if we have none.
    pub(crate) field: &'a str,
    pub(crate) ours: Option<String>,
    pub(crate) theirs: Option<String>,
    /// Where tshark has the header: the place among its protocols.
    pub(crate) place: Option<usize>,
    /// tshark's field.
    pub(crate) item: Option<&'a Field>,
    /// Our header.
    pub(crate) of: Option<&'a Header>,
}

/// What carries the facts about a frame that are not in it.
const ABOUT: [&str; 2] = ["frame", "pkt_comment"];

/// Shows every value of a frame that either side has.
pub(crate) fn compare<'a>(frame: &'a Frame, packet: &'a Packet, tell: &mut impl FnMut(Compared<'a>)) {
    compare_facts(frame, packet, tell);
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
        compare_header(&Sides { frame, packet, place }, header, tell);
    }
    for (place, protocol) in packet.protocols.iter().enumerate() {
        if is_taken.get(place) == Some(&false) {
            show_theirs(&Sides { frame, packet, place: Some(place) }, protocol, tell);
        }
    }
}

/// Our name for one of tshark's protocols, if we read it.
pub(crate) fn our_name(protocol: &str) -> Option<&'static str> {
    PROTOCOLS.iter().find(|(_, theirs)| theirs.contains(&protocol)).map(|(ours, _)| *ours)
}

/// A frame, and which of tshark's headers is looked at.
struct Sides<'a> {
    frame: &'a Frame,
    packet: &'a Packet,
    place: Option<usize>,
}

impl<'a> Sides<'a> {
    fn compared(&self, header: &'a str, field: &'a str) -> Compared<'a> {
        let Sides { frame, packet, place } = *self;
        Compared { frame, packet, header, field, ours: None, theirs: None, place, item: None, of: None }
    }
}

fn is_called(ours: &str, theirs: &str) -> bool {
    PROTOCOLS.iter().any(|(name, names)| *name == ours && names.contains(&theirs))
}

fn compare_facts<'a>(frame: &'a Frame, packet: &'a Packet, tell: &mut impl FnMut(Compared<'a>)) {
    let sides = Sides { frame, packet, place: None };
    let about = || packet.protocols.iter().filter(|protocol| ABOUT.contains(&protocol.name.as_str()));
    for meaning in &FRAME {
        let item = about().find_map(|protocol| meaning.find(protocol));
        let ours = frame.facts.iter().find(|(name, _)| name == meaning.field);
        let ours = ours.map(|(_, value)| value.clone());
        let theirs = item.filter(|item| !meaning.is_unknown(item)).map(|item| meaning.read(item));
        if ours.is_some() || theirs.is_some() {
            tell(Compared { ours, theirs, item, ..sides.compared(meaning.header, meaning.field) });
        }
    }
}

fn compare_header<'a>(sides: &Sides<'a>, header: &'a Header, tell: &mut impl FnMut(Compared<'a>)) {
    let protocol = sides.place.and_then(|place| sides.packet.protocols.get(place));
    let mut known: Vec<&Field> = Vec::new();
    let verdict = verdict(sides.frame, header).map(|verdict| ("verdict", verdict));
    let fields = header.fields.iter().map(|(name, value)| (name.as_str(), value.clone()));
    for (field, ours) in fields.chain(verdict) {
        let meaning = FIELDS.iter().find(|meaning| meaning.header == header.name && meaning.field == field);
        let item = meaning.zip(protocol).and_then(|(meaning, protocol)| meaning.find(protocol));
        known.extend(item);
        let theirs = meaning.zip(item).map(|(meaning, item)| meaning.read(item));
        // tshark does not show options where there are none.
        let theirs = theirs.or_else(|| (field == "options" && protocol.is_some()).then(String::new));
        let ours = Some(ours);
        tell(Compared { ours, theirs, item, of: Some(header), ..sides.compared(&header.name, field) });
    }
    for item in protocol.into_iter().flat_map(|protocol| shown(protocol, &known)) {
        tell(Compared {
            theirs: Some(read(item)),
            item: Some(item),
            of: Some(header),
            ..sides.compared(&header.name, &item.name)
        });
    }
}

/// What we make of a checksum; nothing of one in a datagram that is quoted. What is not all here is not judged.
fn verdict(frame: &Frame, header: &Header) -> Option<String> {
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
        // A message of less than eight octets is none.
        "icmp" if frame.has_whole_datagram() && header.fields.len() > 3 => "good",
        _ => "not verified",
    };
    Some(verdict.to_owned())
}

/// A header that tshark alone has.
fn show_theirs<'a>(sides: &Sides<'a>, protocol: &'a Protocol, tell: &mut impl FnMut(Compared<'a>)) {
    let Some(header) = our_name(&protocol.name) else { return };
    for item in shown(protocol, &[]) {
        tell(Compared { theirs: Some(read(item)), item: Some(item), ..sides.compared(header, &item.name) });
    }
}

/// tshark's fields in a header but for those that are known, and that stand on the same octets. Of UDP and
/// TCP only what stands in every header.
fn shown<'a>(protocol: &'a Protocol, known: &[&Field]) -> impl Iterator<Item = &'a Field> {
    let is_known: Vec<bool> = protocol.fields.iter().map(|field| covers(known, field)).collect();
    let is_ours = ["udp", "tcp"].contains(&protocol.name.as_str());
    protocol.fields.iter().zip(is_known).filter_map(move |(field, is_known)| {
        let is_field = field.is_direct && !field.is_hidden && field.size > 0 && !field.name.is_empty();
        (is_field && !is_known && (!is_ours || meaning_of(field).is_some())).then_some(field)
    })
}

/// Whether every octet of a field is in one of these.
fn covers(known: &[&Field], field: &Field) -> bool {
    (field.position..field.position + field.size)
        .all(|octet| known.iter().any(|one| (one.position..one.position + one.size).contains(&octet)))
}

fn meaning_of(field: &Field) -> Option<&'static Meaning> {
    FIELDS.iter().find(|meaning| meaning.theirs.contains(&field.name.as_str()))
}

fn read(field: &Field) -> String {
    meaning_of(field).map_or_else(|| field.show.clone(), |meaning| meaning.read(field))
}

#[cfg(test)]
mod tests;
