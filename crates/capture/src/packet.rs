//! Packets and interfaces of a capture.

use std::borrow::Cow;

use crate::fields::Options;
use crate::link_type::LinkType;

/// Code of a comment option. A block may have several.
const COMMENT: u16 = 1;

/// Interface of a packet in its section. A pcap file has one interface without a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacketInterface<'a> {
    /// Number in the section, starting at 0.
    pub number: u32,
    /// Name, if the capture has a name of up to [`NAME_LIMIT`](crate::NAME_LIMIT) bytes.
    pub name: Option<&'a str>,
    /// Number of interfaces of the section up to this packet.
    pub count: usize,
}

/// Packet with its metadata in the capture.
#[derive(Clone, Debug)]
pub struct CapturedPacket<'a> {
    /// Number of the packet in the capture, starting at 1.
    pub number: u64,
    /// Interface.
    pub interface: PacketInterface<'a>,
    /// Link type of the interface.
    pub link_type: LinkType,
    /// Capture time in nanoseconds since 1970 in UTC, if known.
    pub time: Option<u64>,
    /// Length on the wire in bytes, at least `captured`.
    pub length: u32,
    /// Length in the capture in bytes.
    pub captured: u32,
    /// Captured bytes, up to [`FRAME_LIMIT`](crate::FRAME_LIMIT).
    pub data: &'a [u8],
    /// Link-layer flags. The lowest two bits are the direction.
    pub flags: Option<u32>,
    pub(crate) options: Options<'a>,
}

impl<'a> CapturedPacket<'a> {
    /// Returns the comments in file order.
    pub fn comments(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        self.options
            .clone()
            .filter(|(code, _)| *code == COMMENT)
            .map(|(_, text)| String::from_utf8_lossy(text))
    }
}

const SECOND: u64 = 1_000_000_000;

/// Interface description of a capture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interface {
    pub(crate) link_type: LinkType,
    /// Time units per second.
    pub(crate) resolution: u128,
    /// Offset added to every time, in seconds.
    pub(crate) offset: i64,
    /// Maximum number of captured bytes per frame, or none if unlimited.
    pub(crate) snap_length: Option<usize>,
}

impl Interface {
    /// Converts a time in units to nanoseconds since 1970. Returns none if the result is negative or exceeds 64 bits.
    pub(crate) fn time(&self, units: u64) -> Option<u64> {
        // Common units need no 128-bit division.
        if let Some(nanoseconds) = self.nanoseconds().filter(|_| self.offset == 0) {
            return units.checked_mul(nanoseconds);
        }
        let units = u128::from(units);
        let seconds = (units / self.resolution).checked_add_signed(self.offset.into())?;
        let second = u128::from(SECOND);
        // If the product overflows, the units are far below a nanosecond, so the fraction is 0.
        let part = (units % self.resolution).checked_mul(second).unwrap_or_default() / self.resolution;
        u64::try_from(seconds.checked_mul(second)? + part).ok()
    }

    /// Returns the number of nanoseconds per unit, if this number is an integer.
    fn nanoseconds(&self) -> Option<u64> {
        let resolution = u64::try_from(self.resolution).ok().filter(|resolution| *resolution > 0)?;
        SECOND.is_multiple_of(resolution).then(|| SECOND / resolution)
    }
}
