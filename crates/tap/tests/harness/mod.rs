//! Trials on a real wire, each in a network namespace of its own.
//!
//! The `main` of a test binary calls [`main`]: it runs the binary again for each trial, some at once, for most of
//! their time is waiting. Each enters a namespace before any thread exists. Root runs them as an ordinary user
//! too: the same trials in a namespace of that user's, and others where the user has no privilege.
//!
//! A trial has a time limit, a temporary folder that its user can write, and none of the developer's environment
//! but `PATH`.
//!
//! Where the wire is refused the trials are reported as ignored, with the reason; with
//! `TAPSTACK_REQUIRE_WIRE=1` they fail. A trial whose tool is not installed is ignored, with the reason, always.

// Each test binary includes this module and uses what it needs of it.
#![allow(dead_code)]

pub(crate) mod installed;
pub(crate) mod lab;
pub(crate) mod launcher;
pub(crate) mod program;
pub(crate) mod veth;

use std::error::Error;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use installed::NotInstalled;
use launcher::Folder;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::{Gid, Uid, geteuid, setgroups, setresgid, setresuid};
use tap::linux::{Namespace, NamespaceError, OpenError, PersistentTap, Tap};

/// What a trial returns: an error is a failure.
pub(crate) type Outcome = Result<(), Box<dyn Error>>;
/// A trial: its name and what it does.
pub(crate) type Case = (&'static str, fn() -> Outcome);

/// A wire that this machine refuses. As an error of a trial it makes the trial ignored, unless a wire is required.
///
/// A tool that is not installed is [`NotInstalled`].
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Refused {}

/// The trials of one test binary.
#[derive(Clone, Copy)]
pub(crate) struct Trials<'a> {
    /// Run by whoever runs the binary, in a namespace of their own; and again as an ordinary user.
    pub(crate) cases: &'a [Case],
    /// Run as an ordinary user whom the mode of `/dev/net/tun` keeps out.
    pub(crate) refused: &'a [Case],
    /// Run as an ordinary user in a namespace of root's. There is a TAP [`MINE`], which is up and
    /// the user's, with the kernel at 10.0.0.1/24, and a TAP [`THEIRS`], which is root's.
    pub(crate) unprivileged: &'a [Case],
}

/// The TAP of the ordinary user without privilege.
pub(crate) const MINE: &str = "mine0";
/// The TAP that is root's.
pub(crate) const THEIRS: &str = "theirs0";

/// Set in a child that is to run a trial: the name of the situation.
const SITUATION: &str = "TAPSTACK_TEST_SITUATION";
const AS_IT_IS: &str = "as_it_is";
const ORDINARY: &str = "as_an_ordinary_user";
const REFUSED: &str = "where_the_node_is_refused";
const UNPRIVILEGED: &str = "without_privilege";
/// How many trials run at once, unless `--test-threads` says otherwise.
const AT_ONCE: usize = 6;
/// How long a trial may take on a machine that has other things to do.
const LIMIT: Duration = Duration::from_mins(2);
/// The user "nobody".
pub(crate) const NOBODY: u32 = 65_534;

/// Runs the trials of a test binary, each in a process of its own; or the one that this process is for.
pub(crate) fn main(all: Trials<'_>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    let situation = std::env::var(SITUATION);
    let trials = if let Ok(situation) = situation.as_deref() {
        let ready = prepare(situation).err().map(|error| error.to_string());
        trials(all.of(situation), ready.as_deref())
    } else {
        launcher::restore_signals().expect("the default action of signals");
        arguments.test_threads.get_or_insert(AT_ONCE);
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

/// Makes this process what the situation says.
fn prepare(situation: &str) -> Outcome {
    // What a trial starts stays below it, where it is found at the time limit.
    prctl::set_child_subreaper(true)?;
    match situation {
        ORDINARY => lay_node(0o666).and_then(|()| become_nobody()).and_then(|()| enter()),
        REFUSED => lay_node(0o600).and_then(|()| become_nobody()),
        UNPRIVILEGED => lay_node(0o666).and_then(|()| furnish()).and_then(|()| become_nobody()),
        _ => enter(),
    }
}

/// Moves into a namespace and tries the wire. Only a refusal counts as having none: whatever else
/// fails is a fault of ours, and fails the trials.
fn enter() -> Outcome {
    match Namespace::enter() {
        Err(
            error @ (NamespaceError::Forbidden { .. }
            | NamespaceError::LimitReached(_)
            | NamespaceError::Withheld
            | NamespaceError::Denied { .. }
            | NamespaceError::NetAdminMissing),
        ) => return Err(error.into()),
        other => drop(other.expect("a namespace that was not refused")),
    }
    match Tap::open("probe%d") {
        Err(
            error @ (OpenError::NoNode(_)
            | OpenError::NoNodeInContainer(_)
            | OpenError::NodeRefused(_)
            | OpenError::NotPermitted(_)
            | OpenError::NotPermittedInContainer(_)),
        ) => Err(error.into()),
        other => {
            drop(other.expect("a TAP that was not refused"));
            Ok(())
        }
    }
}

/// Moves into a namespace of root's with two TAPs in it.
fn furnish() -> Outcome {
    Namespace::enter()?;
    for (name, owner, address) in [(MINE, NOBODY, "10.0.0.1/24"), (THEIRS, 0, "10.0.1.1/24")] {
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
                Err(error) if error.is::<Refused>() => no_wire(&error.to_string()),
                Err(error) => Err(error.to_string().into()),
            },
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

/// The trials of a situation, each to be run by this test binary again.
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
    let owner = (situation != AS_IT_IS).then_some(NOBODY);
    let folder = Folder::new(owner).map_err(failed)?;
    let mut command = Command::new(program);
    command.args(["--color=never", "--test-threads=1", "--exact", name]).env(SITUATION, situation);
    let ended = launcher::run(&mut command, &folder, LIMIT).map_err(failed)?;
    let text = ended.out;
    let Some(status) = ended.status else {
        let killed = ended.killed.join("\n  ");
        return Err(format!("killed after {LIMIT:?}, with\n  {killed}\n{text}{}", ended.errors).into());
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

/// Lays a `/dev/net/tun` of this mode over the machine's own, for this process only.
fn lay_node(mode: u32) -> Outcome {
    const NODE: &str = "/dev/net/tun";
    let failed = |error: Box<dyn Error>| {
        format!("cannot lay a {NODE} of mode {mode:o} over this machine's: {error}").into()
    };
    if !Path::new(NODE).exists() {
        return Err(failed("there is none".into()));
    }
    unshare(CloneFlags::CLONE_NEWNS)?;
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    // A file system of its own: the one of the temporary folder may allow no devices.
    let folder = std::env::temp_dir().join("node");
    let lay = || -> Outcome {
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

/// Becomes the user "nobody", with no capability.
fn become_nobody() -> Outcome {
    std::env::set_current_dir("/")?;
    setgroups(&[])?;
    setresgid(Gid::from_raw(NOBODY), Gid::from_raw(NOBODY), Gid::from_raw(NOBODY))?;
    setresuid(Uid::from_raw(NOBODY), Uid::from_raw(NOBODY), Uid::from_raw(NOBODY))?;
    // Without an exec in between, /proc/self would stay root's, and the id maps out of reach.
    Ok(prctl::set_dumpable(true)?)
}
