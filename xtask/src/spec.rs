//! `spec`: checks that each requirement of a standard has code that implements it and a test that proves it.
//!
//! The pages under `docs/spec` list the requirements, and comments in the sources cite them. This command checks that
//! implemented requirements are cited, and that citations name implemented requirements. `docs/spec/README.md`
//! describes the format.

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

/// The directories with sources.
const SOURCES: [&str; 2] = ["crates", "xtask"];

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Location {
    path: PathBuf,
    line: usize,
}

/// An error in a page or a citation.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fault {
    place: Location,
    what: String,
}

/// The requirements of the pages and the citations in the sources.
#[derive(Debug)]
struct Spec {
    requirements: Vec<Requirement>,
    citations: Vec<Citation>,
}

pub(crate) fn check(root: Option<&Path>) -> ChoreResult {
    let root = root.unwrap_or(own_root());
    let mut pages = files(root, "docs/spec", "md")?;
    // The README of the directory is not a page of requirements: it explains the format, with an example.
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

/// Returns the workspace in which this binary was built.
fn own_root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// Reads pages and sources. Returns the errors in the order of the files.
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
    /// Returns errors about duplicate requirements, invalid citations and missing citations.
    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut by_id: BTreeMap<&str, &Requirement> = BTreeMap::new();
        for requirement in &self.requirements {
            match by_id.entry(&requirement.id) {
                Entry::Vacant(free) => _ = free.insert(requirement),
                Entry::Occupied(first) => {
                    let what = format!("`{}` is already defined at {}", requirement.id, first.get().place);
                    faults.push(requirement.place.fault(what));
                }
            }
        }
        for Citation { id, place, .. } in &self.citations {
            match by_id.get(id.as_str()) {
                None => faults.push(place.fault(format!("no page has a requirement `{id}`"))),
                Some(Requirement { state: State::Built, .. }) => {}
                Some(Requirement { state, place: stated, .. }) => {
                    faults.push(place.fault(format!("`{id}` is cited, but {state} at {stated}")));
                }
            }
        }
        for requirement in by_id.into_values().filter(|requirement| requirement.state == State::Built) {
            faults.extend(self.missing_citations(requirement));
        }
        faults
    }

    /// Returns an error for each missing citation of a requirement: in code and in a test.
    fn missing_citations(&self, Requirement { id, place, .. }: &Requirement) -> Vec<Fault> {
        let cited = |kind| self.citations.iter().any(|citation| citation.kind == kind && citation.id == *id);
        let mut faults = Vec::new();
        if !cited(CitationKind::Code) {
            faults.push(place.fault(format!(
                "`{id}` has no code; write `// spec: {id}` at the code that implements the requirement"
            )));
        }
        if !cited(CitationKind::Proof) {
            let what = format!(
                "`{id}` has no test; write `// proves: {id}` at the test that proves the requirement"
            );
            faults.push(place.fault(what));
        }
        faults
    }

    /// Formats the number of requirements by standard and level, the open requirements, and the number of citations.
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
        let (all_requirements, proofs) = (self.requirements.len(), self.citations.len() - code);
        let sum =
            format!("spec: {all_requirements} requirements, {code} citations in code, {proofs} in tests");
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
