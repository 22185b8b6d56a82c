//! Cases about claims to addresses: probing, announcing, defending and giving up an address (RFC 5227).

use std::net::Ipv4Addr;
use std::time::Duration;

use super::case::{Case, CaseResult, FreshHostCase};
use super::clock::Clock;
use super::frame_socket::{FRAME_TIMEOUT, FrameSocket, TimedFrame};
use super::frames::{
    ANNOUNCEMENT, Arp, CONFLICT, OTHER, PEER, PEER_MAC, PROBE, REPLY, REQUEST, TESTED_IP, TESTED_MAC, ZERO,
    hex, mac,
};
use super::session::Session;
use super::tapstack::TapstackHost;
use super::test_tap::TestTap;
use super::tested_host::TestedHost;

/// Cases for every host. These cases run last, because a host defends its address at most once per 10 s.
pub(crate) const CASES: &[Case] = &[
    Case::new("address conflict causes one announcement", "RFC 5227 2.4", conflicts)
        .linux_differs("does not defend its address and leaves that to user-space programs"),
    Case::of_arp_cache(
        "sender of an address conflict is not learned",
        "RFC 5227 2.4",
        conflicts_are_not_learned,
    ),
];

pub(crate) const FRESH_HOST_CASES: &[FreshHostCase] = &[
    FreshHostCase::new("three probes precede the use of an address", "RFC 5227 2.1.1", three_probes),
    FreshHostCase::new("two announcements follow the probes", "RFC 5227 2.3", two_announcements),
    FreshHostCase::new(
        "requests get replies from the first announcement on",
        "RFC 5227 2.5",
        answers_once_announced,
    ),
    FreshHostCase::new("request for the probed address is not a conflict", "RFC 5227 2.1.1", plain_request),
    FreshHostCase::new("echo of the host's probe is not a conflict", "RFC 5227 2.1.1", own_probe),
    FreshHostCase::new("request from the probed address ends probing", "RFC 5227 2.1.1", taken_by_request),
    FreshHostCase::new("reply from the probed address ends probing", "RFC 5227 2.1.1", taken_by_reply),
    FreshHostCase::new("probe by another station ends probing", "RFC 5227 2.1.1", competing_probe),
    FreshHostCase::new("conflict after the last probe ends probing", "RFC 5227 2.1.1", taken_late),
    FreshHostCase::new(
        "--no-probe --announce sends two announcements and no probe",
        "RFC 5227 2.3",
        announce,
    ),
    FreshHostCase::new("--no-probe sends nothing at start", "RFC 5227 2.1", no_probe),
    FreshHostCase::new(
        "--defend always announces once per 10 s and keeps the address",
        "RFC 5227 2.4 (c)",
        always,
    ),
    FreshHostCase::new("--defend once gives the address up at the second conflict", "RFC 5227 2.4 (b)", once),
    FreshHostCase::new(
        "--defend once keeps the address if conflicts are rare",
        "RFC 5227 2.4 (b)",
        once_and_rarely,
    ),
    FreshHostCase::new(
        "--defend cease gives the address up at the first conflict",
        "RFC 5227 2.4 (a)",
        cease,
    ),
];

/// Maximum delay of a frame on a loaded machine.
const MAX_DELAY: Duration = FRAME_TIMEOUT;
/// Maximum time by which an interval is too short on a loaded machine. A host that is paused after it has read its clock
/// sends the first frame late and the second frame in time.
const MAX_SHORTENING: Duration = Duration::from_millis(500);
/// Timeout for the exit of a host. The exit can take long, because the kernel removes TAPs one by one.
pub(crate) const EXIT_TIMEOUT: Duration = Duration::from_mins(1);
/// Constants of RFC 5227 1.1.
const PROBE_MIN: Duration = Duration::from_secs(1);
const PROBE_MAX: Duration = Duration::from_secs(2);
const ANNOUNCE_WAIT: Duration = Duration::from_secs(2);
const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(2);
const DEFEND_INTERVAL: Duration = Duration::from_secs(10);

/// Receives the next frame and compares the frame with `expected`. A host waits for at most 2 s between packets.
pub(crate) fn expect(wire: &mut FrameSocket, expected: &Arp) -> Result<TimedFrame, String> {
    let received = wire.next_timed(PROBE_MAX + MAX_DELAY)?;
    let received =
        received.ok_or_else(|| format!("expected frame not received: {}", hex(&expected.frame())))?;
    if received.bytes == expected.frame() {
        return Ok(received);
    }
    Err(format!("received {} instead of {}", hex(&received.bytes), hex(&expected.frame())))
}

