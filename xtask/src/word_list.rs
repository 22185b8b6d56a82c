//! `names` and `words`: check that the tracked files contain no entry of `xtask/names.txt` and of `xtask/words.txt`.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::ChoreResult;
use crate::bench::workspace_root;

/// Old names of renamed items: whole identifiers, case-sensitive.
const NAMES: &str = include_str!("../names.txt");
/// Words and phrases that the style guide excludes, in prose and as parts of identifiers, in upper and lower case.
const WORDS: &str = include_str!("../words.txt");

/// Git pathspecs of the files to check for old names. Accepted ADRs and the changelog may contain old names.
const FILES_WITH_NAMES: &[&str] =
    &["*.rs", "*.md", "*.toml", "*.sh", "*.json", ".ci", ":!docs/adr/[0-9]*", ":!CHANGELOG.md"];
/// Git pathspecs of the files to check for words.
const FILES_WITH_WORDS: &[&str] = &["*.rs", "*.md", "*.toml", "*.sh", "*.json", "*.yml", ".ci"];

/// Comments that start and end a block that is not checked for words, such as the recorded output of another program.
const FENCE: [&str; 2] = ["words: off", "words: on"];
/// Names of items of other libraries, which are not checked.
const FOREIGN_NAMES: &[&str] = &[
    ".octets()",
    "::octets",
    "application/octet-stream",
    "netlink_packet_route::neighbour",
    "GetNeighbour",
    "NeighbourAddress",
    "NeighbourAttribute",
    "NeighbourHeader",
    "NeighbourMessage",
    "NeighbourState",
    "NewNeighbour",
];
/// Longest quotation of a standard, in bytes.
const MAX_QUOTATION: usize = 1_500;

/// Words and phrases that the files must not contain, each with its replacement.
#[derive(Debug)]
struct WordList<'a> {
    /// The remaining words and the replacement of each entry, by the first word of the entry.
    entries: HashMap<&'a str, Vec<(Vec<&'a str>, &'a str)>>,
    count: usize,
}

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    line: usize,
    text: String,
    /// Whether only blanks, line breaks, comment marks or `_` separate this word from the previous word.
    continues: bool,
}

impl<'a> WordList<'a> {
    /// Parses a list with one entry per line, and its replacement after a `#`. Other lines are comments or blank.
    fn parse(text: &'a str) -> Result<WordList<'a>, String> {
        let mut list = WordList { entries: HashMap::new(), count: 0 };
        for (number, line) in (1..).zip(text.lines()) {
            let (entry, comment) = line.split_once('#').unwrap_or((line, ""));
            let mut words = entry.split_whitespace();
            let Some(first) = words.next() else { continue };
            let (rest, entries) = (words.collect::<Vec<_>>(), list.entries.entry(first).or_default());
            if entries.iter().any(|(known, _)| *known == rest) {
                return Err(format!("line {number}: `{}` is listed twice", entry.trim()));
            }
            entries.push((rest, comment.trim()));
            list.count += 1;
        }
        Ok(list)
    }

    /// Returns a message for each entry of the list in the words of a file.
    fn faults(&self, path: &str, words: &[Word]) -> Vec<String> {
        let mut faults = Vec::new();
        for (place, first) in words.iter().enumerate() {
            let following = words.get(place + 1..).unwrap_or_default();
            for (rest, replacement) in self.entries.get(first.text.as_str()).into_iter().flatten() {
                let same = |(word, rest): (&Word, &&str)| word.continues && word.text == **rest;
                if following.len() < rest.len() || !following.iter().zip(rest).all(same) {
                    continue;
                }
                let entry = std::iter::once(&first.text.as_str()).chain(rest).copied().collect::<Vec<_>>();
                let advice =
                    if replacement.is_empty() { String::new() } else { format!(": write `{replacement}`") };
                faults.push(format!("{path}:{}: `{}`{advice}", first.line, entry.join(" ")));
            }
        }
        faults
    }
}

/// Returns the identifiers and numbers of a text, delimited as in Rust.
fn identifiers(text: &str) -> Vec<Word> {
    let lines = (1..).zip(text.lines());
    let split = |line: &str| {
        let words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let words = lines.flat_map(|(line, text)| split(text).into_iter().map(move |word| (line, word)));
    words.map(|(line, text)| Word { line, text, continues: false }).collect()
}

/// Returns the words of a text in lower case. Identifiers are split into their words. Fenced blocks, Markdown
/// quotations, quotations of RFCs and names of other libraries are left out.
fn prose(path: &str, text: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let is_markdown = Path::new(path).extension().is_some_and(|extension| extension == "md");
    let mut is_fenced = None;
    let mut quotation = 0;
    for (line, content) in (1..).zip(text.lines()) {
        let [off, on] = FENCE.map(|mark| is_comment_with(content, mark));
        if off && is_fenced.is_none() {
            is_fenced = Some(line);
        } else if on {
            is_fenced = None;
            continue;
        }
        if is_fenced.is_some() || is_markdown && content.starts_with('>') {
            continue;
        }
        let content = without_quotations(content, &mut quotation);
        let content = FOREIGN_NAMES.iter().fold(content, |text, name| text.replace(name, ""));
        append_words(&content, line, &mut words);
    }
    match is_fenced {
        Some(line) => Err(format!("{path}:{line}: `{}` without `{}`", FENCE[0], FENCE[1])),
        None => Ok(words),
    }
}

/// Returns whether a line is a comment in Rust, Markdown, TOML or a shell script that starts with `mark`.
fn is_comment_with(line: &str, mark: &str) -> bool {
    let marks = |c: char| c.is_whitespace() || "/*<!->#".contains(c);
    line.trim_start().starts_with(['/', '<', '#']) && line.trim_matches(marks).starts_with(mark)
}

/// Returns a line without the quotations that follow `RFC` and a number.
///
/// `open` is the number of bytes that a quotation may still have on the next lines, or 0 outside a quotation.
fn without_quotations(line: &str, open: &mut usize) -> String {
    let mut kept = String::new();
    let mut rest = line;
    let mut was_quotation = false;
    loop {
        if *open > 0 {
            let Some((_, after)) = rest.split_once('"') else {
                *open = open.saturating_sub(rest.len() + 1);
                return kept;
            };
            (*open, rest) = (0, after);
        }
        let Some((before, after)) = rest.split_once('"') else { break };
        kept.push_str(before);
        let citation = before.rfind("RFC ").and_then(|place| before.get(place + 4..));
        // A blank precedes the quotation: without the blank, the quotation mark ends a string.
        let cites = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_digit())
                && text.len() < 60
                && text.trim_end_matches('\\').ends_with(' ')
        };
        // RFC 826 "Section": "quotation".
        was_quotation = citation.is_some_and(cites) || was_quotation && before.trim() == ":";
        if was_quotation {
            *open = MAX_QUOTATION;
        }
        kept.push('"');
        rest = after;
    }
    kept.push_str(rest);
    kept
}

