//! Questions about datagrams.

use std::net::Ipv4Addr;

use super::case::{Case, CaseResult};
use super::datagrams::{Ip, data, echo_request, peer};
use super::exchange::forged;
use super::frame_socket::FrameSocket;
use super::frames::{BROADCAST, GROUP, NETWORK_BROADCAST, OTHER, TESTED_IP};
use super::session::Station;

pub(crate) const CASES: &[Case] = &[
    Case::new("a version other than 4 is a drop", "RFC 1122 3.2.1.1", versions),
    Case::new("a header length that lies is a drop", "RFC 791 3.1", header_lengths),
    Case::new("a wrong header checksum is a drop", "RFC 1122 3.2.1.2", checksums),
    Case::new("a total length beyond the frame is a drop", "RFC 791 3.1", beyond_frame),
    Case::new("74 octets that claim 65,535 get nothing back", "RFC 791 3.1", no_stale_data),
    Case::new("a total length below the header's is a drop", "RFC 791 3.1", below_header),
    Case::new("a datagram truncated at any length is a drop", "RFC 791 3.1", truncated),
    Case::new("what follows the total length is padding", "RFC 1122 2.3.3", padding),
    Case::new("options are tolerated", "RFC 791 3.1", options),
    Case::new("options that make no sense are not looked at", "RFC 791 3.1", invalid_options)
        .linux_differs("it looks at options, and tells of those that make no sense"),
    Case::new("a source route that leads on is a drop", "RFC 1122 3.2.1.8(c), 3.3.5", leads_on)
        .linux_differs("it reports an invalid pointer or length"),
    Case::new("a completed source route is accepted", "RFC 1122 3.2.1.8(c)", completed_route)
        .linux_differs("it drops every source route, completed or not (accept_source_route is 0)"),
    Case::new("any time to live will do", "RFC 1122 3.2.1.7", time_to_live),
    Case::new("a datagram for another is not ours", "RFC 1122 3.2.1.3", for_another),
    Case::new("one host's datagram in a broadcast frame is a drop", "RFC 1122 3.3.6", link_broadcast)
        .linux_differs("it takes them, unless drop_unicast_in_l2_multicast is set"),
    Case::new("a source that is no host is a drop", "RFC 1122 3.2.1.3", no_host),
    Case::new("our own address as the source is a drop", "security, LAND", land),
    Case::new("our network's broadcast address as the source is a drop", "RFC 1122 3.2.1.3", from_all)
        .linux_differs("it looks for no way back to a source (rp_filter is 0), and answers to all"),
];

const PEER: Station = peer(110);
const IP: Ip = Ip::from(PEER);

fn ask() -> Vec<u8> {
    echo_request(&data(32))
}

/// Wants silence to each of these frames, and an answer to a good one.
fn dropped(wire: &mut FrameSocket, frames: impl IntoIterator<Item = Vec<u8>>) -> CaseResult {
    for frame in frames {
        wire.expect_no_answer(PEER, &[frame])?;
    }
    wire.expect_alive(PEER)
}

// proves: rfc1122-version
fn versions(wire: &mut FrameSocket) -> CaseResult {
    let versions = (0..=15_u8).filter(|version| *version != 4);
    dropped(wire, versions.map(|version| Ip { version_and_length: version << 4 | 5, ..IP }.frame(&ask())))
}

// proves: rfc791-header-length
fn header_lengths(wire: &mut FrameSocket) -> CaseResult {
    let short = (0..5).map(|words| Ip { version_and_length: 0x40 | words, ..IP }.frame(&ask()));
    let long = Ip { version_and_length: 0x4f, ..IP }.frame(&[8; 24]);
    dropped(wire, short.chain([long]))
}

// proves: rfc1122-header-checksum
fn checksums(wire: &mut FrameSocket) -> CaseResult {
    let errors = (0..16).map(|bit| 1 << bit).chain([0xffff]);
    dropped(wire, errors.map(|error| Ip { error, ..IP }.frame(&ask())))
}

// proves: rfc791-total-length
fn beyond_frame(wire: &mut FrameSocket) -> CaseResult {
    let lengths = [61_u16, 62, 576, 1_500, 65_535];
    dropped(wire, lengths.map(|length| Ip { total_length: Some(length), ..IP }.frame(&ask())))
}

// proves: rfc791-total-length
fn no_stale_data(wire: &mut FrameSocket) -> CaseResult {
    let frame = Ip { total_length: Some(u16::MAX), ..IP }.frame(&ask());
    if frame.len() != 74 {
        return Err(format!("the suite's frame has {} octets", frame.len()));
    }
    let whole_but_the_start = Ip { total_length: Some(u16::MAX), flags_and_offset: 1, ..IP }.frame(&ask());
    dropped(wire, [frame, whole_but_the_start])
}

