//! Transmission of payloads, datagrams, ARP packets and ICMP errors, and timers.

use std::net::Ipv4Addr;

use arp::{ArpAction, NeighborAction, Operation, Resolution, ReturnReason};
use icmp::{Echo, IcmpError, IcmpType, QuotedDatagram};
use inet::IpProtocol;
use ipv4::{Datagram, Fragments, Ipv4Fields, multicast_mac};
use link::{DestinationKind, EtherType, MacAddr};
use tap::{Frame, Instant, OutOfSpace};

use crate::echo::EchoRequest;
use crate::event::{DeliveryFailure, HostEvent};
use crate::outcome::{DropReason, SendOutcome, TxDropReason};
use crate::stack::{INTERFACE, PendingPacket, Stack, TxContext};

/// Returns the time at which the next timer is due: see [`run_timers`].
pub(crate) fn deadline(stack: &Stack) -> Option<Instant> {
    [stack.arp.deadline(), stack.ipv4.deadline()].into_iter().flatten().min()
}

/// Runs the timers that are due at `now`. ARP timers run only while the transmit queue has capacity for the fragments
/// of a datagram: see [`max_fragments`].
pub(crate) fn run_timers(stack: &mut Stack, now: Instant, tx: &mut TxContext<'_>) {
    report_reassembly_timeouts(stack, now, tx);
    let fragments = max_fragments(stack);
    while tx.queue.free_capacity() >= fragments {
        match stack.arp.poll(now) {
            None => break,
            Some(ArpAction::Broadcast(fields)) => send_claim_packet(stack, now, fields, tx),
            Some(ArpAction::Neighbor(action)) => run_neighbor_action(stack, now, action, tx),
        }
    }
    stack.sync_link_local_address();
}

/// Sends a payload to a neighbor.
pub(crate) fn send_payload(
    stack: &mut Stack,
    now: Instant,
    neighbor: Ipv4Addr,
    ether_type: EtherType,
    frame: Frame,
    tx: &mut TxContext<'_>,
) -> Result<SendOutcome, TxDropReason> {
    match stack.arp.locals().first() {
        Some((source, mac)) => {
            resolve(stack, now, neighbor, PendingPacket { ether_type, source, mac, frame }, tx)
        }
        // spec: rfc5227-silence
        None => drop_frame(stack, TxDropReason::NoSourceAddress, frame, tx),
    }
}

/// Sends an echo request with this data.
pub(crate) fn ping(
    stack: &mut Stack,
    now: Instant,
    request: EchoRequest,
    data: &[u8],
    tx: &mut TxContext<'_>,
) -> Result<SendOutcome, TxDropReason> {
    let source = stack.address().map(|network| network.addr());
    let length = Ipv4Fields::LENGTH + Echo::HEADER + data.len();
    let is_large = length > stack.config.mtu;
    let frame = if is_large { tx.pool.take_large() } else { tx.pool.take() };
    let mut frame = frame.ok_or_else(|| stack.count_tx_dropped(TxDropReason::NoFrame))?;
    let Some(source) = source else {
        return drop_frame(stack, TxDropReason::NoSourceAddress, frame, tx);
    };
    let fields = Ipv4Fields {
        time_to_live: request.time_to_live,
        identification: stack.identification.next(source, request.destination, IpProtocol::ICMP),
        ..Ipv4Fields::new(IpProtocol::ICMP, source, request.destination)
    };
    let echo = Echo { identifier: request.identifier, sequence: request.sequence, data };
    if write_echo_request(&mut frame, length, fields, echo).is_none() {
        return drop_frame(stack, TxDropReason::TooLong, frame, tx);
    }
    send_datagram(stack, now, source, request.destination, frame, tx)
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
    tx: &mut TxContext<'_>,
) -> Result<(), DropReason> {
    let (source, destination) = addresses;
    let mut frame = tx.pool.take().ok_or_else(|| stack.count_tx_dropped(TxDropReason::NoFrame))?;
    // With a small MTU, the error quotes fewer bytes.
    let Ok(bytes) = frame.append((Ipv4Fields::LENGTH + IcmpError::MAX_LENGTH).min(stack.config.mtu)) else {
        return Ok(drop_frame(stack, TxDropReason::TooLong, frame, tx).map(drop)?);
    };
    let message = bytes.get_mut(Ipv4Fields::LENGTH..).unwrap_or_default();
    // `Icmp` counts the errors that it suppresses.
    let error =
        stack.icmp.write_error(now, problem, about, destination_kind, stack.ipv4.addresses(), message);
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
        tx.pool.give(frame);
        return Ok(());
    }
    if send_datagram(stack, now, source, destination, frame, tx)? == SendOutcome::NoRoute {
        return Err(DropReason::NoRoute);
    }
    stack.counters.icmp_errors = stack.counters.icmp_errors.saturating_add(1);
    Ok(())
}