/// Expects an interval between two frames: at least `min` without [`MAX_SHORTENING`], and at most `max` plus
/// [`MAX_DELAY`].
fn expect_interval(earlier: &TimedFrame, later: &TimedFrame, min: Duration, max: Duration) -> CaseResult {
    let (at_least, at_most) = (earlier.at_least_until(later), earlier.at_most_until(later));
    if at_most + MAX_SHORTENING < min || at_least > max + MAX_DELAY {
        return Err(format!("an interval of {at_least:?} to {at_most:?} instead of {min:?} to {max:?}"));
    }
    Ok(())
}

/// Expects the host to exit with code 1 and to send no frame before the exit.
fn expect_give_up(test_tap: &mut TestTap, host: TapstackHost) -> CaseResult {
    expect_exit(host)?;
    test_tap.wire.expect_silence(Duration::ZERO)
}

fn expect_exit(mut host: TapstackHost) -> CaseResult {
    match host.wait_for_exit(EXIT_TIMEOUT)? {
        Some(1) => Ok(()),
        code => Err(format!("exit code of the host is {code:?} instead of 1")),
    }
}

// proves: rfc5227-probe, rfc5227-probe-target, rfc5227-probe-times, rfc5227-broadcast, rfc5227-start
fn three_probes(test_tap: &mut TestTap) -> CaseResult {
    let _host = test_tap.start(&[])?;
    let mut earlier = expect(&mut test_tap.wire, &PROBE)?;
    for _ in 0..2 {
        let later = expect(&mut test_tap.wire, &PROBE)?;
        expect_interval(&earlier, &later, PROBE_MIN, PROBE_MAX)?;
        earlier = later;
    }
    // The announcement follows the probes without another frame.
    expect(&mut test_tap.wire, &ANNOUNCEMENT).map(drop)
}

/// Receives the three probes of a host. Returns the last probe.
fn receive_probes(test_tap: &mut TestTap) -> Result<TimedFrame, String> {
    expect(&mut test_tap.wire, &PROBE)?;
    expect(&mut test_tap.wire, &PROBE)?;
    expect(&mut test_tap.wire, &PROBE)
}

// proves: rfc5227-announcement, rfc5227-announce-times, rfc5227-broadcast, rfc5227-probe-once
fn two_announcements(test_tap: &mut TestTap) -> CaseResult {
    let _host = test_tap.start(&[])?;
    let probe = receive_probes(test_tap)?;
    let first = expect(&mut test_tap.wire, &ANNOUNCEMENT)?;
    expect_interval(&probe, &first, ANNOUNCE_WAIT, ANNOUNCE_WAIT)?;
    let second = expect(&mut test_tap.wire, &ANNOUNCEMENT)?;
    expect_interval(&first, &second, ANNOUNCE_INTERVAL, ANNOUNCE_INTERVAL)?;
    test_tap.wire.expect_silence(2 * ANNOUNCE_INTERVAL)
}

// proves: rfc5227-in-use, rfc5227-answers
fn answers_once_announced(test_tap: &mut TestTap) -> CaseResult {
    let mut host = test_tap.start(&[])?;
    receive_probes(test_tap)?;
    expect(&mut test_tap.wire, &ANNOUNCEMENT)?;
    host.wait_until_ready()?;
    expect(&mut test_tap.wire, &ANNOUNCEMENT)?;
    let sender = (PEER_MAC, Ipv4Addr::UNSPECIFIED);
    let reply = Arp { target: sender, ..REPLY };
    test_tap.wire.expect_reply(&Arp { sender, ..REQUEST }.frame(), &reply.frame())?;
    test_tap.wire.expect_reply(&REQUEST.frame(), &REPLY.frame())
}

/// Sends a frame after the first probe and expects the host to continue probing.
fn expect_no_conflict(test_tap: &mut TestTap, frame: &Arp) -> CaseResult {
    let mut host = test_tap.start(&[])?;
    expect(&mut test_tap.wire, &PROBE)?;
    test_tap.wire.send(&frame.frame())?;
    expect(&mut test_tap.wire, &PROBE)?;
    expect(&mut test_tap.wire, &PROBE)?;
    test_tap.wire.send(&frame.frame())?;
    expect(&mut test_tap.wire, &ANNOUNCEMENT)?;
    host.wait_until_ready().map(drop)
}

