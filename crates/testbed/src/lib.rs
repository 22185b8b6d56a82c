//! Trials on a real wire, each in a network namespace of its own.
//!
//! The `main` of a test binary calls [`main`]. It runs the binary again for each trial, several at once, because trials
//! mostly wait. Each process enters a namespace before any thread exists. For root the trials also run as an ordinary
//! user: the same trials in a namespace of that user, and others where the user has no privilege.
//!
//! A trial has a time limit, a temporary folder that its user can write, and none of the developer's environment
//! but `PATH`.
//!
//! If the system refuses the wire, the trials are reported as ignored, with the reason; with `TAPSTACK_REQUIRE_WIRE=1` they
//! fail. A trial is always ignored, with the reason, if its tool is not installed.

#![allow(clippy::disallowed_types, reason = "tests start programs and read their output")]
// Test support: a trial fails by a panic.
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

/// The result of a trial: an error is a failure.
pub type TestResult = Result<(), Box<dyn Error>>;
/// A trial: its name and what it does.
pub type Case = (&'static str, fn() -> TestResult);

/// The error that this machine refuses a wire. A trial that returns it is ignored, unless a wire is required.
///
/// [`NotInstalled`] is the error for a tool.
#[derive(Debug)]
pub struct WireRefused(pub String);

impl std::fmt::Display for WireRefused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for WireRefused {}

/// The trials of one test binary.
#[derive(Clone, Copy)]
pub struct Trials<'a> {
    /// Run as the user of the binary, in a new namespace, and again as an ordinary user.
    pub cases: &'a [Case],
    /// Run as an ordinary user without permission to open `/dev/net/tun`.
    pub refused: &'a [Case],
    /// Run as an ordinary user in a namespace of root. It has the TAP [`USER_TAP`], which is up and owned by the
    /// user, with the kernel at 10.0.0.1/24, and the TAP [`ROOT_TAP`], which root owns.
    pub unprivileged: &'a [Case],
}

/// The TAP that the ordinary user owns.
pub const USER_TAP: &str = "mine0";
/// The TAP that root owns.
pub const ROOT_TAP: &str = "root0";

/// The environment variable with the situation of a trial, for the child process.
const SITUATION: &str = "TAPSTACK_TEST_SITUATION";
const AS_IT_IS: &str = "as_it_is";
const ORDINARY: &str = "as_an_ordinary_user";
const REFUSED: &str = "where_the_node_is_refused";
const UNPRIVILEGED: &str = "without_privilege";
/// Default number of trials that run at once.
const PARALLEL_TRIALS: usize = 6;
/// The time limit of a trial, with allowance for a busy machine.
const TRIAL_TIME_LIMIT: Duration = Duration::from_mins(2);
/// The ID of the unprivileged user that trials run as.
pub const UNPRIVILEGED_UID: u32 = 65_534;

/// The time limit of [`wait_for`].
const WAIT_LIMIT: Duration = Duration::from_secs(10);
/// The time between two attempts.
const PAUSE: Duration = Duration::from_millis(1);

/// Repeats `attempt` until it returns a value, up to a time limit. The error names what did not appear.
pub fn wait_for<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> Result<T, Box<dyn Error>> {
    for _ in 0..WAIT_LIMIT.as_millis() / PAUSE.as_millis() {
        if let Some(value) = attempt() {
            return Ok(value);
        }
        thread::sleep(PAUSE);
    }
    Err(format!("no {what} within {WAIT_LIMIT:?}").into())
}

