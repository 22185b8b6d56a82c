//! Capture file formats: pcap and pcapng, read and written.
//!
//! The folder uses the standard library alone, so that it can become a crate as it stands. A capture comes from
//! outside: every length in it is checked before use, memory is bounded by [`BLOCK_LIMIT`] and
//! [`INTERFACE_LIMIT`], and nothing in it makes the reader panic.
//!
//! A packet is never skipped silently. [`Reader::next`] returns packets of every link type, and what it cannot return
//! (blocks of an unknown type) is counted.

mod classic;
mod error;
mod interface;
mod link_type;
mod options;
mod order;
mod packet;
mod pcapng;
mod reader;
mod source;
pub(crate) mod write;

pub(crate) use error::Error;
pub(crate) use link_type::LinkType;
pub(crate) use packet::Packet;
pub(crate) use reader::Reader;

/// Longest frame that is returned whole, in bytes: libpcap's limit (`MAXIMUM_SNAPLEN`). Of a longer one the first
/// bytes are returned.
pub(crate) const FRAME_LIMIT: usize = 262_144;
/// Most bytes of one block that are in memory at a time. Of a longer one the rest is stepped over.
const BLOCK_LIMIT: usize = 1_024 * 1_024;
/// Most interfaces of one section.
pub(crate) const INTERFACE_LIMIT: usize = 65_536;

#[cfg(test)]
pub(crate) mod tests;