// proves: rfc791-header-length, rfc791-total-length
fn below_header(wire: &mut FrameSocket) -> CaseResult {
    dropped(wire, (0..20).map(|length| Ip { total_length: Some(length), ..IP }.frame(&ask())))
}

// proves: rfc791-header, rfc791-total-length
fn truncated(wire: &mut FrameSocket) -> CaseResult {
    let frame = IP.frame(&ask());
    let cut = (14..frame.len()).map(|length| frame.iter().copied().take(length).collect());
    dropped(wire, cut)
}

// proves: rfc791-padding
fn padding(wire: &mut FrameSocket) -> CaseResult {
    for length in [1, 2, 4, 18, 1_000] {
        let frame = [IP.frame(&ask()), vec![0xee; length]].concat();
        wire.expect_echo(PEER, &[frame], &data(32))?;
    }
    Ok(())
}

/// A header with options.
fn with_options(options: &'static [u8]) -> Vec<u8> {
    let words = u8::try_from(5 + options.len() / 4).unwrap_or(5);
    Ip { version_and_length: 0x40 | words, options, ..IP }.frame(&ask())
}

// proves: rfc791-options
fn options(wire: &mut FrameSocket) -> CaseResult {
    const NONE: &[u8] = &[1; 40];
    for options in [&[1, 1, 1, 0][..], &[0, 0, 0, 0], NONE] {
        wire.expect_echo(PEER, &[with_options(options)], &data(32))?;
    }
    Ok(())
}

// proves: rfc791-options
fn invalid_options(wire: &mut FrameSocket) -> CaseResult {
    for options in [&[7, 0, 0, 0][..], &[7, 200, 4, 0], &[68, 3, 1, 0]] {
        wire.expect_echo(PEER, &[with_options(options)], &data(32))?;
    }
    Ok(())
}

// proves: rfc791-source-route
fn leads_on(wire: &mut FrameSocket) -> CaseResult {
    const ROUTES: [&[u8]; 8] = [
        &[131, 7, 4, 192, 0, 2, 1, 0],
        &[137, 7, 4, 192, 0, 2, 1, 0],
        &[1, 131, 7, 4, 10, 0, 0, 110],
        &[131, 11, 8, 192, 0, 2, 1, 10, 0, 0, 110, 0],
        &[137, 7, 7, 192, 0, 2, 1, 0],
        &[131, 7, 3, 192, 0, 2, 1, 0],
        &[131, 3, 1, 0],
        &[137, 200, 4, 0],
    ];
    dropped(wire, ROUTES.map(with_options))
}

// proves: rfc791-source-route
fn completed_route(wire: &mut FrameSocket) -> CaseResult {
    for options in [&[131, 7, 8, 192, 0, 2, 1, 0], &[137, 7, 8, 192, 0, 2, 1, 0]] {
        wire.expect_echo(PEER, &[with_options(options)], &data(32))?;
    }
    Ok(())
}

// proves: rfc1122-time-to-live
fn time_to_live(wire: &mut FrameSocket) -> CaseResult {
    for time_to_live in [0, 1, 2, 255] {
        wire.expect_echo(PEER, &[Ip { time_to_live, ..IP }.frame(&ask())], &data(32))?;
    }
    Ok(())
}

// proves: rfc1122-destination
fn for_another(wire: &mut FrameSocket) -> CaseResult {
    let others = [OTHER, Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(224, 0, 0, 99), Ipv4Addr::LOCALHOST];
    dropped(wire, others.map(|to| Ip { to, ..IP }.frame(&ask())))
}

// proves: rfc1122-link-broadcast
fn link_broadcast(wire: &mut FrameSocket) -> CaseResult {
    dropped(wire, [BROADCAST, GROUP].map(|destination| Ip { destination, ..IP }.frame(&ask())))
}

// proves: rfc1122-source
fn no_host(wire: &mut FrameSocket) -> CaseResult {
    let sources = [[255; 4], [224, 0, 0, 1], [239, 255, 255, 255], [127, 0, 0, 1], [0; 4], [240, 0, 0, 1]];
    dropped(wire, sources.map(|source| forged(110, source.into()).frame(&ask())))
}

// proves: source-local
fn land(wire: &mut FrameSocket) -> CaseResult {
    dropped(wire, [forged(110, TESTED_IP).frame(&ask())])
}

// proves: rfc1122-source
fn from_all(wire: &mut FrameSocket) -> CaseResult {
    dropped(wire, [forged(110, NETWORK_BROADCAST).frame(&ask())])
}
