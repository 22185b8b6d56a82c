use super::*;

#[test]
fn headers_are_in_order_of_frame() {
    let line = r#"{"number":7,"time_ns":null,"bytes":60,"captured_bytes":60,"direction":"in","comment":null,
        "ethernet":{"offset":0,"type_or_length":33024},
        "tags":[{"offset":14,"vlan":5,"drop_eligible":true},{"offset":18,"vlan":6,"drop_eligible":false}],
        "ipv4":{"offset":22,"source":"10.0.0.1"},"icmp":{"offset":42,"type":3},
        "quoted":{"ipv4":{"offset":50,"source":"10.0.0.2"}},
        "faults":[{"header":"icmp","field":"checksum"},{"header":"ipv4","field":null}]}"#;
    let frame = Frame::parse(line).unwrap();
    let headers: Vec<_> =
        frame.headers.iter().map(|header| (header.name.as_str(), header.offset, header.is_quoted)).collect();
    assert_eq!(
        headers,
        [
            ("ethernet", 0, false),
            ("tags", 14, false),
            ("tags", 18, false),
            ("ipv4", 22, false),
            ("icmp", 42, false),
            ("ipv4", 50, true)
        ]
    );
    assert_eq!(frame.headers[1].field("drop_eligible"), Some("1"));
    assert_eq!(frame.field("ipv4", "source"), Some("10.0.0.1"), "address of the quoted datagram returned");
    assert_eq!((frame.number, frame.captured()), (7, 60));
    assert!(frame.has_fault("icmp", "checksum") && !frame.has_fault("ipv4", "checksum"));
    assert!(frame.facts.iter().all(|(name, _)| name != "time" && name != "comment"));
    assert!(frame.facts.contains(&("direction".to_owned(), "in".to_owned())));
}

#[test]
fn line_that_is_not_frame_is_error() {
    assert!(Frame::parse("nothing").unwrap_err().contains("nothing"));
    assert!(Frame::parse("{}").is_err());
}
