//! Cases about TCP data and its acknowledgment.

use super::opening::ALL_OPTIONS;
use super::peer::{Peer, connected, length};
use super::segment::{ACK, MSS, PSH, SACK_PERMITTED, Segment, URG};
use crate::case::{Case, CaseResult};
use crate::datagrams::data;
use crate::frame_socket::FrameSocket;
use crate::udp_datagrams::{DISCARD, ECHO};

pub(crate) const CASES: &[Case] = &[
    Case::new("data is acknowledged", "RFC 9293 3.10.7.4", acknowledged),
    Case::new("echo service returns the data of a connection", "RFC 9293 3.4; RFC 862", echo),
    Case::new(
        "segments have at most the MSS of the peer",
        "RFC 9293 3.7.1; TC8 MSS_OPTIONS 06, 10",
        segment_sizes,
    ),
    Case::new(
        "data out of order is acknowledged at once",
        "RFC 9293 3.10.7.4; RFC 5681 4.2; TC8 OUT_OF_ORDER 01..03",
        out_of_order,
    ),
    Case::new("data out of order is reported in a SACK block", "RFC 2018 3, 4", sack),
    Case::new("first SACK block has the latest data", "RFC 2018 4", sack_blocks),
    Case::new("duplicate data is reported in a D-SACK block", "RFC 2883 4", duplicate_sack),
    Case::new("part of a segment before the window is ignored", "RFC 9293 3.10.7.4", left_edge),
    Case::new(
        "data after the window is acknowledged and dropped",
        "RFC 9293 3.10.7.4; TC8 UNACCEPTABLE",
        right_edge,
    ),
    Case::new("segment before the window gets an ACK", "RFC 9293 3.8.4, 3.8.6.1", probe),
    Case::new(
        "closed window of the peer is probed",
        "RFC 9293 3.8.6.1; TC8 PROBING_WINDOWS 05",
        closed_window,
    ),
    Case::new("data without an acknowledgment is sent again", "RFC 9293 3.8.1; RFC 6298 5", retransmission),
    Case::new("urgent data is part of the data", "RFC 9293 3.8.5; TC8 URGENT_PTR 04", urgent)
        .linux_differs("takes the last urgent byte out of the data (SO_OOBINLINE is off)"),
    Case::new("segment with an old timestamp is acknowledged and dropped", "RFC 7323 5.3", old_timestamp),
    Case::new("segment without the negotiated timestamp is dropped", "RFC 7323 3.2", no_timestamp)
        .linux_differs("accepts segments without timestamps"),
    Case::new("segment without ACK is dropped", "RFC 9293 3.10.7.4", no_ack),
];

/// Options of a SYN: MSS 1,460 and SACK permitted.
const WITH_SACK: &[u8] = &[MSS, 4, 5, 0xb4, SACK_PERMITTED, 2];

impl Peer<'_> {
    /// Returns a data segment at this distance from [`Peer::next`].
    fn data_at(&self, distance: u32, data: &[u8]) -> Segment {
        Segment { sequence: self.next.wrapping_add(distance), ..self.segment(PSH | ACK, data) }
    }

    /// Expects an acknowledgment with these SACK blocks, as distances from [`Peer::next`], at once after a segment.
    fn expect_blocks(&mut self, segment: &Segment, blocks: &[(u32, u32)]) -> CaseResult {
        let reply = self.expect_ack(segment)?;
        let distance = |sequence: u32| sequence.wrapping_sub(self.next);
        let found: Vec<_> =
            reply.sack_blocks().into_iter().map(|(from, to)| (distance(from), distance(to))).collect();
        if found == blocks { Ok(()) } else { Err(format!("SACK blocks {found:?} instead of {blocks:?}")) }
    }
}

// proves: rfc9293-text
fn acknowledged(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, DISCARD, &[], |peer| {
        for length in [1, 2, 10, 536, 1_460] {
            peer.send_data(&data(length))?;
            let reply = peer.wait_for_ack()?;
            if reply.flags != ACK || !reply.data.is_empty() || reply.sequence != peer.expected {
                return Err(format!("not an acknowledgment of {length} bytes: {reply}"));
            }
        }
        Ok(())
    })
}

