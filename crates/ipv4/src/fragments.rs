//! Datagrams too long for a link: cut into fragments (RFC 791 3.2).

use std::fmt;
use std::ops::Range;

use crate::{Datagram, Ipv4Fields};

/// The fragments of one datagram, first to last; a datagram that fits is its only one.
///
/// Each is the same header, without options, with [`Fragment::apply`] before its part of the data.
#[derive(Clone, Debug)]
pub struct Fragments {
    payload: usize,
    /// Data in every fragment but the last: a multiple of eight bytes.
    step: usize,
    next: Option<usize>,
}

/// One fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Its part of the datagram's data, in bytes.
    pub range: Range<usize>,
    /// Whether fragments come after it.
    pub more_fragments: bool,
}

/// A datagram that cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FragmentationError {
    /// It may not be fragmented and is longer than this MTU, in bytes.
    DontFragment(usize),
    /// With its header it is longer than 65,535 bytes.
    TooLong,
    /// The MTU, in bytes, leaves no room for a header and eight bytes of data.
    MtuTooSmall(usize),
}

impl Fragments {
    /// Cuts a payload of this length in bytes for a link with this MTU. `dont_fragment` is the flag of the header.
    pub fn of(payload: usize, mtu: usize, dont_fragment: bool) -> Result<Fragments, FragmentationError> {
        if payload > Datagram::MAX_LENGTH - Ipv4Fields::LENGTH {
            return Err(FragmentationError::TooLong);
        }
        let capacity = mtu.saturating_sub(Ipv4Fields::LENGTH);
        if payload <= capacity {
            return Ok(Fragments { payload, step: capacity, next: Some(0) });
        }
        // spec: rfc791-dont-fragment
        if dont_fragment {
            return Err(FragmentationError::DontFragment(mtu));
        }
        // spec: rfc791-fragmentation
        let step = capacity / 8 * 8;
        if step == 0 {
            return Err(FragmentationError::MtuTooSmall(mtu));
        }
        Ok(Fragments { payload, step, next: Some(0) })
    }
}

impl Fragment {
    /// The header fields of this fragment of the datagram with `fields`.
    #[must_use]
    pub fn apply(&self, fields: Ipv4Fields) -> Ipv4Fields {
        Ipv4Fields { fragment_offset: self.range.start, more_fragments: self.more_fragments, ..fields }
    }
}

impl Iterator for Fragments {
    type Item = Fragment;

    fn next(&mut self) -> Option<Fragment> {
        let start = self.next?;
        let rest = self.payload - start;
        // spec: rfc791-fragmentation
        let more_fragments = rest > self.step;
        let end = if more_fragments { start + self.step } else { self.payload };
        self.next = more_fragments.then_some(end);
        Some(Fragment { range: start..end, more_fragments })
    }
}

impl fmt::Display for FragmentationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DontFragment(mtu) => {
                write!(f, "longer than the link's MTU of {mtu} octets, and not to be fragmented")
            }
            Self::TooLong => f.write_str("longer than 65535 octets"),
            Self::MtuTooSmall(mtu) => write!(f, "an MTU of {mtu} octets is too small for any fragment"),
        }
    }
}

impl std::error::Error for FragmentationError {}

#[cfg(test)]
mod tests;
