//! The content of an HTTP server.

use std::fmt;

use super::path::RequestPath;

/// Supplies the content of an HTTP server, such as the files of a directory.
pub trait Content: fmt::Debug + Send {
    /// Returns the content with a path.
    fn open(&mut self, path: &RequestPath) -> Result<Found, ContentError>;
}

/// Bytes with a known length.
pub trait Resource: fmt::Debug + Send {
    /// Returns the number of bytes.
    fn length(&self) -> u64;

    /// Returns the media type, such as `text/html; charset=utf-8`.
    fn media_type(&self) -> &'static str;

    /// Returns a text that changes with the bytes, from the characters of RFC 9110 8.8.3 without quotes and commas.
    fn tag(&self) -> Option<&str>;

    /// Reads bytes from a position on. Returns 0 bytes only at the end.
    fn read(&mut self, position: u64, buffer: &mut [u8]) -> Result<usize, ContentError>;
}

/// What a path names.
#[derive(Debug)]
pub enum Found {
    /// Bytes.
    Resource(Box<dyn Resource>),
    /// A directory, but the path has no slash at its end.
    Directory,
    /// The entries of a directory.
    Listing(Listing),
}

/// The entries of a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Some entries, or all.
    pub entries: Vec<DirectoryEntry>,
    /// Whether the directory has more entries.
    pub has_more: bool,
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirectoryEntry {
    /// The name, without a slash. A name need not be UTF-8.
    pub name: Vec<u8>,
    /// Whether the entry is a directory.
    pub is_directory: bool,
}

/// Reason for which a path has no content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentError {
    /// No content has this path.
    NotFound,
    /// The server may not read the content.
    Forbidden,
    /// A limit is reached.
    Busy,
    /// The content cannot be read.
    Failed,
}
