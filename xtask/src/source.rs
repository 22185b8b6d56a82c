//! Files of the tree, and the tokens and comments of Rust sources.

use std::fs;
use std::path::{Path, PathBuf};

/// A file, with its path from the root of the tree.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// Returns the files under `folder` with this extension, ordered by path. Skips directories named `target`, hidden
/// directories and symbolic links.
pub(crate) fn files(root: &Path, folder: &str, extension: &str) -> Result<Vec<Source>, String> {
    let mut files = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        let failed = |error| format!("cannot read {}: {error}", folder.display());
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (kind, path) = (entry.file_type().map_err(failed)?, entry.path());
            let name = entry.file_name();
            if kind.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
                folders.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|end| end == extension) {
                files.push(load(root, &path)?);
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn load(root: &Path, path: &Path) -> Result<Source, String> {
    let text =
        fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    Ok(Source { path: path.strip_prefix(root).unwrap_or(path).to_owned(), text })
}

/// Returns the line comments of a Rust source, each with its line number. Skips comments inside string literals,
/// because tests contain sources in strings.
pub(crate) fn comments(text: &str) -> Vec<(usize, &str)> {
    tokens(text).into_iter().filter(|(_, token)| token.starts_with("//")).collect()
}

/// Returns whether the code uses the function `name` as a value, for example in a list.
pub(crate) fn is_named_as_value(text: &str, name: &str) -> bool {
    let tokens = tokens(text).into_iter().map(|(_, token)| token).filter(|token| !token.trim().is_empty());
    let tokens: Vec<&str> = tokens.collect();
    tokens.windows(2).any(|two| matches!(two, [word, after] if *word == name && *after != "("))
}

/// Returns the tokens of a Rust source, each with the number of its first line.
pub(crate) fn tokens(text: &str) -> Vec<(usize, &str)> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (text, 1);
    while !rest.is_empty() {
        let (token, after) = rest.split_at_checked(token(rest)).unwrap_or((rest, ""));
        tokens.push((line, token));
        line += token.matches('\n').count();
        rest = after;
    }
    tokens
}

/// Returns the length of the token at the start of `rest`. Only comments, strings and words are distinguished.
fn token(rest: &str) -> usize {
    let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let behind = rest.get(word..).unwrap_or_default();
    let raw = matches!(rest.get(..word), Some("r" | "br" | "cr"));
    let hashes = behind.len() - behind.trim_start_matches('#').len();
    if raw && behind.trim_start_matches('#').starts_with('"') {
        let end = format!("\"{}", "#".repeat(hashes));
        return word + hashes + 1 + through(behind.get(hashes + 1..), &end);
    }
    if word > 0 {
        return word;
    }
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return 2 + through(rest.get(2..), "*/");
    }
    if rest.starts_with('"') {
        return 1 + quoted(rest.get(1..), '"');
    }
    // A character literal, or the start of a lifetime.
    let mut characters = rest.chars();
    match (characters.next(), characters.next(), characters.next()) {
        (Some('\''), Some('\\'), _) => 1 + quoted(rest.get(1..), '\''),
        (Some('\''), Some(one), Some('\'')) => 2 + one.len_utf8(),
        (first, ..) => first.map_or(0, char::len_utf8),
    }
}

/// Returns the distance to the end of the first `end`, or to the end of the text.
fn through(text: Option<&str>, end: &str) -> usize {
    let text = text.unwrap_or_default();
    text.find(end).map_or(text.len(), |place| place + end.len())
}

/// Returns the distance to the end of the closing `quote`. A backslash escapes the next character.
fn quoted(text: Option<&str>, quote: char) -> usize {
    let text = text.unwrap_or_default();
    let mut escaped = false;
    for (place, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return place + quote.len_utf8(),
            _ => {}
        }
    }
    text.len()
}
