//! Cases about UDP. The host has the services echo and discard; `tapstack host` also has daytime and chargen.

use std::net::Ipv4Addr;

use super::case::{Case, CaseResult, FreshHostCase};
use super::datagrams::{FRAGMENT_UNIT, Ip, data, peer};
use super::frame_socket::FrameSocket;
use super::frames::{BROADCAST, NETWORK_BROADCAST, TESTED_IP};
use super::session::Station;
use super::test_tap::TestTap;
use super::udp_datagrams::{
    CHARGEN, CLIENT, CLOSED, DAYTIME, DISCARD, ECHO, MAX_WHOLE, ReceivedUdp, Udp, UdpChecksum,
    to_closed_port, udp_from,
};

pub(crate) const CASES: &[Case] = &[
    Case::new("UDP datagram to a closed port causes port unreachable", "RFC 1122 3.2.2.1", closed_port),
    Case::new(
        "datagram with an invalid UDP checksum is dropped",
        "RFC 1122 4.1.3.4; TC8 UDP FIELDS 15",
        checksums,
    ),
    Case::new("datagram with an invalid UDP length is dropped", "RFC 768; TC8 UDP FIELDS 08..10", lengths),
    Case::new(
        "echo service returns 0 to 1,472 bytes of data",
        "RFC 768, 862; TC8 UDP MessageFormat 02, FIELDS 01, 02, 05",
        whole,
    ),
    Case::new(
        "echo service returns up to 65,507 bytes of data in fragments",
        "RFC 768, 791 3.2; TC8 UDP FIELDS 12",
        in_fragments,
    ),
    Case::new("UDP reply has the ports of its request", "RFC 768, 862", ports),
    Case::new("each peer gets its own UDP replies", "RFC 768; TC8 UDP FIELDS 04", peers),
    Case::new("1,000 UDP datagrams get 1,000 replies in order", "one reply per request", many),
    Case::new("UDP datagram without a checksum is accepted", "RFC 768; TC8 UDP FIELDS 16", no_checksum),
    Case::new("computed UDP checksum of zero is sent as all ones", "RFC 768", zero_checksum),
    Case::new("bytes after the UDP length are ignored", "RFC 768; TC8 UDP Padding 02", padding),
    Case::new("UDP datagram with IP options is accepted", "RFC 791 3.1", options),
    Case::new(
        "UDP datagram with source port 0 causes no error",
        "RFC 768; TC8 UDP FIELDS 03",
        source_port_zero,
    ),
    Case::new(
        "UDP datagram with an invalid source is dropped",
        "RFC 1122 4.1.3.6; TC8 UDP INVALID_ADDRESSES 01, 02",
        invalid_sources,
    ),
    Case::new("broadcast UDP datagram gets no reply", "tapstack policy; RFC 1122 3.3.6", broadcast)
        .linux_differs("delivers broadcasts to every socket, and SO_BROADCAST concerns sending only"),
    Case::new("discard service sends nothing", "RFC 863; TC8 UDP INTRODUCTION 02", discard),
    Case::new("chargen service sends a pattern of up to 512 bytes", "RFC 864", chargen)
        .linux_not_run("has no chargen service"),
    Case::new("daytime service sends one line of text", "RFC 867", daytime)
        .linux_not_run("has no daytime service"),
    Case::new("service does not reply to the port of a service", "security", loops)
        .linux_not_run("has no services, and the suite has the echo service"),
    Case::new(
        "echo service replies to an unknown host after resolution",
        "tapstack policy; RFC 1122 2.3.2.2",
        new_station,
    ),
];

pub(crate) const FRESH_HOST_CASES: &[FreshHostCase] = &[
    FreshHostCase::new("ports of services are closed without --serve", "RFC 1122 4.1.3.1", not_served),
    FreshHostCase::new("--serve echo:1007 serves port 1007 only", "tapstack policy", other_port),
];

const PEER: Station = peer(150);
const TO_ECHO: Udp = Udp::to(ECHO);

// proves: rfc1122-port-unreachable, rfc792-quote
fn closed_port(wire: &mut FrameSocket) -> CaseResult {
    let from = peer(151);
    for length in [0, 1, 100, 400] {
        wire.expect_error(from, &udp_from(from), &to_closed_port(&data(length)), [3, 3])?;
    }
    Ok(())
}

