//! Questions about how an address is claimed, announced, defended and given up: RFC 5227.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::case::{Case, CaseResult, Trial};
use super::frames::{
    ANNOUNCEMENT, Arp, CONFLICT, OTHER, OUR_MAC, OURS, PEER, PEER_MAC, PROBE, REPLY, REQUEST, ZERO, hex, mac,
};
use super::session::Session;
use super::site::Site;
use super::tapstack::Tapstack;
use super::wire::{Heard, Wire};

/// Asked last, of every host: the defence of an address is heard at most once in 10 s.
pub(crate) const CASES: &[Case] = &[
    Case::new("a sender with our address meets one announcement", "RFC 5227 2.4", conflicts)
        .linux_differs("it does not defend its address, and leaves that to programs"),
    Case::of_table("a sender with our address teaches nothing", "RFC 5227 2.4", conflicts_teach_nothing),
];

pub(crate) const TRIALS: &[Trial] = &[
    Trial::new("three probes come before an address is used", "RFC 5227 2.1.1", three_probes),
    Trial::new("two announcements follow the probes", "RFC 5227 2.3", two_announcements),
    Trial::new("an address is answered for once it is announced", "RFC 5227 2.5", answers_once_announced),
    Trial::new("a request for the candidate is no conflict", "RFC 5227 2.1.1", plain_request),
    Trial::new("our own probe, come back, is no conflict", "RFC 5227 2.1.1", own_probe),
    Trial::new("a request from the candidate ends the probing", "RFC 5227 2.1.1", taken_by_a_request),
    Trial::new("a reply from the candidate ends the probing", "RFC 5227 2.1.1", taken_by_a_reply),
    Trial::new("another's probe ends the probing", "RFC 5227 2.1.1", rival_probe),
    Trial::new("a conflict behind the last probe counts too", "RFC 5227 2.1.1", taken_late),
    Trial::new("--announce announces twice, and probes never", "RFC 5227 2.3", announce),
    Trial::new("--no-probe says nothing of its own accord", "RFC 5227 2.1", no_probe),
    Trial::new("--defend always announces once in 10 s, and stays", "RFC 5227 2.4 (c)", always),
    Trial::new("--defend once gives up at the second conflict", "RFC 5227 2.4 (b)", once),
    Trial::new("--defend once stays if conflicts are rare", "RFC 5227 2.4 (b)", once_and_rarely),
    Trial::new("--defend cease gives up at the first conflict", "RFC 5227 2.4 (a)", cease),
];

/// How long the host may be late, on a machine that has other things to do.
const LATE: Duration = Duration::from_secs(5);
/// How long a host may take to end: its TAP goes with it, and the kernel takes those apart one by one.
const LEAVING: Duration = Duration::from_mins(1);
/// The constants of RFC 5227 1.1.
const PROBE_MIN: Duration = Duration::from_secs(1);
const PROBE_MAX: Duration = Duration::from_secs(2);
const ANNOUNCE_WAIT: Duration = Duration::from_secs(2);
const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(2);
const DEFEND_INTERVAL: Duration = Duration::from_secs(10);

/// The next frame, which is to be this one. No wait of a host's is longer than 2 s.
pub(crate) fn expect(wire: &mut Wire, wanted: &Arp) -> Result<Heard, String> {
    let heard = wire.listen(PROBE_MAX + LATE)?;
    let heard = heard.ok_or_else(|| format!("{} does not come", hex(&wanted.frame())))?;
    if heard.octets == wanted.frame() {
        return Ok(heard);
    }
    Err(format!("{} came instead of {}", hex(&heard.octets), hex(&wanted.frame())))
}

/// Wants `later` to come this long after `earlier`: never less, and not much more than the second.
fn gap(earlier: &Heard, later: &Heard, least: Duration, most: Duration) -> CaseResult {
    let (at_least, at_most) = (earlier.at_least_until(later), earlier.at_most_until(later));
    if at_most < least || at_least > most + LATE {
        return Err(format!("a gap of {at_least:?} to {at_most:?} instead of {least:?} to {most:?}"));
    }
    Ok(())
}

/// Wants the host to end with 1, and to send nothing before that.
fn gives_up(site: &mut Site, host: Tapstack) -> CaseResult {
    ends(host)?;
    site.wire.quiet(Duration::ZERO)
}

fn ends(mut host: Tapstack) -> CaseResult {
    match host.ended(LEAVING)? {
        Some(1) => Ok(()),
        code => Err(format!("the host ends with {code:?} instead of 1")),
    }
}

// proves: rfc5227-probe, rfc5227-probe-target, rfc5227-probe-times, rfc5227-broadcast, rfc5227-start
fn three_probes(site: &mut Site) -> CaseResult {
    let _host = site.start(&[])?;
    let mut earlier = expect(&mut site.wire, &PROBE)?;
    for _ in 0..2 {
        let later = expect(&mut site.wire, &PROBE)?;
        gap(&earlier, &later, PROBE_MIN, PROBE_MAX)?;
        earlier = later;
    }
    // Nothing else comes before the address is used.
    expect(&mut site.wire, &ANNOUNCEMENT).map(drop)
}

