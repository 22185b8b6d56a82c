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
    /// The file without symbolic links, if the command has created the file.
    created: Option<PathBuf>,
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
            let created = is_new.then(|| fs::canonicalize(path)).transpose()?;
            Ok(ResultFile { path: path.to_owned(), file, created, memory, out })
        });
        opened.map_err(|error| write_failure(path, &error))
    }

    /// Replaces the content of the file by the text.
    pub(crate) fn commit(mut self) -> Result<(), Failure> {
        self.out.flush(std::time::Duration::ZERO);
        self.created = None;
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
        if let Some(path) = &self.created
            && let Err(error) = fs::remove_file(path)
        {
            let name = self.path.display();
            Failure::new(format!("cannot remove {name}, which is empty: {error}")).print();
        }
    }
}

fn write_failure(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbolic_link_to_absent_file_stays_when_command_has_no_result() {
        let folder = std::env::temp_dir().join(format!("tapstack-result-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (link, target) = (folder.join("link"), folder.join("target"));
        std::os::unix::fs::symlink(&target, &link).unwrap();
        drop(ResultFile::open(&link).unwrap());
        assert!(link.is_symlink(), "the link was removed");
        assert!(!target.exists(), "an empty file is left");
        let mut file = ResultFile::open(&link).unwrap();
        file.out.line("a result");
        file.commit().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "a result\n");
        fs::remove_dir_all(&folder).unwrap();
    }
}
