//! Pulled output: moves the packets that are due to the batch of the device, and runs the timers.

use std::net::Ipv4Addr;

use arp::{ArpAction, NeighborAction, Operation, PacketFields, ReturnReason};
use icmp::{IcmpError, QuotedDatagram};
use inet::{InterfaceId, IpProtocol};
use ipv4::{Datagram, Fragments, Ipv4Fields};
use link::{DestinationKind, EtherType, MacAddr};
use tap::{Batch, Exchange, Frame, Instant, OutOfSpace, Pool, Token};
use tcp::PathProblem;

use crate::egress;
use crate::gateways;
use crate::interface::{Context, HostInterface, PendingPacket, Shared};
use crate::interfaces::{Interfaces, PortState};
use crate::outcome::{SendOutcome, TxDropReason};
use crate::quoted_segment;
use crate::socket_failure;
use crate::tx_queue::{FragmentCursor, TxQueue, TxQueues};
use crate::{tcp_input, tcp_output};

/// Returns the time at which the next timer of an interface is due. While packets wait, the time is `now`, the time of
/// the latest call.
pub(crate) fn deadline(interface: &HostInterface, shared: &Shared, now: Instant) -> Option<Instant> {
    if !interface.tx_queues.is_empty() || shared.has_output(interface.id) {
        return Some(now);
    }
    [interface.arp.deadline(), interface.ipv4.deadline()].into_iter().flatten().min()
}

/// Runs the timers of the interfaces of a port that are due at `now`, and moves packets to `departing` while it has
/// capacity. The order is ARP requests and probes, control packets, packets with a next hop that was just resolved,
/// data, datagrams of sockets, and TCP segments. The interfaces take turns.
///
/// The interfaces together give ARP at most a quarter of the batch. Control packets leave a quarter of the batch to the
/// packets behind them, so that a flood of requests stops neither ARP nor data. Data waits in its queue, so that data
/// stops neither ARP nor receiving.
// spec: output-order
pub(crate) fn transmit(
    interfaces: &mut Interfaces,
    shared: &mut Shared,
    port: &mut PortState,
    now: Instant,
    departing: &mut Batch,
    pool: &mut Pool,
) {
    let (id, turns) = (port.id, port.turns);
    port.turns = turns.wrapping_add(1);
    let quarter = departing.free_capacity() / 4;
    let after_arp = departing.free_capacity().saturating_sub(quarter.max(1));
    let mut has_others = false;
    interfaces.for_each(id, turns, |interface| {
        let cx = &mut Context { now, interface, shared, pool };
        report_reassembly_timeouts(cx);
        gateways::check(cx);
        run_arp(cx, after_arp, departing);
        has_others |= cx.interface.tx_queues.has_others() || cx.shared.has_output(cx.interface.id);
    });
    let reserved = if has_others { quarter } else { 0 };
    interfaces.for_each(id, turns, |interface| {
        let cx = &mut Context { now, interface, shared, pool };
        depart(cx, |queues| &mut queues.control, reserved, departing);
    });
    if has_others {
        interfaces.for_each(id, turns, |interface| {
            let cx = &mut Context { now, interface, shared, pool };
            depart(cx, |queues| &mut queues.resolved, 0, departing);
        });
        interfaces.for_each(id, turns, |interface| {
            let cx = &mut Context { now, interface, shared, pool };
            // Data leaves half of the batch to TCP segments.
            let has_segments = cx.shared.tcp.has_output(cx.interface.id);
            let reserved = if has_segments { departing.free_capacity() / 2 } else { 0 };
            depart(cx, |queues| &mut queues.data, reserved, departing);
            let has_pending_datagrams = serve_sockets(cx, reserved, departing);
            if serve_connections(cx, departing) || has_pending_datagrams {
                run_arp(cx, after_arp, departing);
            }
            depart(cx, |queues| &mut queues.control, 0, departing);
        });
    }
    port.is_congested = departing.free_capacity() == 0;
}

/// Maximum number of datagrams that a socket sends before the other sockets of the interface.
const SOCKET_BURST: usize = 16;

/// Maximum number of datagrams of sockets that an interface sends or drops in one turn. The next turn follows
/// immediately.
const SOCKET_DATAGRAMS: usize = 2 * Exchange::BATCH;

