//! Which hosts are asked what.

use std::path::{Path, PathBuf};
use std::thread;

use tap::linux::Interface;

use super::case::{Case, FreshHostCase, Verdict};
use super::frame_socket::FrameSocket;
use super::frames::{KERNEL, STATIC, STATIC_MAC, mac};
use super::linux::LinuxHost;
use super::report::{CaseRecord, ConformReport};
use super::session::Session;
use super::test_tap::TestTap;
use super::tested_host::LearnPolicy;
use super::{aging, arp, claims, ethernet, fragments, icmp, ipv4, learning, many, ranges, tools};

/// The cases that a host is asked under every policy. What it does about conflicts comes last.
pub(crate) const POLICY_CASES: [&[Case]; 4] = [ethernet::CASES, arp::CASES, learning::CASES, claims::CASES];
/// The cases about datagrams, which no policy touches.
pub(crate) const DATAGRAM_CASES: [&[Case]; 3] = [ipv4::CASES, icmp::CASES, fragments::CASES];
/// The cases that have hosts of their own.
pub(crate) const FRESH_HOST_CASES: [&[FreshHostCase]; 3] =
    [claims::FRESH_HOST_CASES, ranges::FRESH_HOST_CASES, many::FRESH_HOST_CASES];
/// The policy of hosts that are asked about something else.
const DEFAULT_POLICY: LearnPolicy = LearnPolicy::Cautious;

/// The TAP of the host that tools ask.
const TOOLS_TAP: &str = "tools0";

/// Puts hosts of ours to the question, each on a TAP of its own, all at once.
pub(crate) fn tapstack(program: &Path, arpings: &[PathBuf]) -> Result<ConformReport, String> {
    let mut report = ConformReport::default();
    let mut add = |policy: LearnPolicy, records| report.add("tapstack", policy.name(), records);
    // Before anything runs beside it: a program that is about to start holds what is open here.
    let test_tap = |name: &str| TestTap::make(program, name);
    let (aging, datagrams, tools) = (test_tap("aging0")?, test_tap("datagrams0")?, test_tap(TOOLS_TAP)?);
    let plain: Result<Vec<_>, _> =
        LearnPolicy::ALL.iter().map(|policy| test_tap(&format!("{}0", policy.name()))).collect();
    let plain = LearnPolicy::ALL.into_iter().zip(plain?);
    let trials = FRESH_HOST_CASES.concat().into_iter().zip(0..);
    let trials: Result<Vec<_>, String> =
        trials.map(|(trial, number)| Ok((trial, test_tap(&format!("trial{number}"))?))).collect();
    let trials = trials?;
    thread::scope(|scope| {
        let plain: Vec<_> = plain
            .map(|(policy, test_tap)| {
                let run =
                    move || Ok(ask(&mut begin(test_tap, policy, &[])?, &POLICY_CASES, Case::run_on_tapstack));
                (policy, scope.spawn(run))
            })
            .collect();
        let aging = scope.spawn(|| {
            Ok(ask(
                &mut begin(aging, DEFAULT_POLICY, aging::OPTIONS)?,
                &[aging::CASES],
                Case::run_on_tapstack,
            ))
        });
        let datagrams = scope.spawn(|| {
            Ok(ask(&mut begin(datagrams, DEFAULT_POLICY, &[])?, &DATAGRAM_CASES, Case::run_on_tapstack))
        });
        let tools = scope.spawn(|| test_with_tools(tools, arpings));
        let trials: Vec<_> = trials
            .into_iter()
            .map(|(trial, test_tap)| scope.spawn(move || Ok(vec![run_fresh(trial, test_tap)])))
            .collect();
        for (policy, run) in plain {
            add(policy, join(run)?);
        }
        for run in [aging, datagrams].into_iter().chain(trials).chain([tools]) {
            add(DEFAULT_POLICY, join(run)?);
        }
        Ok::<_, String>(())
    })?;
    report.add("tapstack", DEFAULT_POLICY.name(), tools::errors(program));
    Ok(report)
}

/// Puts the kernel to the question.
pub(crate) fn linux() -> Result<ConformReport, String> {
    let (linux, suite) = LinuxHost::start()?;
    let wire = FrameSocket::open(&suite)?;
    // As it is set out of the box, it learns as our cautious host does.
    let mut session = Session::new(wire, LearnPolicy::Cautious, Box::new(linux))?;
    let cases = [&POLICY_CASES[..], &[aging::CASES], &DATAGRAM_CASES].concat();
    let mut report = ConformReport::default();
    report.add("linux", "arp_accept=0", ask(&mut session, &cases, Case::run_on_linux));
    Ok(report)
}

/// Starts a host of ours that does not probe, and returns once it answers.
fn begin(mut test_tap: TestTap, policy: LearnPolicy, more: &[&str]) -> Result<Session, String> {
    let neighbor = format!("{STATIC}={}", mac(STATIC_MAC));
    let options = ["--no-probe", "--learn", policy.name(), "--static", &neighbor];
    let mut host = test_tap.start(&[&options, more].concat())?;
    host.wait_until_ready()?;
    Session::new(test_tap.wire, policy, Box::new(host))
}

/// Asks all cases, in order.
fn ask(
    session: &mut Session,
    lists: &[&[Case]],
    put: impl Fn(&Case, &mut Session) -> Verdict,
) -> Vec<CaseRecord> {
    let mut records = Vec::new();
    for case in lists.iter().copied().flatten() {
        records.push(CaseRecord { name: case.name.to_owned(), rule: case.rule, verdict: put(case, session) });
    }
    if !session.is_alive() {
        let verdict = Verdict::Failed("it has ended".to_owned());
        records.push(CaseRecord { name: "the host lives on".to_owned(), rule: "all of them", verdict });
    }
    records
}

/// Asks one question of hosts that are started for it.
fn run_fresh(trial: FreshHostCase, mut test_tap: TestTap) -> CaseRecord {
    let verdict = (trial.run)(&mut test_tap).map_or_else(Verdict::Failed, |()| Verdict::Passed);
    CaseRecord { name: trial.name.to_owned(), rule: trial.rule, verdict }
}

/// A host of ours that tools ask, and the kernel itself.
fn test_with_tools(test_tap: TestTap, arpings: &[PathBuf]) -> Result<Vec<CaseRecord>, String> {
    let kernel = format!("{KERNEL}/24");
    // As long as it is there, the host is.
    let _session = begin(test_tap, DEFAULT_POLICY, &["--kernel", &kernel])?;
    let name = TOOLS_TAP.parse().map_err(|error| format!("{error}"))?;
    let interface = Interface::named(&name).map_err(|error| format!("no interface: {error}"))?;
    Ok(tools::peers(&interface, arpings))
}

/// What a thread came to.
fn join(
    run: thread::ScopedJoinHandle<'_, Result<Vec<CaseRecord>, String>>,
) -> Result<Vec<CaseRecord>, String> {
    run.join().map_err(|_| "a run of the suite has panicked".to_owned())?
}
