//! Pulled output: moves the packets that are due to the batch of the device, and runs the timers.

use std::net::Ipv4Addr;

use arp::{ArpAction, NeighborAction, Operation, PacketFields, ReturnReason};
use base::ReasonCounters;
use icmp::{IcmpError, QuotedDatagram};
use ipv4::{Datagram, Fragments, Ipv4Fields};
use link::{DestinationKind, EtherType, Link, MacAddr};
use tap::{Batch, Exchange, Frame, Instant, OutOfSpace, Pool, Token};

use crate::egress;
use crate::event::{DeliveryFailure, HostEvent};
use crate::outcome::TxDropReason;
use crate::stack::{PendingPacket, Stack};
use crate::tx_queue::{FragmentCursor, QueuedPacket, TxQueue, TxQueues};

/// Returns the time at which the next timer is due, or the start of the time scale while packets wait for the device.
pub(crate) fn deadline(stack: &Stack) -> Option<Instant> {
    if !stack.tx_queues.is_empty() {
        return Some(Instant::ORIGIN);
    }
    [stack.arp.deadline(), stack.ipv4.deadline()].into_iter().flatten().min()
}

/// Runs the timers of the stacks that are due at `now`, and moves packets to `departing` while it has capacity. The
/// order is control packets, ARP requests and probes, packets with a next hop that was just resolved, and data.
///
/// Control packets leave a quarter of the batch to the other packets, so that a flood of requests stops neither ARP nor
/// data. Data waits in its queue, so that data stops neither ARP nor receiving.
pub(crate) fn transmit(
    first: &mut Stack,
    others: &mut [Stack],
    now: Instant,
    departing: &mut Batch,
    pool: &mut Pool,
) {
    let reserved = departing.free_capacity() / 4;
    for stack in std::iter::once(&mut *first).chain(&mut *others) {
        report_reassembly_timeouts(stack, now, pool);
        depart(stack, |queues| &mut queues.control, reserved, departing, pool);
    }
    for stack in std::iter::once(&mut *first).chain(&mut *others) {
        run_arp(stack, now, departing, pool);
        depart(stack, |queues| &mut queues.resolved, 0, departing, pool);
    }
    for stack in std::iter::once(first).chain(others) {
        depart(stack, |queues| &mut queues.data, 0, departing, pool);
        depart(stack, |queues| &mut queues.control, 0, departing, pool);
    }
}

/// Maximum number of reassembly timeouts in one iteration of the event loop. The next iteration follows immediately.
const REASSEMBLY_TIMEOUTS: usize = 64;

