//! A frame of a capture as a JSON object.

use std::borrow::Cow;
use std::fmt::{self, Write};

use capture::CapturedFrame;
use dissect::{Dissection, Field, FieldFormat, LAYOUTS, Layout, TAG_LIMIT};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tap::Instant;

use crate::json::{FrameDirection, SCHEMA, Time};

/// What the capture records about a frame.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct CaptureFields<'a> {
    /// Version of the format: 1.
    schema: u32,
    /// Number of the packet in the capture, from 1. Packets of other link types are counted too.
    number: u64,
    /// Date and time to the nanosecond (RFC 3339): local, or UTC with `--utc`; null if the capture has none.
    time: Option<Time>,
    /// The same time since 1970 in UTC, in nanoseconds.
    time_ns: Option<u64>,
    /// Length of the frame on the wire, in bytes.
    bytes: usize,
    /// Length of the frame in the capture, in bytes: less if the snap length truncated the frame.
    captured_bytes: usize,
    /// Direction of the frame; null if the capture does not record the direction.
    direction: Option<FrameDirection>,
    /// The first comment on the frame, such as the decision that `--pcap` writes; null if there is none.
    comment: Option<&'a str>,
    /// All comments on the frame, in order.
    comments: &'a [Cow<'a, str>],
}

/// What the capture records about a frame, then its headers and faults.
#[derive(Serialize)]
struct FrameObject<'a> {
    #[serde(flatten)]
    capture: CaptureFields<'a>,
    #[serde(flatten)]
    dissection: &'a Dissection<'a>,
}

/// Writes the object of a frame on one line.
pub(super) fn write(
    line: &mut String,
    frame: &CapturedFrame<'_>,
    dissection: &Dissection<'_>,
) -> fmt::Result {
    let capture = CaptureFields {
        schema: SCHEMA,
        number: frame.number,
        time: frame.time.map(Instant::from_nanos).map(Time),
        time_ns: frame.time,
        bytes: frame.length,
        captured_bytes: frame.captured,
        direction: frame.direction.map(FrameDirection::from),
        comment: frame.comments.first().map(Cow::as_ref),
        comments: &frame.comments,
    };
    let object = serde_json::to_string(&FrameObject { capture, dissection }).map_err(|_| fmt::Error)?;
    if frame.comments.iter().any(|comment| comment.contains(char::is_control)) {
        write_escaped(line, &object)?;
    } else {
        line.push_str(&object);
    }
    line.push('\n');
    Ok(())
}

/// Writes JSON and escapes control characters, which JSON allows but a terminal would interpret.
fn write_escaped(line: &mut String, json: &str) -> fmt::Result {
    for letter in json.chars() {
        if letter.is_control() {
            // All control characters are below U+00A0.
            write!(line, "\\u{:04x}", u32::from(letter))?;
        } else {
            line.push(letter);
        }
    }
    Ok(())
}

/// Adds the definitions of a frame and of its headers. The definitions of the headers come from the layouts.
pub(super) fn schema(generator: &mut SchemaGenerator) -> Schema {
    let mut frame = CaptureFields::json_schema(generator);
    frame.insert("description".to_owned(), DESCRIPTION.into());
    let headers: Vec<_> = LAYOUTS.chunk_by(|one, next| one.name == next.name).map(header_schema).collect();
    let reference = |name: &str| json!({"$ref": format!("#/$defs/{name}_header")});
    let list = |items: Value, text: &str| json!({"type": "array", "items": items, "description": text});
    let mut fields: Map<String, Value> =
        headers.iter().map(|(name, _)| ((*name).to_owned(), reference(name))).collect();
    let text = format!("VLAN tags, outermost first; at most {TAG_LIMIT}.");
    fields.insert("tags".to_owned(), list(reference("tags"), &text));
    let text = "Number of further VLAN tags.";
    fields.insert("more_tags".to_owned(), json!({"type": "integer", "minimum": 0, "description": text}));
    let quoted = ["ipv4", "icmp", "udp", "tcp"].map(|name| (name.to_owned(), reference(name)));
    let text = "Headers of the datagram that an ICMP error quotes.";
    let quoted = json!({"type": "object", "properties": Map::from_iter(quoted), "description": text});
    fields.insert("quoted".to_owned(), quoted);
    let text = "Faults of the frame; empty if the frame is valid.";
    fields.insert("faults".to_owned(), list(json!({"$ref": "#/$defs/fault"}), text));
    let text = "Warnings about the frame: a sender MAC address that is not the source of the frame.";
    fields.insert("warnings".to_owned(), list(json!({"$ref": "#/$defs/fault"}), text));
    if let Some(properties) = frame.get_mut("properties").and_then(Value::as_object_mut) {
        properties.extend(fields);
    }
    if let Some(required) = frame.get_mut("required").and_then(Value::as_array_mut) {
        required.extend(["faults", "warnings"].map(Value::from));
    }
    let definitions = generator.definitions_mut();
    definitions.extend(headers.into_iter().map(|(name, schema)| (format!("{name}_header"), schema)));
    definitions.insert("fault".to_owned(), fault_schema());
    definitions.insert("decode".to_owned(), frame.into());
    json_schema!({"$ref": "#/$defs/decode"})
}

