//! Comments that cite requirements: `// spec: id` in code, `// proves: id` in tests, several ids
//! with commas between.

use std::path::Path;

use super::requirements::is_id;
use super::source::{Source, comments};
use super::{Fault, Place};

/// One mention of a requirement.
#[derive(Debug)]
pub(super) struct Citation {
    /// Which one.
    pub(super) id: String,
    /// Whether it is said to be done here, or to be proved.
    pub(super) kind: Kind,
    /// Where.
    pub(super) place: Place,
}

/// What a citation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// This does it.
    Code,
    /// This would fail if it were not done.
    Proof,
}

/// Adds the citations of a source, and what is wrong with them.
pub(super) fn read(source: &Source, citations: &mut Vec<Citation>, faults: &mut Vec<Fault>) {
    let home = home(&source.path);
    for (line, comment) in comments(&source.text) {
        let place = Place { path: source.path.clone(), line };
        let text = comment.trim_start_matches('/');
        let Some((kind, ids)) = cited(text.trim_start_matches('!').trim_start()) else {
            continue;
        };
        if comment.len() != text.len() + 2 || text.starts_with('!') {
            faults.push(place.fault("a citation is a plain comment, with two slashes"));
        } else if home != Some(kind) {
            faults.push(place.fault(match kind {
                Kind::Code => "`spec:` belongs to code under `src`; a test says `proves:`",
                Kind::Proof => "`proves:` belongs to a test; code says `spec:`",
            }));
        } else {
            for id in ids.split(',').map(str::trim) {
                if is_id(id) {
                    citations.push(Citation { id: id.to_owned(), kind, place: place.clone() });
                } else {
                    faults
                        .push(place.fault(format!("`{id}` is no id; a citation holds ids and commas alone")));
                }
            }
        }
    }
}

/// The ids in a comment that is a citation.
fn cited(text: &str) -> Option<(Kind, &str)> {
    let code = text.strip_prefix("spec:").map(|ids| (Kind::Code, ids));
    code.or_else(|| text.strip_prefix("proves:").map(|ids| (Kind::Proof, ids)))
}

/// What a file of this path may say: tests prove, other sources do, benches, examples and fuzz
/// targets neither.
fn home(path: &Path) -> Option<Kind> {
    let has = |name| path.components().any(|part| part.as_os_str() == name);
    // The black-box suite is a program, and all that it does is to test.
    let suite = path.with_extension("").starts_with("xtask/src/conform");
    if suite || has("tests") || has("tests.rs") {
        Some(Kind::Proof)
    } else {
        has("src").then_some(Kind::Code)
    }
}
