//! Reasons why a capture cannot be read.

use std::fmt;
use std::io;

use crate::{BLOCK_LIMIT, INTERFACE_LIMIT};

/// Reason why a capture cannot be read, or not any further.
#[derive(Debug)]
pub enum Error {
    /// The input failed.
    Io(io::Error),
    /// The file is empty.
    Empty,
    /// The file is in another format.
    UnsupportedFormat(UnsupportedFormat),
    /// The version is not supported.
    Version {
        /// `pcap` or `pcapng section`.
        format: &'static str,
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
    },
    /// The file ends within a header, a block or a packet.
    Truncated,
    /// A field contradicts another, or the format.
    Damaged(Damage),
}

/// Format of a file that is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnsupportedFormat {
    /// Compressed by gzip.
    Gzip,
    /// Compressed by xz.
    Xz,
    /// Compressed by zstd.
    Zstandard,
    /// Snoop capture of Solaris (RFC 1761).
    Snoop,
    /// A variant of pcap, by its name.
    Variant(&'static str),
    /// None of the above.
    Unknown,
}

/// What is wrong with a damaged capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// A section header has an invalid byte-order magic.
    ByteOrder,
    /// A block is shorter than its fields, not a multiple of four, or the two lengths of it differ.
    BlockLength,
    /// An interface description has options that are not well formed.
    InterfaceOptions,
    /// An interface description is longer than `BLOCK_LIMIT`.
    InterfaceLength,
    /// A packet claims more bytes than its block has.
    PacketLength,
    /// A packet names an interface that the section does not describe.
    NoInterface(u32),
    /// A section describes more than [`INTERFACE_LIMIT`] interfaces.
    Interfaces,
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::Io(error)
    }
}

impl From<Damage> for Error {
    fn from(damage: Damage) -> Error {
        Error::Damaged(damage)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Empty => f.write_str("the file is empty"),
            Self::UnsupportedFormat(format) => format.fmt(f),
            Self::Version { format, major, minor } => {
                write!(f, "unsupported {format} version {major}.{minor}")
            }
            Self::Truncated => f.write_str("the file ends within a packet or a header"),
            Self::Damaged(damage) => write!(f, "the file is damaged: {damage}"),
        }
    }
}

impl fmt::Display for UnsupportedFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gzip => f.write_str("gzip file; decompress it with `zcat`"),
            Self::Xz => f.write_str("xz file; decompress it with `xzcat`"),
            Self::Zstandard => f.write_str("zstd file; decompress it with `zstdcat`"),
            Self::Snoop => f.write_str("snoop file; convert it with `editcap -F pcapng`"),
            Self::Variant(name) => {
                write!(f, "unsupported pcap variant: {name}; convert it with `editcap -F pcapng`")
            }
            Self::Unknown => f.write_str("not a capture: neither pcap nor pcapng"),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByteOrder => f.write_str("section header without a byte order"),
            Self::BlockLength => f.write_str("invalid block length"),
            Self::InterfaceOptions => f.write_str("invalid options of an interface"),
            Self::InterfaceLength => write!(f, "interface description longer than {BLOCK_LIMIT} bytes"),
            Self::PacketLength => f.write_str("packet longer than its block"),
            Self::NoInterface(number) => write!(f, "packet of interface {number}, which is not described"),
            Self::Interfaces => write!(f, "more than {INTERFACE_LIMIT} interfaces in a section"),
        }
    }
}

impl std::error::Error for Error {}
