//! `tapstack completions`.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::arguments::{CommandLine, CompletionsArguments, SupportedShell};
use crate::failure::{Failure, print_line};

pub(crate) fn run(arguments: &CompletionsArguments) -> Result<ExitCode, Failure> {
    print_line(script(arguments.shell).trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the completion script of a shell.
fn script(shell: SupportedShell) -> String {
    let shell = match shell {
        SupportedShell::Bash => Shell::Bash,
        SupportedShell::Zsh => Shell::Zsh,
        SupportedShell::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), "tapstack", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests;
