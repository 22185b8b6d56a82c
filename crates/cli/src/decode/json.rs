//! A frame as a JSON object, described in `docs/json.md`.

use std::fmt::{self, Write};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::headers::{Header, Headers, Value, headers};
use super::layout;
use super::standard::requirement;
use crate::capture::Record;
use crate::describe::fault::{By, Fault};
use crate::report::Direction;

/// Writes a line with the object of a frame.
pub(super) fn write(line: &mut String, record: &Record<'_>, faults: &[Fault]) -> fmt::Result {
    let object = serde_json::to_string(&Object { record, faults }).map_err(|_| fmt::Error)?;
    if record.comments.iter().any(|comment| comment.contains(char::is_control)) {
        write_escaped(line, &object)?;
    } else {
        line.push_str(&object);
    }
    line.push('\n');
    Ok(())
}

/// Writes JSON without the control characters that it may hold as they are and a terminal may obey.
fn write_escaped(line: &mut String, json: &str) -> fmt::Result {
    for letter in json.chars() {
        if letter.is_control() {
            // They are all below U+00A0.
            write!(line, "\\u{:04x}", u32::from(letter))?;
        } else {
            line.push(letter);
        }
    }
    Ok(())
}

struct Object<'a> {
    record: &'a Record<'a>,
    faults: &'a [Fault],
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Record { number, time, length, captured, octets, direction, comments } = self.record;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("number", number)?;
        map.serialize_entry("time", time)?;
        map.serialize_entry("length", length)?;
        map.serialize_entry("captured", captured)?;
        map.serialize_entry("direction", &direction.map(Direction::name))?;
        map.serialize_entry("comment", &comments.first())?;
        map.serialize_entry("comments", comments)?;
        let Headers { headers, more_tags } = headers(octets);
        let tags: Vec<_> = headers.iter().filter(|header| is_tag(header)).map(Fields).collect();
        for header in headers.iter().filter(|header| !is_tag(header) && !header.is_quoted) {
            map.serialize_entry(header.layout.name, &Fields(header))?;
            if header.offset == 0 {
                map.serialize_entry("tags", &tags)?;
                map.serialize_entry("more_tags", &more_tags)?;
            }
        }
        if headers.iter().any(|header| header.is_quoted) {
            map.serialize_entry("quoted", &Quoted(&headers))?;
        }
        let (warnings, faults): (Vec<_>, Vec<_>) =
            self.faults.iter().map(Told).partition(|Told(fault)| fault.is_warning);
        map.serialize_entry("faults", &faults)?;
        map.serialize_entry("warnings", &warnings)?;
        map.end()
    }
}

fn is_tag(header: &Header<'_>) -> bool {
    header.layout.name == layout::TAG.name
}

/// The headers of the datagram that an ICMP error is about.
struct Quoted<'a>(&'a [Header<'a>]);

impl Serialize for Quoted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let quoted = self.0.iter().filter(|header| header.is_quoted);
        serializer.collect_map(quoted.map(|header| (header.layout.name, Fields(header))))
    }
}

/// The fields of a header.
struct Fields<'a>(&'a Header<'a>);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Fields(header) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("offset", &header.offset)?;
        for (field, value) in header.values() {
            match value {
                Value::Number(number) => map.serialize_entry(field.name, &number)?,
                Value::Flag(flag) => map.serialize_entry(field.name, &flag)?,
                Value::HardwareAddress(address) => map.serialize_entry(field.name, &address.to_string())?,
                Value::ProtocolAddress(address) => map.serialize_entry(field.name, &address)?,
            }
        }
        for (name, address) in header.addresses() {
            map.serialize_entry(name, &address)?;
        }
        if let Some(options) = header.options() {
            map.serialize_entry("options", &hex(options, ""))?;
        }
        map.end()
    }
}

/// A fault, and who says that it is one.
struct Told<'a>(&'a Fault);

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Told(fault) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("header", fault.layer)?;
        map.serialize_entry("field", &fault.field)?;
        map.serialize_entry("fault", &fault.sentence())?;
        let (id, standard, sentence) = match fault.by {
            By::Requirement(id) => {
                let asked = requirement(id);
                (
                    Some(id),
                    asked.as_ref().map(|asked| asked.standard.clone()),
                    asked.map(|asked| asked.sentence),
                )
            }
            By::Standard(standard, sentence) => (None, Some(standard.to_owned()), Some(sentence.to_owned())),
        };
        map.serialize_entry("requirement", &id)?;
        map.serialize_entry("standard", &standard)?;
        map.serialize_entry("sentence", &sentence)?;
        map.end()
    }
}

/// Octets in hexadecimal digits, with something between them.
pub(super) fn hex(octets: &[u8], between: &str) -> String {
    octets.iter().enumerate().fold(String::new(), |mut text, (place, octet)| {
        let before = if place == 0 { "" } else { between };
        // Writing to a String does not fail.
        let _ = write!(text, "{before}{octet:02x}");
        text
    })
}
