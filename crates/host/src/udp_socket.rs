//! UDP sockets: the types and the calls.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

use inet::{InterfaceId, IpProtocol};
use ipnet::{IpNet, Ipv4Net};
use ipv4::{Ipv4Fields, PathMtus};
use tap::{Frame, Instant, Offload, Offloads, Pool, Segmentation, SegmentationKind};
use udp::UdpFields;

use crate::host::Host;
use crate::socket_calls::{BUFFER, Outgoing, default_time_to_live, frame_with, to_ipv4};
use crate::sockets::{DatagramSocketKind, NewSocket, SocketError, SocketId, SocketPacket};

/// Headers before the data of a datagram, in bytes.
const HEADERS: usize = Ipv4Fields::LENGTH + UdpFields::LENGTH;

/// A binding of a UDP socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UdpBind {
    /// Local addresses: 0.0.0.0/0 for all local addresses, a network for its local addresses, or one address.
    ///
    /// If several bindings contain the destination of a datagram, the binding with the longest prefix receives it.
    pub addresses: IpNet,
    /// Port, or `None` for a random free port from 32,768 to 60,999.
    pub port: Option<u16>,
    /// Whether the socket sends and receives broadcasts.
    pub broadcast: bool,
    /// Maximum capacity of the frames of received datagrams, in bytes. The buffer holds at least one datagram.
    pub receive_buffer: usize,
    /// Maximum capacity of the frames of datagrams to send, in bytes. The buffer holds at least one datagram.
    pub send_buffer: usize,
}

/// Addresses and IP header fields of a datagram to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UdpMessage {
    /// Interface, which must have the source address in use. `None` selects the interface of the route to the
    /// destination, or an interface with the source address.
    ///
    /// A reply should leave by the interface of its request: several interfaces, such as VLANs, may have the same
    /// addresses.
    pub interface: Option<InterfaceId>,
    /// Source address: an address of the socket. `None` selects the address of the route to the destination.
    pub source: Option<IpAddr>,
    /// Destination, or `None` for the peer of a connected socket.
    pub destination: Option<SocketAddr>,
    /// Time to live. `None` selects the time to live of the interface, and 1 for a multicast destination (RFC 1112 6.1).
    pub time_to_live: Option<u8>,
    /// Type of service: DSCP and ECN.
    pub type_of_service: u8,
    /// Whether the datagram may be fragmented.
    pub fragmentation: Fragmentation,
}

/// Fragmentation of a datagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fragmentation {
    /// A datagram that fits the path MTU has the flag "don't fragment", unless the path MTU is [`PathMtus::MINIMUM`]. A
    /// longer datagram is sent in fragments.
    #[default]
    Allowed,
    /// The datagram has the flag "don't fragment", and a datagram that is longer than the path MTU is refused.
    Never,
}

/// A received UDP datagram.
#[derive(Debug)]
pub struct ReceivedUdp {
    /// The data. The frame belongs to the caller, who sends it or returns it to the pool.
    pub frame: Frame,
    /// Source address and port. Port 0 means that the sender expects no reply.
    pub source: SocketAddr,
    /// Destination address and port: a local address, or a broadcast address.
    pub destination: SocketAddr,
    /// The interface that has received the datagram.
    pub interface: InterfaceId,
    /// Remaining hops.
    pub time_to_live: u8,
    /// Type of service: DSCP and ECN.
    pub type_of_service: u8,
    /// Time of reception.
    pub at: Instant,
}

/// A [`UdpMessage`] with IPv4 addresses.
#[derive(Clone, Copy)]
struct Ipv4Message {
    interface: Option<InterfaceId>,
    source: Option<Ipv4Addr>,
    /// Address and port. A pair, because the bytes of an address and a port together would be copied through memory.
    destination: Option<(Ipv4Addr, u16)>,
    time_to_live: Option<u8>,
    type_of_service: u8,
    fragmentation: Fragmentation,
}

impl UdpMessage {
    #[inline]
    fn to_ipv4(self) -> Result<Ipv4Message, SocketError> {
        let UdpMessage { interface, source, destination, time_to_live, type_of_service, fragmentation } =
            self;
        let source = source.map(to_ipv4).transpose()?;
        let destination = match destination {
            None => None,
            Some(SocketAddr::V4(destination)) => Some((*destination.ip(), destination.port())),
            Some(SocketAddr::V6(destination)) => {
                return Err(SocketError::Ipv6((*destination.ip()).into()));
            }
        };
        Ok(Ipv4Message { interface, source, destination, time_to_live, type_of_service, fragmentation })
    }
}

