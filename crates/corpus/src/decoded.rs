//! Parser of the output of `tapstack decode --json`.

use serde_json::{Map, Value};

/// A decoded frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) number: u64,
    /// Names and values of the capture record, without null values.
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) headers: Vec<DecodedHeader>,
    /// Invalid fields: the header and the field, or `None` as field if the whole header is invalid.
    pub(crate) faults: Vec<(String, Option<String>)>,
}

/// A header of a frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DecodedHeader {
    pub(crate) name: String,
    /// Offset in the frame, in bytes.
    pub(crate) offset: usize,
    /// Names and values of the fields. Flags are 0 or 1.
    pub(crate) fields: Vec<(String, String)>,
    /// Whether the header is part of the datagram that an ICMP error quotes.
    pub(crate) is_quoted: bool,
}

impl Frame {
    /// Parses a line of JSON.
    pub(crate) fn parse(line: &str) -> Result<Frame, String> {
        let value: Value =
            serde_json::from_str(line).map_err(|error| format!("not JSON: {error}: {line}"))?;
        let object = value.as_object().ok_or_else(|| format!("not a JSON object: {line}"))?;
        let number = object.get("number").and_then(Value::as_u64).ok_or("frame without a number")?;
        let mut frame = Frame { number, ..Frame::default() };
        for (name, value) in object {
            match (name.as_str(), value) {
                ("quoted", Value::Object(quoted)) => frame.take_headers(quoted, true),
                ("faults", Value::Array(faults)) => frame.faults = faults.iter().map(place).collect(),
                (_, Value::Object(_) | Value::Array(_)) => {}
                (_, value) => frame.facts.extend(text(value).map(|text| (name.clone(), text))),
            }
        }
        frame.take_headers(object, false);
        frame.headers.sort_by_key(|header| header.offset);
        Ok(frame)
    }

    /// Returns the first header of this name outside of quoted datagrams: the outermost tag, if the name is `tags`.
    pub(crate) fn header(&self, name: &str) -> Option<&DecodedHeader> {
        self.headers.iter().find(|header| header.name == name && !header.is_quoted)
    }

    /// Returns the value of a field.
    pub(crate) fn field(&self, header: &str, field: &str) -> Option<&str> {
        self.header(header).and_then(|header| header.field(field))
    }

    /// Returns the value of a field as a number, or `None` if the value is not a number.
    pub(crate) fn number_of(&self, header: &str, field: &str) -> Option<usize> {
        self.field(header, field)?.parse().ok()
    }

    /// Returns the captured length, in bytes.
    pub(crate) fn captured(&self) -> usize {
        let captured = self.facts.iter().find(|(name, _)| name == "captured_bytes");
        captured.and_then(|(_, value)| value.parse().ok()).unwrap_or_default()
    }

    /// Returns whether the capture contains this number of bytes from the start of a header.
    pub(crate) fn holds(&self, header: &str, bytes: usize) -> bool {
        self.header(header).is_some_and(|header| header.offset + bytes <= self.captured())
    }

    /// Returns whether the datagram is complete in the capture and not a fragment.
    pub(crate) fn has_whole_datagram(&self) -> bool {
        let is_part = self.number_of("ipv4", "more_fragments") != Some(0)
            || self.number_of("ipv4", "fragment_offset") != Some(0);
        let total = self.number_of("ipv4", "total_length");
        !is_part && total.is_some_and(|total| self.holds("ipv4", total))
    }

    /// Returns whether a field of a header is invalid.
    pub(crate) fn has_fault(&self, header: &str, field: &str) -> bool {
        self.faults.iter().any(|(of, what)| of == header && what.as_deref() == Some(field))
    }

    fn take_headers(&mut self, object: &Map<String, Value>, is_quoted: bool) {
        for (name, value) in object.iter().filter(|(name, _)| !APART.contains(&name.as_str())) {
            let objects = match value {
                Value::Object(object) => vec![object],
                Value::Array(list) => list.iter().filter_map(Value::as_object).collect(),
                _ => Vec::new(),
            };
            self.headers.extend(objects.into_iter().map(|object| DecodedHeader::of(name, object, is_quoted)));
        }
    }
}

impl DecodedHeader {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    fn of(name: &str, object: &Map<String, Value>, is_quoted: bool) -> DecodedHeader {
        let offset = object.get("offset").and_then(Value::as_u64).unwrap_or_default();
        let fields = object.iter().filter(|(name, _)| *name != "offset");
        DecodedHeader {
            name: name.to_owned(),
            offset: usize::try_from(offset).unwrap_or(usize::MAX),
            fields: fields.filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect(),
            is_quoted,
        }
    }
}

/// Objects and lists that are not headers of the frame.
const APART: [&str; 3] = ["quoted", "faults", "warnings"];

fn place(fault: &Value) -> (String, Option<String>) {
    let word = |key| fault.get(key).and_then(Value::as_str).map(str::to_owned);
    (word("header").unwrap_or_default(), word("field"))
}

/// Returns a value as text for the comparison, or `None` for null.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(flag) => Some(u8::from(*flag).to_string()),
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
