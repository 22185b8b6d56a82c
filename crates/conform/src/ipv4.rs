//! Cases about IPv4.

use std::net::Ipv4Addr;

use super::case::{Case, CaseResult};
use super::datagrams::{Ip, data, echo_request, peer};
use super::exchange::forged;
use super::frame_socket::FrameSocket;
use super::frames::{BROADCAST, GROUP, NETWORK_BROADCAST, OTHER, TESTED_IP};
use super::session::Station;

pub(crate) const CASES: &[Case] = &[
    Case::new("datagram with a version other than 4 is dropped", "RFC 1122 3.2.1.1", versions),
    Case::new("datagram with an invalid header length is dropped", "RFC 791 3.1", header_lengths),
    Case::new("datagram with an invalid header checksum is dropped", "RFC 1122 3.2.1.2", checksums),
    Case::new("datagram with a total length beyond the frame is dropped", "RFC 791 3.1", beyond_frame),
    Case::new("frame of 74 bytes with total length 65,535 gets no reply", "RFC 791 3.1", no_stale_data),
    Case::new("datagram with a total length shorter than its header is dropped", "RFC 791 3.1", below_header),
    Case::new("truncated datagram of any length is dropped", "RFC 791 3.1", truncated),
    Case::new("bytes after the total length are padding", "RFC 1122 2.3.3", padding),
    Case::new("datagram with IP options is accepted", "RFC 791 3.1", options),
    Case::new("malformed IP options are ignored", "RFC 791 3.1", invalid_options)
        .linux_differs("parses options and sends errors about malformed options"),
    Case::new(
        "datagram with an incomplete source route is dropped",
        "RFC 1122 3.2.1.8(c), 3.3.5",
        incomplete_route,
    )
    .linux_differs("sends an error about an invalid pointer or length"),
    Case::new("datagram with a complete source route is accepted", "RFC 1122 3.2.1.8(c)", completed_route)
        .linux_differs("drops every datagram with a source route (accept_source_route is 0)"),
    Case::new("datagram with any time to live is accepted", "RFC 1122 3.2.1.7", time_to_live),
    Case::new("datagram for another host is dropped", "RFC 1122 3.2.1.3", for_other_host),
    Case::new("unicast datagram in a broadcast frame is dropped", "RFC 1122 3.3.6", link_broadcast)
        .linux_differs("accepts such datagrams unless drop_unicast_in_l2_multicast is set"),
    Case::new("datagram with an invalid source IP address is dropped", "RFC 1122 3.2.1.3", invalid_source),
    Case::new("datagram with a local source IP address is dropped", "security, LAND", local_source),
    Case::new(
        "datagram with the broadcast address of the network as source is dropped",
        "RFC 1122 3.2.1.3",
        from_broadcast,
    )
    .linux_differs("does not check the route to the source (rp_filter is 0) and sends a broadcast reply"),
];

const PEER: Station = peer(110);
const IP: Ip = Ip::from(PEER);

fn request() -> Vec<u8> {
    echo_request(&data(32))
}

/// Expects no reply to each of these frames, and a reply to a valid frame.
fn expect_dropped(wire: &mut FrameSocket, frames: impl IntoIterator<Item = Vec<u8>>) -> CaseResult {
    for frame in frames {
        wire.expect_no_frame(PEER, &[frame])?;
    }
    wire.expect_alive(PEER)
}

// proves: rfc1122-version
fn versions(wire: &mut FrameSocket) -> CaseResult {
    let versions = (0..=15_u8).filter(|version| *version != 4);
    expect_dropped(
        wire,
        versions.map(|version| Ip { version_and_length: version << 4 | 5, ..IP }.frame(&request())),
    )
}

// proves: rfc791-header-length
fn header_lengths(wire: &mut FrameSocket) -> CaseResult {
    let short = (0..5).map(|words| Ip { version_and_length: 0x40 | words, ..IP }.frame(&request()));
    let long = Ip { version_and_length: 0x4f, ..IP }.frame(&[8; 24]);
    expect_dropped(wire, short.chain([long]))
}

