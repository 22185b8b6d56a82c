//! Capture files: pcap and pcapng read, pcapng written.
//!
//! - [`PacketReader`] returns the packets of every link type.
//! - [`FrameReader`] returns the Ethernet frames among them and counts the rest.
//! - [`mod@write`] appends the blocks of a pcapng file to a buffer.
//!
//! The crate depends on the standard library alone. A capture comes from outside: every length in it is checked before
//! use, memory is bounded by `BLOCK_LIMIT` and [`INTERFACE_LIMIT`], and no input makes a reader panic.
//!
//! A packet is never skipped silently: blocks of an unknown type, which may hold packets, are counted.
#![forbid(unsafe_code)]

mod classic;
mod error;
mod fields;
mod frames;
mod link_type;
mod packet;
mod pcapng;
mod reader;
mod source;
pub mod write;

pub use error::{Damage, Error, UnsupportedFormat};
pub use frames::{CapturedFrame, Direction, FrameReader, FrameReaderError, OmittedPackets};
pub use link_type::LinkType;
pub use packet::CapturedPacket;
pub use reader::PacketReader;

/// Longest frame that is returned whole, in bytes: libpcap's limit (`MAXIMUM_SNAPLEN`). Of a longer one the first
/// bytes are returned.
pub const FRAME_LIMIT: usize = 262_144;
/// Most bytes of one block that are in memory at a time. Of a longer one the rest is stepped over.
const BLOCK_LIMIT: usize = 1_024 * 1_024;
/// Most interfaces of one section.
pub const INTERFACE_LIMIT: usize = 65_536;

#[cfg(test)]
mod tests;
