//! `dist`: writes the binary, its completions and its manual pages to a directory.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::{ChoreResult, bench};

#[derive(Debug, clap::Args)]
pub(crate) struct DistArguments {
    /// Output directory [default: target/dist]
    #[arg(long, value_name = "DIRECTORY")]
    to: Option<PathBuf>,
    /// Binary to package [default: the stripped release binary, built first]
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
}

/// The name of the binary.
const NAME: &str = "tapstack";
/// The file with the SHA-256 sums of the other files.
const SUMS: &str = "SHA256SUMS";
/// The shells, with the names of their completion files.
const SHELLS: [(&str, &str); 3] =
    [("bash", "tapstack.bash"), ("zsh", "_tapstack"), ("fish", "tapstack.fish")];

pub(crate) fn run(arguments: &DistArguments) -> ChoreResult {
    let folder = match &arguments.to {
        Some(folder) => folder.clone(),
        None => target()?.join("dist"),
    };
    let built = match &arguments.program {
        Some(path) => path.clone(),
        None => build("shipped", "shipped")?,
    };
    fs::create_dir_all(&folder).map_err(failed("create", &folder))?;
    let program = folder.join(NAME);
    fs::copy(&built, &program).map_err(failed("copy", &built))?;
    let mut files = vec![NAME.to_owned()];
    files.extend(completions(&program, &folder)?);
    files.extend(pages(&program, &folder)?);
    let sums = output(Command::new("sha256sum").arg("--").args(&files).current_dir(&folder))?;
    write(&folder.join(SUMS), &sums)?;
    println!("wrote {} files and {SUMS} to {}", files.len(), folder.display());
    Ok(ExitCode::SUCCESS)
}

/// Returns cargo's target directory.
pub(crate) fn target() -> Result<PathBuf, String> {
    let text = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: serde_json::Value =
        serde_json::from_slice(&text).map_err(|error| format!("cannot read cargo's metadata: {error}"))?;
    let target = metadata
        .get("target_directory")
        .and_then(|path| path.as_str())
        .ok_or("no target directory in cargo's metadata")?;
    Ok(PathBuf::from(target))
}

/// Builds `tapstack` with a profile, and returns its path. `folder` is the name of the profile's directory in the
/// target directory.
pub(crate) fn build(profile: &str, folder: &str) -> Result<PathBuf, String> {
    let status = cargo().args(["build", "--locked", "--package", "cli", "--profile", profile]).status();
    let status = status.map_err(|error| format!("cannot run cargo: {error}"))?;
    if status.success() {
        Ok(target()?.join(folder).join(NAME))
    } else {
        Err("`cargo build` failed".to_owned())
    }
}

fn cargo() -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(bench::workspace_root());
    command
}

/// Writes the completions and returns the names of their files.
fn completions(program: &Path, folder: &Path) -> Result<Vec<String>, String> {
    let mut files = Vec::new();
    for (shell, name) in SHELLS {
        write(&folder.join(name), &output(Command::new(program).args(["completions", shell]))?)?;
        files.push(name.to_owned());
    }
    Ok(files)
}

/// Writes the manual pages and returns the names of their files.
fn pages(program: &Path, folder: &Path) -> Result<Vec<String>, String> {
    let list = output(Command::new(program).args(["man", "--list"]))?;
    let mut files = Vec::new();
    for line in String::from_utf8_lossy(&list).lines() {
        let (name, words) =
            line.split_once('\t').ok_or_else(|| format!("unexpected line of `man --list`: `{line}`"))?;
        let page = output(Command::new(program).arg("man").args(words.split_whitespace()))?;
        write(&folder.join(name), &page)?;
        files.push(name.to_owned());
    }
    Ok(files)
}

/// Runs a program and returns its standard output. Returns an error if the program fails.
fn output(command: &mut Command) -> Result<Vec<u8>, String> {
    let name = Path::new(command.get_program()).file_name().map(OsStr::to_owned).unwrap_or_default();
    let name = name.display();
    let output = command.output().map_err(|error| format!("cannot run {name}: {error}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{name} failed, {}: {}", output.status, errors.trim()));
    }
    Ok(output.stdout)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(failed("write", path))
}

fn failed(what: &str, path: &Path) -> impl FnOnce(std::io::Error) -> String {
    let message = format!("cannot {what} {}", path.display());
    move |error| format!("{message}: {error}")
}
