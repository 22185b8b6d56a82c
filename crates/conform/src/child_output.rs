//! What a child process prints, line by line, without waiting for ever.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// JSON objects, one a line, read as they come: the child never waits for its reader.
pub(crate) struct JsonLines(Receiver<String>);

/// Why there is no line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LineError {
    /// None came in time.
    Late,
    /// None will come any more.
    End,
    /// It is no JSON.
    Strange(String),
}

impl JsonLines {
    pub(crate) fn of(stream: impl Read + Send + 'static) -> JsonLines {
        let (sender, receiver) = channel();
        // It ends with the stream, or with whoever listens.
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        JsonLines(receiver)
    }

    /// The next line.
    pub(crate) fn next(&self, limit: Duration) -> Result<Value, LineError> {
        let line = self.0.recv_timeout(limit).map_err(|error| match error {
            RecvTimeoutError::Timeout => LineError::Late,
            RecvTimeoutError::Disconnected => LineError::End,
        })?;
        serde_json::from_str(&line).map_err(|_| LineError::Strange(line))
    }
}

impl std::fmt::Display for LineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Late => f.write_str("no line came in time"),
            Self::End => f.write_str("its output has ended"),
            Self::Strange(line) => write!(f, "it printed {line:?}"),
        }
    }
}
