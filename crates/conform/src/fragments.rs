//! Cases about fragments.

use super::case::{Case, CaseResult};
use super::datagrams::{
    FRAGMENT_UNIT, ICMP, Ip, MORE_FRAGMENTS, data, echo_reply, echo_request, peer, reassemble,
};
use super::frame_socket::FrameSocket;
use super::session::Station;

pub(crate) const CASES: &[Case] = &[
    Case::new("later fragment causes no error", "RFC 1122 3.2.2", no_error_about_fragments),
    Case::new("fragmented echo request of any length is answered", "RFC 791 3.2; RFC 1122 3.3.2", any_length),
    Case::new("fragments are reassembled in any order", "RFC 791 3.2", any_order),
    Case::new("interleaved datagrams are reassembled separately", "RFC 791 3.2", interleaved),
    Case::new("duplicate fragment is ignored", "security", duplicate),
    Case::new("datagram with overlapping fragments is dropped", "RFC 5722", overlaps),
    Case::new("datagram with a contradicting fragment inside another is dropped", "RFC 5722", contradicting)
        .linux_differs("treats a fragment inside received data as a duplicate without comparing the bytes"),
    Case::new("dropped datagram is reassembled when sent again", "security", sent_again),
    Case::new("teardrop attack has no effect", "CVE-1999-0015", teardrop),
    Case::new("fragment that ends beyond 65,535 bytes is dropped", "CVE-1999-0128", beyond),
    Case::new("fragment with a length that is not a multiple of 8 is dropped", "RFC 791 3.2", unaligned)
        .linux_differs("truncates the fragment to a multiple of 8 bytes"),
    Case::new("fragments of two peers are reassembled separately", "RFC 791 3.2", two_peers),
];

const PEER: Station = peer(120);

// proves: rfc1122-error-fragment
fn no_error_about_fragments(wire: &mut FrameSocket) -> CaseResult {
    let from = peer(136);
    let ip = Ip { protocol: 253, ..Ip::from(from) };
    for flags_and_offset in [1, 100, MORE_FRAGMENTS | 5, MORE_FRAGMENTS] {
        wire.expect_no_frame(from, &[Ip { flags_and_offset, ..ip }.frame(&data(16))])?;
    }
    Ok(())
}

/// Returns a datagram of the peer with this identification.
const fn numbered(number: u16) -> Ip {
    Ip { identification: number, ..Ip::from(PEER) }
}

// proves: rfc1122-reassembly, rfc791-fragmentation, rfc1122-echo-mirrored
fn any_length(wire: &mut FrameSocket) -> CaseResult {
    for (length, number) in [1_473, 1_480, 2_952, 2_953, 8_000, 30_001, 65_507].into_iter().zip(100..) {
        let data = data(length);
        let frames = numbered(number).fragments(&echo_request(&data), FRAGMENT_UNIT);
        wire.expect_echo(PEER, &frames, &data).map_err(|error| format!("{length} bytes: {error}"))?;
    }
    Ok(())
}

// proves: rfc791-reassembly
fn any_order(wire: &mut FrameSocket) -> CaseResult {
    let data = data(4_000);
    let in_order = |number| numbered(number).fragments(&echo_request(&data), 800);
    let mut reversed = in_order(201);
    reversed.reverse();
    let mut last_first = in_order(202);
    last_first.rotate_right(1);
    let mut odd_first = in_order(203);
    odd_first.swap(0, 1);
    odd_first.swap(2, 3);
    for frames in [in_order(200), reversed, last_first, odd_first] {
        wire.expect_echo(PEER, &frames, &data)?;
    }
    Ok(())
}

// proves: rfc791-reassembly
fn interleaved(wire: &mut FrameSocket) -> CaseResult {
    let (one, two) = (data(3_000), vec![0x77; 3_001]);
    let ones = numbered(210).fragments(&echo_request(&one), FRAGMENT_UNIT);
    let twos = numbered(211).fragments(&echo_request(&two), FRAGMENT_UNIT);
    let frames: Vec<_> = ones.into_iter().zip(twos).flat_map(|(one, two)| [one, two]).collect();
    let received = wire.exchange(PEER, &frames)?;
    let (first, second) = received.split_at(received.len() / 2);
    let (first, second) = (reassemble(first, PEER, ICMP)?.data, reassemble(second, PEER, ICMP)?.data);
    if (first, second) == (echo_reply(&one), echo_reply(&two)) {
        return Ok(());
    }
    Err("the replies do not match the requests".to_owned())
}

