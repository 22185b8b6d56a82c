//! A question, and what may come of it.

use super::session::Session;
use super::site::Site;
use super::wire::Wire;

/// What a question ends with: the host does as asked, or what it did instead.
pub(crate) type CaseResult = Result<(), String>;

/// One question: what it asks, which rule it asks about, and how.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) rule: &'static str,
    ask: Ask,
    pub(crate) linux: Linux,
}

#[derive(Clone, Copy)]
enum Ask {
    /// By what it sends alone.
    Frames(fn(&mut Wire) -> CaseResult),
    /// By its translation table too.
    Table(fn(&mut Session) -> CaseResult),
}

/// One question to a host that is started for it: how it claims its address, and how it gives it up.
#[derive(Clone, Copy)]
pub(crate) struct Trial {
    pub(crate) name: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) run: fn(&mut Site) -> CaseResult,
}

/// What the kernel of Linux makes of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Linux {
    /// What the suite expects.
    Agrees,
    /// Something else, for this reason.
    Differs(&'static str),
    /// It is not asked, for this reason.
    Unasked(&'static str),
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
        ask: fn(&mut Wire) -> CaseResult,
    ) -> Case {
        Case { name, rule, ask: Ask::Frames(ask), linux: Linux::Agrees }
    }

    /// A question about what the host knows. Linux is expected to agree.
    pub(crate) const fn of_table(
        name: &'static str,
        rule: &'static str,
        ask: fn(&mut Session) -> CaseResult,
    ) -> Case {
        Case { name, rule, ask: Ask::Table(ask), linux: Linux::Agrees }
    }

    /// The same, where Linux is known to do otherwise.
    pub(crate) const fn linux_differs(self, reason: &'static str) -> Case {
        Case { linux: Linux::Differs(reason), ..self }
    }

    /// The same, where there is nothing to ask Linux.
    pub(crate) const fn linux_unasked(self, reason: &'static str) -> Case {
        Case { linux: Linux::Unasked(reason), ..self }
    }

    /// Asks a host of ours.
    pub(crate) fn ask(&self, session: &mut Session) -> Verdict {
        Linux::Agrees.judge(|| self.put(session))
    }

    /// Asks the kernel.
    pub(crate) fn ask_linux(&self, session: &mut Session) -> Verdict {
        self.linux.judge(|| self.put(session))
    }

    fn put(&self, session: &mut Session) -> CaseResult {
        match self.ask {
            Ask::Frames(ask) => ask(&mut session.wire),
            Ask::Table(ask) => ask(session),
        }
    }
}

impl Trial {
    pub(crate) const fn new(
        name: &'static str,
        rule: &'static str,
        run: fn(&mut Site) -> CaseResult,
    ) -> Trial {
        Trial { name, rule, run }
    }
}

impl Linux {
    /// Asks, and holds the outcome against what is known. A difference that no longer shows is a
    /// failure: then the suite, or what is written about Linux, is wrong.
    pub(crate) fn judge(self, ask: impl FnOnce() -> CaseResult) -> Verdict {
        match self {
            Self::Unasked(reason) => Verdict::Skipped(reason.to_owned()),
            Self::Agrees => ask().map_or_else(Verdict::Failed, |()| Verdict::Passed),
            Self::Differs(reason) => match ask() {
                Err(_) => Verdict::Differs(reason.to_owned()),
                Ok(()) => Verdict::Failed(format!("Linux does as asked, though this is recorded: {reason}")),
            },
        }
    }
}
