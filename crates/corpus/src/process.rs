//! Running programs and their piped output.

use std::io::{BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

/// Returns the messages of a program without tshark's warning that it runs as root.
fn without_advice(errors: &str) -> String {
    let is_advice = |line: &&str| line.starts_with("Running as user \"root\"");
    errors.lines().filter(|line| !is_advice(line)).fold(String::new(), |text, line| text + line + "\n")
}

/// Exit code and error messages of a program.
pub(crate) struct ProgramEnd {
    pub(crate) code: Option<i32>,
    pub(crate) errors: String,
}

/// A running program with a piped output.
pub(crate) struct RunningProgram(Child);

impl RunningProgram {
    pub(crate) fn start(command: &mut Command) -> Result<RunningProgram, String> {
        let name = command.get_program().display().to_string();
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        child.map(RunningProgram).map_err(|error| format!("cannot run {name}: {error}"))
    }

    pub(crate) fn output(&mut self) -> Result<BufReader<ChildStdout>, String> {
        self.0.stdout.take().map(BufReader::new).ok_or_else(|| "standard output is not piped".to_owned())
    }

    pub(crate) fn end(mut self) -> Result<ProgramEnd, String> {
        let mut errors = String::new();
        if let Some(mut from) = self.0.stderr.take() {
            from.read_to_string(&mut errors).map_err(|error| error.to_string())?;
        }
        let errors = without_advice(&errors);
        let status = self.0.wait().map_err(|error| error.to_string())?;
        Ok(ProgramEnd { code: status.code(), errors })
    }
}

#[cfg(test)]
mod tests;