/// Hears the probes of a host out.
fn hear_probes(site: &mut Site) -> Result<Heard, String> {
    expect(&mut site.wire, &PROBE)?;
    expect(&mut site.wire, &PROBE)?;
    expect(&mut site.wire, &PROBE)
}

// proves: rfc5227-announcement, rfc5227-announce-times, rfc5227-broadcast, rfc5227-probe-once
fn two_announcements(site: &mut Site) -> CaseResult {
    let _host = site.start(&[])?;
    let probe = hear_probes(site)?;
    let first = expect(&mut site.wire, &ANNOUNCEMENT)?;
    gap(&probe, &first, ANNOUNCE_WAIT, ANNOUNCE_WAIT)?;
    let second = expect(&mut site.wire, &ANNOUNCEMENT)?;
    gap(&first, &second, ANNOUNCE_INTERVAL, ANNOUNCE_INTERVAL)?;
    site.wire.quiet(2 * ANNOUNCE_INTERVAL)
}

// proves: rfc5227-in-use, rfc5227-answers
fn answers_once_announced(site: &mut Site) -> CaseResult {
    let mut host = site.start(&[])?;
    hear_probes(site)?;
    expect(&mut site.wire, &ANNOUNCEMENT)?;
    host.ready()?;
    expect(&mut site.wire, &ANNOUNCEMENT)?;
    let sender = (PEER_MAC, Ipv4Addr::UNSPECIFIED);
    let reply = Arp { target: sender, ..REPLY };
    site.wire.answered(&Arp { sender, ..REQUEST }.frame(), &reply.frame())?;
    site.wire.answered(&REQUEST.frame(), &REPLY.frame())
}

/// Sends a frame after the first probe, and wants the host to probe on as if nothing was.
fn unmoved_by(site: &mut Site, frame: &Arp) -> CaseResult {
    let mut host = site.start(&[])?;
    expect(&mut site.wire, &PROBE)?;
    site.wire.send(&frame.frame())?;
    expect(&mut site.wire, &PROBE)?;
    expect(&mut site.wire, &PROBE)?;
    site.wire.send(&frame.frame())?;
    expect(&mut site.wire, &ANNOUNCEMENT)?;
    host.ready().map(drop)
}

// proves: rfc5227-plain-request, rfc5227-answers
fn plain_request(site: &mut Site) -> CaseResult {
    unmoved_by(site, &REQUEST)
}

// proves: rfc5227-echo
fn own_probe(site: &mut Site) -> CaseResult {
    unmoved_by(site, &PROBE)
}

/// Sends a frame after the first probe, and wants the host to give up.
fn taken_by(site: &mut Site, frame: &Arp) -> CaseResult {
    let host = site.start(&[])?;
    let probe = expect(&mut site.wire, &PROBE)?;
    site.wire.send(&frame.frame())?;
    let is_late = may_be_followed(site, &probe);
    ends(host)?;
    match site.wire.next(Duration::ZERO)? {
        Some(octets) if !is_late || octets != PROBE.frame() => {
            Err(format!("{} was sent for no reason", hex(&octets)))
        }
        _ => site.wire.quiet(Duration::ZERO),
    }
}

/// Whether the next probe may have departed before the last frame of ours did, for we were late.
pub(crate) fn may_be_followed(site: &Site, probe: &Heard) -> bool {
    site.wire.since(probe) >= PROBE_MIN
}

// proves: rfc5227-probe-conflict, rfc5227-last
fn taken_by_a_request(site: &mut Site) -> CaseResult {
    taken_by(site, &Arp { target: (ZERO, OTHER), ..CONFLICT })
}

// proves: rfc5227-probe-conflict
fn taken_by_a_reply(site: &mut Site) -> CaseResult {
    let target = (OUR_MAC, Ipv4Addr::UNSPECIFIED);
    taken_by(site, &Arp { destination: OUR_MAC, operation: 2, target, ..CONFLICT })
}

// proves: rfc5227-rival-probe
fn rival_probe(site: &mut Site) -> CaseResult {
    taken_by(site, &Arp { source: PEER_MAC, sender: (PEER_MAC, Ipv4Addr::UNSPECIFIED), ..PROBE })
}

// proves: rfc5227-probe-conflict
fn taken_late(site: &mut Site) -> CaseResult {
    let host = site.start(&[])?;
    hear_probes(site)?;
    site.wire.send(&CONFLICT.frame())?;
    gives_up(site, host)
}

