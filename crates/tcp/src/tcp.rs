//! The connections and listeners of a host.

mod calls;
mod connections;
mod cookies;
mod counters;
mod entries;
mod error;
mod half_open;
mod id;
mod limits;
mod listeners;
mod passive;
mod places;
mod queues;
mod receive;
pub(crate) mod time_wait;
mod transmit;
mod unresolved;
mod waiting;

use std::net::{Ipv4Addr, SocketAddrV4};

use base::{Place, Secret};
use inet::{EphemeralPorts, InterfaceId, RateLimiter};
use tap::{Frame, Instant, Pool};

use self::connections::{Connections, Owner, Wait};
use self::cookies::Cookies;
pub use self::counters::{TcpCounters, TcpTotals};
pub use self::entries::TcpEntry;
pub use self::error::TcpError;
use self::half_open::{Expired, HalfOpens};
pub use self::id::{ConnectionId, ListenerId, TcpReady};
pub use self::limits::TcpLimits;
use self::listeners::Listeners;
use self::places::{Entry, Places};
use self::queues::{InterfaceQueues, Queues};
use self::time_wait::{TimeWait, TimeWaits};
use self::unresolved::Unresolved;
use crate::{
    InitialSequenceNumbers, Memory, MemoryLevel, Output, PathProblem, Resources, SegmentFields,
    SegmentOutcome, SegmentService, SequenceNumber, State, TcpSettings,
};

/// The connections and listeners of a host.
///
/// The caller passes each received segment to [`Tcp::receive`], and sends what [`Tcp::transmit`] returns while the device
/// has capacity. [`Tcp::poll`] is due at [`Tcp::deadline`]. After each call, [`Tcp::poll_ready`] returns the connections
/// and listeners with a change, each once.
///
/// A SYN to a listener becomes a half-open connection of 64 bytes, and a connection after the acknowledgment of the
/// SYN,ACK. A connection in TIME-WAIT that its user has closed takes 64 bytes again.
#[derive(Debug)]
pub struct Tcp {
    limits: TcpLimits,
    secret: Secret,
    places: Places,
    connections: Connections,
    half_opens: HalfOpens,
    time_waits: TimeWaits,
    listeners: Listeners,
    memory: Memory,
    numbers: InitialSequenceNumbers,
    cookies: Cookies,
    ports: EphemeralPorts,
    resets: RateLimiter,
    queues: InterfaceQueues,
    unresolved: Unresolved,
    counters: TcpCounters,
    /// Time of the last call.
    now: Instant,
}

/// The path of a received segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// Interface that received the segment.
    pub interface: InterfaceId,
    /// MTU of the interface, in bytes.
    pub interface_mtu: u16,
    /// MTU of the path to the peer, in bytes.
    pub mtu: u16,
}

/// Result of the processing of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpReception {
    /// Whether the segment was accepted.
    pub outcome: SegmentOutcome,
    /// A segment without data to send in reply.
    pub reply: Option<SegmentFields>,
    /// IP header fields of the reply.
    pub service: SegmentService,
    /// Whether the segment acknowledges new data, which confirms that the next hop is reachable.
    pub is_progress: bool,
}

/// A connection to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect {
    /// Local address.
    pub local: Ipv4Addr,
    /// Local port, or `None` for a free ephemeral port.
    pub port: Option<u16>,
    /// Address and port of the peer.
    pub peer: SocketAddrV4,
    /// Interface of the path to the peer.
    pub interface: InterfaceId,
    /// MTU of the interface, in bytes.
    pub interface_mtu: u16,
    /// MTU of the path to the peer, in bytes.
    pub mtu: u16,
    /// Settings of the connection.
    pub settings: TcpSettings,
}

/// A segment to send.
#[derive(Debug)]
pub struct Departure {
    /// The segment, with its TCP header.
    pub frame: Frame,
    /// Source address of the IP datagram.
    pub source: Ipv4Addr,
    /// Destination address of the IP datagram.
    pub destination: Ipv4Addr,
    /// Time to live. `None` is the default of the host.
    pub time_to_live: Option<u8>,
    /// Type of service.
    pub type_of_service: u8,
    /// Whether the destination may be a forged address: the segment is a reset, or the SYN,ACK of a half-open connection.
    pub may_be_forged: bool,
}

