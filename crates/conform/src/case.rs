//! Cases and their verdicts.

use super::frame_socket::FrameSocket;
use super::session::Session;
use super::test_tap::TestTap;

/// Result of a case: success, or a description of the unexpected behavior.
pub(crate) type CaseResult = Result<(), String>;

/// Case with its name, the rule that it tests, and its function.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) rule: &'static str,
    function: CaseFunction,
    pub(crate) linux: LinuxBehavior,
}

#[derive(Clone, Copy)]
enum CaseFunction {
    /// The case checks only the frames that the host sends.
    Frames(fn(&mut FrameSocket) -> CaseResult),
    /// The case also checks the ARP cache of the host.
    ArpCache(fn(&mut Session) -> CaseResult),
}

/// Case that starts its own host, such as a case about claims.
#[derive(Clone, Copy)]
pub(crate) struct FreshHostCase {
    pub(crate) name: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) run: fn(&mut TestTap) -> CaseResult,
}

/// Recorded behavior of Linux in a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinuxBehavior {
    /// Linux behaves as the suite expects.
    Agrees,
    /// Linux behaves differently, as described.
    Differs(&'static str),
    /// The case is not run against Linux, for this reason.
    NotRun(&'static str),
}

/// Verdict of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The host behaved as expected.
    Passed,
    /// The host did not behave as expected. Contains a description of its behavior.
    Failed(String),
    /// The case was not run, for this reason.
    Skipped(String),
    /// The host did not behave as expected, but as recorded. Contains the recorded description.
    Differs(String),
}

impl Case {
    /// Creates a case about the frames that the host sends. Linux is expected to agree.
    pub(crate) const fn new(
        name: &'static str,
        rule: &'static str,
        function: fn(&mut FrameSocket) -> CaseResult,
    ) -> Case {
        Case { name, rule, function: CaseFunction::Frames(function), linux: LinuxBehavior::Agrees }
    }

    /// Creates a case about the ARP cache of the host. Linux is expected to agree.
    pub(crate) const fn of_arp_cache(
        name: &'static str,
        rule: &'static str,
        function: fn(&mut Session) -> CaseResult,
    ) -> Case {
        Case { name, rule, function: CaseFunction::ArpCache(function), linux: LinuxBehavior::Agrees }
    }

    /// Returns the case with a recorded difference of Linux.
    pub(crate) const fn linux_differs(self, reason: &'static str) -> Case {
        Case { linux: LinuxBehavior::Differs(reason), ..self }
    }

    /// Returns the case with the reason why it is not run against Linux.
    pub(crate) const fn linux_not_run(self, reason: &'static str) -> Case {
        Case { linux: LinuxBehavior::NotRun(reason), ..self }
    }

    /// Runs the case against `tapstack host`.
    pub(crate) fn run_on_tapstack(&self, session: &mut Session) -> Verdict {
        LinuxBehavior::Agrees.verdict(|| self.run(session))
    }

    /// Runs the case against Linux.
    pub(crate) fn run_on_linux(&self, session: &mut Session) -> Verdict {
        self.linux.verdict(|| self.run(session))
    }

    fn run(&self, session: &mut Session) -> CaseResult {
        match self.function {
            CaseFunction::Frames(function) => function(&mut session.wire),
            CaseFunction::ArpCache(function) => function(session),
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
    /// Runs a case and compares its result with the recorded behavior.
    ///
    /// A recorded difference that does not occur is a failure, because either the suite or the record is wrong.
    pub(crate) fn verdict(self, run: impl FnOnce() -> CaseResult) -> Verdict {
        match self {
            Self::NotRun(reason) => Verdict::Skipped(reason.to_owned()),
            Self::Agrees => run().map_or_else(Verdict::Failed, |()| Verdict::Passed),
            Self::Differs(reason) => match run() {
                Err(_) => Verdict::Differs(reason.to_owned()),
                Ok(()) => Verdict::Failed(format!(
                    "Linux behaves as expected, but a difference is recorded: {reason}"
                )),
            },
        }
    }
}
