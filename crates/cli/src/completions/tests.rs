use std::ffi::OsString;

use clap_complete::engine::complete;

use super::*;

/// Returns the candidates for the last of these words.
fn candidates(words: &[&str]) -> Vec<String> {
    let words: Vec<_> = [PROGRAM].iter().chain(words).map(OsString::from).collect();
    let last = words.len() - 1;
    let folder = std::env::current_dir().unwrap();
    let found = complete(&mut CommandLine::command(), words, last, Some(&folder)).unwrap();
    found.iter().map(|candidate| candidate.get_value().to_string_lossy().into_owned()).collect()
}

#[test]
fn script_requests_candidates_from_program_in_each_shell() {
    for shell in [SupportedShell::Bash, SupportedShell::Zsh, SupportedShell::Fish] {
        let script = script(shell).unwrap();
        assert!(script.contains(VARIABLE) && script.contains(PROGRAM), "{script}");
    }
}

#[test]
fn completion_offers_commands_and_options() {
    let commands = candidates(&[""]);
    for name in ["host", "arping", "scan", "watch", "tap", "doctor"] {
        assert!(commands.contains(&name.to_owned()), "{commands:?}");
    }
    assert_eq!(candidates(&["tap", "de"]), ["delete"]);
    assert_eq!(candidates(&["host", "--link"]), ["--link-local"]);
    assert_eq!(candidates(&["host", "--io", ""]), ["auto", "offload", "ring", "read-write"]);
}

#[test]
fn completion_of_man_offers_commands() {
    assert!(candidates(&["man", ""]).contains(&"arping".to_owned()));
}

#[test]
fn completion_offers_no_files_where_other_values_are_expected() {
    let files = |words: &[&str]| candidates(words).into_iter().filter(|name| name.contains("Cargo")).count();
    for words in [
        &["host", "--tap", ""][..],
        &["host", "-I", ""],
        &["host", "--address", ""],
        &["ping", "-c", ""],
        &["tap", "delete", ""],
        &["tap", "create", "tap0", "--user", ""],
        &["decode", ""],
        &["man", ""],
        &["scan", ""],
    ] {
        assert_eq!(files(words), 0, "{words:?}");
    }
    assert!(files(&["scan", "--file", ""]) > 0);
}
