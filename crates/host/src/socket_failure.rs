//! Failures of datagrams that the host has sent, reported to their sockets.

use std::net::{Ipv4Addr, SocketAddrV4};

use icmp::{IcmpError, QuotedDatagram};
use inet::IpProtocol;
use ipv4::Ipv4Fields;

use crate::interface::Context;
use crate::sockets::{DatagramSocketKind, SocketFailure};
use crate::tcp_input;

/// Reports a failure to the socket that has sent the quoted datagram. `from` is the sender of the error, or the source
/// of the datagram if its next hop did not answer. Returns false without such a socket.
///
/// A failure changes no state of the socket. The error "fragmentation needed" reduces the path MTU of the
/// destination on this interface. A forged error has an effect only if it quotes the addresses and ports of a socket,
/// and an error "fragmentation needed" only if the socket has sent datagrams of the quoted length.
// spec: socket-error, rfc1122-udp-errors
pub(crate) fn report(
    cx: &mut Context<'_>,
    problem: IcmpError,
    from: Ipv4Addr,
    quoted: &QuotedDatagram<'_>,
) -> bool {
    if quoted.protocol() == IpProtocol::TCP {
        return tcp_input::problem_of(problem).is_some_and(|problem| tcp_input::report(cx, problem, quoted));
    }
    let Some((kind, local_port, peer_port, sequence)) = sender(quoted) else { return false };
    let local = SocketAddrV4::new(quoted.source(), local_port);
    let peer = SocketAddrV4::new(quoted.destination(), peer_port);
    let Some(socket) = cx.shared.sockets.find(kind, cx.interface.id, local, peer) else { return false };
    if let Some(mtu) = problem.mtu() {
        let length = quoted.total_length();
        // RFC 1191 5: a router with software from 4.2BSD quotes a length that is larger by the length of the header.
        let sent_length = usize::from(length).saturating_sub(Ipv4Fields::LENGTH);
        // spec: path-mtu-sent
        if mtu >= length || !cx.shared.sockets.has_sent(socket, sent_length) {
            return false;
        }
        cx.interface.path_mtus.update(cx.now, *peer.ip(), mtu, length);
    }
    let failure = SocketFailure { problem, from: from.into(), peer: peer.into(), sequence };
    if !cx.shared.sockets.fail(socket, failure) {
        // spec: drops-counted
        cx.interface.counters.failures_lost = cx.interface.counters.failures_lost.saturating_add(1);
    }
    true
}

/// Returns the kind of the socket that has sent a datagram, its port, the port of the peer, and the sequence number of
/// an echo request.
fn sender(quoted: &QuotedDatagram<'_>) -> Option<(DatagramSocketKind, u16, u16, Option<u16>)> {
    match quoted.protocol() {
        IpProtocol::UDP => {
            let (source, destination) = quoted.ports()?;
            Some((DatagramSocketKind::Udp, source, destination, None))
        }
        IpProtocol::ICMP => {
            let (identifier, sequence) = quoted.echo()?;
            Some((DatagramSocketKind::Echo, identifier, 0, Some(sequence)))
        }
        _ => None,
    }
}
