//! Tests of `cargo xtask layers` with small workspaces that contain errors.

#![allow(clippy::disallowed_types, reason = "tests start programs and read their output")]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

type TestResult = Result<(), Box<dyn Error>>;

/// A workspace with the packages tap, link and arp, and a package `libc` outside it.
struct Fixture(PathBuf);

impl Fixture {
    /// Creates the workspace. `arp` is the dependency section in the manifest of the package arp.
    fn new(name: &str, arp: &str) -> Result<Fixture, Box<dyn Error>> {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let fixture = Fixture(root);
        fixture.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"tap\", \"link\", \"arp\"]\nexclude = [\"libc\"]\n\
             [workspace.metadata]\nsans-io = [\"link\", \"arp\"]\n\
             [workspace.metadata.layers]\ntap = []\nlink = [\"tap\"]\narp = [\"link\"]\n",
        )?;
        fixture.package("libc", "")?;
        fixture.package("tap", "")?;
        fixture.package("link", "[dependencies]\ntap = { path = \"../tap\" }\n")?;
        fixture.package("arp", arp)?;
        Ok(fixture)
    }

    fn package(&self, name: &str, dependencies: &str) -> TestResult {
        let head = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        self.write(&format!("{name}/Cargo.toml"), &format!("{head}{dependencies}"))?;
        self.write(&format!("{name}/src/lib.rs"), "")
    }

    fn write(&self, path: &str, text: &str) -> TestResult {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().ok_or("no parent directory")?)?;
        Ok(fs::write(path, text)?)
    }

    fn check(&self) -> Result<Output, Box<dyn Error>> {
        let manifest = self.0.join("Cargo.toml");
        Ok(Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["layers", "--manifest-path"])
            .arg(manifest)
            .output()?)
    }
}

fn assert_red(output: &Output, edge: &str) {
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains(edge), "{message}");
}

#[test]
fn workspace_that_matches_its_manifest_is_green() -> TestResult {
    let output = Fixture::new("green", "[dependencies]\nlink = { path = \"../link\" }\n")?.check()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[test]
fn edge_past_layer_is_red_and_named() -> TestResult {
    let arp = "[dependencies]\nlink = { path = \"../link\" }\ntap = { path = \"../tap\" }\n";
    assert_red(&Fixture::new("planted", arp)?.check()?, "arp -> tap is not allowed");
    Ok(())
}

#[test]
fn dev_dependency_that_is_not_listed_is_red() -> TestResult {
    let arp =
        "[dependencies]\nlink = { path = \"../link\" }\n[dev-dependencies]\ntap = { path = \"../tap\" }\n";
    assert_red(&Fixture::new("planted-dev", arp)?.check()?, "arp -> tap is not allowed");
    Ok(())
}

#[test]
fn unused_edge_is_red_and_named() -> TestResult {
    assert_red(&Fixture::new("unused", "")?.check()?, "arp -> link is allowed but does not exist");
    Ok(())
}

#[test]
fn libc_in_tree_of_protocol_crate_is_red_and_named() -> TestResult {
    let arp = "[dependencies]\nlink = { path = \"../link\" }\nlibc = { path = \"../libc\" }\n";
    assert_red(&Fixture::new("libc", arp)?.check()?, "arp -> libc");
    Ok(())
}

#[test]
fn dev_edge_is_green_only_when_table_of_dev_edges_has_it() -> TestResult {
    let arp =
        "[dependencies]\nlink = { path = \"../link\" }\n[dev-dependencies]\ntap = { path = \"../tap\" }\n";
    let fixture = Fixture::new("dev-table", arp)?;
    let manifest = fs::read_to_string(fixture.0.join("Cargo.toml"))?;
    fixture.write("Cargo.toml", &format!("{manifest}[workspace.metadata.dev-layers]\narp = [\"tap\"]\n"))?;
    assert!(fixture.check()?.status.success());
    fixture.write("Cargo.toml", &format!("{manifest}[workspace.metadata.dev-layers]\nlink = [\"arp\"]\n"))?;
    let output = fixture.check()?;
    assert_red(&output, "arp -> tap is not allowed");
    assert_red(
        &output,
        "link -> arp is allowed but does not exist; remove it from [workspace.metadata.dev-layers]",
    );
    Ok(())
}

const ARP: &str = "[dependencies]\nlink = { path = \"../link\" }\n";

/// Creates a workspace with the files `one.rs` and `two.rs` in its crate `arp`.
fn with_files(name: &str, one: &str, two: &str) -> Result<Fixture, Box<dyn Error>> {
    let fixture = Fixture::new(name, ARP)?;
    fixture.write("arp/src/lib.rs", "mod one;\nmod two;\npub use one::One;\npub use two::Two;\n")?;
    fixture.write("arp/src/one.rs", one)?;
    fixture.write("arp/src/two.rs", two)?;
    Ok(fixture)
}

#[test]
fn circle_of_files_is_red_and_named_through_reexports() -> TestResult {
    let one = "use crate::Two;\npub struct One(pub Option<Two>);\n";
    let circle = "arp: one.rs, two.rs import each other in a circle";
    let direct = "use super::one::{self, One as Other};\npub struct Two(pub Vec<Other>, pub one::One);\n";
    assert_red(&with_files("circle", one, direct)?.check()?, circle);
    let path = "pub struct Two(pub Vec<crate::One>);\n";
    assert_red(&with_files("circle-by-path", one, path)?.check()?, circle);
    let parent = "mod child;\npub struct One(pub Option<child::Child>);\n";
    let fixture = with_files("circle-by-child", parent, path)?;
    fixture.write("arp/src/one/child.rs", "pub struct Child(pub Vec<crate::Two>);\n")?;
    assert_red(&fixture.check()?, "arp: one.rs, one/child.rs, two.rs import each other in a circle");
    Ok(())
}

#[test]
fn imports_without_circle_are_green() -> TestResult {
    let one = "pub mod child;\nuse crate::Two;\npub struct One(pub Option<Two>);\n";
    // Comments, strings and tests do not import.
    let two = "// use crate::One;\npub struct Two;\npub const TEXT: &str = \"crate::One\";\n\
               #[cfg(test)]\nmod tests {\n    use crate::One;\n    const ONE: One = One(None);\n}\n";
    let fixture = with_files("no-circle", one, two)?;
    fixture.write("arp/src/one/child.rs", "pub struct Child(pub Vec<super::One>);\n")?;
    let output = fixture.check()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[test]
fn allowed_circle_is_green_until_it_is_cut() -> TestResult {
    let one = "pub struct One(pub Option<crate::Two>);\n";
    let fixture = with_files("allowed-circle", one, "pub struct Two(pub Vec<crate::One>);\n")?;
    let manifest = fs::read_to_string(fixture.0.join("Cargo.toml"))?;
    let circles = "[workspace.metadata.circles]\narp = [\"one.rs\", \"two.rs\"]\n";
    fixture.write("Cargo.toml", &format!("{manifest}{circles}"))?;
    let output = fixture.check()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fixture.write("arp/src/two.rs", "pub struct Two;\n")?;
    assert_red(&fixture.check()?, "arp: one.rs, two.rs are in no circle");
    Ok(())
}