const DESCRIPTION: &str = "\
`tapstack decode --json`

Prints one object for each frame, without an `event`.
Each header of the frame is an object: `ethernet`, `arp`, `ipv4` and so on.
A header that the frame does not have is left out, and so are fields behind the end of the frame.
Numbers are as they stand in the frame: `header_length` counts 32-bit words, and `fragment_offset` units of 8 bytes.";

/// Returns the name of a header and its schema: all fields of its layouts.
fn header_schema(layouts: &[&'static Layout]) -> (&'static str, Value) {
    let mut fields = Map::new();
    fields.insert(
        "offset".to_owned(),
        json!({"type": "integer", "minimum": 0, "description": "Offset of the header in the frame, in bytes."}),
    );
    for field in layouts.iter().flat_map(|layout| layout.fields) {
        // The wider of two fields with the same name.
        let schema = field_schema(field);
        let maximum = |schema: &Value| schema.get("maximum").and_then(Value::as_u64);
        if fields.get(field.name).is_none_or(|known| maximum(known) < maximum(&schema)) {
            fields.insert(field.name.to_owned(), schema);
        }
    }
    let (name, title) = layouts.first().map(|layout| (layout.name, layout.title)).unwrap_or_default();
    if ["ipv4", "tcp"].contains(&name) {
        let text = "Options, in hexadecimal digits; empty without options.";
        fields.insert("options".to_owned(), json!({"type": "string", "description": text}));
    }
    let mut standards: Vec<_> = layouts.iter().map(|layout| layout.standard).collect();
    standards.dedup();
    let description = format!("{title} ({}).", standards.join("; "));
    (
        name,
        json!({"type": "object", "description": description, "properties": fields, "required": ["offset"]}),
    )
}

fn field_schema(field: &Field) -> Value {
    let mut schema = match field.format {
        FieldFormat::Number | FieldFormat::Hex => {
            let most = u64::MAX.checked_shr(64_u32.saturating_sub(u32::try_from(field.bits).unwrap_or(64)));
            json_schema!({"type": "integer", "minimum": 0, "maximum": most})
        }
        FieldFormat::Flag => json_schema!({"type": "boolean"}),
        // The addresses of an ARP packet may have other lengths.
        FieldFormat::Mac | FieldFormat::Ip if field.name.ends_with("_address") => {
            json_schema!({"type": "string"})
        }
        FieldFormat::Mac => json_schema!({"type": "string", "format": "mac"}),
        FieldFormat::Ip => json_schema!({"type": "string", "format": "ipv4"}),
        FieldFormat::Ip6 => json_schema!({"type": "string", "format": "ipv6"}),
    };
    let mut letters = field.meaning.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    schema.insert("description".to_owned(), format!("{first}{}.", letters.as_str()).into());
    schema.into()
}

fn fault_schema() -> Value {
    let text = |text: &str| json!({"type": "string", "description": text});
    let or_null = |text: &str| json!({"type": ["string", "null"], "description": text});
    json!({
        "type": "object",
        "description": "A fault or a warning of `tapstack decode --json`.",
        "properties": {
            "header": text("Name of the header in the object."),
            "field": or_null("Name of the field in the header; null if the header is not complete."),
            "message": text("Description of the fault."),
            "requirement": or_null("Id of the requirement in docs/spec; null if there is none."),
            "standard": or_null("Standard and section of the requirement."),
            "rule": or_null("Text of the requirement."),
        },
        "required": ["header", "field", "message", "requirement", "standard", "rule"],
    })
}