// proves: rfc1122-udp-checksum
fn checksums(wire: &mut FrameSocket) -> CaseResult {
    let from = peer(152);
    // The checksum is valid for another source address only.
    let for_other = |port| udp_from(from).frame(&Udp::to(port).datagram(&udp_from(PEER), &data(33)));
    for port in [CLOSED, ECHO] {
        let inverted = |bits| Udp { checksum: UdpChecksum::Inverted(bits), ..Udp::to(port) };
        let bits = (0..16).map(|bit| 1 << bit).chain([u16::MAX]);
        let invalid: Vec<_> = bits.map(|bits| inverted(bits).frame(from, &data(33))).collect();
        wire.expect_no_udp(from, &[&invalid[..], &[for_other(port)]].concat())?;
    }
    let ip = udp_from(from);
    wire.expect_error(from, &ip, &Udp::to(CLOSED).datagram(&ip, &data(33)), [3, 3])?;
    wire.expect_whole_udp_echo(from, TO_ECHO, &data(33))
}

// proves: rfc768-length
fn lengths(wire: &mut FrameSocket) -> CaseResult {
    let from = peer(153);
    for port in [CLOSED, ECHO] {
        for length in [0, 1, 7, 13, 1_000, u16::MAX] {
            for checksum in [UdpChecksum::Valid, UdpChecksum::Absent] {
                let udp = Udp { length: Some(length), checksum, ..Udp::to(port) };
                wire.expect_no_udp(from, &[udp.frame(from, b"data")])?;
            }
        }
        let whole = Udp::to(port).datagram(&udp_from(from), &[]);
        let truncated = |length| udp_from(from).frame(whole.get(..length).unwrap_or_default());
        wire.expect_no_udp(from, &(0..8).map(truncated).collect::<Vec<_>>())?;
    }
    wire.expect_error(from, &udp_from(from), &to_closed_port(b"data"), [3, 3])?;
    wire.expect_whole_udp_echo(from, TO_ECHO, b"data")
}

// proves: rfc768-header, rfc862-echo, rfc1122-udp-checksum-sent, rfc8085-dont-fragment
fn whole(wire: &mut FrameSocket) -> CaseResult {
    for length in 0..=MAX_WHOLE {
        let data = data(length);
        let echo = wire.expect_udp_echo(PEER, &[TO_ECHO.frame(PEER, &data)], TO_ECHO, &data)?;
        if !echo.ip.dont_fragment {
            return Err(format!("the reply with {length} bytes of data may be fragmented"));
        }
    }
    Ok(())
}

// proves: udp-all-lengths, rfc862-echo
fn in_fragments(wire: &mut FrameSocket) -> CaseResult {
    for (length, number) in [1_473, 1_480, 2_952, 2_953, 8_000, 30_001, 65_507].into_iter().zip(300..) {
        let data = data(length);
        let frames = fragments(PEER, number, TO_ECHO, &data);
        wire.expect_udp_echo(PEER, &frames, TO_ECHO, &data)
            .map_err(|error| format!("{length} bytes: {error}"))?;
    }
    // A checksum covers the data in all fragments.
    let inverted = Udp { checksum: UdpChecksum::Inverted(1), ..TO_ECHO };
    match wire.exchange_udp(PEER, &fragments(PEER, 310, inverted, &data(3_000)))?.len() {
        0 => Ok(()),
        count => Err(format!("{count} frames after a fragmented datagram with an invalid checksum")),
    }
}

/// Returns the frames of a UDP datagram in fragments.
pub(crate) fn fragments(from: Station, identification: u16, udp: Udp, data: &[u8]) -> Vec<Vec<u8>> {
    let ip = Ip { identification, ..udp_from(from) };
    ip.fragments(&udp.datagram(&ip, data), FRAGMENT_UNIT)
}

// proves: rfc768-header, rfc862-echo
fn ports(wire: &mut FrameSocket) -> CaseResult {
    for source in [1, 1_023, 1_024, 32_768, 60_999, 65_535] {
        wire.expect_whole_udp_echo(PEER, Udp { source, ..TO_ECHO }, b"data")?;
    }
    Ok(())
}

// proves: rfc862-echo
fn peers(wire: &mut FrameSocket) -> CaseResult {
    let peers: Vec<Station> = (154..=161).map(peer).collect();
    for from in &peers {
        wire.introduce(*from)?;
    }
    let port = |number: u8| Udp { source: CLIENT + u16::from(number), ..TO_ECHO };
    let text = |from: &Station, number| format!("{} {number}", from.1).into_bytes();
    let requests = peers.iter().flat_map(|from| (0..4).map(move |number| (*from, number)));
    let frames: Vec<_> =
        requests.clone().map(|(from, number)| port(number).frame(from, &text(&from, number))).collect();
    let received = wire.exchange_udp(PEER, &frames)?;
    if received.len() != frames.len() {
        return Err(format!("{} replies to {} requests", received.len(), frames.len()));
    }
    for ((from, number), frame) in requests.zip(received) {
        if !ReceivedUdp::read(&[frame], from)?.is_echo(port(number), &text(&from, number)) {
            return Err(format!("unexpected reply to request {number} of {}", from.1));
        }
    }
    Ok(())
}

