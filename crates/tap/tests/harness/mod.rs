//! Trials on a real wire, in a network namespace of their own.
//!
//! The `main` of a test binary calls [`main`]: it enters a namespace before any thread exists, and
//! runs the trials there one after another. As root it runs them a second time as an ordinary user,
//! on a private `/dev/net/tun` of mode 0666, and a few more on one of mode 0600.
//!
//! Where the wire is refused the trials are reported as ignored, with the reason; with
//! `TAPSTACK_REQUIRE_WIRE=1` they fail.

// Each test binary includes this module and uses what it needs of it.
#![allow(dead_code)]

pub(crate) mod lab;

use std::error::Error;
use std::fs;
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::{Gid, Uid, geteuid, setgroups, setresgid, setresuid};
use tap::linux::{Namespace, Tap};

/// What a trial returns: an error is a failure.
pub(crate) type Outcome = Result<(), Box<dyn Error>>;
/// A trial: its name and what it does.
pub(crate) type Case = (&'static str, fn() -> Outcome);

/// Set in a child that is to run its trials as an ordinary user; says which node it gets.
const NODE: &str = "TAPSTACK_TEST_NODE";
/// The user "nobody".
const NOBODY: u32 = 65_534;

/// Runs `cases` on a real wire, and `refused` where the node is refused.
pub(crate) fn main(cases: &[Case], refused: &[Case]) -> ExitCode {
    let mut arguments = Arguments::from_args();
    // The trials share one namespace.
    arguments.test_threads = Some(1);
    let ordinary = |mode, cases: &[Case], enter: fn() -> Result<(), String>| {
        let become_ordinary =
            become_ordinary(mode).map_err(|error| format!("cannot become an ordinary user: {error}"));
        trials(cases, become_ordinary.and_then(|()| enter()).err().as_deref())
    };
    let trials = match std::env::var(NODE).as_deref() {
        Ok("refused") => ordinary(0o600, refused, || Ok(())),
        Ok(_) => ordinary(0o666, cases, enter),
        Err(_) => {
            let is_root = geteuid().is_root();
            let mut trials = trials(cases, enter().err().as_deref());
            if is_root {
                trials.push(Trial::ignorable_test("as_an_ordinary_user", || again("allowed")));
            }
            if is_root && !refused.is_empty() {
                trials.push(Trial::ignorable_test("where_the_node_is_refused", || again("refused")));
            }
            trials
        }
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Moves into a namespace and tries the wire.
fn enter() -> Result<(), String> {
    Namespace::enter().map_err(|error| error.to_string())?;
    Tap::open("probe%d").map(drop).map_err(|error| error.to_string())
}

fn trials(cases: &[Case], refusal: Option<&str>) -> Vec<Trial> {
    let one = |(name, case): &Case| {
        let (refusal, case) = (refusal.map(str::to_owned), *case);
        Trial::ignorable_test(*name, move || match refusal {
            None => case().map(|()| Completion::Completed).map_err(|error| Failed::from(error.to_string())),
            Some(reason) => no_wire(&reason),
        })
    };
    cases.iter().map(one).collect()
}

/// A trial that cannot run is ignored, unless a wire is required.
fn no_wire(reason: &str) -> Result<Completion, Failed> {
    if std::env::var_os("TAPSTACK_REQUIRE_WIRE").is_some_and(|value| value == "1") {
        return Err(format!("a wire is required: {reason}").into());
    }
    Ok(Completion::ignored_with(reason))
}

/// Runs this test binary again, with the arguments it has, as an ordinary user.
fn again(node: &str) -> Result<Completion, Failed> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(program)
        .arg("--color=never")
        .env(NODE, node)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!("{text}{}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let ignored = text.lines().find(|line| line.contains("... ignored"));
    Ok(ignored.map_or(Completion::Completed, Completion::ignored_with))
}

/// Lays a `/dev/net/tun` of this mode over the machine's own, for this process only, and then
/// becomes the user "nobody".
fn become_ordinary(mode: u32) -> Outcome {
    unshare(CloneFlags::CLONE_NEWNS)?;
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    let special = std::env::temp_dir().join(format!("tapstack-tun-{}", std::process::id()));
    mknod(&special, SFlag::S_IFCHR, Mode::empty(), makedev(10, 200))?;
    let laid = fs::set_permissions(&special, std::os::unix::fs::PermissionsExt::from_mode(mode))
        .map_err(Box::from)
        .and_then(|()| Ok(mount(Some(&special), "/dev/net/tun", none, MsFlags::MS_BIND, none)?));
    fs::remove_file(&special)?;
    laid.map_err(|error: Box<dyn Error>| error)?;

    std::env::set_current_dir("/")?;
    setgroups(&[])?;
    setresgid(Gid::from_raw(NOBODY), Gid::from_raw(NOBODY), Gid::from_raw(NOBODY))?;
    setresuid(Uid::from_raw(NOBODY), Uid::from_raw(NOBODY), Uid::from_raw(NOBODY))?;
    // Without an exec in between, /proc/self would stay root's, and the id maps out of reach.
    prctl::set_dumpable(true)?;
    Ok(())
}
