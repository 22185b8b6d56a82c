//! A question, and what may come of it.

use super::session::Session;
use super::site::Site;
use super::wire::Wire;

/// What a question ends with: the host does as asked, or what it did instead.
pub(super) type Outcome = Result<(), String>;

/// One question: what it asks, which rule it asks about, and how.
#[derive(Clone, Copy)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) rule: &'static str,
    ask: Ask,
    pub(super) linux: Linux,
}

#[derive(Clone, Copy)]
enum Ask {
    /// By what it sends alone.
    Frames(fn(&mut Wire) -> Outcome),
    /// By its translation table too.
    Table(fn(&mut Session) -> Outcome),
}

/// One question to a host that is started for it: how it claims its address, and how it gives it up.
#[derive(Clone, Copy)]
pub(super) struct Trial {
    pub(super) name: &'static str,
    pub(super) rule: &'static str,
    pub(super) run: fn(&mut Site) -> Outcome,
}

/// What the kernel of Linux makes of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Linux {
    /// What the suite expects.
    Agrees,
    /// Something else, for this reason.
    Differs(&'static str),
    /// It is not asked, for this reason.
    Unasked(&'static str),
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
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
    pub(super) const fn new(name: &'static str, rule: &'static str, ask: fn(&mut Wire) -> Outcome) -> Case {
        Case { name, rule, ask: Ask::Frames(ask), linux: Linux::Agrees }
    }

    /// A question about what the host knows. Linux is expected to agree.
    pub(super) const fn of_table(
        name: &'static str,
        rule: &'static str,
        ask: fn(&mut Session) -> Outcome,
    ) -> Case {
        Case { name, rule, ask: Ask::Table(ask), linux: Linux::Agrees }
    }

    /// The same, where Linux is known to do otherwise.
    pub(super) const fn linux_differs(self, reason: &'static str) -> Case {
        Case { linux: Linux::Differs(reason), ..self }
    }

    /// The same, where there is nothing to ask Linux.
    pub(super) const fn linux_unasked(self, reason: &'static str) -> Case {
        Case { linux: Linux::Unasked(reason), ..self }
    }

    /// Asks a host of ours.
    pub(super) fn ask(&self, session: &mut Session) -> Verdict {
        Linux::Agrees.judge(|| self.put(session))
    }

    /// Asks the kernel.
    pub(super) fn ask_linux(&self, session: &mut Session) -> Verdict {
        self.linux.judge(|| self.put(session))
    }

    fn put(&self, session: &mut Session) -> Outcome {
        match self.ask {
            Ask::Frames(ask) => ask(&mut session.wire),
            Ask::Table(ask) => ask(session),
        }
    }
}

impl Trial {
    pub(super) const fn new(name: &'static str, rule: &'static str, run: fn(&mut Site) -> Outcome) -> Trial {
        Trial { name, rule, run }
    }
}

impl Linux {
    /// Asks, and holds the outcome against what is known. A difference that no longer shows is a
    /// failure: then the suite, or what is written about Linux, is wrong.
    pub(super) fn judge(self, ask: impl FnOnce() -> Outcome) -> Verdict {
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