/// Sends an ICMP error to the sender of each incomplete datagram that has timed out, while the control queue has more
/// capacity than one batch of received frames needs.
fn report_reassembly_timeouts(stack: &mut Stack, now: Instant, pool: &mut Pool) {
    for _ in 0..REASSEMBLY_TIMEOUTS {
        if stack.tx_queues.control.free_capacity() <= Exchange::BATCH {
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
        let about = quote.bytes();
        _ = egress::send_icmp_error(stack, now, problem, about, DestinationKind::Unicast, addresses, pool);
    }
}

/// Moves packets of a queue to the batch, while the batch has more than `reserved` free places. A datagram that is
/// longer than the MTU is fragmented, and returns to the queue until its last fragment departs.
fn depart(
    stack: &mut Stack,
    queue: impl Fn(&mut TxQueues) -> &mut TxQueue,
    reserved: usize,
    departing: &mut Batch,
    pool: &mut Pool,
) {
    while departing.free_capacity() > reserved {
        let Some(packet) = queue(&mut stack.tx_queues).pop() else { return };
        let Some(cursor) = packet.fragments else {
            push(departing, packet.frame, &mut stack.tx_dropped, pool);
            continue;
        };
        match cut_fragment(&stack.link, stack.config.mtu, packet.frame.bytes(), cursor, pool) {
            Ok((fragment, next)) => {
                push(departing, fragment, &mut stack.tx_dropped, pool);
                match next {
                    Some(_) => {
                        queue(&mut stack.tx_queues).put_back(QueuedPacket { fragments: next, ..packet })
                    }
                    None => pool.give(packet.frame),
                }
            }
            Err(reason) => {
                stack.count_tx_dropped(reason);
                pool.give(packet.frame);
            }
        }
    }
}

/// Adds a frame to the batch, which has capacity for the frame.
#[inline]
fn push(departing: &mut Batch, frame: Frame, dropped: &mut ReasonCounters<TxDropReason>, pool: &mut Pool) {
    if let Err(frame) = departing.push(frame) {
        dropped.count(TxDropReason::TxQueueFull);
        pool.give(frame);
    }
}

/// Returns the next fragment of a datagram in a frame with a link header, and the position of the fragment after it.
fn cut_fragment(
    link: &Link,
    mtu: usize,
    datagram: &[u8],
    cursor: FragmentCursor,
    pool: &mut Pool,
) -> Result<(Frame, Option<FragmentCursor>), TxDropReason> {
    let datagram = Datagram::parse(datagram).map_err(|_| TxDropReason::TooLong)?;
    let (fields, payload) = (Ipv4Fields::from(&datagram), datagram.payload());
    let fragments = Fragments::of(payload.len(), mtu, fields.dont_fragment);
    let mut fragments = fragments.map_err(|_| TxDropReason::TooLong)?.starting_at(cursor.offset.into());
    let fragment = fragments.next().ok_or(TxDropReason::TooLong)?;
    let data = payload.get(fragment.range.clone()).ok_or(TxDropReason::TooLong)?;
    let mut frame = pool.take().ok_or(TxDropReason::NoFrame)?;
    let is_written = write_datagram(&mut frame, fragment.apply(fields), data).is_some()
        && link.add_header(&mut frame, cursor.destination, cursor.source, EtherType::IPV4).is_ok();
    if !is_written {
        pool.give(frame);
        return Err(TxDropReason::TooLong);
    }
    let next = u16::try_from(fragment.range.end).ok().filter(|_| fragment.more_fragments);
    Ok((frame, next.map(|offset| FragmentCursor { offset, ..cursor })))
}

/// Writes a fragment into an empty frame.
fn write_datagram(frame: &mut Frame, fields: Ipv4Fields, data: &[u8]) -> Option<()> {
    let bytes = frame.append(Ipv4Fields::LENGTH + data.len()).ok()?;
    bytes.get_mut(Ipv4Fields::LENGTH..)?.copy_from_slice(data);
    fields.write_to(bytes).ok()
}

/// Performs the actions of ARP that are due, while the batch and the queue of resolved packets have capacity.
fn run_arp(stack: &mut Stack, now: Instant, departing: &mut Batch, pool: &mut Pool) {
    while departing.free_capacity() > 0 && stack.tx_queues.resolved.free_capacity() > 0 {
        match stack.arp.poll(now, &mut stack.addresses) {
            None => return,
            Some(ArpAction::Broadcast(fields)) => send_claim_packet(stack, now, fields, departing, pool),
            Some(ArpAction::Neighbor(action)) => run_neighbor_action(stack, now, action, departing, pool),
        }
    }
}

fn run_neighbor_action(
    stack: &mut Stack,
    now: Instant,
    action: NeighborAction<Ipv4Addr, PendingPacket>,
    departing: &mut Batch,
    pool: &mut Pool,
) {
    match action {
        NeighborAction::Return { packet, reason, .. } => drop_unresolved(stack, packet, reason, pool),
        // A pending packet is not sent from an address that is no longer in use.
        // spec: rfc5227-silence
        NeighborAction::Send { packet, .. } if stack.addresses.mac_of(packet.source).is_none() => {
            stack.count_tx_dropped(TxDropReason::NoSourceAddress);
            pool.give(packet.frame);
        }
        NeighborAction::Send { mac, packet, .. } => {
            _ = egress::enqueue(stack, |queues| &mut queues.resolved, mac, packet, pool);
        }
        // Several hosts may share the neighbor table. One of them sends the request.
        NeighborAction::Request { ip, mac } => match stack.addresses.source_for(ip) {
            None => _ = stack.count_tx_dropped(TxDropReason::NoSourceAddress),
            Some((local_ip, local_mac)) => {
                // spec: rfc826-request, rfc3927-broadcast
                let to = mac.map_or(MacAddr::BROADCAST, |mac| arp::destination(local_ip, mac));
                // spec: request-refused
                let request = arp_request(local_ip, local_mac, ip);
                if !send_arp(stack, request, to, ArpSender::Resolution(ip), departing, pool) {
                    stack.arp.request_refused(now, ip);
                }
            }
        },
    }
}

/// Returns a packet to the pool because its next hop was not resolved. If the packet is a datagram and the next hop did
/// not answer, an event reports the failed delivery.
fn drop_unresolved(stack: &mut Stack, packet: PendingPacket, reason: ReturnReason, pool: &mut Pool) {
    if packet.ether_type == EtherType::IPV4
        && reason == ReturnReason::Failed
        && let Some(about) = QuotedDatagram::parse(packet.frame.bytes())
    {
        // spec: rfc1122-host-unreachable
        let failure = DeliveryFailure::new(about.source(), IcmpError::HOST_UNREACHABLE, &about);
        stack.events.push(HostEvent::DeliveryFailed(failure));
    }
    pool.give(packet.frame);
}

/// Broadcasts a probe or an announcement. A packet that cannot be sent counts as refused by the device.
fn send_claim_packet(
    stack: &mut Stack,
    now: Instant,
    fields: PacketFields,
    departing: &mut Batch,
    pool: &mut Pool,
) {
    let ip = fields.target_protocol;
    // spec: rfc5227-broadcast
    if !send_arp(stack, fields, MacAddr::BROADCAST, ArpSender::Claim(ip), departing, pool) {
        // spec: rfc5227-probe-refused, announcement-refused
        stack.arp.claim_packet_refused(now, ip);
    }
}

/// Adds an ARP packet to the batch, which has capacity for a frame. Returns whether the packet was added.
fn send_arp(
    stack: &mut Stack,
    fields: PacketFields,
    to: MacAddr,
    sender: ArpSender,
    departing: &mut Batch,
    pool: &mut Pool,
) -> bool {
    match arp_frame(&stack.link, fields, to, pool) {
        Ok(mut frame) => {
            frame.set_token(sender.token(stack.number));
            push(departing, frame, &mut stack.tx_dropped, pool);
            true
        }
        Err(reason) => {
            stack.count_tx_dropped(reason);
            false
        }
    }
}

/// The part of ARP that sent a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArpSender {
    /// The claim to an address.
    Claim(Ipv4Addr),
    /// The resolution of an address.
    Resolution(Ipv4Addr),
}

