//! A packet of a capture.

use std::borrow::Cow;

use super::link_type::LinkType;
use super::options::Options;

/// Code of a comment, of which there may be several.
const COMMENT: u16 = 1;

/// One packet, and what the capture says about it.
#[derive(Clone, Debug)]
pub(crate) struct Packet<'a> {
    /// Place among all packets of the capture, from 1 on.
    pub(crate) number: u64,
    pub(crate) link_type: LinkType,
    /// When it was captured, in nanoseconds since 1970 in UTC, if that is known.
    pub(crate) time: Option<u64>,
    /// Length on the wire, in bytes: never less than `captured`.
    pub(crate) length: u32,
    /// Length in the capture, in bytes.
    pub(crate) captured: u32,
    /// The captured bytes, the first [`FRAME_LIMIT`](super::FRAME_LIMIT) at most.
    pub(crate) data: &'a [u8],
    /// Link-layer flags, of which the lowest two bits are the direction.
    pub(crate) flags: Option<u32>,
    pub(super) options: Options<'a>,
}

impl<'a> Packet<'a> {
    /// Returns the comments in their order.
    pub(crate) fn comments(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        self.options
            .clone()
            .filter(|(code, _)| *code == COMMENT)
            .map(|(_, text)| String::from_utf8_lossy(text))
    }
}
