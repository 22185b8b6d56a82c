//! Circles of imports between the source files of a crate.
//!
//! A use of a re-exported name is an import of the file that defines the name. A module may use items of its parent
//! modules. Test modules are not read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::source::{Source, tokens};

/// The path of a module from the root of its crate. The path of the root is empty.
type ModulePath = Vec<String>;

/// The items of the crate that a source file of the crate uses.
#[derive(Debug, Default)]
struct Module {
    /// The paths in the code.
    paths: BTreeSet<ModulePath>,
    /// The names that `use` declarations bring into scope.
    names: BTreeMap<String, ModulePath>,
}

/// Returns the circles of imports in a crate: for each circle, the paths of its files relative to `src`.
pub(crate) fn circles(src: &Path, sources: &[Source]) -> BTreeSet<BTreeSet<String>> {
    let files: BTreeMap<ModulePath, &Source> =
        sources.iter().filter_map(|source| Some((module_path(src, &source.path)?, source))).collect();
    let modules: BTreeMap<&ModulePath, Module> =
        files.iter().map(|(path, source)| (path, read(path, &source.text, &files))).collect();
    let imports: BTreeMap<&ModulePath, BTreeSet<ModulePath>> = modules
        .iter()
        .map(|(from, module)| {
            let all = module.paths.iter().map(|path| resolve(path, &modules, 0));
            (*from, all.filter(|to| !from.starts_with(to)).collect())
        })
        .collect();
    let reachable_files: BTreeMap<&ModulePath, BTreeSet<&ModulePath>> =
        imports.keys().map(|from| (*from, reachable(from, &imports))).collect();
    let reaches =
        |from: &ModulePath, to: &ModulePath| reachable_files.get(from).is_some_and(|all| all.contains(to));
    reachable_files
        .iter()
        .filter(|(from, all)| all.contains(*from))
        .map(|(from, all)| {
            let circle = all.iter().filter(|to| reaches(to, from));
            circle.filter_map(|path| files.get(*path)).map(|file| name(src, &file.path)).collect()
        })
        .collect()
}

/// Returns the module of a source file, or `None` for a test and for the root of a program.
fn module_path(src: &Path, path: &Path) -> Option<ModulePath> {
    let name = name(src, path);
    let mut parts: ModulePath = name.strip_suffix(".rs")?.split('/').map(str::to_owned).collect();
    if parts.first().is_some_and(|part| part == "bin" || part == "main")
        || parts.iter().any(|part| part == "tests" || part.ends_with("_tests"))
    {
        return None;
    }
    parts.pop_if(|last| last == "lib" || last == "mod");
    Some(parts)
}

fn name(src: &Path, path: &Path) -> String {
    path.strip_prefix(src).unwrap_or(path).display().to_string()
}

/// Reads the paths and the names of a file, up to its inline test module.
fn read(module: &ModulePath, text: &str, files: &BTreeMap<ModulePath, &Source>) -> Module {
    let tokens: Vec<&str> = tokens(text)
        .into_iter()
        .map(|(_, token)| token)
        .filter(|token| !token.trim().is_empty() && !token.starts_with("//") && !token.starts_with("/*"))
        .collect();
    let tests = ["#", "[", "cfg", "(", "test", ")", "]", "mod", "tests", "{"];
    let end = tokens.windows(tests.len()).position(|window| window == tests).unwrap_or(tokens.len());
    let tokens = tokens.get(..end).unwrap_or(&tokens);
    let mut found = Module::default();
    for at in 0..tokens.len() {
        let before = at.checked_sub(1).and_then(|at| tokens.get(at)).copied();
        let is_use = before == Some("use");
        let is_path = before != Some(":") && tokens.get(at + 1..at + 3) == Some(&[":", ":"]);
        if !is_use && !is_path {
            continue;
        }
        let mut trees = Vec::new();
        read_tree(tokens, at, &[], &mut trees);
        for (path, name) in trees {
            if let Some(path) = absolute(module, &path, files) {
                if is_use {
                    found.names.insert(name, path.clone());
                }
                found.paths.insert(path);
            }
        }
    }
    found
}

/// Reads a path, or a tree of paths such as `a::{b, c::d as e}`. Adds each path with its name in scope to `found`.
/// Returns the index of the next token.
fn read_tree(
    tokens: &[&str],
    mut at: usize,
    prefix: &[&str],
    found: &mut Vec<(Vec<String>, String)>,
) -> usize {
    let mut path = prefix.to_vec();
    loop {
        match tokens.get(at).copied() {
            Some("{") => {
                at += 1;
                while let Some(token) = tokens.get(at).copied().filter(|token| *token != "}") {
                    at = if token == "," { at + 1 } else { read_tree(tokens, at, &path, found).max(at + 1) };
                }
                return at + 1;
            }
            Some("self") if !path.is_empty() => at += 1,
            Some(word) if word.starts_with(|first: char| first.is_alphabetic() || first == '_') => {
                path.push(word);
                at += 1;
            }
            _ => {}
        }
        if tokens.get(at..at + 2) == Some(&[":", ":"]) {
            at += 2;
            // Generic arguments and `*` end a path.
            if tokens.get(at).is_some_and(|token| !matches!(*token, "<" | "*")) {
                continue;
            }
        }
        let mut name = path.last().copied().unwrap_or_default();
        if tokens.get(at) == Some(&"as") {
            name = tokens.get(at + 1).copied().unwrap_or_default();
            at += 2;
        }
        found.push((path.iter().map(|word| (*word).to_owned()).collect(), name.to_owned()));
        return at;
    }
}

/// Returns the path from the root of the crate, or `None` if the path leads out of the crate.
fn absolute(
    module: &ModulePath,
    path: &[String],
    files: &BTreeMap<ModulePath, &Source>,
) -> Option<ModulePath> {
    let supers = path.iter().take_while(|word| *word == "super").count();
    let (base, rest) = match path.first().map(String::as_str)? {
        "crate" => (&[][..], path.get(1..)),
        "self" => (module.as_slice(), path.get(1..)),
        "super" => (module.get(..module.len().saturating_sub(supers))?, path.get(supers..)),
        child => {
            let child = [module.as_slice(), &[child.to_owned()]].concat();
            files.contains_key(&child).then_some((module.as_slice(), Some(path)))?
        }
    };
    Some([base, rest.unwrap_or_default()].concat())
}

/// Returns the module that defines the item at a path.
fn resolve(path: &[String], modules: &BTreeMap<&ModulePath, Module>, depth: u8) -> ModulePath {
    // Maximum length of a chain of re-exports.
    const DEPTH: u8 = 8;
    let lengths = (0..=path.len()).rev();
    let module = lengths.filter_map(|length| path.get(..length)).find_map(|part| {
        let module = part.to_vec();
        modules.get(&module).map(|found| (module, found))
    });
    let Some((module, found)) = module else { return ModulePath::new() };
    let rest = path.get(module.len()..).unwrap_or_default();
    let target = rest.first().and_then(|name| found.names.get(name)).filter(|target| *target != path);
    match (target, rest.get(1..)) {
        (Some(target), Some(rest)) if depth < DEPTH => {
            resolve(&[target.as_slice(), rest].concat(), modules, depth + 1)
        }
        _ => module,
    }
}

/// Returns the modules that a module imports, directly or through other modules.
fn reachable<'a>(
    from: &'a ModulePath,
    imports: &'a BTreeMap<&'a ModulePath, BTreeSet<ModulePath>>,
) -> BTreeSet<&'a ModulePath> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(module) = open.pop() {
        open.extend(imports.get(module).into_iter().flatten().filter(|to| found.insert(*to)));
    }
    found
}
