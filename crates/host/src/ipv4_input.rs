//! Received datagrams: reassembly, the destination, and the protocol by its number.

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
    // The link layer limits the payload. The total length of the datagram is within this limit.
    if let Err(reason) = check_fragment(cx, bytes, info) {
        return Action::Done(FrameOutcome::Dropped(reason));
    }
    let Context { now, interface, shared, .. } = cx;
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
    let kind = info.destination_kind;
    match interface.ipv4.receive_known(*now, &interface.addresses, kind, bytes, is_known) {
        Err(reason) => Action::Done(FrameOutcome::Dropped(reason.into())),
        Ok(ReceivedDatagram::FragmentStored) => {
            Action::Done(FrameOutcome::Ipv4(DatagramOutcome::FragmentStored))
        }
        Ok(ReceivedDatagram::Whole(datagram, destination_kind)) => {
            handle(cx, datagram, destination_kind, known, info)
        }
        Ok(ReceivedDatagram::Reassembled(reassembled, destination_kind)) => {
            // A sender completes the checksum before it fragments the datagram.
            let info = &FrameInfo { checksum: Checksum::None, ..*info };
            let outcome = reassembled.datagram().map_or_else(
                |reason| FrameOutcome::Dropped(reason.into()),
                |datagram| handle_reassembled(cx, datagram, destination_kind, info),
            );
            cx.interface.ipv4.recycle(reassembled);
            Action::Done(outcome)
        }
    }
}

/// Handles a datagram that is not in a frame of the pool.
#[cold]
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

/// Checks the destination of a fragment like the destination of a whole datagram. Without this check, the data of the
/// fragment could become part of a datagram for another host.
fn check_fragment(cx: &mut Context<'_>, bytes: &[u8], info: &FrameInfo) -> Result<(), DropReason> {
    // A fragment is parsed again after this check. The cost is acceptable, because fragments are rare.
    let is_fragment = bytes.get(6..8).is_some_and(|flags| flags != [0, 0] && flags != [0x40, 0]);
    if is_fragment
        && let Ok(datagram) = Datagram::parse(bytes)
        && let Some(destination_kind) = cx.interface.addresses.destination_kind(datagram.destination())
    {
        check_destination(cx, &datagram, destination_kind, None, info)?;
    }
    Ok(())
}

/// Checks that the destination of a unicast datagram is in use, and that the frame is addressed to the host with this
/// address.
#[inline]
fn check_destination(
    cx: &mut Context<'_>,
    datagram: &Datagram<'_>,
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
    let Some(mac) = mac.or_else(|| cx.interface.addresses.mac_of(datagram.destination())) else {
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
    known: Option<KnownPath>,
    frame: &FrameInfo,
) -> Action {
    if let Err(reason) = check_destination(cx, &datagram, destination_kind, known, frame) {
        return Action::Done(FrameOutcome::Dropped(reason));
    }
    let path = known.map(|known| known.place);
    let packet = ReceivedPacket { datagram, destination_kind, path, frame };
    match datagram.protocol() {
        IpProtocol::ICMP => icmp_input::receive(cx, packet),
        IpProtocol::UDP => udp_input::receive(cx, packet),
        IpProtocol::TCP => receive_segment(cx, packet),
        // spec: rfc1122-protocol-unreachable
        _ => reject(cx, packet, IcmpError::PROTOCOL_UNREACHABLE),
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
