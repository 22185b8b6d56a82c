//! The sockets of a host: their bindings, queues and readiness.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use base::list::index;
use base::{Links, List, Place, Secret};
use inet::{Binding, Demultiplexer, EphemeralPorts, InterfaceId};
use ipnet::Ipv4Net;
use tap::{Frame, Pool};

mod drop_reason;
mod error;
mod failures;
mod id;
mod info;
mod packets;
mod send_queues;

pub use self::drop_reason::SocketDropReason;
pub use self::error::SocketError;
pub use self::failures::SocketFailure;
use self::failures::{FailureQueue, FailureStore};
pub(crate) use self::id::SocketTable;
pub use self::id::{DatagramSocketKind, SocketId, SocketKind};
pub use self::info::{SocketInfo, TcpBacklog};
pub(crate) use self::packets::SocketPacket;
use self::packets::{Budget, ExceededLimit, PacketStore};
use self::send_queues::SendQueues;

/// Limits of the sockets of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketLimits {
    /// Maximum number of sockets. A larger number than [`SocketLimits::MAX_SOCKETS`] counts as this number.
    pub sockets: usize,
    /// Maximum memory of the datagrams in all queues, in bytes. A datagram takes the capacity of its frame.
    pub memory: usize,
}

/// The sockets of a host.
#[derive(Debug)]
pub(crate) struct Sockets {
    slots: Vec<Slot>,
    /// Places without a socket.
    free: Vec<Place>,
    limits: SocketLimits,
    packets: PacketStore,
    failures: FailureStore,
    udp: Ports,
    echo: Ports,
    /// The sockets with a change that [`Sockets::poll_ready`] has not returned yet.
    ready: List,
    send_queues: SendQueues,
    /// The UDP sockets that receive broadcasts.
    broadcast: Vec<Place>,
    secret: Secret,
}

/// The bindings of the sockets of a kind.
#[derive(Debug)]
struct Ports {
    bindings: Demultiplexer,
    /// For each port and its local addresses, the number of sockets. A connected socket has one address.
    counts: BTreeMap<(u16, Ipv4Net), u32>,
    ephemeral: EphemeralPorts,
}

/// A place for a socket.
#[derive(Debug)]
struct Slot {
    /// Generation of the socket, or of the next socket.
    generation: u32,
    socket: Option<Socket>,
    /// Links of [`Sockets::ready`].
    ready: Links,
    is_ready: bool,
}

/// A socket.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) kind: DatagramSocketKind,
    /// The binding with all addresses, also while the socket is connected.
    pub(crate) bound: Binding,
    /// The binding that selects datagrams. A connected socket has one address.
    pub(crate) local: Binding,
    /// The only peer of a connected socket.
    pub(crate) peer: Option<SocketAddrV4>,
    /// The only interface of a connected socket, or `None` if the socket uses all interfaces.
    pub(crate) interface: Option<InterfaceId>,
    /// Whether the socket sends and receives broadcasts.
    pub(crate) has_broadcasts: bool,
    receive_buffer: Budget,
    received: List,
    send_buffer: Budget,
    /// The first of the socket's send queues.
    send_queue: Option<Place>,
    failures: FailureQueue,
    /// Whether the send buffer had no capacity for a datagram.
    waits_for_capacity: bool,
    /// Received datagrams that were dropped.
    dropped: u64,
    /// Failures that were dropped.
    failures_lost: u64,
    /// Length of the longest datagram with the flag "don't fragment" that the socket has sent, in bytes.
    pub(crate) longest_sent: usize,
}

/// A send queue and its socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender {
    queue: Place,
    socket: Place,
}

/// A binding and the buffers of a new socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewSocket {
    pub(crate) kind: DatagramSocketKind,
    pub(crate) addresses: Ipv4Net,
    /// Port or echo identifier. `None` selects a free port.
    pub(crate) port: Option<u16>,
    pub(crate) has_broadcasts: bool,
    pub(crate) receive_buffer: usize,
    pub(crate) send_buffer: usize,
}

impl SocketLimits {
    /// Largest maximum number of sockets. The index of the sockets has address space for its maximum from the start.
    pub const MAX_SOCKETS: usize = 1 << 20;
}

impl Default for SocketLimits {
    /// Returns limits of 65,536 sockets, and of 64 MiB for their datagrams.
    fn default() -> SocketLimits {
        SocketLimits { sockets: 65_536, memory: 64 << 20 }
    }
}

