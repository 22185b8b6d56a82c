//! Actions for received frames: a reply in the same frame, an ICMP error, or none.

use std::net::SocketAddrV4;

use base::Place;
use icmp::IcmpError;
use ipv4::{Datagram, Ipv4Fields};
use link::{DestinationKind, EtherType, MacAddr};
use tap::{Checksum, Frame, Offload, Pool};

use crate::egress;
use crate::interface::Context;
use crate::outcome::{DatagramOutcome, DropReason, FrameOutcome, SendOutcome, TxDropReason};
use crate::path_cache::PathPlace;
use crate::sockets::{DatagramSocketKind, SocketDropReason, SocketPacket};
use crate::tcp_input::{self, SegmentPosition};

/// Properties of a received frame that the layers above the link layer need.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameInfo {
    /// Whether the frame is unicast, multicast or broadcast.
    pub(crate) destination_kind: DestinationKind,
    /// Destination MAC address.
    pub(crate) destination: MacAddr,
    /// State of the transport checksum.
    pub(crate) checksum: Checksum,
}

/// The action for a received frame.
///
/// A parsed packet borrows its frame, but a reply overwrites the request in the same frame. Input is therefore handled
/// in two steps. A handler reads the packet, updates counters and events, and sends ICMP errors in other frames. It
/// returns an action, which does not borrow the frame. The frame can then be rewritten or returned to the pool.
pub(crate) enum Action {
    /// The frame is handled.
    Done(FrameOutcome),
    /// The ARP request in the frame becomes its reply.
    ReplyToArp(arp::Reception, arp::ArpReply),
    /// The echo request in the frame becomes its reply.
    ReplyToEcho(EchoReplyPlan),
    /// The frame moves to the receive queue of a socket.
    Deliver(Delivery),
    /// The TCP segment in the frame is received.
    ReceiveSegment(SegmentPosition),
}

/// The receiving socket of a datagram, and the part of the datagram that the socket receives.
pub(crate) struct Delivery {
    pub(crate) kind: DatagramSocketKind,
    pub(crate) socket: Place,
    /// Position of the part in the IP datagram, in bytes.
    pub(crate) offset: usize,
    /// Length of the part, in bytes.
    pub(crate) length: usize,
    pub(crate) source: SocketAddrV4,
    pub(crate) destination: SocketAddrV4,
    pub(crate) time_to_live: u8,
    pub(crate) type_of_service: u8,
}

/// Data for the rewriting of an echo request into its reply.
pub(crate) struct EchoReplyPlan {
    /// Length of the request's IP header, in bytes.
    pub(crate) request_header: usize,
    /// Length of the ICMP message, in bytes.
    pub(crate) length: usize,
    /// The reply's IP header.
    pub(crate) fields: Ipv4Fields,
}

/// A whole datagram to the local hosts. Functions take it as a value: a reference would put it into memory before the
/// protocol is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceivedPacket<'a> {
    pub(crate) datagram: Datagram<'a>,
    /// Whether the datagram is unicast, multicast or broadcast.
    pub(crate) destination_kind: DestinationKind,
    /// The stored path to the sender, if the path is valid and bidirectional.
    pub(crate) path: Option<PathPlace>,
    /// The frame, or the frame of the last fragment.
    pub(crate) frame: &'a FrameInfo,
}

/// Performs the action for a frame with a payload at `offset`.
#[inline]
pub(crate) fn finish(cx: &mut Context<'_>, action: Action, frame: Frame, offset: usize) -> FrameOutcome {
    match action {
        Action::Done(outcome) => {
            cx.pool.give(frame);
            outcome
        }
        Action::ReplyToArp(reception, reply) => reply_to_arp(cx, reception, reply, frame, offset),
        Action::ReplyToEcho(plan) => reply_to_echo(cx, &plan, frame, offset),
        Action::Deliver(delivery) => deliver(cx, &delivery, frame, offset),
        Action::ReceiveSegment(position) => tcp_input::receive(cx, &position, frame, offset),
    }
}

/// Moves a frame to the receive queue of a socket. The IP datagram starts at `offset`.
// spec: socket-no-copy
#[inline]
fn deliver(cx: &mut Context<'_>, delivery: &Delivery, mut frame: Frame, offset: usize) -> FrameOutcome {
    let Delivery { kind, socket, source, destination, time_to_live, type_of_service, .. } = *delivery;
    // The data is for a program, or for another datagram: the state of the received checksum does not apply to it.
    frame.set_offload(Offload::default());
    if frame.narrow(offset.saturating_add(delivery.offset), delivery.length).is_err() {
        cx.pool.give(frame);
        return drop_reply(cx, TxDropReason::TooLong);
    }
    let (interface, at) = (cx.interface.id, cx.now);
    let packet = SocketPacket { frame, source, destination, interface, time_to_live, type_of_service, at };
    match cx.shared.sockets.deliver(socket, packet) {
        Ok(()) => {
            cx.interface.count_delivered(kind);
            FrameOutcome::Ipv4(DatagramOutcome::Delivered)
        }
        Err((frame, reason)) => {
            cx.pool.give(frame);
            drop_for_socket(cx, kind, reason)
        }
    }
}

