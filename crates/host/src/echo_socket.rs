//! Echo sockets: echo requests (ping) and their replies.

use std::net::{IpAddr, SocketAddrV4};

use icmp::{Echo, IcmpType};
use inet::{InterfaceId, IpProtocol};
use ipnet::{IpNet, Ipv4Net};
use ipv4::Ipv4Fields;
use tap::{Frame, Instant, Offload, Offloads, Pool};

use crate::host::Host;
use crate::socket_calls::{BUFFER, Outgoing, default_time_to_live, frame_with, to_ipv4};
use crate::sockets::{DatagramSocketKind, NewSocket, SocketError, SocketId, SocketPacket};

/// Headers before the data of a request, in bytes.
const HEADERS: usize = Ipv4Fields::LENGTH + Echo::HEADER;

/// A binding of an echo socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EchoBind {
    /// Local addresses: 0.0.0.0/0 for all local addresses, a network for its local addresses, or one address.
    pub addresses: IpNet,
    /// ICMP identifier of the requests, or `None` for a random free identifier.
    pub identifier: Option<u16>,
    /// Maximum capacity of the frames of received replies, in bytes. The buffer holds at least one reply.
    pub receive_buffer: usize,
    /// Maximum capacity of the frames of requests to send, in bytes. The buffer holds at least one request.
    pub send_buffer: usize,
}

/// An echo request to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EchoRequest {
    /// Interface, which must have the source address in use. `None` selects the interface of the route to the
    /// destination, or an interface with the source address.
    pub interface: Option<InterfaceId>,
    /// Source address: an address of the socket. `None` selects the address of the route to the destination.
    pub source: Option<IpAddr>,
    /// Destination address: a host, a broadcast address or a multicast group.
    pub destination: IpAddr,
    /// ICMP sequence number.
    pub sequence: u16,
    /// Time to live. `None` selects the time to live of the interface, and 1 for a multicast destination (RFC 1112 6.1).
    pub time_to_live: Option<u8>,
    /// Type of service: DSCP and ECN.
    pub type_of_service: u8,
}

/// A received echo reply.
#[derive(Debug)]
pub struct EchoReply {
    /// The data. The frame belongs to the caller, who returns it to the pool.
    pub frame: Frame,
    /// Source address.
    pub from: IpAddr,
    /// Destination address, a local address of the host.
    pub to: IpAddr,
    /// ICMP identifier, that of the socket.
    pub identifier: u16,
    /// ICMP sequence number.
    pub sequence: u16,
    /// The interface that has received the reply.
    pub interface: InterfaceId,
    /// Remaining hops.
    pub time_to_live: u8,
    /// Type of service: DSCP and ECN.
    pub type_of_service: u8,
    /// Time of reception.
    pub at: Instant,
}

impl Default for EchoBind {
    /// Returns a binding to a random free identifier for all local addresses, with buffers of 212,992 bytes.
    fn default() -> EchoBind {
        EchoBind {
            addresses: Ipv4Net::default().into(),
            identifier: None,
            receive_buffer: BUFFER,
            send_buffer: BUFFER,
        }
    }
}

impl EchoRequest {
    /// Returns a request from the address that the route selects, with default header fields.
    pub fn new(destination: IpAddr, sequence: u16) -> EchoRequest {
        EchoRequest {
            interface: None,
            source: None,
            destination,
            sequence,
            time_to_live: None,
            type_of_service: 0,
        }
    }
}

impl Host {
    /// Creates an echo socket. Fails without a change if the binding is in use or invalid, or if a limit is reached.
    pub fn bind_echo(&mut self, bind: &EchoBind) -> Result<SocketId, SocketError> {
        let addresses = self.bindable(bind.addresses)?;
        self.shared.sockets.bind(&NewSocket {
            kind: DatagramSocketKind::Echo,
            addresses,
            port: bind.identifier,
            has_broadcasts: true,
            receive_buffer: bind.receive_buffer,
            send_buffer: bind.send_buffer,
        })
    }

    /// Sends an echo request with this data. A request that is longer than the path MTU is sent in fragments.
    ///
    /// The request waits as a UDP datagram does: see [`Host::send_udp_frame`]. If the next hop does not answer, or an ICMP
    /// error about the request arrives, [`Host::take_socket_error`] reports the failure. An error sends nothing.
    ///
    /// The request leaves by its interface, or by the interface of its source address. Without both, the route to the
    /// destination selects interface and source. Destinations that are always on the link need no route: without a
    /// route, the first interface sends the request.
    pub fn send_echo(
        &mut self,
        now: Instant,
        id: SocketId,
        request: &EchoRequest,
        data: &[u8],
        pool: &mut Pool,
    ) -> Result<(), SocketError> {
        let binding = self.shared.sockets.get_kind(id, DatagramSocketKind::Echo)?.local;
        let destination = to_ipv4(request.destination)?;
        let source = request.source.map(to_ipv4).transpose()?;
        let path = self.path((binding.addresses, true), (request.interface, source), destination)?;
        let (interface, source) = self.origin(path).ok_or(SocketError::NoSourceAddress)?;
        let limit = ipv4::Datagram::MAX_LENGTH - HEADERS;
        if data.len() > limit {
            return Err(SocketError::TooLong { limit });
        }
        let mut frame = frame_with(data, HEADERS, pool)?;
        let mut outgoing = Outgoing {
            interface: interface.id,
            path,
            source: SocketAddrV4::new(source, binding.port),
            destination: SocketAddrV4::new(destination, 0),
            fields: Ipv4Fields {
                time_to_live: request
                    .time_to_live
                    .unwrap_or_else(|| default_time_to_live(interface, destination)),
                type_of_service: request.type_of_service,
                ..Ipv4Fields::new(IpProtocol::ICMP, source, destination)
            },
            // No device completes the checksum of ICMP.
            offloads: Offloads::default(),
        };
        self.identify(&mut outgoing);
        frame.set_offload(Offload::default());
        let echo = Echo { identifier: binding.port, sequence: request.sequence, data };
        let is_written = frame.prepend(HEADERS).is_ok()
            && frame
                .bytes_mut()
                .get_mut(Ipv4Fields::LENGTH..)
                .is_some_and(|message| echo.write_to(IcmpType::ECHO_REQUEST, message).is_ok())
            && outgoing.fields.write_to(frame.bytes_mut()).is_ok();
        if !is_written {
            pool.give(frame);
            return Err(SocketError::NoHeadroom);
        }
        self.send_packet(now, id, &outgoing, frame, pool)?;
        if let Some(interface) = self.interfaces.get_mut(outgoing.interface) {
            interface.counters.echo_requests = interface.counters.echo_requests.saturating_add(1);
        }
        Ok(())
    }

    /// Removes and returns the first reply in the receive buffer.
    pub fn receive_echo(&mut self, id: SocketId) -> Option<EchoReply> {
        let packet = self.shared.sockets.receive(id, DatagramSocketKind::Echo)?;
        let SocketPacket { frame, source, destination, interface, time_to_live, type_of_service, at } =
            packet;
        Some(EchoReply {
            frame,
            from: (*source.ip()).into(),
            to: (*destination.ip()).into(),
            identifier: destination.port(),
            sequence: source.port(),
            interface,
            time_to_live,
            type_of_service,
            at,
        })
    }
}