/// The segment that an ICMP error quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotedSegment {
    /// Interface of the ICMP error, which is the interface of the connection.
    pub interface: InterfaceId,
    /// Source address and port of the segment.
    pub local: SocketAddrV4,
    /// Destination address and port of the segment.
    pub peer: SocketAddrV4,
    /// Sequence number of the segment.
    pub sequence: SequenceNumber,
}

/// Addresses and interface of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Local address and port.
    pub local: SocketAddrV4,
    /// Address and port of the peer.
    pub peer: SocketAddrV4,
    /// Interface of the path to the peer.
    pub interface: InterfaceId,
}

impl Tcp {
    /// Maximum number of expired timers of each kind that one [`Tcp::poll`] processes.
    const EXPIRATIONS: usize = 1_024;

    /// Creates the state of a host without connections. The secret must be unpredictable to other hosts.
    pub fn new(limits: TcpLimits, secret: Secret) -> Tcp {
        let limits = limits.clamped();
        Tcp {
            limits,
            places: Places::new(&limits, secret.key("places")),
            connections: Connections::new(limits.connections),
            half_opens: HalfOpens::new(limits.half_open),
            time_waits: TimeWaits::new(limits.time_wait),
            listeners: Listeners::new(limits.listeners),
            memory: Memory::new(limits.memory),
            numbers: InitialSequenceNumbers::new(&secret),
            cookies: Cookies::new(&secret),
            ports: EphemeralPorts::new(secret.key("ports")),
            resets: RateLimiter::new(limits.resets, secret.key("resets")),
            queues: InterfaceQueues::default(),
            unresolved: Unresolved::default(),
            counters: TcpCounters::default(),
            now: Instant::ORIGIN,
            secret,
        }
    }

    /// Returns the state of a host with other limits, without connections.
    #[must_use]
    pub fn with_limits(self, limits: TcpLimits) -> Tcp {
        Tcp::new(limits, self.secret)
    }

    /// Returns the limits.
    pub fn limits(&self) -> TcpLimits {
        self.limits
    }

    /// Returns the counters.
    pub fn counters(&self) -> TcpCounters {
        self.counters
    }

    /// Returns the current numbers of connections.
    pub fn totals(&self) -> TcpTotals {
        TcpTotals {
            connections: self.connections.len(),
            orphans: self.connections.orphans,
            half_open: self.half_opens.len(),
            time_wait: self.time_waits.len(),
            memory: self.memory.used(),
        }
    }

    /// Processes the timers that have expired. If very many have expired, [`Tcp::deadline`] is not in the future
    /// afterwards.
    pub fn poll(&mut self, now: Instant, pool: &mut Pool) {
        self.now = now;
        for _ in 0..Self::EXPIRATIONS {
            let Some(place) = self.connections.expire(now) else { break };
            if let Some(held) = self.connections.get_mut(place)
                && held.connection.deadline().is_some_and(|at| at <= now)
            {
                held.connection.poll(now, &mut Resources { memory: &mut self.memory, pool });
            }
            self.settle(now, place, pool);
        }
        for _ in 0..Self::EXPIRATIONS {
            let Some((place, expired)) = self.half_opens.expire(now) else { break };
            match expired {
                Expired::Due(interface) => {
                    let due = &mut queues_of(&mut self.queues, interface).syn_acks;
                    self.half_opens.make_due(place, due);
                }
                Expired::Ended => {
                    self.counters.half_open_timeouts += 1;
                    self.remove_half_open(place);
                }
            }
        }
        for _ in 0..Self::EXPIRATIONS {
            let Some(place) = self.time_waits.expire(now) else { break };
            self.remove_time_wait(place);
        }
    }

