//! The launcher of `testbed`: time limits, environment, installed tools.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use testbed::installed::find;
use testbed::launcher::{TempFolder, ignored_signals, run};
use testbed::{Case, TestResult};

pub(crate) const CASES: &[Case] = &[
    ("process_is_killed_with_descendants_at_time_limit", process_is_killed_with_descendants_at_time_limit),
    ("process_inherits_no_developer_environment", process_inherits_no_developer_environment),
    ("process_resets_signals_that_shell_ignores", process_resets_signals_that_shell_ignores),
    ("tool_is_found_only_when_executable", tool_is_found_only_when_executable),
];

pub(crate) const UNPRIVILEGED: &[Case] =
    &[("tool_is_not_installed_when_folder_is_unreadable", tool_is_not_installed_when_folder_is_unreadable)];

fn process_is_killed_with_descendants_at_time_limit() -> TestResult {
    let folder = TempFolder::new(None)?;
    let script = "echo begun; sleep 72 & echo late >&2; wait";
    let outcome = run(Command::new("sh").args(["-c", script]), &folder, Duration::from_millis(500))?;
    assert!(outcome.status.is_none());
    assert_eq!((outcome.out.as_str(), outcome.errors.as_str()), ("begun\n", "late\n"));
    assert_eq!(outcome.killed, ["sleep 72"]);
    let outcome = run(Command::new("sh").args(["-c", "exit 3"]), &folder, Duration::from_secs(10))?;
    assert_eq!((outcome.status.and_then(|status| status.code()), outcome.killed.len()), (Some(3), 0));
    let path = folder.path().to_owned();
    drop(folder);
    assert!(!path.exists());
    Ok(())
}

fn process_resets_signals_that_shell_ignores() -> TestResult {
    // SIGHUP, SIGINT, SIGQUIT and SIGTERM.
    assert_eq!(ignored_signals()? & 0x4007, 0);
    Ok(())
}

fn process_inherits_no_developer_environment() -> TestResult {
    let folder = TempFolder::new(None)?;
    let mut command = Command::new("env");
    command.env("ADDED", "1");
    let outcome = run(&mut command, &folder, Duration::from_secs(10))?;
    let names: Vec<_> = outcome.out.lines().filter_map(|line| line.split('=').next()).collect();
    assert!(names.contains(&"ADDED"), "{}", outcome.out);
    for name in names {
        let known = [
            "PATH",
            "TMPDIR",
            "ADDED",
            "LD_LIBRARY_PATH",
            "LLVM_PROFILE_FILE",
            "RUST_BACKTRACE",
            "TAPSTACK_REQUIRE_WIRE",
        ];
        assert!(known.contains(&name), "{}", outcome.out);
    }
    assert!(outcome.out.contains(&format!("TMPDIR={}\n", folder.path().display())), "{}", outcome.out);
    Ok(())
}

/// Writes a script `tool` with this mode into a new directory.
fn script(folder: &Path, mode: u32) -> TestResult {
    fs::create_dir(folder)?;
    fs::write(folder.join("tool"), "#!/bin/sh\n")?;
    Ok(fs::set_permissions(folder.join("tool"), Permissions::from_mode(mode))?)
}

fn tool_is_found_only_when_executable() -> TestResult {
    let folder = TempFolder::new(None)?;
    let at = |name: &str| folder.path().join(name);
    script(&at("text"), 0o644)?;
    script(&at("whole"), 0o755)?;
    fs::create_dir_all(at("folder/tool"))?;
    fs::write(at("file"), "")?;
    let before = ["absent", "text", "folder", "file"].map(at);
    let search = std::env::join_paths(&before)?;
    let absent = find("tool", &search).err().ok_or("a file that is not executable was found")?;
    assert_eq!(absent.to_string(), "tool is not installed");
    let search = std::env::join_paths(before.into_iter().chain([at("whole")]))?;
    assert_eq!(find("tool", &search)?, at("whole/tool"));
    assert!(find("tool", OsStr::new("")).is_err());
    Ok(())
}

fn tool_is_not_installed_when_folder_is_unreadable() -> TestResult {
    let folder = TempFolder::new(None)?;
    let at = |name: &str| folder.path().join(name);
    for name in ["closed", "open"] {
        script(&at(name), 0o755)?;
    }
    fs::set_permissions(at("closed"), Permissions::from_mode(0o000))?;
    let closed = find("tool", at("closed").as_os_str()).is_err();
    let open = find("tool", &std::env::join_paths([at("closed"), at("open")])?);
    fs::set_permissions(at("closed"), Permissions::from_mode(0o755))?;
    assert!(closed);
    assert_eq!(open?, at("open/tool"));
    Ok(())
}
