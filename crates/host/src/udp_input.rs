//! Received UDP datagrams: validation, the receiving socket, and rejection without a socket.

use std::net::SocketAddrV4;

use base::Place;
use icmp::IcmpError;
use ipv4::DestinationKind;
use udp::{UdpDatagram, UdpFields};

use crate::interface::{Context, Shared};
use crate::outcome::{DatagramOutcome, FrameOutcome};
use crate::path_cache::PathPlace;
use crate::reply::{Action, Delivery, ReceivedPacket, deliver_copy, drop_without_listener, reject};
use crate::sockets::DatagramSocketKind;

/// Handles a UDP datagram. An invalid datagram is dropped without an ICMP error.
#[expect(clippy::inline_always, reason = "results in memory take more instructions than the function")]
#[inline(always)]
pub(crate) fn receive(cx: &mut Context<'_>, packet: ReceivedPacket<'_>) -> Action {
    let datagram = &packet.datagram;
    let addresses = (datagram.source(), datagram.destination());
    let parsed = match UdpDatagram::parse(datagram.payload(), addresses, packet.frame.checksum) {
        Ok(parsed) => parsed,
        Err(reason) => {
            // spec: drops-counted
            cx.interface.udp_dropped.count(reason);
            return Action::Done(FrameOutcome::Dropped(reason.into()));
        }
    };
    let source = SocketAddrV4::new(datagram.source(), parsed.source_port());
    let destination = SocketAddrV4::new(datagram.destination(), parsed.destination_port());
    if packet.destination_kind != DestinationKind::Unicast {
        return receive_broadcast(cx, packet, source, destination, parsed.data());
    }
    match receiver(cx, packet.path, source, destination) {
        Some(socket) => Action::Deliver(Delivery {
            kind: DatagramSocketKind::Udp,
            socket,
            offset: datagram.header_length() + UdpFields::LENGTH,
            length: parsed.data().len(),
            source,
            destination,
            time_to_live: datagram.time_to_live(),
            type_of_service: datagram.type_of_service(),
        }),
        // spec: rfc1122-port-unreachable
        None => reject(cx, packet, IcmpError::PORT_UNREACHABLE),
    }
}

/// Returns the socket that receives a unicast datagram. `path` is the stored path to the source.
#[inline]
fn receiver(
    cx: &mut Context<'_>,
    path: Option<PathPlace>,
    source: SocketAddrV4,
    destination: SocketAddrV4,
) -> Option<Place> {
    let Shared { paths, sockets, .. } = &mut *cx.shared;
    let (ports, bindings) = ((source.port(), destination.port()), sockets.udp_generation());
    let path = path.and_then(|place| paths.get_mut(place));
    if let Some(socket) = path.as_ref().and_then(|path| path.receiver(ports, bindings)) {
        return Some(socket);
    }
    let socket = sockets.find(DatagramSocketKind::Udp, cx.interface.id, destination, source)?;
    if let Some(path) = path {
        path.set_receiver(ports, bindings, socket);
    }
    Some(socket)
}

/// Delivers a copy of a broadcast to each socket that receives broadcasts on its port.
// spec: socket-broadcast
fn receive_broadcast(
    cx: &mut Context<'_>,
    packet: ReceivedPacket<'_>,
    source: SocketAddrV4,
    destination: SocketAddrV4,
    data: &[u8],
) -> Action {
    let mut last = None;
    for number in 0..cx.shared.sockets.broadcast_sockets() {
        let addresses = &cx.interface.addresses;
        let place = (cx.interface.id, destination.port());
        let receiver = cx.shared.sockets.broadcast_socket(number, place, source, |range| {
            packet.destination_kind == DestinationKind::Broadcast && addresses.contains_any(range)
        });
        let Some(socket) = receiver else { continue };
        let delivery = Delivery {
            kind: DatagramSocketKind::Udp,
            socket,
            offset: 0,
            length: data.len(),
            source,
            destination,
            time_to_live: packet.datagram.time_to_live(),
            type_of_service: packet.datagram.type_of_service(),
        };
        let outcome = deliver_copy(cx, &delivery, data);
        if last != Some(FrameOutcome::Ipv4(DatagramOutcome::Delivered)) {
            last = Some(outcome);
        }
    }
    last.map_or_else(|| drop_without_listener(cx), Action::Done)
}