/// Sends datagrams of the sockets of an interface while the batch has capacity. The sockets take turns.
///
/// The datagrams pass the data queue, and never fill it: the next waiting datagram follows only after the previous datagrams
/// have departed, or wait for their next hop. `reserved` places of the batch are left free. Returns whether a datagram
/// waits for its next hop.
// spec: socket-output
fn serve_sockets(cx: &mut Context<'_>, reserved: usize, departing: &mut Batch) -> bool {
    let (mut count, mut is_pending) = (0, false);
    while count < SOCKET_DATAGRAMS
        && let Some(sender) = cx.shared.sockets.first_sender(cx.interface.id)
    {
        // A queue that is not empty waits for capacity of the batch.
        let waiting = cx.interface.tx_queues.data.len();
        let capacity = departing.free_capacity().saturating_sub(waiting + reserved);
        if capacity == 0 {
            break;
        }
        for _ in 0..SOCKET_BURST.min(capacity) {
            let Some(packet) = cx.shared.sockets.take_to_send(sender) else { break };
            count += 1;
            // The interface counts a datagram that cannot be sent.
            is_pending |= egress::send_socket_packet(cx, packet) == Ok(SendOutcome::Pending);
        }
        cx.shared.sockets.rotate_sender(sender);
        depart(cx, |queues| &mut queues.data, reserved, departing);
    }
    is_pending
}

/// Maximum number of TCP segments that an interface sends or drops in one turn. The next turn follows immediately.
const SEGMENTS: usize = 2 * Exchange::BATCH;

/// Sends TCP segments of an interface while the batch has capacity. Returns whether a segment waits for its next hop.
fn serve_connections(cx: &mut Context<'_>, departing: &mut Batch) -> bool {
    let (mut count, mut is_pending) = (0, false);
    while count < SEGMENTS && departing.free_capacity() > cx.interface.tx_queues.segments.len() {
        let Some((segments, sent)) = tcp_output::send_next(cx) else { break };
        count += segments;
        // The interface counts a segment that cannot be sent.
        is_pending |= sent == Ok(SendOutcome::Pending);
    }
    depart(cx, |queues| &mut queues.segments, 0, departing);
    is_pending
}

/// Maximum number of reassembly timeouts of an interface in one turn. The next turn follows immediately.
const REASSEMBLY_TIMEOUTS: usize = 64;

/// Sends an ICMP error to the sender of each incomplete datagram that has timed out, while the control queue has more
/// capacity than one batch of received frames needs.
fn report_reassembly_timeouts(cx: &mut Context<'_>) {
    for _ in 0..REASSEMBLY_TIMEOUTS {
        if cx.interface.tx_queues.control.free_capacity() <= Exchange::BATCH {
            return;
        }
        let Some(timed_out) = cx.interface.ipv4.take_timed_out(cx.now) else { return };
        // spec: rfc792-reassembly-time
        let Some(quote) =
            timed_out.first_fragment.filter(|quote| QuotedDatagram::parse(quote.bytes()).is_some())
        else {
            continue;
        };
        let addresses = (timed_out.destination, timed_out.source);
        let problem = IcmpError::REASSEMBLY_EXCEEDED;
        let about = quote.bytes();
        _ = egress::send_icmp_error(cx, problem, about, DestinationKind::Unicast, addresses);
    }
}

/// Moves packets of a queue to the batch, while the batch has more than `reserved` free places. A datagram that is
/// longer than the MTU is fragmented, and returns to the queue until its last fragment departs.
// spec: fragments-departure
fn depart(
    cx: &mut Context<'_>,
    queue: impl Fn(&mut TxQueues) -> &mut TxQueue,
    reserved: usize,
    departing: &mut Batch,
) {
    loop {
        let packets = queue(&mut cx.interface.tx_queues);
        packets.move_frames(departing, reserved);
        if departing.free_capacity() <= reserved {
            return;
        }
        let Some((frame, cursor)) = packets.pop_datagram() else { return };
        match cut_fragment(cx, frame.bytes(), cursor) {
            Ok((fragment, next)) => {
                push(cx, departing, fragment);
                match next {
                    Some(cursor) => queue(&mut cx.interface.tx_queues).put_back(frame, cursor),
                    None => cx.pool.give(frame),
                }
            }
            Err(reason) => {
                cx.interface.count_tx_dropped(reason);
                cx.pool.give(frame);
            }
        }
    }
}

