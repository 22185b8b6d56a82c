//! The ARP cases of TC8 (OPEN Alliance), each on a wire of its own, and each with a twin: the same case with
//! a saboteur between the host and the wire, which must turn it red. `docs/spec/tc8.md` lists them.

mod cases;
mod packets;
mod page;
mod saboteur;
mod tester;

use libtest_mimic::{Arguments, Failed, Trial};

use cases::Case;
use tester::Tester;

fn main() {
    let mut trials = vec![
        Trial::test("every_case_of_the_list_is_here_once", || every_case_is_here_once(&cases::all())),
        Trial::test("the_page_lists_the_cases", || page::lists(&cases::all())),
    ];
    for case in cases::all() {
        let name = |how| format!("{:02} {}: {how}", case.number, case.name);
        for policy in case.policies {
            let run = case.run;
            let honest = move || {
                Tester::new(*policy, None).and_then(|mut tester| run(&mut tester)).map_err(Failed::from)
            };
            trials.push(Trial::test(name(page::word(*policy)), honest));
        }
        trials.push(Trial::test(name("sabotaged"), move || turns_red(&case)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// The numbers that the project promises: 03 to 49, without 23 to 25 and 29 to 31.
fn every_case_is_here_once(cases: &[Case]) -> Result<(), Failed> {
    let promised: Vec<u8> = (3..=22).chain(26..=28).chain(32..=49).collect();
    let found: Vec<u8> = cases.iter().map(|case| case.number).collect();
    if found == promised {
        return Ok(());
    }
    Err(format!("promised are {promised:?}, here are {found:?}").into())
}

/// A case that cannot fail proves nothing: with its saboteur it fails, and for the right reason.
fn turns_red(case: &Case) -> Result<(), Failed> {
    for policy in case.policies {
        let mut tester = Tester::new(*policy, Some(case.saboteur))?;
        match (case.run)(&mut tester).map_err(|failure| failure.to_string()) {
            Err(message) if message.contains(case.betrayal) => {}
            Err(message) => return Err(format!("red, but with `{message}`, not `{}`", case.betrayal).into()),
            Ok(()) => return Err(format!("green in spite of {:?} under {policy:?}", case.saboteur).into()),
        }
    }
    Ok(())
}
