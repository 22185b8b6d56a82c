//! `json`: writes the schema of `--json` and docs/json.md from the types that `--json` prints.

use std::fs;
use std::process::ExitCode;

use serde_json::Value;

use crate::{ChoreResult, bench};

/// The schema and the page.
const SCHEMA: &str = "docs/json.schema.json";
const PAGE: &str = "docs/json.md";

/// The start of docs/json.md: the rules for all commands.
const INTRODUCTION: &str = include_str!("json_introduction.md");

/// Fields that the introduction describes.
const COMMON_FIELDS: [&str; 4] = ["schema", "time", "elapsed_ns", "event"];

/// Writes the schema and the page.
pub(crate) fn write() -> ChoreResult {
    for (file, text) in generated() {
        let path = bench::workspace_root().join(file);
        fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        println!("{file}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the exit code 0 if the schema and the page are up to date, else 1.
pub(crate) fn check() -> ExitCode {
    for (file, text) in generated() {
        let path = bench::workspace_root().join(file);
        if fs::read_to_string(&path).ok() != Some(text) {
            eprintln!("xtask: {file} is not up to date: run `cargo xtask json`");
            return ExitCode::from(1);
        }
    }
    ExitCode::SUCCESS
}

/// Returns the path and the content of each file.
fn generated() -> [(&'static str, String); 2] {
    let schema = cli::json_schema();
    [(SCHEMA, format!("{schema:#}\n")), (PAGE, page(&schema))]
}

/// Returns the page, which has a section for each command, with a section for each event.
fn page(schema: &Value) -> String {
    let sections = list(schema, "anyOf").filter_map(|command| resolve(schema, command)).map(|command| {
        let headers =
            if part(command, "oneOf").is_null() { headers_text(schema, command) } else { String::new() };
        format!("{}{headers}", command_text(command))
    });
    let sections: String = sections.collect();
    format!("{INTRODUCTION}{sections}")
}

/// Returns the sections about the objects to which an object without an event refers.
fn headers_text(schema: &Value, command: &Value) -> String {
    let fields = ordered(command).into_iter();
    let headers = fields.filter_map(|(name, field)| {
        let header = resolve(schema, field).or_else(|| resolve(schema, part(field, "items")))?;
        // Warnings are described with the faults, because they have the same fields.
        (name != "warnings").then(|| {
            let meaning = text(header, "description");
            format!("\n### `{name}`\n\n{meaning}\n{}", fields_table(header, &[]))
        })
    });
    headers.collect()
}

/// Returns the section of a command.
fn command_text(command: &Value) -> String {
    let description = text(command, "description");
    let (title, rest) = description.split_once("\n\n").unwrap_or((description, ""));
    let rest = if rest.is_empty() { String::new() } else { format!("\n{rest}\n") };
    let content = match part(command, "oneOf") {
        Value::Array(events) => events.iter().map(event_text).collect(),
        _ => fields_table(command, &[]),
    };
    format!("\n## {title}\n{rest}{content}")
}

/// Returns the section of an event.
fn event_text(event: &Value) -> String {
    let fields = part(event, "properties");
    let (name, meaning) = (text(part(fields, "event"), "const"), text(event, "description"));
    let counters = counters_table(part(fields, "counters"));
    format!("\n### `{name}`\n\n{meaning}\n{}{counters}", fields_table(event, &COMMON_FIELDS))
}

/// Returns the table of the fields of an object, except the fields named in `hidden`.
fn fields_table(object: &Value, hidden: &[&str]) -> String {
    let rows = rows(object, "", hidden);
    if rows.is_empty() { rows } else { format!("\n| field | type | meaning |\n|---|---|---|\n{rows}") }
}

fn rows(object: &Value, prefix: &str, hidden: &[&str]) -> String {
    let fields = ordered(object).into_iter().filter(|(name, _)| !hidden.contains(name));
    let rows = fields.map(|(name, field)| {
        let path = format!("{prefix}{name}");
        let meaning = format!("{}{}", text(field, "description"), values(field)).replace('\n', " ");
        let inner = if name == "counters" {
            String::new()
        } else {
            let items = object_of(part(field, "items"));
            rows(object_of(field), &format!("{path}."), &[]) + &rows(items, &format!("{path}[]."), &[])
        };
        format!("| `{path}` | {} | {meaning} |\n{inner}", type_name(field))
    });
    rows.collect()
}

/// Returns the fields with their names: first the required fields in the order of printing, then the optional fields.
fn ordered(object: &Value) -> Vec<(&str, &Value)> {
    let Some(fields) = part(object, "properties").as_object() else { return Vec::new() };
    let required: Vec<_> = list(object, "required").filter_map(Value::as_str).collect();
    let others = fields.keys().map(String::as_str).filter(|name| !required.contains(name));
    let names = required.iter().copied().chain(others);
    names.filter_map(|name| Some((name, fields.get(name)?))).collect()
}

/// Returns the schema of the object if `schema` allows an object or null, else `schema`.
fn object_of(schema: &Value) -> &Value {
    list(schema, "anyOf").find(|one| part(one, "properties").is_object()).unwrap_or(schema)
}

/// Returns the table of all counters.
fn counters_table(counters: &Value) -> String {
    let rows = ordered(counters).into_iter().flat_map(|(layer, counters)| {
        ordered(counters).into_iter().map(move |(name, counter)| {
            format!("| `{layer}` | `{name}` | {} |\n", text(counter, "description"))
        })
    });
    let rows: String = rows.collect();
    if rows.is_empty() {
        rows
    } else {
        format!("\n| layer | counter | what it counts |\n|---|---|---|\n{rows}")
    }
}

/// Returns the readable name of a type.
fn type_name(field: &Value) -> String {
    if let Some(target) = part(field, "$ref").as_str() {
        let name = target.rsplit('/').next().unwrap_or_default().trim_end_matches("_header");
        return format!("object: `{name}`");
    }
    let alternatives: Vec<_> = list(field, "anyOf").map(type_name).collect();
    if !alternatives.is_empty() {
        return alternatives.join(" or ");
    }
    if part(field, "oneOf").is_array() {
        return "string".to_owned();
    }
    let one = |name: &str| match (name, text(field, "format")) {
        ("string", "mac") => "MAC address".to_owned(),
        ("string", "ipv4") => "IPv4 address".to_owned(),
        ("string", "date-time") => "date and time".to_owned(),
        ("array", _) => format!("array of {}", type_name(part(field, "items"))),
        _ => name.to_owned(),
    };
    match part(field, "type") {
        Value::String(name) => one(name),
        names => {
            let names = names.as_array().into_iter().flatten().filter_map(Value::as_str);
            names.map(one).collect::<Vec<_>>().join(" or ")
        }
    }
}

/// Returns the values of a string with a fixed set of values, with their meanings.
fn values(field: &Value) -> String {
    let inner = list(field, "anyOf").find(|one| part(one, "oneOf").is_array()).unwrap_or(field);
    let value = |value| format!("<br>`{}`: {}", text(value, "const"), text(value, "description"));
    list(inner, "oneOf").map(value).collect()
}

fn part<'a>(value: &'a Value, key: &str) -> &'a Value {
    value.get(key).unwrap_or(&Value::Null)
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    part(value, key).as_array().into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    part(value, key).as_str().unwrap_or_default()
}

fn resolve<'a>(root: &'a Value, reference: &Value) -> Option<&'a Value> {
    root.pointer(part(reference, "$ref").as_str()?.strip_prefix('#')?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_and_page_are_up_to_date() {
        for (file, text) in generated() {
            let found = fs::read_to_string(bench::workspace_root().join(file)).unwrap();
            assert!(found == text, "{file} is not up to date: run `cargo xtask json`");
        }
    }

    #[test]
    fn every_field_has_a_description() {
        fn check(schema: &Value, path: &str) {
            for (name, field) in schema["properties"].as_object().into_iter().flatten() {
                let is_described = field["description"].is_string() || field["$ref"].is_string();
                assert!(is_described || name == "event" || path.ends_with("counters"), "{path}.{name}");
                check(field, &format!("{path}.{name}"));
                check(&field["items"], &format!("{path}.{name}"));
            }
            for event in schema["oneOf"].as_array().into_iter().flatten() {
                assert!(event["description"].is_string(), "{path}");
                check(event, path);
            }
        }
        for (name, definition) in cli::json_schema()["$defs"].as_object().unwrap() {
            assert!(definition["description"].is_string(), "{name}");
            check(definition, name);
        }
    }

    #[test]
    fn every_key_is_an_identifier() {
        fn check(schema: &Value) {
            for (name, field) in schema["properties"].as_object().into_iter().flatten() {
                let is_identifier = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
                assert!(name.chars().all(is_identifier), "{name}");
                check(field);
            }
            for part in ["oneOf", "anyOf"] {
                schema[part].as_array().into_iter().flatten().for_each(check);
            }
        }
        cli::json_schema()["$defs"].as_object().unwrap().values().for_each(check);
    }
}
