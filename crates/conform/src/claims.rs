//! Questions about how an address is claimed, announced, defended and given up: RFC 5227.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::case::{Case, CaseResult, FreshHostCase};
use super::frame_socket::{FrameSocket, TimedFrame};
use super::frames::{
    ANNOUNCEMENT, Arp, CONFLICT, OTHER, PEER, PEER_MAC, PROBE, REPLY, REQUEST, TESTED_IP, TESTED_MAC, ZERO,
    hex, mac,
};
use super::session::Session;
use super::tapstack::TapstackHost;
use super::test_tap::TestTap;

/// Asked last, of every host: the defence of an address is heard at most once in 10 s.
pub(crate) const CASES: &[Case] = &[
    Case::new("a sender with our address meets one announcement", "RFC 5227 2.4", conflicts)
        .linux_differs("it does not defend its address, and leaves that to programs"),
    Case::of_table("a sender with our address teaches nothing", "RFC 5227 2.4", conflicts_teach_nothing),
];

pub(crate) const FRESH_HOST_CASES: &[FreshHostCase] = &[
    FreshHostCase::new("three probes come before an address is used", "RFC 5227 2.1.1", three_probes),
    FreshHostCase::new("two announcements follow the probes", "RFC 5227 2.3", two_announcements),
    FreshHostCase::new(
        "an address is answered for once it is announced",
        "RFC 5227 2.5",
        answers_once_announced,
    ),
    FreshHostCase::new("a request for the candidate is no conflict", "RFC 5227 2.1.1", plain_request),
    FreshHostCase::new("our own probe, come back, is no conflict", "RFC 5227 2.1.1", own_probe),
    FreshHostCase::new("a request from the candidate ends the probing", "RFC 5227 2.1.1", taken_by_request),
    FreshHostCase::new("a reply from the candidate ends the probing", "RFC 5227 2.1.1", taken_by_reply),
    FreshHostCase::new("another's probe ends the probing", "RFC 5227 2.1.1", competing_probe),
    FreshHostCase::new("a conflict behind the last probe counts too", "RFC 5227 2.1.1", taken_late),
    FreshHostCase::new("--announce announces twice, and probes never", "RFC 5227 2.3", announce),
    FreshHostCase::new("--no-probe says nothing of its own accord", "RFC 5227 2.1", no_probe),
    FreshHostCase::new("--defend always announces once in 10 s, and stays", "RFC 5227 2.4 (c)", always),
    FreshHostCase::new("--defend once gives up at the second conflict", "RFC 5227 2.4 (b)", once),
    FreshHostCase::new("--defend once stays if conflicts are rare", "RFC 5227 2.4 (b)", once_and_rarely),
    FreshHostCase::new("--defend cease gives up at the first conflict", "RFC 5227 2.4 (a)", cease),
];

/// How long the host may be late, on a machine that has other things to do.
const MAX_DELAY: Duration = Duration::from_secs(5);
/// How long a host may take to end: its TAP goes with it, and the kernel takes those apart one by one.
const EXIT_TIMEOUT: Duration = Duration::from_mins(1);
/// The constants of RFC 5227 1.1.
const PROBE_MIN: Duration = Duration::from_secs(1);
const PROBE_MAX: Duration = Duration::from_secs(2);
const ANNOUNCE_WAIT: Duration = Duration::from_secs(2);
const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(2);
const DEFEND_INTERVAL: Duration = Duration::from_secs(10);

/// The next frame, which is to be this one. No wait of a host's is longer than 2 s.
pub(crate) fn expect(wire: &mut FrameSocket, expected: &Arp) -> Result<TimedFrame, String> {
    let received = wire.next_timed(PROBE_MAX + MAX_DELAY)?;
    let received = received.ok_or_else(|| format!("{} does not come", hex(&expected.frame())))?;
    if received.bytes == expected.frame() {
        return Ok(received);
    }
    Err(format!("{} came instead of {}", hex(&received.bytes), hex(&expected.frame())))
}

/// Wants `later` to come this long after `earlier`: never less, and not much more than the second.
fn gap(earlier: &TimedFrame, later: &TimedFrame, least: Duration, most: Duration) -> CaseResult {
    let (at_least, at_most) = (earlier.at_least_until(later), earlier.at_most_until(later));
    if at_most < least || at_least > most + MAX_DELAY {
        return Err(format!("a gap of {at_least:?} to {at_most:?} instead of {least:?} to {most:?}"));
    }
    Ok(())
}

