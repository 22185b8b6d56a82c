//! `tapstack decode`: a capture in words.

pub(crate) mod arguments;
mod explain;
mod fault;
mod headers;
mod json;
mod layout;
mod standard;
mod words;

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;

use crate::capture::{ReadError, Reader, Record};
use crate::failure::Failure;
use crate::output::standard_output;
use arguments::DecodeArguments;
use fault::{Fault, faults};

/// How much is written at a time, in octets.
const CHUNK: usize = 64 * 1_024;

/// Prints every frame of a capture, and says whether some were bad.
pub(crate) fn run(arguments: &DecodeArguments) -> Result<ExitCode, Failure> {
    let name = arguments.file.display();
    let failed = |error: ReadError| Failure::new(format!("cannot read {name}: {error}"));
    let from = open(&arguments.file).map_err(|error| failed(ReadError::Io(error)))?;
    // What is fed frame by frame is shown frame by frame.
    let is_live = !from.metadata().is_ok_and(|metadata| metadata.is_file());
    let mut reader = Reader::new(from).map_err(failed)?;
    let mut out = BufWriter::with_capacity(CHUNK, standard_output()?);
    let (mut some_are_bad, mut outcome) = (false, Ok(()));
    let mut line = String::new();
    let read = reader.read(|record| {
        let faults = faults(record.octets, record.is_cut());
        some_are_bad |= !faults.is_empty();
        line.clear();
        tell(&mut line, arguments, record, &faults);
        outcome = out.write_all(line.as_bytes());
        if is_live && outcome.is_ok() {
            outcome = out.flush();
        }
        outcome.is_ok()
    });
    match outcome.and_then(|()| out.flush()) {
        // A reader that went away had enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            return Err(Failure::new(format!("cannot write to standard output: {error}")));
        }
        _ => {}
    }
    read.map_err(failed)?;
    Ok(ExitCode::from(u8::from(some_are_bad)))
}

fn open(path: &Path) -> io::Result<File> {
    if path == Path::new("-") {
        return Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?));
    }
    File::open(path)
}

/// Tells of one frame, as it was asked for.
fn tell(line: &mut String, arguments: &DecodeArguments, record: &Record<'_>, faults: &[Fault]) {
    // Writing to a String does not fail.
    let _ = if arguments.json {
        json::write(line, record, faults)
    } else if arguments.explain {
        explain::write(line, record, faults)
    } else {
        words::write(line, arguments, record)
    };
}

#[cfg(test)]
mod tests;
