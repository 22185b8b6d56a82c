//! Paths of optional tools.

use std::error::Error;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, eaccess};

/// Error that a tool is not installed. A test that returns this error is ignored.
#[derive(Debug)]
pub struct NotInstalled(String);

impl fmt::Display for NotInstalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not installed", self.0)
    }
}

impl Error for NotInstalled {}

/// Returns the path of a tool: the first executable file with this name on `PATH`.
pub fn installed(tool: &str) -> Result<PathBuf, NotInstalled> {
    find(tool, &std::env::var_os("PATH").unwrap_or_default())
}

/// Returns the path of a tool on a search path. A name with a slash is a path.
pub fn find(tool: &str, search_path: &OsStr) -> Result<PathBuf, NotInstalled> {
    // An empty path means the working directory, which contains no installed tools.
    let folders = std::env::split_paths(search_path).filter(|folder| !folder.as_os_str().is_empty());
    let paths: Vec<_> = if tool.contains('/') {
        vec![PathBuf::from(tool)]
    } else {
        folders.map(|folder| folder.join(tool)).collect()
    };
    paths.into_iter().find(|path| is_executable(path)).ok_or_else(|| NotInstalled(tool.to_owned()))
}

/// Returns whether this user may execute a file, which requires access to its directory.
pub fn is_executable(path: &Path) -> bool {
    path.is_file() && eaccess(path, AccessFlags::X_OK).is_ok()
}
