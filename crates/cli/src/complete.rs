//! Candidates that `tapstack completions` offers: interfaces and TAPs of this machine, running hosts, and captures.

use std::path::Path;

use clap_complete::engine::{CompletionCandidate, PathCompleter};
use nix::net::if_::if_nameindex;
use tap::linux::taps;

use crate::control::hosts::running_hosts;

/// Returns the interfaces of this machine, without the loopback interface, which is not Ethernet.
pub(crate) fn interfaces() -> Vec<CompletionCandidate> {
    let interfaces =
        if_nameindex().map(|all| all.iter().map(|one| one.name().to_owned()).collect::<Vec<_>>());
    let names = interfaces.unwrap_or_default().into_iter().filter_map(|name| name.into_string().ok());
    candidates(names.filter(|name| name != "lo"))
}

/// Returns the TAPs of this machine.
pub(crate) fn taps_of_machine() -> Vec<CompletionCandidate> {
    let taps = taps().unwrap_or_default().into_iter().filter(|tap| tap.is_tap);
    candidates(taps.map(|tap| tap.name.as_str().to_owned()))
}

/// Returns the interfaces of the running hosts.
pub(crate) fn interfaces_of_hosts() -> Vec<CompletionCandidate> {
    candidates(running_hosts().unwrap_or_default().into_iter())
}

/// Returns a completer of files with `.pcap` in their name, and `-`.
pub(crate) fn captures() -> PathCompleter {
    let is_capture = |path: &Path| {
        path.is_file() && path.file_name().is_some_and(|name| name.to_string_lossy().contains(".pcap"))
    };
    PathCompleter::any().filter(is_capture).stdio()
}

/// Returns candidates with these names. Names with control characters are omitted, because a shell would print them.
fn candidates(names: impl Iterator<Item = String>) -> Vec<CompletionCandidate> {
    names.filter(|name| !name.chars().any(char::is_control)).map(CompletionCandidate::new).collect()
}
