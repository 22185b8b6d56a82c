use serde_json::json;

use super::*;

#[test]
fn reply_to_every_request_passes() {
    let report = json!({
        "skipped": [{"what": "flow, stream and latency", "why": "one CPU"}],
        "drain": [{"rows": [{"contender": "tapstack", "requests": 512, "replies": 512}]}],
    });
    assert_eq!(unanswered(&report), Vec::<String>::new());
}

#[test]
fn missing_replies_are_reported() {
    let report = json!({
        "drain": [{"rows": [{"contender": "tapstack", "requests": 512, "replies": 511}]}],
        "flow": [{"rows": [{"contender": "swap", "replies": 0}, {"contender": "naive", "replies": 9}]}],
        "stream": [{"rows": [{"contender": "kernel", "bytes": 0}, {"contender": "smoltcp", "bytes": 7}]}],
    });
    let lines = unanswered(&report);
    let expected = ["tapstack", "swap", "kernel", "latency"];
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    for (line, part) in lines.iter().zip(expected) {
        assert!(line.contains(part), "{line} does not contain {part}");
    }
}
