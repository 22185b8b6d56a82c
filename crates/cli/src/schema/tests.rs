//! The schema against the page beside it, and the checker against what it must turn away.

use serde_json::{Value, json};

use crate::schema::{meets, schema};

/// The events that a definition describes.
pub(crate) fn events(definition: &str) -> Vec<String> {
    let schema = schema();
    let objects = schema["$defs"][definition]["anyOf"].as_array().into_iter().flatten();
    objects
        .map(|object| object["properties"]["event"]["const"].as_str().expect("an event").to_owned())
        .collect()
}

fn judged(schema: &Value, value: &Value) -> bool {
    meets(schema, schema, value).is_ok()
}

/// All names of fields that a schema describes.
fn fields(schema: &Value) -> Vec<String> {
    let below = match schema {
        Value::Object(map) => map.values().flat_map(fields).collect(),
        Value::Array(list) => list.iter().flat_map(fields).collect(),
        _ => Vec::new(),
    };
    let own = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone());
    own.chain(below).collect()
}

#[test]
fn every_field_and_event_of_the_schema_is_on_the_page_beside_it() {
    let page = include_str!("../../../../docs/json.md");
    let schema = schema();
    let events = ["host", "ping", "arping", "scan", "watch", "doctor"].into_iter().flat_map(events);
    let names: Vec<_> = fields(&schema).into_iter().chain(events).collect();
    assert!(names.len() > 100, "{names:?}");
    for name in names {
        assert!(page.contains(&format!("`{name}`")), "docs/json.md says nothing of {name}");
    }
}

/// All lists of values that a schema allows.
fn enums(schema: &Value) -> Vec<Vec<String>> {
    let below = match schema {
        Value::Object(map) => map.values().flat_map(enums).collect(),
        Value::Array(list) => list.iter().flat_map(enums).collect(),
        _ => Vec::new(),
    };
    let own = schema["enum"].as_array();
    let own = own.map(|values| values.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    own.into_iter().chain(below).collect()
}

#[test]
fn every_value_of_the_schema_is_on_the_page_in_its_list() {
    let page = include_str!("../../../../docs/json.md");
    let lists = enums(&schema());
    assert!(lists.len() > 5, "{lists:?}");
    for values in lists {
        let quoted: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
        let has_all = |line: &str| quoted.iter().all(|value| line.contains(value));
        assert!(page.lines().any(has_all), "docs/json.md has no line with all of {values:?}");
    }
}

#[test]
fn the_checker_turns_away_what_is_not_described() {
    let object = json!({"type": "object", "properties": {"a": {"type": ["integer", "null"], "minimum": 0}},
        "required": ["a"], "additionalProperties": false});
    for good in [json!({"a": 1}), json!({"a": null})] {
        assert!(judged(&object, &good), "{good}");
    }
    for bad in
        [json!({}), json!({"a": -1}), json!({"a": "1"}), json!({"a": 1.5}), json!({"a": 1, "b": 1}), json!(1)]
    {
        assert!(!judged(&object, &bad), "{bad}");
    }
    assert!(!judged(&json!({"const": "a"}), &json!("b")));
    assert!(!judged(&json!({"enum": ["a"]}), &json!("b")));
    assert!(!judged(&json!({"items": {"type": "string"}}), &json!(["a", 1])));
    assert!(!judged(&json!({"anyOf": [{"type": "string"}, {"const": 2}]}), &json!(1)));
    assert!(!judged(&json!({"additionalProperties": {"type": "integer"}}), &json!({"a": "b"})));
    assert!(!judged(&json!({"$ref": "#/$defs/none", "$defs": {}}), &json!(1)), "an unknown definition");
    assert!(!judged(&json!({"pattern": "a"}), &json!("a")), "an unknown keyword");
}
