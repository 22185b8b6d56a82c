//! Handling of received frames: ARP, IPv4, ICMP, and the rejection of UDP and other protocols.

use icmp::IcmpError;
use inet::IpProtocol;
use ipv4::{Datagram, DestinationKind, Ipv4Fields};
use link::{EtherType, MacAddr};
use tap::{Checksum, Frame, Instant, Offload, Pool};

use crate::echo::{DataMismatch, EchoReply};
use crate::egress;
use crate::event::{DeliveryFailure, HostEvent};
use crate::outcome::{DatagramOutcome, DropReason, FrameOutcome, SendOutcome, TxDropReason};
use crate::stack::{PendingPacket, Stack};
use crate::tx_queue::QueuedPacket;
use crate::udp;

/// Position of a frame's payload, and properties of the frame.
#[derive(Clone, Copy, Debug)]
struct PayloadInfo {
    /// Offset of the payload, in bytes.
    offset: usize,
    /// Whether the frame is unicast, multicast or broadcast.
    destination_kind: link::DestinationKind,
    /// Destination MAC address of a unicast frame.
    mac: Option<MacAddr>,
    /// State of the transport checksum.
    checksum: Checksum,
}

/// The action for a received datagram.
///
/// A datagram borrows its frame, but an echo reply overwrites the request in the same frame. Input is therefore handled
/// in two steps. `decide_*` reads the datagram, updates counters and events, and sends ICMP errors in other frames. It
/// returns an action, which does not borrow the frame. The frame can then be rewritten or returned to the pool.
enum DatagramAction {
    /// The datagram is handled.
    Done(FrameOutcome),
    /// The echo request in the frame becomes its reply.
    ReplyToEcho(EchoReplyPlan),
}

/// How an echo request becomes its reply.
struct EchoReplyPlan {
    /// Length of the request's IP header, in bytes.
    request_header: usize,
    /// Length of the ICMP message, in bytes.
    length: usize,
    /// The reply's IP header.
    fields: Ipv4Fields,
    /// MAC address of the replying host.
    mac: MacAddr,
}

/// Handles a received frame. A reply is queued in the same frame where possible. A frame without further use returns to
/// the pool.
pub(crate) fn receive(stack: &mut Stack, now: Instant, frame: Frame, pool: &mut Pool) -> FrameOutcome {
    let view = arp::FrameView::parse(frame.bytes());
    let accepted = stack.link.receive(&stack.addresses, view.map(|view| view.ethernet()));
    let (view, accepted) = match view.and_then(|view| Ok((view, accepted?))) {
        Ok(accepted) => accepted,
        Err(reason) => {
            pool.give(frame);
            return FrameOutcome::Dropped(reason.into());
        }
    };
    let link::ReceivedFrame { frame: ethernet, destination_kind } = accepted;
    let mac = (destination_kind == link::DestinationKind::Unicast).then_some(ethernet.destination());
    let payload = PayloadInfo {
        offset: ethernet.payload_offset(),
        destination_kind,
        mac,
        checksum: frame.offload().checksum,
    };
    match ethernet.ether_type() {
        EtherType::ARP => {
            let received = stack.arp.receive(now, &mut stack.addresses, mac, view.packet());
            reply_to_arp(stack, received, payload.offset, frame, pool)
        }
        // The link layer limits the payload. The total length of the datagram is within this limit.
        EtherType::IPV4 => {
            let length = ethernet.payload().len();
            receive_ipv4(stack, now, frame, payload, length, pool)
        }
        other => {
            // spec: drops-counted
            stack.counters.unsupported_ether_type = stack.counters.unsupported_ether_type.saturating_add(1);
            pool.give(frame);
            FrameOutcome::Dropped(DropReason::UnsupportedEtherType(other))
        }
    }
}

