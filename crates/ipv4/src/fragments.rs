//! Fragmentation of datagrams longer than the MTU (RFC 791 3.2).

use std::fmt;
use std::ops::Range;

use crate::{Datagram, Ipv4Fields};

/// Iterator over the fragments of a datagram, in order. A datagram that fits the MTU is a single fragment.
///
/// [`Fragment::apply`] returns the header fields of each fragment. Fragments have no options.
#[derive(Clone, Debug)]
pub struct Fragments {
    payload: usize,
    /// Bytes of data in each fragment except the last: a multiple of eight.
    step: usize,
    next: Option<usize>,
}

/// A fragment of a datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Range of the fragment in the datagram's data, in bytes.
    pub range: Range<usize>,
    /// Whether more fragments follow this fragment.
    pub more_fragments: bool,
}

/// Error of a datagram that cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FragmentationError {
    /// The datagram has the flag "don't fragment" and is longer than this MTU, in bytes.
    DontFragment(usize),
    /// Header and data are longer than 65,535 bytes.
    TooLong,
    /// This MTU, in bytes, is too small for a header and eight bytes of data.
    MtuTooSmall(usize),
}

impl Fragments {
    /// Returns the fragments of a datagram with `payload` bytes of data on a link with this MTU in bytes.
    ///
    /// Fails if the datagram is too long, if the MTU is too small, or if the datagram exceeds the MTU and
    /// `dont_fragment` is set.
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

    /// Returns the fragments from byte `start` of the data on. `start` is the end of an earlier fragment, so that a
    /// datagram can be fragmented step by step, also after a change of the MTU.
    #[must_use]
    pub fn starting_at(self, start: usize) -> Fragments {
        let next = Some(start).filter(|start| *start == 0 || *start < self.payload);
        Fragments { next, ..self }
    }
}

impl Fragment {
    /// Returns the header fields of this fragment, from the `fields` of its datagram.
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
                write!(f, "longer than the MTU of {mtu} bytes, with the flag don't fragment")
            }
            Self::TooLong => f.write_str("longer than 65535 bytes"),
            Self::MtuTooSmall(mtu) => write!(f, "MTU of {mtu} bytes too small for a fragment"),
        }
    }
}

impl std::error::Error for FragmentationError {}

#[cfg(test)]
mod tests;
