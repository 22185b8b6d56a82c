//! Received ICMP messages: echo requests, echo replies, and errors about datagrams of the host.

use std::net::SocketAddrV4;

use icmp::{Echo, IcmpError, QuotedDatagram, ReceivedMessage};
use inet::IpProtocol;
use ipv4::{Datagram, Ipv4Fields};

use crate::interface::Context;
use crate::outcome::{DatagramOutcome, DropReason, FrameOutcome};
use crate::reply::{Action, Delivery, EchoReplyPlan, ReceivedPacket};
use crate::socket_failure;
use crate::sockets::DatagramSocketKind;

/// Handles an ICMP message.
#[inline]
pub(crate) fn receive(cx: &mut Context<'_>, packet: ReceivedPacket<'_>) -> Action {
    let ReceivedPacket { datagram, destination_kind, .. } = packet;
    let message = datagram.payload();
    let interface = &mut *cx.interface;
    match interface.icmp.receive(&interface.addresses, destination_kind, message) {
        Err(reason) => Action::Done(FrameOutcome::Dropped(reason.into())),
        // `Icmp` accepts only unicast requests.
        Ok(ReceivedMessage::Request(_)) => Action::ReplyToEcho(plan_reply(cx, &datagram)),
        Ok(ReceivedMessage::Reply(echo)) => deliver_reply(cx, &datagram, echo),
        Ok(ReceivedMessage::Error(problem, quoted)) => report_error(cx, &datagram, problem, &quoted),
    }
}

/// Delivers an echo reply to the socket with its identifier.
fn deliver_reply(cx: &mut Context<'_>, datagram: &Datagram<'_>, echo: Echo<'_>) -> Action {
    let destination = SocketAddrV4::new(datagram.destination(), echo.identifier);
    let peer = SocketAddrV4::new(datagram.source(), 0);
    if let Some(socket) = cx.shared.sockets.find(DatagramSocketKind::Echo, cx.interface.id, destination, peer)
    {
        return Action::Deliver(Delivery {
            kind: DatagramSocketKind::Echo,
            socket,
            offset: datagram.header_length() + Echo::HEADER,
            length: echo.data.len(),
            source: SocketAddrV4::new(datagram.source(), echo.sequence),
            destination,
            time_to_live: datagram.time_to_live(),
            type_of_service: datagram.type_of_service(),
        });
    }
    drop_without_socket(cx)
}

/// Reports an error to the socket that has sent the quoted datagram.
fn report_error(
    cx: &mut Context<'_>,
    datagram: &Datagram<'_>,
    problem: IcmpError,
    quoted: &QuotedDatagram<'_>,
) -> Action {
    // spec: rfc1122-error-reported, rfc1122-error-hint
    if socket_failure::report(cx, problem, datagram.source(), quoted) {
        Action::Done(FrameOutcome::Ipv4(DatagramOutcome::Reported))
    } else {
        drop_without_socket(cx)
    }
}

/// Drops an echo reply or an error without a socket.
fn drop_without_socket(cx: &mut Context<'_>) -> Action {
    // spec: drops-counted
    cx.interface.counters.icmp_no_socket = cx.interface.counters.icmp_no_socket.saturating_add(1);
    Action::Done(FrameOutcome::Dropped(DropReason::NoSocket))
}

fn plan_reply(cx: &mut Context<'_>, request: &Datagram<'_>) -> EchoReplyPlan {
    let (source, destination) = (request.destination(), request.source());
    let fields = Ipv4Fields {
        // spec: rfc1349-reply-service
        type_of_service: request.type_of_service(),
        // spec: rfc1122-time-to-live-configurable
        time_to_live: cx.interface.config.time_to_live,
        identification: cx.interface.identification.next(source, destination, IpProtocol::ICMP),
        ..Ipv4Fields::new(IpProtocol::ICMP, source, destination)
    };
    EchoReplyPlan { request_header: request.header_length(), length: request.payload().len(), fields }
}
