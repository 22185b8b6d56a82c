//! Sending of payloads, datagrams and ICMP errors: source, next hop and queue.

use std::net::Ipv4Addr;

use arp::Resolution;
use icmp::IcmpError;
use inet::IpProtocol;
use inet::offload::complete_checksum;
use ipv4::{Datagram, Fragments, Ipv4Fields, Routes, multicast_mac};
use link::{DestinationKind, EtherType, MacAddr};
use tap::{Frame, Offload};

use crate::gateways;
use crate::interface::{Context, HostInterface, PendingPacket};
use crate::outcome::{DropReason, SendOutcome, TxDropReason};
use crate::path_cache::{CachedPath, Hop, PathKey, PathPlace};
use crate::quoted_segment;
use crate::sockets::SocketPacket;
use crate::tx_queue::{FragmentCursor, TxQueue, TxQueues};

/// Selects a queue of an interface.
pub(crate) type QueueOf = fn(&mut TxQueues) -> &mut TxQueue;

/// The queue of replies and ICMP errors.
pub(crate) const CONTROL: QueueOf = |queues| &mut queues.control;
/// The queue of payloads and of datagrams of sockets.
const DATA: QueueOf = |queues| &mut queues.data;
/// The queue of TCP segments.
pub(crate) const SEGMENTS: QueueOf = |queues| &mut queues.segments;

/// Sends a datagram immediately, if the MAC address of the next hop of its path is known. Otherwise, returns the frame.
#[expect(clippy::inline_always, reason = "results in memory take more instructions than the function")]
#[inline(always)]
pub(crate) fn send_to_known(cx: &mut Context<'_>, place: PathPlace, frame: Frame) -> Option<Frame> {
    let Context { now, interface, shared, .. } = cx;
    let Some(path) = shared.paths.get_mut(place) else { return Some(frame) };
    let to = match path.hop {
        Hop::Group(to) => to,
        Hop::Neighbor(neighbor) => {
            let known = path.lookup(*now, neighbor, &mut interface.arp, &interface.addresses);
            let Some(to) = known else { return Some(frame) };
            to
        }
    };
    let packet = PendingPacket { ether_type: EtherType::IPV4, source: path.source, mac: path.mac, frame };
    // The interface counts a datagram that cannot be sent.
    _ = enqueue(cx, DATA, to, packet);
    None
}

/// Sends a payload to a neighbor.
pub(crate) fn send_payload(
    cx: &mut Context<'_>,
    neighbor: Ipv4Addr,
    ether_type: EtherType,
    frame: Frame,
) -> Result<SendOutcome, TxDropReason> {
    match cx.interface.addresses.source_for(neighbor) {
        Some((source, mac)) => resolve(cx, DATA, neighbor, PendingPacket { ether_type, source, mac, frame }),
        // spec: rfc5227-silence
        None => drop_frame(cx, TxDropReason::NoSourceAddress, frame),
    }
}

/// Sends a datagram of a socket.
#[inline]
pub(crate) fn send_socket_packet(
    cx: &mut Context<'_>,
    packet: SocketPacket,
) -> Result<SendOutcome, TxDropReason> {
    let addresses = (*packet.source.ip(), *packet.destination.ip());
    send_datagram(cx, DATA, addresses, packet.frame)
}

