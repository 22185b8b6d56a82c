//! Errors of reading a capture.

use std::fmt;
use std::io;

use crate::{BLOCK_LIMIT, INTERFACE_LIMIT};

/// Error of reading a capture.
#[derive(Debug)]
pub enum Error {
    /// Reading the input failed.
    Io(io::Error),
    /// The file is empty.
    Empty,
    /// The format is not supported.
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
    /// The file ends within a header, block or packet.
    Truncated,
    /// A field is invalid or contradicts another field.
    Damaged(Damage),
}

/// Unsupported format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnsupportedFormat {
    /// Compressed by bzip2.
    Bzip2,
    /// Compressed by gzip.
    Gzip,
    /// Compressed by xz.
    Xz,
    /// Compressed by zstd.
    Zstandard,
    /// Snoop capture of Solaris (RFC 1761).
    Snoop,
    /// Variant of pcap, with its name.
    Variant(&'static str),
    /// Any other format.
    Unknown,
}

/// Damage of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// A section header has an invalid byte-order magic.
    ByteOrder,
    /// A block is shorter than its fields, its length is not a multiple of four, or its two lengths differ.
    BlockLength,
    /// An interface description has malformed options.
    InterfaceOptions,
    /// An interface description is longer than `BLOCK_LIMIT`.
    InterfaceLength,
    /// A packet is longer than its block.
    PacketLength,
    /// A packet refers to an interface that the section does not describe.
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
            Self::Bzip2 => f.write_str("compressed with bzip2"),
            Self::Gzip => f.write_str("compressed with gzip"),
            Self::Xz => f.write_str("compressed with xz"),
            Self::Zstandard => f.write_str("compressed with zstd"),
            Self::Snoop => f.write_str("unsupported format: snoop"),
            Self::Variant(name) => write!(f, "unsupported pcap variant: {name}"),
            Self::Unknown => f.write_str("not a pcap or pcapng file"),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByteOrder => f.write_str("section header with an invalid byte-order magic"),
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