// proves: rfc5227-plain-request, rfc5227-answers
fn plain_request(test_tap: &mut TestTap) -> CaseResult {
    expect_no_conflict(test_tap, &REQUEST)
}

// proves: rfc5227-echo
fn own_probe(test_tap: &mut TestTap) -> CaseResult {
    expect_no_conflict(test_tap, &PROBE)
}

/// Sends a frame after the first probe and expects the host to give up the address.
fn expect_conflict(test_tap: &mut TestTap, frame: &Arp) -> CaseResult {
    let mut host = test_tap.start(&[])?;
    let probe = expect(&mut test_tap.wire, &PROBE)?;
    test_tap.wire.send(&frame.frame())?;
    let clock = Clock::start();
    let mut second = None;
    while second.is_none() && host.is_alive() && clock.elapsed() < EXIT_TIMEOUT {
        second = test_tap.wire.next_timed(Duration::from_millis(10))?;
    }
    expect_exit(host)?;
    if let Some(second) = second.filter(|second| second.bytes != PROBE.frame() || !is_due(&probe, second)) {
        return Err(format!("unexpected frame {}", hex(&second.bytes)));
    }
    test_tap.wire.expect_silence(Duration::ZERO)
}

/// Returns whether the second probe of a host is not early. A host that is paused may send the second probe before the
/// host receives a conflict.
pub(crate) fn is_due(first: &TimedFrame, second: &TimedFrame) -> bool {
    first.at_most_until(second) + MAX_SHORTENING >= PROBE_MIN
}

// proves: rfc5227-probe-conflict, rfc5227-last
fn taken_by_request(test_tap: &mut TestTap) -> CaseResult {
    expect_conflict(test_tap, &Arp { target: (ZERO, OTHER), ..CONFLICT })
}

// proves: rfc5227-probe-conflict
fn taken_by_reply(test_tap: &mut TestTap) -> CaseResult {
    let target = (TESTED_MAC, Ipv4Addr::UNSPECIFIED);
    expect_conflict(test_tap, &Arp { destination: TESTED_MAC, operation: 2, target, ..CONFLICT })
}

// proves: rfc5227-simultaneous-probe
fn competing_probe(test_tap: &mut TestTap) -> CaseResult {
    expect_conflict(test_tap, &Arp { source: PEER_MAC, sender: (PEER_MAC, Ipv4Addr::UNSPECIFIED), ..PROBE })
}

// proves: rfc5227-probe-conflict
fn taken_late(test_tap: &mut TestTap) -> CaseResult {
    let host = test_tap.start(&[])?;
    receive_probes(test_tap)?;
    test_tap.wire.send(&CONFLICT.frame())?;
    expect_give_up(test_tap, host)
}

// proves: rfc5227-announce-times
fn announce(test_tap: &mut TestTap) -> CaseResult {
    let _host = test_tap.start(&["--no-probe", "--announce"])?;
    let first = expect(&mut test_tap.wire, &ANNOUNCEMENT)?;
    let second = expect(&mut test_tap.wire, &ANNOUNCEMENT)?;
    expect_interval(&first, &second, ANNOUNCE_INTERVAL, ANNOUNCE_INTERVAL)?;
    test_tap.wire.expect_silence(2 * ANNOUNCE_INTERVAL)
}

fn no_probe(test_tap: &mut TestTap) -> CaseResult {
    let mut host = test_tap.start(&["--no-probe"])?;
    host.wait_until_ready()?;
    test_tap.wire.expect_silence(2 * ANNOUNCE_INTERVAL)
}

/// Starts a host without probing and causes a first conflict. Returns the host and its defense.
fn start_and_defend(test_tap: &mut TestTap, policy: &str) -> Result<(TapstackHost, TimedFrame), String> {
    let mut host = test_tap.start(&["--no-probe", "--defend", policy])?;
    host.wait_until_ready()?;
    test_tap.wire.send(&CONFLICT.frame())?;
    let defense = expect(&mut test_tap.wire, &ANNOUNCEMENT)?;
    Ok((host, defense))
}