/// Sends an ICMP error about a datagram, if RFC 1122 and the rate limits allow the error. `addresses` are source and
/// destination of the error.
///
/// Fails if no frame is available, or if an allowed error cannot be sent.
pub(crate) fn send_icmp_error(
    cx: &mut Context<'_>,
    problem: IcmpError,
    about: &[u8],
    destination_kind: DestinationKind,
    addresses: (Ipv4Addr, Ipv4Addr),
) -> Result<(), DropReason> {
    let (source, destination) = addresses;
    let mut frame = cx.pool.take().ok_or_else(|| cx.interface.count_tx_dropped(TxDropReason::NoFrame))?;
    // With a small MTU, the error quotes fewer bytes.
    let Ok(bytes) = frame.append((Ipv4Fields::LENGTH + IcmpError::MAX_LENGTH).min(cx.interface.config.mtu))
    else {
        return Ok(drop_frame(cx, TxDropReason::TooLong, frame).map(drop)?);
    };
    let message = bytes.get_mut(Ipv4Fields::LENGTH..).unwrap_or_default();
    // `Icmp` counts the errors that it suppresses.
    let error = cx.interface.icmp.write_error(
        cx.now,
        problem,
        about,
        destination_kind,
        &cx.interface.addresses,
        message,
    );
    // spec: rfc1122-error-service
    let fields = Ipv4Fields {
        time_to_live: cx.interface.config.time_to_live,
        identification: cx.interface.identification.next(source, destination, IpProtocol::ICMP),
        ..Ipv4Fields::new(IpProtocol::ICMP, source, destination)
    };
    let is_written = error.is_ok_and(|length| {
        frame.narrow(0, Ipv4Fields::LENGTH + length).is_ok() && fields.write_to(frame.bytes_mut()).is_ok()
    });
    if !is_written {
        cx.pool.give(frame);
        return Ok(());
    }
    if send_datagram(cx, CONTROL, addresses, frame)? == SendOutcome::NoRoute {
        return Err(DropReason::NoRoute);
    }
    cx.interface.counters.icmp_errors = cx.interface.counters.icmp_errors.saturating_add(1);
    Ok(())
}

/// Sends a datagram from a local address, to a broadcast or multicast MAC address or to the next hop.
#[inline]
pub(crate) fn send_datagram(
    cx: &mut Context<'_>,
    queue: QueueOf,
    (source, destination): (Ipv4Addr, Ipv4Addr),
    frame: Frame,
) -> Result<SendOutcome, TxDropReason> {
    let Context { now, interface, shared, .. } = cx;
    let key = PathKey::new(Some(interface.id), Some(source), destination);
    if let Some((place, path)) = shared.paths.find(key)
        && path.is_valid(&shared.routes, &interface.addresses)
        && let Some(path) = shared.paths.get_mut(place)
    {
        let packet = PendingPacket { ether_type: EtherType::IPV4, source, mac: path.mac, frame };
        let to = match path.hop {
            Hop::Group(to) => to,
            Hop::Neighbor(neighbor) => {
                // spec: rfc826-found
                match path.lookup(*now, neighbor, &mut interface.arp, &interface.addresses) {
                    Some(to) => to,
                    None => return resolve_unknown(cx, queue, neighbor, packet),
                }
            }
        };
        return enqueue(cx, queue, to, packet);
    }
    select_and_send(cx, queue, (source, destination), frame, true)
}

/// Sends a reply to a TCP segment that may have a forged source.
///
/// The path of the reply is not stored, so that a flood of such segments does not replace the paths of other hosts.
/// A reply through a gateway takes the path to the gateway, which is stored.
// spec: path-cache-flood
pub(crate) fn send_reply(
    cx: &mut Context<'_>,
    queue: QueueOf,
    (source, destination): (Ipv4Addr, Ipv4Addr),
    frame: Frame,
) -> Result<SendOutcome, TxDropReason> {
    let Context { interface, shared, .. } = cx;
    let path = shared.paths.find(PathKey::new(Some(interface.id), Some(source), destination));
    if path.is_some_and(|(_, path)| path.is_valid(&shared.routes, &interface.addresses)) {
        return send_datagram(cx, queue, (source, destination), frame);
    }
    match next_hop(interface, &shared.routes, source, destination) {
        // A gateway is on the link, so it is the next hop of its own path.
        Some(Hop::Neighbor(gateway)) if gateway != destination => {
            send_datagram(cx, queue, (source, gateway), frame)
        }
        _ => select_and_send(cx, queue, (source, destination), frame, false),
    }
}

