//! Cases for many hosts on one TAP.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::case::{CaseResult, FreshHostCase};
use super::datagrams::{Ip, echo_reply, echo_request};
use super::exchange::arp_peer;
use super::frames::{Arp, Mac, REPLY, REQUEST, ZERO, hex};
use super::session::Station;
use super::test_tap::TestTap;
use super::udp_datagrams::{ECHO, ReceivedUdp, Udp, udp_from};

pub(crate) const FRESH_HOST_CASES: &[FreshHostCase] = &[
    FreshHostCase::new("--hosts sends nothing at start", "RFC 5227 2.1", silent),
    FreshHostCase::new("--hosts replies for each address with its own MAC address", "tapstack policy", each),
    FreshHostCase::new("--hosts replies only in its VLANs", "IEEE 802.1Q", vlans),
    FreshHostCase::new(
        "--hosts sends UDP replies from the address of the request",
        "RFC 1122 4.1.3.5",
        services,
    ),
];

const PEER: Station = ([2, 0, 0, 0, 3, 7], Ipv4Addr::new(10, 9, 0, 7));
const OPTIONS: [&str; 4] = ["--hosts", "10.1.0.0/16", "--mac-base", "02:00:00:01:00:00"];
/// Time that is longer than the maximum delay of the first probe.
const LONG: Duration = Duration::from_millis(1_500);

/// Returns the MAC and IP address of one of 65,536 hosts.
fn host(third: u8, last: u8) -> Station {
    ([2, 0, 0, 1, third, last], Ipv4Addr::new(10, 1, third, last))
}

/// Returns the peer's request for a host and the expected reply.
fn request_and_reply(host: Station) -> (Arp, Arp) {
    let request = Arp { source: PEER.0, sender: PEER, target: (ZERO, host.1), ..REQUEST };
    let reply = Arp { destination: PEER.0, source: host.0, sender: host, target: PEER, ..REPLY };
    (request, reply)
}

/// Returns the peer's echo request to an address in a frame to a station.
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
    Err(format!("not an echo reply of {1}: {0}", hex(frame), from.1))
}

// proves: rfc5227-many
fn silent(test_tap: &mut TestTap) -> CaseResult {
    let mut host = test_tap.start_many(&OPTIONS)?;
    host.wait_until_ready()?;
    test_tap.wire.expect_silence(LONG)
}

/// Expects this frame as the next frame.
fn expect_frame(test_tap: &mut TestTap, expected: &[u8]) -> CaseResult {
    let received = test_tap.wire.next_reply("frame")?;
    if received == expected {
        Ok(())
    } else {
        Err(format!("received {} instead of {}", hex(&received), hex(expected)))
    }
}

// proves: many-hosts, station-of-destination, station-of-target
fn each(test_tap: &mut TestTap) -> CaseResult {
    let mut running = test_tap.start_many(&OPTIONS)?;
    running.wait_until_ready()?;
    for (third, last) in [(0, 0), (0, 1), (0, 255), (127, 3), (255, 254), (255, 255)] {
        let station = host(third, last);
        test_tap.wire.add_peer(arp_peer(station, PEER));
        let (request, reply) = request_and_reply(station);
        // Frames to the MAC address of another host are dropped, so the next reply is to the later request.
        let other = host(third ^ 1, last).0;
        test_tap.wire.send(&Arp { destination: other, ..request }.frame())?;
        test_tap.wire.send(&ping(other, station.1))?;
        test_tap.wire.send(&request.frame())?;
        expect_frame(test_tap, &reply.frame())?;
        test_tap.wire.send(&ping(station.0, station.1))?;
        let received = test_tap.wire.next_reply("echo reply")?;
        expect_echo_reply(&received, station)?;
    }
    test_tap.wire.send(&request_and_reply(([0; 6], Ipv4Addr::new(10, 2, 0, 0))).0.frame())?;
    let (request, reply) = request_and_reply(host(9, 9));
    test_tap.wire.send(&request.frame())?;
    expect_frame(test_tap, &reply.frame())
}

// proves: many-vlans
fn vlans(test_tap: &mut TestTap) -> CaseResult {
    let options = ["--hosts", "10.1.0.0/24@5", "--hosts", "10.1.0.0/24@6", "--mac-base", "02:00:00:01:00:00"];
    let mut running = test_tap.start_many(&options)?;
    running.wait_until_ready()?;
    let stations = [(5, host(0, 9)), (6, (host(1, 9).0, host(0, 9).1))];
    for (vlan, station) in stations {
        let (request, reply) = request_and_reply(station);
        let tag = [0x81, 0, 0, vlan, 8, 6];
        // Requests without a tag and with the tag of another VLAN are dropped.
        test_tap.wire.send(&request.frame())?;
        test_tap.wire.send(&request.with_header(&[0x81, 0, 0, 7, 8, 6]))?;
        test_tap.wire.send(&request.with_header(&tag))?;
        expect_frame(test_tap, &reply.with_header(&tag))?;
    }
    Ok(())
}

// proves: services-reply-source
fn services(test_tap: &mut TestTap) -> CaseResult {
    let mut running = test_tap.start_many(&[&OPTIONS[..], &["--serve", "echo"]].concat())?;
    running.wait_until_ready()?;
    let (request, reply) = request_and_reply(host(0, 0));
    test_tap.wire.send(&request.frame())?;
    expect_frame(test_tap, &reply.frame())?;
    let udp = Udp::to(ECHO);
    for station in
        [(0, 0), (0, 1), (0, 255), (127, 3), (255, 254), (255, 255)].map(|(third, last)| host(third, last))
    {
        test_tap.wire.add_peer(arp_peer(station, PEER));
        let ip = Ip { destination: station.0, to: station.1, ..udp_from(PEER) };
        let text = station.1.to_string();
        test_tap.wire.send(&ip.frame(&udp.datagram(&ip, text.as_bytes())))?;
        let received = test_tap.wire.next_reply("reply from the echo service")?;
        if !ReceivedUdp::read_from(station, &[received], PEER)?.is_echo(udp, text.as_bytes()) {
            return Err(format!("the frame is not the reply of {}", station.1));
        }
    }
    Ok(())
}
