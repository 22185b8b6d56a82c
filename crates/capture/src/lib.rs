//! Reads capture files (pcap and pcapng) and writes pcapng.
//!
//! - [`PacketReader`] returns the packets of all link types.
//! - [`FrameReader`] returns the frames of the given link types and counts all other packets.
//! - [`mod@write`] appends the blocks of a pcapng file to a buffer.
//!
//! The crate depends only on the standard library.
//!
//! # Example
//!
//! ```
//! use capture::{Direction, FrameReader, LinkType, write};
//!
//! let mut file = Vec::new();
//! write::section(&mut file, "example");
//! write::interface(&mut file, LinkType::ETHERNET, "tap0");
//! let packet = write::EnhancedPacket { interface: 0, time: 0, data: &[0; 60], flags: Direction::In.flags(), comment: None };
//! write::packet(&mut file, &packet);
//!
//! FrameReader::new(&file[..], &[LinkType::ETHERNET])?.read(|frame| {
//!     assert_eq!((frame.number, frame.length, frame.direction), (1, 60, Some(Direction::In)));
//!     true
//! })?;
//! # Ok::<(), capture::FrameReaderError>(())
//! ```
//!
//! # Untrusted input
//!
//! - Every length is checked before use, and no input makes a reader panic.
//! - Memory is limited. A reader holds up to 1 MiB of a block, up to [`FRAME_LIMIT`] bytes of a frame, and up to
//!   [`INTERFACE_LIMIT`] interfaces with names of up to [`NAME_LIMIT`] bytes.
//! - No packet is skipped silently. Blocks of unknown types may contain packets, so such blocks are counted.
//!
//! # Non-features
//!
//! - The crate does not decompress files, and does not read formats other than pcap and pcapng.
//! - The crate does not write pcap.
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
pub use packet::{CapturedPacket, PacketInterface};
pub use reader::PacketReader;

/// Maximum number of bytes returned of a frame: libpcap's limit (`MAXIMUM_SNAPLEN`). Longer frames are truncated.
pub const FRAME_LIMIT: usize = 262_144;
/// Maximum number of bytes of a block in memory. The rest of a longer block is skipped.
const BLOCK_LIMIT: usize = 1_024 * 1_024;
/// Maximum length in bytes of the name of an interface. A longer name is not returned.
pub const NAME_LIMIT: usize = 64;
/// Maximum number of interfaces in a section.
pub const INTERFACE_LIMIT: usize = 65_536;

#[cfg(test)]
mod tests;
