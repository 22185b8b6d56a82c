//! Comments that cite requirements: `// spec: id` in code, `// proves: id` in tests, several ids
//! with commas between.

use std::path::Path;

use super::modules::{Compiled, Modules};
use super::requirements::is_id;
use super::{Fault, Location};
use crate::source::{Source, comments, is_named_as_value};

/// One mention of a requirement.
#[derive(Debug)]
pub(super) struct Citation {
    /// Which one.
    pub(super) id: String,
    /// Whether it is said to be done here, or to be proved.
    pub(super) kind: CitationKind,
    /// Where.
    pub(super) place: Location,
}

/// What a citation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CitationKind {
    /// This does it.
    Code,
    /// This would fail if it were not done.
    Proof,
}

/// Adds the citations of a source, and what is wrong with them.
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
            Some("a citation is a plain comment, with two slashes")
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
                faults.push(place.fault(format!("`{id}` is no id; a citation holds ids and commas alone")));
            }
        }
    }
}

/// Returns why a citation of this kind cannot stand on this line.
fn misplacement(
    source: &Source,
    modules: &Modules<'_>,
    line: usize,
    kind: CitationKind,
) -> Option<&'static str> {
    if allowed_kind(&source.path) != Some(kind) {
        return Some(match kind {
            CitationKind::Code => "`spec:` belongs to code under `src`; a test says `proves:`",
            CitationKind::Proof => "`proves:` belongs to a test; code says `spec:`",
        });
    }
    match (modules.compiled(&source.path), kind) {
        (Compiled::Never, _) => Some("no `mod` line leads to this file, so it is not compiled"),
        (Compiled::ForTests, CitationKind::Code) => {
            Some("`spec:` belongs to code that is compiled without `cfg(test)`")
        }
        (_, CitationKind::Proof) if !is_at_test(&source.text, line) => {
            Some("`proves:` belongs directly above a test: `#[test]`, or a case that a list names")
        }
        _ => None,
    }
}

/// Whether the comment on this line stands above a test, with nothing but comments and attributes between.
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

/// The ids in a comment that is a citation.
fn cited(text: &str) -> Option<(CitationKind, &str)> {
    let code = text.strip_prefix("spec:").map(|ids| (CitationKind::Code, ids));
    code.or_else(|| text.strip_prefix("proves:").map(|ids| (CitationKind::Proof, ids)))
}

/// What a file of this path may say: tests prove, other sources do, benches, examples and fuzz
/// targets neither.
fn allowed_kind(path: &Path) -> Option<CitationKind> {
    let has = |name| path.components().any(|part| part.as_os_str() == name);
    // The black-box suite is a program, and all that it does is to test.
    let suite = path.starts_with("crates/conform/src");
    if suite || has("tests") || has("tests.rs") {
        Some(CitationKind::Proof)
    } else {
        has("src").then_some(CitationKind::Code)
    }
}