/// Maximum number of reassembly timeouts in one iteration of the event loop. The next iteration follows immediately.
const REASSEMBLY_TIMEOUTS: usize = 64;

/// Sends an ICMP error to the sender of each incomplete datagram that has timed out, while the transmit queue has
/// capacity.
fn report_reassembly_timeouts(stack: &mut Stack, now: Instant, tx: &mut TxContext<'_>) {
    for _ in 0..REASSEMBLY_TIMEOUTS {
        if tx.queue.free_capacity() == 0 {
            return;
        }
        let Some(timed_out) = stack.ipv4.take_timed_out(now) else { return };
        // spec: rfc792-reassembly-time
        let Some(quote) =
            timed_out.first_fragment.filter(|quote| QuotedDatagram::parse(quote.bytes()).is_some())
        else {
            continue;
        };
        let addresses = (timed_out.destination, timed_out.source);
        let problem = IcmpError::REASSEMBLY_EXCEEDED;
        _ = send_icmp_error(stack, now, problem, quote.bytes(), DestinationKind::Unicast, addresses, tx);
    }
}

/// Returns the number of frames of the longest datagram, at most half of the transmit queue. While the queue has less
/// free capacity, pending packets stay pending.
fn max_fragments(stack: &Stack) -> usize {
    let fragment = stack.config.mtu.saturating_sub(Ipv4Fields::LENGTH + 7).max(8);
    (Datagram::MAX_LENGTH / fragment + 1).min(TxContext::QUEUE / 2)
}

fn run_neighbor_action(
    stack: &mut Stack,
    now: Instant,
    action: NeighborAction<Ipv4Addr, PendingPacket>,
    tx: &mut TxContext<'_>,
) {
    match (action, stack.arp.locals().first()) {
        (NeighborAction::Return { packet, reason, .. }, _) => drop_unresolved(stack, packet, reason, tx),
        // A pending packet is not sent from an address that is no longer in use.
        // spec: rfc5227-silence
        (NeighborAction::Send { packet, .. }, _) if stack.mac_of(packet.source).is_none() => {
            _ = drop_frame(stack, TxDropReason::NoSourceAddress, packet.frame, tx);
        }
        (NeighborAction::Send { mac, packet, .. }, _) => _ = transmit(stack, mac, packet, tx),
        (NeighborAction::Request { .. }, None) => {
            stack.count_tx_dropped(TxDropReason::NoSourceAddress);
        }
        // If several hosts share the neighbor table, the first host sends the request.
        (NeighborAction::Request { ip, mac }, Some((local_ip, local_mac))) => {
            // spec: rfc826-request, rfc3927-broadcast
            let to = mac.map_or(MacAddr::BROADCAST, |mac| arp::destination(local_ip, mac));
            // spec: request-refused
            if queue_arp(stack, arp_request(local_ip, local_mac, ip), to, tx).is_err() {
                stack.arp.request_refused(now, ip);
            }
        }
    }
}

/// Returns a packet to the pool because its next hop was not resolved. If the packet is a datagram and the next hop did
/// not answer, an event reports the failed delivery.
fn drop_unresolved(stack: &mut Stack, packet: PendingPacket, reason: ReturnReason, tx: &mut TxContext<'_>) {
    if packet.ether_type == EtherType::IPV4
        && reason == ReturnReason::Failed
        && let Some(about) = QuotedDatagram::parse(packet.frame.bytes())
    {
        // spec: rfc1122-host-unreachable
        let failure = DeliveryFailure::new(about.source(), IcmpError::HOST_UNREACHABLE, &about);
        stack.events.push(HostEvent::DeliveryFailed(failure));
    }
    tx.pool.give(packet.frame);
}

