//! Line ends of the input (`-C`).

/// Replaces line feeds by carriage return and line feed.
#[derive(Debug, Default)]
pub(super) struct LineEnds {
    /// Whether the last byte was a carriage return.
    after_return: bool,
}

impl LineEnds {
    /// Returns the bytes with a carriage return before each line feed that has none.
    pub(super) fn translate(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut translated = Vec::with_capacity(bytes.len());
        for byte in bytes {
            if *byte == b'\n' && !self.after_return {
                translated.push(b'\r');
            }
            translated.push(*byte);
            self.after_return = *byte == b'\r';
        }
        translated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_feed_gets_carriage_return_unless_it_has_one() {
        let mut line_ends = LineEnds::default();
        assert_eq!(line_ends.translate(b"a\nb\r\n\n"), b"a\r\nb\r\n\r\n");
        // The carriage return and the line feed are in different reads.
        assert_eq!(line_ends.translate(b"c\r"), b"c\r");
        assert_eq!(line_ends.translate(b"\nd"), b"\nd");
    }
}