impl Ports {
    fn new(bound: usize, secret: &Secret, label: &str) -> Ports {
        Ports {
            bindings: Demultiplexer::new(bound, secret.key((label, "bindings"))),
            counts: BTreeMap::new(),
            ephemeral: EphemeralPorts::new(secret.key((label, "ports"))),
        }
    }

    /// Selects a port on which no socket has an address of this range.
    fn select(&mut self, addresses: Ipv4Net) -> Option<u16> {
        let Ports { counts, ephemeral, .. } = self;
        let has_sockets = |port| {
            let next = counts.range((port, Ipv4Net::default())..).next();
            next.is_some_and(|((used, _), _)| *used == port)
        };
        // A range may contain the addresses of more exact bindings, so that its port must have no socket at all.
        let is_free = |port| {
            !has_sockets(port)
                || addresses.prefix_len() == 32
                    && (0..=32).all(|prefix| {
                        let covering = Ipv4Net::new_assert(addresses.addr(), prefix).trunc();
                        !counts.contains_key(&(port, covering))
                    })
        };
        // spec: rfc6056-unique
        ephemeral.select(is_free)
    }

    fn insert(
        &mut self,
        place: Place,
        local: Binding,
        (peer, interface): (Option<SocketAddrV4>, Option<InterfaceId>),
    ) -> Result<(), SocketError> {
        let inserted = match (peer, interface) {
            (Some(peer), Some(interface)) => self.bindings.insert_on(interface, place, local, peer),
            (peer, _) => self.bindings.insert(place, local, peer),
        };
        inserted.map_err(|_| SocketError::AddressInUse)?;
        *self.counts.entry((local.port, local.addresses)).or_default() += 1;
        Ok(())
    }

    fn remove(&mut self, place: Place, local: Binding) {
        self.bindings.remove(place);
        let sockets = (local.port, local.addresses);
        if let Some(count) = self.counts.get_mut(&sockets) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&sockets);
            }
        }
    }
}

impl Sockets {
    /// Maximum number of sockets that receive broadcasts, so that a broadcast causes few copies.
    const BROADCAST: usize = 64;

    pub(crate) fn new(limits: SocketLimits, secret: Secret) -> Sockets {
        let limits = SocketLimits { sockets: limits.sockets.min(SocketLimits::MAX_SOCKETS), ..limits };
        Sockets {
            slots: Vec::new(),
            free: Vec::new(),
            limits,
            packets: PacketStore::new(limits.memory),
            failures: FailureStore::new(),
            udp: Ports::new(limits.sockets, &secret, "udp"),
            echo: Ports::new(limits.sockets, &secret, "echo"),
            ready: List::EMPTY,
            send_queues: SendQueues::new(),
            broadcast: Vec::new(),
            secret,
        }
    }

    /// Returns the sockets of a host with other limits, without any socket.
    pub(crate) fn with_limits(self, limits: SocketLimits) -> Sockets {
        Sockets::new(limits, self.secret)
    }

    pub(crate) fn limits(&self) -> SocketLimits {
        self.limits
    }

    fn ports(&mut self, kind: DatagramSocketKind) -> &mut Ports {
        match kind {
            DatagramSocketKind::Udp => &mut self.udp,
            DatagramSocketKind::Echo => &mut self.echo,
        }
    }

    /// Creates a socket. Fails without a change if the binding is in use, or if a limit is reached.
    pub(crate) fn bind(&mut self, new: &NewSocket) -> Result<SocketId, SocketError> {
        let place = match self.free.last() {
            Some(place) => *place,
            None if self.slots.len() >= self.limits.sockets => return Err(SocketError::TooManySockets),
            None => Place::try_from(self.slots.len()).map_err(|_| SocketError::TooManySockets)?,
        };
        let receives_broadcasts = new.has_broadcasts && new.kind == DatagramSocketKind::Udp;
        if receives_broadcasts && self.broadcast.len() >= Self::BROADCAST {
            return Err(SocketError::TooManyBroadcastSockets);
        }
        let addresses = new.addresses.trunc();
        let ports = self.ports(new.kind);
        let port = match new.port {
            Some(port) => port,
            None => ports.select(addresses).ok_or(SocketError::NoFreePort)?,
        };
        let binding = Binding { addresses, port };
        ports.insert(place, binding, (None, None))?;
        if self.free.pop().is_none() {
            self.slots.push(Slot::EMPTY);
        }
        if receives_broadcasts {
            self.broadcast.push(place);
        }
        let slot = self.slots.get_mut(index(place)).ok_or(SocketError::TooManySockets)?;
        slot.socket = Some(Socket {
            kind: new.kind,
            bound: binding,
            local: binding,
            peer: None,
            interface: None,
            has_broadcasts: new.has_broadcasts,
            receive_buffer: Budget::new(new.receive_buffer),
            received: List::EMPTY,
            send_buffer: Budget::new(new.send_buffer),
            send_queue: None,
            failures: FailureQueue::EMPTY,
            waits_for_capacity: false,
            dropped: 0,
            failures_lost: 0,
            longest_sent: 0,
        });
        Ok(SocketId { table: SocketTable::Datagram, index: place, generation: slot.generation })
    }