/// Sends a datagram from a local address, to a broadcast or multicast MAC address or to the next hop.
fn send_datagram(
    stack: &mut Stack,
    now: Instant,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    frame: Frame,
    tx: &mut TxContext<'_>,
) -> Result<SendOutcome, TxDropReason> {
    // spec: rfc1122-source-address
    let Some(mac) = stack.mac_of(source) else {
        return drop_frame(stack, TxDropReason::NoSourceAddress, frame, tx);
    };
    let packet = PendingPacket { ether_type: EtherType::IPV4, source, mac, frame };
    // spec: rfc1122-broadcast-sent
    if stack.ipv4.addresses().is_broadcast(destination) {
        return transmit(stack, MacAddr::BROADCAST, packet, tx);
    }
    if let Some(group) = multicast_mac(destination) {
        return transmit(stack, group, packet, tx);
    }
    send_unicast(stack, now, destination, packet, tx)
}

/// Sends a datagram to the next hop on the route to its destination.
pub(crate) fn send_unicast(
    stack: &mut Stack,
    now: Instant,
    destination: Ipv4Addr,
    packet: PendingPacket,
    tx: &mut TxContext<'_>,
) -> Result<SendOutcome, TxDropReason> {
    let Some(hop) = stack.routes.next_hop(packet.source, destination, INTERFACE) else {
        stack.counters.no_route = stack.counters.no_route.saturating_add(1);
        tx.pool.give(packet.frame);
        return Ok(SendOutcome::NoRoute);
    };
    resolve(stack, now, hop.neighbor(), packet, tx)
}

/// Sends a packet to a neighbor. The packet becomes pending if the neighbor's MAC address is not known.
fn resolve(
    stack: &mut Stack,
    now: Instant,
    neighbor: Ipv4Addr,
    packet: PendingPacket,
    tx: &mut TxContext<'_>,
) -> Result<SendOutcome, TxDropReason> {
    match stack.arp.resolve(now, neighbor, packet.frame.len(), packet) {
        // spec: rfc826-found
        Resolution::Known(mac, packet) => transmit(stack, mac, packet, tx),
        // spec: reply-resolved
        Resolution::Pending => Ok(SendOutcome::Pending),
        // spec: drops-counted
        Resolution::Refused(packet) => drop_frame(stack, TxDropReason::NextHopUnresolved, packet.frame, tx),
    }
}

/// Prepends the link header and queues the frame. A datagram longer than the MTU is fragmented.
fn transmit(
    stack: &mut Stack,
    to: MacAddr,
    packet: PendingPacket,
    tx: &mut TxContext<'_>,
) -> Result<SendOutcome, TxDropReason> {
    let is_datagram = packet.ether_type == EtherType::IPV4;
    if is_datagram && packet.frame.len() > stack.config.mtu {
        transmit_fragments(stack, to, packet, tx)?;
    } else {
        transmit_whole(stack, to, packet, tx)?;
    }
    if is_datagram {
        stack.counters.datagrams_sent = stack.counters.datagrams_sent.saturating_add(1);
    }
    Ok(SendOutcome::Queued)
}

fn transmit_whole(
    stack: &mut Stack,
    to: MacAddr,
    packet: PendingPacket,
    tx: &mut TxContext<'_>,
) -> Result<SendOutcome, TxDropReason> {
    let PendingPacket { ether_type, mac, mut frame, .. } = packet;
    if stack.link.add_header(&mut frame, to, mac, ether_type).is_err() {
        return drop_frame(stack, TxDropReason::TooLong, frame, tx);
    }
    match tx.queue.push(frame) {
        Ok(()) => Ok(SendOutcome::Queued),
        Err(frame) => drop_frame(stack, TxDropReason::TxQueueFull, frame, tx),
    }
}

/// Fragments a datagram and queues the fragments. Queues no fragment if the queue has too little capacity for all
/// fragments.
fn transmit_fragments(
    stack: &mut Stack,
    to: MacAddr,
    packet: PendingPacket,
    tx: &mut TxContext<'_>,
) -> Result<SendOutcome, TxDropReason> {
    let queued = queue_fragments(stack, to, &packet, tx);
    tx.pool.give(packet.frame);
    queued.map(|()| SendOutcome::Queued).map_err(|reason| stack.count_tx_dropped(reason))
}

