//! Received frames: the interface, the link layer, and the protocol by EtherType.

use arp::FrameView;
use ipv4::Routes;
use link::{DestinationKind, EtherType, ReceivedFrame, VlanTags};
use tap::{Frame, Instant, Pool, PortId};

use crate::interface::Context;
use crate::interfaces::Interfaces;
use crate::ipv4_input;
use crate::outcome::{DropReason, FrameOutcome};
use crate::reply::{Action, FrameInfo, finish};

/// Handler of the payload of accepted frames.
type Handler = fn(&mut Context<'_>, &FrameView<'_>, FrameInfo) -> Action;

/// The supported protocols of the link layer.
const HANDLERS: [(EtherType, Handler); 2] =
    [(EtherType::ARP, receive_arp), (EtherType::IPV4, ipv4_input::receive)];

/// Handles a frame that was received on a port. A reply is queued in the same frame where possible. A frame without
/// further use returns to the pool. Returns `None` if the port has no interface.
#[inline]
pub(crate) fn receive(
    interfaces: &mut Interfaces,
    routes: &Routes,
    port: PortId,
    now: Instant,
    frame: Frame,
    pool: &mut Pool,
) -> Option<FrameOutcome> {
    let view = FrameView::parse(frame.bytes());
    let tags = view.as_ref().map_or(VlanTags::None, |view| view.ethernet().tags());
    let Some(interface) = interfaces.select(port, tags) else {
        pool.give(frame);
        return None;
    };
    let cx = &mut Context { now, interface, routes, pool };
    let accepted = cx.interface.link.receive(&cx.interface.addresses, view.map(|view| view.ethernet()));
    let (view, accepted) = match view.and_then(|view| Ok((view, accepted?))) {
        Ok(accepted) => accepted,
        Err(reason) => {
            cx.pool.give(frame);
            return Some(FrameOutcome::Dropped(reason.into()));
        }
    };
    let ReceivedFrame { frame: ethernet, destination_kind } = accepted;
    let mac = (destination_kind == DestinationKind::Unicast).then_some(ethernet.destination());
    let offset = ethernet.payload_offset();
    let info = FrameInfo { destination_kind, mac, checksum: frame.offload().checksum };
    let action = handle(cx, &view, info, ethernet.ether_type());
    Some(finish(cx, action, frame, offset))
}

/// Handles an accepted frame by its EtherType.
#[inline]
fn handle(cx: &mut Context<'_>, view: &FrameView<'_>, info: FrameInfo, ether_type: EtherType) -> Action {
    // The call is in the loop, so that the compiler replaces the table by direct calls.
    for (supported, handler) in &HANDLERS {
        if *supported == ether_type {
            return handler(cx, view, info);
        }
    }
    // spec: drops-counted
    let counters = &mut cx.interface.counters;
    counters.unsupported_ether_type = counters.unsupported_ether_type.saturating_add(1);
    Action::Done(FrameOutcome::Dropped(DropReason::UnsupportedEtherType(ether_type)))
}

/// Handles an ARP packet.
#[inline]
fn receive_arp(cx: &mut Context<'_>, view: &FrameView<'_>, info: FrameInfo) -> Action {
    match cx.interface.arp.receive(cx.now, &mut cx.interface.addresses, info.mac, view.packet()) {
        Err(reason) => Action::Done(FrameOutcome::Dropped(reason.into())),
        Ok(reception) => match reception.reply {
            None => Action::Done(FrameOutcome::Arp(reception)),
            Some(reply) => Action::ReplyToArp(reception, reply),
        },
    }
}
