//! Standard input, and the data that was read from it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::arguments::NcArguments;
use super::line_ends::LineEnds;
use crate::failure::Failure;
use crate::input;

/// Maximum number of bytes of a read of standard input, as in netcat-openbsd. Over UDP, each read becomes one datagram.
const READ_LENGTH: usize = 16_384;

/// Standard input, up to its end.
#[derive(Debug)]
pub(super) struct StandardInput {
    file: Option<File>,
    line_ends: Option<LineEnds>,
}

/// Result of a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InputRead {
    Data(Vec<u8>),
    End,
    /// No data is available.
    Nothing,
}

impl StandardInput {
    /// Opens standard input, unless the arguments exclude reads of standard input.
    pub(super) fn open(arguments: &NcArguments) -> Result<StandardInput, Failure> {
        let line_ends = arguments.crlf.then(LineEnds::default);
        // A UDP socket that receives from all senders has no peer.
        if arguments.no_input || arguments.keep && arguments.udp {
            return Ok(StandardInput { file: None, line_ends });
        }
        let opened = input::open(Path::new("-"));
        let file = opened.map_err(|error| Failure::new(format!("cannot open standard input: {error}")))?;
        Ok(StandardInput { file: Some(file), line_ends })
    }

    /// Returns the file, unless its end was read.
    pub(super) fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    /// Reads once.
    pub(super) fn read(&mut self) -> Result<InputRead, Failure> {
        let Some(file) = &mut self.file else { return Ok(InputRead::Nothing) };
        let mut data = vec![0; READ_LENGTH];
        match file.read(&mut data) {
            Ok(0) => {
                self.file = None;
                Ok(InputRead::End)
            }
            Ok(length) => {
                data.truncate(length);
                Ok(InputRead::Data(match &mut self.line_ends {
                    Some(line_ends) => line_ends.translate(&data),
                    None => data,
                }))
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {
                Ok(InputRead::Nothing)
            }
            Err(error) => Err(Failure::new(format!("cannot read standard input: {error}"))),
        }
    }
}
