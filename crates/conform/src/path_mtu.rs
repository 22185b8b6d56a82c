//! Cases about ICMP errors to the services, and the path MTU (RFC 1191).

use std::net::Ipv4Addr;

use super::case::{Case, CaseResult};
use super::checksum::UDP;
use super::datagrams::{Ip, ReceivedDatagram, data, message, peer};
use super::frame_socket::FrameSocket;
use super::frames::TESTED_IP;
use super::session::Station;
use super::udp::fragments;
use super::udp_datagrams::{CLIENT, CLOSED, ECHO, ReceivedUdp, Udp, udp_from};

pub(crate) const CASES: &[Case] = &[
    Case::new("ICMP errors about its replies do not stop a UDP service", "RFC 1122 4.1.3.3", errors),
    Case::new("fragmentation needed reduces the path MTU to the sender", "RFC 1191 3", reduced),
    Case::new("fragmentation needed about a foreign datagram is ignored", "RFC 5927 7", foreign),
    Case::new("larger MTU does not increase the path MTU", "RFC 1191 3", not_increased),
    Case::new("path MTU is at least 552 bytes", "security", minimum),
    Case::new("fragmentation needed without an MTU selects a plateau", "RFC 1191 5, 7.1", plateau)
        .linux_differs("has no plateaus, and reduces the path MTU to its minimum (min_pmtu)"),
];

const TO_ECHO: Udp = Udp::to(ECHO);
/// Length in bytes of the data in an echo that almost fills a frame.
const LENGTH: usize = 1_400;

/// Sends a request to the echo service, and an ICMP error about its reply. `rest` is the second word of the ICMP header.
fn send_error(wire: &mut FrameSocket, from: Station, kind: [u8; 2], rest: [u8; 4]) -> CaseResult {
    let reply = wire.exchange_udp(from, &[TO_ECHO.frame(from, &data(LENGTH))])?;
    let quoted = reply.first().and_then(|frame| frame.get(14..14 + 28)).ok_or("no reply")?;
    send_error_about(wire, from, kind, rest, quoted)
}

fn send_error_about(
    wire: &mut FrameSocket,
    from: Station,
    kind: [u8; 2],
    rest: [u8; 4],
    quoted: &[u8],
) -> CaseResult {
    wire.expect_no_udp(from, &[Ip::from(from).frame(&message(kind, rest, quoted))])
}

/// Returns the second word of the ICMP header of fragmentation needed.
fn mtu_word(mtu: u16) -> [u8; 4] {
    let [high, low] = mtu.to_be_bytes();
    [0, 0, high, low]
}

/// Expects that replies to a peer use this path MTU: datagrams up to the path MTU are not fragmented, and longer
/// datagrams are fragmented at the path MTU. Returns whether routers may fragment the former.
fn expect_path_mtu(wire: &mut FrameSocket, from: Station, mtu: usize) -> Result<bool, String> {
    let fitting = data(mtu - 28);
    let whole = wire.expect_udp_echo(from, &[TO_ECHO.frame(from, &fitting)], TO_ECHO, &fitting)?;
    let longer = data(mtu + 1 - 28);
    let frames = fragments(from, 400, TO_ECHO, &longer);
    let received = wire.exchange_udp(from, &frames)?;
    let echo = ReceivedUdp::read(&received, from)?;
    let fragments: Result<Vec<_>, _> =
        received.iter().map(|frame| ReceivedDatagram::read(frame, from, UDP)).collect();
    let longest = fragments?.iter().map(|fragment| fragment.data.len()).max();
    if !echo.is_echo(TO_ECHO, &longer) || received.len() != 2 || longest != Some((mtu - 20) / 8 * 8) {
        let count = received.len();
        return Err(format!("{} bytes in {count} frames of up to {longest:?} bytes of data", longer.len()));
    }
    Ok(!whole.ip.dont_fragment)
}

// proves: socket-error
fn errors(wire: &mut FrameSocket) -> CaseResult {
    let from = peer(170);
    for kind in [[3, 0], [3, 1], [3, 2], [3, 3], [3, 13], [11, 0], [11, 1], [12, 0], [4, 0]] {
        send_error(wire, from, kind, [0; 4])?;
    }
    expect_path_mtu(wire, from, 1_500).map(drop)
}

// proves: rfc1191-reduce
fn reduced(wire: &mut FrameSocket) -> CaseResult {
    let from = peer(171);
    for mtu in [1_400, 1_001, 576] {
        send_error(wire, from, [3, 4], mtu_word(mtu))?;
        if expect_path_mtu(wire, from, mtu.into())? {
            return Err(format!("routers may fragment datagrams within the path MTU {mtu}"));
        }
    }
    // The path to another peer is not affected.
    expect_path_mtu(wire, peer(172), 1_500).map(drop)
}

// proves: socket-error
fn foreign(wire: &mut FrameSocket) -> CaseResult {
    let from = peer(173);
    let datagram = |source: Ipv4Addr, port| {
        let ip = Ip { from: source, to: from.1, ..udp_from(from) };
        ip.datagram(&Udp { source: port, ..Udp::to(CLIENT) }.datagram(&ip, b"data"))
    };
    // No socket has the port of the first datagram, and the second datagram is from another host.
    for quoted in [datagram(TESTED_IP, CLOSED), datagram(peer(174).1, ECHO)] {
        send_error_about(wire, from, [3, 4], mtu_word(600), &quoted)?;
    }
    expect_path_mtu(wire, from, 1_500).map(drop)
}

// proves: rfc1191-no-increase
fn not_increased(wire: &mut FrameSocket) -> CaseResult {
    let from = peer(175);
    send_error(wire, from, [3, 4], mtu_word(1_000))?;
    for mtu in [1_200, 1_500, 9_000, u16::MAX] {
        send_error(wire, from, [3, 4], mtu_word(mtu))?;
    }
    expect_path_mtu(wire, from, 1_000).map(drop)
}

// proves: path-mtu-floor
fn minimum(wire: &mut FrameSocket) -> CaseResult {
    for (number, mtu) in (176..).zip([68, 1, 551]) {
        let from = peer(number);
        send_error(wire, from, [3, 4], mtu_word(mtu))?;
        // A router with this MTU must be able to fragment the datagrams.
        if !expect_path_mtu(wire, from, 552)? {
            return Err(format!("routers may not fragment datagrams after an MTU of {mtu}"));
        }
    }
    Ok(())
}

// proves: rfc1191-no-mtu
fn plateau(wire: &mut FrameSocket) -> CaseResult {
    let from = peer(180);
    // The quoted reply has 1,428 bytes, and the next plateau is 1,006 bytes.
    send_error(wire, from, [3, 4], [0; 4])?;
    expect_path_mtu(wire, from, 1_006).map(drop)
}
