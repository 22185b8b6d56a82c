//! `tapstack decode`: a capture in words.

pub(crate) mod arguments;
mod explain;
pub(crate) mod headers;
mod json;
pub(crate) mod layout;
mod standard;
mod words;

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::capture::{ReadError, Reader, Record};
use crate::describe::fault::{Fault, faults};
use crate::failure::Failure;
use crate::output::standard_output;
use crate::privileges;
use arguments::DecodeArguments;

/// How much is written at a time, in octets.
const CHUNK: usize = 64 * 1_024;

/// Prints every frame of a capture, and says whether some were bad.
pub(crate) fn run(arguments: &DecodeArguments) -> Result<ExitCode, Failure> {
    if ![0, 1, DecodeArguments::DATE].contains(&arguments.no_time) {
        return Err(Failure::new("-t is supported once, for no times, and four times, for the date too"));
    }
    let name = arguments.file.display();
    let failed = |error: ReadError| Failure::new(format!("cannot read {name}: {error}"));
    let from = open(&arguments.file).map_err(|error| failed(error.into()))?;
    privileges::drop_all()?;
    // What is fed frame by frame is shown frame by frame.
    let is_live = !from.metadata().is_ok_and(|metadata| metadata.is_file());
    let mut reader = Reader::new(from).map_err(failed)?;
    let mut out = BufWriter::with_capacity(CHUNK, standard_output()?);
    let (mut some_are_bad, mut outcome) = (false, Ok(()));
    let read = print(&mut reader, arguments, |line, is_bad| {
        some_are_bad |= is_bad;
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

/// How [`decode_capture`] prints a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In one line.
    Words,
    /// With the link header, all fields and all octets: `-e -v -xx`.
    AllWords,
    /// As an object: `--json`.
    Json,
    /// In its RFC's diagram: `--explain`.
    Explained,
}

/// Shows `each` frame of a capture as `tapstack decode` prints it, until one is not wanted any more.
///
/// # Errors
///
/// Why the capture cannot be read to its end, in words; what could be read was shown.
pub fn decode_capture(
    capture: impl Read + Send,
    form: Form,
    mut each: impl FnMut(&str) -> bool,
) -> Result<(), String> {
    let is_all = form == Form::AllWords;
    let arguments = DecodeArguments {
        file: PathBuf::new(),
        link_header: is_all,
        verbose: u8::from(is_all),
        octets: if is_all { 2 } else { 0 },
        no_time: 0,
        json: form == Form::Json,
        explain: form == Form::Explained,
    };
    let mut reader = Reader::new(capture).map_err(|error| error.to_string())?;
    print(&mut reader, &arguments, |line, _| each(line)).map_err(|error| error.to_string())
}

/// Shows `each` frame as it is printed, and whether it is bad, until one is not wanted any more.
fn print(
    reader: &mut Reader<'_>,
    arguments: &DecodeArguments,
    mut each: impl FnMut(&str, bool) -> bool,
) -> Result<(), ReadError> {
    let mut line = String::new();
    reader.read(|record| {
        let faults = faults(record.octets, record.length);
        line.clear();
        tell(&mut line, arguments, record, &faults);
        each(&line, faults.iter().any(|fault| !fault.is_warning))
    })
}

/// Opens a capture; `-` is standard input.
pub(crate) fn open(path: &Path) -> io::Result<File> {
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
        words::write(line, arguments, record, faults)
    };
}

#[cfg(test)]
mod tests;
