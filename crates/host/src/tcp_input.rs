//! Received TCP segments, and ICMP errors about segments of the host.

use std::net::Ipv4Addr;

use icmp::{IcmpError, IcmpType, QuotedDatagram};
use tap::{Checksum, Frame, Offload};
use tcp::{Path, PathProblem, Segment, SegmentOutcome, TcpDropReason};

use crate::interface::Context;
use crate::outcome::{DatagramOutcome, FrameOutcome};
use crate::path_cache::{Hop, PathKey};
use crate::{egress, quoted_segment, tcp_output};

/// The position of a TCP segment in its frame, and the fields of the IP datagram that the segment needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SegmentPosition {
    /// Position of the segment in the IP datagram, in bytes.
    pub(crate) offset: usize,
    /// Length of the segment, in bytes.
    pub(crate) length: usize,
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
    /// State of the checksum of the segment.
    pub(crate) checksum: Checksum,
    /// Whether a router has marked the datagram with congestion experienced (RFC 3168 5).
    pub(crate) is_marked: bool,
}

/// Handles the TCP segment in a frame. The IP datagram starts at `offset`. The data of the segment moves to its
/// connection, and a reply to the segment is queued.
#[inline]
pub(crate) fn receive(
    cx: &mut Context<'_>,
    position: &SegmentPosition,
    mut frame: Frame,
    offset: usize,
) -> FrameOutcome {
    let segments = u64::try_from(frame.segments()).unwrap_or(u64::MAX);
    let start = offset.saturating_add(position.offset);
    let bytes = frame.bytes().get(start..).and_then(|bytes| bytes.get(..position.length));
    let addresses = (position.source, position.destination);
    // spec: tcp-checksum-first, tcp-no-allocation
    let segment = match Segment::parse(bytes.unwrap_or_default(), addresses, position.checksum) {
        Ok(segment) => Segment { is_marked: position.is_marked, ..segment },
        Err(reason) => {
            cx.pool.give(frame);
            return count_dropped(cx, reason);
        }
    };
    if segment.has_invalid_option {
        cx.interface.counters.tcp_invalid_options =
            cx.interface.counters.tcp_invalid_options.saturating_add(1);
    }
    // The segmentation describes the data that follows.
    frame.set_offload(Offload { checksum: Checksum::None, ..frame.offload() });
    if frame.narrow(start.saturating_add(segment.header_length), segment.data_length).is_err() {
        cx.pool.give(frame);
        return count_dropped(cx, TcpDropReason::DataOffset);
    }
    let mtu = cx.interface.path_mtu(cx.now, position.source);
    let path = Path {
        interface: cx.interface.id,
        interface_mtu: u16::try_from(cx.interface.config.mtu).unwrap_or(u16::MAX),
        mtu: u16::try_from(mtu).unwrap_or(u16::MAX),
    };
    let reception = cx.shared.tcp.receive(cx.now, &path, &segment, frame, cx.pool);
    if reception.is_progress {
        confirm_next_hop(cx, position.destination, position.source);
    }
    if let Some(reply) = reception.reply {
        // The interface counts a reply that cannot be sent.
        _ = tcp_output::send_reply(cx, &reply, reception.service);
    }
    match reception.outcome {
        SegmentOutcome::Dropped(reason) => count_dropped(cx, reason),
        SegmentOutcome::Accepted => {
            cx.interface.counters.tcp_accepted = cx.interface.counters.tcp_accepted.saturating_add(segments);
            FrameOutcome::Ipv4(DatagramOutcome::Segment)
        }
    }
}

/// Counts a segment that is dropped.
pub(crate) fn count_dropped(cx: &mut Context<'_>, reason: TcpDropReason) -> FrameOutcome {
    // spec: drops-counted
    cx.interface.tcp_dropped.count(reason);
    FrameOutcome::Dropped(reason.into())
}

/// Confirms the next hop to a peer that has acknowledged new data.
// RFC 4861 7.3.1: "In some cases (e.g., UDP-based protocols and routers forwarding packets to hosts), such
// reachability information may not be readily available from upper-layer protocols." With TCP, the arrival of a new
// acknowledgment proves that data reaches the peer.
// spec: tcp-neighbor-confirmed
fn confirm_next_hop(cx: &mut Context<'_>, local: Ipv4Addr, peer: Ipv4Addr) {
    let Context { now, interface, shared, .. } = cx;
    let path = shared.paths.find(PathKey::new(Some(interface.id), Some(local), peer));
    let hop = match path {
        Some((_, path)) if path.is_valid(&shared.routes, &interface.addresses) => Some(path.hop),
        _ => egress::next_hop(interface, &shared.routes, local, peer),
    };
    if let Some(Hop::Neighbor(neighbor)) = hop {
        interface.arp.neighbors_mut().confirm(*now, neighbor);
    }
}

/// Reports a problem of the path to the connection that has sent the quoted segment. Returns false if the host has no
/// such connection, or if the connection has not sent the segment recently.
///
/// Only an error that the connection accepts changes the path MTU.
// spec: rfc5927-path-mtu, rfc5927-other
pub(crate) fn report(cx: &mut Context<'_>, problem: PathProblem, quoted: &QuotedDatagram<'_>) -> bool {
    let Some(segment) = quoted_segment::of(cx.interface.id, quoted) else { return false };
    let (destination, length) = (quoted.destination(), quoted.total_length());
    let PathProblem::FragmentationNeeded { mtu } = problem else {
        return cx.shared.tcp.icmp_error(cx.now, &segment, problem, cx.pool);
    };
    let effective = cx.interface.path_mtus.reduced(cx.now, destination, mtu, length);
    let problem = PathProblem::FragmentationNeeded { mtu: effective };
    let is_accepted = cx.shared.tcp.icmp_error(cx.now, &segment, problem, cx.pool);
    if is_accepted {
        cx.interface.path_mtus.update(cx.now, destination, mtu, length);
    }
    is_accepted
}

/// Returns the problem of the path that an ICMP error reports, or `None` for an error without effect on a connection.
// spec: rfc9293-source-quench, rfc5927-quench
pub(crate) fn problem_of(error: IcmpError) -> Option<PathProblem> {
    Some(match (error.icmp_type(), error.code()) {
        (IcmpType::UNREACHABLE, 0) => PathProblem::NetworkUnreachable,
        (IcmpType::UNREACHABLE, 1) => PathProblem::HostUnreachable,
        (IcmpType::UNREACHABLE, 2) => PathProblem::ProtocolUnreachable,
        (IcmpType::UNREACHABLE, 3) => PathProblem::PortUnreachable,
        (IcmpType::UNREACHABLE, 4) => {
            PathProblem::FragmentationNeeded { mtu: error.mtu().unwrap_or_default() }
        }
        (IcmpType::UNREACHABLE, _) => PathProblem::OtherUnreachable,
        (IcmpType::TIME_EXCEEDED, _) => PathProblem::TimeExceeded,
        (IcmpType::PARAMETER_PROBLEM, _) => PathProblem::ParameterProblem,
        _ => return None,
    })
}