/// Rewrites the ARP request at `offset` in `frame` into the reply, and queues the reply. Without a reply, the frame
/// returns to the pool.
fn reply_to_arp(
    stack: &mut Stack,
    received: Result<arp::Reception, arp::ArpDropReason>,
    offset: usize,
    mut frame: Frame,
    pool: &mut Pool,
) -> FrameOutcome {
    let outcome = received.map_or_else(|reason| FrameOutcome::Dropped(reason.into()), FrameOutcome::Arp);
    let Ok(arp::Reception { reply: Some(reply), .. }) = received else {
        pool.give(frame);
        return outcome;
    };
    // spec: rfc826-reply-to, rfc826-reply-padding
    frame.set_offload(Offload::default());
    let is_written = frame.narrow(offset, arp::PacketFields::LENGTH).is_ok()
        && reply.write_over(frame.bytes_mut()).is_ok()
        && stack.link.add_header(&mut frame, reply.destination, reply.mac, EtherType::ARP).is_ok();
    // spec: reply-one
    let packet = QueuedPacket { frame, fragments: None };
    let queued = if is_written { stack.tx_queues.control.push(packet) } else { Err(packet) };
    match queued {
        Ok(()) => {
            stack.counters.arp_replies = stack.counters.arp_replies.saturating_add(1);
            outcome
        }
        Err(packet) => {
            pool.give(packet.frame);
            let reason = if is_written { TxDropReason::TxQueueFull } else { TxDropReason::TooLong };
            drop_reply(stack, reason)
        }
    }
}

/// Handles the datagram in a frame with a payload of `length` bytes.
fn receive_ipv4(
    stack: &mut Stack,
    now: Instant,
    frame: Frame,
    payload: PayloadInfo,
    length: usize,
    pool: &mut Pool,
) -> FrameOutcome {
    let end = payload.offset.saturating_add(length);
    let bytes = frame.bytes().get(payload.offset..end).unwrap_or_default();
    if let Err(reason) = check_fragment(stack, bytes, payload) {
        pool.give(frame);
        return FrameOutcome::Dropped(reason);
    }
    match stack.ipv4.receive(now, &stack.addresses, payload.destination_kind, bytes) {
        Err(reason) => {
            pool.give(frame);
            FrameOutcome::Dropped(reason.into())
        }
        Ok(ipv4::ReceivedDatagram::FragmentStored) => {
            pool.give(frame);
            FrameOutcome::Ipv4(DatagramOutcome::FragmentStored)
        }
        Ok(ipv4::ReceivedDatagram::Whole(datagram, destination_kind)) => {
            match decide_datagram(stack, now, &datagram, destination_kind, payload, pool) {
                DatagramAction::ReplyToEcho(plan) => {
                    reply_to_echo(stack, now, &plan, frame, payload.offset, pool)
                }
                DatagramAction::Done(outcome) => {
                    pool.give(frame);
                    outcome
                }
            }
        }
        Ok(ipv4::ReceivedDatagram::Reassembled(reassembled, destination_kind)) => {
            pool.give(frame);
            // A sender completes the checksum before it fragments the datagram.
            let payload = PayloadInfo { checksum: Checksum::None, ..payload };
            let action = reassembled.datagram().map_or_else(
                |reason| DatagramAction::Done(FrameOutcome::Dropped(reason.into())),
                |datagram| decide_datagram(stack, now, &datagram, destination_kind, payload, pool),
            );
            let outcome = match (action, reassembled.datagram()) {
                (DatagramAction::ReplyToEcho(plan), Ok(datagram)) => {
                    match large_frame(datagram.bytes(), pool) {
                        Some(frame) => reply_to_echo(stack, now, &plan, frame, 0, pool),
                        None => drop_reply(stack, TxDropReason::NoFrame),
                    }
                }
                (DatagramAction::ReplyToEcho(_), Err(reason)) => FrameOutcome::Dropped(reason.into()),
                (DatagramAction::Done(outcome), _) => outcome,
            };
            stack.ipv4.recycle(reassembled);
            outcome
        }
    }
}

