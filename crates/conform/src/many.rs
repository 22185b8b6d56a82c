//! Questions to many hosts on one wire.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::case::{CaseResult, FreshHostCase};
use super::datagrams::{Ip, echo_reply, echo_request};
use super::frames::{Arp, Mac, REPLY, REQUEST, ZERO, hex};
use super::session::Station;
use super::test_tap::TestTap;

pub(crate) const FRESH_HOST_CASES: &[FreshHostCase] = &[
    FreshHostCase::new("--hosts says nothing of its own accord", "RFC 5227 2.1", silent),
    FreshHostCase::new("--hosts answers for each as a host of its own", "ours", each),
    FreshHostCase::new("--hosts keeps to the tags of its VLANs", "IEEE 802.1Q", vlans),
];

const PEER: Station = ([2, 0, 0, 0, 3, 7], Ipv4Addr::new(10, 9, 0, 7));
const OPTIONS: [&str; 4] = ["--hosts", "10.1.0.0/16", "--mac-base", "02:00:00:01:00:00"];
/// Longer than the first probe may take to come.
const LONG: Duration = Duration::from_millis(1_500);

/// The address and the station of one of the 65,536.
fn number(third: u8, last: u8) -> Station {
    ([2, 0, 0, 1, third, last], Ipv4Addr::new(10, 1, third, last))
}

/// The peer's request for a host, and its reply.
fn request_and_reply(host: Station) -> (Arp, Arp) {
    let request = Arp { source: PEER.0, sender: PEER, target: (ZERO, host.1), ..REQUEST };
    let reply = Arp { destination: PEER.0, source: host.0, sender: host, target: PEER, ..REPLY };
    (request, reply)
}

/// The peer's echo request to a station for an address, and whether what came is the answer to it.
fn ping(station: Mac, address: Ipv4Addr) -> Vec<u8> {
    Ip { destination: station, to: address, ..Ip::from(PEER) }.frame(&echo_request(b"data"))
}

fn expect_echo_reply(frame: &[u8], from: Station) -> CaseResult {
    let head = [&PEER.0[..], &from.0, &[8, 0, 0x45]].concat();
    let addresses = [from.1.octets(), PEER.1.octets()].concat();
    let data = frame.get(34..46);
    if frame.starts_with(&head)
        && frame.get(26..34) == Some(&addresses[..])
        && data == Some(&echo_reply(b"data"))
    {
        return Ok(());
    }
    Err(format!("{} is no echo reply of {}", hex(frame), from.1))
}

// proves: rfc5227-many
fn silent(test_tap: &mut TestTap) -> CaseResult {
    let mut host = test_tap.start_many(&OPTIONS)?;
    host.wait_until_ready()?;
    test_tap.wire.expect_silence(LONG)
}

/// Wants the next frame to be this one.
fn comes(test_tap: &mut TestTap, expected: &[u8]) -> CaseResult {
    let received = test_tap.wire.next(Duration::from_secs(5))?.ok_or("no answer")?;
    if received == expected {
        Ok(())
    } else {
        Err(format!("{} instead of {}", hex(&received), hex(expected)))
    }
}

// proves: many-hosts, station-of-destination, station-of-target
fn each(test_tap: &mut TestTap) -> CaseResult {
    let mut running = test_tap.start_many(&OPTIONS)?;
    running.wait_until_ready()?;
    for (third, last) in [(0, 0), (0, 1), (0, 255), (127, 3), (255, 254), (255, 255)] {
        let host = number(third, last);
        let (request, reply) = request_and_reply(host);
        // To the station of another: both are dropped, and the next answer is that to what follows.
        let other = number(third ^ 1, last).0;
        test_tap.wire.send(&Arp { destination: other, ..request }.frame())?;
        test_tap.wire.send(&ping(other, host.1))?;
        test_tap.wire.send(&request.frame())?;
        comes(test_tap, &reply.frame())?;
        test_tap.wire.send(&ping(host.0, host.1))?;
        let received = test_tap.wire.next(Duration::from_secs(5))?.ok_or("no echo reply")?;
        expect_echo_reply(&received, host)?;
    }
    test_tap.wire.send(&request_and_reply(([0; 6], Ipv4Addr::new(10, 2, 0, 0))).0.frame())?;
    let (request, reply) = request_and_reply(number(9, 9));
    test_tap.wire.send(&request.frame())?;
    comes(test_tap, &reply.frame())
}

// proves: many-vlans
fn vlans(test_tap: &mut TestTap) -> CaseResult {
    let options = ["--hosts", "10.1.0.0/24@5", "--hosts", "10.1.0.0/24@6", "--mac-base", "02:00:00:01:00:00"];
    let mut running = test_tap.start_many(&options)?;
    running.wait_until_ready()?;
    let stations = [(5, number(0, 9)), (6, (number(1, 9).0, number(0, 9).1))];
    for (vlan, host) in stations {
        let (request, reply) = request_and_reply(host);
        let tag = [0x81, 0, 0, vlan, 8, 6];
        // Without a tag, or with a strange one, nobody is there.
        test_tap.wire.send(&request.frame())?;
        test_tap.wire.send(&request.behind(&[0x81, 0, 0, 7, 8, 6]))?;
        test_tap.wire.send(&request.behind(&tag))?;
        comes(test_tap, &reply.behind(&tag))?;
    }
    Ok(())
}
