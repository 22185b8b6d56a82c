//! Runs of the cases against the hosts.

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
use super::{
    aging, arp, claims, ethernet, fragments, icmp, ipv4, learning, many, path_mtu, ranges, tcp, tools, udp,
};

/// Cases for each learning policy. The cases about conflicts are last.
pub(crate) const POLICY_CASES: [&[Case]; 4] = [ethernet::CASES, arp::CASES, learning::CASES, claims::CASES];
/// Cases about datagrams, which do not depend on the policy. The cases about fragments are last, because a host reports
/// an incomplete datagram after 30 seconds, possibly during a later case.
pub(crate) const DATAGRAM_CASES: [&[Case]; 9] = [
    ipv4::CASES,
    icmp::CASES,
    udp::CASES,
    path_mtu::CASES,
    tcp::opening::CASES,
    tcp::data::CASES,
    tcp::closing::CASES,
    tcp::attacks::CASES,
    fragments::CASES,
];
/// Cases that start their own hosts.
pub(crate) const FRESH_HOST_CASES: [&[FreshHostCase]; 4] =
    [claims::FRESH_HOST_CASES, ranges::FRESH_HOST_CASES, many::FRESH_HOST_CASES, udp::FRESH_HOST_CASES];
/// Learning policy of the hosts in the other cases.
const DEFAULT_POLICY: LearnPolicy = LearnPolicy::Cautious;

/// Options of the hosts in the cases about learning: a lifetime of entries that is longer than the suite runs.
const LONG_LIFETIME: &[&str] = &["--arp-timeout", "3600"];

/// TAP of the host that receives requests of the ARP tools.
const TOOLS_TAP: &str = "tools0";

/// Runs the cases against `tapstack host`. Each host has its own TAP, and all hosts run at the same time.
pub(crate) fn tapstack(program: &Path, arpings: &[PathBuf]) -> Result<ConformReport, String> {
    let mut report = ConformReport::default();
    let mut add = |policy: LearnPolicy, records| report.add("tapstack", policy.name(), records);
    // TAPs are created before the first host starts, because a process that is being started still holds open files of
    // this process.
    let test_tap = |name: &str| TestTap::make(program, name);
    let (aging, datagrams, tools) = (test_tap("aging0")?, test_tap("datagrams0")?, test_tap(TOOLS_TAP)?);
    let policies: Result<Vec<_>, _> =
        LearnPolicy::ALL.iter().map(|policy| test_tap(&format!("{}0", policy.name()))).collect();
    let policies = LearnPolicy::ALL.into_iter().zip(policies?);
    let fresh = FRESH_HOST_CASES.concat().into_iter().zip(0..);
    let fresh: Result<Vec<_>, String> =
        fresh.map(|(case, number)| Ok((case, test_tap(&format!("case{number}"))?))).collect();
    let fresh = fresh?;
    thread::scope(|scope| {
        let policies: Vec<_> = policies
            .map(|(policy, test_tap)| {
                let run = move || {
                    Ok(run_cases(
                        &mut start_session(test_tap, policy, LONG_LIFETIME)?,
                        &POLICY_CASES,
                        Case::run_on_tapstack,
                    ))
                };
                (policy, scope.spawn(run))
            })
            .collect();
        let aging = scope.spawn(|| {
            Ok(run_cases(
                &mut start_session(aging, DEFAULT_POLICY, aging::OPTIONS)?,
                &[aging::CASES],
                Case::run_on_tapstack,
            ))
        });
        let datagrams = scope.spawn(|| {
            Ok(run_cases(
                &mut start_session(datagrams, DEFAULT_POLICY, &["--serve", "echo,discard,daytime,chargen"])?,
                &DATAGRAM_CASES,
                Case::run_on_tapstack,
            ))
        });
        let tools = scope.spawn(|| test_with_tools(tools, arpings));
        let fresh: Vec<_> = fresh
            .into_iter()
            .map(|(case, test_tap)| scope.spawn(move || Ok(vec![run_fresh(case, test_tap)])))
            .collect();
        for (policy, run) in policies {
            add(policy, join(run)?);
        }
        for run in [aging, datagrams].into_iter().chain(fresh).chain([tools]) {
            add(DEFAULT_POLICY, join(run)?);
        }
        Ok::<_, String>(())
    })?;
    report.add("tapstack", DEFAULT_POLICY.name(), tools::errors(program));
    Ok(report)
}

/// Runs the cases against the Linux kernel.
pub(crate) fn linux() -> Result<ConformReport, String> {
    let (mut linux, suite) = LinuxHost::start()?;
    linux.start_services()?;
    let wire = FrameSocket::open(&suite)?;
    // With default settings, Linux learns like the policy `cautious`.
    let mut session = Session::new(wire, LearnPolicy::Cautious, Box::new(linux))?;
    let cases = [&POLICY_CASES[..], &[aging::CASES], &DATAGRAM_CASES].concat();
    let mut report = ConformReport::default();
    report.add("linux", "arp_accept=0", run_cases(&mut session, &cases, Case::run_on_linux));
    Ok(report)
}

/// Starts `tapstack host` without probing. Returns when the host replies.
fn start_session(mut test_tap: TestTap, policy: LearnPolicy, more: &[&str]) -> Result<Session, String> {
    let neighbor = format!("{STATIC}={}", mac(STATIC_MAC));
    let options = ["--no-probe", "--learn", policy.name(), "--static", &neighbor];
    let mut host = test_tap.start(&[&options, more].concat())?;
    host.wait_until_ready()?;
    Session::new(test_tap.wire, policy, Box::new(host))
}

/// Runs all cases in order.
fn run_cases(
    session: &mut Session,
    lists: &[&[Case]],
    run: impl Fn(&Case, &mut Session) -> Verdict,
) -> Vec<CaseRecord> {
    let mut records = Vec::new();
    for case in lists.iter().copied().flatten() {
        records.push(CaseRecord { name: case.name.to_owned(), rule: case.rule, verdict: run(case, session) });
    }
    if !session.is_alive() {
        let verdict = Verdict::Failed("the host has ended".to_owned());
        records.push(CaseRecord { name: "host is still running".to_owned(), rule: "all", verdict });
    }
    records
}

/// Runs a case that starts its own host.
fn run_fresh(case: FreshHostCase, mut test_tap: TestTap) -> CaseRecord {
    let verdict = (case.run)(&mut test_tap).map_or_else(Verdict::Failed, |()| Verdict::Passed);
    CaseRecord { name: case.name.to_owned(), rule: case.rule, verdict }
}

/// Runs the ARP tools against a host, and compares the kernel's neighbor table.
fn test_with_tools(test_tap: TestTap, arpings: &[PathBuf]) -> Result<Vec<CaseRecord>, String> {
    let kernel = format!("{KERNEL}/24");
    // The session keeps the host running.
    let _session = start_session(test_tap, DEFAULT_POLICY, &["--kernel", &kernel])?;
    let name = TOOLS_TAP.parse().map_err(|error| format!("{error}"))?;
    let interface = Interface::named(&name).map_err(|error| format!("cannot find the interface: {error}"))?;
    Ok(tools::peers(&interface, arpings))
}

/// Returns the result of a thread.
fn join(
    run: thread::ScopedJoinHandle<'_, Result<Vec<CaseRecord>, String>>,
) -> Result<Vec<CaseRecord>, String> {
    run.join().map_err(|_| "a thread of the suite panicked".to_owned())?
}