/// Appends the words of a line.
fn append_words(content: &str, line: usize, words: &mut Vec<Word>) {
    let mut text = String::new();
    let mut continues = true;
    let mut was_lower = false;
    for c in content.chars().chain([' ']) {
        let is_letter = c.is_alphabetic() || c == '\'' && !text.is_empty();
        if !text.is_empty() && (!is_letter || was_lower && c.is_uppercase()) {
            let text = std::mem::take(&mut text).trim_end_matches('\'').to_lowercase();
            words.push(Word { line, text, continues });
            continues = true;
        }
        if is_letter {
            text.push(c);
        } else if !(c.is_whitespace() || matches!(c, '/' | '!' | '_' | '#' | '*')) {
            continues = false;
        }
        was_lower = c.is_lowercase();
    }
}

/// Checks that the tracked files contain no old name.
pub(crate) fn check_names() -> ChoreResult {
    check("names", NAMES, FILES_WITH_NAMES, |_, text| Ok(identifiers(text)))
}

/// Checks that the tracked files contain no excluded word.
pub(crate) fn check_words() -> ChoreResult {
    check("words", WORDS, FILES_WITH_WORDS, prose)
}

/// Checks the tracked files that match `pathspecs` against a list.
fn check(
    name: &str,
    list: &str,
    pathspecs: &[&str],
    words_of: fn(&str, &str) -> Result<Vec<Word>, String>,
) -> ChoreResult {
    let list = WordList::parse(list).map_err(|error| format!("xtask/{name}.txt: {error}"))?;
    let (mut files, mut faults) = (0, Vec::new());
    for path in tracked_files(pathspecs)?.split_terminator('\0') {
        // A tracked file may be deleted.
        let Ok(text) = std::fs::read_to_string(workspace_root().join(Path::new(path))) else { continue };
        faults.extend(list.faults(path, &words_of(path, &text)?));
        files += 1;
    }
    for fault in &faults {
        eprintln!("xtask: {name}: {fault}");
    }
    if faults.is_empty() {
        println!("{name}: no entry found in {files} files ({} entries in xtask/{name}.txt)", list.count);
    }
    Ok(ExitCode::from(u8::from(!faults.is_empty())))
}

/// Returns the paths of the tracked files that match `pathspecs`, each followed by a zero byte.
fn tracked_files(pathspecs: &[&str]) -> Result<String, String> {
    let mut git = Command::new("git");
    // CI runs as root in a directory of another user.
    git.args(["-c", "safe.directory=*", "ls-files", "-z", "--"])
        .args(pathspecs)
        .current_dir(workspace_root());
    let output = git.output().map_err(|error| format!("cannot run git: {error}"))?;
    if !output.status.success() {
        return Err(format!("`git ls-files`: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("cannot read the list of files: {error}"))
}

#[cfg(test)]
mod tests;
