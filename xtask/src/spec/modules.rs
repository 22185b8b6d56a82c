//! The module tree: which sources are compiled, and which are compiled for tests only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::source::Source;

/// When a source is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Compiled {
    /// Never: no module declares the source.
    Never,
    /// In tests only: the module or one of its parents has `#[cfg(test)]`.
    ForTests,
    /// In every build of the crate or of the test program that contains the source.
    Always,
}

/// The sources, by path.
#[derive(Debug)]
pub(super) struct Modules<'a>(BTreeMap<&'a Path, &'a str>);

impl<'a> Modules<'a> {
    pub(super) fn new(sources: &'a [Source]) -> Modules<'a> {
        Modules(sources.iter().map(|source| (source.path.as_path(), source.text.as_str())).collect())
    }

    /// Returns when a source is compiled, by the `mod` lines from the root of its crate.
    pub(super) fn compiled(&self, path: &Path) -> Compiled {
        if is_root(path) {
            return Compiled::Always;
        }
        // `mod.rs` is the module that has the name of the directory.
        let path = if path.ends_with("mod.rs") { path.parent().unwrap_or(path) } else { path };
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let found = parents(path).into_iter().find_map(|parent| {
            let declared = declared(self.0.get(parent.as_path())?, name)?;
            Some(declared.min(self.compiled(&parent)))
        });
        found.unwrap_or(Compiled::Never)
    }
}

/// Returns whether a path is the root of a library, a program or a test program.
fn is_root(path: &Path) -> bool {
    let folder = path.parent().unwrap_or(path);
    let inside = path.components().any(|part| part.as_os_str() == "src");
    path.ends_with("lib.rs")
        || path.ends_with("main.rs")
        || folder.ends_with("bin")
        || folder.ends_with("tests") && !inside
}

/// Returns the files that can declare the module at a path.
fn parents(path: &Path) -> Vec<PathBuf> {
    let folder = path.parent().unwrap_or(path);
    let roots = ["lib.rs", "main.rs", "mod.rs"].map(|root| folder.join(root));
    [folder.with_extension("rs")].into_iter().chain(roots).filter(|parent| parent != path).collect()
}

/// Returns how a file declares a module, or `None` if it does not. A declaration is one line, as rustfmt formats it.
fn declared(text: &str, name: &str) -> Option<Compiled> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let (plain, public) = (format!("mod {name};"), format!(") mod {name};"));
    let is_it = |line: &&str| **line == plain || line.starts_with("pub") && line.ends_with(&public);
    let place = lines.iter().position(|line| is_it(line) || *line == format!("pub {plain}"))?;
    let mut attributes = lines.iter().take(place).rev().take_while(|line| line.starts_with("#["));
    Some(if attributes.any(|line| *line == "#[cfg(test)]") { Compiled::ForTests } else { Compiled::Always })
}
