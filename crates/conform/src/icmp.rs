//! Cases about ICMP.

use std::net::Ipv4Addr;

use super::case::{Case, CaseResult};
use super::checksum::UDP;
use super::clock::Clock;
use super::datagrams::{ECHO_ID, ICMP, Ip, ReceivedDatagram, data, echo_reply, echo_request, message, peer};
use super::exchange::forged;
use super::frame_socket::FrameSocket;
use super::frames::{BROADCAST, NETWORK_BROADCAST, TESTED_IP};
use super::session::Station;
use super::udp_datagrams::to_closed_port;

pub(crate) const CASES: &[Case] = &[
    Case::new(
        "echo request of an unknown host is answered after resolution",
        "tapstack policy; RFC 1122 2.3.2.2",
        new_station,
    ),
    Case::new("echo request with 0 to 1,472 bytes of data is answered", "RFC 792; RFC 1122 3.2.2.6", lengths),
    Case::new("echo reply has the type of service of its request", "RFC 1349 5.1", type_of_service),
    Case::new("message with an invalid ICMP checksum is dropped", "RFC 792", checksums),
    Case::new("ICMP message shorter than 8 bytes is dropped", "RFC 792", short),
    Case::new("broadcast echo request gets no reply", "RFC 1122 3.2.2.6", broadcast_echo),
    Case::new("echo replies and messages of unknown types get no reply", "RFC 1122 3.2.2", other_types),
    Case::new("timestamp request gets no reply", "RFC 792", timestamp)
        .linux_differs("answers timestamp requests"),
    Case::new(
        "datagram of an unknown protocol causes protocol unreachable",
        "RFC 1122 3.2.2.1",
        unknown_protocol,
    ),
    Case::new("ICMP error causes no error", "RFC 1122 3.2.2", no_error_about_errors),
    Case::new("broadcast datagram causes no error", "RFC 1122 3.2.2", no_error_about_broadcasts),
    Case::new(
        "datagram with an invalid source causes no error",
        "RFC 1122 3.2.2",
        no_error_to_invalid_source,
    ),
    Case::new("each destination has its own rate limit of errors", "RFC 1812 4.3.2.8", rate),
];

const PEER: Station = peer(130);
const IP: Ip = Ip::from(PEER);

// proves: reply-resolved
fn new_station(wire: &mut FrameSocket) -> CaseResult {
    let new_station = peer(131);
    let data = data(1_472);
    let reply = wire.expect_resolution(new_station, &Ip::from(new_station).frame(&echo_request(&data)))?;
    if ReceivedDatagram::read(&reply, new_station, ICMP)?.data == echo_reply(&data) {
        return Ok(());
    }
    Err("the frame is not the reply to the request".to_owned())
}

// proves: rfc792-echo, rfc1122-echo-mirrored
fn lengths(wire: &mut FrameSocket) -> CaseResult {
    for length in 0..=1_472 {
        let data = data(length);
        wire.expect_echo(PEER, &[IP.frame(&echo_request(&data))], &data)?;
    }
    Ok(())
}

// proves: rfc1122-echo-mirrored
fn type_of_service(wire: &mut FrameSocket) -> CaseResult {
    for type_of_service in [0, 0x10, 0xb8] {
        let frame = Ip { type_of_service, ..IP }.frame(&echo_request(b"data"));
        let datagram = wire.expect_echo(PEER, &[frame], b"data")?;
        if datagram.type_of_service != type_of_service {
            return Err(format!(
                "type of service is {:#x} instead of {type_of_service:#x}",
                datagram.type_of_service
            ));
        }
    }
    Ok(())
}

// proves: rfc792-checksum
fn checksums(wire: &mut FrameSocket) -> CaseResult {
    for bit in 0..8 {
        for place in [2, 3, 7, 20] {
            let mut request = echo_request(&data(20));
            if let Some(byte) = request.get_mut(place) {
                *byte ^= 1 << bit;
            }
            wire.expect_no_frame(PEER, &[IP.frame(&request)])?;
        }
    }
    wire.expect_alive(PEER)
}

// proves: rfc792-length
fn short(wire: &mut FrameSocket) -> CaseResult {
    for length in 0..4_usize {
        wire.expect_no_frame(PEER, &[IP.frame(&vec![0; length])])?;
    }
    for length in 0..4_usize {
        // An echo request (type 8) with a valid checksum.
        let bytes = [&[8, 0, 0xf7, 0xff][..], &vec![0; length]].concat();
        wire.expect_no_frame(PEER, &[IP.frame(&bytes)])?;
    }
    wire.expect_alive(PEER)
}