/// Wants the host to end with 1, and to send nothing before that.
fn gives_up(test_tap: &mut TestTap, host: TapstackHost) -> CaseResult {
    ends(host)?;
    test_tap.wire.expect_silence(Duration::ZERO)
}

fn ends(mut host: TapstackHost) -> CaseResult {
    match host.wait_for_exit(EXIT_TIMEOUT)? {
        Some(1) => Ok(()),
        code => Err(format!("the host ends with {code:?} instead of 1")),
    }
}

// proves: rfc5227-probe, rfc5227-probe-target, rfc5227-probe-times, rfc5227-broadcast, rfc5227-start
fn three_probes(test_tap: &mut TestTap) -> CaseResult {
    let _host = test_tap.start(&[])?;
    let mut earlier = expect(&mut test_tap.wire, &PROBE)?;
    for _ in 0..2 {
        let later = expect(&mut test_tap.wire, &PROBE)?;
        gap(&earlier, &later, PROBE_MIN, PROBE_MAX)?;
        earlier = later;
    }
    // Nothing else comes before the address is used.
    expect(&mut test_tap.wire, &ANNOUNCEMENT).map(drop)
}

/// Hears the probes of a host out.
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
    gap(&probe, &first, ANNOUNCE_WAIT, ANNOUNCE_WAIT)?;
    let second = expect(&mut test_tap.wire, &ANNOUNCEMENT)?;
    gap(&first, &second, ANNOUNCE_INTERVAL, ANNOUNCE_INTERVAL)?;
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

/// Sends a frame after the first probe, and wants the host to probe on as if nothing was.
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

/// Sends a frame after the first probe, and wants the host to give up.
fn expect_conflict(test_tap: &mut TestTap, frame: &Arp) -> CaseResult {
    let host = test_tap.start(&[])?;
    let probe = expect(&mut test_tap.wire, &PROBE)?;
    test_tap.wire.send(&frame.frame())?;
    let is_late = may_be_followed(test_tap, &probe);
    ends(host)?;
    match test_tap.wire.next(Duration::ZERO)? {
        Some(bytes) if !is_late || bytes != PROBE.frame() => {
            Err(format!("{} was sent for no reason", hex(&bytes)))
        }
        _ => test_tap.wire.expect_silence(Duration::ZERO),
    }
}

