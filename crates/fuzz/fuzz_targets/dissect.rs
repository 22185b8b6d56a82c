//! A frame of arbitrary bytes, complete or truncated. Checks that the layers are inside the frame, and that all output
//! formats are written.
#![no_main]

use dissect::{SummaryStyle, TcpConversations, dissect};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, &[u8])| {
    let (missing, bytes) = input;
    let length = bytes.len() + usize::from(missing % 2_048);
    let dissection = dissect(bytes, length);
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