/// Repeats the conflict until the host defends its address again. Expects the defense after [`DEFEND_INTERVAL`].
fn expect_second_defense(test_tap: &mut TestTap, first: &TimedFrame) -> CaseResult {
    let mut spans = 0;
    let again = loop {
        test_tap.wire.send(&CONFLICT.frame())?;
        if let Some(received) = test_tap.wire.next_timed(Duration::from_millis(500))? {
            break received;
        }
        spans += 1;
        if spans > 40 {
            return Err("no second defense of the address".to_owned());
        }
    };
    if again.bytes != ANNOUNCEMENT.frame() {
        return Err(format!("unexpected reply to a conflict: {}", hex(&again.bytes)));
    }
    expect_interval(first, &again, DEFEND_INTERVAL, DEFEND_INTERVAL)
}

// proves: rfc5227-always, rfc5227-defend-interval, rfc5227-conflict
fn always(test_tap: &mut TestTap) -> CaseResult {
    let (_host, first) = start_and_defend(test_tap, "always")?;
    for operation in [1, 2] {
        test_tap.wire.expect_no_reply(&Arp { operation, ..CONFLICT }.frame())?;
    }
    test_tap.wire.expect_reply(&REQUEST.frame(), &REPLY.frame())?;
    expect_second_defense(test_tap, &first)?;
    test_tap.wire.expect_reply(&REQUEST.frame(), &REPLY.frame())
}

// proves: rfc5227-once, rfc5227-given-up
fn once(test_tap: &mut TestTap) -> CaseResult {
    let (host, _) = start_and_defend(test_tap, "once")?;
    test_tap.wire.expect_reply(&REQUEST.frame(), &REPLY.frame())?;
    test_tap.wire.send(&Arp { operation: 2, ..CONFLICT }.frame())?;
    expect_give_up(test_tap, host)
}

// proves: rfc5227-once
fn once_and_rarely(test_tap: &mut TestTap) -> CaseResult {
    let (_host, first) = start_and_defend(test_tap, "once")?;
    test_tap.wire.expect_silence(DEFEND_INTERVAL + Duration::from_secs(1))?;
    test_tap.wire.send(&CONFLICT.frame())?;
    let second = expect(&mut test_tap.wire, &ANNOUNCEMENT)?;
    expect_interval(&first, &second, DEFEND_INTERVAL, DEFEND_INTERVAL)?;
    test_tap.wire.expect_reply(&REQUEST.frame(), &REPLY.frame())
}

// proves: rfc5227-cease, rfc5227-given-up, rfc5227-last
fn cease(test_tap: &mut TestTap) -> CaseResult {
    let mut host = test_tap.start(&["--no-probe", "--defend", "cease"])?;
    host.wait_until_ready()?;
    test_tap.wire.send(&CONFLICT.frame())?;
    expect_give_up(test_tap, host)
}

// proves: sender-protocol-local, rfc5227-always
fn conflicts(wire: &mut FrameSocket) -> CaseResult {
    // The host may defend its address after the reply to the next request.
    let received =
        [wire.send_and_collect(&CONFLICT.frame())?, wire.send_and_collect(&REQUEST.frame())?].concat();
    for expected in [ANNOUNCEMENT, REPLY] {
        if !received.contains(&expected.frame()) {
            return Err(format!("expected frame not received: {}", hex(&expected.frame())));
        }
    }
    if received.len() != 2 {
        return Err(format!("{} frames after a conflict and a request, expected 2", received.len()));
    }
    for operation in [1, 2] {
        wire.expect_no_reply(&Arp { operation, ..CONFLICT }.frame())?;
    }
    Ok(())
}

// proves: sender-protocol-local
fn conflicts_are_not_learned(session: &mut Session) -> CaseResult {
    let packets = [1, 2].into_iter().flat_map(|operation| {
        let conflict = Arp { operation, ..CONFLICT };
        [(TESTED_MAC, TESTED_IP), (ZERO, OTHER), (PEER_MAC, PEER)]
            .map(|target| Arp { target, ..conflict }.frame())
    });
    session.expect_unchanged(&packets.collect::<Vec<_>>())?;
    // Earlier conflicts must not be learned either.
    match session.mac_of(TESTED_IP)? {
        None => Ok(()),
        Some(mac_address) => {
            Err(format!("the ARP cache has an entry for the host's own address, with {}", mac(mac_address)))
        }
    }
}
