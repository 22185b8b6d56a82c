//! What tshark says of a capture, as PDML: every field with its name, its value, and where in the frame it
//! stands.

use std::io::{self, BufRead};

/// What tshark shows of one frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PdmlPacket {
    /// In tshark's order: what carries something stands before what it carries.
    pub(crate) protocols: Vec<PdmlProtocol>,
}

/// One protocol in a frame, mostly a header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PdmlProtocol {
    pub(crate) name: String,
    /// Where in the frame it starts, in octets.
    pub(crate) position: usize,
    /// How many octets it has.
    pub(crate) size: usize,
    pub(crate) fields: Vec<Field>,
}

/// One field of a protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field {
    /// Empty for mere text.
    pub(crate) name: String,
    pub(crate) position: usize,
    /// None for what tshark worked out.
    pub(crate) size: usize,
    /// Its value for people.
    pub(crate) show: String,
    /// Its octets in hexadecimal digits, or the bits of it that are its own.
    pub(crate) value: String,
    /// Whether it stands in the protocol itself, and is no part of another field.
    pub(crate) is_direct: bool,
    /// Whether tshark keeps it from people's eyes.
    pub(crate) is_hidden: bool,
}

impl PdmlPacket {
    /// Its place in the capture.
    pub(crate) fn number(&self) -> Option<u64> {
        self.about("frame.number")?.parse().ok()
    }

    /// Whether its interface's link type is Ethernet; so it is if tshark does not say.
    pub(crate) fn is_ethernet(&self) -> bool {
        self.about("frame.encap_type").is_none_or(|link_type| link_type == "1")
    }

    fn about(&self, name: &str) -> Option<&str> {
        let fields =
            self.protocols.iter().filter(|protocol| protocol.name == "frame").flat_map(|frame| &frame.fields);
        fields.into_iter().find(|field| field.name == name).map(|field| field.show.as_str())
    }
}

/// The frames of a capture, one after the other.
pub(crate) struct PdmlReader<R> {
    from: R,
}

impl<R: BufRead> PdmlReader<R> {
    pub(crate) fn new(from: R) -> PdmlReader<R> {
        PdmlReader { from }
    }

    /// The next frame, until there is none.
    pub(crate) fn next(&mut self) -> io::Result<Option<PdmlPacket>> {
        let mut packet = PdmlPacket::default();
        let mut open: Vec<Open> = Vec::new();
        loop {
            let Some(tag) = self.tag()? else { return Ok(None) };
            match tag.kind() {
                "packet" => packet = PdmlPacket::default(),
                "/packet" => return Ok(Some(packet)),
                "proto" => {
                    let protocol = PdmlProtocol {
                        name: tag.attribute("name"),
                        position: tag.number("pos"),
                        size: tag.number("size"),
                        fields: Vec::new(),
                    };
                    packet.protocols.push(protocol);
                    if !tag.is_empty() {
                        open.push(Open::PdmlProtocol(packet.protocols.len() - 1));
                    }
                }
                "field" => {
                    if let Some(protocol) = innermost(&open).and_then(|index| packet.protocols.get_mut(index))
                    {
                        protocol.fields.push(tag.field(matches!(open.last(), Some(Open::PdmlProtocol(_)))));
                    }
                    if !tag.is_empty() {
                        open.push(Open::Field);
                    }
                }
                "/proto" | "/field" => drop(open.pop()),
                _ => {}
            }
        }
    }

    /// The next tag without its brackets; within one, tshark writes them otherwise.
    fn tag(&mut self) -> io::Result<Option<Tag>> {
        let mut bytes = Vec::new();
        self.from.read_until(b'>', &mut bytes)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let tag = text.strip_suffix('>').and_then(|text| text.split_once('<'));
        Ok(tag.map(|(_, tag)| Tag(tag.to_owned())))
    }
}

/// What is not closed yet.
enum Open {
    PdmlProtocol(usize),
    Field,
}

/// The protocol whose field comes next.
fn innermost(open: &[Open]) -> Option<usize> {
    open.iter().rev().find_map(|open| if let Open::PdmlProtocol(index) = open { Some(*index) } else { None })
}

struct Tag(String);

impl Tag {
    fn kind(&self) -> &str {
        self.0.split([' ', '\n']).next().unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        self.0.ends_with('/')
    }

    fn attribute(&self, name: &str) -> String {
        let found = self.0.split_once(&format!(" {name}=\"")).and_then(|(_, rest)| rest.split_once('"'));
        found.map_or(String::new(), |(value, _)| plain(value))
    }

    fn number(&self, name: &str) -> usize {
        self.attribute(name).parse().unwrap_or_default()
    }

    fn field(&self, is_direct: bool) -> Field {
        Field {
            name: self.attribute("name"),
            position: self.number("pos"),
            size: self.number("size"),
            show: self.attribute("show"),
            value: self.attribute("value"),
            is_direct,
            is_hidden: self.attribute("hide") == "yes",
        }
    }
}

/// A value as it was before it was written in XML.
fn plain(value: &str) -> String {
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&amp;", "&")];
    if !value.contains('&') {
        return value.to_owned();
    }
    pairs.iter().fold(value.to_owned(), |text, (written, meant)| text.replace(written, meant))
}

#[cfg(test)]
mod tests;
