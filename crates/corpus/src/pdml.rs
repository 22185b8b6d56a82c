//! Parser of tshark's PDML output. A field has a name, a value and a position in the frame.

use std::io::{self, BufRead};

/// A frame as tshark prints it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PdmlPacket {
    /// The protocols in tshark's order, outer before inner.
    pub(crate) protocols: Vec<PdmlProtocol>,
}

/// A protocol in a frame, mostly a header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PdmlProtocol {
    pub(crate) name: String,
    /// Offset in the frame, in bytes.
    pub(crate) position: usize,
    /// Length in bytes.
    pub(crate) size: usize,
    pub(crate) fields: Vec<Field>,
}

/// A field of a protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field {
    /// Name of the field, or an empty text for plain text.
    pub(crate) name: String,
    /// Offset in the frame, in bytes.
    pub(crate) position: usize,
    /// Length in bytes, or 0 for a field that tshark computes.
    pub(crate) size: usize,
    /// The value as tshark displays it.
    pub(crate) show: String,
    /// The bytes of the field in hexadecimal digits, or the bits of a bit field.
    pub(crate) value: String,
    /// Whether the field is a direct child of the protocol, not part of another field.
    pub(crate) is_direct: bool,
    /// Whether tshark hides the field.
    pub(crate) is_hidden: bool,
}

impl PdmlPacket {
    /// Returns the frame number.
    pub(crate) fn number(&self) -> Option<u64> {
        self.about("frame.number")?.parse().ok()
    }

    /// Returns whether the link type is Ethernet, or not shown.
    pub(crate) fn is_ethernet(&self) -> bool {
        self.about("frame.encap_type").is_none_or(|link_type| link_type == "1")
    }

    fn about(&self, name: &str) -> Option<&str> {
        let fields =
            self.protocols.iter().filter(|protocol| protocol.name == "frame").flat_map(|frame| &frame.fields);
        fields.into_iter().find(|field| field.name == name).map(|field| field.show.as_str())
    }
}

/// Reader of the frames of a capture.
pub(crate) struct PdmlReader<R> {
    from: R,
}

impl<R: BufRead> PdmlReader<R> {
    pub(crate) fn new(from: R) -> PdmlReader<R> {
        PdmlReader { from }
    }

    /// Returns the next frame, or `None` at the end.
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

    /// Returns the next tag without its angle brackets. tshark escapes angle brackets within a tag.
    fn tag(&mut self) -> io::Result<Option<Tag>> {
        let mut bytes = Vec::new();
        self.from.read_until(b'>', &mut bytes)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let tag = text.strip_suffix('>').and_then(|text| text.split_once('<'));
        Ok(tag.map(|(_, tag)| Tag(tag.to_owned())))
    }
}

/// An element that is open while its children are read.
enum Open {
    PdmlProtocol(usize),
    Field,
}

/// Returns the index of the innermost open protocol, which contains the next field.
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

/// Returns a value without XML escapes.
fn plain(value: &str) -> String {
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&amp;", "&")];
    if !value.contains('&') {
        return value.to_owned();
    }
    pairs.iter().fold(value.to_owned(), |text, (written, meant)| text.replace(written, meant))
}

#[cfg(test)]
mod tests;