/// Sends a datagram without a cached path: see [`send_datagram`]. Stores the path if `is_stored`.
#[inline(never)]
fn select_and_send(
    cx: &mut Context<'_>,
    queue: QueueOf,
    (source, destination): (Ipv4Addr, Ipv4Addr),
    frame: Frame,
    is_stored: bool,
) -> Result<SendOutcome, TxDropReason> {
    // spec: rfc1122-source-address
    let Some(mac) = cx.interface.addresses.mac_of(source) else {
        return drop_frame(cx, TxDropReason::NoSourceAddress, frame);
    };
    let packet = PendingPacket { ether_type: EtherType::IPV4, source, mac, frame };
    let Some(hop) = next_hop(cx.interface, &cx.shared.routes, source, destination) else {
        cx.interface.counters.no_route = cx.interface.counters.no_route.saturating_add(1);
        cx.pool.give(packet.frame);
        return Ok(SendOutcome::NoRoute);
    };
    // A host does not send to its own address, even if another host uses the address too.
    if hop == Hop::Neighbor(source) {
        return drop_frame(cx, TxDropReason::NextHopUnresolved, packet.frame);
    }
    if is_stored {
        let interface = cx.interface.id;
        let key = PathKey::new(Some(interface), Some(source), destination);
        let tables = (&cx.shared.routes, &cx.interface.addresses);
        cx.shared.paths.insert(CachedPath::new(key, tables, interface, (source, mac), hop));
    }
    match hop {
        Hop::Group(to) => enqueue(cx, queue, to, packet),
        Hop::Neighbor(neighbor) => resolve(cx, queue, neighbor, packet),
    }
}

/// Returns the next hop of a datagram: a broadcast or multicast MAC address, or the neighbor on the route.
pub(crate) fn next_hop(
    interface: &HostInterface,
    routes: &Routes,
    source: Ipv4Addr,
    destination: Ipv4Addr,
) -> Option<Hop> {
    // spec: rfc1122-broadcast-sent
    if interface.addresses.is_broadcast(destination) {
        return Some(Hop::Group(MacAddr::BROADCAST));
    }
    if let Some(group) = multicast_mac(destination) {
        return Some(Hop::Group(group));
    }
    routes.next_hop(source, destination, interface.id).map(|hop| Hop::Neighbor(hop.neighbor()))
}

/// Sends a packet to a neighbor. The packet becomes pending if the neighbor's MAC address is not known.
#[inline]
fn resolve(
    cx: &mut Context<'_>,
    queue: QueueOf,
    neighbor: Ipv4Addr,
    packet: PendingPacket,
) -> Result<SendOutcome, TxDropReason> {
    // spec: rfc826-found
    match cx.interface.arp.lookup(cx.now, &cx.interface.addresses, neighbor) {
        Some(to) => enqueue(cx, queue, to, packet),
        None => resolve_unknown(cx, queue, neighbor, packet),
    }
}

/// Sends a packet to a neighbor that [`resolve`] has not found. The packet becomes pending.
#[cold]
fn resolve_unknown(
    cx: &mut Context<'_>,
    queue: QueueOf,
    neighbor: Ipv4Addr,
    mut packet: PendingPacket,
) -> Result<SendOutcome, TxDropReason> {
    if gateways::has_failed(cx, neighbor) && gateways::fail(cx, neighbor) {
        packet = match send_to_other(cx, queue, neighbor, packet) {
            Ok(sent) => return sent,
            Err(packet) => packet,
        };
    }
    match cx.interface.arp.resolve(cx.now, &cx.interface.addresses, neighbor, packet.frame.len(), packet) {
        Resolution::Known(mac, packet) => enqueue(cx, queue, mac, packet),
        // spec: reply-resolved
        Resolution::Pending => Ok(SendOutcome::Pending),
        // spec: drops-counted
        Resolution::Refused(packet) => {
            quoted_segment::report_unresolved(cx, neighbor, &packet);
            drop_frame(cx, TxDropReason::NextHopUnresolved, packet.frame)
        }
    }
}

/// Sends the datagram in a packet to another gateway than the failed next hop, which other gateways replace. Returns the
/// packet if it has no other next hop. The path is not stored, because the packet may be a reply to a forged source.
///
/// The other next hop may have failed, too. Each next hop that fails is then marked, and the routes select either an
/// unmarked gateway or the first one. So the search ends after at most all gateways of a network.
// spec: rfc1122-default-gateways, path-cache-flood
pub(crate) fn send_to_other(
    cx: &mut Context<'_>,
    queue: QueueOf,
    failed: Ipv4Addr,
    packet: PendingPacket,
) -> Result<Result<SendOutcome, TxDropReason>, PendingPacket> {
    if packet.ether_type != EtherType::IPV4 {
        return Err(packet);
    }
    let Ok(destination) = Datagram::parse(packet.frame.bytes()).map(|datagram| datagram.destination()) else {
        return Err(packet);
    };
    // The next hop is the same if the gateway itself is the destination, or if the other gateways are on other interfaces.
    match next_hop(cx.interface, &cx.shared.routes, packet.source, destination) {
        Some(Hop::Neighbor(other)) if other != failed => {
            Ok(select_and_send(cx, queue, (packet.source, destination), packet.frame, false))
        }
        _ => Err(packet),
    }
}