    /// Connects a socket from a local address to a peer, on one interface or on all. Fails without a change if another socket
    /// has this binding, this peer and this interface.
    pub(crate) fn connect(
        &mut self,
        id: SocketId,
        address: Ipv4Addr,
        (peer, interface): (SocketAddrV4, Option<InterfaceId>),
    ) -> Result<SocketAddrV4, SocketError> {
        let socket = self.get(id).ok_or(SocketError::Closed)?;
        let (kind, before, peer_before) = (socket.kind, socket.local, (socket.peer, socket.interface));
        let local = Binding { addresses: address.into(), port: before.port };
        let ports = self.ports(kind);
        ports.remove(id.index, before);
        if let Err(error) = ports.insert(id.index, local, (Some(peer), interface)) {
            // The place of the old binding is free, so that inserting it again succeeds.
            ports.insert(id.index, before, peer_before)?;
            return Err(error);
        }
        if let Some(socket) = self.get_mut(id) {
            (socket.local, socket.peer, socket.interface) = (local, Some(peer), interface);
        }
        Ok(SocketAddrV4::new(address, before.port))
    }

    /// Closes a socket, and returns its frames to the pool.
    // spec: socket-stale
    pub(crate) fn close(&mut self, id: SocketId, pool: &mut Pool) {
        let Some(slot) = self.slots.get_mut(index(id.index)).filter(|slot| slot.generation == id.generation)
        else {
            return;
        };
        let Some(mut socket) = slot.socket.take() else { return };
        if std::mem::take(&mut slot.is_ready) {
            self.ready.unlink(&mut self.slots, |slot| &mut slot.ready, id.index);
        }
        while let Some(packet) = self.packets.pop(&mut socket.received, &mut socket.receive_buffer) {
            pool.give(packet.frame);
        }
        while let Some(queue) = socket.send_queue {
            while let Some(packet) = self.send_queues.pop(queue, (&mut self.packets, &mut socket.send_buffer))
            {
                pool.give(packet.frame);
            }
            self.send_queues.remove(&mut socket.send_queue, queue);
        }
        while self.failures.pop(&mut socket.failures).is_some() {}
        self.broadcast.retain(|place| *place != id.index);
        self.ports(socket.kind).remove(id.index, socket.local);
        // A place without another generation is not used again.
        if let Some(slot) = self.slots.get_mut(index(id.index))
            && let Some(generation) = slot.generation.checked_add(1)
        {
            slot.generation = generation;
            self.free.push(id.index);
        }
    }

    /// Returns a socket.
    pub(crate) fn get(&self, id: SocketId) -> Option<&Socket> {
        let slot = self.slots.get(index(id.index))?;
        slot.socket.as_ref().filter(|_| slot.generation == id.generation)
    }

    fn get_mut(&mut self, id: SocketId) -> Option<&mut Socket> {
        let slot = self.slots.get_mut(index(id.index))?;
        slot.socket.as_mut().filter(|_| slot.generation == id.generation)
    }

    /// Returns a socket of this kind.
    pub(crate) fn get_kind(&self, id: SocketId, kind: DatagramSocketKind) -> Result<&Socket, SocketError> {
        self.get(id).filter(|socket| socket.kind == kind).ok_or(SocketError::Closed)
    }

    /// Returns the place of the socket that receives datagrams to a local address from a peer through an interface.
    // spec: udp-most-exact-binding
    #[expect(clippy::inline_always, reason = "the kind is a constant of the caller")]
    #[inline(always)]
    pub(crate) fn find(
        &self,
        kind: DatagramSocketKind,
        interface: InterfaceId,
        local: SocketAddrV4,
        peer: SocketAddrV4,
    ) -> Option<Place> {
        match kind {
            DatagramSocketKind::Udp => self.udp.bindings.find_received(interface, local, peer),
            DatagramSocketKind::Echo => self.echo.bindings.find(local, peer),
        }
    }

    /// Returns the number of changes of UDP bindings: a result of [`Sockets::find`] is valid while the number stays the same.
    #[inline]
    pub(crate) fn udp_generation(&self) -> u64 {
        self.udp.bindings.generation()
    }