impl ReceivedUdp {
    /// Returns the message of a reply: from the address and the interface that received the datagram, to its sender.
    #[inline]
    pub fn reply_message(&self) -> UdpMessage {
        UdpMessage {
            // Several interfaces may have this address.
            interface: Some(self.interface),
            // RFC 1122 4.1.3.5: the reply has the address of the request as its source.
            source: Some(self.destination.ip()),
            destination: Some(self.source),
            ..UdpMessage::default()
        }
    }
}

impl Default for UdpBind {
    /// Returns a binding to a random free port of all local addresses, without broadcasts, with buffers of 212,992
    /// bytes.
    fn default() -> UdpBind {
        UdpBind {
            addresses: Ipv4Net::default().into(),
            port: None,
            broadcast: false,
            receive_buffer: BUFFER,
            send_buffer: BUFFER,
        }
    }
}

impl Default for UdpMessage {
    /// Returns a message to the peer of a connected socket, with default fields.
    fn default() -> UdpMessage {
        UdpMessage {
            interface: None,
            source: None,
            destination: None,
            time_to_live: None,
            type_of_service: 0,
            fragmentation: Fragmentation::Allowed,
        }
    }
}

impl Host {
    /// Creates a UDP socket. Fails without a change if the binding is in use or invalid, or if a limit is reached.
    ///
    /// Several bindings may share a port if they have different addresses or prefixes.
    // spec: rfc768-interface
    pub fn bind_udp(&mut self, bind: &UdpBind) -> Result<SocketId, SocketError> {
        // spec: rfc8085-port-zero
        if bind.port == Some(0) {
            return Err(SocketError::PortZero);
        }
        let addresses = self.bindable(bind.addresses)?;
        self.shared.sockets.bind(&NewSocket {
            kind: DatagramSocketKind::Udp,
            addresses,
            port: bind.port,
            has_broadcasts: bind.broadcast,
            receive_buffer: bind.receive_buffer,
            send_buffer: bind.send_buffer,
        })
    }

    /// Connects a UDP socket: the socket sends from one local address to this peer by default, and receives only
    /// datagrams of this peer. Returns the local address and port.
    ///
    /// The route to the peer selects the local address. Datagrams that the socket has received before stay in its
    /// receive buffer. A connected socket can be connected to another peer.
    // spec: rfc1122-udp-source-reported
    pub fn connect_udp(&mut self, id: SocketId, peer: SocketAddr) -> Result<SocketAddr, SocketError> {
        self.connect_udp_through(id, peer, None)
    }

    /// Connects a UDP socket as [`Host::connect_udp`] does. The socket sends through this interface by default, and receives
    /// only datagrams that this interface has received. So two sockets can have peers with the same address on two interfaces.
    // spec: udp-connected-interface
    pub fn connect_udp_on(
        &mut self,
        id: SocketId,
        peer: SocketAddr,
        interface: InterfaceId,
    ) -> Result<SocketAddr, SocketError> {
        self.connect_udp_through(id, peer, Some(interface))
    }

    fn connect_udp_through(
        &mut self,
        id: SocketId,
        peer: SocketAddr,
        interface: Option<InterfaceId>,
    ) -> Result<SocketAddr, SocketError> {
        let socket = self.shared.sockets.get_kind(id, DatagramSocketKind::Udp)?;
        let (addresses, has_broadcasts) = (socket.bound.addresses, socket.has_broadcasts);
        let peer = to_ipv4_socket(peer)?;
        if peer.port() == 0 {
            return Err(SocketError::PortZero);
        }
        let path = self.path((addresses, has_broadcasts), (interface, None), *peer.ip())?;
        let (_, source) = self.origin(path).ok_or(SocketError::NoSourceAddress)?;
        Ok(self.shared.sockets.connect(id, source, (peer, interface))?.into())
    }

    /// Sends a datagram with this data: copies the data into a frame, and sends the frame.
    ///
    /// See [`Host::send_udp_frame`].
    // spec: rfc768-interface
    pub fn send_udp(
        &mut self,
        now: Instant,
        id: SocketId,
        message: &UdpMessage,
        data: &[u8],
        pool: &mut Pool,
    ) -> Result<(), SocketError> {
        let message = message.to_ipv4()?;
        // The socket and the data are checked before the data is copied.
        self.shared.sockets.get_kind(id, DatagramSocketKind::Udp)?;
        check_length(data.len())?;
        let frame = frame_with(data, HEADERS, pool)?;
        self.send_udp_message(now, id, message, frame, pool)
    }