// proves: rfc862-echo
fn many(wire: &mut FrameSocket) -> CaseResult {
    // The receive buffer of a socket has capacity for a window.
    const WINDOW: u16 = 50;
    for window in 0..1_000 / WINDOW {
        let data = |number: u16| (window * WINDOW + number).to_be_bytes();
        let frames: Vec<_> = (0..WINDOW).map(|number| TO_ECHO.frame(PEER, &data(number))).collect();
        let received = wire.exchange_udp(PEER, &frames)?;
        if received.len() != frames.len() {
            return Err(format!("{} replies to {} datagrams", received.len(), frames.len()));
        }
        for (number, frame) in (0..).zip(received) {
            if !ReceivedUdp::read(&[frame], PEER)?.is_echo(TO_ECHO, &data(number)) {
                return Err(format!("reply {number} of window {window} is not in order"));
            }
        }
    }
    Ok(())
}

// proves: rfc768-no-checksum
fn no_checksum(wire: &mut FrameSocket) -> CaseResult {
    let udp = Udp { checksum: UdpChecksum::Absent, ..TO_ECHO };
    wire.expect_whole_udp_echo(PEER, udp, b"data")?;
    wire.expect_udp_echo(PEER, &fragments(PEER, 311, udp, &data(3_000)), udp, &data(3_000)).map(drop)
}

// proves: rfc768-zero-checksum
fn zero_checksum(wire: &mut FrameSocket) -> CaseResult {
    // With 2,000 bytes, Linux computes the checksum itself, because hardware completes no checksum of fragments.
    for length in [40, 2_000] {
        // The first word of the data is the checksum of all other words, so the checksum of all words is zero. The reply
        // has the same words as the request, in another order.
        let rest = data(length);
        let with_first = |word: &[u8]| [word, &rest].concat();
        let datagram = TO_ECHO.datagram(&udp_from(PEER), &with_first(&[0, 0]));
        let data = with_first(datagram.get(6..8).unwrap_or_default());
        let echo = wire.expect_udp_echo(PEER, &fragments(PEER, 312, TO_ECHO, &data), TO_ECHO, &data)?;
        if echo.ip.data.get(6..8) != Some(&[0xff, 0xff]) {
            return Err(format!("the checksum of the reply with {} bytes is not 0xffff", data.len()));
        }
    }
    Ok(())
}

// proves: rfc768-length, ethernet-unpadded
fn padding(wire: &mut FrameSocket) -> CaseResult {
    let ip = udp_from(PEER);
    for length in [1, 2, 18, 1_000] {
        let excess = vec![0xee; length];
        // Bytes after the UDP datagram in the IP datagram, and bytes after the IP datagram in the frame.
        for frame in [
            ip.frame(&[TO_ECHO.datagram(&ip, b"data"), excess.clone()].concat()),
            [TO_ECHO.frame(PEER, b"data"), excess].concat(),
        ] {
            wire.expect_udp_echo(PEER, &[frame], TO_ECHO, b"data")?;
        }
    }
    Ok(())
}

// proves: rfc791-options
fn options(wire: &mut FrameSocket) -> CaseResult {
    const NONE: &[u8] = &[1; 40];
    for (version_and_length, options) in [(0x46, &[1, 1, 1, 0][..]), (0x4f, NONE)] {
        let ip = Ip { version_and_length, options, ..udp_from(PEER) };
        let frame = ip.frame(&TO_ECHO.datagram(&ip, b"data"));
        wire.expect_udp_echo(PEER, &[frame], TO_ECHO, b"data")?;
    }
    Ok(())
}

// proves: rfc768-source-port-zero
fn source_port_zero(wire: &mut FrameSocket) -> CaseResult {
    // A reply to port 0 is not possible.
    wire.expect_no_udp(
        PEER,
        &[ECHO, DISCARD].map(|port| Udp { source: 0, ..Udp::to(port) }.frame(PEER, b"data")),
    )
}

// proves: rfc1122-source, source-local
fn invalid_sources(wire: &mut FrameSocket) -> CaseResult {
    let invalid = [[255; 4], [224, 0, 0, 1], [239, 255, 255, 255], [127, 0, 0, 1], [0; 4], [240, 0, 0, 1]];
    let sources = invalid.map(Ipv4Addr::from).into_iter().chain([NETWORK_BROADCAST, TESTED_IP]);
    let frames = sources.map(|from| {
        let ip = Ip { from, ..udp_from(PEER) };
        ip.frame(&TO_ECHO.datagram(&ip, b"data"))
    });
    wire.expect_no_udp(PEER, &frames.collect::<Vec<_>>())
}

// proves: services-no-broadcast
fn broadcast(wire: &mut FrameSocket) -> CaseResult {
    let frames = [Ipv4Addr::BROADCAST, NETWORK_BROADCAST].map(|to| {
        let ip = Ip { to, destination: BROADCAST, ..udp_from(PEER) };
        ip.frame(&TO_ECHO.datagram(&ip, b"data"))
    });
    wire.expect_no_udp(PEER, &frames)
}

