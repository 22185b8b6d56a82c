//! The UDP test cases of TC8.

mod cases;
mod input;
mod tester;

use libtest_mimic::{Failed, Trial};

pub(crate) use self::cases::SOURCE;
use self::input::Input;
use self::tester::UdpTester;
use crate::packets::Field;
use crate::tester::CaseResult;

pub(crate) struct Case {
    /// Identifier without the prefix `UDP_`.
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    run: fn(&mut UdpTester) -> CaseResult,
    fault: Fault,
    /// Part of the error that the fault must cause.
    expected_error: &'static str,
}

/// A fault that a case must detect.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Datagrams of the host are dropped.
    DropSent,
    /// A field of the datagrams of the host is overwritten.
    RewriteSent(Field, &'static [u8]),
    /// A datagram to the host is changed before it is sent.
    ChangeReceived(fn(&mut Input)),
}

/// The cases that are built, in the order of the page.
const IDS: [&str; 17] = [
    "MessageFormat_02",
    "DatagramLength_01",
    "Padding_02",
    "FIELDS_01",
    "FIELDS_02",
    "FIELDS_03",
    "FIELDS_04",
    "FIELDS_05",
    "FIELDS_08",
    "FIELDS_09",
    "FIELDS_10",
    "FIELDS_12",
    "FIELDS_15",
    "FIELDS_16",
    "INTRODUCTION_02",
    "INVALID_ADDRESSES_01",
    "INVALID_ADDRESSES_02",
];

/// Returns all cases, in the order of the page.
pub(crate) fn all() -> Vec<Case> {
    cases::all()
}

/// Returns the runs of all cases, each without and with its fault.
pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![Trial::test("udp_cases_are_complete_and_unique", || {
        let found: Vec<_> = all().iter().map(|case| case.id).collect();
        if found == IDS { Ok(()) } else { Err(format!("expected cases {IDS:?}, found {found:?}").into()) }
    })];
    for case in all() {
        let name = |how| format!("UDP_{} {}: {how}", case.id, case.name);
        let run = case.run;
        let without_fault =
            move || UdpTester::new(None).and_then(|mut tester| run(&mut tester)).map_err(Failed::from);
        trials.push(Trial::test(name("without fault"), without_fault));
        trials.push(Trial::test(name("fails with injected fault"), move || fails_with_injected_fault(&case)));
    }
    trials
}

/// Checks that a case fails with its fault, and with the expected message.
fn fails_with_injected_fault(case: &Case) -> Result<(), Failed> {
    let mut tester = UdpTester::new(Some(case.fault))?;
    match (case.run)(&mut tester).map_err(|error| error.to_string()) {
        Err(message) if message.contains(case.expected_error) => Ok(()),
        Err(message) => Err(format!("failed with `{message}`, expected `{}`", case.expected_error).into()),
        Ok(()) => Err(format!("passed with {:?}", case.fault).into()),
    }
}