fn echo(wire: &mut FrameSocket) -> CaseResult {
    for options in [&[][..], ALL_OPTIONS] {
        connected(wire, ECHO, options, |peer| {
            for length in [1, 2, 100, 1_000, 1_400] {
                let sent = data(length);
                peer.send_data(&sent)?;
                let (received, _) = peer.read_until(&sent)?;
                if received != sent {
                    return Err(format!("{} bytes instead of {length}", received.len()));
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

// proves: rfc9293-mss-default, rfc9293-mss-effective
fn segment_sizes(wire: &mut FrameSocket) -> CaseResult {
    for (options, size) in [(&[MSS, 4, 0, 200][..], 200), (&[], 536), (&[MSS, 4, 2, 100], 612)] {
        connected(wire, ECHO, options, |peer| {
            // The data is one byte longer than two segments.
            let sent = [data(2 * size), vec![0xff]].concat();
            peer.send_data(&sent)?;
            let (received, longest) = peer.read_until(&[0xff])?;
            if received == sent && longest == size {
                return Ok(());
            }
            Err(format!("segments of up to {longest} bytes with an MSS of {size}"))
        })?;
    }
    Ok(())
}

// proves: rfc9293-out-of-order
fn out_of_order(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, ECHO, &[], |peer| {
        let (first, second, third) = (data(100), data(200), data(300));
        let at = |peer: &Peer<'_>, distance, data: &[u8]| peer.data_at(distance, data);
        // A delayed acknowledgment would be one for both segments. Without SACK, the acknowledgments have no option.
        let segments = [at(peer, 300, &third), at(peer, 100, &second)];
        for reply in peer.expect_acks(&segments)? {
            if !reply.options.is_empty() {
                return Err(format!("options of an acknowledgment without SACK: {:?}", reply.options));
            }
        }
        peer.send_data(&first)?;
        peer.next = peer.next.wrapping_add(500);
        let sent = [first, second, third].concat();
        match peer.read_until(&data(300))?.0 {
            received if received == sent => Ok(()),
            received => Err(format!("{} bytes instead of 600, or not in order", received.len())),
        }
    })
}

// proves: rfc2018-generate
fn sack(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, DISCARD, WITH_SACK, |peer| {
        let segment = peer.data_at(100, &data(200));
        peer.expect_blocks(&segment, &[(100, 300)])?;
        let segment = peer.data_at(300, &data(50));
        peer.expect_blocks(&segment, &[(100, 350)])?;
        // The first data fills the gap, and no block remains.
        peer.send_data(&data(100))?;
        peer.next = peer.next.wrapping_add(250);
        match peer.wait_for_ack()?.sack_blocks().as_slice() {
            [] => Ok(()),
            blocks => Err(format!("SACK blocks after the gap was filled: {blocks:?}")),
        }
    })
}

// proves: rfc2018-first, rfc2018-recent
fn sack_blocks(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, DISCARD, WITH_SACK, |peer| {
        let mut blocks = Vec::new();
        for distance in [100, 500, 300, 700] {
            blocks.insert(0, (distance, distance + 10));
            let segment = peer.data_at(distance, &data(10));
            peer.expect_blocks(&segment, &blocks)?;
        }
        // A fifth block has no place in the option.
        blocks.truncate(3);
        blocks.insert(0, (900, 910));
        let segment = peer.data_at(900, &data(10));
        peer.expect_blocks(&segment, &blocks)
    })
}

// proves: rfc2883-first, rfc2883-once
fn duplicate_sack(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, DISCARD, WITH_SACK, |peer| {
        let start = peer.next;
        peer.send_data(&data(100))?;
        peer.wait_for_ack()?;
        let again = Segment { sequence: start, ..peer.segment(PSH | ACK, &data(100)) };
        peer.expect_blocks(&again, &[(100_u32.wrapping_neg(), 0)])?;
        // A part of the data, and data that was received out of order.
        let part = Segment { sequence: start.wrapping_add(40), ..peer.segment(PSH | ACK, &data(20)) };
        peer.expect_blocks(&part, &[(60_u32.wrapping_neg(), 40_u32.wrapping_neg())])?;
        let ahead = peer.data_at(50, &data(50));
        peer.expect_blocks(&ahead, &[(50, 100)])?;
        peer.expect_blocks(&ahead, &[(50, 100), (50, 100)])
    })
}

// proves: rfc9293-trim
fn left_edge(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, ECHO, &[], |peer| {
        peer.send_data(b"0123456789")?;
        peer.read_until(b"0123456789")?;
        let overlapping =
            Segment { sequence: peer.next.wrapping_sub(4), ..peer.segment(PSH | ACK, b"xxxxabcdef") };
        peer.send(&overlapping)?;
        peer.next = peer.next.wrapping_add(6);
        match peer.read_until(b"def")?.0.as_slice() {
            b"abcdef" => Ok(()),
            other => Err(format!("the echo service returned {:?}", String::from_utf8_lossy(other))),
        }
    })
}

// proves: rfc9293-acceptable
fn right_edge(wire: &mut FrameSocket) -> CaseResult {
    let mut peer = Peer::new(wire, ECHO)?;
    let window = u32::from(peer.open(&[])?.window);
    let mut case = || {
        for segment in [peer.data_at(window, b"data"), peer.data_at(window + 100_000, b"data")] {
            peer.expect_ack(&segment)?;
        }
        peer.send_data(b"in order")?;
        match peer.read_until(b"order")?.0.as_slice() {
            b"in order" => Ok(()),
            other => Err(format!("the echo service returned {:?}", String::from_utf8_lossy(other))),
        }
    };
    let result = case();
    peer.reset()?;
    result
}

// proves: rfc9293-acceptable
fn probe(wire: &mut FrameSocket) -> CaseResult {
    for byte in [&b""[..], b"x"] {
        connected(wire, DISCARD, &[], |peer| {
            peer.send_data(b"data")?;
            peer.wait_for_ack()?;
            let old = Segment { sequence: peer.next.wrapping_sub(1), ..peer.segment(ACK, byte) };
            peer.expect_ack(&old).map(drop)
        })?;
    }
    Ok(())
}

// proves: rfc9293-zero-window-probe
fn closed_window(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, ECHO, &[], |peer| {
        let sent = data(300);
        let open = std::mem::replace(&mut peer.window, 0);
        peer.send_data(&sent)?;
        loop {
            let received = peer.next_of_any_age()?;
            let is_empty_probe =
                received.data.is_empty() && received.sequence == peer.expected.wrapping_sub(1);
            let is_probe_of_byte = received.data.len() == 1 && received.sequence == peer.expected;
            if is_empty_probe || is_probe_of_byte {
                break;
            }
            if !received.data.is_empty() {
                return Err(format!("data in a closed window: {received}"));
            }
        }
        peer.window = open;
        peer.send(&peer.segment(ACK, b""))?;
        let (received, _) = peer.read_until(&data(300))?;
        if received == sent { Ok(()) } else { Err(format!("{} bytes instead of 300", received.len())) }
    })
}

