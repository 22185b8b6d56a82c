//! The schema against docs/json.md, and the checker against values that it must reject.

use serde_json::{Value, json};

use crate::schema::{events, schema, validate};

fn conforms(schema: &Value, value: &Value) -> bool {
    validate(schema, schema, value).is_ok()
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
fn json_page_names_every_field_and_event_of_schema() {
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
fn json_page_lists_every_value_of_each_enum_on_one_line() {
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
fn checker_rejects_values_that_do_not_conform() {
    let object = json!({"type": "object", "properties": {"a": {"type": ["integer", "null"], "minimum": 0}},
        "required": ["a"], "additionalProperties": false});
    for good in [json!({"a": 1}), json!({"a": null})] {
        assert!(conforms(&object, &good), "{good}");
    }
    for bad in
        [json!({}), json!({"a": -1}), json!({"a": "1"}), json!({"a": 1.5}), json!({"a": 1, "b": 1}), json!(1)]
    {
        assert!(!conforms(&object, &bad), "{bad}");
    }
    assert!(!conforms(&json!({"const": "a"}), &json!("b")));
    assert!(!conforms(&json!({"enum": ["a"]}), &json!("b")));
    assert!(!conforms(&json!({"items": {"type": "string"}}), &json!(["a", 1])));
    assert!(!conforms(&json!({"anyOf": [{"type": "string"}, {"const": 2}]}), &json!(1)));
    assert!(!conforms(&json!({"additionalProperties": {"type": "integer"}}), &json!({"a": "b"})));
    assert!(!conforms(&json!({"$ref": "#/$defs/none", "$defs": {}}), &json!(1)), "an unknown definition");
    assert!(!conforms(&json!({"pattern": "a"}), &json!("a")), "an unknown keyword");
}