    /// Returns the time of the next [`Tcp::poll`].
    pub fn deadline(&self) -> Option<Instant> {
        let deadlines = [self.connections.deadline(), self.half_opens.deadline(), self.time_waits.deadline()];
        deadlines.into_iter().flatten().min()
    }

    /// Removes and returns the first connection or listener with a change.
    // spec: rfc9293-events
    pub fn poll_ready(&mut self) -> Option<TcpReady> {
        let listener = self.listeners.poll_ready().map(TcpReady::Listener);
        listener.or_else(|| self.connections.poll_ready().map(TcpReady::Connection))
    }

    /// Updates the queues, timers and readiness of a connection after a change, and removes the connection if it ended and
    /// no user holds it.
    fn settle(&mut self, now: Instant, place: Place, pool: &mut Pool) {
        let Some(held) = self.connections.get_mut(place) else { return };
        let state = held.connection.state();
        if state == State::Closed && held.owner != Owner::User {
            return self.remove(place, pool);
        }
        if state == State::TimeWait && held.owner == Owner::Orphan && held.connection.output() == Output::None
        {
            return self.compact(now, place, pool);
        }
        self.refresh(place);
    }

    /// Updates the queues, timers and readiness of a connection after a change that neither ends the connection for its
    /// queue nor enters TIME-WAIT.
    fn refresh(&mut self, place: Place) {
        let Some(held) = self.connections.get_mut(place) else { return };
        let is_closed = held.connection.state() == State::Closed;
        let (owner, waits_for_memory) = (held.owner, held.connection.waits_for_memory());
        let is_writable = held.is_writable_again();
        let is_news = owner == Owner::User && (held.has_news() || is_writable);
        if !self.unresolved.is_empty() && !held.connection.is_syn_outstanding() {
            self.unresolved.remove(self.places.place(Entry::Connection(place)));
        }
        self.update_output(place);
        self.connections.schedule(place);
        self.connections.set_closed(place, waits_for_memory, self.memory.used());
        if is_closed {
            // Another connection may have the same addresses and ports now.
            self.places.remove(Entry::Connection(place));
        }
        if is_writable {
            self.connections.wait_for(place, Wait::Nothing);
        }
        if is_news {
            self.connections.mark_ready(place);
        }
        self.feed();
    }

    /// Moves a connection to the output queue of what it has to send.
    fn update_output(&mut self, place: Place) {
        let Some(held) = self.connections.get_mut(place) else { return };
        let (output, interface) = (held.connection.output(), held.interface);
        let queued = std::mem::replace(&mut held.queued, output);
        if queued != output {
            self.requeue(place, interface, (queued, output));
        }
    }

    /// Gives memory that was returned to the connections that wait for memory.
    fn feed(&mut self) {
        let level = self.memory.level();
        // Full memory permits neither data to send nor another window.
        if level == MemoryLevel::Full || !self.connections.has_returned_memory(self.memory.used()) {
            return;
        }
        while let Some((place, is_closed)) = self.connections.feed() {
            if is_closed && let Some(held) = self.connections.get_mut(place) {
                held.connection.use_free_memory(level);
                self.update_output(place);
            }
        }
    }

    /// Moves a connection between the output queues of its interface.
    fn requeue(&mut self, place: Place, interface: InterfaceId, (before, after): (Output, Output)) {
        let queues = queues_of(&mut self.queues, interface);
        if before == Output::Data && queues.data.first() == Some(place) {
            queues.burst = 0;
        }
        if let Some(list) = queues.list(before) {
            self.connections.unlink_from_output(list, place);
        }
        if let Some(list) = queues.list(after) {
            self.connections.append_to_output(list, place);
        }
    }

