//! `layers`: the edges between our crates are those that the workspace's manifest allows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, ExitCode};

use serde_json::Value;

use crate::Outcome;

/// Who uses whom, by package name.
type Edges = BTreeMap<String, BTreeSet<String>>;

/// Packages that talk to the operating system.
const SYSTEM: [&str; 2] = ["libc", "nix"];

pub(crate) fn check(manifest: Option<&Path>) -> Outcome {
    let metadata = metadata(manifest)?;
    let allowed = allowed(&metadata)?;
    let mut faults = differences(&allowed, &actual(&metadata));
    for package in strings(metadata.pointer("/metadata/sans-io")) {
        faults.extend(alone(manifest, &package)?);
    }
    for fault in &faults {
        eprintln!("xtask: layers: {fault}");
    }
    if faults.is_empty() {
        let edges: usize = allowed.values().map(BTreeSet::len).sum();
        println!("layers: {} crates, {edges} edges, all as [workspace.metadata.layers] says", allowed.len());
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

/// The edges that the manifest allows.
fn allowed(metadata: &Value) -> Result<Edges, String> {
    let layers = metadata
        .pointer("/metadata/layers")
        .and_then(Value::as_object)
        .ok_or("the workspace's Cargo.toml has no [workspace.metadata.layers]")?;
    Ok(layers.iter().map(|(name, below)| (name.clone(), strings(Some(below)))).collect())
}

/// The edges there are: dependencies on members of the workspace, of every kind.
fn actual(metadata: &Value) -> Edges {
    let packages = || metadata["packages"].as_array().into_iter().flatten();
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let members: BTreeSet<_> = packages().map(name).collect();
    packages()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().into_iter().flatten();
            let ours = dependencies.filter(|dependency| dependency["path"].is_string()).map(name);
            (name(package), ours.filter(|name| members.contains(name)).collect())
        })
        .collect()
}

fn strings(list: Option<&Value>) -> BTreeSet<String> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// What is there and not allowed, and what is allowed and not there.
fn differences(allowed: &Edges, actual: &Edges) -> Vec<String> {
    let pairs = |edges: &Edges| -> BTreeSet<(String, String)> {
        let of_one = |(from, to): (&String, &BTreeSet<String>)| -> Vec<_> {
            to.iter().map(|to| (from.clone(), to.clone())).collect()
        };
        edges.iter().flat_map(of_one).collect()
    };
    let (may, are) = (pairs(allowed), pairs(actual));
    let planted = are.difference(&may).map(|(from, to)| {
        format!("{from} -> {to} is not allowed; drop the dependency from {from}, or allow it in [workspace.metadata.layers]")
    });
    let unused = may.difference(&are).map(|(from, to)| {
        format!("{from} -> {to} is allowed and not there; drop it from [workspace.metadata.layers]")
    });
    let unknown = actual
        .keys()
        .filter(|name| !allowed.contains_key(*name))
        .map(|name| format!("{name} has no line in [workspace.metadata.layers]"));
    planted.chain(unused).chain(unknown).collect()
}

/// What is wrong with a protocol crate when it is built alone.
fn alone(manifest: Option<&Path>, package: &str) -> Result<Vec<String>, String> {
    let tree = cargo(
        manifest,
        "tree",
        &["--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"],
    )?;
    let in_tree: BTreeSet<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    let mut faults: Vec<_> = SYSTEM
        .iter()
        .filter(|system| in_tree.contains(*system))
        .map(|system| format!("{package} -> {system}: a protocol crate must not talk to the operating system; `cargo tree --package {package} --edges normal --invert {system}` shows the way"))
        .collect();
    if let Err(error) = cargo(manifest, "check", &["--quiet", "--package", package]) {
        faults.push(format!("{package} does not build alone: {error}"));
    }
    Ok(faults)
}
