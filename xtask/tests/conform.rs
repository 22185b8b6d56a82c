//! The black-box suite against the workspace's own host.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

fn main() -> ExitCode {
    let trials = vec![
        Trial::ignorable_test("our_host_passes_every_case", our_host_passes),
        Trial::test("what_is_no_host_does_not_pass", || Ok(what_is_no_host()?)),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn conform(program: &Path) -> std::io::Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_xtask")).args(["conform", "--program"]).arg(program).output()
}

/// The binary of the package `cli`, which lies beside this package's own.
fn tapstack() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_xtask")).with_file_name("tapstack")
}

fn our_host_passes() -> Result<Completion, Failed> {
    let output = conform(&tapstack()).map_err(|error| error.to_string())?;
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    match output.status.code() {
        Some(0) => Ok(Completion::Completed),
        Some(1) => Err(format!("{out}{errors}").into()),
        _ if std::env::var_os("TAPSTACK_REQUIRE_WIRE").is_some_and(|value| value == "1") => {
            Err(format!("a wire is required: {errors}").into())
        }
        _ => Ok(Completion::ignored_with(errors.trim())),
    }
}

fn what_is_no_host() -> Result<(), Box<dyn Error>> {
    let output = conform(Path::new("/bin/true"))?;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    Ok(())
}
