//! `layers`: checks that the manifest of the workspace allows exactly the dependencies between the crates, and that the
//! files of a crate do not import each other in circles.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, ExitCode};

use serde_json::Value;

use crate::source::files;
use crate::{ChoreResult, imports};

/// The packages that each package depends on, by name.
type Edges = BTreeMap<String, BTreeSet<String>>;

/// A table of allowed dependencies in the manifest of the workspace, under `workspace.metadata`.
struct Table {
    name: &'static str,
    /// Returns whether the table lists dependencies of this kind (`null`, `dev` or `build`).
    holds: fn(&Value) -> bool,
}

/// Dependencies of libraries and binaries.
const LAYERS: Table = Table { name: "layers", holds: |kind| kind != "dev" };
/// Dependencies of tests, examples and benches only.
const DEV_LAYERS: Table = Table { name: "dev-layers", holds: |kind| kind == "dev" };

/// Packages that give access to the operating system.
const SYSTEM: [&str; 2] = ["libc", "nix"];

pub(crate) fn check(manifest: Option<&Path>) -> ChoreResult {
    let metadata = metadata(manifest)?;
    let layers =
        allowed(&metadata, &LAYERS).ok_or("the workspace's Cargo.toml has no [workspace.metadata.layers]")?;
    let dev_layers = allowed(&metadata, &DEV_LAYERS).unwrap_or_default();
    let edges = actual(&metadata, &LAYERS);
    let mut dev_edges = actual(&metadata, &DEV_LAYERS);
    // A dev-dependency that is also a dependency only adds features.
    for (name, dev) in &mut dev_edges {
        dev.retain(|other| edges.get(name).is_none_or(|others| !others.contains(other)));
    }
    let mut faults = differences(&LAYERS, &layers, &edges);
    faults.extend(differences(&DEV_LAYERS, &dev_layers, &dev_edges));
    let unknown = edges.keys().filter(|name| !layers.contains_key(*name));
    faults.extend(unknown.map(|name| format!("{name} has no entry in [workspace.metadata.layers]")));
    faults.extend(circles(&metadata)?);
    for package in strings(metadata.pointer("/metadata/sans-io")) {
        faults.extend(build_by_itself(manifest, &package)?);
    }
    for fault in &faults {
        eprintln!("xtask: layers: {fault}");
    }
    if faults.is_empty() {
        let count = |edges: &Edges| edges.values().map(BTreeSet::len).sum::<usize>();
        let (all, dev) = (count(&layers), count(&dev_layers));
        println!(
            "layers: {} crates, {all} dependencies and {dev} dev-dependencies, as allowed in Cargo.toml",
            layers.len()
        );
    }
    Ok(ExitCode::from(u8::from(!faults.is_empty())))
}

fn metadata(manifest: Option<&Path>) -> Result<Value, String> {
    let text = cargo(manifest, "metadata", &["--no-deps", "--format-version", "1"])?;
    serde_json::from_str(&text).map_err(|error| format!("cannot read cargo's metadata: {error}"))
}

fn cargo(manifest: Option<&Path>, command: &str, arguments: &[&str]) -> Result<String, String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.arg(command).args(arguments);
    if let Some(path) = manifest {
        cargo.arg("--manifest-path").arg(path);
    }
    let output = cargo.output().map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("`cargo {command}` failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("cannot read cargo's output: {error}"))
}

/// Returns the dependencies that a table of the manifest allows.
fn allowed(metadata: &Value, table: &Table) -> Option<Edges> {
    let edges = metadata.get("metadata")?.get(table.name)?.as_object()?;
    Some(edges.iter().map(|(name, below)| (name.clone(), strings(Some(below)))).collect())
}

/// Returns the dependencies on members of the workspace, of the kinds that a table lists.
fn actual(metadata: &Value, table: &Table) -> Edges {
    let packages = || metadata["packages"].as_array().into_iter().flatten();
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let members: BTreeSet<_> = packages().map(name).collect();
    let is_member = |dependency: &&Value| {
        dependency["path"].is_string() && members.contains(dependency["name"].as_str().unwrap_or_default())
    };
    packages()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().into_iter().flatten().filter(is_member);
            let of_kind = dependencies.filter(|dependency| (table.holds)(&dependency["kind"]));
            (name(package), of_kind.map(name).collect())
        })
        .collect()
}

fn strings(list: Option<&Value>) -> BTreeSet<String> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Returns a message for each dependency that exists but is not allowed, or is allowed but does not exist.
fn differences(table: &Table, allowed: &Edges, actual: &Edges) -> Vec<String> {
    let pairs = |edges: &Edges| -> BTreeSet<(String, String)> {
        let of_one = |(from, to): (&String, &BTreeSet<String>)| -> Vec<_> {
            to.iter().map(|to| (from.clone(), to.clone())).collect()
        };
        edges.iter().flat_map(of_one).collect()
    };
    let (may, are) = (pairs(allowed), pairs(actual));
    let name = table.name;
    let forbidden = are.difference(&may).map(|(from, to)| {
        format!("{from} -> {to} is not allowed; remove the dependency from {from}, or allow it in [workspace.metadata.{name}]")
    });
    let unused = may.difference(&are).map(|(from, to)| {
        format!("{from} -> {to} is allowed but does not exist; remove it from [workspace.metadata.{name}]")
    });
    forbidden.chain(unused).collect()
}

/// Returns a message for each circle of imports between the source files of a package that `workspace.metadata.circles`
/// does not allow.
fn circles(metadata: &Value) -> Result<Vec<String>, String> {
    let mut faults = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let folder = Path::new(package["manifest_path"].as_str().unwrap_or_default()).with_file_name("");
        let allowed = strings(metadata["metadata"].get("circles").and_then(|circles| circles.get(name)));
        let circles = imports::circles(Path::new("src"), &files(&folder, "src", "rs")?);
        let list = |files: &BTreeSet<String>| files.iter().cloned().collect::<Vec<_>>().join(", ");
        let forbidden = circles.iter().filter(|circle| !circle.is_subset(&allowed));
        faults.extend(forbidden.map(|circle| {
            format!(
                "{name}: {} import each other in a circle; move the shared items to another file",
                list(circle)
            )
        }));
        let unused: BTreeSet<_> =
            allowed.into_iter().filter(|file| !circles.iter().flatten().any(|other| other == file)).collect();
        if !unused.is_empty() {
            faults.push(format!(
                "{name}: {} are in no circle; remove them from [workspace.metadata.circles]",
                list(&unused)
            ));
        }
    }
    Ok(faults)
}

/// Checks that a protocol crate compiles on its own and without the operating system. Returns the errors.
fn build_by_itself(manifest: Option<&Path>, package: &str) -> Result<Vec<String>, String> {
    let tree = cargo(
        manifest,
        "tree",
        &["--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"],
    )?;
    let in_tree: BTreeSet<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    let mut faults: Vec<_> = SYSTEM
        .iter()
        .filter(|system| in_tree.contains(*system))
        .map(|system| format!("{package} -> {system}: a protocol crate depends on the operating system; `cargo tree --package {package} --edges normal --invert {system}` shows the path"))
        .collect();
    if let Err(error) = cargo(manifest, "check", &["--quiet", "--package", package]) {
        faults.push(format!("{package} does not compile on its own: {error}"));
    }
    Ok(faults)
}