// proves: rfc1122-echo-broadcast
fn broadcast_echo(wire: &mut FrameSocket) -> CaseResult {
    for to in [Ipv4Addr::BROADCAST, NETWORK_BROADCAST, Ipv4Addr::new(10, 0, 0, 0)] {
        wire.expect_no_frame(PEER, &[Ip { to, destination: BROADCAST, ..IP }.frame(&echo_request(b"data"))])?;
    }
    wire.expect_alive(PEER)
}

// proves: rfc1122-unknown-type
fn other_types(wire: &mut FrameSocket) -> CaseResult {
    for kind in [0, 1, 2, 6, 7, 9, 14, 15, 16, 18, 19, 30, 41, 255] {
        wire.expect_no_frame(PEER, &[IP.frame(&message([kind, 0], ECHO_ID, &data(12)))])?;
    }
    wire.expect_alive(PEER)
}

// proves: rfc1122-unknown-type
fn timestamp(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_no_frame(PEER, &[IP.frame(&message([13, 0], ECHO_ID, &[0; 12]))])
}

// proves: rfc1122-protocol-unreachable, rfc792-quote
fn unknown_protocol(wire: &mut FrameSocket) -> CaseResult {
    for (protocol, number) in [(61, 132), (253, 133), (254, 134)] {
        let from = peer(number);
        wire.expect_error(from, &Ip { protocol, ..Ip::from(from) }, &data(100), [3, 2])?;
    }
    Ok(())
}

// proves: rfc1122-error-about-error
fn no_error_about_errors(wire: &mut FrameSocket) -> CaseResult {
    let foreign = Ip { from: TESTED_IP, to: PEER.1, protocol: UDP, ..IP }.datagram(&to_closed_port(b"data"));
    for kind in [[3, 3], [11, 0], [12, 0], [4, 0], [3, 255]] {
        for quoted in [&foreign[..], &[]] {
            wire.expect_no_frame(PEER, &[IP.frame(&message(kind, [0; 4], quoted))])?;
        }
    }
    Ok(())
}

// proves: rfc1122-error-broadcast, rfc1122-error-link-broadcast, rfc1122-no-listener
fn no_error_about_broadcasts(wire: &mut FrameSocket) -> CaseResult {
    let from = peer(135);
    let ip = Ip { protocol: UDP, destination: BROADCAST, ..Ip::from(from) };
    for to in [Ipv4Addr::BROADCAST, NETWORK_BROADCAST, TESTED_IP] {
        wire.expect_no_frame(from, &[Ip { to, ..ip }.frame(&to_closed_port(b"data"))])?;
        wire.expect_no_frame(from, &[Ip { to, protocol: 253, ..ip }.frame(b"data")])?;
    }
    Ok(())
}

// proves: rfc1122-error-source
fn no_error_to_invalid_source(wire: &mut FrameSocket) -> CaseResult {
    for source in [[0; 4], [255; 4], [224, 0, 0, 1], [127, 0, 0, 1], [240, 0, 0, 1]] {
        let ip = Ip { protocol: UDP, ..forged(130, source.into()) };
        wire.expect_no_frame(PEER, &[ip.frame(&to_closed_port(b"data"))])?;
    }
    Ok(())
}

// proves: icmp-rate-each
fn rate(wire: &mut FrameSocket) -> CaseResult {
    let (flooded, other) = (peer(137), peer(138));
    let flood = vec![Ip { protocol: UDP, ..Ip::from(flooded) }.frame(&to_closed_port(b"data")); 40];
    let clock = Clock::start();
    let reported = wire.exchange(flooded, &flood)?.len();
    // A host sends a burst of up to 10 errors, and up to 10 errors per second after the burst.
    let limit = 10 + usize::try_from(clock.elapsed().as_millis() / 100).unwrap_or(usize::MAX);
    if reported == 0 || reported > limit.min(39) {
        return Err(format!("unexpected number of errors for 40 datagrams to a closed port: {reported}"));
    }
    wire.expect_error(other, &Ip { protocol: UDP, ..Ip::from(other) }, &to_closed_port(b"data"), [3, 3])
}
