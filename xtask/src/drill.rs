//! `drill`: runs packetdrill scripts against the TCP of tapstack.

use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use tap::linux::Namespace;
use testbed::installed::is_executable;
use testbed::launcher::{self, ProcessOutput, TempFolder};
use testbed::suite;

use crate::{ChoreResult, bench, dist};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each script runs in virtual time and in a network namespace of its own, so the sysctls that a script
sets change nothing else. crates/drill describes which sysctls have an effect, and what is not supported.

Examples:
  cargo xtask drill --packetdrill ~/packetdrill ~/scripts/tcp/close
  cargo xtask drill --packetdrill ~/packetdrill reset.pkt

Exit codes:
  0  all scripts passed
  1  a script failed
  2  the scripts cannot run, for example without packetdrill")]
pub(crate) struct DrillArguments {
    /// packetdrill program, built from <https://github.com/google/packetdrill>
    #[arg(long, value_name = "PATH")]
    packetdrill: PathBuf,
    /// Do not compare the flag PSH of sent segments. Scripts for Linux expect PSH where RFC 9293 3.9.1.2 does not
    /// require the flag
    #[arg(long)]
    ignore_push: bool,
    /// Scripts (.pkt), and directories that are searched recursively for scripts
    #[arg(required = true)]
    scripts: Vec<PathBuf>,
}

/// Arguments of packetdrill that configure the addresses: the host of crates/drill has the local address.
const ADDRESSES: [&str; 5] = [
    "--ip_version=ipv4",
    "--local_ip=192.168.0.1",
    "--gateway_ip=192.168.0.1",
    "--netmask_ip=255.255.0.0",
    "--remote_ip=192.0.2.1",
];
/// Programs that scripts call to configure a device of the kernel, which does not exist here.
const DEVICE_TOOLS: [&str; 3] = ["tc", "ethtool", "ip"];
/// Longest real time of a script.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// Result of a script: the reason if it failed.
struct ScriptResult {
    script: PathBuf,
    failure: Option<String>,
}

pub(crate) fn run(arguments: &DrillArguments) -> ChoreResult {
    if !is_executable(&arguments.packetdrill) {
        return Err(format!(
            "packetdrill is not installed at {}\nhint: build it from https://github.com/google/packetdrill, and \
             pass its path with --packetdrill",
            arguments.packetdrill.display()
        ));
    }
    let packetdrill = absolute(&arguments.packetdrill)?;
    let scripts = find_scripts(&arguments.scripts)?;
    let adapter = build()?;
    let folder = TempFolder::new(None).map_err(|error| format!("cannot create a directory: {error}"))?;
    let tools = stub_tools(folder.path())?;
    let mut results = Vec::new();
    for script in scripts {
        // Each call moves this process into another namespace.
        Namespace::enter().map_err(|error| format!("cannot create a network namespace: {error}"))?;
        let file =
            if arguments.ignore_push { copy_without_push(&script, folder.path())? } else { script.clone() };
        let mut command = Command::new(&packetdrill);
        command.args(ADDRESSES).arg(so_argument("--so_filename=", &adapter));
        if arguments.ignore_push {
            command.arg("--so_flags=ignore_push");
        }
        // Scripts name other files relative to their directory.
        command.arg(file).current_dir(script.parent().unwrap_or(Path::new("/")));
        // packetdrill reads TCP_INFO with `getsockopt` of libc.
        command.env("LD_PRELOAD", &adapter).env("PATH", &tools);
        let output = launcher::run(&mut command, &folder, TIME_LIMIT);
        let output = output.map_err(|error| format!("cannot run {}: {error}", packetdrill.display()))?;
        let failure = failure(&output);
        results.push(ScriptResult { script, failure });
    }
    print(&results);
    let all_passed = results.iter().all(|result| result.failure.is_none());
    Ok(if all_passed { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Builds crates/drill and returns the path of the library. The library has overflow checks.
fn build() -> Result<PathBuf, String> {
    cargo(&["build", "--quiet", "--locked"])?;
    Ok(dist::target()?.join("debug/libdrill.so"))
}

/// Runs cargo for crates/drill. The output is in the target directory of the main workspace, which has most of the
/// dependencies.
pub(crate) fn cargo(arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).current_dir(bench::workspace_root().join("crates/drill"));
    let status = command.env("CARGO_TARGET_DIR", dist::target()?).status();
    let status = status.map_err(|error| format!("cannot run cargo: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`cargo {}` failed in crates/drill", arguments.join(" ")))
    }
}

/// Returns the scripts in files and directories, in the order of the arguments and of their names.
fn find_scripts(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut scripts = Vec::new();
    for path in paths {
        if path.is_dir() {
            add_scripts_in(path, &mut scripts)?;
        } else {
            scripts.push(absolute(path)?);
        }
    }
    if scripts.is_empty() { Err("no script (.pkt) in the directories".to_owned()) } else { Ok(scripts) }
}

fn add_scripts_in(folder: &Path, scripts: &mut Vec<PathBuf>) -> Result<(), String> {
    let failed = |error| format!("cannot read {}: {error}", folder.display());
    let entries: Result<Vec<_>, _> = fs::read_dir(folder).map_err(failed)?.collect();
    let mut paths: Vec<_> = entries.map_err(failed)?.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            add_scripts_in(&path, scripts)?;
        } else if path.extension() == Some(OsStr::new("pkt")) {
            scripts.push(absolute(&path)?);
        }
    }
    Ok(())
}

