//! The start of a capture, which says what it is.

use std::io::{self, Read};

/// The type of a pcapng section header block, the same in either byte order.
const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
/// What a pcapng section header holds behind its length if its byte order is the machine's of little ends.
const LITTLE: [u8; 4] = [0x4d, 0x3c, 0x2b, 0x1a];
/// The first octets of a pcap file: of micro- and of nanoseconds, in both byte orders.
const PCAP: [[u8; 4]; 4] =
    [[0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0xc3, 0xd4], [0x4d, 0x3c, 0xb2, 0xa1], [0xa1, 0xb2, 0x3c, 0x4d]];
/// Octets of a pcap file's header.
const HEADER: usize = 24;
/// The longest section header block that is read, in octets.
const LONGEST: usize = 32 * 1_024;

/// A capture whose first block is here whole, however few octets a pipe gives at a time.
pub(super) struct Start<R> {
    first: Vec<u8>,
    rest: R,
}

/// How a capture begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// With a header or a section that can be read.
    Known,
    /// It ends inside its header.
    Cut,
    /// It is something else.
    Other,
}

impl<R: Read> Start<R> {
    /// Reads the first block.
    pub(super) fn read(mut rest: R) -> io::Result<(Beginning, Start<R>)> {
        let mut first = Vec::new();
        fill(&mut first, &mut rest, 12)?;
        let beginning = match expected(&first) {
            None => Beginning::Other,
            Some(length) => {
                fill(&mut first, &mut rest, length)?;
                if first.len() < length { Beginning::Cut } else { Beginning::Known }
            }
        };
        Ok((beginning, Start { first, rest }))
    }
}

/// How long the first block is to be, if these are a capture's first 12 octets.
fn expected(octets: &[u8]) -> Option<usize> {
    let magic: [u8; 4] = octets.first_chunk().copied()?;
    if PCAP.contains(&magic) {
        return Some(HEADER);
    }
    if magic != SECTION {
        return None;
    }
    let Some((length, order)) = octets.get(4..8).zip(octets.get(8..12)) else { return Some(28) };
    let length: [u8; 4] = length.try_into().ok()?;
    let length = if order == LITTLE { u32::from_le_bytes(length) } else { u32::from_be_bytes(length) };
    usize::try_from(length).ok().filter(|length| (28..=LONGEST).contains(length))
}

/// Reads until `first` has `length` octets, or nothing more comes.
fn fill(first: &mut Vec<u8>, rest: &mut impl Read, length: usize) -> io::Result<()> {
    let missing = u64::try_from(length.saturating_sub(first.len())).unwrap_or(u64::MAX);
    rest.take(missing).read_to_end(first)?;
    Ok(())
}

impl<R: Read> Read for Start<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.first.is_empty() {
            return self.rest.read(to);
        }
        let count = self.first.as_slice().read(to)?;
        self.first.drain(..count);
        Ok(count)
    }
}
