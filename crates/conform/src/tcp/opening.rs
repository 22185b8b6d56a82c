//! Cases about the TCP handshake, and about segments without a connection.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::peer::{Peer, STATION, connected};
use super::segment::{
    ACK, FIN, MSS, PSH, RST, SACK, SACK_PERMITTED, SYN, Segment, TIMESTAMPS, URG, WINDOW_SCALE,
    pseudo_header, word,
};
use crate::case::{Case, CaseResult};
use crate::checksum::{TCP, checksum};
use crate::clock::Clock;
use crate::datagrams::{Ip, data};
use crate::frame_socket::FrameSocket;
use crate::frames::{BROADCAST, NETWORK_BROADCAST, TESTED_IP};
use crate::udp_datagrams::{CLOSED, DISCARD, ECHO};

pub(crate) const CASES: &[Case] = &[
    Case::new("SYN,ACK has the options of the SYN", "RFC 9293 3.7.1; RFC 7323 2.2, 3.2; RFC 2018 2", options),
    Case::new(
        "SYN,ACK for a SYN without options has only the MSS",
        "RFC 9293 3.7.1; RFC 7323; RFC 2018",
        no_options,
    ),
    Case::new("malformed options of a SYN are ignored", "RFC 9293 3.1, 3.2", broken_options),
    Case::new(
        "initial sequence number 4,294,967,295 is followed by 0",
        "RFC 9293 3.4; TC8 SEQUENCE 04",
        wrapped,
    ),
    Case::new("repeated SYN gets the same SYN,ACK", "RFC 9293 3.8.1", repeated_syn),
    Case::new("SYN,ACK without an answer is sent again", "RFC 9293 3.8.1", syn_ack_again),
    Case::new("reset of a half-open connection is accepted", "RFC 9293 3.10.7.4", reset_half_open),
    Case::new("invalid ACK of a SYN,ACK gets a reset", "RFC 9293 3.10.7.4; TC8 UNACCEPTABLE 03", invalid_ack),
    Case::new("data of a SYN is not acknowledged", "tapstack policy", data_of_syn),
    Case::new("segment to a closed port gets a reset", "RFC 9293 3.10.7.1; TC8 BASICS 04, 05", closed_port),
    Case::new(
        "reset to a closed port gets no reply",
        "RFC 9293 3.10.7.1; TC8 CLOSING 13",
        reset_to_closed_port,
    ),
    Case::new("ACK to a listener gets a reset", "RFC 9293 3.10.7.2; TC8 FLAGS_INVALID 02", ack_to_listener),
    Case::new("segment without SYN, ACK and RST to a listener gets no reply", "RFC 9293 3.10.7.2", no_flags),
    Case::new("SYN with RST or FIN to a listener gets no reply", "RFC 9293 3.10.7.2; security", odd_syns),
    Case::new("segment with an invalid TCP checksum is dropped", "RFC 9293 3.1; TC8 CHECKSUM 02", checksums),
    Case::new(
        "segment with an invalid data offset is dropped",
        "RFC 9293 3.1; TC8 HEADER 07, 08",
        data_offsets,
    ),
    Case::new("truncated segment of any length is dropped", "RFC 9293 3.1", truncated),
    Case::new("SYN with an invalid source or destination is dropped", "RFC 9293 3.9.2.3", invalid_addresses),
    Case::new("SYN with the address and port of the host as source is dropped", "security, LAND", land),
    Case::new("segment with port 0 is dropped", "security", port_zero)
        .linux_differs("accepts source port 0, and answers segments to port 0 with a reset"),
];

/// Time after which a host sends a SYN,ACK again (RFC 6298 2.1), also if it ignores a repeated SYN.
const SYN_ACK_TIMEOUT: Duration = Duration::from_secs(1);
/// Number of attempts to get a reply within [`SYN_ACK_TIMEOUT`], because a busy machine is slow at times.
const ATTEMPTS: usize = 20;

/// Options of a SYN: MSS 1,460, SACK permitted, timestamps, and a window scale of 7.
pub(super) const ALL_OPTIONS: &[u8] =
    &[MSS, 4, 5, 0xb4, SACK_PERMITTED, 2, TIMESTAMPS, 10, 0, 0, 3, 0xe8, 0, 0, 0, 0, 1, WINDOW_SCALE, 3, 7];

