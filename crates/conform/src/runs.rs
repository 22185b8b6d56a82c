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
use super::{aging, arp, claims, ethernet, fragments, icmp, ipv4, learning, many, ranges, tools};

/// The cases that a host is asked under every policy. What it does about conflicts comes last.
pub(crate) const PLAIN: [&[Case]; 4] = [ethernet::CASES, arp::CASES, learning::CASES, claims::CASES];
/// The cases about datagrams, which no policy touches.
pub(crate) const DATAGRAMS: [&[Case]; 3] = [ipv4::CASES, icmp::CASES, fragments::CASES];
/// The cases that have hosts of their own.
pub(crate) const TRIALS: [&[Trial]; 3] = [claims::TRIALS, ranges::TRIALS, many::TRIALS];
/// The policy of hosts that are asked about something else.
const USUAL: Policy = Policy::Cautious;

/// The TAP of the host that tools ask.
const TOOLS: &str = "tools0";

/// Puts hosts of ours to the question, each on a TAP of its own, all at once.
pub(crate) fn tapstack(program: &Path, arpings: &[PathBuf]) -> Result<Report, String> {
    let mut report = Report::default();
    let mut add = |policy: Policy, records| report.add("tapstack", policy.name(), records);
    // Before anything runs beside it: a program that is about to start holds what is open here.
    let site = |name: &str| Site::make(program, name);
    let (aging, datagrams, tools) = (site("aging0")?, site("datagrams0")?, site(TOOLS)?);
    let plain: Result<Vec<_>, _> =
        Policy::ALL.iter().map(|policy| site(&format!("{}0", policy.name()))).collect();
    let plain = Policy::ALL.into_iter().zip(plain?);
    let trials = TRIALS.concat().into_iter().zip(0..);
    let trials: Result<Vec<_>, String> =
        trials.map(|(trial, number)| Ok((trial, site(&format!("trial{number}"))?))).collect();
    let trials = trials?;
    thread::scope(|scope| {
        let plain: Vec<_> = plain
            .map(|(policy, site)| {
                let run = move || Ok(ask(&mut begin(site, policy, &[])?, &PLAIN, Case::ask));
                (policy, scope.spawn(run))
            })
            .collect();
        let aging =
            scope.spawn(|| Ok(ask(&mut begin(aging, USUAL, aging::OPTIONS)?, &[aging::CASES], Case::ask)));
        let datagrams = scope.spawn(|| Ok(ask(&mut begin(datagrams, USUAL, &[])?, &DATAGRAMS, Case::ask)));
        let tools = scope.spawn(|| beside_the_kernel(tools, arpings));
        let trials: Vec<_> = trials
            .into_iter()
            .map(|(trial, site)| scope.spawn(move || Ok(vec![try_out(trial, site)])))
            .collect();
        for (policy, run) in plain {
            add(policy, ended(run)?);
        }
        for run in [aging, datagrams].into_iter().chain(trials).chain([tools]) {
            add(USUAL, ended(run)?);
        }
        Ok::<_, String>(())
    })?;
    report.add("tapstack", USUAL.name(), tools::errors(program));
    Ok(report)
}

/// Puts the kernel to the question.
pub(crate) fn linux() -> Result<Report, String> {
    let (linux, suite) = Linux::start()?;
    let wire = Wire::open(&suite)?;
    // As it is set out of the box, it learns as our cautious host does.
    let mut session = Session::new(wire, Policy::Cautious, Box::new(linux))?;
    let cases = [&PLAIN[..], &[aging::CASES], &DATAGRAMS].concat();
    let mut report = Report::default();
    report.add("linux", "arp_accept=0", ask(&mut session, &cases, Case::ask_linux));
    Ok(report)
}

/// Starts a host of ours that does not probe, and returns once it answers.
fn begin(mut site: Site, policy: Policy, more: &[&str]) -> Result<Session, String> {
    let neighbor = format!("{STATIC}={}", mac(STATIC_MAC));
    let options = ["--no-probe", "--learn", policy.name(), "--static", &neighbor];
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
fn try_out(trial: Trial, mut site: Site) -> Record {
    let verdict = (trial.run)(&mut site).map_or_else(Verdict::Failed, |()| Verdict::Passed);
    Record { name: trial.name.to_owned(), rule: trial.rule, verdict }
}

/// A host of ours that tools ask, and the kernel itself.
fn beside_the_kernel(site: Site, arpings: &[PathBuf]) -> Result<Vec<Record>, String> {
    let kernel = format!("{KERNEL}/24");
    // As long as it is there, the host is.
    let _session = begin(site, USUAL, &["--kernel", &kernel])?;
    let name = TOOLS.parse().map_err(|error| format!("{error}"))?;
    let interface = Interface::named(&name).map_err(|error| format!("no interface: {error}"))?;
    Ok(tools::peers(&interface, arpings))
}

/// What a thread came to.
fn ended(run: thread::ScopedJoinHandle<'_, Result<Vec<Record>, String>>) -> Result<Vec<Record>, String> {
    run.join().map_err(|_| "a run of the suite has panicked".to_owned())?
}
