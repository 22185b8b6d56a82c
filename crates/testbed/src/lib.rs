//! Wire tests: tests with real interfaces, each in its own network namespace.
//!
//! The `main` of a test binary calls [`main`], which runs the binary again for each test. Several tests run at the same
//! time, because tests mostly wait. Each process enters a namespace before it starts a thread. If root runs the binary,
//! the binary also runs tests as an unprivileged user: the same tests in a namespace of that user, and other tests
//! without access to `/dev/net/tun` or in a namespace of root.
//!
//! A test has a time limit and a temporary directory that its user can write to. It inherits `PATH` and a few variables
//! of test tools from the environment.
//!
//! If the system does not permit namespaces or TAPs, the tests are ignored, with the reason. With
//! `TAPSTACK_REQUIRE_WIRE=1` the tests fail instead. A test that needs a tool is always ignored if the tool is not
//! installed.

#![allow(clippy::disallowed_types, reason = "tests start programs and read their output")]
// Test support: a test fails by panicking.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::missing_panics_doc, clippy::panic)]

pub mod frames;
pub mod installed;
pub mod kernel;
pub mod launcher;
pub mod program;
pub mod schema;
pub mod suite;
pub mod veth;

use std::error::Error;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

use installed::NotInstalled;
use launcher::TempFolder;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::{Gid, Uid, geteuid, setgroups, setresgid, setresuid};
use tap::linux::{Namespace, NamespaceError, OpenError, PersistentTap, Tap};

/// Result of a test. The test fails on any error other than [`WireRefused`] and [`NotInstalled`].
pub type TestResult = Result<(), Box<dyn Error>>;
/// A test: its name and its function.
pub type Case = (&'static str, fn() -> TestResult);

/// Error that this system does not permit or support what a test needs, with the reason. A test that returns this error
/// is ignored, or fails with `TAPSTACK_REQUIRE_WIRE=1`.
#[derive(Debug)]
pub struct WireRefused(pub String);

impl std::fmt::Display for WireRefused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for WireRefused {}

/// Tests of one test binary.
#[derive(Clone, Copy)]
pub struct WireTests<'a> {
    /// Tests that run as the user of the binary, in a new namespace. If that user is root, the tests run again as an
    /// unprivileged user.
    pub cases: &'a [Case],
    /// Tests that run as an unprivileged user without permission to open `/dev/net/tun`.
    pub refused: &'a [Case],
    /// Tests that run as an unprivileged user in a namespace of root. The namespace has two TAPs, which are up:
    /// [`USER_TAP`], owned by the user, with the address 10.0.0.1/24, and [`ROOT_TAP`], owned by root, with
    /// 10.0.1.1/24.
    pub unprivileged: &'a [Case],
}

/// TAP that the unprivileged user owns.
pub const USER_TAP: &str = "user0";
/// TAP that root owns.
pub const ROOT_TAP: &str = "root0";

/// Environment variable with the situation in which a child runs its test.
const SITUATION: &str = "TAPSTACK_TEST_SITUATION";
const CURRENT_USER: &str = "as_current_user";
const ORDINARY: &str = "as_unprivileged_user";
const REFUSED: &str = "without_access_to_node";
const UNPRIVILEGED: &str = "without_privilege_in_namespace_of_root";
/// Default number of tests that run at the same time.
const PARALLEL_TESTS: usize = 6;
/// Time limit of a test, with allowance for a busy machine.
const TEST_TIME_LIMIT: Duration = Duration::from_mins(2);
/// User ID of the unprivileged user.
pub const UNPRIVILEGED_UID: u32 = 65_534;

/// Time limit of [`wait_for`].
const WAIT_LIMIT: Duration = Duration::from_mins(1);
/// Time between two attempts.
const PAUSE: Duration = Duration::from_millis(1);

/// Repeats `attempt` until it returns a value, for up to a minute. The error contains `what`, the name of the value.
pub fn wait_for<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> Result<T, Box<dyn Error>> {
    for _ in 0..WAIT_LIMIT.as_millis() / PAUSE.as_millis() {
        if let Some(value) = attempt() {
            return Ok(value);
        }
        thread::sleep(PAUSE);
    }
    Err(format!("no {what} within {WAIT_LIMIT:?}").into())
}

