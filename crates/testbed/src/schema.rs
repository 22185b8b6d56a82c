//! Checks the JSON that a command prints against `docs/json.schema.json`.
//!
//! The checker supports the keywords that the file uses, and rejects any other keyword. It also rejects fields that the
//! file does not describe, although the schema permits them.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::Value;

/// Returns the schema of `docs/json.schema.json`.
pub fn schema() -> Value {
    serde_json::from_str(include_str!("../../../docs/json.schema.json")).expect("schema should be JSON")
}

/// Returns the names of the events that a definition describes.
pub fn events(definition: &str) -> Vec<String> {
    let schema = schema();
    let objects = schema["$defs"][definition]["oneOf"].as_array().into_iter().flatten();
    objects
        .map(|object| {
            object["properties"]["event"]["const"]
                .as_str()
                .expect("definition should name its event")
                .to_owned()
        })
        .collect()
}

/// Checks each line against the definition of this name. Panics if a line does not conform.
pub fn check_lines(definition: &str, lines: &str) {
    let schema = schema();
    for line in lines.lines() {
        let value: Value = serde_json::from_str(line).expect("line should be JSON");
        if let Err(error) = validate(&schema, &schema["$defs"][definition], &value) {
            panic!("line does not conform to {definition} of docs/json.schema.json: {error}\n{line}");
        }
    }
}

/// Checks a value against a schema. The error names the first violation.
pub fn validate(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let keywords = schema.as_object().ok_or_else(|| format!("unknown definition: {schema}"))?;
    for (keyword, expected) in keywords {
        match keyword.as_str() {
            "description" | "title" => {}
            "$ref" => {
                let pointer = expected
                    .as_str()
                    .and_then(|target| target.strip_prefix('#'))
                    .expect("`$ref` should be a JSON pointer");
                validate(root, root.pointer(pointer).unwrap_or(&Value::Null), value)?;
            }
            "type" => of_type(expected, value)?,
            "format" => of_format(expected, value)?,
            "const" if expected == value => {}
            "minimum" if value.is_null() || value.as_u64() >= expected.as_u64() => {}
            "maximum" if value.is_null() || value.as_u64() <= expected.as_u64() => {}
            "anyOf" | "oneOf" => any_of(root, expected, value)?,
            "items" => {
                for item in value.as_array().into_iter().flatten() {
                    validate(root, expected, item)?;
                }
            }
            "required" => required(expected, value)?,
            "properties" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    let field = expected.get(name).ok_or_else(|| format!("{name} is not in the schema"))?;
                    validate(root, field, value).map_err(|error| format!("{name}: {error}"))?;
                }
            }
            _ => return Err(format!("{value} violates {keyword} {expected}")),
        }
    }
    Ok(())
}

fn of_type(expected: &Value, value: &Value) -> Result<(), String> {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let met =
        expected == kind || expected.as_array().is_some_and(|kinds| kinds.iter().any(|one| one == kind));
    if met { Ok(()) } else { Err(format!("{value} is not of type {expected}")) }
}

/// Checks the format of a string. The formats of integers are not checked, because keywords contain their bounds.
fn of_format(expected: &Value, value: &Value) -> Result<(), String> {
    let Some(text) = value.as_str() else { return Ok(()) };
    let met = match expected.as_str() {
        Some("ipv4") => text.parse::<Ipv4Addr>().is_ok(),
        Some("ipv6") => text.parse::<Ipv6Addr>().is_ok(),
        Some("mac") => has_shape(text, "xx:xx:xx:xx:xx:xx"),
        Some("date-time") => {
            has_shape(text, "dddd-dd-ddTdd:dd:dd.ddddddddd+dd:dd")
                || has_shape(text, "dddd-dd-ddTdd:dd:dd.ddddddddd-dd:dd")
        }
        _ => false,
    };
    if met { Ok(()) } else { Err(format!("{value} is not of format {expected}")) }
}

/// Returns whether a text has this shape, where `d` is a decimal digit and `x` a lower-case hexadecimal digit.
fn has_shape(text: &str, shape: &str) -> bool {
    let fits = |(letter, part): (char, char)| match part {
        'd' => letter.is_ascii_digit(),
        'x' => letter.is_ascii_hexdigit() && !letter.is_ascii_uppercase(),
        part => letter == part,
    };
    text.len() == shape.len() && text.chars().zip(shape.chars()).all(fits)
}

fn required(names: &Value, value: &Value) -> Result<(), String> {
    let Some(fields) = value.as_object() else { return Ok(()) };
    let mut names = names.as_array().into_iter().flatten().filter_map(Value::as_str);
    names.find(|name| !fields.contains_key(*name)).map_or(Ok(()), |name| Err(format!("{name} is missing")))
}

/// Checks a value against a list of schemas. The error is about the schema with the event of the value, if one exists.
fn any_of(root: &Value, schemas: &Value, value: &Value) -> Result<(), String> {
    let schemas = schemas.as_array().expect("keyword should hold a list of schemas");
    if schemas.iter().any(|schema| validate(root, schema, value).is_ok()) {
        return Ok(());
    }
    let event = |schema: &&Value| schema["properties"]["event"]["const"] == value["event"];
    match schemas.iter().find(event) {
        Some(schema) => validate(root, schema, value),
        None => Err(format!("{value} matches no schema")),
    }
}

#[cfg(test)]
mod tests;
