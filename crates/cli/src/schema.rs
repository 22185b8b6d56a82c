//! Whether what a command prints is what `docs/json.schema.json` says. Only the keywords that the file
//! uses are known; any other fails, so that nothing stands there unchecked.

use serde_json::{Map, Value};

/// The schema itself.
pub(crate) fn schema() -> Value {
    serde_json::from_str(include_str!("../../../docs/json.schema.json")).expect("the schema is JSON")
}

/// Panics unless each line is what the definition of this name describes.
pub(crate) fn check_lines(definition: &str, lines: &str) {
    for line in lines.lines() {
        let value: Value = serde_json::from_str(line).expect("a line is JSON");
        let schema = schema();
        if let Err(fault) = meets(&schema, &schema["$defs"][definition], &value) {
            panic!("no {definition} as docs/json.schema.json has it: {fault}\n{line}");
        }
    }
}

/// What is wrong with a value, if anything is.
pub(crate) fn meets(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let keywords = schema.as_object().ok_or_else(|| format!("there is no such schema: {schema}"))?;
    for (keyword, wanted) in keywords {
        match keyword.as_str() {
            "description" => {}
            // The other keyword looks at these too.
            "properties" if keywords.contains_key("additionalProperties") => {}
            "$ref" => {
                let pointer = wanted.as_str().and_then(|target| target.strip_prefix('#')).expect("a pointer");
                meets(root, root.pointer(pointer).unwrap_or(&Value::Null), value)?;
            }
            "type" => of_type(wanted, value)?,
            "const" if wanted == value => {}
            "enum" if wanted.as_array().is_some_and(|values| values.contains(value)) => {}
            "minimum" if value.is_null() || value.as_i64() >= wanted.as_i64() => {}
            "anyOf" => any(root, wanted, value)?,
            "items" => {
                for item in value.as_array().into_iter().flatten() {
                    meets(root, wanted, item)?;
                }
            }
            "required" => required(wanted, value)?,
            "additionalProperties" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    let own = keywords.get("properties").and_then(|properties| properties.get(name));
                    let fault = |fault| format!("{name}: {fault}");
                    match own {
                        Some(own) => meets(root, own, value).map_err(fault)?,
                        None if *wanted == Value::Bool(false) => {
                            return Err(format!("{name} is not described"));
                        }
                        None => meets(root, wanted, value).map_err(fault)?,
                    }
                }
            }
            _ => return Err(format!("{value} does not meet {keyword} {wanted}")),
        }
    }
    Ok(())
}

fn of_type(wanted: &Value, value: &Value) -> Result<(), String> {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let met = wanted == kind || wanted.as_array().is_some_and(|kinds| kinds.iter().any(|one| one == kind));
    if met { Ok(()) } else { Err(format!("{value} is no {wanted}")) }
}

fn required(names: &Value, value: &Value) -> Result<(), String> {
    let empty = Map::new();
    let fields = value.as_object().unwrap_or(&empty);
    let mut names = names.as_array().into_iter().flatten().filter_map(Value::as_str);
    names.find(|name| !fields.contains_key(*name)).map_or(Ok(()), |name| Err(format!("{name} is missing")))
}

/// The fault that is told is that of the schema with the value's own `event`, if there is one.
fn any(root: &Value, schemas: &Value, value: &Value) -> Result<(), String> {
    let schemas = schemas.as_array().expect("a list of schemas");
    if schemas.iter().any(|schema| meets(root, schema, value).is_ok()) {
        return Ok(());
    }
    let event = |schema: &&Value| schema["properties"]["event"]["const"] == value["event"];
    match schemas.iter().find(event) {
        Some(schema) => meets(root, schema, value),
        None => Err(format!("{value} is none of those described")),
    }
}
