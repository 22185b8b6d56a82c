//! Comments that cite requirements: `// spec: id` in code and `// proves: id` in tests. Commas separate several ids.

use std::path::Path;

use super::modules::{Compiled, Modules};
use super::requirements::is_id;
use super::{Fault, Location};
use crate::source::{Source, comments, is_named_as_value};

/// A citation of one requirement.
#[derive(Debug)]
pub(super) struct Citation {
    /// The id of the requirement.
    pub(super) id: String,
    /// Whether the requirement is implemented or proved at this place.
    pub(super) kind: CitationKind,
    /// The place of the comment.
    pub(super) place: Location,
}

/// The kind of a citation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CitationKind {
    /// `spec:`: this code implements the requirement.
    Code,
    /// `proves:`: this test fails if the requirement is not met.
    Proof,
}

/// Adds the citations of a source to `citations`, and their errors to `faults`.
pub(super) fn read(
    source: &Source,
    modules: &Modules<'_>,
    citations: &mut Vec<Citation>,
    faults: &mut Vec<Fault>,
) {
    for (line, comment) in comments(&source.text) {
        let text = comment.trim_start_matches('/');
        let Some((kind, ids)) = cited(text.trim_start_matches('!').trim_start()) else {
            continue;
        };
        let place = Location { path: source.path.clone(), line };
        let misplacement = if comment.len() != text.len() + 2 || text.starts_with('!') {
            Some("citation is not in a plain `//` comment")
        } else {
            misplacement(source, modules, line, kind)
        };
        if let Some(what) = misplacement {
            faults.push(place.fault(what));
            continue;
        }
        for id in ids.split(',').map(str::trim) {
            if is_id(id) {
                citations.push(Citation { id: id.to_owned(), kind, place: place.clone() });
            } else {
                faults.push(place.fault(format!("`{id}` is not an id: expected ids separated by commas")));
            }
        }
    }
}

/// Returns why a citation of this kind is not allowed on this line.
fn misplacement(
    source: &Source,
    modules: &Modules<'_>,
    line: usize,
    kind: CitationKind,
) -> Option<&'static str> {
    if allowed_kind(&source.path) != Some(kind) {
        return Some(match kind {
            CitationKind::Code => "`spec:` outside of code under `src`; write `proves:` in a test",
            CitationKind::Proof => "`proves:` outside of a test; write `spec:` in code",
        });
    }
    match (modules.compiled(&source.path), kind) {
        (Compiled::Never, _) => {
            Some("citation in a file that is not compiled: no `mod` line declares the file")
        }
        (Compiled::ForTests, CitationKind::Code) => {
            Some("`spec:` in a file that is compiled with `cfg(test)` only")
        }
        (_, CitationKind::Proof) if !is_at_test(&source.text, line) => {
            Some("`proves:` is not directly above a test: expected `#[test]` or a case that a list names")
        }
        _ => None,
    }
}

/// Returns whether only comments and attributes separate the comment on this line from a test below it.
fn is_at_test(text: &str, line: usize) -> bool {
    let from_here = || text.lines().skip(line.saturating_sub(1)).map(str::trim);
    let attached = |line: &&str| line.starts_with("//") || line.starts_with("#[");
    let (mut attributes, item) = (from_here().take_while(attached), from_here().find(|line| !attached(line)));
    let item = item.unwrap_or_default();
    let function = item.split_once("fn ").and_then(|(_, rest)| rest.split_once('(')).map(|(name, _)| name);
    let is_trial = ["-> TestResult {", "-> CaseResult {"].iter().any(|returns| item.ends_with(returns));
    let listed = is_trial && function.is_some_and(|name| is_named_as_value(text, name));
    from_here().next().is_some_and(|line| line.starts_with("//"))
        && (listed || item == "Case {" || function.is_some() && attributes.any(|line| line == "#[test]"))
}

/// Returns the kind and the ids of a citation, or `None` if the comment is not a citation.
fn cited(text: &str) -> Option<(CitationKind, &str)> {
    let code = text.strip_prefix("spec:").map(|ids| (CitationKind::Code, ids));
    code.or_else(|| text.strip_prefix("proves:").map(|ids| (CitationKind::Proof, ids)))
}

/// Returns the kind of citation that a file may contain: `proves:` in tests, `spec:` in other sources under `src`, and
/// `None` for benches, examples and fuzz targets.
fn allowed_kind(path: &Path) -> Option<CitationKind> {
    let has = |name| path.components().any(|part| part.as_os_str() == name);
    // The black-box test suite is a program that consists of tests.
    let suite = path.starts_with("crates/conform/src");
    if suite || has("tests") || has("tests.rs") {
        Some(CitationKind::Proof)
    } else {
        has("src").then_some(CitationKind::Code)
    }
}
