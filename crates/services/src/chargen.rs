//! The characters of the service chargen (RFC 864).

/// Number of printing characters of ASCII, from the space to the tilde.
const CHARACTERS: usize = 95;
/// Number of characters of a line, without its end.
const LINE: usize = 72;

/// Writes the characters from this position of the stream on.
///
/// This is the pattern of RFC 864, "Data Syntax": lines of 72 of the 95 printing ASCII characters in their order, which
/// starts again after the last one. Each line starts one character later than the previous line, and ends with carriage
/// return and line feed. The pattern repeats after [`PERIOD`] characters.
// spec: rfc864-pattern
pub(crate) fn write_pattern(position: usize, characters: &mut [u8]) {
    for (offset, character) in characters.iter_mut().enumerate() {
        let position = position.wrapping_add(offset) % PERIOD;
        let (line, column) = (position / (LINE + 2), position % (LINE + 2));
        *character = match column {
            LINE => b'\r',
            column if column > LINE => b'\n',
            column => u8::try_from((line + column) % CHARACTERS).unwrap_or(0).saturating_add(b' '),
        };
    }
}

/// Number of characters after which the pattern repeats.
pub(crate) const PERIOD: usize = CHARACTERS * (LINE + 2);

#[cfg(test)]
mod tests;