fn queue_fragments(
    stack: &Stack,
    to: MacAddr,
    packet: &PendingPacket,
    tx: &mut TxContext<'_>,
) -> Result<(), TxDropReason> {
    let datagram = Datagram::parse(packet.frame.bytes()).map_err(|_| TxDropReason::TooLong)?;
    let (fields, payload) = (Ipv4Fields::from(&datagram), datagram.payload());
    let fragments = Fragments::of(payload.len(), stack.config.mtu, fields.dont_fragment);
    let fragments = fragments.map_err(|_| TxDropReason::TooLong)?;
    let count = fragments.clone().count();
    if count > tx.queue.free_capacity() {
        let exceeds_queue = count > TxContext::QUEUE;
        return Err(if exceeds_queue { TxDropReason::TooManyFragments } else { TxDropReason::TxQueueFull });
    }
    for fragment in fragments {
        let data = payload.get(fragment.range.clone()).ok_or(TxDropReason::TooLong)?;
        let mut frame = tx.pool.take().ok_or(TxDropReason::NoFrame)?;
        let is_written = write_datagram(&mut frame, fragment.apply(fields), data).is_some()
            && stack.link.add_header(&mut frame, to, packet.mac, EtherType::IPV4).is_ok();
        if !is_written {
            tx.pool.give(frame);
            return Err(TxDropReason::TooLong);
        }
        if let Err(frame) = tx.queue.push(frame) {
            tx.pool.give(frame);
            return Err(TxDropReason::TxQueueFull);
        }
    }
    Ok(())
}

/// Returns a frame to the pool, and counts the reason for which the frame was not sent.
fn drop_frame(
    stack: &mut Stack,
    reason: TxDropReason,
    frame: Frame,
    tx: &mut TxContext<'_>,
) -> Result<SendOutcome, TxDropReason> {
    tx.pool.give(frame);
    Err(stack.count_tx_dropped(reason))
}

/// Broadcasts a probe or an announcement. A packet that cannot be queued counts as refused by the device.
fn send_claim_packet(stack: &mut Stack, now: Instant, fields: arp::PacketFields, tx: &mut TxContext<'_>) {
    // spec: rfc5227-broadcast
    if queue_arp(stack, fields, MacAddr::BROADCAST, tx).is_err() {
        // spec: rfc5227-probe-refused, announcement-refused
        stack.arp.claim_packet_refused(now, fields.target_protocol);
    } else if fields.sender_protocol.is_unspecified() {
        stack.note_probe(fields.target_protocol);
    }
}

fn queue_arp(
    stack: &mut Stack,
    fields: arp::PacketFields,
    to: MacAddr,
    tx: &mut TxContext<'_>,
) -> Result<SendOutcome, TxDropReason> {
    let frame = tx.pool.take();
    let mut frame = frame.ok_or_else(|| stack.count_tx_dropped(TxDropReason::NoFrame))?;
    match write_arp(&mut frame, fields) {
        Ok(()) => {
            let (source, mac) = (fields.sender_protocol, fields.sender_hardware);
            transmit(stack, to, PendingPacket { ether_type: EtherType::ARP, source, mac, frame }, tx)
        }
        Err(OutOfSpace) => drop_frame(stack, TxDropReason::TooLong, frame, tx),
    }
}

/// Writes an echo request of `length` bytes into an empty frame.
fn write_echo_request(frame: &mut Frame, length: usize, fields: Ipv4Fields, echo: Echo<'_>) -> Option<()> {
    let bytes = frame.append(length).ok()?;
    echo.write_to(IcmpType::ECHO_REQUEST, bytes.get_mut(Ipv4Fields::LENGTH..)?).ok()?;
    fields.write_to(bytes).ok()
}

/// Writes a datagram or a fragment into an empty frame.
fn write_datagram(frame: &mut Frame, fields: Ipv4Fields, data: &[u8]) -> Option<()> {
    let bytes = frame.append(Ipv4Fields::LENGTH + data.len()).ok()?;
    bytes.get_mut(Ipv4Fields::LENGTH..)?.copy_from_slice(data);
    fields.write_to(bytes).ok()
}

fn write_arp(frame: &mut Frame, fields: arp::PacketFields) -> Result<(), OutOfSpace> {
    fields.write_to(frame.append(arp::PacketFields::LENGTH)?).map_err(|_| OutOfSpace)
}

/// Returns the ARP request for `target` from the host with this IP and MAC address.
fn arp_request(ip: Ipv4Addr, mac: MacAddr, target: Ipv4Addr) -> arp::PacketFields {
    // spec: rfc826-request-fields
    arp::PacketFields {
        operation: Operation::REQUEST,
        sender_hardware: mac,
        sender_protocol: ip,
        target_hardware: MacAddr::ZERO,
        target_protocol: target,
    }
}