// proves: rfc9293-retransmission
fn retransmission(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, ECHO, &[], |peer| {
        peer.send_data(b"to be sent again")?;
        let copy = |peer: &mut Peer<'_>| loop {
            let received = peer.next_of_any_age()?;
            if !received.data.is_empty() {
                return Ok::<_, String>((received.sequence, received.data));
            }
        };
        let (first, second) = (copy(peer)?, copy(peer)?);
        peer.expected = peer.expected.wrapping_add(length(&first.1));
        peer.send(&peer.segment(ACK, b""))?;
        if first == second && first.1 == b"to be sent again" {
            return Ok(());
        }
        Err(format!("first {first:02x?}, then {second:02x?}"))
    })
}

// proves: rfc9293-urgent-receive
fn urgent(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, ECHO, &[], |peer| {
        let segment = Segment { urgent: 3, ..peer.segment(URG | PSH | ACK, b"abc") };
        peer.send(&segment)?;
        peer.next = peer.next.wrapping_add(3);
        peer.send_data(b"def")?;
        match peer.read_until(b"def")?.0.as_slice() {
            b"abcdef" => Ok(()),
            other => Err(format!("the echo service returned {:?}", String::from_utf8_lossy(other))),
        }
    })
}

// proves: rfc7323-paws
fn old_timestamp(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, ECHO, ALL_OPTIONS, |peer| {
        let timestamps = peer.timestamps.ok_or("the host does not send timestamps")?;
        peer.timestamps = Some((timestamps.0 + 100, timestamps.1));
        peer.send_data(b"first")?;
        peer.read_until(b"first")?;
        peer.timestamps = Some((timestamps.0 - 500, timestamps.1));
        let old = peer.segment(PSH | ACK, b"old");
        peer.timestamps = Some((timestamps.0 + 200, timestamps.1));
        peer.expect_ack(&old)?;
        peer.send_data(b"new")?;
        match peer.read_until(b"new")?.0.as_slice() {
            b"new" => Ok(()),
            other => Err(format!("the echo service returned {:?}", String::from_utf8_lossy(other))),
        }
    })
}

// proves: rfc7323-timestamps-missing
fn no_timestamp(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, DISCARD, ALL_OPTIONS, |peer| {
        let segment = Segment { options: Vec::new(), ..peer.segment(PSH | ACK, b"data") };
        let replies = peer.exchange(&segment)?;
        let end = peer.next.wrapping_add(4);
        if replies.iter().any(|reply| reply.acknowledgment == end) {
            return Err("the segment without a timestamp is acknowledged".to_owned());
        }
        peer.send_data(b"data with a timestamp")?;
        peer.wait_for_ack().map(drop)
    })
}

// proves: rfc9293-no-ack
fn no_ack(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, DISCARD, &[], |peer| {
        let segment = Segment { flags: PSH, ..peer.segment(PSH | ACK, b"data") };
        peer.expect_none(&segment)?;
        peer.expect_open()
    })
}