// proves: fragments-repeated
fn duplicate(wire: &mut FrameSocket) -> CaseResult {
    let data = data(3_000);
    let frames = numbered(220).fragments(&echo_request(&data), FRAGMENT_UNIT);
    let doubled: Vec<_> = frames.iter().take(2).flat_map(|frame| [frame.clone(), frame.clone()]).collect();
    let order = [&doubled[..], frames.get(2..).unwrap_or_default()].concat();
    wire.expect_echo(PEER, &order, &data).map(drop)
}

/// Returns an echo request with 3,000 bytes of data in fragments of 800 bytes: all fragments but the last, and the last
/// fragment.
fn split_last_fragment(number: u16) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut frames = numbered(number).fragments(&echo_request(&data(3_000)), 800);
    let last = frames.pop().unwrap_or_default();
    (frames, last)
}

/// Returns a fragment with different data, at byte `start`.
fn other_bytes(number: u16, start: u16, length: usize, flags: u16) -> Vec<u8> {
    Ip { flags_and_offset: flags | (start / 8), ..numbered(number) }.frame(&vec![0x77; length])
}

/// Expects that the host drops a datagram because of each of these fragments (start and length).
fn expect_dropped_datagram(wire: &mut FrameSocket, places: &[(u16, usize)], first: u16) -> CaseResult {
    for ((start, length), number) in places.iter().copied().zip(first..) {
        let (mut frames, last) = split_last_fragment(number);
        frames.push(other_bytes(number, start, length, MORE_FRAGMENTS));
        frames.push(last);
        wire.expect_no_frame(PEER, &frames).map_err(|error| format!("{length} bytes at {start}: {error}"))?;
    }
    wire.expect_alive(PEER)
}

// proves: fragments-overlap
fn overlaps(wire: &mut FrameSocket) -> CaseResult {
    // A fragment across the end of the received data, and a fragment that overlaps the last fragment, which follows.
    expect_dropped_datagram(wire, &[(2_392, 16), (2_000, 1_000), (1_600, 1_000), (2_400, 8)], 230)
}

// proves: fragments-overlap
fn contradicting(wire: &mut FrameSocket) -> CaseResult {
    expect_dropped_datagram(wire, &[(8, 16), (0, 800), (792, 16), (0, 1_480)], 235)
}

// proves: fragments-overlap, reassembly-flood
fn sent_again(wire: &mut FrameSocket) -> CaseResult {
    let (mut frames, last) = split_last_fragment(240);
    frames.push(other_bytes(240, 2_392, 16, MORE_FRAGMENTS));
    wire.expect_no_frame(PEER, &frames)?;
    let again = [split_last_fragment(240).0, vec![last]].concat();
    wire.expect_echo(PEER, &again, &data(3_000)).map(drop)
}

// proves: fragments-overlap
fn teardrop(wire: &mut FrameSocket) -> CaseResult {
    let first = numbered(250).fragment(&[0x77; 100], 0, 40);
    wire.expect_no_frame(PEER, &[first, other_bytes(250, 24, 4, 0)])?;
    wire.expect_alive(PEER)
}

// proves: fragments-too-long
fn beyond(wire: &mut FrameSocket) -> CaseResult {
    let data = data(65_507);
    let mut frames = numbered(260).fragments(&echo_request(&data), FRAGMENT_UNIT);
    frames.pop();
    frames.push(other_bytes(260, 65_120, 400, 0));
    wire.expect_no_frame(PEER, &frames)?;
    for (start, length) in [(65_528, 1), (65_528, 1_480), (65_512, 100)] {
        wire.expect_no_frame(PEER, &[other_bytes(261, start, length, 0)])?;
    }
    wire.expect_alive(PEER)
}

// proves: fragments-length
fn unaligned(wire: &mut FrameSocket) -> CaseResult {
    let message = echo_request(&data(2_000));
    let ip = numbered(270);
    let first = Ip { flags_and_offset: MORE_FRAGMENTS, ..ip }.frame(message.get(..1_001).unwrap_or_default());
    wire.expect_no_frame(PEER, &[first, ip.fragment(&message, 1_000, 2_008)])
}

// proves: rfc791-reassembly
fn two_peers(wire: &mut FrameSocket) -> CaseResult {
    let message = echo_request(&data(2_000));
    let other = peer(121);
    wire.expect_no_frame(
        other,
        &[Ip { identification: 280, ..Ip::from(other) }.fragment(&message, 0, FRAGMENT_UNIT)],
    )?;
    wire.expect_no_frame(PEER, &[numbered(280).fragment(&message, FRAGMENT_UNIT, 2_008)])
}