/// Adds a frame to the batch, which has capacity for the frame.
#[inline]
fn push(cx: &mut Context<'_>, departing: &mut Batch, frame: Frame) {
    if let Err(frame) = departing.push(frame) {
        cx.interface.count_tx_dropped(TxDropReason::TxQueueFull);
        cx.pool.give(frame);
    }
}

/// Returns the next fragment of a datagram in a frame with a link header, and the position of the fragment after it.
fn cut_fragment(
    cx: &mut Context<'_>,
    datagram: &[u8],
    cursor: FragmentCursor,
) -> Result<(Frame, Option<FragmentCursor>), TxDropReason> {
    let datagram = Datagram::parse(datagram).map_err(|_| TxDropReason::TooLong)?;
    let (fields, payload) = (Ipv4Fields::from(&datagram), datagram.payload());
    let mtu = cx.interface.path_mtu(cx.now, fields.destination);
    let fragments = Fragments::of(payload.len(), mtu, fields.dont_fragment);
    let mut fragments = fragments.map_err(|_| TxDropReason::TooLong)?.starting_at(cursor.offset.into());
    let fragment = fragments.next().ok_or(TxDropReason::TooLong)?;
    let data = payload.get(fragment.range.clone()).ok_or(TxDropReason::TooLong)?;
    let mut frame = cx.pool.take().ok_or(TxDropReason::NoFrame)?;
    let is_written = write_datagram(&mut frame, fragment.apply(fields), data).is_some()
        && cx
            .interface
            .link
            .add_header(&mut frame, cursor.destination, cursor.source, EtherType::IPV4)
            .is_ok();
    if !is_written {
        cx.pool.give(frame);
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

/// Performs the actions of ARP that are due, while the batch has more than `reserved` free places and the queue of
/// resolved packets has capacity. Reports at most a batch of failures, so that the queue of a socket has capacity for
/// the next turn if the failures are taken.
// spec: failures-not-lost
fn run_arp(cx: &mut Context<'_>, reserved: usize, departing: &mut Batch) {
    let mut returned = 0;
    while departing.free_capacity() > reserved
        && cx.interface.tx_queues.resolved.free_capacity() > 0
        && returned < Exchange::BATCH
    {
        match cx.interface.arp.poll(cx.now, &mut cx.interface.addresses) {
            None => return,
            Some(ArpAction::Broadcast(fields)) => send_claim_packet(cx, fields, departing),
            Some(ArpAction::Neighbor(action)) => {
                returned += usize::from(matches!(
                    action,
                    NeighborAction::Return { reason: ReturnReason::Failed, .. }
                ));
                run_neighbor_action(cx, action, departing);
            }
        }
    }
}

fn run_neighbor_action(
    cx: &mut Context<'_>,
    action: NeighborAction<Ipv4Addr, PendingPacket>,
    departing: &mut Batch,
) {
    match action {
        NeighborAction::Return { ip, packet, reason } => drop_unresolved(cx, ip, packet, reason),
        // A pending packet is not sent from an address that is no longer in use.
        // spec: rfc5227-silence
        NeighborAction::Send { packet, .. } if cx.interface.addresses.mac_of(packet.source).is_none() => {
            cx.interface.count_tx_dropped(TxDropReason::NoSourceAddress);
            cx.pool.give(packet.frame);
        }
        NeighborAction::Send { ip, mac, packet } => {
            cx.shared.tcp.resolved(cx.now, cx.interface.id, ip);
            _ = egress::enqueue(cx, |queues| &mut queues.resolved, mac, packet);
        }
        // Several hosts may share the neighbor table. One of them sends the request.
        NeighborAction::Request { ip, mac } => match cx.interface.addresses.source_for(ip) {
            None => _ = cx.interface.count_tx_dropped(TxDropReason::NoSourceAddress),
            Some((local_ip, local_mac)) => {
                // spec: rfc826-request, rfc3927-broadcast
                let to = mac.map_or(MacAddr::BROADCAST, |mac| arp::destination(local_ip, mac));
                // spec: request-refused
                let request = arp_request(local_ip, local_mac, ip);
                if !send_arp(cx, request, to, ArpSender::Resolution(ip), departing) {
                    cx.interface.arp.request_refused(cx.now, ip);
                }
            }
        },
    }
}

/// Returns a packet to the pool because its next hop was not resolved. If the packet is a datagram of a socket and the
/// next hop did not answer, the failure is reported to the socket.
fn drop_unresolved(cx: &mut Context<'_>, hop: Ipv4Addr, mut packet: PendingPacket, reason: ReturnReason) {
    let is_replaced = reason == ReturnReason::Failed && gateways::fail(cx, hop);
    match reason {
        ReturnReason::Displaced => quoted_segment::report_unresolved(cx, hop, &packet),
        // The segments that wait for a gateway are sent to the gateway that replaces it.
        // spec: tcp-unresolved
        ReturnReason::Failed if is_replaced => cx.shared.tcp.resolved(cx.now, cx.interface.id, hop),
        ReturnReason::Failed | ReturnReason::Removed => cx.shared.tcp.unresolvable(cx.interface.id, hop),
    }
    if is_replaced {
        packet = match egress::send_to_other(cx, |queues| &mut queues.resolved, hop, packet) {
            // The interface counts a datagram that cannot be sent.
            Ok(_) => return,
            Err(packet) => packet,
        };
    }
    if packet.ether_type == EtherType::IPV4
        && reason == ReturnReason::Failed
        && let Some(about) = QuotedDatagram::parse(packet.frame.bytes())
    {
        if about.protocol() == IpProtocol::TCP {
            tcp_input::report(cx, PathProblem::NextHopUnresolved, &about);
        } else {
            // spec: rfc1122-host-unreachable
            socket_failure::report(cx, IcmpError::HOST_UNREACHABLE, about.source(), &about);
        }
    }
    cx.pool.give(packet.frame);
}

/// Broadcasts a probe or an announcement. A packet that cannot be sent counts as refused by the device.
fn send_claim_packet(cx: &mut Context<'_>, fields: PacketFields, departing: &mut Batch) {
    let ip = fields.target_protocol;
    // spec: rfc5227-broadcast
    if !send_arp(cx, fields, MacAddr::BROADCAST, ArpSender::Claim(ip), departing) {
        // spec: rfc5227-probe-refused, announcement-refused
        cx.interface.arp.claim_packet_refused(cx.now, ip);
    }
}

/// Adds an ARP packet to the batch, which has capacity for a frame. Returns whether the packet was added.
fn send_arp(
    cx: &mut Context<'_>,
    fields: PacketFields,
    to: MacAddr,
    sender: ArpSender,
    departing: &mut Batch,
) -> bool {
    match arp_frame(cx, fields, to) {
        Ok(mut frame) => {
            frame.set_token(sender.token(cx.interface.id));
            push(cx, departing, frame);
            true
        }
        Err(reason) => {
            cx.interface.count_tx_dropped(reason);
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

    /// Returns the token of a packet of an interface. Its bytes are 0, the kind of the sender, the interface (2 bytes),
    /// and the address (4 bytes).
    fn token(self, interface: InterfaceId) -> Token {
        let (kind, ip) = match self {
            Self::Claim(ip) => (Self::CLAIM, ip),
            Self::Resolution(ip) => (Self::RESOLUTION, ip),
        };
        let ([a, b], [c, d, e, f]) = (interface.0.to_be_bytes(), ip.octets());
        Token::new(u64::from_be_bytes([0, kind, a, b, c, d, e, f]))
    }

    /// Returns the interface and the sender, or `None` for the token of another packet.
    pub(crate) fn of_token(token: Token) -> Option<(InterfaceId, ArpSender)> {
        let [_, kind, a, b, c, d, e, f] = token.value().to_be_bytes();
        let ip = Ipv4Addr::new(c, d, e, f);
        let sender = match kind {
            Self::CLAIM => Self::Claim(ip),
            Self::RESOLUTION => Self::Resolution(ip),
            _ => return None,
        };
        Some((InterfaceId(u16::from_be_bytes([a, b])), sender))
    }
}

/// Returns a frame with an ARP packet.
fn arp_frame(cx: &mut Context<'_>, fields: PacketFields, to: MacAddr) -> Result<Frame, TxDropReason> {
    let mut frame = cx.pool.take().ok_or(TxDropReason::NoFrame)?;
    let written = write_arp(&mut frame, fields)
        .and_then(|()| cx.interface.link.add_header(&mut frame, to, fields.sender_hardware, EtherType::ARP));
    if written.is_err() {
        cx.pool.give(frame);
        return Err(TxDropReason::TooLong);
    }
    Ok(frame)
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
