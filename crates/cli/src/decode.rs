//! `tapstack decode`: prints the frames of a capture in one line each, as JSON or with an explanation.

pub(crate) mod arguments;
mod explained;
mod json;
mod text;

use std::io::{BufWriter, ErrorKind, Read, Write};
use std::process::ExitCode;

use capture::{CapturedFrame, FrameReader, FrameReaderError};
use dissect::{Dissection, LINK_TYPES, TcpConversations, dissect_captured};
use schemars::{Schema, SchemaGenerator};

use crate::advice::explain;
use crate::color::Styler;
use crate::decompress::decompressed;
use crate::failure::Failure;
use crate::input::{self, open};
use crate::output::standard_output;
use crate::privileges;
use arguments::DecodeArguments;

/// Size of the output buffer, in bytes.
const BUFFER_SIZE: usize = 64 * 1_024;

/// Prints every frame of a capture. The exit code is 1 if a frame has a fault.
pub(crate) fn run(arguments: &DecodeArguments) -> Result<ExitCode, Failure> {
    if ![0, 1, DecodeArguments::DATE].contains(&arguments.no_time) {
        return Err(Failure::new("-t can be given once or four times")
            .hint("use -t for no times, -tttt for date and time"));
    }
    let name = input::name(arguments.path());
    let read_failure =
        |error: FrameReaderError| Failure::new(explain(&error).context(format!("cannot read {name}")));
    let from = open(arguments.path()).map_err(|error| read_failure(error.into()))?;
    privileges::drop_all()?;
    // Flush each frame of a live capture.
    let is_live = !from.metadata().is_ok_and(|metadata| metadata.is_file());
    let from = decompressed(from).map_err(|error| read_failure(error.into()))?;
    let mut reader = FrameReader::new(from, LINK_TYPES).map_err(read_failure)?;
    let mut out = BufWriter::with_capacity(BUFFER_SIZE, standard_output()?);
    let styler = Styler::stdout();
    let is_colored = arguments.explain && styler.is_enabled();
    let (mut has_faulty, mut outcome) = (false, Ok(()));
    let read = print(&mut reader, arguments, |line, is_faulty| {
        has_faulty |= is_faulty;
        outcome = if is_colored {
            out.write_all(explained::color(line, styler).as_bytes())
        } else {
            out.write_all(line.as_bytes())
        };
        if is_live && outcome.is_ok() {
            outcome = out.flush();
        }
        outcome.is_ok()
    });
    match outcome.and_then(|()| out.flush()) {
        // A closed pipe ends the output without an error.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            return Err(Failure::new(format!("cannot write to standard output: {error}")));
        }
        _ => {}
    }
    read.map_err(read_failure)?;
    Ok(ExitCode::from(u8::from(has_faulty)))
}

/// Format in which [`decode_capture`] prints a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeFormat {
    /// One line.
    Summary,
    /// With the link header, all fields and all bytes: `-e -v -xx`.
    Verbose,
    /// A JSON object: `--json`.
    Json,
    /// Diagrams of the headers: `--explain`.
    Explained,
}

/// Calls `each` with the output of `tapstack decode` for each frame, until `each` returns false.
///
/// # Errors
///
/// Returns the reason if the capture cannot be read to its end. All frames before the error were passed to `each`.
pub fn decode_capture(
    capture: impl Read + Send,
    format: DecodeFormat,
    mut each: impl FnMut(&str) -> bool,
) -> Result<(), String> {
    let is_verbose = format == DecodeFormat::Verbose;
    let arguments = DecodeArguments {
        file: None,
        read: None,
        filter: None,
        faults_only: false,
        count: None,
        numeric: 0,
        link_header: is_verbose,
        verbose: u8::from(is_verbose),
        bytes: if is_verbose { 2 } else { 0 },
        no_time: 0,
        absolute_sequence: false,
        json: format == DecodeFormat::Json,
        explain: format == DecodeFormat::Explained,
    };
    let capture = decompressed(capture).map_err(|error| error.to_string())?;
    let mut reader = FrameReader::new(capture, LINK_TYPES).map_err(|error| error.to_string())?;
    print(&mut reader, &arguments, |line, _| each(line)).map_err(|error| error.to_string())
}

/// Calls `each` with the output for each selected frame and whether it has a fault, until `each` returns false.
fn print(
    reader: &mut FrameReader<'_>,
    arguments: &DecodeArguments,
    mut each: impl FnMut(&str, bool) -> bool,
) -> Result<(), FrameReaderError> {
    let mut line = String::new();
    let mut conversations = arguments.conversations();
    let mut printed = 0;
    reader.read(|frame| {
        let dissection = dissect_captured(frame.link_type, frame.bytes, frame.length);
        let is_faulty = dissection.is_faulty();
        let is_selected = arguments.filter.as_ref().is_none_or(|filter| filter.matches(&dissection));
        if !is_selected || (arguments.faults_only && !is_faulty) {
            return true;
        }
        line.clear();
        if arguments.explain && printed > 0 {
            line.push('\n');
        }
        write_frame(&mut line, arguments, frame, &dissection, &mut conversations);
        printed += 1;
        each(&line, is_faulty) && arguments.count.is_none_or(|count| printed < count.get())
    })
}

impl DecodeArguments {
    /// Returns the state from which the sequence numbers of a summary count.
    fn conversations(&self) -> TcpConversations {
        if self.absolute_sequence { TcpConversations::absolute() } else { TcpConversations::default() }
    }
}

/// Writes one frame in the format that the arguments select.
fn write_frame(
    text: &mut String,
    arguments: &DecodeArguments,
    frame: &CapturedFrame<'_>,
    dissection: &Dissection<'_>,
    conversations: &mut TcpConversations,
) {
    // Writing to a String does not fail.
    let _ = if arguments.json {
        json::write(text, frame, dissection)
    } else if arguments.explain {
        explained::write(text, frame, dissection, conversations)
    } else {
        text::write(text, arguments, frame, dissection, conversations)
    };
}

/// Returns the schema of `tapstack decode --json`.
pub(crate) fn schema(generator: &mut SchemaGenerator) -> Schema {
    json::schema(generator)
}

#[cfg(test)]
mod tests;