/// Runs the tests of a binary, each in its own process, or the test for which this process was started.
pub fn main(all: WireTests<'_>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    let situation = std::env::var(SITUATION);
    let trials = if let Ok(situation) = situation.as_deref() {
        let refusal = prepare(situation).err().map(|error| error.to_string());
        trials(all.of(situation), refusal.as_deref())
    } else {
        launcher::restore_signals().expect("default action of signals should be restored");
        arguments.test_threads.get_or_insert(PARALLEL_TESTS);
        let more: &[&str] = if geteuid().is_root() { &[ORDINARY, REFUSED, UNPRIVILEGED] } else { &[] };
        let situations = [CURRENT_USER].into_iter().chain(more.iter().copied());
        situations.flat_map(|situation| launches(situation, all.of(situation))).collect()
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

impl<'a> WireTests<'a> {
    fn of(self, situation: &str) -> &'a [Case] {
        match situation {
            REFUSED => self.refused,
            UNPRIVILEGED => self.unprivileged,
            _ => self.cases,
        }
    }
}

/// Prepares this process for a situation.
fn prepare(situation: &str) -> TestResult {
    // Orphaned descendants of a test become its children, so that the launcher finds and kills them at the time limit.
    prctl::set_child_subreaper(true)?;
    match situation {
        ORDINARY => mount_tun_node(0o666).and_then(|()| drop_privileges()).and_then(|()| enter_namespace()),
        REFUSED => mount_tun_node(0o600).and_then(|()| drop_privileges()),
        UNPRIVILEGED => mount_tun_node(0o666).and_then(|()| create_taps()).and_then(|()| drop_privileges()),
        _ => enter_namespace(),
    }
}

/// Enters a new namespace and opens a TAP in it. Returns an error if the system does not permit the namespace or the
/// TAP, and panics on other errors, which are defects.
fn enter_namespace() -> TestResult {
    match Namespace::enter() {
        Err(
            error @ (NamespaceError::Forbidden { .. }
            | NamespaceError::LimitReached(_)
            | NamespaceError::RestrictedByAppArmor
            | NamespaceError::Denied { .. }
            | NamespaceError::NetAdminMissing),
        ) => return Err(error.into()),
        other => drop(other.expect("namespace should be entered")),
    }
    match Tap::open("probe%d") {
        Err(error @ (OpenError::NoNode(_) | OpenError::NodeRefused(_) | OpenError::NotPermitted(_))) => {
            Err(error.into())
        }
        other => {
            drop(other.expect("TAP should open"));
            Ok(())
        }
    }
}

/// Enters a new namespace of root and creates [`USER_TAP`] and [`ROOT_TAP`] in it.
fn create_taps() -> TestResult {
    Namespace::enter()?;
    for (name, owner, address) in [(USER_TAP, UNPRIVILEGED_UID, "10.0.0.1/24"), (ROOT_TAP, 0, "10.0.1.1/24")]
    {
        let tap = PersistentTap {
            name: name.parse()?,
            owner: Some(owner),
            group: None,
            mtu: None,
            address: Some(address.parse()?),
        };
        tap.create()?;
    }
    Ok(())
}

/// Returns the tests of this process. With a `refusal`, the tests are ignored, or fail if a wire is required.
fn trials(cases: &[Case], refusal: Option<&str>) -> Vec<Trial> {
    let trial = |(name, case): &Case| {
        let (refusal, case) = (refusal.map(str::to_owned), *case);
        Trial::ignorable_test(*name, move || match refusal {
            None => match case() {
                Ok(()) => Ok(Completion::Completed),
                Err(error) if error.is::<NotInstalled>() => Ok(Completion::ignored_with(error.to_string())),
                Err(error) if error.is::<WireRefused>() => no_wire(&error.to_string()),
                Err(error) => Err(error.to_string().into()),
            },
            Some(reason) => no_wire(&reason),
        })
    };
    cases.iter().map(trial).collect()
}

/// Returns that a test is ignored for this reason, or a failure with `TAPSTACK_REQUIRE_WIRE=1`.
fn no_wire(reason: &str) -> Result<Completion, Failed> {
    if std::env::var_os("TAPSTACK_REQUIRE_WIRE").is_some_and(|value| value == "1") {
        return Err(format!("no wire, but TAPSTACK_REQUIRE_WIRE=1: {reason}").into());
    }
    Ok(Completion::ignored_with(reason))
}

/// Returns the tests of a situation. Each test runs this test binary again.
fn launches(situation: &'static str, cases: &[Case]) -> impl Iterator<Item = Trial> {
    cases.iter().map(move |(name, _)| {
        let name = *name;
        let full_name =
            if situation == CURRENT_USER { name.to_owned() } else { format!("{situation}::{name}") };
        Trial::ignorable_test(full_name, move || launch(situation, name))
    })
}

/// Runs this test binary again, for one test.
fn launch(situation: &str, name: &str) -> Result<Completion, Failed> {
    let failed = |error: std::io::Error| Failed::from(error.to_string());
    let program = std::env::current_exe().map_err(failed)?;
    let owner = (situation != CURRENT_USER).then_some(UNPRIVILEGED_UID);
    let folder = TempFolder::new(owner).map_err(failed)?;
    let mut command = Command::new(program);
    command.args(["--color=never", "--test-threads=1", "--exact", name]).env(SITUATION, situation);
    let output = launcher::run(&mut command, &folder, TEST_TIME_LIMIT).map_err(failed)?;
    let text = output.out;
    let Some(status) = output.status else {
        let killed = output.killed.join("\n  ");
        return Err(format!(
            "timeout: killed after {TEST_TIME_LIMIT:?}, with these descendants:\n  {killed}\n{text}{}",
            output.errors
        )
        .into());
    };
    let ran = text.contains("1 passed") || text.contains("1 ignored");
    if !status.success() || !ran {
        return Err(format!("{status}\n{text}{}", output.errors).into());
    }
    let ignored = text.lines().find_map(|line| line.split_once("... ignored"));
    Ok(ignored.map_or(Completion::Completed, |(_, reason)| {
        Completion::ignored_with(reason.trim_matches([',', ' ', '(', ')']).to_owned())
    }))
}

/// Mounts a `/dev/net/tun` with this mode over the existing node, for this process and its children only.
fn mount_tun_node(mode: u32) -> TestResult {
    const NODE: &str = "/dev/net/tun";
    let failed =
        |error: Box<dyn Error>| format!("cannot mount a node with mode {mode:o} over {NODE}: {error}").into();
    if !Path::new(NODE).exists() {
        return Err(failed("it does not exist".into()));
    }
    unshare(CloneFlags::CLONE_NEWNS)?;
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    // The node is created in a new file system, because the file system of the temporary directory may forbid devices.
    let folder = std::env::temp_dir().join("node");
    let mount_node = || -> TestResult {
        fs::create_dir(&folder)?;
        mount(Some("tmpfs"), &folder, Some("tmpfs"), MsFlags::empty(), none)?;
        let special = folder.join("tun");
        mknod(&special, SFlag::S_IFCHR, Mode::empty(), makedev(10, 200))?;
        fs::set_permissions(&special, Permissions::from_mode(mode))?;
        mount(Some(&special), NODE, none, MsFlags::MS_BIND, none)?;
        umount2(&folder, MntFlags::MNT_DETACH)?;
        Ok(fs::remove_dir(&folder)?)
    };
    mount_node().map_err(failed)
}

/// Switches to the unprivileged user and drops all capabilities.
fn drop_privileges() -> TestResult {
    std::env::set_current_dir("/")?;
    setgroups(&[])?;
    setresgid(
        Gid::from_raw(UNPRIVILEGED_UID),
        Gid::from_raw(UNPRIVILEGED_UID),
        Gid::from_raw(UNPRIVILEGED_UID),
    )?;
    setresuid(
        Uid::from_raw(UNPRIVILEGED_UID),
        Uid::from_raw(UNPRIVILEGED_UID),
        Uid::from_raw(UNPRIVILEGED_UID),
    )?;
    // Without this call, /proc/self belongs to root until the next exec, and the ID maps cannot be written.
    Ok(prctl::set_dumpable(true)?)
}
