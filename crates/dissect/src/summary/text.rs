//! Text of a packet, made safe for a terminal.

use std::fmt::{Result, Write};

/// Maximum number of characters of a text.
const LIMIT: usize = 255;

/// Whether a character can change how a terminal shows the text around it: a control character, a line or paragraph
/// separator, or a mark, embedding, override or isolate of bidirectional text.
fn is_unsafe(letter: char) -> bool {
    let is_bidirectional = matches!(
        letter,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    letter.is_control() || is_bidirectional || matches!(letter, '\u{2028}' | '\u{2029}')
}

/// Writes a text with escapes for unsafe characters, and at most its first 255 characters.
pub(super) fn write(line: &mut String, text: &str) -> Result {
    for letter in text.chars().take(LIMIT) {
        if is_unsafe(letter) {
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