// proves: rfc1122-header-checksum
fn checksums(wire: &mut FrameSocket) -> CaseResult {
    let errors = (0..16).map(|bit| 1 << bit).chain([0xffff]);
    expect_dropped(wire, errors.map(|error| Ip { error, ..IP }.frame(&request())))
}

// proves: rfc791-total-length
fn beyond_frame(wire: &mut FrameSocket) -> CaseResult {
    let lengths = [61_u16, 62, 576, 1_500, 65_535];
    expect_dropped(wire, lengths.map(|length| Ip { total_length: Some(length), ..IP }.frame(&request())))
}

// proves: rfc791-total-length
fn no_stale_data(wire: &mut FrameSocket) -> CaseResult {
    let frame = Ip { total_length: Some(u16::MAX), ..IP }.frame(&request());
    if frame.len() != 74 {
        return Err(format!("the frame has {} bytes instead of 74", frame.len()));
    }
    let later_fragment = Ip { total_length: Some(u16::MAX), flags_and_offset: 1, ..IP }.frame(&request());
    expect_dropped(wire, [frame, later_fragment])
}

// proves: rfc791-header-length, rfc791-total-length
fn below_header(wire: &mut FrameSocket) -> CaseResult {
    expect_dropped(wire, (0..20).map(|length| Ip { total_length: Some(length), ..IP }.frame(&request())))
}

// proves: rfc791-header, rfc791-total-length
fn truncated(wire: &mut FrameSocket) -> CaseResult {
    let frame = IP.frame(&request());
    let truncated = (14..frame.len()).map(|length| frame.iter().copied().take(length).collect());
    expect_dropped(wire, truncated)
}

// proves: rfc791-padding
fn padding(wire: &mut FrameSocket) -> CaseResult {
    for length in [1, 2, 4, 18, 1_000] {
        let frame = [IP.frame(&request()), vec![0xee; length]].concat();
        wire.expect_echo(PEER, &[frame], &data(32))?;
    }
    Ok(())
}

/// Returns an echo request with options in its header.
fn with_options(options: &'static [u8]) -> Vec<u8> {
    let words = u8::try_from(5 + options.len() / 4).unwrap_or(5);
    Ip { version_and_length: 0x40 | words, options, ..IP }.frame(&request())
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
fn incomplete_route(wire: &mut FrameSocket) -> CaseResult {
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
    expect_dropped(wire, ROUTES.map(with_options))
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
        wire.expect_echo(PEER, &[Ip { time_to_live, ..IP }.frame(&request())], &data(32))?;
    }
    Ok(())
}

// proves: rfc1122-destination
fn for_other_host(wire: &mut FrameSocket) -> CaseResult {
    let others = [OTHER, Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(224, 0, 0, 99), Ipv4Addr::LOCALHOST];
    expect_dropped(wire, others.map(|to| Ip { to, ..IP }.frame(&request())))
}

// proves: rfc1122-link-broadcast
fn link_broadcast(wire: &mut FrameSocket) -> CaseResult {
    expect_dropped(wire, [BROADCAST, GROUP].map(|destination| Ip { destination, ..IP }.frame(&request())))
}

// proves: rfc1122-source
fn invalid_source(wire: &mut FrameSocket) -> CaseResult {
    let sources = [[255; 4], [224, 0, 0, 1], [239, 255, 255, 255], [127, 0, 0, 1], [0; 4], [240, 0, 0, 1]];
    expect_dropped(wire, sources.map(|source| forged(110, source.into()).frame(&request())))
}

// proves: source-local
fn local_source(wire: &mut FrameSocket) -> CaseResult {
    expect_dropped(wire, [forged(110, TESTED_IP).frame(&request())])
}

// proves: rfc1122-source
fn from_broadcast(wire: &mut FrameSocket) -> CaseResult {
    expect_dropped(wire, [forged(110, NETWORK_BROADCAST).frame(&request())])
}