/// Checks the destination of a fragment like the destination of a whole datagram. Without this check, the data of the
/// fragment could become part of a datagram for another host.
fn check_fragment(stack: &mut Stack, bytes: &[u8], payload: PayloadInfo) -> Result<(), DropReason> {
    // A fragment is parsed again after this check. The cost is acceptable, because fragments are rare.
    let is_fragment = bytes.get(6..8).is_some_and(|flags| flags != [0, 0] && flags != [0x40, 0]);
    if is_fragment
        && let Ok(datagram) = Datagram::parse(bytes)
        && let Some(destination_kind) = stack.addresses.destination_kind(datagram.destination())
    {
        check_destination(stack, &datagram, destination_kind, payload)?;
    }
    Ok(())
}

/// Checks that the destination of a unicast datagram is in use, and that the frame is addressed to the host with this
/// address. Returns the MAC address of the host, or `None` if the datagram is not unicast.
fn check_destination(
    stack: &mut Stack,
    datagram: &Datagram<'_>,
    destination_kind: DestinationKind,
    payload: PayloadInfo,
) -> Result<Option<MacAddr>, DropReason> {
    if destination_kind != DestinationKind::Unicast {
        return Ok(None);
    }
    // spec: rfc5227-silence
    let Some(mac) = stack.addresses.mac_of(datagram.destination()) else {
        stack.counters.address_not_in_use = stack.counters.address_not_in_use.saturating_add(1);
        return Err(DropReason::AddressNotInUse);
    };
    // spec: station-of-destination
    if payload.mac.is_some_and(|destination| destination != mac) {
        stack.counters.wrong_mac = stack.counters.wrong_mac.saturating_add(1);
        return Err(DropReason::WrongMac);
    }
    Ok(Some(mac))
}

fn decide_datagram(
    stack: &mut Stack,
    now: Instant,
    datagram: &Datagram<'_>,
    destination_kind: DestinationKind,
    payload: PayloadInfo,
    pool: &mut Pool,
) -> DatagramAction {
    let mac = match check_destination(stack, datagram, destination_kind, payload) {
        Ok(mac) => mac,
        Err(reason) => return DatagramAction::Done(FrameOutcome::Dropped(reason)),
    };
    let (source, destination) = (datagram.source(), datagram.destination());
    // A datagram with an invalid UDP header is dropped without an ICMP error.
    if datagram.protocol() == IpProtocol::UDP
        && let Err(reason) = udp::check(datagram, payload.checksum)
    {
        // spec: drops-counted
        stack.udp_dropped.count(reason);
        return DatagramAction::Done(FrameOutcome::Dropped(reason.into()));
    }
    match datagram.protocol() {
        IpProtocol::ICMP => decide_icmp(stack, datagram, destination_kind, mac),
        // spec: rfc1122-no-listener
        _ if destination_kind != DestinationKind::Unicast => drop_without_listener(stack),
        protocol => {
            // spec: rfc1122-protocol-unreachable, rfc1122-port-unreachable
            let problem = match protocol {
                IpProtocol::UDP => IcmpError::PORT_UNREACHABLE,
                _ => IcmpError::PROTOCOL_UNREACHABLE,
            };
            let addresses = (destination, source);
            let sent = egress::send_icmp_error(
                stack,
                now,
                problem,
                datagram.bytes(),
                payload.destination_kind,
                addresses,
                pool,
            );
            DatagramAction::Done(sent.map_or_else(FrameOutcome::Dropped, |()| {
                FrameOutcome::Ipv4(DatagramOutcome::Rejected(problem))
            }))
        }
    }
}

