//! Which hosts are asked what.

use std::path::{Path, PathBuf};
use std::thread;

use tap::linux::Interface;

use super::case::{Case, Trial, Verdict};
use super::frames::{KERNEL, STATIC, STATIC_MAC, mac};
use super::linux::Linux;
use super::report::{Record, Report};
use super::session::Session;
use super::site::Site;
use super::subject::Policy;
use super::wire::Wire;
use super::{aging, arp, claims, ethernet, learning, ranges, tools};

/// The cases that a host is asked under every policy. What it does about conflicts comes last.
pub(super) const PLAIN: [&[Case]; 4] = [ethernet::CASES, arp::CASES, learning::CASES, claims::CASES];
/// The cases that have hosts of their own.
pub(super) const TRIALS: [&[Trial]; 2] = [claims::TRIALS, ranges::TRIALS];
/// The policy of hosts that are asked about something else.
const USUAL: Policy = Policy::Cautious;

/// Puts hosts of ours to the question, each on a TAP of its own, all at once.
pub(super) fn tapstack(program: &Path, arpings: &[PathBuf]) -> Result<Report, String> {
    let mut report = Report::default();
    let mut add = |policy: Policy, records| report.add("tapstack", policy.name(), records);
    thread::scope(|scope| {
        let plain = Policy::ALL.map(|policy| {
            scope.spawn(move || {
                let mut session = begin(program, &format!("{}0", policy.name()), policy, &[])?;
                Ok(ask(&mut session, &PLAIN, Case::ask))
            })
        });
        let aging = scope.spawn(|| {
            let mut session = begin(program, "aging0", USUAL, aging::OPTIONS)?;
            Ok(ask(&mut session, &[aging::CASES], Case::ask))
        });
        let tools = scope.spawn(|| beside_the_kernel(program, arpings));
        let trials = TRIALS.concat();
        let trials: Vec<_> = trials
            .into_iter()
            .zip(0..)
            .map(|(trial, number)| scope.spawn(move || Ok(vec![try_out(program, number, trial)?])))
            .collect();
        for (policy, run) in Policy::ALL.into_iter().zip(plain) {
            add(policy, ended(run)?);
        }
        for run in [aging].into_iter().chain(trials).chain([tools]) {
            add(USUAL, ended(run)?);
        }
        Ok::<_, String>(())
    })?;
    report.add("tapstack", USUAL.name(), tools::errors(program));
    Ok(report)
}

/// Puts the kernel to the question.
pub(super) fn linux() -> Result<Report, String> {
    let (linux, suite) = Linux::start()?;
    let wire = Wire::open(&suite)?;
    // As it is set out of the box, it learns as our cautious host does.
    let mut session = Session::new(wire, Policy::Cautious, Box::new(linux))?;
    let cases = [&PLAIN[..], &[aging::CASES]].concat();
    let mut report = Report::default();
    report.add("linux", "arp_accept=0", ask(&mut session, &cases, Case::ask_linux));
    Ok(report)
}

/// Starts a host of ours that does not probe, and returns once it answers.
fn begin(program: &Path, tap: &str, policy: Policy, more: &[&str]) -> Result<Session, String> {
    let site = Site::make(program, tap)?;
    let neighbour = format!("{STATIC}={}", mac(STATIC_MAC));
    let options = ["--no-probe", "--learn", policy.name(), "--static", &neighbour];
    let mut host = site.start(&[&options, more].concat())?;
    host.ready()?;
    Session::new(site.wire, policy, Box::new(host))
}

/// Asks all cases, in order.
fn ask(
    session: &mut Session,
    lists: &[&[Case]],
    put: impl Fn(&Case, &mut Session) -> Verdict,
) -> Vec<Record> {
    let mut records = Vec::new();
    for case in lists.iter().copied().flatten() {
        records.push(Record { name: case.name.to_owned(), rule: case.rule, verdict: put(case, session) });
    }
    if !session.is_alive() {
        let verdict = Verdict::Failed("it has ended".to_owned());
        records.push(Record { name: "the host lives on".to_owned(), rule: "all of them", verdict });
    }
    records
}

/// Asks one question of hosts that are started for it.
fn try_out(program: &Path, number: u8, trial: Trial) -> Result<Record, String> {
    let mut site = Site::make(program, &format!("trial{number}"))?;
    let verdict = (trial.run)(&mut site).map_or_else(Verdict::Failed, |()| Verdict::Passed);
    Ok(Record { name: trial.name.to_owned(), rule: trial.rule, verdict })
}

/// A host of ours that tools ask, and the kernel itself.
fn beside_the_kernel(program: &Path, arpings: &[PathBuf]) -> Result<Vec<Record>, String> {
    let (tap, kernel) = ("tools0", format!("{KERNEL}/24"));
    // As long as it is there, the host is.
    let _session = begin(program, tap, USUAL, &["--kernel", &kernel])?;
    let name = tap.parse().map_err(|error| format!("{error}"))?;
    let interface = Interface::named(&name).map_err(|error| format!("no interface: {error}"))?;
    Ok(tools::peers(&interface, arpings))
}

/// What a thread came to.
fn ended(run: thread::ScopedJoinHandle<'_, Result<Vec<Record>, String>>) -> Result<Vec<Record>, String> {
    run.join().map_err(|_| "a run of the suite has panicked".to_owned())?
}
