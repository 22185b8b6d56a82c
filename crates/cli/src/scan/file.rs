//! Files of ranges and of vendor names.

use std::io::{self, Read};
use std::path::Path;

use crate::decode::open;

/// Maximum length in bytes: ten times the longest known list of vendors.
const BOUND: u64 = 64 << 20;

/// Reads a file; `-` is standard input.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    let mut rest = open(path)?.take(BOUND);
    rest.read_to_end(&mut octets)?;
    if rest.limit() == 0 {
        return Err(io::Error::other("it is longer than 64 MiB"));
    }
    Ok(octets)
}
