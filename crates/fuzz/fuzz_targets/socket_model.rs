//! A model of the bindings of UDP sockets: each socket is compared with each datagram.

use std::net::{Ipv4Addr, SocketAddrV4};

use host::SocketId;
use ipnet::Ipv4Net;

/// The bindings of all sockets.
#[derive(Debug, Default)]
pub(crate) struct SocketModel {
    pub(crate) sockets: Vec<ModelSocket>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ModelSocket {
    pub(crate) id: SocketId,
    pub(crate) addresses: Ipv4Net,
    pub(crate) port: u16,
    pub(crate) peer: Option<SocketAddrV4>,
    pub(crate) broadcast: bool,
}

impl SocketModel {
    /// Returns whether a socket has this binding and this peer.
    pub(crate) fn has(&self, addresses: Ipv4Net, port: u16, peer: Option<SocketAddrV4>) -> bool {
        let binding = (addresses.trunc(), port, peer);
        self.sockets.iter().any(|socket| (socket.addresses, socket.port, socket.peer) == binding)
    }

    pub(crate) fn broadcast_sockets(&self) -> usize {
        self.sockets.iter().filter(|socket| socket.broadcast).count()
    }

    /// Returns the socket that receives a datagram to a local address: a connected socket first, then the socket with
    /// the longest prefix.
    pub(crate) fn receiver(&self, source: SocketAddrV4, destination: SocketAddrV4) -> Option<SocketId> {
        let is_match = |socket: &&ModelSocket| {
            contains(socket.addresses, *destination.ip())
                && socket.port == destination.port()
                && socket.peer.is_none_or(|peer| peer == source)
        };
        let rank = |socket: &&ModelSocket| (socket.peer.is_some(), socket.addresses.prefix_len());
        self.sockets.iter().filter(is_match).max_by_key(rank).map(|socket| socket.id)
    }

    /// Returns the sockets that receive a broadcast.
    pub(crate) fn broadcast_receivers(&self, source: SocketAddrV4, port: u16) -> Vec<SocketId> {
        let is_match = |socket: &&ModelSocket| {
            socket.broadcast && socket.port == port && socket.peer.is_none_or(|peer| peer == source)
        };
        self.sockets.iter().filter(is_match).map(|socket| socket.id).collect()
    }
}

/// Returns whether a network contains an address, compared bit by bit.
fn contains(network: Ipv4Net, address: Ipv4Addr) -> bool {
    let bits = |address: Ipv4Addr| (0..32).map(move |bit| address.to_bits() >> (31 - bit) & 1);
    bits(network.addr()).zip(bits(address)).take(network.prefix_len().into()).all(|(one, other)| one == other)
}
