//! `tapstack completions`.

use std::process::ExitCode;

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::failure::{Failure, say};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapstack completions bash > ~/.local/share/bash-completion/completions/tapstack
  tapstack completions zsh > \"${fpath[1]}/_tapstack\"
  tapstack completions fish > ~/.config/fish/completions/tapstack.fish
  source <(tapstack completions bash)               for this shell alone

Exit codes: 0 printed, 2 usage, or it could not be written.")]
pub(crate) struct CompletionsArguments {
    /// The shell
    pub(crate) shell: For,
}

/// The shells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum For {
    Bash,
    Zsh,
    Fish,
}

pub(crate) fn run(arguments: &CompletionsArguments) -> Result<ExitCode, Failure> {
    say(script(arguments.shell).trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// The whole script.
fn script(shell: For) -> String {
    let shell = match shell {
        For::Bash => Shell::Bash,
        For::Zsh => Shell::Zsh,
        For::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "tapstack", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests;