// proves: rfc5227-announce-times
fn announce(site: &mut Site) -> CaseResult {
    let _host = site.start(&["--no-probe", "--announce"])?;
    let first = expect(&mut site.wire, &ANNOUNCEMENT)?;
    let second = expect(&mut site.wire, &ANNOUNCEMENT)?;
    gap(&first, &second, ANNOUNCE_INTERVAL, ANNOUNCE_INTERVAL)?;
    site.wire.quiet(2 * ANNOUNCE_INTERVAL)
}

fn no_probe(site: &mut Site) -> CaseResult {
    let mut host = site.start(&["--no-probe"])?;
    host.ready()?;
    site.wire.quiet(2 * ANNOUNCE_INTERVAL)
}

/// Starts a host that answers at once, and lets it meet a first conflict.
fn defended(site: &mut Site, policy: &str) -> Result<(Tapstack, Heard), String> {
    let mut host = site.start(&["--no-probe", "--defend", policy])?;
    host.ready()?;
    site.wire.send(&CONFLICT.frame())?;
    let defense = expect(&mut site.wire, &ANNOUNCEMENT)?;
    Ok((host, defense))
}

/// Repeats the conflict, in silence while the interval lasts, until it is met again.
fn defended_again(site: &mut Site, first: &Heard) -> CaseResult {
    let mut spans = 0;
    let again = loop {
        site.wire.send(&CONFLICT.frame())?;
        if let Some(heard) = site.wire.listen(Duration::from_millis(500))? {
            break heard;
        }
        spans += 1;
        if spans > 40 {
            return Err("the address is not defended any more".to_owned());
        }
    };
    if again.octets != ANNOUNCEMENT.frame() {
        return Err(format!("{} met a conflict", hex(&again.octets)));
    }
    gap(first, &again, DEFEND_INTERVAL, DEFEND_INTERVAL)
}

// proves: rfc5227-always, rfc5227-defend-interval, rfc5227-conflict
fn always(site: &mut Site) -> CaseResult {
    let (_host, first) = defended(site, "always")?;
    for operation in [1, 2] {
        site.wire.silent(&Arp { operation, ..CONFLICT }.frame())?;
    }
    site.wire.answered(&REQUEST.frame(), &REPLY.frame())?;
    defended_again(site, &first)?;
    site.wire.answered(&REQUEST.frame(), &REPLY.frame())
}

// proves: rfc5227-once, rfc5227-given-up
fn once(site: &mut Site) -> CaseResult {
    let (host, _) = defended(site, "once")?;
    site.wire.answered(&REQUEST.frame(), &REPLY.frame())?;
    site.wire.send(&Arp { operation: 2, ..CONFLICT }.frame())?;
    gives_up(site, host)
}

// proves: rfc5227-once
fn once_and_rarely(site: &mut Site) -> CaseResult {
    let (_host, first) = defended(site, "once")?;
    site.wire.quiet(DEFEND_INTERVAL + Duration::from_secs(1))?;
    site.wire.send(&CONFLICT.frame())?;
    let second = expect(&mut site.wire, &ANNOUNCEMENT)?;
    gap(&first, &second, DEFEND_INTERVAL, DEFEND_INTERVAL)?;
    site.wire.answered(&REQUEST.frame(), &REPLY.frame())
}

// proves: rfc5227-cease, rfc5227-given-up, rfc5227-last
fn cease(site: &mut Site) -> CaseResult {
    let mut host = site.start(&["--no-probe", "--defend", "cease"])?;
    host.ready()?;
    site.wire.send(&CONFLICT.frame())?;
    gives_up(site, host)
}

// proves: sender-protocol-ours, rfc5227-always
fn conflicts(wire: &mut Wire) -> CaseResult {
    // The defence may come after the reply to whatever is asked next.
    let heard = [wire.ask(&CONFLICT.frame())?, wire.ask(&REQUEST.frame())?].concat();
    for expected in [ANNOUNCEMENT, REPLY] {
        if !heard.contains(&expected.frame()) {
            return Err(format!("{} does not come", hex(&expected.frame())));
        }
    }
    if heard.len() != 2 {
        return Err(format!("{} frames because of a conflict and a request", heard.len()));
    }
    for operation in [1, 2] {
        wire.silent(&Arp { operation, ..CONFLICT }.frame())?;
    }
    Ok(())
}

// proves: sender-protocol-ours
fn conflicts_teach_nothing(session: &mut Session) -> CaseResult {
    let packets = [1, 2].into_iter().flat_map(|operation| {
        let conflict = Arp { operation, ..CONFLICT };
        [(OUR_MAC, OURS), (ZERO, OTHER), (PEER_MAC, PEER)].map(|target| Arp { target, ..conflict }.frame())
    });
    session.teach_nothing(&packets.collect::<Vec<_>>())?;
    // Nor was anything learned from those that came before.
    match session.place_of(OURS)? {
        None => Ok(()),
        Some(place) => Err(format!("our own address is at {} in the table", mac(place))),
    }
}
