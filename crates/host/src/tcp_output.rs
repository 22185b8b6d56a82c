//! Sent TCP segments: the segments of connections that are due, and replies to received segments.

use std::net::Ipv4Addr;

use inet::IpProtocol;
use ipv4::{Ipv4Fields, PathMtus};
use tap::{Checksum, Frame};
use tcp::{Departure, PathProblem, QuotedSegment, Segment, SegmentFields, SegmentService};

use crate::egress::{self, CONTROL, SEGMENTS};
use crate::interface::Context;
use crate::outcome::{SendOutcome, TxDropReason};

/// Sends the next segment of the connections of an interface. Returns `None` if no segment is due.
// spec: tcp-pulled
pub(crate) fn send_next(cx: &mut Context<'_>) -> Option<Result<SendOutcome, TxDropReason>> {
    let departure = cx.shared.tcp.transmit(cx.now, cx.interface.id, cx.pool)?;
    let Departure { frame, source, destination, time_to_live, type_of_service, may_be_forged } = departure;
    if frame.len() + Ipv4Fields::LENGTH > cx.interface.config.mtu {
        return Some(Err(drop_long(cx, (source, destination), frame)));
    }
    let fields = Ipv4Fields {
        // spec: rfc9293-service
        time_to_live: time_to_live.unwrap_or(cx.interface.config.time_to_live),
        type_of_service,
        ..Ipv4Fields::new(IpProtocol::TCP, source, destination)
    };
    let frame = match with_header(cx, fields, frame) {
        Ok(frame) => frame,
        Err(reason) => return Some(Err(reason)),
    };
    let sent = if may_be_forged {
        egress::send_reply(cx, SEGMENTS, (source, destination), frame)
    } else {
        egress::send_datagram(cx, SEGMENTS, (source, destination), frame)
    };
    Some(sent.map(|sent| counted(cx, sent)))
}

/// Drops a segment that is longer than the MTU of the interface, because the MTU was reduced. The connection then sends
/// the data in shorter segments.
fn drop_long(cx: &mut Context<'_>, addresses: (Ipv4Addr, Ipv4Addr), frame: Frame) -> TxDropReason {
    // The checksum of a sent segment is correct.
    if let Ok(segment) = Segment::parse(frame.bytes(), addresses, Checksum::Verified) {
        let quoted = QuotedSegment {
            interface: cx.interface.id,
            local: segment.source,
            peer: segment.destination,
            sequence: segment.sequence,
        };
        let mtu = u16::try_from(cx.interface.config.mtu).unwrap_or(u16::MAX);
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
    let is_written = frame.append(reply.header_length()).is_ok_and(|bytes| reply.write_to(bytes).is_ok());
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
    Ok(counted(cx, sent))
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
        fields.identification = cx.interface.identification.next(source, destination, fields.protocol);
    }
    if frame.prepend(Ipv4Fields::LENGTH).is_err() || fields.write_to(frame.bytes_mut()).is_err() {
        cx.pool.give(frame);
        return Err(cx.interface.count_tx_dropped(TxDropReason::TooLong));
    }
    Ok(frame)
}

/// Counts a sent segment.
fn counted(cx: &mut Context<'_>, sent: SendOutcome) -> SendOutcome {
    if sent != SendOutcome::NoRoute {
        cx.interface.counters.tcp_sent = cx.interface.counters.tcp_sent.saturating_add(1);
    }
    sent
}
