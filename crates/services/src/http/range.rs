//! Ranges of bytes (RFC 9110 14).

/// The first range of the field `Range`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestedRange {
    /// From a first byte to a last byte.
    Bytes(u64, u64),
    /// The last bytes, up to this number.
    Suffix(u64),
}

/// The bytes of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByteRange {
    /// Position of the first byte.
    pub(crate) start: u64,
    /// Position after the last byte.
    pub(crate) end: u64,
}

impl RequestedRange {
    /// Parses the field `Range`. Returns `None` if the field is invalid, has another unit, or has several ranges.
    ///
    /// RFC 9110 14.2: "A server MAY ignore the Range header field."
    // spec: http-range-ignored
    pub(crate) fn parse(field: &str) -> Option<RequestedRange> {
        let (unit, range) = field.split_once('=')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (first, last) = range.split_once('-')?;
        match (first.trim(), last.trim()) {
            ("", length) => number(length).map(RequestedRange::Suffix),
            (first, "") => Some(RequestedRange::Bytes(number(first)?, u64::MAX)),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                // RFC 9110 14.1.1: "An int-range is invalid if the last-pos value is present and less than the
                // first-pos."
                (first <= last).then_some(RequestedRange::Bytes(first, last))
            }
        }
    }

    /// Returns the bytes of content with this length, or `None` if the range contains no byte of the content.
    pub(crate) fn within(self, length: u64) -> Option<ByteRange> {
        let range = match self {
            // RFC 9110 14.1.2: if the last position is not in the content, the range ends with the content.
            RequestedRange::Bytes(first, last) => {
                ByteRange { start: first, end: last.saturating_add(1).min(length) }
            }
            RequestedRange::Suffix(suffix) => ByteRange { start: length.saturating_sub(suffix), end: length },
        };
        (range.start < range.end).then_some(range)
    }
}

impl ByteRange {
    /// Returns the number of bytes.
    pub(crate) fn length(self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

/// Parses digits. A number beyond 64 bits becomes the largest number.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
