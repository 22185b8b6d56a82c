//! The data of the load `tcp-send`: the stream of chargen (RFC 864), which all contenders send.

/// Number of printing characters of ASCII.
const CHARACTERS: usize = 95;
/// Number of characters of a line, without its end.
const LINE: usize = 72;
/// Number of bytes after which the stream repeats.
pub(crate) const PERIOD: usize = CHARACTERS * (LINE + 2);
/// Maximum number of bytes of one write.
pub(crate) const BURST: usize = 65_536;

/// The beginning of the stream: from each position below [`PERIOD`], it has at least [`BURST`] bytes.
pub(crate) struct Pattern(Vec<u8>);

impl Pattern {
    pub(crate) fn new() -> Pattern {
        Pattern((0..PERIOD + BURST).map(byte).collect())
    }

    /// Returns [`BURST`] bytes of the stream from a position on.
    pub(crate) fn at(&self, position: usize) -> &[u8] {
        let start = position % PERIOD;
        &self.0[start..start + BURST]
    }
}

/// Returns a byte of the stream.
fn byte(position: usize) -> u8 {
    let (line, column) = (position / (LINE + 2), position % (LINE + 2));
    match column {
        LINE => b'\r',
        column if column > LINE => b'\n',
        column => u8::try_from((line + column) % CHARACTERS).unwrap_or(0) + b' ',
    }
}
