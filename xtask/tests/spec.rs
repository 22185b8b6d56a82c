//! Tests of `cargo xtask spec` with small trees that contain errors.

#![allow(clippy::disallowed_types, reason = "tests start programs and read their output")]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

type TestResult = Result<(), Box<dyn Error>>;

/// A tree with one requirement that is implemented and proved.
struct Fixture(PathBuf);

impl Fixture {
    fn new(name: &str) -> Result<Fixture, Box<dyn Error>> {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("spec").join(name);
        if root.exists() {
            fs::remove_dir_all(&root)?;
        }
        let fixture = Fixture(root);
        fixture.write("docs/spec/README.md", "- not a requirement\n")?;
        fixture.write(
            "docs/spec/rfc1.md",
            "# RFC 1: all of it\nStatus: finished.\n- **greet** M 2.1: all are greeted.\n",
        )?;
        fixture.write("crates/a/src/lib.rs", "fn greet() {} // spec: greet\n")?;
        fixture.write("xtask/src/main.rs", "fn main() {}\n")?;
        fixture.write("crates/a/tests/a.rs", "// proves: greet\n#[test]\nfn a() {}\n")?;
        Ok(fixture)
    }

    fn write(&self, path: &str, text: &str) -> TestResult {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().ok_or("no parent directory")?)?;
        Ok(fs::write(path, text)?)
    }

    fn check(&self) -> Result<Output, Box<dyn Error>> {
        Ok(Command::new(env!("CARGO_BIN_EXE_xtask")).args(["spec", "--root"]).arg(&self.0).output()?)
    }
}

fn assert_red(output: &Output, fault: &str) {
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.starts_with("xtask: spec: ") && message.contains(fault), "{message}");
    assert!(output.stdout.is_empty());
}

#[test]
fn tree_with_code_and_test_for_each_requirement_is_green_and_counted() -> TestResult {
    let output = Fixture::new("green")?.check()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let out = String::from_utf8(output.stdout)?;
    assert!(out.ends_with("spec: 1 requirements, 1 citations in code, 1 in tests\n"), "{out}");
    Ok(())
}

#[test]
fn requirement_without_test_is_red_and_named() -> TestResult {
    let fixture = Fixture::new("no-test")?;
    fixture.write("crates/a/tests/a.rs", "fn a() {}\n")?;
    assert_red(&fixture.check()?, "docs/spec/rfc1.md:3: `greet` has no test");
    Ok(())
}

#[test]
fn requirement_without_code_is_red_and_named() -> TestResult {
    let fixture = Fixture::new("no-code")?;
    fixture.write("crates/a/src/lib.rs", "fn greet() {}\n")?;
    assert_red(&fixture.check()?, "docs/spec/rfc1.md:3: `greet` has no code");
    Ok(())
}

#[test]
fn citation_of_unknown_requirement_is_red_and_named() -> TestResult {
    let fixture = Fixture::new("unknown")?;
    fixture.write("crates/b/tests/wire/main.rs", "\n// proves: bow\n#[test]\nfn b() {}\n")?;
    assert_red(&fixture.check()?, "crates/b/tests/wire/main.rs:2: no page has a requirement `bow`");
    Ok(())
}

#[test]
fn id_on_two_pages_is_red_and_named() -> TestResult {
    let fixture = Fixture::new("twice")?;
    fixture.write("docs/spec/rfc2.md", "# RFC 2: more\nStatus: finished.\n- **greet** S 1: all again.\n")?;
    let red = "docs/spec/rfc2.md:3: `greet` is already defined at docs/spec/rfc1.md:3";
    assert_red(&fixture.check()?, red);
    Ok(())
}

#[test]
fn build_output_hidden_folders_and_links_are_not_read() -> TestResult {
    let fixture = Fixture::new("left-behind")?;
    for path in ["crates/a/target/debug/src/a.rs", "crates/.hidden/src/a.rs", "crates/a/src/notes.txt"] {
        fixture.write(path, "// spec: bow\n")?;
    }
    fixture.write("elsewhere/src/a.rs", "// spec: bow\n")?;
    std::os::unix::fs::symlink("../elsewhere", fixture.0.join("crates/link"))?;
    assert!(fixture.check()?.status.success());
    Ok(())
}

#[test]
fn tree_without_pages_exits_2() -> TestResult {
    let fixture = Fixture::new("no-pages")?;
    fs::remove_dir_all(fixture.0.join("docs"))?;
    let output = fixture.check()?;
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("docs/spec"));
    Ok(())
}
