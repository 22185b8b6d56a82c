//! The command line of whatever captures what passes.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::Args;

use super::Recorder;
use crate::clock::Clock;
use crate::color::Paint;
use crate::failure::Failure;
use crate::output::{standard_error, standard_output};

/// Whether what passes is captured, and where to.
#[derive(Debug, Default, Args)]
pub(crate) struct CaptureArguments {
    /// Capture every frame into this file, as pcapng with nanoseconds, and on each that arrives the decision
    /// taken; `-` is standard output, and what else is printed goes to standard error then
    #[arg(long = "pcap", value_name = "FILE")]
    path: Option<PathBuf>,
}

impl CaptureArguments {
    /// Begins the capture, if one is wanted.
    pub(crate) fn begin(&self, interface: &str, clock: Clock) -> Result<Option<Recorder<File>>, Failure> {
        let path = self.path.as_deref();
        path.map(|path| Recorder::create(path, interface, clock.origin())).transpose()
    }

    /// Where everything else is printed.
    pub(crate) fn other_output(&self) -> std::io::Result<File> {
        if self.is_standard_output() { standard_error() } else { standard_output() }
    }

    /// The colours of that.
    pub(crate) fn other_paint(&self) -> Paint {
        if self.is_standard_output() { Paint::errors() } else { Paint::output() }
    }

    /// Whether the capture is written to standard output.
    pub(crate) fn is_standard_output(&self) -> bool {
        self.path.as_deref() == Some(Path::new("-"))
    }
}
