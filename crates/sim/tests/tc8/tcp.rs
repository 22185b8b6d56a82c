//! The TCP test cases of TC8.

mod cases;
mod input;
mod states;
mod tester;

use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use tcp::SegmentFields;

pub(crate) use self::cases::SOURCES;
use self::input::Input;
use self::tester::TcpTester;
use crate::tester::CaseResult;

pub(crate) struct Case {
    /// Identifier without the prefix `TCP_`.
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    run: fn(&mut TcpTester) -> CaseResult,
    fault: Fault,
    /// Part of the error that the fault must cause.
    expected_error: &'static str,
}

/// A fault that a case must detect. The fault has an effect after [`TcpTester::arm`].
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Segments of the host are dropped.
    DropSent,
    /// Segments of the host get a wrong checksum.
    CorruptSent,
    /// Segments of the host are sent again after this time.
    RepeatSent(Duration),
    /// Segments of the host are changed.
    ChangeSent(fn(&mut SegmentFields)),
    /// A segment to the host is changed before it is sent.
    ChangeReceived(fn(&mut Input)),
}

/// Returns all cases, in the order of the page.
pub(crate) fn all() -> Vec<Case> {
    cases::all()
}

/// Returns the runs of all cases, each without and with its fault.
pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![Trial::test("tcp_cases_are_unique", || {
        let ids: std::collections::BTreeSet<_> = all().iter().map(|case| case.id).collect();
        if ids.len() == all().len() { Ok(()) } else { Err("two cases have the same identifier".into()) }
    })];
    for case in all() {
        let name = |how| format!("TCP_{} {}: {how}", case.id, case.name);
        let run = case.run;
        let without_fault =
            move || TcpTester::new(None).and_then(|mut tester| run(&mut tester)).map_err(Failed::from);
        trials.push(Trial::test(name("without fault"), without_fault));
        trials.push(Trial::test(name("fails with injected fault"), move || fails_with_injected_fault(&case)));
    }
    trials
}

/// Checks that a case fails with its fault, and with the expected message.
fn fails_with_injected_fault(case: &Case) -> Result<(), Failed> {
    let mut tester = TcpTester::new(Some(case.fault))?;
    match (case.run)(&mut tester).map_err(|error| error.to_string()) {
        Err(message) if message.contains(case.expected_error) => Ok(()),
        Err(message) => Err(format!("failed with `{message}`, expected `{}`", case.expected_error).into()),
        Ok(()) => Err(format!("passed with {:?}", case.fault).into()),
    }
}
