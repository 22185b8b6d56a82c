//! A frame of arbitrary bytes and any link type, complete or truncated. Checks that the layers are inside the frame, and that all output
//! formats are written.
#![no_main]

use dissect::{EthernetForm, LINK_TYPES, SummaryStyle, TcpConversations, dissect_captured};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u16, &[u8])| {
    let (link_type, missing, bytes) = input;
    let link_type = LINK_TYPES[usize::from(link_type) % LINK_TYPES.len()];
    let length = bytes.len() + usize::from(missing % 2_048);
    let dissection = dissect_captured(link_type, bytes, length);
    if let Ok(form) = EthernetForm::new(link_type, bytes) {
        // An Ethernet header replaces the link header.
        assert!(form.bytes().len() <= bytes.len() + 14);
    }
    for layer in dissection.layers().layers {
        assert_eq!(bytes.get(layer.offset..layer.offset + layer.bytes.len()), Some(layer.bytes));
        let bits: usize = layer.fields().map(|(field, _)| field.bits).sum();
        assert!(bits <= layer.bytes.len() * 8, "{layer:?}");
    }
    assert!(dissection.payload().len() <= bytes.len());
    let mut text = String::new();
    let mut conversations = TcpConversations::default();
    for style in [(false, false), (true, true)] {
        let (link_header, verbose) = style;
        dissection
            .write_summary(&mut text, SummaryStyle { link_header, verbose }, &mut conversations)
            .expect("summary should be written");
    }
    dissection.explain(&mut text).expect("explanation should be written");
    assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'), "{text:?}");
    let object = serde_json::to_value(&dissection).expect("dissection should serialize");
    assert!(object["faults"].is_array());
});