impl ArpSender {
    const CLAIM: u8 = 1;
    const RESOLUTION: u8 = 2;

    /// Returns the token of a packet of the stack with this number. Its bytes are 0, the kind of the sender, the number
    /// of the stack (2 bytes), and the address (4 bytes).
    fn token(self, stack: u16) -> Token {
        let (kind, ip) = match self {
            Self::Claim(ip) => (Self::CLAIM, ip),
            Self::Resolution(ip) => (Self::RESOLUTION, ip),
        };
        let ([a, b], [c, d, e, f]) = (stack.to_be_bytes(), ip.octets());
        Token::new(u64::from_be_bytes([0, kind, a, b, c, d, e, f]))
    }

    /// Returns the number of the stack and the sender, or `None` for the token of another packet.
    pub(crate) fn of_token(token: Token) -> Option<(u16, ArpSender)> {
        let [_, kind, a, b, c, d, e, f] = token.value().to_be_bytes();
        let ip = Ipv4Addr::new(c, d, e, f);
        let sender = match kind {
            Self::CLAIM => Self::Claim(ip),
            Self::RESOLUTION => Self::Resolution(ip),
            _ => return None,
        };
        Some((u16::from_be_bytes([a, b]), sender))
    }
}

/// Returns a frame with an ARP packet.
fn arp_frame(link: &Link, fields: PacketFields, to: MacAddr, pool: &mut Pool) -> Result<Frame, TxDropReason> {
    let mut frame = pool.take().ok_or(TxDropReason::NoFrame)?;
    let written = write_arp(&mut frame, fields)
        .and_then(|()| link.add_header(&mut frame, to, fields.sender_hardware, EtherType::ARP));
    match written {
        Ok(()) => Ok(frame),
        Err(OutOfSpace) => {
            pool.give(frame);
            Err(TxDropReason::TooLong)
        }
    }
}

fn write_arp(frame: &mut Frame, fields: PacketFields) -> Result<(), OutOfSpace> {
    fields.write_to(frame.append(PacketFields::LENGTH)?).map_err(|_| OutOfSpace)
}

/// Returns the ARP request for `target` from the host with this IP and MAC address.
fn arp_request(ip: Ipv4Addr, mac: MacAddr, target: Ipv4Addr) -> PacketFields {
    // spec: rfc826-request-fields
    PacketFields {
        operation: Operation::REQUEST,
        sender_hardware: mac,
        sender_protocol: ip,
        target_hardware: MacAddr::ZERO,
        target_protocol: target,
    }
}
