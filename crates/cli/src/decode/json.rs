//! A frame of a capture as a JSON object, described in `docs/json.md`.

use std::borrow::Cow;
use std::fmt::{self, Write};

use capture::{CapturedFrame, Direction};
use dissect::Dissection;
use serde::Serialize;

/// What the capture says about a frame, then its layers and faults.
#[derive(Serialize)]
struct FrameObject<'a> {
    number: u64,
    time: Option<u64>,
    length: usize,
    captured: usize,
    direction: Option<&'static str>,
    comment: Option<&'a str>,
    comments: &'a [Cow<'a, str>],
    #[serde(flatten)]
    dissection: &'a Dissection<'a>,
}

/// Writes the object of a frame on one line.
pub(super) fn write(
    line: &mut String,
    frame: &CapturedFrame<'_>,
    dissection: &Dissection<'_>,
) -> fmt::Result {
    let object = FrameObject {
        number: frame.number,
        time: frame.time,
        length: frame.length,
        captured: frame.captured,
        direction: frame.direction.map(Direction::name),
        comment: frame.comments.first().map(Cow::as_ref),
        comments: &frame.comments,
        dissection,
    };
    let object = serde_json::to_string(&object).map_err(|_| fmt::Error)?;
    if frame.comments.iter().any(|comment| comment.contains(char::is_control)) {
        write_escaped(line, &object)?;
    } else {
        line.push_str(&object);
    }
    line.push('\n');
    Ok(())
}

/// Writes JSON and escapes control characters, which JSON allows but a terminal would obey.
fn write_escaped(line: &mut String, json: &str) -> fmt::Result {
    for letter in json.chars() {
        if letter.is_control() {
            // They are all below U+00A0.
            write!(line, "\\u{:04x}", u32::from(letter))?;
        } else {
            line.push(letter);
        }
    }
    Ok(())
}
