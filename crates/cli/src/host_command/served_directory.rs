//! The directory that `--serve http=DIR` serves.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use services::http::{Content, ContentError, DirectoryEntry, Found, Listing, RequestPath, Resource};

use crate::failure::Failure;

/// A directory and the files that clients read.
#[derive(Debug)]
pub(super) struct ServedDirectory {
    root: OwnedFd,
    /// The open files by their tags. Clients that read one file share it.
    files: BTreeMap<String, Weak<OpenFile>>,
}

/// A regular file.
#[derive(Debug)]
struct OpenFile {
    file: File,
    length: u64,
    tag: String,
}

/// A file with the media type of its name.
#[derive(Clone, Debug)]
struct ServedFile {
    file: Arc<OpenFile>,
    media_type: &'static str,
}

/// What a path names.
#[derive(Debug)]
enum Opened {
    File(Arc<OpenFile>),
    Directory(OwnedFd),
}

impl ServedDirectory {
    /// Maximum number of open files.
    const FILES: usize = 512;
    /// Maximum number of entries of a directory that a client receives.
    const ENTRIES: usize = 1_000;
    /// File that represents its directory.
    const INDEX: &'static str = "index.html";

    /// Opens a directory.
    pub(super) fn open(path: &Path) -> Result<ServedDirectory, Failure> {
        let failed = |error: &dyn std::fmt::Display| {
            Failure::new(format!("cannot serve the directory {}: {error}", path.display()))
        };
        let root = File::open(path).map_err(|error| failed(&error))?;
        let metadata = root.metadata().map_err(|error| failed(&error))?;
        if !metadata.is_dir() {
            return Err(failed(&"not a directory"));
        }
        let served = ServedDirectory { root: root.into(), files: BTreeMap::new() };
        match served.open_beneath(Path::new(".")) {
            Err(Errno::ENOSYS) => Err(failed(&"openat2 is not available").hint("use Linux 5.6 or later")),
            Err(error) => Err(failed(&error.desc())),
            Ok(_) => Ok(served),
        }
    }

    /// Opens a path below the directory. Symbolic links may not leave the directory.
    // spec: http-beneath
    fn open_beneath(&self, path: &Path) -> Result<OwnedFd, Errno> {
        // A FIFO must not block.
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
        let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS;
        openat2(&self.root, path, OpenHow::new().flags(flags).resolve(resolve))
    }

    /// Opens a file or a directory.
    fn find(&mut self, path: &Path) -> Result<Opened, ContentError> {
        let opened = self.open_beneath(path).map_err(content_error)?;
        let file = File::from(opened);
        let metadata = file.metadata().map_err(|_| ContentError::Failed)?;
        if metadata.is_dir() {
            return Ok(Opened::Directory(file.into()));
        }
        if !metadata.is_file() {
            return Err(ContentError::Forbidden);
        }
        let length = metadata.len();
        let (device, inode) = (metadata.dev(), metadata.ino());
        let (seconds, nanoseconds) = (metadata.mtime(), metadata.mtime_nsec());
        let tag = format!("{device:x}-{inode:x}-{length:x}-{seconds:x}.{nanoseconds:x}");
        if let Some(open) = self.files.get(&tag).and_then(Weak::upgrade) {
            return Ok(Opened::File(open));
        }
        // spec: http-files-bound
        if self.files.len() >= Self::FILES {
            self.files.retain(|_, file| file.strong_count() > 0);
            if self.files.len() >= Self::FILES {
                return Err(ContentError::Busy);
            }
        }
        let open = Arc::new(OpenFile { file, length, tag: tag.clone() });
        self.files.insert(tag, Arc::downgrade(&open));
        Ok(Opened::File(open))
    }
}

impl Content for ServedDirectory {
    fn open(&mut self, path: &RequestPath) -> Result<Found, ContentError> {
        let mut names: PathBuf = path.segments().iter().map(|name| OsStr::from_bytes(name)).collect();
        if names.as_os_str().is_empty() {
            names.push(".");
        }
        match self.find(&names)? {
            Opened::File(_) if path.is_directory() => Err(ContentError::NotFound),
            Opened::File(file) => Ok(served(file, &names)),
            Opened::Directory(_) if !path.is_directory() => Ok(Found::Directory),
            Opened::Directory(directory) => match self.find(&names.join(Self::INDEX)) {
                Ok(Opened::File(file)) => Ok(served(file, Path::new(Self::INDEX))),
                _ => listing(directory).map(Found::Listing),
            },
        }
    }
}

impl Resource for ServedFile {
    fn length(&self) -> u64 {
        self.file.length
    }

    fn media_type(&self) -> &'static str {
        self.media_type
    }

    fn tag(&self) -> Option<&str> {
        Some(&self.file.tag)
    }

    fn read(&mut self, position: u64, buffer: &mut [u8]) -> Result<usize, ContentError> {
        self.file.file.read_at(buffer, position).map_err(|_| ContentError::Failed)
    }
}

fn served(file: Arc<OpenFile>, path: &Path) -> Found {
    Found::Resource(Box::new(ServedFile { file, media_type: media_type(path) }))
}

/// Returns the entries of a directory, sorted by their names.
fn listing(directory: OwnedFd) -> Result<Listing, ContentError> {
    let mut directory = Dir::from_fd(directory).map_err(content_error)?;
    let mut listing = Listing::default();
    for entry in directory.iter() {
        let entry = entry.map_err(content_error)?;
        let name = entry.file_name().to_bytes();
        if matches!(name, b"." | b"..") {
            continue;
        }
        if listing.entries.len() >= ServedDirectory::ENTRIES {
            listing.has_more = true;
            break;
        }
        let is_directory = entry.file_type() == Some(Type::Directory);
        listing.entries.push(DirectoryEntry { name: name.to_vec(), is_directory });
    }
    listing.entries.sort_unstable();
    Ok(listing)
}

fn content_error(error: Errno) -> ContentError {
    match error {
        Errno::ENOENT | Errno::ENOTDIR | Errno::ENAMETOOLONG => ContentError::NotFound,
        // A path that leaves the directory has the error EXDEV, a loop of links ELOOP, and a socket ENXIO.
        Errno::EACCES | Errno::EPERM | Errno::EXDEV | Errno::ELOOP | Errno::ENXIO => ContentError::Forbidden,
        // A concurrent rename has the error EAGAIN.
        Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM | Errno::EAGAIN => ContentError::Busy,
        _ => ContentError::Failed,
    }
}

/// Returns the media type of a file name.
fn media_type(path: &Path) -> &'static str {
    let extension = path.extension().map(OsStr::to_ascii_lowercase).unwrap_or_default();
    match extension.to_str().unwrap_or_default() {
        "html" | "htm" => "text/html; charset=utf-8",
        "txt" | "md" | "log" | "conf" | "toml" | "rs" | "c" | "h" | "sh" | "py" => {
            "text/plain; charset=utf-8"
        }
        "css" => "text/css; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "xml" => "application/xml",
        "pdf" => "application/pdf",
        "wasm" => "application/wasm",
        "gz" => "application/gzip",
        "zip" => "application/zip",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "mp3" => "audio/mpeg",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests;
