//! Sent TCP segments: the segments of connections that are due, and replies to received segments.

use std::net::Ipv4Addr;

use inet::IpProtocol;
use ipv4::{Ipv4Fields, PathMtus};
use tap::{Checksum, Frame};
use tcp::{Departure, PathProblem, QuotedSegment, Segment, SegmentFields, SegmentService};

use crate::egress::{self, CONTROL, SEGMENTS};
use crate::interface::Context;
use crate::outcome::{SendOutcome, TxDropReason};

/// Sends the next frame with segments of the connections of an interface. Returns the number of its segments, or `None` if
/// no segment is due.
// spec: tcp-pulled
pub(crate) fn send_next(cx: &mut Context<'_>) -> Option<(usize, Result<SendOutcome, TxDropReason>)> {
    let departure = cx.shared.tcp.transmit(cx.now, cx.interface.id, cx.interface.config.offloads, cx.pool)?;
    let segments = departure.frame.segments();
    Some((segments, send(cx, departure)))
}

/// Sends a frame with segments of a connection.
#[inline]
fn send(cx: &mut Context<'_>, departure: Departure) -> Result<SendOutcome, TxDropReason> {
    let Departure { frame, source, destination, time_to_live, type_of_service, may_be_forged } = departure;
    let segments = frame.segments();
    // A segment that is longer than the MTU of the path is fragmented, unless it shares a frame.
    let is_single = segments == 1;
    let mtu = if is_single { cx.interface.config.mtu } else { cx.interface.path_mtu(cx.now, destination) };
    if frame.segment_length() + Ipv4Fields::LENGTH > mtu {
        return Err(drop_long(cx, (source, destination), frame, mtu));
    }
    let fields = Ipv4Fields {
        // spec: rfc9293-service
        time_to_live: time_to_live.unwrap_or(cx.interface.config.time_to_live),
        type_of_service,
        ..Ipv4Fields::new(IpProtocol::TCP, source, destination)
    };
    let frame = with_header(cx, fields, frame)?;
    let sent = if may_be_forged {
        egress::send_reply(cx, SEGMENTS, (source, destination), frame)
    } else {
        egress::send_datagram(cx, SEGMENTS, (source, destination), frame)
    };
    sent.map(|sent| counted(cx, sent, segments))
}

/// Drops segments that are longer than the MTU of the interface or the path, because the MTU was reduced. The connection then
/// sends the data in shorter segments.
fn drop_long(
    cx: &mut Context<'_>,
    addresses: (Ipv4Addr, Ipv4Addr),
    frame: Frame,
    mtu: usize,
) -> TxDropReason {
    // The checksum of a sent segment is correct.
    if let Ok(segment) = Segment::parse(frame.bytes(), addresses, Checksum::Verified) {
        let quoted = QuotedSegment {
            interface: cx.interface.id,
            local: segment.source,
            peer: segment.destination,
            sequence: segment.sequence,
        };
        let mtu = u16::try_from(mtu).unwrap_or(u16::MAX);
        let problem = PathProblem::FragmentationNeeded { mtu };
        cx.shared.tcp.icmp_error(cx.now, &quoted, problem, cx.pool);
    }
    cx.pool.give(frame);
    cx.interface.count_tx_dropped(TxDropReason::TooLong)
}

/// Sends a segment without data that replies to a received segment.
pub(crate) fn send_reply(
    cx: &mut Context<'_>,
    reply: &SegmentFields,
    service: SegmentService,
) -> Result<SendOutcome, TxDropReason> {
    let mut frame = cx.pool.take().ok_or_else(|| cx.interface.count_tx_dropped(TxDropReason::NoFrame))?;
    let is_written = frame.extend(reply.header_length()).is_ok()
        && reply.write_to_frame(&mut frame, cx.interface.config.offloads).is_ok();
    if !is_written {
        cx.pool.give(frame);
        return Err(cx.interface.count_tx_dropped(TxDropReason::TooLong));
    }
    let fields = Ipv4Fields {
        // spec: rfc9293-service
        time_to_live: service.time_to_live.unwrap_or(cx.interface.config.time_to_live),
        type_of_service: service.type_of_service,
        ..Ipv4Fields::new(IpProtocol::TCP, *reply.source.ip(), *reply.destination.ip())
    };
    let frame = with_header(cx, fields, frame)?;
    let sent = egress::send_reply(cx, CONTROL, (fields.source, fields.destination), frame)?;
    Ok(counted(cx, sent, 1))
}

/// Adds the IP header to a segment.
fn with_header(
    cx: &mut Context<'_>,
    mut fields: Ipv4Fields,
    mut frame: Frame,
) -> Result<Frame, TxDropReason> {
    let (source, destination) = (fields.source, fields.destination);
    // The path may have a smaller MTU than the minimum of the table, so that a gateway must be able to fragment.
    // spec: rfc9293-path-mtu, path-mtu-floor
    fields.dont_fragment = cx.interface.path_mtus.get(cx.now, destination) != Some(PathMtus::MINIMUM);
    if !fields.dont_fragment {
        // A device that cuts a frame increments the number from segment to segment.
        // spec: rfc6864-unique
        let segments = u16::try_from(frame.segments()).unwrap_or(u16::MAX);
        let numbers = &mut cx.interface.identification;
        fields.identification = numbers.next_of(source, destination, fields.protocol, segments);
    }
    if frame.prepend(Ipv4Fields::LENGTH).is_err() || fields.write_to(frame.bytes_mut()).is_err() {
        cx.pool.give(frame);
        return Err(cx.interface.count_tx_dropped(TxDropReason::TooLong));
    }
    Ok(frame)
}

/// Counts sent segments.
fn counted(cx: &mut Context<'_>, sent: SendOutcome, segments: usize) -> SendOutcome {
    if sent != SendOutcome::NoRoute {
        let segments = u64::try_from(segments).unwrap_or(1);
        cx.interface.counters.tcp_sent = cx.interface.counters.tcp_sent.saturating_add(segments);
    }
    sent
}
