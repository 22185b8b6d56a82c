//! Cases about segments of attackers, who guess the sequence numbers of a connection (RFC 5961).

use super::opening::ALL_OPTIONS;
use super::peer::{Peer, connected};
use super::segment::{ACK, PSH, RST, SYN, Segment};
use crate::case::{Case, CaseResult};
use crate::clock::Clock;
use crate::frame_socket::FrameSocket;
use crate::udp_datagrams::DISCARD;

pub(crate) const CASES: &[Case] = &[
    Case::new("SYN for a connection gets a challenge ACK", "RFC 5961 4.2; TC8 FLAGS_INVALID 08", syn),
    Case::new("reset in the window gets a challenge ACK", "RFC 5961 3.2", reset_in_window),
    Case::new("reset outside the window gets no reply", "RFC 5961 3.2; TC8 FLAGS_INVALID 15", reset_outside),
    Case::new("acknowledgment of old data gets a challenge ACK", "RFC 5961 5.2", old_acknowledgment),
    Case::new(
        "acknowledgment of data that was not sent gets an ACK",
        "RFC 9293 3.10.7.4; RFC 5961 5.2",
        future_acknowledgment,
    )
    .linux_not_run("sends the ACK only in new versions"),
    Case::new("challenge ACKs are limited for each connection", "RFC 5961 7, CVE-2016-5696", limited),
];

/// Expects a challenge ACK for each of these segments, each on a new connection because of the limit of challenge ACKs,
/// and expects that the connection stays open.
fn expect_challenge(wire: &mut FrameSocket, segments: &[fn(&Peer<'_>, u32) -> Segment]) -> CaseResult {
    for (place, segment) in segments.iter().enumerate() {
        let mut peer = Peer::new(wire, DISCARD)?;
        let window = u32::from(peer.open(ALL_OPTIONS)?.window);
        let segment = segment(&peer, window);
        let result = peer.expect_ack(&segment).and_then(|_| peer.expect_open());
        peer.reset()?;
        result.map_err(|error| format!("segment {place}: {error}"))?;
    }
    Ok(())
}

// proves: rfc5961-syn
fn syn(wire: &mut FrameSocket) -> CaseResult {
    let at = |peer: &Peer<'_>, distance: u32, flags| Segment {
        sequence: peer.next.wrapping_add(distance),
        ..peer.segment(flags, b"")
    };
    connected(wire, DISCARD, &[], |peer| {
        let segment = at(peer, 0, SYN);
        peer.expect_ack(&segment)?;
        peer.expect_open()
    })?;
    expect_challenge(
        wire,
        &[
            |peer, _| peer.segment(SYN, b""),
            |peer, _| Segment { sequence: peer.next.wrapping_add(100), ..peer.segment(SYN, b"") },
            |peer, _| Segment { sequence: peer.next.wrapping_sub(1), ..peer.segment(SYN, b"") },
            |peer, _| Segment { sequence: peer.next.wrapping_add(1 << 30), ..peer.segment(SYN, b"") },
            |peer, _| peer.segment(SYN | ACK, b""),
        ],
    )
}

// proves: rfc5961-reset
fn reset_in_window(wire: &mut FrameSocket) -> CaseResult {
    expect_challenge(
        wire,
        &[
            |peer, _| Segment { sequence: peer.next.wrapping_add(1), ..peer.segment(RST, b"") },
            |peer, _| Segment { sequence: peer.next.wrapping_add(1_000), ..peer.segment(RST | ACK, b"") },
            |peer, window| Segment { sequence: peer.next.wrapping_add(window - 1), ..peer.segment(RST, b"") },
        ],
    )
}

// proves: rfc5961-reset
fn reset_outside(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, DISCARD, &[], |peer| {
        for distance in [1_u32.wrapping_neg(), 1_000_u32.wrapping_neg(), 1 << 30, 1 << 31] {
            let sequence = peer.next.wrapping_add(distance);
            peer.expect_none(&Segment { sequence, ..peer.segment(RST, b"") })?;
        }
        peer.expect_open()
    })
}

// proves: rfc5961-ack
fn old_acknowledgment(wire: &mut FrameSocket) -> CaseResult {
    expect_challenge(
        wire,
        &[
            |peer, _| Segment {
                acknowledgment: peer.expected.wrapping_sub(1 << 29),
                ..peer.segment(PSH | ACK, b"data")
            },
            |peer, _| Segment {
                acknowledgment: peer.expected.wrapping_sub(1 << 30),
                ..peer.segment(ACK, b"")
            },
        ],
    )
}

// proves: rfc9293-ack-unsent
fn future_acknowledgment(wire: &mut FrameSocket) -> CaseResult {
    expect_challenge(
        wire,
        &[
            |peer, _| Segment {
                acknowledgment: peer.expected.wrapping_add(1),
                ..peer.segment(PSH | ACK, b"data")
            },
            |peer, _| Segment {
                acknowledgment: peer.expected.wrapping_add(100_000),
                ..peer.segment(ACK, b"")
            },
        ],
    )
}

// proves: rfc5961-throttle, rfc5961-throttle-connection
fn limited(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, DISCARD, &[], |peer| {
        let clock = Clock::start();
        let mut count = 0;
        for _ in 0..200 {
            let reset = Segment { sequence: peer.next.wrapping_add(1), ..peer.segment(RST, b"") };
            count += peer.exchange(&reset)?.len();
        }
        // Both hosts send at most one challenge ACK in half a second.
        let limit = 1 + usize::try_from(clock.elapsed().as_millis() / 500 + 1).unwrap_or(usize::MAX);
        if count == 0 || count > limit.min(199) {
            return Err(format!("{count} challenge ACKs for 200 resets"));
        }
        peer.expect_open()
    })?;
    // The challenge ACKs of one connection do not reduce those of another.
    expect_challenge(
        wire,
        &[|peer, _| Segment { sequence: peer.next.wrapping_add(1), ..peer.segment(RST, b"") }],
    )
}
