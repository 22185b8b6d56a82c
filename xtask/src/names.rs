//! `names`: no old name of a renamed item is in the tree.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::ChoreResult;
use crate::bench::workspace_root;

/// The old names, each with the new one in a comment.
const LIST: &str = include_str!("../names.txt");
/// What is scanned, by git's pathspecs. An accepted ADR keeps the names of its time.
const FILES: &[&str] =
    &["*.rs", "*.md", "*.toml", "*.sh", "*.json", ".ci", ":!docs/adr/[0-9]*", ":!CHANGELOG.md"];

/// Words that the tree must not contain, each with its replacement.
#[derive(Debug)]
struct WordList<'a>(HashMap<&'a str, &'a str>);

impl<'a> WordList<'a> {
    /// Parses a list: one word a line, with its replacement behind a `#`. Other lines are comments or blank.
    fn parse(text: &'a str) -> Result<WordList<'a>, String> {
        let mut words = HashMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            let (word, comment) = line.split_once('#').unwrap_or((line, ""));
            let word = word.trim();
            if word.is_empty() {
                continue;
            }
            if words_of(word).ne([word]) {
                return Err(format!("line {number}: `{word}` is not one word"));
            }
            if words.insert(word, comment.trim()).is_some() {
                return Err(format!("line {number}: `{word}` is listed twice"));
            }
        }
        Ok(WordList(words))
    }

    /// Returns what is wrong with a file: a message for each listed word in it.
    fn faults(&self, path: &str, text: &str) -> Vec<String> {
        let lines = (1..).zip(text.lines());
        let words = lines.flat_map(|(number, line)| words_of(line).map(move |word| (number, word)));
        let fault = |(number, word): (usize, &str)| {
            let replacement = match *self.0.get(word)? {
                "" => "is an old name".to_owned(),
                new => format!("is now `{new}`"),
            };
            Some(format!("{path}:{number}: `{word}` {replacement}"))
        };
        words.filter_map(fault).collect()
    }
}

/// The words of a text: identifiers and numbers, as Rust delimits them.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

pub(crate) fn check() -> ChoreResult {
    let list = WordList::parse(LIST).map_err(|error| format!("xtask/names.txt: {error}"))?;
    let (mut files, mut faults) = (0, Vec::new());
    for path in tracked_files()?.split_terminator('\0') {
        // A file that is deleted but not committed is tracked too.
        let Ok(text) = std::fs::read_to_string(workspace_root().join(Path::new(path))) else { continue };
        faults.extend(list.faults(path, &text));
        files += 1;
    }
    for fault in &faults {
        eprintln!("xtask: names: {fault}");
    }
    if faults.is_empty() {
        println!("names: {files} files, none of {} old names", list.0.len());
    }
    Ok(ExitCode::from(u8::from(!faults.is_empty())))
}

/// Returns the paths of the tracked files to scan, each ended by a zero byte.
fn tracked_files() -> Result<String, String> {
    let mut git = Command::new("git");
    // CI runs as root in a folder of another user.
    git.args(["-c", "safe.directory=*", "ls-files", "-z", "--"]).args(FILES).current_dir(workspace_root());
    let output = git.output().map_err(|error| format!("cannot run git: {error}"))?;
    if !output.status.success() {
        return Err(format!("`git ls-files`: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("cannot read the list of files: {error}"))
}

#[cfg(test)]
mod tests;
