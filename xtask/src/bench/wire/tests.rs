use serde_json::json;

use super::*;

#[test]
fn reply_to_every_request_passes() {
    let report = json!({
        "skipped": [{"what": "flow and latency", "why": "one CPU"}],
        "drain": [{"rows": [{"contender": "tapstack", "requests": 512, "replies": 512}]}],
    });
    assert_eq!(unanswered(&report), Vec::<String>::new());
}

#[test]
fn missing_replies_are_reported() {
    let report = json!({
        "drain": [{"rows": [{"contender": "tapstack", "requests": 512, "replies": 511}]}],
        "flow": [{"rows": [{"contender": "swap", "replies": 0}, {"contender": "naive", "replies": 9}]}],
    });
    let lines = unanswered(&report);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].contains("tapstack") && lines[1].contains("swap") && lines[2] == "latency", "{lines:?}");
}