fn decide_icmp(
    stack: &mut Stack,
    datagram: &Datagram<'_>,
    destination_kind: DestinationKind,
    mac: Option<MacAddr>,
) -> DatagramAction {
    let (source, destination) = (datagram.source(), datagram.destination());
    let message = datagram.payload();
    match stack.icmp.receive(&stack.addresses, destination_kind, message) {
        Err(reason) => DatagramAction::Done(FrameOutcome::Dropped(reason.into())),
        Ok(icmp::ReceivedMessage::Request(_)) => match mac {
            Some(mac) => DatagramAction::ReplyToEcho(plan_echo_reply(stack, datagram, mac)),
            // `Icmp` accepts only unicast requests.
            None => drop_without_listener(stack),
        },
        Ok(icmp::ReceivedMessage::Reply(echo)) => {
            stack.events.push(HostEvent::EchoReply(EchoReply {
                from: source,
                to: destination,
                identifier: echo.identifier,
                sequence: echo.sequence,
                length: message.len(),
                time_to_live: datagram.time_to_live(),
                mismatch: DataMismatch::between(&stack.expected_echo_data, echo.data),
            }));
            DatagramAction::Done(FrameOutcome::Ipv4(DatagramOutcome::Reported))
        }
        Ok(icmp::ReceivedMessage::Error(problem, quoted)) => {
            // spec: rfc1122-error-reported, rfc1122-error-hint
            let failure = DeliveryFailure::new(source, problem, &quoted);
            stack.events.push(HostEvent::DeliveryFailed(failure));
            DatagramAction::Done(FrameOutcome::Ipv4(DatagramOutcome::Reported))
        }
    }
}

fn plan_echo_reply(stack: &mut Stack, request: &Datagram<'_>, mac: MacAddr) -> EchoReplyPlan {
    let (source, destination) = (request.destination(), request.source());
    let fields = Ipv4Fields {
        // spec: rfc1349-reply-service
        type_of_service: request.type_of_service(),
        // spec: rfc1122-time-to-live-configurable
        time_to_live: stack.config.time_to_live,
        identification: stack.identification.next(source, destination, IpProtocol::ICMP),
        ..Ipv4Fields::new(IpProtocol::ICMP, source, destination)
    };
    EchoReplyPlan { request_header: request.header_length(), length: request.payload().len(), fields, mac }
}

fn drop_without_listener(stack: &mut Stack) -> DatagramAction {
    stack.counters.no_listener = stack.counters.no_listener.saturating_add(1);
    DatagramAction::Done(FrameOutcome::Dropped(DropReason::NoListener))
}

/// Rewrites the echo request in a frame into its reply, and sends the reply. The datagram of the request starts at
/// `offset`.
fn reply_to_echo(
    stack: &mut Stack,
    now: Instant,
    plan: &EchoReplyPlan,
    mut frame: Frame,
    offset: usize,
    pool: &mut Pool,
) -> FrameOutcome {
    // spec: rfc792-echo, rfc1122-echo-mirrored
    frame.set_offload(Offload::default());
    let is_written = frame.narrow(offset.saturating_add(plan.request_header), plan.length).is_ok()
        && icmp::reply_in_place(frame.bytes_mut()).is_ok()
        && frame.prepend(Ipv4Fields::LENGTH).is_ok()
        && plan.fields.write_to(frame.bytes_mut()).is_ok();
    if !is_written {
        pool.give(frame);
        return drop_reply(stack, TxDropReason::TooLong);
    }
    // The destination is one host: a datagram from a broadcast or multicast address is not accepted.
    let EchoReplyPlan { fields: Ipv4Fields { source, destination, .. }, mac, .. } = *plan;
    let packet = PendingPacket { ether_type: EtherType::IPV4, source, mac, frame };
    match egress::send_reply(stack, now, destination, packet, pool) {
        Ok(SendOutcome::NoRoute) => FrameOutcome::Dropped(DropReason::NoRoute),
        Ok(_) => {
            stack.counters.echo_replies = stack.counters.echo_replies.saturating_add(1);
            FrameOutcome::Ipv4(DatagramOutcome::EchoReplied)
        }
        Err(reason) => FrameOutcome::Dropped(reason.into()),
    }
}

/// Counts a reply that is not sent.
fn drop_reply(stack: &mut Stack, reason: TxDropReason) -> FrameOutcome {
    FrameOutcome::Dropped(stack.count_tx_dropped(reason).into())
}

/// Returns a large frame with these bytes.
fn large_frame(bytes: &[u8], pool: &mut Pool) -> Option<Frame> {
    let mut frame = pool.take_large()?;
    if frame.write(bytes).is_err() {
        pool.give(frame);
        return None;
    }
    Some(frame)
}