/// Runs the trials of a test binary, each in its own process, or the one trial that this process is for.
pub fn main(all: Trials<'_>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    let situation = std::env::var(SITUATION);
    let trials = if let Ok(situation) = situation.as_deref() {
        let ready = prepare(situation).err().map(|error| error.to_string());
        trials(all.of(situation), ready.as_deref())
    } else {
        launcher::restore_signals().expect("the default action of signals");
        arguments.test_threads.get_or_insert(PARALLEL_TRIALS);
        let more: &[&str] = if geteuid().is_root() { &[ORDINARY, REFUSED, UNPRIVILEGED] } else { &[] };
        let situations = [AS_IT_IS].into_iter().chain(more.iter().copied());
        situations.flat_map(|situation| launches(situation, all.of(situation))).collect()
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

impl<'a> Trials<'a> {
    fn of(self, situation: &str) -> &'a [Case] {
        match situation {
            REFUSED => self.refused,
            UNPRIVILEGED => self.unprivileged,
            _ => self.cases,
        }
    }
}

/// Puts this process into a situation.
fn prepare(situation: &str) -> TestResult {
    // Orphaned descendants become children of this process, so that the time limit finds them.
    prctl::set_child_subreaper(true)?;
    match situation {
        ORDINARY => mount_tun_node(0o666).and_then(|()| drop_privileges()).and_then(|()| enter_namespace()),
        REFUSED => mount_tun_node(0o600).and_then(|()| drop_privileges()),
        UNPRIVILEGED => mount_tun_node(0o666).and_then(|()| create_taps()).and_then(|()| drop_privileges()),
        _ => enter_namespace(),
    }
}

/// Moves into a namespace and opens a TAP there. Only a refusal by the system is returned. Any other error is a defect
/// and fails the trials.
fn enter_namespace() -> TestResult {
    match Namespace::enter() {
        Err(
            error @ (NamespaceError::Forbidden { .. }
            | NamespaceError::LimitReached(_)
            | NamespaceError::RestrictedByAppArmor
            | NamespaceError::Denied { .. }
            | NamespaceError::NetAdminMissing),
        ) => return Err(error.into()),
        other => drop(other.expect("a namespace that was not refused")),
    }
    match Tap::open("probe%d") {
        Err(error @ (OpenError::NoNode(_) | OpenError::NodeRefused(_) | OpenError::NotPermitted(_))) => {
            Err(error.into())
        }
        other => {
            drop(other.expect("a TAP that was not refused"));
            Ok(())
        }
    }
}

/// Moves into a namespace of root with two TAPs in it.
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

fn trials(cases: &[Case], refusal: Option<&str>) -> Vec<Trial> {
    let one = |(name, case): &Case| {
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
    cases.iter().map(one).collect()
}

/// Ignores a trial that cannot run, unless a wire is required.
fn no_wire(reason: &str) -> Result<Completion, Failed> {
    if std::env::var_os("TAPSTACK_REQUIRE_WIRE").is_some_and(|value| value == "1") {
        return Err(format!("a wire is required: {reason}").into());
    }
    Ok(Completion::ignored_with(reason))
}

/// Returns the trials of a situation, each of which runs this test binary again.
fn launches(situation: &'static str, cases: &[Case]) -> impl Iterator<Item = Trial> {
    cases.iter().map(move |(name, _)| {
        let name = *name;
        let whole = if situation == AS_IT_IS { name.to_owned() } else { format!("{situation}::{name}") };
        Trial::ignorable_test(whole, move || launch(situation, name))
    })
}

/// Runs this test binary again, for one trial.
fn launch(situation: &str, name: &str) -> Result<Completion, Failed> {
    let failed = |error: std::io::Error| Failed::from(error.to_string());
    let program = std::env::current_exe().map_err(failed)?;
    let owner = (situation != AS_IT_IS).then_some(UNPRIVILEGED_UID);
    let folder = TempFolder::new(owner).map_err(failed)?;
    let mut command = Command::new(program);
    command.args(["--color=never", "--test-threads=1", "--exact", name]).env(SITUATION, situation);
    let ended = launcher::run(&mut command, &folder, TRIAL_TIME_LIMIT).map_err(failed)?;
    let text = ended.out;
    let Some(status) = ended.status else {
        let killed = ended.killed.join("\n  ");
        return Err(
            format!("killed after {TRIAL_TIME_LIMIT:?}, with\n  {killed}\n{text}{}", ended.errors).into()
        );
    };
    let ran = text.contains("1 passed") || text.contains("1 ignored");
    if !status.success() || !ran {
        return Err(format!("{status}\n{text}{}", ended.errors).into());
    }
    let ignored = text.lines().find_map(|line| line.split_once("... ignored"));
    Ok(ignored.map_or(Completion::Completed, |(_, why)| {
        Completion::ignored_with(why.trim_matches([',', ' ', '(', ')']).to_owned())
    }))
}

/// Mounts a `/dev/net/tun` of this mode over that of the machine, for this process only.
fn mount_tun_node(mode: u32) -> TestResult {
    const NODE: &str = "/dev/net/tun";
    let failed = |error: Box<dyn Error>| format!("cannot mount a {NODE} of mode {mode:o}: {error}").into();
    if !Path::new(NODE).exists() {
        return Err(failed("there is none".into()));
    }
    unshare(CloneFlags::CLONE_NEWNS)?;
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    // A file system of its own: the one of the temporary folder may allow no devices.
    let folder = std::env::temp_dir().join("node");
    let lay = || -> TestResult {
        fs::create_dir(&folder)?;
        mount(Some("tmpfs"), &folder, Some("tmpfs"), MsFlags::empty(), none)?;
        let special = folder.join("tun");
        mknod(&special, SFlag::S_IFCHR, Mode::empty(), makedev(10, 200))?;
        fs::set_permissions(&special, Permissions::from_mode(mode))?;
        mount(Some(&special), NODE, none, MsFlags::MS_BIND, none)?;
        umount2(&folder, MntFlags::MNT_DETACH)?;
        Ok(fs::remove_dir(&folder)?)
    };
    lay().map_err(failed)
}

/// Changes to the unprivileged user, without capabilities.
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
    // Without an exec, root would still own /proc/self, and the id maps could not be written.
    Ok(prctl::set_dumpable(true)?)
}