/// Copies the IP datagram or the data in `bytes` into a frame for a socket.
pub(crate) fn deliver_copy(cx: &mut Context<'_>, delivery: &Delivery, bytes: &[u8]) -> FrameOutcome {
    if let Some(frame) = copied(bytes, cx.pool) {
        return deliver(cx, delivery, frame, 0);
    }
    cx.shared.sockets.count_dropped(delivery.socket);
    drop_for_socket(cx, delivery.kind, SocketDropReason::NoFrame)
}

/// Counts a datagram that a socket does not receive.
fn drop_for_socket(cx: &mut Context<'_>, kind: DatagramSocketKind, reason: SocketDropReason) -> FrameOutcome {
    // spec: drops-counted
    cx.interface.socket_dropped_mut(kind).count(reason);
    FrameOutcome::Dropped(DropReason::Socket(kind, reason))
}

/// Rewrites the ARP request at `offset` in `frame` into the reply, and queues the reply.
#[inline]
fn reply_to_arp(
    cx: &mut Context<'_>,
    reception: arp::Reception,
    reply: arp::ArpReply,
    mut frame: Frame,
    offset: usize,
) -> FrameOutcome {
    // spec: rfc826-reply-to, rfc826-reply-padding
    frame.set_offload(Offload::default());
    let is_written = frame.narrow(offset, arp::PacketFields::LENGTH).is_ok()
        && reply.write_over(frame.bytes_mut()).is_ok()
        && cx.interface.link.add_header(&mut frame, reply.destination, reply.mac, EtherType::ARP).is_ok();
    if !is_written {
        cx.pool.give(frame);
        return drop_reply(cx, TxDropReason::TooLong);
    }
    // spec: reply-one
    match cx.interface.tx_queues.control.push(frame) {
        Ok(()) => {
            cx.interface.counters.arp_replies = cx.interface.counters.arp_replies.saturating_add(1);
            FrameOutcome::Arp(reception)
        }
        Err(frame) => {
            cx.pool.give(frame);
            drop_reply(cx, TxDropReason::TxQueueFull)
        }
    }
}

/// Rewrites the echo request in a frame into its reply, and sends the reply. The datagram of the request starts at
/// `offset`.
#[inline]
pub(crate) fn reply_to_echo(
    cx: &mut Context<'_>,
    plan: &EchoReplyPlan,
    mut frame: Frame,
    offset: usize,
) -> FrameOutcome {
    // spec: rfc792-echo, rfc1122-echo-mirrored
    frame.set_offload(Offload::default());
    let is_written = frame.narrow(offset.saturating_add(plan.request_header), plan.length).is_ok()
        && icmp::reply_in_place(frame.bytes_mut()).is_ok()
        && frame.prepend(Ipv4Fields::LENGTH).is_ok()
        && plan.fields.write_to(frame.bytes_mut()).is_ok();
    if !is_written {
        cx.pool.give(frame);
        return drop_reply(cx, TxDropReason::TooLong);
    }
    // The destination is one host: a datagram from a broadcast or multicast address is not accepted.
    let Ipv4Fields { source, destination, .. } = plan.fields;
    match egress::send_datagram(cx, egress::CONTROL, (source, destination), frame) {
        Ok(SendOutcome::NoRoute) => FrameOutcome::Dropped(DropReason::NoRoute),
        Ok(_) => {
            cx.interface.counters.echo_replies = cx.interface.counters.echo_replies.saturating_add(1);
            FrameOutcome::Ipv4(DatagramOutcome::EchoReplied)
        }
        Err(reason) => FrameOutcome::Dropped(reason.into()),
    }
}

/// Counts a reply that is not sent.
pub(crate) fn drop_reply(cx: &mut Context<'_>, reason: TxDropReason) -> FrameOutcome {
    FrameOutcome::Dropped(cx.interface.count_tx_dropped(reason).into())
}

/// Drops a datagram that no part of the host handles. Sends an ICMP error to the sender of a unicast datagram.
#[cold]
pub(crate) fn reject(cx: &mut Context<'_>, packet: ReceivedPacket<'_>, problem: IcmpError) -> Action {
    // spec: rfc1122-no-listener
    if packet.destination_kind != DestinationKind::Unicast {
        return drop_without_listener(cx);
    }
    let addresses = (packet.datagram.destination(), packet.datagram.source());
    let about = packet.datagram.bytes();
    let sent = egress::send_icmp_error(cx, problem, about, packet.frame.destination_kind, addresses);
    Action::Done(
        sent.map_or_else(FrameOutcome::Dropped, |()| FrameOutcome::Ipv4(DatagramOutcome::Rejected(problem))),
    )
}

/// Drops and counts a broadcast or multicast datagram.
pub(crate) fn drop_without_listener(cx: &mut Context<'_>) -> Action {
    cx.interface.counters.no_listener = cx.interface.counters.no_listener.saturating_add(1);
    Action::Done(FrameOutcome::Dropped(DropReason::NoListener))
}

/// Returns a frame with these bytes: a small frame if the bytes fit its MTU.
pub(crate) fn copied(bytes: &[u8], pool: &mut Pool) -> Option<Frame> {
    let mut frame = if bytes.len() <= pool.mtu() { pool.take()? } else { pool.take_large()? };
    if frame.write(bytes).is_err() {
        pool.give(frame);
        return None;
    }
    Some(frame)
}
