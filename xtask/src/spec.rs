//! `spec`: what the standards ask is tied to the code that does it and to the test that proves it.
//!
//! The pages under `docs/spec` hold the requirements, comments in the sources cite them, and this
//! holds the two together, both ways. `docs/spec/README.md` explains both.

mod citations;
mod modules;
mod requirements;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::ChoreResult;
use crate::source::{Source, files};
use citations::{Citation, CitationKind};
use modules::Modules;
use requirements::{Level, Requirement, State};

/// The folders that hold our sources.
const SOURCES: [&str; 2] = ["crates", "xtask"];

/// A line of a file, as an editor finds it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Location {
    path: PathBuf,
    line: usize,
}

/// What is wrong, and where.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fault {
    place: Location,
    what: String,
}

/// What the pages ask and what the sources cite.
#[derive(Debug)]
struct Spec {
    requirements: Vec<Requirement>,
    citations: Vec<Citation>,
}

pub(crate) fn check(root: Option<&Path>) -> ChoreResult {
    let root = root.unwrap_or(own_root());
    let mut pages = files(root, "docs/spec", "md")?;
    // The folder's README explains the format, with an example.
    pages.retain(|page| !page.path.ends_with("README.md"));
    let mut sources = Vec::new();
    for folder in SOURCES {
        sources.extend(files(root, folder, "rs")?);
    }
    let (spec, faults) = read(&pages, &sources);
    for fault in &faults {
        eprintln!("xtask: spec: {fault}");
    }
    if faults.is_empty() {
        print!("{}", spec.table());
    }
    Ok(ExitCode::from(u8::from(!faults.is_empty())))
}

/// The workspace that this binary was built in.
fn own_root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// Reads everything, and tells all that is wrong with it in the order of the files.
fn read(pages: &[Source], sources: &[Source]) -> (Spec, Vec<Fault>) {
    let mut spec = Spec { requirements: Vec::new(), citations: Vec::new() };
    let mut faults = Vec::new();
    for page in pages {
        requirements::read(page, &mut spec.requirements, &mut faults);
    }
    let modules = Modules::new(sources);
    for source in sources {
        citations::read(source, &modules, &mut spec.citations, &mut faults);
    }
    faults.extend(spec.faults());
    faults.sort();
    (spec, faults)
}

impl Spec {
    /// What does not hold together.
    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut by_id: BTreeMap<&str, &Requirement> = BTreeMap::new();
        for requirement in &self.requirements {
            match by_id.entry(&requirement.id) {
                Entry::Vacant(free) => _ = free.insert(requirement),
                Entry::Occupied(first) => {
                    let what = format!("`{}` stands at {} already", requirement.id, first.get().place);
                    faults.push(requirement.place.fault(what));
                }
            }
        }
        for Citation { id, place, .. } in &self.citations {
            match by_id.get(id.as_str()) {
                None => faults.push(place.fault(format!("no page has a requirement `{id}`"))),
                Some(Requirement { state: State::Built, .. }) => {}
                Some(Requirement { state, place: stated, .. }) => {
                    faults.push(place.fault(format!("`{id}` is cited, and {state} at {stated}")));
                }
            }
        }
        for requirement in by_id.into_values().filter(|requirement| requirement.state == State::Built) {
            faults.extend(self.missing_citations(requirement));
        }
        faults
    }

    /// What a requirement lacks.
    fn missing_citations(&self, Requirement { id, place, .. }: &Requirement) -> Vec<Fault> {
        let cited = |kind| self.citations.iter().any(|citation| citation.kind == kind && citation.id == *id);
        let mut faults = Vec::new();
        if !cited(CitationKind::Code) {
            faults.push(place.fault(format!("`{id}` has no code; write `// spec: {id}` where it is done")));
        }
        if !cited(CitationKind::Proof) {
            let what = format!("`{id}` has no test; write `// proves: {id}` at the test that would fail");
            faults.push(place.fault(what));
        }
        faults
    }

    /// How many requirements there are, by standard and level, the open ones, and how often all are cited.
    fn table(&self) -> String {
        let mut counts: BTreeMap<&str, [usize; 6]> = BTreeMap::new();
        let mut all = [0; 6];
        for requirement in &self.requirements {
            let column = match (requirement.state, requirement.level) {
                (State::Refused, _) => 4,
                (State::Open, _) => 5,
                (State::Built, Level::Must) => 0,
                (State::Built, Level::Should) => 1,
                (State::Built, Level::May) => 2,
                (State::Built, Level::Policy) => 3,
            };
            for row in [counts.entry(&requirement.standard).or_default(), &mut all] {
                if let Some(count) = row.get_mut(column) {
                    *count += 1;
                }
            }
        }
        let row = |name: &str, [must, should, may, policy, refused, open]: [usize; 6]| {
            format!("{name:<24}{must:>5}{should:>5}{may:>5}{policy:>5}{refused:>9}{open:>6}\n")
        };
        let head =
            format!("{:<24}{:>5}{:>5}{:>5}{:>5}{:>9}{:>6}\n", "", "M", "S", "m", "P", "refused", "open");
        let rows: String = counts.into_iter().map(|(name, counts)| row(name, counts)).collect();
        let open = self.requirements.iter().filter(|requirement| requirement.state == State::Open);
        let open: Vec<String> = open.map(Requirement::to_string).collect();
        let code = self.citations.iter().filter(|citation| citation.kind == CitationKind::Code).count();
        let (asked, proofs) = (self.requirements.len(), self.citations.len() - code);
        let sum =
            format!("spec: {asked} requirements, cited {code} times in code and {proofs} times in tests");
        format!("{head}{rows}{}{}{sum}\n", row("all", all), open.concat())
    }
}

impl Location {
    fn fault(&self, what: impl Into<String>) -> Fault {
        Fault { place: self.clone(), what: what.into() }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path.display(), self.line)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

#[cfg(test)]
mod tests;
