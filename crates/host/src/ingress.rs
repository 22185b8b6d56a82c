//! Received frames: the interface, the link layer, and the protocol by EtherType.

use std::net::Ipv4Addr;

use arp::Merge;
use inet::offload::FrameSegments;
use link::{DestinationKind, EtherType, EthernetFrame, ReceivedFrame, VlanTags};
use tap::{Batch, Checksum, Frame, Instant, Offload, Pool, PortId, SegmentationKind};

use crate::interface::{Context, Shared};
use crate::interfaces::Interfaces;
use crate::ipv4_input;
use crate::outcome::{DropReason, FrameOutcome};
use crate::reply::{Action, FrameInfo, finish};

/// Number of neighbors from which the entries of the neighbor table are rarely in the caches of the processor.
const MANY_NEIGHBORS: usize = 4_096;

/// Reads the entries of the neighbor table for the senders of untagged frames.
pub(crate) fn prefetch(interfaces: &Interfaces, port: PortId, frames: &Batch) {
    for interface in interfaces.of_port(port) {
        let neighbors = interface.arp.neighbors();
        if neighbors.len() >= MANY_NEIGHBORS {
            frames.iter().filter_map(sender).for_each(|sender| neighbors.prefetch(sender));
        }
    }
}

/// Returns the sender of an untagged ARP packet or IPv4 datagram, without further checks.
#[inline]
fn sender(frame: &Frame) -> Option<Ipv4Addr> {
    let bytes = frame.bytes();
    let position = match *bytes.get(12..14)? {
        [0x08, 0x06] => 28,
        [0x08, 0x00] => 26,
        _ => return None,
    };
    let address: [u8; 4] = *bytes.get(position..)?.first_chunk()?;
    Some(address.into())
}

/// Handles a frame that was received on a port. A reply is queued in the same frame where possible. A frame without
/// further use returns to the pool. Returns `None` if the port has no interface.
#[inline]
pub(crate) fn receive(
    interfaces: &mut Interfaces,
    shared: &mut Shared,
    port: PortId,
    now: Instant,
    frame: Frame,
    pool: &mut Pool,
) -> Option<FrameOutcome> {
    if frame.offload().segmentation.is_some_and(|segmentation| segmentation.kind == SegmentationKind::Udp) {
        return receive_datagrams(interfaces, shared, port, now, frame, pool);
    }
    receive_one(interfaces, shared, port, now, frame, pool)
}

/// Handles a frame of UDP datagrams that the device has merged: each datagram as a separate frame. Returns the outcome of
/// the last datagram.
///
/// A frame that cannot be cut is handled like a frame of one datagram, which the MTU limits. The pool counts datagrams for
/// which it has no frame.
// spec: udp-merged
#[cold]
fn receive_datagrams(
    interfaces: &mut Interfaces,
    shared: &mut Shared,
    port: PortId,
    now: Instant,
    mut frame: Frame,
    pool: &mut Pool,
) -> Option<FrameOutcome> {
    let Offload { checksum, segmentation } = frame.offload();
    let segments = segmentation
        // The checksums of the datagrams are computed, so that they would hide a wrong checksum.
        .filter(|_| checksum != Checksum::None)
        .and_then(|segmentation| FrameSegments::new(frame.bytes(), segmentation).ok());
    let Some(segments) = segments else {
        frame.set_offload(Offload { checksum, segmentation: None });
        return receive_one(interfaces, shared, port, now, frame, pool);
    };
    let mut outcome = None;
    for segment in segments {
        let Some(mut datagram) = frame_of(segment.len(), pool) else { continue };
        // The frame has the length of the segment.
        _ = segment.write_to(datagram.bytes_mut());
        outcome = receive_one(interfaces, shared, port, now, datagram, pool);
    }
    pool.give(frame);
    outcome
}

/// Returns a frame with this length in bytes: a small frame if it has the capacity.
fn frame_of(length: usize, pool: &mut Pool) -> Option<Frame> {
    let mut frame = pool.take()?;
    if frame.extend(length).is_err() {
        pool.give(frame);
        frame = pool.take_large()?;
        // No frame is longer than a large frame.
        _ = frame.extend(length);
    }
    Some(frame)
}

/// Handles a frame of one datagram or packet, or of TCP segments that the device has merged: see [`receive`].
#[inline]
fn receive_one(
    interfaces: &mut Interfaces,
    shared: &mut Shared,
    port: PortId,
    now: Instant,
    frame: Frame,
    pool: &mut Pool,
) -> Option<FrameOutcome> {
    let parsed = EthernetFrame::parse(frame.bytes());
    // Computed only if a port has several interfaces.
    let tags = || parsed.as_ref().map_or(VlanTags::None, EthernetFrame::tags);
    let Some(interface) = interfaces.select(port, tags) else {
        pool.give(frame);
        return None;
    };
    let cx = &mut Context { now, interface, shared, pool };
    let excess = || frame.len() - frame.segment_length();
    let ReceivedFrame { frame: ethernet, destination_kind } =
        match cx.interface.link.receive_merged(&cx.interface.addresses, parsed, excess) {
            Ok(accepted) => accepted,
            Err(reason) => {
                cx.pool.give(frame);
                return Some(FrameOutcome::Dropped(reason.into()));
            }
        };
    let offset = ethernet.payload_offset();
    let info = FrameInfo {
        destination_kind,
        destination: ethernet.destination(),
        checksum: frame.offload().checksum,
    };
    let action = handle(cx, ethernet.payload(), &info, ethernet.ether_type());
    Some(finish(cx, action, frame, offset))
}

/// Handles an accepted frame by its EtherType.
#[inline]
fn handle(cx: &mut Context<'_>, payload: &[u8], info: &FrameInfo, ether_type: EtherType) -> Action {
    match ether_type {
        EtherType::ARP => receive_arp(cx, payload, info),
        EtherType::IPV4 => ipv4_input::receive(cx, payload, info),
        _ => {
            // spec: drops-counted
            let counters = &mut cx.interface.counters;
            counters.unsupported_ether_type = counters.unsupported_ether_type.saturating_add(1);
            Action::Done(FrameOutcome::Dropped(DropReason::UnsupportedEtherType(ether_type)))
        }
    }
}

/// Handles an ARP packet.
#[inline]
fn receive_arp(cx: &mut Context<'_>, payload: &[u8], info: &FrameInfo) -> Action {
    let packet = arp::Packet::parse(payload);
    let station = (info.destination_kind == DestinationKind::Unicast).then_some(info.destination);
    let reception = match cx.interface.arp.receive(cx.now, &mut cx.interface.addresses, station, packet) {
        Err(reason) => return Action::Done(FrameOutcome::Dropped(reason.into())),
        Ok(reception) => reception,
    };
    // The neighbor table may have returned all packets to the sender, so that no packet reports the resolution.
    // spec: tcp-unresolved
    if let (Merge::Added | Merge::Completed, Ok(packet)) = (reception.merge, packet) {
        cx.shared.tcp.resolved(cx.now, cx.interface.id, packet.sender_protocol());
    }
    match reception.reply {
        None => Action::Done(FrameOutcome::Arp(reception)),
        Some(reply) => Action::ReplyToArp(reception, reply),
    }
}

#[cfg(test)]
mod tests;
