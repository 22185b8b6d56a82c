//! `json`: writes the schema of `--json` and its page, both from the types that are printed.

use std::fs;
use std::process::ExitCode;

use serde_json::{Map, Value};

use crate::{ChoreResult, bench};

/// The schema and the page.
const SCHEMA: &str = "docs/json.schema.json";
const PAGE: &str = "docs/json.md";

/// The start of the page: what all commands have in common.
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

/// Checks that the schema and the page are what the types generate.
pub(crate) fn check() -> ChoreResult {
    for (file, text) in generated() {
        let path = bench::workspace_root().join(file);
        if fs::read_to_string(&path).ok() != Some(text) {
            eprintln!("xtask: {file} is not up to date: run `cargo xtask json`");
            return Ok(ExitCode::from(1));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns each file with its content.
fn generated() -> [(&'static str, String); 2] {
    let schema = cli::json_schema();
    [(SCHEMA, format!("{schema:#}\n")), (PAGE, page(&schema))]
}

/// Returns the page: a section for each command, in it one for each event.
fn page(schema: &Value) -> String {
    let mut page = INTRODUCTION.to_owned();
    let commands = schema["anyOf"].as_array().into_iter().flatten();
    for command in commands.filter_map(|command| resolve(schema, command)) {
        let description = text(command, "description");
        let (title, rest) = description.split_once("\n\n").unwrap_or((description, ""));
        page.push_str(&format!("\n## {title}\n"));
        if !rest.is_empty() {
            page.push_str(&format!("\n{rest}\n"));
        }
        match command["oneOf"].as_array() {
            Some(events) => events.iter().for_each(|event| push_event(&mut page, event)),
            None => push_fields(&mut page, command, &[]),
        }
    }
    let headers = schema["$defs"].as_object().into_iter().flatten();
    for (name, header) in headers.filter(|(name, _)| name.ends_with("_header") || *name == "fault") {
        let name = name.trim_end_matches("_header");
        page.push_str(&format!("\n### `{name}` of `decode`\n\n{}\n", text(header, "description")));
        push_fields(&mut page, header, &[]);
    }
    page
}

fn push_event(page: &mut String, event: &Value) {
    let name = text(&event["properties"]["event"], "const");
    page.push_str(&format!("\n### `{name}`\n\n{}\n", text(event, "description")));
    push_fields(page, event, &COMMON_FIELDS);
    if event["properties"]["counters"].is_object() {
        push_counters(page, &event["properties"]["counters"]);
    }
}

/// Adds the table of the fields of an object, without those of the names in `hidden`.
fn push_fields(page: &mut String, object: &Value, hidden: &[&str]) {
    let mut rows = String::new();
    push_rows(&mut rows, object, "", hidden);
    if !rows.is_empty() {
        page.push_str(&format!("\n| field | type | meaning |\n|---|---|---|\n{rows}"));
    }
}

fn push_rows(rows: &mut String, object: &Value, prefix: &str, hidden: &[&str]) {
    let Some(fields) = object["properties"].as_object() else { return };
    for name in ordered(object, fields) {
        let field = &fields[name];
        if hidden.contains(&name) {
            continue;
        }
        let path = format!("{prefix}{name}");
        let meaning = format!("{}{}", text(field, "description"), values(field)).replace('\n', " ");
        rows.push_str(&format!("| `{path}` | {} | {meaning} |\n", type_name(field)));
        if name != "counters" {
            push_rows(rows, object_of(field), &format!("{path}."), &[]);
            push_rows(rows, object_of(&field["items"]), &format!("{path}[]."), &[]);
        }
    }
}

/// Returns the names of the fields: required ones in the order in which they are printed, then the others.
fn ordered<'a>(object: &'a Value, fields: &'a Map<String, Value>) -> Vec<&'a str> {
    let required = object["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut names: Vec<_> = required.filter(|name| fields.contains_key(*name)).collect();
    for name in fields.keys() {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names
}

/// Returns the schema of the object if the schema allows an object or null.
fn object_of(schema: &Value) -> &Value {
    let alternatives = schema["anyOf"].as_array().into_iter().flatten();
    alternatives.into_iter().find(|alternative| alternative["properties"].is_object()).unwrap_or(schema)
}

/// Adds the table of all counters.
fn push_counters(page: &mut String, counters: &Value) {
    page.push_str("\n| layer | counter | what it counts |\n|---|---|---|\n");
    let Some(layers) = counters["properties"].as_object() else { return };
    for layer in ordered(counters, layers) {
        let Some(names) = layers[layer]["properties"].as_object() else { continue };
        for name in ordered(&layers[layer], names) {
            let meaning = text(&names[name], "description");
            page.push_str(&format!("| `{layer}` | `{name}` | {meaning} |\n"));
        }
    }
}

/// Returns the name of a type for people.
fn type_name(field: &Value) -> String {
    if let Some(target) = field["$ref"].as_str() {
        let name = target.rsplit('/').next().unwrap_or_default().trim_end_matches("_header");
        return format!("object: `{name}`");
    }
    if let Some(alternatives) = field["anyOf"].as_array() {
        let names: Vec<_> = alternatives.iter().map(type_name).collect();
        return names.join(" or ");
    }
    if field["oneOf"].is_array() {
        return "string".to_owned();
    }
    let one = |name: &str| match (name, field["format"].as_str()) {
        ("string", Some("mac")) => "MAC address".to_owned(),
        ("string", Some("ipv4")) => "IPv4 address".to_owned(),
        ("string", Some("date-time")) => "date and time".to_owned(),
        ("array", _) => format!("array of {}", type_name(&field["items"])),
        _ => name.to_owned(),
    };
    match &field["type"] {
        Value::String(name) => one(name),
        Value::Array(names) => {
            names.iter().filter_map(Value::as_str).map(one).collect::<Vec<_>>().join(" or ")
        }
        _ => "any".to_owned(),
    }
}

/// Returns the values of a string that has only some, with their meanings.
fn values(field: &Value) -> String {
    let inner = field["anyOf"].as_array().into_iter().flatten().find(|one| one["oneOf"].is_array());
    let values = inner.unwrap_or(field)["oneOf"].as_array().into_iter().flatten();
    let values: Vec<_> = values
        .map(|value| format!("<br>`{}`: {}", text(value, "const"), text(value, "description")))
        .collect();
    values.concat()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn resolve<'a>(root: &'a Value, reference: &Value) -> Option<&'a Value> {
    root.pointer(reference["$ref"].as_str()?.strip_prefix('#')?)
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