    /// Returns the number of sockets that receive broadcasts.
    pub(crate) fn broadcast_sockets(&self) -> usize {
        self.broadcast.len()
    }

    /// Returns the place of a socket that receives broadcasts to a port from a peer through an interface. `has_address`
    /// returns whether the interface has one of these addresses.
    pub(crate) fn broadcast_socket(
        &self,
        number: usize,
        (interface, port): (InterfaceId, u16),
        peer: SocketAddrV4,
        has_address: impl Fn(Ipv4Net) -> bool,
    ) -> Option<Place> {
        let place = *self.broadcast.get(number)?;
        let socket = self.slots.get(index(place))?.socket.as_ref()?;
        let is_receiver = socket.local.port == port
            && socket.peer.is_none_or(|connected| connected == peer)
            && socket.interface.is_none_or(|connected| connected == interface)
            && has_address(socket.local.addresses);
        is_receiver.then_some(place)
    }

    /// Adds a received datagram to the queue of a socket. Returns the frame if a limit is reached.
    #[inline]
    pub(crate) fn deliver(
        &mut self,
        place: Place,
        packet: SocketPacket,
    ) -> Result<(), (Frame, SocketDropReason)> {
        let socket = self.slots.get_mut(index(place)).and_then(|slot| slot.socket.as_mut());
        let Some(socket) = socket else {
            return Err((packet.frame, SocketDropReason::Closed));
        };
        // spec: socket-receive-bound, socket-memory-bound
        match self.packets.push(&mut socket.received, &mut socket.receive_buffer, packet) {
            Ok(()) => {
                self.mark_ready(place);
                Ok(())
            }
            Err((frame, limit)) => {
                socket.dropped = socket.dropped.saturating_add(1);
                Err((frame, limit.into()))
            }
        }
    }

    /// Counts a datagram that a socket does not receive.
    pub(crate) fn count_dropped(&mut self, place: Place) {
        if let Some(socket) = self.slots.get_mut(index(place)).and_then(|slot| slot.socket.as_mut()) {
            socket.dropped = socket.dropped.saturating_add(1);
        }
    }

    /// Removes and returns the first received datagram of a socket of this kind.
    #[inline]
    pub(crate) fn receive(&mut self, id: SocketId, kind: DatagramSocketKind) -> Option<SocketPacket> {
        let slot = self.slots.get_mut(index(id.index)).filter(|slot| slot.generation == id.generation)?;
        let socket = slot.socket.as_mut().filter(|socket| socket.kind == kind)?;
        self.packets.pop(&mut socket.received, &mut socket.receive_buffer)
    }

    /// Adds a datagram to the send queue of a socket. Returns the frame if a limit is reached.
    // spec: socket-send-bound
    #[inline]
    pub(crate) fn queue(&mut self, id: SocketId, packet: SocketPacket) -> Result<(), (Frame, SocketError)> {
        let slot = self.slots.get_mut(index(id.index)).filter(|slot| slot.generation == id.generation);
        let Some(slot) = slot else { return Err((packet.frame, SocketError::Closed)) };
        let Some(socket) = slot.socket.as_mut() else {
            return Err((packet.frame, SocketError::Closed));
        };
        let buffer = (&mut self.packets, &mut socket.send_buffer);
        let pushed = self.send_queues.push(&mut socket.send_queue, id.index, buffer, packet);
        pushed.map_err(|(frame, limit)| match limit {
            ExceededLimit::Buffer => {
                socket.waits_for_capacity = true;
                (frame, SocketError::SendBufferFull)
            }
            ExceededLimit::Store => (frame, SocketError::SocketMemoryFull),
        })
    }

    /// Returns whether a socket has a datagram that departs on this interface.
    #[inline]
    pub(crate) fn has_senders(&self, interface: InterfaceId) -> bool {
        self.send_queues.first(interface).is_some()
    }

    /// Returns the send queue of an interface that sends next.
    #[inline]
    pub(crate) fn first_sender(&self, interface: InterfaceId) -> Option<Sender> {
        let (queue, socket) = self.send_queues.first(interface)?;
        Some(Sender { queue, socket })
    }

    /// Removes and returns the first datagram of a send queue.
    #[inline]
    pub(crate) fn take_to_send(&mut self, Sender { queue, socket: place }: Sender) -> Option<SocketPacket> {
        let socket = self.slots.get_mut(index(place))?.socket.as_mut()?;
        let packet = self.send_queues.pop(queue, (&mut self.packets, &mut socket.send_buffer))?;
        if socket.waits_for_capacity && socket.send_buffer.is_half_free() {
            socket.waits_for_capacity = false;
            self.mark_ready(place);
        }
        Some(packet)
    }

