//! The test cases of TC8 (OPEN Alliance) for ARP, UDP and TCP, each on a separate segment. Each case also runs with an
//! injected fault, which the case must detect. `docs/spec/tc8.md` lists the cases.

mod cases;
mod fault_injector;
mod packets;
mod page;
mod tcp;
mod tester;
mod udp;

use libtest_mimic::{Arguments, Failed, Trial};

use cases::Case;
use tester::Tester;

fn main() {
    let mut trials = vec![
        Trial::test("cases_are_complete_and_unique", || cases_are_complete_and_unique(&cases::all())),
        Trial::test("page_lists_all_cases", || page::check(&cases::all(), &udp::all(), &tcp::all())),
    ];
    for case in cases::all() {
        let name = |how| format!("{:02} {}: {how}", case.number, case.name);
        for policy in case.policies {
            let run = case.run;
            let without_fault = move || {
                Tester::new(*policy, None).and_then(|mut tester| run(&mut tester)).map_err(Failed::from)
            };
            trials.push(Trial::test(name(page::policy_name(*policy)), without_fault));
        }
        trials.push(Trial::test(name("fails with injected fault"), move || fails_with_injected_fault(&case)));
    }
    trials.extend(udp::trials());
    trials.extend(tcp::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// Checks that the case numbers are 3 to 49 without 23 to 25 and 29 to 31.
fn cases_are_complete_and_unique(cases: &[Case]) -> Result<(), Failed> {
    let expected: Vec<u8> = (3..=22).chain(26..=28).chain(32..=49).collect();
    let found: Vec<u8> = cases.iter().map(|case| case.number).collect();
    if found == expected {
        return Ok(());
    }
    Err(format!("expected cases {expected:?}, found {found:?}").into())
}

/// Checks that a case fails with its fault, and with the expected message.
fn fails_with_injected_fault(case: &Case) -> Result<(), Failed> {
    for policy in case.policies {
        let mut tester = Tester::new(*policy, Some(case.fault))?;
        match (case.run)(&mut tester).map_err(|error| error.to_string()) {
            Err(message) if message.contains(case.expected_error) => {}
            Err(message) => {
                return Err(format!("failed with `{message}`, expected `{}`", case.expected_error).into());
            }
            Ok(()) => return Err(format!("passed with {:?} under {policy:?}", case.fault).into()),
        }
    }
    Ok(())
}
