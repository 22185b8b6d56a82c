//! The path in the target of a request.

/// The decoded path of a request: names from the root of the content.
///
/// No name is empty, `.` or `..`, and no name contains a slash or a zero byte. So a path never leaves its root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestPath {
    segments: Vec<Vec<u8>>,
    is_directory: bool,
}

impl RequestPath {
    /// Parses the target of a request: `/a%20b?query` (RFC 9112 3.2.1), or `http://host/a%20b?query` (3.2.2). The query
    /// is ignored. Returns `None` if the target is invalid or leaves the root.
    // spec: http-target
    pub fn parse(target: &str) -> Option<RequestPath> {
        let path = match target.split_at_checked("http://".len()) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http://") => {
                let authority = rest.find(['/', '?']).unwrap_or(rest.len());
                let path = rest.get(authority..).unwrap_or_default();
                if path.starts_with('/') { path } else { "/" }
            }
            _ => target,
        };
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let path = path.strip_prefix('/').filter(|path| !path.contains('#'))?;
        let mut segments = Vec::new();
        let mut is_directory = true;
        // spec: http-no-escape
        for encoded in path.split('/') {
            let segment = decode(encoded.as_bytes())?;
            is_directory = matches!(segment.as_slice(), b"" | b".");
            if is_directory {
                continue;
            }
            if segment == b".." || segment.iter().any(|byte| matches!(byte, b'/' | 0)) {
                return None;
            }
            segments.push(segment);
        }
        Some(RequestPath { segments, is_directory })
    }

    /// Returns the decoded names, from the root.
    pub fn segments(&self) -> &[Vec<u8>] {
        &self.segments
    }

    /// Returns whether the path ends with a slash, which is the path of a directory.
    pub fn is_directory(&self) -> bool {
        self.is_directory
    }

    /// Returns the encoded path of the directory with these names: the path, and a slash at its end.
    pub(crate) fn directory_target(&self) -> String {
        let mut target = String::from("/");
        for segment in &self.segments {
            encode(segment, &mut target);
            target.push('/');
        }
        target
    }
}

/// Replaces each `%` and its two hexadecimal digits with a byte. Returns `None` if digits are missing.
fn decode(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let (high, low) = (hexadecimal(rest.next()?)?, hexadecimal(rest.next()?)?);
                high << 4 | low
            }
            byte => byte,
        });
    }
    Some(bytes)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Appends a name as a segment of a path. All bytes but the unreserved characters of RFC 3986 2.3 are encoded.
pub(crate) fn encode(segment: &[u8], target: &mut String) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let digit = |number: u8| DIGITS.get(usize::from(number)).copied().unwrap_or_default();
    for byte in segment {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                target.push((*byte).into());
            }
            byte => target.extend(['%', digit(byte >> 4), digit(byte & 0xf)]),
        }
    }
}

#[cfg(test)]
mod tests;
