//! Sending of payloads, datagrams and ICMP errors: source, next hop and queue.

use std::net::Ipv4Addr;

use arp::Resolution;
use icmp::{Echo, IcmpError, IcmpType};
use inet::IpProtocol;
use ipv4::{Datagram, Fragments, Ipv4Fields, multicast_mac};
use link::{DestinationKind, EtherType, MacAddr};
use tap::{Frame, Instant, Pool};

use crate::echo::EchoRequest;
use crate::outcome::{DropReason, SendOutcome, TxDropReason};
use crate::stack::{INTERFACE, PendingPacket, Stack};
use crate::tx_queue::{FragmentCursor, QueuedPacket, TxQueue, TxQueues};

/// Selects a queue of a stack.
type QueueOf = fn(&mut TxQueues) -> &mut TxQueue;

/// The queue of replies and ICMP errors.
const CONTROL: QueueOf = |queues| &mut queues.control;
/// The queue of payloads and echo requests.
const DATA: QueueOf = |queues| &mut queues.data;

/// Sends a payload to a neighbor.
pub(crate) fn send_payload(
    stack: &mut Stack,
    now: Instant,
    neighbor: Ipv4Addr,
    ether_type: EtherType,
    frame: Frame,
    pool: &mut Pool,
) -> Result<SendOutcome, TxDropReason> {
    match stack.addresses.source_for(neighbor) {
        Some((source, mac)) => {
            resolve(stack, now, DATA, neighbor, PendingPacket { ether_type, source, mac, frame }, pool)
        }
        // spec: rfc5227-silence
        None => drop_frame(stack, TxDropReason::NoSourceAddress, frame, pool),
    }
}

/// Sends an echo request with this data.
pub(crate) fn ping(
    stack: &mut Stack,
    now: Instant,
    request: EchoRequest,
    data: &[u8],
    pool: &mut Pool,
) -> Result<SendOutcome, TxDropReason> {
    let source = stack.address().map(|network| network.addr());
    let length = Ipv4Fields::LENGTH + Echo::HEADER + data.len();
    let is_large = length > stack.config.mtu;
    let frame = if is_large { pool.take_large() } else { pool.take() };
    let mut frame = frame.ok_or_else(|| stack.count_tx_dropped(TxDropReason::NoFrame))?;
    let Some(source) = source else {
        return drop_frame(stack, TxDropReason::NoSourceAddress, frame, pool);
    };
    let fields = Ipv4Fields {
        time_to_live: request.time_to_live,
        identification: stack.identification.next(source, request.destination, IpProtocol::ICMP),
        ..Ipv4Fields::new(IpProtocol::ICMP, source, request.destination)
    };
    let echo = Echo { identifier: request.identifier, sequence: request.sequence, data };
    if write_echo_request(&mut frame, length, fields, echo).is_none() {
        return drop_frame(stack, TxDropReason::TooLong, frame, pool);
    }
    send_datagram(stack, now, DATA, (source, request.destination), frame, pool)
}

/// Sends an ICMP error about a datagram, if RFC 1122 and the rate limits allow the error. `addresses` are source and
/// destination of the error.
///
/// Fails if no frame is available, or if an allowed error cannot be sent.
pub(crate) fn send_icmp_error(
    stack: &mut Stack,
    now: Instant,
    problem: IcmpError,
    about: &[u8],
    destination_kind: DestinationKind,
    addresses: (Ipv4Addr, Ipv4Addr),
    pool: &mut Pool,
) -> Result<(), DropReason> {
    let (source, destination) = addresses;
    let mut frame = pool.take().ok_or_else(|| stack.count_tx_dropped(TxDropReason::NoFrame))?;
    // With a small MTU, the error quotes fewer bytes.
    let Ok(bytes) = frame.append((Ipv4Fields::LENGTH + IcmpError::MAX_LENGTH).min(stack.config.mtu)) else {
        return Ok(drop_frame(stack, TxDropReason::TooLong, frame, pool).map(drop)?);
    };
    let message = bytes.get_mut(Ipv4Fields::LENGTH..).unwrap_or_default();
    // `Icmp` counts the errors that it suppresses.
    let error = stack.icmp.write_error(now, problem, about, destination_kind, &stack.addresses, message);
    // spec: rfc1122-error-service
    let fields = Ipv4Fields {
        time_to_live: stack.config.time_to_live,
        identification: stack.identification.next(source, destination, IpProtocol::ICMP),
        ..Ipv4Fields::new(IpProtocol::ICMP, source, destination)
    };
    let is_written = error.is_ok_and(|length| {
        frame.narrow(0, Ipv4Fields::LENGTH + length).is_ok() && fields.write_to(frame.bytes_mut()).is_ok()
    });
    if !is_written {
        pool.give(frame);
        return Ok(());
    }
    if send_datagram(stack, now, CONTROL, addresses, frame, pool)? == SendOutcome::NoRoute {
        return Err(DropReason::NoRoute);
    }
    stack.counters.icmp_errors = stack.counters.icmp_errors.saturating_add(1);
    Ok(())
}

