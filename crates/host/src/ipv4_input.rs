//! Received datagrams: reassembly, the destination, and the protocol by its number.

use std::net::Ipv4Addr;

use icmp::IcmpError;
use inet::IpProtocol;
use ipv4::{Datagram, DestinationKind, ReceivedDatagram};
use link::MacAddr;
use tap::Checksum;

use crate::icmp_input;
use crate::interface::Context;
use crate::outcome::{DatagramOutcome, DropReason, FrameOutcome, TxDropReason};
use crate::path_cache::{PathKey, PathPlace};
use crate::reply::{
    Action, FrameInfo, ReceivedPacket, copied, deliver_copy, drop_reply, drop_without_listener, reject,
    reply_to_echo,
};
use crate::tcp_input::{self, SegmentPosition};
use crate::udp_input;

/// A stored path to the sender of a datagram.
#[derive(Clone, Copy)]
struct KnownPath {
    place: PathPlace,
    /// MAC address of the local host with the destination address.
    mac: MacAddr,
}

/// Handles the datagram in a frame. If the path to its sender is stored, the addresses need no further checks.
pub(crate) fn receive(cx: &mut Context<'_>, bytes: &[u8], info: &FrameInfo) -> Action {
    let Context { interface, shared, .. } = cx;
    let mut known = None;
    let is_known = |source, destination| {
        let found = shared.paths.find(PathKey::new(Some(interface.id), Some(destination), source));
        known = found
            .filter(|(_, path)| {
                path.is_bidirectional() && path.is_valid(&shared.routes, &interface.addresses)
            })
            .map(|(place, path)| KnownPath { place, mac: path.mac });
        known.is_some()
    };
    // The link layer limits the payload. The total length of the datagram is within this limit.
    let received = interface.ipv4.receive_known(&interface.addresses, info.destination_kind, bytes, is_known);
    let ReceivedDatagram { datagram, destination_kind } = match received {
        Ok(received) => received,
        Err(reason) => return Action::Done(FrameOutcome::Dropped(reason.into())),
    };
    // A fragment is checked too: its data could become part of a datagram for another host.
    if let Err(reason) = check_destination(cx, datagram.destination(), destination_kind, known, info) {
        return Action::Done(FrameOutcome::Dropped(reason));
    }
    if datagram.is_fragment() {
        return Action::Done(receive_fragment(cx, bytes, destination_kind, info));
    }
    handle(cx, datagram, destination_kind, known.map(|known| known.place), info)
}

/// Stores a valid fragment, and handles the datagram that it completes. The fragment is parsed again: as an argument, the
/// parsed fragment would put each whole datagram into memory, and reading it back stalls the processor.
#[cold]
fn receive_fragment(
    cx: &mut Context<'_>,
    fragment: &[u8],
    destination_kind: DestinationKind,
    info: &FrameInfo,
) -> FrameOutcome {
    let fragment = Datagram::parse(fragment);
    let reassembled = match fragment.and_then(|fragment| cx.interface.ipv4.reassemble(cx.now, fragment)) {
        Ok(Some(reassembled)) => reassembled,
        Ok(None) => return FrameOutcome::Ipv4(DatagramOutcome::FragmentStored),
        Err(reason) => return FrameOutcome::Dropped(reason.into()),
    };
    // A sender completes the checksum before it fragments the datagram.
    let info = &FrameInfo { checksum: Checksum::None, ..*info };
    let outcome = reassembled.datagram().map_or_else(
        |reason| FrameOutcome::Dropped(reason.into()),
        |datagram| handle_reassembled(cx, datagram, destination_kind, info),
    );
    cx.interface.ipv4.recycle(reassembled);
    outcome
}

/// Handles a datagram that is not in a frame of the pool.
fn handle_reassembled(
    cx: &mut Context<'_>,
    datagram: Datagram<'_>,
    destination_kind: DestinationKind,
    info: &FrameInfo,
) -> FrameOutcome {
    match handle(cx, datagram, destination_kind, None, info) {
        Action::ReplyToEcho(plan) => match copied(datagram.bytes(), cx.pool) {
            Some(frame) => reply_to_echo(cx, &plan, frame, 0),
            None => drop_reply(cx, TxDropReason::NoFrame),
        },
        Action::Deliver(delivery) => deliver_copy(cx, &delivery, datagram.bytes()),
        Action::ReceiveSegment(position) => match copied(datagram.bytes(), cx.pool) {
            Some(frame) => tcp_input::receive(cx, &position, frame, 0),
            None => drop_reply(cx, TxDropReason::NoFrame),
        },
        Action::ReplyToArp(reception, _) => FrameOutcome::Arp(reception),
        Action::Done(outcome) => outcome,
    }
}

/// Checks that the destination of a unicast datagram is in use, and that the frame is addressed to the host with this
/// address.
#[inline]
fn check_destination(
    cx: &mut Context<'_>,
    destination: Ipv4Addr,
    destination_kind: DestinationKind,
    known: Option<KnownPath>,
    info: &FrameInfo,
) -> Result<(), DropReason> {
    if destination_kind != DestinationKind::Unicast {
        return Ok(());
    }
    let counters = &mut cx.interface.counters;
    // spec: rfc5227-silence
    let mac = known.map(|known| known.mac);
    let Some(mac) = mac.or_else(|| cx.interface.addresses.mac_of(destination)) else {
        counters.address_not_in_use = counters.address_not_in_use.saturating_add(1);
        return Err(DropReason::AddressNotInUse);
    };
    // spec: station-of-destination
    if info.destination_kind == DestinationKind::Unicast && info.destination != mac {
        counters.wrong_mac = counters.wrong_mac.saturating_add(1);
        return Err(DropReason::WrongMac);
    }
    Ok(())
}

/// Handles a whole datagram by its protocol.
#[expect(clippy::inline_always, reason = "results in memory take more instructions than the function")]
#[inline(always)]
fn handle(
    cx: &mut Context<'_>,
    datagram: Datagram<'_>,
    destination_kind: DestinationKind,
    path: Option<PathPlace>,
    frame: &FrameInfo,
) -> Action {
    let packet = || ReceivedPacket { datagram, destination_kind, path, frame };
    match datagram.protocol() {
        IpProtocol::ICMP => icmp_input::receive(cx, packet()),
        IpProtocol::UDP => udp_input::receive(cx, packet()),
        IpProtocol::TCP => receive_segment(cx, packet()),
        // spec: rfc1122-protocol-unreachable
        _ => reject(cx, packet(), IcmpError::PROTOCOL_UNREACHABLE),
    }
}

/// Selects the TCP segment of a datagram. The IPv4 layer has checked the source address.
// RFC 9293 3.9.2.3: "A TCP implementation MUST silently discard an incoming segment that is addressed to a broadcast or
// multicast address (MUST-57)."
// spec: rfc9293-unicast, rfc9293-source
fn receive_segment(cx: &mut Context<'_>, packet: ReceivedPacket<'_>) -> Action {
    let datagram = &packet.datagram;
    if packet.destination_kind != DestinationKind::Unicast {
        return drop_without_listener(cx);
    }
    Action::ReceiveSegment(SegmentPosition {
        offset: datagram.header_length(),
        length: datagram.payload().len(),
        source: datagram.source(),
        destination: datagram.destination(),
        checksum: packet.frame.checksum,
        is_marked: datagram.is_marked(),
    })
}