/// Adds a packet to a queue: a frame with its link header, or a datagram that is longer than the MTU and departs in
/// fragments.
#[expect(clippy::inline_always, reason = "results in memory take more instructions than the function")]
#[inline(always)]
pub(crate) fn enqueue(
    cx: &mut Context<'_>,
    queue: QueueOf,
    to: MacAddr,
    packet: PendingPacket,
) -> Result<SendOutcome, TxDropReason> {
    let PendingPacket { ether_type, mac, mut frame, .. } = packet;
    let is_datagram = ether_type == EtherType::IPV4;
    if is_datagram && must_be_fragmented(cx, &frame) {
        return enqueue_datagram(
            cx,
            queue,
            FragmentCursor { destination: to, source: mac, offset: 0 },
            frame,
        );
    }
    if cx.interface.link.add_header(&mut frame, to, mac, ether_type).is_err() {
        return drop_frame(cx, TxDropReason::TooLong, frame);
    }
    if let Err(frame) = queue(&mut cx.interface.tx_queues).push(frame) {
        return drop_frame(cx, TxDropReason::TxQueueFull, frame);
    }
    if is_datagram {
        cx.interface.counters.datagrams_sent = cx.interface.counters.datagrams_sent.saturating_add(1);
    }
    Ok(SendOutcome::Queued)
}

/// Adds a datagram that departs in fragments to a queue.
#[cold]
fn enqueue_datagram(
    cx: &mut Context<'_>,
    queue: QueueOf,
    cursor: FragmentCursor,
    mut frame: Frame,
) -> Result<SendOutcome, TxDropReason> {
    let is_superframe = frame.segments() > 1;
    if is_superframe || !can_be_fragmented(frame.bytes(), cx.interface.config.mtu) {
        return drop_frame(cx, TxDropReason::TooLong, frame);
    }
    // No device completes the checksum of a fragmented datagram.
    // spec: tcp-partial-checksum
    let checksum = frame.offload().checksum;
    complete_checksum(frame.bytes_mut(), checksum);
    frame.set_offload(Offload::default());
    if let Err(frame) = queue(&mut cx.interface.tx_queues).push_datagram(frame, cursor) {
        return drop_frame(cx, TxDropReason::TxQueueFull, frame);
    }
    cx.interface.counters.datagrams_sent = cx.interface.counters.datagrams_sent.saturating_add(1);
    Ok(SendOutcome::Queued)
}

/// Returns whether a datagram, or a segment that the device cuts from it, is longer than the MTU, or may be fragmented and
/// is longer than the path MTU.
#[expect(clippy::inline_always, reason = "results in memory take more instructions than the function")]
#[inline(always)]
fn must_be_fragmented(cx: &Context<'_>, datagram: &Frame) -> bool {
    let mtu = cx.interface.config.mtu;
    datagram.len() > mtu && datagram.segment_length() > mtu
        || !cx.interface.path_mtus.is_empty(cx.now)
            && Datagram::parse(datagram.bytes()).is_ok_and(|parsed| {
                !parsed.dont_fragment()
                    && datagram.segment_length() > cx.interface.path_mtu(cx.now, parsed.destination())
            })
}

/// Returns whether a datagram that is longer than the MTU can be sent in fragments.
fn can_be_fragmented(datagram: &[u8], mtu: usize) -> bool {
    Datagram::parse(datagram)
        .is_ok_and(|datagram| Fragments::of(datagram.payload().len(), mtu, datagram.dont_fragment()).is_ok())
}

/// Returns a frame to the pool, and counts the reason for which the frame was not sent.
#[cold]
fn drop_frame(cx: &mut Context<'_>, reason: TxDropReason, frame: Frame) -> Result<SendOutcome, TxDropReason> {
    cx.pool.give(frame);
    Err(cx.interface.count_tx_dropped(reason))
}
