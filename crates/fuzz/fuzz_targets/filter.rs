//! A filter of arbitrary text and a frame. Checks that a filter and its negation never both match.
#![no_main]

use dissect::{FrameFilter, LINK_TYPES, dissect_captured};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, u8, &[u8])| {
    let (text, link_type, bytes) = input;
    let Ok(filter) = text.parse::<FrameFilter>() else { return };
    // The negation may exceed the limit of nested parts.
    let Ok(negation) = format!("not ({text})").parse::<FrameFilter>() else { return };
    let link_type = LINK_TYPES[usize::from(link_type) % LINK_TYPES.len()];
    let dissection = dissect_captured(link_type, bytes, bytes.len());
    assert_ne!(filter.matches(&dissection), negation.matches(&dissection));
});