/// Sends a datagram from a local address, to a broadcast or multicast MAC address or to the next hop.
fn send_datagram(
    stack: &mut Stack,
    now: Instant,
    queue: QueueOf,
    (source, destination): (Ipv4Addr, Ipv4Addr),
    frame: Frame,
    pool: &mut Pool,
) -> Result<SendOutcome, TxDropReason> {
    // spec: rfc1122-source-address
    let Some(mac) = stack.addresses.mac_of(source) else {
        return drop_frame(stack, TxDropReason::NoSourceAddress, frame, pool);
    };
    let packet = PendingPacket { ether_type: EtherType::IPV4, source, mac, frame };
    // spec: rfc1122-broadcast-sent
    if stack.addresses.is_broadcast(destination) {
        return enqueue(stack, queue, MacAddr::BROADCAST, packet, pool);
    }
    if let Some(group) = multicast_mac(destination) {
        return enqueue(stack, queue, group, packet, pool);
    }
    send_unicast(stack, now, queue, destination, packet, pool)
}

/// Sends a reply, which `packet` contains, to the next hop on the route to its destination.
pub(crate) fn send_reply(
    stack: &mut Stack,
    now: Instant,
    destination: Ipv4Addr,
    packet: PendingPacket,
    pool: &mut Pool,
) -> Result<SendOutcome, TxDropReason> {
    send_unicast(stack, now, CONTROL, destination, packet, pool)
}

/// Sends a datagram to the next hop on the route to its destination.
fn send_unicast(
    stack: &mut Stack,
    now: Instant,
    queue: QueueOf,
    destination: Ipv4Addr,
    packet: PendingPacket,
    pool: &mut Pool,
) -> Result<SendOutcome, TxDropReason> {
    let Some(hop) = stack.routes.next_hop(packet.source, destination, INTERFACE) else {
        stack.counters.no_route = stack.counters.no_route.saturating_add(1);
        pool.give(packet.frame);
        return Ok(SendOutcome::NoRoute);
    };
    resolve(stack, now, queue, hop.neighbor(), packet, pool)
}

/// Sends a packet to a neighbor. The packet becomes pending if the neighbor's MAC address is not known.
fn resolve(
    stack: &mut Stack,
    now: Instant,
    queue: QueueOf,
    neighbor: Ipv4Addr,
    packet: PendingPacket,
    pool: &mut Pool,
) -> Result<SendOutcome, TxDropReason> {
    // A host does not send to its own address, even if another host uses the address too.
    if neighbor == packet.source {
        return drop_frame(stack, TxDropReason::NextHopUnresolved, packet.frame, pool);
    }
    match stack.arp.resolve(now, &stack.addresses, neighbor, packet.frame.len(), packet) {
        // spec: rfc826-found
        Resolution::Known(mac, packet) => enqueue(stack, queue, mac, packet, pool),
        // spec: reply-resolved
        Resolution::Pending => Ok(SendOutcome::Pending),
        // spec: drops-counted
        Resolution::Refused(packet) => drop_frame(stack, TxDropReason::NextHopUnresolved, packet.frame, pool),
    }
}

/// Adds a packet to a queue: a frame with its link header, or a datagram that is longer than the MTU and departs in
/// fragments.
pub(crate) fn enqueue(
    stack: &mut Stack,
    queue: QueueOf,
    to: MacAddr,
    packet: PendingPacket,
    pool: &mut Pool,
) -> Result<SendOutcome, TxDropReason> {
    let PendingPacket { ether_type, mac, mut frame, .. } = packet;
    let is_datagram = ether_type == EtherType::IPV4;
    let (is_sendable, fragments) = if is_datagram && frame.len() > stack.config.mtu {
        let cursor = FragmentCursor { destination: to, source: mac, offset: 0 };
        (can_be_fragmented(frame.bytes(), stack.config.mtu), Some(cursor))
    } else {
        (stack.link.add_header(&mut frame, to, mac, ether_type).is_ok(), None)
    };
    if !is_sendable {
        return drop_frame(stack, TxDropReason::TooLong, frame, pool);
    }
    if let Err(packet) = queue(&mut stack.tx_queues).push(QueuedPacket { frame, fragments }) {
        return drop_frame(stack, TxDropReason::TxQueueFull, packet.frame, pool);
    }
    if is_datagram {
        stack.counters.datagrams_sent = stack.counters.datagrams_sent.saturating_add(1);
    }
    Ok(SendOutcome::Queued)
}

/// Returns whether a datagram that is longer than the MTU can be sent in fragments.
fn can_be_fragmented(datagram: &[u8], mtu: usize) -> bool {
    Datagram::parse(datagram)
        .is_ok_and(|datagram| Fragments::of(datagram.payload().len(), mtu, datagram.dont_fragment()).is_ok())
}

/// Returns a frame to the pool, and counts the reason for which the frame was not sent.
fn drop_frame(
    stack: &mut Stack,
    reason: TxDropReason,
    frame: Frame,
    pool: &mut Pool,
) -> Result<SendOutcome, TxDropReason> {
    pool.give(frame);
    Err(stack.count_tx_dropped(reason))
}

/// Writes an echo request of `length` bytes into an empty frame.
fn write_echo_request(frame: &mut Frame, length: usize, fields: Ipv4Fields, echo: Echo<'_>) -> Option<()> {
    let bytes = frame.append(length).ok()?;
    echo.write_to(IcmpType::ECHO_REQUEST, bytes.get_mut(Ipv4Fields::LENGTH..)?).ok()?;
    fields.write_to(bytes).ok()
}
