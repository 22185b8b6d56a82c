//! Trials on a real wire, each in a network namespace of its own.
//!
//! The `main` of a test binary calls [`main`]: it runs the binary again for each trial, some at once, for most of
//! their time is waiting. Each enters a namespace before any thread exists. Root runs them as an ordinary user
//! too: the same trials in a namespace of that user's, and others where the user has no privilege.
//!
//! Where the wire is refused the trials are reported as ignored, with the reason; with
//! `TAPSTACK_REQUIRE_WIRE=1` they fail.

// Each test binary includes this module and uses what it needs of it.
#![allow(dead_code)]

pub(crate) mod lab;
pub(crate) mod program;
pub(crate) mod veth;

use std::error::Error;
use std::fs;
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::{Gid, Uid, geteuid, setgroups, setresgid, setresuid};
use tap::linux::{Namespace, NamespaceError, OpenError, PersistentTap, Tap};

/// What a trial returns: an error is a failure.
pub(crate) type Outcome = Result<(), Box<dyn Error>>;
/// A trial: its name and what it does.
pub(crate) type Case = (&'static str, fn() -> Outcome);

/// What a trial needs and this machine does not have. As an error of a trial it makes it ignored.
#[derive(Debug)]
pub(crate) struct Missing(pub(crate) String);

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Missing {}

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
        Err(error @ (NamespaceError::Forbidden { .. } | NamespaceError::Withheld)) => {
            return Err(error.into());
        }
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
                Err(error) if error.is::<Missing>() => no_wire(&error.to_string()),
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
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(program)
        .args(["--color=never", "--test-threads=1", "--exact", name])
        .env(SITUATION, situation)
        .env_remove("SUDO_UID")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let ran = text.contains("1 passed") || text.contains("1 ignored");
    if !output.status.success() || !ran {
        return Err(format!("{text}{}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let ignored = text.lines().find_map(|line| line.split_once("... ignored"));
    Ok(ignored.map_or(Completion::Completed, |(_, why)| {
        Completion::ignored_with(why.trim_matches([',', ' ', '(', ')']).to_owned())
    }))
}

/// Lays a `/dev/net/tun` of this mode over the machine's own, for this process only.
fn lay_node(mode: u32) -> Outcome {
    unshare(CloneFlags::CLONE_NEWNS)?;
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    let special = std::env::temp_dir().join(format!("tapstack-tun-{}", std::process::id()));
    mknod(&special, SFlag::S_IFCHR, Mode::empty(), makedev(10, 200))?;
    let laid = fs::set_permissions(&special, std::os::unix::fs::PermissionsExt::from_mode(mode))
        .map_err(Box::from)
        .and_then(|()| Ok(mount(Some(&special), "/dev/net/tun", none, MsFlags::MS_BIND, none)?));
    fs::remove_file(&special)?;
    laid
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