    /// Sends a datagram with the data in `frame`. The data is not copied: the headers are written into the headroom.
    ///
    /// If the next hop is known, and no datagram of a socket waits, the next turn transmits the datagram. Otherwise, the
    /// datagram waits in the send buffer until the device accepts it, and the next hop is resolved when the datagram
    /// departs. If the next hop does not answer, [`Host::take_socket_error`] reports the failure. On an error, the frame
    /// returns to the pool, and nothing is sent.
    // Inlined across crates, so that the addresses of a reply are not copied in memory.
    #[inline]
    pub fn send_udp_frame(
        &mut self,
        now: Instant,
        id: SocketId,
        message: &UdpMessage,
        frame: Frame,
        pool: &mut Pool,
    ) -> Result<(), SocketError> {
        match message.to_ipv4() {
            Ok(message) => self.send_udp_message(now, id, message, frame, pool),
            Err(error) => {
                pool.give(frame);
                Err(error)
            }
        }
    }

    /// Sends the frame of a received datagram to the sender of the datagram, from the address and the interface that
    /// received the datagram. The data may have changed.
    ///
    /// See [`Host::send_udp_frame`] and [`ReceivedUdp::reply_message`].
    #[inline]
    pub fn reply_udp(
        &mut self,
        now: Instant,
        id: SocketId,
        received: ReceivedUdp,
        pool: &mut Pool,
    ) -> Result<(), SocketError> {
        self.send_udp_frame(now, id, &received.reply_message(), received.frame, pool)
    }

    /// Sends the data in a frame, or returns the frame to the pool on an error.
    #[expect(clippy::inline_always, reason = "most fields of a reply are constants of the caller")]
    #[inline(always)]
    fn send_udp_message(
        &mut self,
        now: Instant,
        id: SocketId,
        message: Ipv4Message,
        frame: Frame,
        pool: &mut Pool,
    ) -> Result<(), SocketError> {
        match self.outgoing_udp(now, id, message, frame.len()) {
            Ok(outgoing) => self.send_outgoing_udp(now, id, outgoing, frame, pool),
            Err(error) => {
                pool.give(frame);
                Err(error)
            }
        }
    }

    /// Removes and returns the first datagram in the receive buffer. The caller sends the frame, or returns it to the
    /// pool.
    // spec: rfc768-interface, rfc1122-udp-addresses, rfc1122-udp-received-fields
    #[inline]
    pub fn receive_udp(&mut self, id: SocketId) -> Option<ReceivedUdp> {
        let packet = self.shared.sockets.receive(id, DatagramSocketKind::Udp)?;
        let SocketPacket { frame, source, destination, interface, time_to_live, type_of_service, at } =
            packet;
        Some(ReceivedUdp {
            frame,
            source: source.into(),
            destination: destination.into(),
            interface,
            time_to_live,
            type_of_service,
            at,
        })
    }

