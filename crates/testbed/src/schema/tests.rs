//! Tests of the schema checker with values that the checker must reject.

use serde_json::{Value, json};

use crate::schema::{check_lines, events, validate};

fn conforms(schema: &Value, value: &Value) -> bool {
    validate(schema, schema, value).is_ok()
}

#[test]
fn checker_rejects_values_that_do_not_conform() {
    let object = json!({"type": "object", "required": ["a"],
        "properties": {"a": {"type": ["integer", "null"], "minimum": 0, "maximum": 7}}});
    for good in [json!({"a": 1}), json!({"a": null})] {
        assert!(conforms(&object, &good), "{good}");
    }
    for bad in [
        json!({}),
        json!({"a": -1}),
        json!({"a": 8}),
        json!({"a": "1"}),
        json!({"a": 1.5}),
        json!({"a": 1, "b": 1}),
        json!(1),
    ] {
        assert!(!conforms(&object, &bad), "{bad}");
    }
    let or_null =
        json!({"type": ["object", "null"], "required": ["a"], "properties": {"a": {"type": "integer"}}});
    assert!(conforms(&or_null, &json!(null)) && !conforms(&or_null, &json!({})));
    assert!(!conforms(&json!({"const": "a"}), &json!("b")));
    assert!(!conforms(&json!({"items": {"type": "string"}}), &json!(["a", 1])));
    assert!(!conforms(&json!({"anyOf": [{"type": "string"}, {"const": 2}]}), &json!(1)));
    assert!(!conforms(&json!({"oneOf": [{"type": "string"}, {"const": 2}]}), &json!(1)));
    assert!(!conforms(&json!({"$ref": "#/$defs/none", "$defs": {}}), &json!(1)), "an unknown definition");
    assert!(!conforms(&json!({"pattern": "a"}), &json!("a")), "an unknown keyword");
    for (format, good, bad) in [
        ("ipv4", "10.0.0.2", "10.0.0.2/24"),
        ("mac", "02:00:00:00:00:0a", "02:00:00:00:00:0A"),
        ("date-time", "2026-11-29T05:50:34.123456789+01:00", "2026-11-29T05:50:34Z"),
    ] {
        let schema = json!({"type": "string", "format": format});
        assert!(conforms(&schema, &json!(good)) && !conforms(&schema, &json!(bad)), "{format}");
    }
}

#[test]
#[should_panic(expected = "time is missing")]
fn checked_line_has_all_fields() {
    assert!(events("host").contains(&"link".to_owned()));
    check_lines("host", r#"{"schema":1,"elapsed_ns":1,"event":"link","up":true,"carrier":true,"mtu":1500}"#);
}