    /// Removes a connection that no user holds.
    // spec: tcp-memory-returned
    fn remove(&mut self, place: Place, pool: &mut Pool) {
        let Some(held) = self.connections.get_mut(place) else { return };
        held.connection.release(&mut Resources { memory: &mut self.memory, pool });
        let (owner, queued, interface) = (held.owner, held.queued, held.interface);
        held.queued = Output::None;
        self.requeue(place, interface, (queued, Output::None));
        if let Owner::Listener(listener) = owner
            && let Some(listener) = self.listeners.get_mut(listener)
        {
            listener.queued = listener.queued.saturating_sub(1);
            self.connections.unlink_from_backlog(&mut listener.queue, place);
        }
        self.connections.clear_ready(place);
        self.unresolved.remove(self.places.place(Entry::Connection(place)));
        self.places.remove(Entry::Connection(place));
        self.connections.set_closed(place, false, 0);
        self.connections.remove(place);
        self.feed();
    }

    /// Replaces a connection in TIME-WAIT that its user has closed by its addresses and numbers.
    fn compact(&mut self, now: Instant, place: Place, pool: &mut Pool) {
        let held = self.connections.get(place).map(|held| (held.interface, held.connection.time_wait()));
        self.remove(place, pool);
        let Some((interface, time_wait)) = held else { return };
        // spec: tcp-time-wait-bound
        if self.time_waits.vacant().is_none() {
            self.counters.time_wait_evicted += 1;
            if let Some(first) = self.time_waits.first() {
                self.remove_time_wait(first);
            }
        }
        let Some(vacant) = self.time_waits.vacant() else { return };
        let TimeWait { local, peer, .. } = time_wait;
        if self.places.insert(Entry::TimeWait(vacant), interface, local, peer).is_ok() {
            self.time_waits.insert(now, &time_wait);
        }
    }

    /// Adds a reset to the output of an interface.
    fn send_reset(&mut self, interface: InterfaceId, reset: Option<SegmentFields>, service: SegmentService) {
        let Some(reset) = reset else { return };
        if !queues_of(&mut self.queues, interface).push_reset((reset, service)) {
            self.counters.resets_lost += 1;
        }
    }

    /// Processes an ICMP error about a sent segment. Returns whether the error concerns a connection.
    // spec: rfc5927-sequence
    pub fn icmp_error(
        &mut self,
        now: Instant,
        quoted: &QuotedSegment,
        problem: PathProblem,
        pool: &mut Pool,
    ) -> bool {
        self.now = now;
        match self.places.find(quoted.interface, quoted.local, quoted.peer) {
            Some(Entry::Connection(place)) => {
                let Some(held) = self.connections.get_mut(place) else { return false };
                let is_accepted = held.connection.icmp_error(now, problem, quoted.sequence);
                if is_accepted {
                    if held.connection.state() == State::Closed {
                        held.connection.release(&mut Resources { memory: &mut self.memory, pool });
                    }
                    self.settle(now, place, pool);
                }
                is_accepted
            }
            Some(Entry::HalfOpen(place)) => {
                // The only segment of a half-open connection is its SYN,ACK.
                let is_accepted =
                    self.half_opens.get(place).is_some_and(|row| row.sequence == quoted.sequence);
                // spec: rfc9293-hard-errors
                if is_accepted && problem.is_hard() {
                    self.remove_half_open(place);
                }
                is_accepted
            }
            Some(Entry::TimeWait(_) | Entry::Listener(_)) | None => false,
        }
    }

    fn remove_half_open(&mut self, place: Place) {
        let Some(row) = self.half_opens.get(place) else { return };
        let due = &mut queues_of(&mut self.queues, row.interface()).syn_acks;
        if let Some(listener) = self.listeners.get_mut(row.listener) {
            listener.half_open = listener.half_open.saturating_sub(1);
        }
        self.unresolved.remove(self.places.place(Entry::HalfOpen(place)));
        self.places.remove(Entry::HalfOpen(place));
        self.half_opens.remove(place, due);
    }

    fn remove_time_wait(&mut self, place: Place) {
        self.places.remove(Entry::TimeWait(place));
        self.time_waits.remove(place);
    }
}

/// Returns the output of an interface.
#[inline]
fn queues_of(queues: &mut InterfaceQueues, interface: InterfaceId) -> &mut Queues {
    queues.of(interface)
}

#[cfg(test)]
mod tests;