    /// Checks a datagram to send, and selects its interface, source and next hop.
    #[inline]
    fn outgoing_udp(
        &mut self,
        now: Instant,
        id: SocketId,
        message: Ipv4Message,
        length: usize,
    ) -> Result<Outgoing, SocketError> {
        let socket = self.shared.sockets.get_kind(id, DatagramSocketKind::Udp)?;
        let (peer, port) = match (message.destination, socket.peer) {
            (None, None) => return Err(SocketError::DestinationRequired),
            (None, Some(peer)) => (*peer.ip(), peer.port()),
            (Some((_, 0)), None) => return Err(SocketError::PortZero),
            (Some(destination), None) => destination,
            (Some((address, port)), Some(peer)) if address == *peer.ip() && port == peer.port() => {
                (address, port)
            }
            (Some(_), Some(_)) => return Err(SocketError::IsConnected),
        };
        check_length(length)?;
        let (local, has_broadcasts, longest_sent) =
            (socket.local, socket.has_broadcasts, socket.longest_sent);
        let from = (message.interface.or(socket.interface), message.source);
        let path = self.path((local.addresses, has_broadcasts), from, peer)?;
        let (interface, source) = self.origin(path).ok_or(SocketError::NoSourceAddress)?;
        let path_mtu = interface.path_mtus.get(now, peer);
        let mtu = interface.config.mtu;
        let limit = path_mtu.map_or(mtu, |path_mtu| mtu.min(path_mtu.into()));
        let fits = HEADERS + length <= limit;
        let is_at_minimum = path_mtu == Some(PathMtus::MINIMUM);
        if message.fragmentation == Fragmentation::Never && !fits {
            return Err(SocketError::TooLong { limit: limit.saturating_sub(HEADERS) });
        }
        let time_to_live = message.time_to_live.unwrap_or_else(|| default_time_to_live(interface, peer));
        let (interface, offloads) = (interface.id, interface.config.offloads);
        // RFC 1191 3: a host "sends all datagrams on that path with the DF bit set". The path may have a smaller MTU
        // than the minimum of the table, so that a gateway must be able to fragment.
        // spec: rfc8085-dont-fragment, path-mtu-floor
        let dont_fragment = message.fragmentation == Fragmentation::Never || (fits && !is_at_minimum);
        if dont_fragment && HEADERS + length > longest_sent {
            self.shared.sockets.record_length(id, HEADERS + length);
        }
        let fields = Ipv4Fields {
            // spec: rfc1122-udp-fields
            time_to_live,
            type_of_service: message.type_of_service,
            dont_fragment,
            ..Ipv4Fields::new(IpProtocol::UDP, source, peer)
        };
        let (source, destination) = (SocketAddrV4::new(source, local.port), SocketAddrV4::new(peer, port));
        let offloads = if dont_fragment { offloads } else { Offloads::default() };
        Ok(Outgoing { interface, path, source, destination, fields, offloads })
    }

    /// Writes the headers of a datagram, and sends the datagram.
    #[inline]
    fn send_outgoing_udp(
        &mut self,
        now: Instant,
        id: SocketId,
        mut outgoing: Outgoing,
        mut frame: Frame,
        pool: &mut Pool,
    ) -> Result<(), SocketError> {
        self.identify(&mut outgoing);
        let Outgoing { interface, source, destination, fields, offloads, .. } = outgoing;
        frame.set_offload(Offload::default());
        let udp = UdpFields { source, destination };
        let is_written = frame.prepend(UdpFields::LENGTH).is_ok()
            && write_udp(&udp, offloads, &mut frame)
            && frame.prepend(Ipv4Fields::LENGTH).is_ok()
            && fields.write_to(frame.bytes_mut()).is_ok();
        if !is_written {
            pool.give(frame);
            return Err(SocketError::NoHeadroom);
        }
        self.send_packet(now, id, &outgoing, frame, pool)?;
        if let Some(interface) = self.interfaces.get_mut(interface) {
            interface.counters.udp_sent = interface.counters.udp_sent.saturating_add(1);
        }
        Ok(())
    }
}

/// Writes the header of a datagram into the frame of the datagram. Leaves the checksum to the device, if the device
/// completes checksums, and permits the device to transmit the datagram together with others.
#[inline]
fn write_udp(udp: &UdpFields, offloads: Offloads, frame: &mut Frame) -> bool {
    if !offloads.checksum {
        return udp.write_to(frame.bytes_mut()).is_ok();
    }
    let size = u16::try_from(frame.len().saturating_sub(UdpFields::LENGTH)).unwrap_or_default();
    // spec: udp-joined
    let header = u16::try_from(UdpFields::LENGTH).unwrap_or_default();
    let segmentation = Segmentation { kind: SegmentationKind::Udp, size, header, cwr: false };
    frame.set_offload(Offload {
        checksum: UdpFields::PARTIAL_CHECKSUM,
        segmentation: (offloads.udp && size > 0).then_some(segmentation),
    });
    udp.write_partial_to(frame.bytes_mut()).is_ok()
}

/// Checks the length of the data of a datagram.
fn check_length(length: usize) -> Result<(), SocketError> {
    let limit = UdpFields::MAX_DATA;
    if length > limit { Err(SocketError::TooLong { limit }) } else { Ok(()) }
}

/// Returns an IPv4 address and a port.
fn to_ipv4_socket(address: SocketAddr) -> Result<SocketAddrV4, SocketError> {
    match address {
        SocketAddr::V4(address) => Ok(address),
        SocketAddr::V6(address) => Err(SocketError::Ipv6((*address.ip()).into())),
    }
}