// proves: rfc9293-mss-sent, rfc7323-scale-both, rfc7323-timestamps, rfc2018-permitted
fn options(wire: &mut FrameSocket) -> CaseResult {
    let mut peer = Peer::new(wire, ECHO)?;
    let reply = peer.open(ALL_OPTIONS)?;
    let echo = reply.option(TIMESTAMPS).and_then(|data| word(data.get(4..)?));
    let scale = reply.option(WINDOW_SCALE).is_some_and(|data| matches!(data, [0..=14]));
    let is_expected = reply.option(MSS) == Some(&[5, 0xb4])
        && reply.option(SACK_PERMITTED) == Some(&[])
        && echo == Some(1_000)
        && scale
        && reply.options.len() == 4;
    let result = peer.expect_open_echo();
    peer.reset()?;
    result?;
    if is_expected { Ok(()) } else { Err(format!("options of the SYN,ACK: {:?}", reply.options)) }
}

impl Peer<'_> {
    /// Expects that the echo service returns data.
    fn expect_open_echo(&mut self) -> CaseResult {
        self.send_data(b"echo")?;
        match self.read_until(b"echo")?.0.as_slice() {
            b"echo" => Ok(()),
            other => Err(format!("the echo service returned {other:02x?}")),
        }
    }
}

// proves: rfc7323-scale-both, rfc2018-permitted
fn no_options(wire: &mut FrameSocket) -> CaseResult {
    let mut peer = Peer::new(wire, ECHO)?;
    let reply = peer.open(&[])?;
    let result = peer.expect_open_echo();
    peer.reset()?;
    result?;
    match reply.options.as_slice() {
        [(MSS, size)] if size == &[5, 0xb4] => Ok(()),
        other => Err(format!("options of the SYN,ACK: {other:?}")),
    }
}

