//! Packets and interfaces of a capture.

use std::borrow::Cow;

use crate::fields::Options;
use crate::link_type::LinkType;

/// Code of a comment, of which there may be several.
const COMMENT: u16 = 1;

/// One packet, and what the capture says about it.
#[derive(Clone, Debug)]
pub struct CapturedPacket<'a> {
    /// Place among all packets of the capture, from 1 on.
    pub number: u64,
    /// Link type of its interface.
    pub link_type: LinkType,
    /// When it was captured, in nanoseconds since 1970 in UTC, if that is known.
    pub time: Option<u64>,
    /// Length on the wire, in bytes: never less than `captured`.
    pub length: u32,
    /// Length in the capture, in bytes.
    pub captured: u32,
    /// The captured bytes, the first [`FRAME_LIMIT`](crate::FRAME_LIMIT) at most.
    pub data: &'a [u8],
    /// Link-layer flags, of which the lowest two bits are the direction.
    pub flags: Option<u32>,
    pub(crate) options: Options<'a>,
}

impl<'a> CapturedPacket<'a> {
    /// Returns the comments in their order.
    pub fn comments(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        self.options
            .clone()
            .filter(|(code, _)| *code == COMMENT)
            .map(|(_, text)| String::from_utf8_lossy(text))
    }
}

const SECOND: u64 = 1_000_000_000;

/// An interface that a capture describes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interface {
    pub(crate) link_type: LinkType,
    /// Units of time in a second.
    pub(crate) resolution: u128,
    /// Added to every time, in seconds.
    pub(crate) offset: i64,
    /// Bytes of a frame captured at most; none if there is no limit.
    pub(crate) snap_length: Option<usize>,
}

impl Interface {
    /// Nanoseconds since 1970 of a time in units, if they fit.
    pub(crate) fn time(&self, units: u64) -> Option<u64> {
        // The usual units, without a long division.
        if let Some(nanoseconds) = self.nanoseconds().filter(|_| self.offset == 0) {
            return units.checked_mul(nanoseconds);
        }
        let units = u128::from(units);
        let seconds = (units / self.resolution).checked_add_signed(self.offset.into())?;
        let second = u128::from(SECOND);
        // Where the units of a second are too many to multiply, they are too fine to matter.
        let part = (units % self.resolution).checked_mul(second).unwrap_or_default() / self.resolution;
        u64::try_from(seconds.checked_mul(second)? + part).ok()
    }

    /// Nanoseconds in a unit, if they are a whole number.
    fn nanoseconds(&self) -> Option<u64> {
        let resolution = u64::try_from(self.resolution).ok().filter(|resolution| *resolution > 0)?;
        SECOND.is_multiple_of(resolution).then(|| SECOND / resolution)
    }
}