// proves: rfc863-discard
fn discard(wire: &mut FrameSocket) -> CaseResult {
    let udp = Udp::to(DISCARD);
    let frames = [0, 1, MAX_WHOLE].map(|length| udp.frame(PEER, &data(length)));
    wire.expect_no_udp(PEER, &frames)?;
    match wire.exchange_udp(PEER, &fragments(PEER, 313, udp, &data(65_507)))?.len() {
        0 => Ok(()),
        count => Err(format!("{count} frames after a fragmented datagram")),
    }
}

// proves: rfc864-length, rfc864-pattern
fn chargen(wire: &mut FrameSocket) -> CaseResult {
    let line =
        |first: usize| (0..72).map(move |place| b' ' + u8::try_from((first + place) % 95).unwrap_or(0));
    let pattern: Vec<u8> = (0..7).flat_map(|first| line(first).chain(*b"\r\n")).collect();
    let udp = Udp::to(CHARGEN);
    let mut lengths = Vec::new();
    for length in 0..20 {
        let received = wire.exchange_udp(PEER, &[udp.frame(PEER, &data(length))])?;
        let reply = ReceivedUdp::read(&received, PEER)?;
        if !reply.is_echo(udp, &reply.data) || !pattern.starts_with(&reply.data) {
            return Err(format!("unexpected reply: {}", String::from_utf8_lossy(&reply.data)));
        }
        lengths.push(reply.data.len());
    }
    let is_random = lengths.iter().any(|length| Some(length) != lengths.first());
    if is_random { Ok(()) } else { Err(format!("all replies have the same length: {lengths:?}")) }
}

// proves: rfc867-daytime, rfc867-syntax
fn daytime(wire: &mut FrameSocket) -> CaseResult {
    let udp = Udp::to(DAYTIME);
    let reply = ReceivedUdp::read(&wire.exchange_udp(PEER, &[udp.frame(PEER, b"")])?, PEER)?;
    let text = String::from_utf8_lossy(&reply.data);
    let is_line = text.strip_suffix("\r\n").is_some_and(|line| line.chars().all(|c| matches!(c, ' '..='~')));
    if reply.is_echo(udp, &reply.data) && is_line && text.len() > 10 {
        return Ok(());
    }
    Err(format!("unexpected reply: {text:?}"))
}

// proves: services-no-loop
fn loops(wire: &mut FrameSocket) -> CaseResult {
    let services = [ECHO, DAYTIME, 17, CHARGEN, 37];
    for port in [ECHO, DAYTIME, CHARGEN] {
        let frames = services.map(|source| Udp { source, ..Udp::to(port) }.frame(PEER, b"data"));
        wire.expect_no_udp(PEER, &frames)?;
    }
    Ok(())
}

// proves: reply-resolved
fn new_station(wire: &mut FrameSocket) -> CaseResult {
    let new_station = peer(162);
    let data = data(MAX_WHOLE);
    let reply = wire.expect_resolution(new_station, &TO_ECHO.frame(new_station, &data))?;
    if ReceivedUdp::read(&[reply], new_station)?.is_echo(TO_ECHO, &data) {
        return Ok(());
    }
    Err("the frame is not the reply to the request".to_owned())
}

/// Expects port unreachable for each of these ports, each from a peer of its own because of the rate limit of errors.
fn expect_closed(wire: &mut FrameSocket, ports: &[u16]) -> CaseResult {
    for (number, port) in (163..).zip(ports) {
        let from = peer(number);
        let ip = udp_from(from);
        wire.expect_error(from, &ip, &Udp::to(*port).datagram(&ip, b"data"), [3, 3])
            .map_err(|error| format!("port {port}: {error}"))?;
    }
    Ok(())
}

// proves: rfc1122-port-unreachable
fn not_served(test_tap: &mut TestTap) -> CaseResult {
    let _host = test_tap.start(&["--no-probe"])?;
    expect_closed(&mut test_tap.wire, &[ECHO, DISCARD, DAYTIME, CHARGEN])
}

fn other_port(test_tap: &mut TestTap) -> CaseResult {
    let _host = test_tap.start(&["--no-probe", "--serve", "echo:1007"])?;
    let (wire, udp) = (&mut test_tap.wire, Udp::to(1_007));
    expect_closed(wire, &[ECHO, DISCARD, 1_006, 1_008])?;
    wire.introduce(PEER)?;
    wire.send(&udp.frame(PEER, b"data"))?;
    let reply = wire.next_reply("reply from the echo service")?;
    if ReceivedUdp::read(&[reply], PEER)?.is_echo(udp, b"data") {
        return Ok(());
    }
    Err("the frame is not the reply to the request".to_owned())
}
