//! Text of a packet, made safe for a terminal.

use std::fmt::{Result, Write};

/// Maximum number of characters of a text.
const LIMIT: usize = 255;

/// Writes a text without control characters, and at most its first 255 characters.
pub(super) fn write(line: &mut String, text: &str) -> Result {
    for letter in text.chars().take(LIMIT) {
        if letter.is_control() {
            write!(line, "{}", letter.escape_default())?;
        } else {
            line.push(letter);
        }
    }
    Ok(())
}

/// Writes bytes as text.
pub(super) fn write_bytes(line: &mut String, bytes: &[u8]) -> Result {
    write(line, &String::from_utf8_lossy(bytes.get(..LIMIT).unwrap_or(bytes)))
}
