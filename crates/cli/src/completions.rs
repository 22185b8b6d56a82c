//! `tapstack completions`: scripts that request candidates from this program, and the candidates.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::CompleteEnv;
use clap_complete::env::{Bash, EnvCompleter, Fish, Shells, Zsh};

use crate::arguments::{CommandLine, CompletionsArguments, SupportedShell};
use crate::failure::{Failure, print_line};

/// The environment variable with which a script requests candidates. The value of the variable is the shell.
const VARIABLE: &str = "TAPSTACK_COMPLETE";
/// The name of the program, which a shell finds in its PATH.
const PROGRAM: &str = "tapstack";

pub(crate) fn run(arguments: &CompletionsArguments) -> Result<ExitCode, Failure> {
    print_line(script(arguments.shell)?.trim())?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the script that registers the completions of a shell.
fn script(shell: SupportedShell) -> Result<String, Failure> {
    let completer: &dyn EnvCompleter = match shell {
        SupportedShell::Bash => &Bash,
        SupportedShell::Zsh => &Zsh,
        SupportedShell::Fish => &Fish,
    };
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)?;
    Ok(String::from_utf8_lossy(&script).into_owned())
}

/// Prints candidates if a script of [`run`] requests them. Returns whether a script requested candidates.
pub(crate) fn print_candidates() -> Result<bool, Failure> {
    let request =
        CompleteEnv::with_factory(CommandLine::command).var(VARIABLE).shells(Shells(&[&Bash, &Zsh, &Fish]));
    Ok(request.try_complete(std::env::args_os(), std::env::current_dir().ok().as_deref())?)
}

#[cfg(test)]
mod tests;
