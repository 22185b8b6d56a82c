//! A question, and what may come of it.

use super::frame_socket::FrameSocket;
use super::session::Session;
use super::test_tap::TestTap;

/// What a question ends with: the host does as asked, or what it did instead.
pub(crate) type CaseResult = Result<(), String>;

/// One question: what it asks, which rule it asks about, and how.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) rule: &'static str,
    ask: CaseFunction,
    pub(crate) linux: LinuxBehavior,
}

#[derive(Clone, Copy)]
enum CaseFunction {
    /// By what it sends alone.
    Frames(fn(&mut FrameSocket) -> CaseResult),
    /// By its translation table too.
    ArpCache(fn(&mut Session) -> CaseResult),
}

/// One question to a host that is started for it: how it claims its address, and how it gives it up.
#[derive(Clone, Copy)]
pub(crate) struct FreshHostCase {
    pub(crate) name: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) run: fn(&mut TestTap) -> CaseResult,
}

/// What the kernel of Linux makes of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinuxBehavior {
    /// What the suite expects.
    Agrees,
    /// Something else, for this reason.
    Differs(&'static str),
    /// It is not asked, for this reason.
    NotAsked(&'static str),
}

/// The verdict on a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As expected.
    Passed,
    /// Not as expected; what happened instead.
    Failed(String),
    /// Not asked, and why.
    Skipped(String),
    /// Not as expected, as was known; why.
    Differs(String),
}

impl Case {
    /// A question about what the host sends. Linux is expected to agree.
    pub(crate) const fn new(
        name: &'static str,
        rule: &'static str,
        ask: fn(&mut FrameSocket) -> CaseResult,
    ) -> Case {
        Case { name, rule, ask: CaseFunction::Frames(ask), linux: LinuxBehavior::Agrees }
    }

    /// A question about what the host knows. Linux is expected to agree.
    pub(crate) const fn of_table(
        name: &'static str,
        rule: &'static str,
        ask: fn(&mut Session) -> CaseResult,
    ) -> Case {
        Case { name, rule, ask: CaseFunction::ArpCache(ask), linux: LinuxBehavior::Agrees }
    }

    /// The same, where Linux is known to do otherwise.
    pub(crate) const fn linux_differs(self, reason: &'static str) -> Case {
        Case { linux: LinuxBehavior::Differs(reason), ..self }
    }

    /// The same, where there is nothing to ask Linux.
    pub(crate) const fn linux_not_asked(self, reason: &'static str) -> Case {
        Case { linux: LinuxBehavior::NotAsked(reason), ..self }
    }

    /// Asks a host of ours.
    pub(crate) fn run_on_tapstack(&self, session: &mut Session) -> Verdict {
        LinuxBehavior::Agrees.verdict(|| self.run(session))
    }

    /// Asks the kernel.
    pub(crate) fn run_on_linux(&self, session: &mut Session) -> Verdict {
        self.linux.verdict(|| self.run(session))
    }

    fn run(&self, session: &mut Session) -> CaseResult {
        match self.ask {
            CaseFunction::Frames(ask) => ask(&mut session.wire),
            CaseFunction::ArpCache(ask) => ask(session),
        }
    }
}

impl FreshHostCase {
    pub(crate) const fn new(
        name: &'static str,
        rule: &'static str,
        run: fn(&mut TestTap) -> CaseResult,
    ) -> FreshHostCase {
        FreshHostCase { name, rule, run }
    }
}

impl LinuxBehavior {
    /// Asks, and holds the outcome against what is known. A difference that no longer shows is a
    /// failure: then the suite, or what is written about Linux, is wrong.
    pub(crate) fn verdict(self, ask: impl FnOnce() -> CaseResult) -> Verdict {
        match self {
            Self::NotAsked(reason) => Verdict::Skipped(reason.to_owned()),
            Self::Agrees => ask().map_or_else(Verdict::Failed, |()| Verdict::Passed),
            Self::Differs(reason) => match ask() {
                Err(_) => Verdict::Differs(reason.to_owned()),
                Ok(()) => Verdict::Failed(format!("Linux does as asked, though this is recorded: {reason}")),
            },
        }
    }
}
