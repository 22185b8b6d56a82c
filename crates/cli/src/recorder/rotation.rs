//! Rotation of a capture over several files.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tap::Instant;

/// Limits of a file of a capture.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FileLimits {
    /// Maximum size, in bytes. A file has at least one frame.
    pub(super) size: Option<u64>,
    /// Maximum time from the first frame of the file to a later frame.
    pub(super) time: Option<Duration>,
}

/// Rotation over files that were opened at the start, so that rotating requires no privileges.
#[derive(Debug)]
pub(super) struct Rotation<W> {
    /// The other files; the next one first.
    pub(super) files: VecDeque<W>,
    limits: FileLimits,
    /// Number of bytes in the current file.
    size: u64,
    /// Time of the first frame in the current file.
    began: Option<Instant>,
}

impl<W> Rotation<W> {
    pub(super) fn new(files: VecDeque<W>, limits: FileLimits) -> Rotation<W> {
        Rotation { files, limits, size: 0, began: None }
    }

    /// Returns whether a frame at this time, with a block of about this length, belongs into the next file.
    pub(super) fn is_due(&self, now: Instant, length: usize) -> bool {
        let Some(began) = self.began else { return false };
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        self.limits.size.is_some_and(|limit| self.size.saturating_add(length) > limit)
            || self.limits.time.is_some_and(|limit| now.since(began) >= limit)
    }

    /// Counts a block of the current file, which belongs to a frame at this time or to no frame.
    pub(super) fn count(&mut self, now: Option<Instant>, length: usize) {
        self.size = self.size.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        self.began = self.began.or(now);
    }

    /// Starts the next file.
    pub(super) fn restart(&mut self) {
        (self.size, self.began) = (0, None);
    }
}

/// Returns the path of a file of a ring: `arp-0.pcapng` for `arp.pcapng`. The numbers of a ring have the same width.
pub(super) fn numbered(path: &Path, number: u16, count: u16) -> PathBuf {
    let width = count.saturating_sub(1).to_string().len();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{stem}-{number:0width$}");
    let name = match path.extension() {
        Some(extension) => format!("{name}.{}", extension.to_string_lossy()),
        None => name,
    };
    path.with_file_name(name)
}