/// Whether the next probe may have departed before the last frame of ours did, for we were late.
pub(crate) fn may_be_followed(test_tap: &TestTap, probe: &TimedFrame) -> bool {
    test_tap.wire.since(probe) >= PROBE_MIN
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

// proves: rfc5227-rival-probe
fn competing_probe(test_tap: &mut TestTap) -> CaseResult {
    expect_conflict(test_tap, &Arp { source: PEER_MAC, sender: (PEER_MAC, Ipv4Addr::UNSPECIFIED), ..PROBE })
}

// proves: rfc5227-probe-conflict
fn taken_late(test_tap: &mut TestTap) -> CaseResult {
    let host = test_tap.start(&[])?;
    receive_probes(test_tap)?;
    test_tap.wire.send(&CONFLICT.frame())?;
    gives_up(test_tap, host)
}

// proves: rfc5227-announce-times
fn announce(test_tap: &mut TestTap) -> CaseResult {
    let _host = test_tap.start(&["--no-probe", "--announce"])?;
    let first = expect(&mut test_tap.wire, &ANNOUNCEMENT)?;
    let second = expect(&mut test_tap.wire, &ANNOUNCEMENT)?;
    gap(&first, &second, ANNOUNCE_INTERVAL, ANNOUNCE_INTERVAL)?;
    test_tap.wire.expect_silence(2 * ANNOUNCE_INTERVAL)
}

fn no_probe(test_tap: &mut TestTap) -> CaseResult {
    let mut host = test_tap.start(&["--no-probe"])?;
    host.wait_until_ready()?;
    test_tap.wire.expect_silence(2 * ANNOUNCE_INTERVAL)
}

/// Starts a host that answers at once, and lets it meet a first conflict.
fn defended(test_tap: &mut TestTap, policy: &str) -> Result<(TapstackHost, TimedFrame), String> {
    let mut host = test_tap.start(&["--no-probe", "--defend", policy])?;
    host.wait_until_ready()?;
    test_tap.wire.send(&CONFLICT.frame())?;
    let defense = expect(&mut test_tap.wire, &ANNOUNCEMENT)?;
    Ok((host, defense))
}

/// Repeats the conflict, in silence while the interval lasts, until it is met again.
fn defended_again(test_tap: &mut TestTap, first: &TimedFrame) -> CaseResult {
    let mut spans = 0;
    let again = loop {
        test_tap.wire.send(&CONFLICT.frame())?;
        if let Some(received) = test_tap.wire.next_timed(Duration::from_millis(500))? {
            break received;
        }
        spans += 1;
        if spans > 40 {
            return Err("the address is not defended any more".to_owned());
        }
    };
    if again.bytes != ANNOUNCEMENT.frame() {
        return Err(format!("{} met a conflict", hex(&again.bytes)));
    }
    gap(first, &again, DEFEND_INTERVAL, DEFEND_INTERVAL)
}

// proves: rfc5227-always, rfc5227-defend-interval, rfc5227-conflict
fn always(test_tap: &mut TestTap) -> CaseResult {
    let (_host, first) = defended(test_tap, "always")?;
    for operation in [1, 2] {
        test_tap.wire.expect_no_reply(&Arp { operation, ..CONFLICT }.frame())?;
    }
    test_tap.wire.expect_reply(&REQUEST.frame(), &REPLY.frame())?;
    defended_again(test_tap, &first)?;
    test_tap.wire.expect_reply(&REQUEST.frame(), &REPLY.frame())
}

// proves: rfc5227-once, rfc5227-given-up
fn once(test_tap: &mut TestTap) -> CaseResult {
    let (host, _) = defended(test_tap, "once")?;
    test_tap.wire.expect_reply(&REQUEST.frame(), &REPLY.frame())?;
    test_tap.wire.send(&Arp { operation: 2, ..CONFLICT }.frame())?;
    gives_up(test_tap, host)
}

// proves: rfc5227-once
fn once_and_rarely(test_tap: &mut TestTap) -> CaseResult {
    let (_host, first) = defended(test_tap, "once")?;
    test_tap.wire.expect_silence(DEFEND_INTERVAL + Duration::from_secs(1))?;
    test_tap.wire.send(&CONFLICT.frame())?;
    let second = expect(&mut test_tap.wire, &ANNOUNCEMENT)?;
    gap(&first, &second, DEFEND_INTERVAL, DEFEND_INTERVAL)?;
    test_tap.wire.expect_reply(&REQUEST.frame(), &REPLY.frame())
}

// proves: rfc5227-cease, rfc5227-given-up, rfc5227-last
fn cease(test_tap: &mut TestTap) -> CaseResult {
    let mut host = test_tap.start(&["--no-probe", "--defend", "cease"])?;
    host.wait_until_ready()?;
    test_tap.wire.send(&CONFLICT.frame())?;
    gives_up(test_tap, host)
}

// proves: sender-protocol-local, rfc5227-always
fn conflicts(wire: &mut FrameSocket) -> CaseResult {
    // The defence may come after the reply to whatever is asked next.
    let received = [wire.ask(&CONFLICT.frame())?, wire.ask(&REQUEST.frame())?].concat();
    for expected in [ANNOUNCEMENT, REPLY] {
        if !received.contains(&expected.frame()) {
            return Err(format!("{} does not come", hex(&expected.frame())));
        }
    }
    if received.len() != 2 {
        return Err(format!("{} frames because of a conflict and a request", received.len()));
    }
    for operation in [1, 2] {
        wire.expect_no_reply(&Arp { operation, ..CONFLICT }.frame())?;
    }
    Ok(())
}

// proves: sender-protocol-local
fn conflicts_teach_nothing(session: &mut Session) -> CaseResult {
    let packets = [1, 2].into_iter().flat_map(|operation| {
        let conflict = Arp { operation, ..CONFLICT };
        [(TESTED_MAC, TESTED_IP), (ZERO, OTHER), (PEER_MAC, PEER)]
            .map(|target| Arp { target, ..conflict }.frame())
    });
    session.expect_unchanged(&packets.collect::<Vec<_>>())?;
    // Nor was anything learned from those that came before.
    match session.mac_of(TESTED_IP)? {
        None => Ok(()),
        Some(place) => Err(format!("our own address is at {} in the table", mac(place))),
    }
}