    /// Moves a send queue behind the other queues of its interface, or removes the queue if it is empty.
    #[inline]
    pub(crate) fn rotate_sender(&mut self, Sender { queue, socket }: Sender) {
        if let Some(socket) = self.slots.get_mut(index(socket)).and_then(|slot| slot.socket.as_mut()) {
            self.send_queues.rotate(&mut socket.send_queue, queue);
        }
    }

    /// Records the length of a datagram with the flag "don't fragment", in bytes, if the datagram is the longest of its
    /// socket.
    #[cold]
    pub(crate) fn record_length(&mut self, id: SocketId, length: usize) {
        if let Some(socket) = self.get_mut(id) {
            socket.longest_sent = length;
        }
    }

    /// Returns whether a socket has sent a datagram of at least this length in bytes, with the flag "don't fragment".
    pub(crate) fn has_sent(&self, place: Place, length: usize) -> bool {
        let socket = self.slots.get(index(place)).and_then(|slot| slot.socket.as_ref());
        socket.is_some_and(|socket| socket.longest_sent >= length)
    }

    /// Adds a failure to the queue of a socket. Returns false if the failure is lost.
    pub(crate) fn fail(&mut self, place: Place, failure: SocketFailure) -> bool {
        let Some(slot) = self.slots.get_mut(index(place)) else { return false };
        let Some(socket) = slot.socket.as_mut() else { return false };
        let is_stored = self.failures.push(&mut socket.failures, failure);
        if is_stored {
            self.mark_ready(place);
        } else {
            socket.failures_lost = socket.failures_lost.saturating_add(1);
        }
        is_stored
    }

    /// Removes and returns the first failure of a socket.
    pub(crate) fn take_failure(&mut self, id: SocketId) -> Option<SocketFailure> {
        let slot = self.slots.get_mut(index(id.index)).filter(|slot| slot.generation == id.generation)?;
        self.failures.pop(&mut slot.socket.as_mut()?.failures)
    }

    /// Removes and returns the first socket of the readiness list.
    // spec: socket-readiness
    #[inline]
    pub(crate) fn poll_ready(&mut self) -> Option<SocketId> {
        let place = self.ready.first()?;
        self.ready.unlink(&mut self.slots, |slot| &mut slot.ready, place);
        let slot = self.slots.get_mut(index(place))?;
        slot.is_ready = false;
        Some(SocketId { table: SocketTable::Datagram, index: place, generation: slot.generation })
    }

    /// Returns the number of datagrams in all queues.
    pub(crate) fn datagrams(&self) -> usize {
        self.packets.len()
    }

    /// Returns the state of a socket.
    pub(crate) fn info(&self, id: SocketId) -> Option<SocketInfo> {
        self.get(id).map(|socket| socket.info(id))
    }

    /// Returns the states of all sockets, or of the sockets that follow a socket.
    pub(crate) fn infos(&self, after: Option<SocketId>) -> impl Iterator<Item = SocketInfo> {
        let first = after.map_or(0, |id| index(id.index).saturating_add(1));
        self.slots.iter().enumerate().skip(first).filter_map(|(place, slot)| {
            let id = SocketId {
                table: SocketTable::Datagram,
                index: Place::try_from(place).ok()?,
                generation: slot.generation,
            };
            Some(slot.socket.as_ref()?.info(id))
        })
    }

    #[inline]
    fn mark_ready(&mut self, place: Place) {
        let Some(slot) = self.slots.get_mut(index(place)) else { return };
        if !std::mem::replace(&mut slot.is_ready, true) {
            self.ready.append(&mut self.slots, |slot| &mut slot.ready, place);
        }
    }
}

impl Socket {
    fn info(&self, id: SocketId) -> SocketInfo {
        SocketInfo {
            id,
            kind: self.kind.into(),
            addresses: self.local.addresses.into(),
            port: self.local.port,
            peer: self.peer.map(SocketAddr::from),
            broadcast: self.has_broadcasts,
            state: None,
            backlog: None,
            received_bytes: self.receive_buffer.bytes(),
            sending_bytes: self.send_buffer.bytes(),
            dropped: self.dropped,
            failures_lost: self.failures_lost,
        }
    }
}

impl Slot {
    const EMPTY: Slot = Slot { generation: 0, socket: None, ready: Links::NONE, is_ready: false };
}
