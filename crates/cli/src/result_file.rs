//! File for the result of a command. The file keeps its earlier content until the command has a result.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::failure::Failure;
use crate::output::{Output, open_for_writing};

/// A file that [`ResultFile::commit`] writes. Until then, the text is in memory.
pub(crate) struct ResultFile {
    path: PathBuf,
    file: File,
    /// Whether the command has created the file.
    is_new: bool,
    /// A file in memory with the text.
    memory: File,
    /// The text.
    pub(crate) out: Output<File>,
}

impl ResultFile {
    /// Opens or creates the file. Symbolic links are followed.
    pub(crate) fn open(path: &Path) -> Result<ResultFile, Failure> {
        let is_new = !path.exists();
        let opened = open_for_writing(path).and_then(|file| {
            let memory = File::from(memfd_create("tapstack result", MFdFlags::MFD_CLOEXEC)?);
            let out = Output::new(memory.try_clone()?);
            Ok(ResultFile { path: path.to_owned(), file, is_new, memory, out })
        });
        opened.map_err(|error| write_failure(path, &error))
    }

    /// Replaces the content of the file by the text.
    pub(crate) fn commit(mut self) -> Result<(), Failure> {
        self.out.flush(std::time::Duration::ZERO);
        self.is_new = false;
        let failure = self.out.take_failure().map_or(Ok(()), Err);
        let written = failure.and_then(|()| {
            if self.file.metadata()?.is_file() {
                self.file.set_len(0)?;
            }
            self.memory.seek(SeekFrom::Start(0))?;
            io::copy(&mut self.memory, &mut self.file)?;
            Ok(())
        });
        written.map_err(|error| write_failure(&self.path, &error))
    }
}

impl Drop for ResultFile {
    /// Removes an empty file that the command has created, because the command has no result.
    fn drop(&mut self) {
        if self.is_new
            && let Err(error) = fs::remove_file(&self.path)
        {
            let name = self.path.display();
            Failure::new(format!("cannot remove {name}, which is empty: {error}")).print();
        }
    }
}

fn write_failure(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot write {}: {error}", path.display()))
}