// proves: rfc9293-options, rfc9293-option-length, tcp-option-known-length
fn broken_options(wire: &mut FrameSocket) -> CaseResult {
    const LISTS: [&[u8]; 12] = [
        &[253, 4, 1, 2],
        &[253, 2, 254, 2],
        &[MSS, 3, 5, 0],
        &[MSS, 0, 5, 0xb4],
        &[WINDOW_SCALE, 1, 7, 0],
        &[254, 40, 0, 0],
        &[254, 255, 0, 0],
        &[0, MSS, 4, 5],
        &[1, 1, 1, MSS],
        &[SACK_PERMITTED, 3, 0, 0],
        &[TIMESTAMPS, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &[SACK, 10, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0],
    ];
    for list in LISTS {
        let mut peer = Peer::new(wire, ECHO)?;
        let reply = peer.open(list).map_err(|error| format!("options {list:?}: {error}"))?;
        let result = peer.expect_open_echo();
        peer.reset()?;
        result.map_err(|error| format!("options {list:?}: {error}"))?;
        if reply.options.len() != 1 || reply.option(MSS).is_none() {
            return Err(format!("options of the SYN,ACK for {list:?}: {:?}", reply.options));
        }
    }
    Ok(())
}

// proves: rfc9293-modulo
fn wrapped(wire: &mut FrameSocket) -> CaseResult {
    let mut peer = Peer::new(wire, ECHO)?;
    peer.next = u32::MAX;
    let result = peer.open(&[]).and_then(|_| peer.expect_open_echo());
    peer.reset()?;
    result
}

// proves: tcp-syn-duplicate
fn repeated_syn(wire: &mut FrameSocket) -> CaseResult {
    for _ in 0..ATTEMPTS {
        let mut peer = Peer::new(wire, ECHO)?;
        let syn = peer.segment(SYN, b"");
        let clock = Clock::start();
        let (first, second) = (peer.expect_one(&syn)?, peer.expect_one(&syn)?);
        let elapsed = clock.elapsed();
        peer.next = peer.next.wrapping_add(1);
        peer.reset()?;
        if first != second {
            return Err(format!("first {first}; then {second}"));
        }
        if elapsed < SYN_ACK_TIMEOUT {
            return Ok(());
        }
    }
    Err(format!("{ATTEMPTS} repeated SYNs got a SYN,ACK after the timeout of the first SYN,ACK only"))
}

// proves: tcp-syn-ack-retransmission
fn syn_ack_again(wire: &mut FrameSocket) -> CaseResult {
    let mut peer = Peer::new(wire, ECHO)?;
    let first = peer.expect_one(&peer.segment(SYN, b""))?;
    let second = peer.next_of_any_age()?;
    peer.next = peer.next.wrapping_add(1);
    peer.reset()?;
    if first == second { Ok(()) } else { Err(format!("first {first}; then {second}")) }
}

// proves: rfc9293-reset-passive
fn reset_half_open(wire: &mut FrameSocket) -> CaseResult {
    let mut peer = Peer::new(wire, ECHO)?;
    let reply = peer.expect_one(&peer.segment(SYN, b""))?;
    peer.next = peer.next.wrapping_add(1);
    peer.expected = reply.sequence.wrapping_add(1);
    peer.expect_none(&peer.segment(RST, b""))?;
    peer.expect_reset(&peer.segment(ACK, b""))
}

// proves: rfc9293-ack-syn-received
fn invalid_ack(wire: &mut FrameSocket) -> CaseResult {
    let mut peer = Peer::new(wire, ECHO)?;
    let reply = peer.expect_one(&peer.segment(SYN, b""))?;
    peer.next = peer.next.wrapping_add(1);
    peer.expected = reply.sequence.wrapping_add(1);
    for acknowledgment in [reply.sequence, reply.sequence.wrapping_add(2)] {
        let ack = Segment { acknowledgment, ..peer.segment(ACK, b"") };
        peer.expect_reset(&ack)?;
    }
    // The handshake can still be completed.
    peer.send(&peer.segment(ACK, b""))?;
    let result = peer.expect_open_echo();
    peer.reset()?;
    result
}

// proves: tcp-listen-data
fn data_of_syn(wire: &mut FrameSocket) -> CaseResult {
    let mut peer = Peer::new(wire, ECHO)?;
    let reply = peer.expect_one(&peer.segment(SYN, b"data"))?;
    peer.next = peer.next.wrapping_add(1);
    peer.reset()?;
    if reply.flags == SYN | ACK && reply.acknowledgment == peer.next {
        Ok(())
    } else {
        Err(reply.to_string())
    }
}

// proves: rfc9293-closed
fn closed_port(wire: &mut FrameSocket) -> CaseResult {
    let peer = &mut Peer::new(wire, CLOSED)?;
    for (flags, length) in [(SYN, 0), (FIN, 0), (SYN | FIN, 0), (0, 0), (PSH, 7), (FIN | URG, 7)] {
        let segment = peer.segment(flags, &data(length));
        let reply = peer.expect_one(&segment)?;
        // RFC 9293 3.10.7.1: "If the ACK bit is off, sequence number zero is used,
        // <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>".
        let counted = flags & SYN != 0;
        let end = u32::from(counted) + u32::from(flags & FIN != 0) + u32::try_from(length).unwrap_or(0);
        if reply.flags != RST | ACK || reply.sequence != 0 || reply.acknowledgment != segment.sequence + end {
            return Err(format!("reply to flags {flags:#04x} with {length} bytes: {reply}"));
        }
    }
    peer.expected = 0xfedc_ba98;
    for flags in [ACK, SYN | ACK, FIN | ACK, PSH | ACK | URG] {
        peer.expect_reset(&peer.segment(flags, b"data"))?;
    }
    Ok(())
}

// proves: rfc9293-closed
fn reset_to_closed_port(wire: &mut FrameSocket) -> CaseResult {
    let mut peer = Peer::new(wire, CLOSED)?;
    [RST, RST | ACK, RST | SYN]
        .into_iter()
        .try_for_each(|flags| peer.expect_none(&peer.segment(flags, b"data")))
}

// proves: rfc9293-listen-ack
fn ack_to_listener(wire: &mut FrameSocket) -> CaseResult {
    let mut peer = Peer::new(wire, ECHO)?;
    peer.expected = 0xfedc_ba98;
    [ACK, SYN | ACK, FIN | ACK, PSH | ACK]
        .into_iter()
        .try_for_each(|flags| peer.expect_reset(&peer.segment(flags, b"")))
}

// proves: rfc9293-listen-other
fn no_flags(wire: &mut FrameSocket) -> CaseResult {
    let mut peer = Peer::new(wire, ECHO)?;
    [0, FIN, PSH, URG, FIN | PSH | URG]
        .into_iter()
        .try_for_each(|flags| peer.expect_none(&peer.segment(flags, b"x")))
}

// proves: tcp-listen-flags
fn odd_syns(wire: &mut FrameSocket) -> CaseResult {
    let mut peer = Peer::new(wire, ECHO)?;
    [SYN | RST, SYN | FIN, SYN | FIN | RST, SYN | FIN | PSH | URG]
        .into_iter()
        .try_for_each(|flags| peer.expect_none(&peer.segment(flags, b"")))
}

// proves: rfc9293-checksum
fn checksums(wire: &mut FrameSocket) -> CaseResult {
    for port in [ECHO, CLOSED] {
        let mut peer = Peer::new(wire, port)?;
        for error in (0..16).map(|bit| 1 << bit) {
            peer.expect_none(&Segment { error, ..peer.segment(SYN, b"") })?;
        }
    }
    connected(wire, DISCARD, &[], |peer| {
        peer.expect_none(&Segment { error: 1, ..peer.segment(PSH | ACK, b"data") })?;
        peer.expect_none(&Segment { error: 1, ..peer.segment(RST | ACK, b"") })?;
        peer.expect_open()
    })
}

// proves: rfc9293-data-offset
fn data_offsets(wire: &mut FrameSocket) -> CaseResult {
    for port in [ECHO, CLOSED] {
        let mut peer = Peer::new(wire, port)?;
        for offset in [0, 1, 4, 6, 15] {
            peer.expect_none(&Segment { data_offset: Some(offset), ..peer.segment(SYN, b"") })?;
        }
    }
    Ok(())
}

fn truncated(wire: &mut FrameSocket) -> CaseResult {
    let peer = Peer::new(wire, CLOSED)?;
    let ip = Ip { protocol: TCP, ..Ip::from(STATION) };
    let whole = peer.segment(SYN, b"").bytes(&ip);
    // The checksum of each segment is valid: the source port is what the sum lacks.
    let truncated = |length: usize| {
        let mut bytes = whole.get(..length).unwrap_or_default().to_vec();
        if let Some(port) = bytes.first_chunk_mut() {
            *port = [0; 2];
        }
        let sum = checksum(&[pseudo_header(&ip, length), bytes.clone()].concat());
        if let Some(port) = bytes.first_chunk_mut() {
            *port = sum.to_be_bytes();
        }
        ip.frame(&bytes)
    };
    let frames: Vec<_> = (0..20).map(truncated).collect();
    expect_no_answer(wire, &frames)
}

/// Sends frames with SYNs and expects no frame from the host.
fn expect_no_answer(wire: &mut FrameSocket, frames: &[Vec<u8>]) -> CaseResult {
    wire.introduce(STATION)?;
    for frame in frames {
        wire.send(frame)?;
        for _ in 0..2 {
            if let Some(reply) = wire.collect()?.first() {
                return Err(format!("reply to {}: {}", crate::frames::hex(frame), crate::frames::hex(reply)));
            }
        }
    }
    Ok(())
}

// proves: rfc9293-unicast, rfc9293-source
fn invalid_addresses(wire: &mut FrameSocket) -> CaseResult {
    let mut frames = Vec::new();
    for port in [ECHO, CLOSED] {
        let syn = Peer::new(wire, port)?.segment(SYN, b"");
        let ip = Ip { protocol: TCP, ..Ip::from(STATION) };
        for source in [[255; 4], [224, 0, 0, 1], [239, 255, 255, 255], [127, 0, 0, 1], [0; 4], [240, 0, 0, 1]]
        {
            frames.push(syn.frame_in(&Ip { from: source.into(), ..ip }));
        }
        for to in [Ipv4Addr::BROADCAST, NETWORK_BROADCAST, Ipv4Addr::new(224, 0, 0, 1)] {
            frames.push(syn.frame_in(&Ip { to, destination: BROADCAST, ..ip }));
        }
        frames.push(syn.frame_in(&Ip { destination: BROADCAST, ..ip }));
    }
    expect_no_answer(wire, &frames)
}

// proves: rfc9293-source
fn land(wire: &mut FrameSocket) -> CaseResult {
    let ip = Ip { protocol: TCP, from: TESTED_IP, ..Ip::from(STATION) };
    let mut frames = Vec::new();
    for port in [ECHO, CLOSED] {
        let syn = Peer::new(wire, port)?.segment(SYN, b"");
        frames.push(Segment { source: port, ..syn.clone() }.frame_in(&ip));
        frames.push(syn.frame_in(&ip));
    }
    expect_no_answer(wire, &frames)?;
    // A host that answered itself would be busy.
    let mut peer = Peer::new(wire, ECHO)?;
    let result = peer.open(&[]).and_then(|_| peer.expect_open_echo());
    peer.reset()?;
    result
}

// proves: tcp-port-zero
fn port_zero(wire: &mut FrameSocket) -> CaseResult {
    let syn = Peer::new(wire, ECHO)?.segment(SYN, b"");
    let frames = [Segment { source: 0, ..syn.clone() }, Segment { destination: 0, ..syn.clone() }]
        .map(|syn| syn.frame(STATION));
    expect_no_answer(wire, &frames)
}