fn absolute(path: &Path) -> Result<PathBuf, String> {
    path.canonicalize().map_err(|error| format!("cannot open {}: {error}", path.display()))
}

/// Creates a directory with programs that do nothing, in place of tools that configure devices. Returns a search path
/// that starts with this directory.
fn stub_tools(folder: &Path) -> Result<OsString, String> {
    let folder = folder.join("tools");
    let failed = |error| format!("cannot write to {}: {error}", folder.display());
    fs::create_dir(&folder).map_err(failed)?;
    for tool in DEVICE_TOOLS {
        let path = folder.join(tool);
        fs::write(&path, "#!/bin/sh\n").map_err(failed)?;
        fs::set_permissions(&path, Permissions::from_mode(0o755)).map_err(failed)?;
    }
    let others = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(folder.clone()).chain(std::env::split_paths(&others));
    std::env::join_paths(all).map_err(|error| format!("invalid PATH: {error}"))
}

/// Returns an argument of the form `--name=value`.
fn so_argument(name: &str, value: &Path) -> OsString {
    let mut argument = OsString::from(name);
    argument.push(value);
    argument
}

/// Writes a copy of a script that expects no PSH, and returns its path.
fn copy_without_push(script: &Path, folder: &Path) -> Result<PathBuf, String> {
    let text =
        fs::read_to_string(script).map_err(|error| format!("cannot read {}: {error}", script.display()))?;
    let copy = folder.join(script.file_name().unwrap_or_default());
    fs::write(&copy, without_push(&text))
        .map_err(|error| format!("cannot write to {}: {error}", copy.display()))?;
    Ok(copy)
}

/// Returns a script without the flag PSH in the segments that the host sends.
fn without_push(script: &str) -> String {
    script.split_inclusive('\n').map(line_without_push).collect()
}

/// Returns a line without the flag PSH, if the line is a segment that the host sends: a time, `>` and the flags.
fn line_without_push(line: &str) -> String {
    let is_flag = |letter: char| "SFRPUEWCA.01234567".contains(letter);
    let Some((time, segment)) = line.split_once('>') else { return line.to_owned() };
    let is_time = |letter: char| letter.is_ascii_digit() || "+.~* \t".contains(letter);
    let mut rest = segment.trim_start();
    // The field ECN of the IP header precedes the flags.
    if let Some((_, after)) = rest.strip_prefix('[').and_then(|field| field.split_once(']')) {
        rest = after.trim_start();
    }
    let (space, flags) = segment.split_at(segment.len() - rest.len());
    let end = flags.find(|letter| !is_flag(letter)).unwrap_or(flags.len());
    let (flags, rest) = flags.split_at(end);
    if time.chars().all(is_time) && rest.starts_with(char::is_whitespace) {
        format!("{time}>{space}{}{rest}", flags.replace('P', ""))
    } else {
        line.to_owned()
    }
}

/// Returns why a script failed.
fn failure(output: &ProcessOutput) -> Option<String> {
    let Some(status) = output.status else {
        return Some(format!("no end after {} seconds", TIME_LIMIT.as_secs()));
    };
    if status.success() {
        return None;
    }
    // Tools that a script calls write to standard error too.
    let errors = || output.errors.lines().filter(|line| !line.trim().is_empty());
    let last = errors().next_back().map(str::trim);
    // The reason of an error in Python is the assertion that failed.
    let assertion = errors().find(|line| line.starts_with("AssertionError"));
    let in_script = errors().find_map(|line| line.split_once(".pkt:")).map(|(_, reason)| {
        let assertion = assertion.map(|assertion| format!(": {assertion}"));
        format!("line {reason}{}", assertion.unwrap_or_default())
    });
    Some(in_script.or(last.map(str::to_owned)).unwrap_or_else(|| status.to_string()))
}

/// Prints a table of the scripts, and the totals.
fn print(results: &[ScriptResult]) {
    let mut lines = Vec::new();
    for result in results {
        let verdict = if result.failure.is_some() { "FAIL" } else { "pass" };
        lines.push(format!("{verdict}  {}\n", result.script.display()));
        lines.extend(result.failure.iter().map(|failure| format!("      {failure}\n")));
    }
    let passed = results.iter().filter(|result| result.failure.is_none()).count();
    lines.push(format!("{passed} of {} scripts passed\n", results.len()));
    suite::print(&lines.concat());
}

#[cfg(test)]
mod tests;
