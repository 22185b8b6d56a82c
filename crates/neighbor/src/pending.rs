//! Packets that wait for the resolution of their destination.

use std::collections::VecDeque;

/// Bounded queues of packets.
///
/// A packet waits until its destination is resolved or the resolution fails. The packet is then ready to be sent, or is
/// returned. The order of the packets of one destination is kept.
#[derive(Debug)]
pub(super) struct PendingPackets<A, P> {
    waiting: VecDeque<PendingPacket<A, P>>,
    ready: VecDeque<PendingPacket<A, P>>,
    returned: VecDeque<(A, P, ReturnReason)>,
    bound: usize,
    bytes: usize,
}

#[derive(Debug)]
struct PendingPacket<A, P> {
    ip: A,
    bytes: usize,
    packet: P,
}

/// Reason why a packet was returned unsent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnReason {
    /// The destination did not reply.
    Failed,
    /// Newer packets exceeded a bound, in number or bytes, or the entry was evicted.
    Displaced,
    /// The entry was removed.
    Removed,
}

impl<A: Copy + Eq, P> PendingPackets<A, P> {
    /// Creates the queues and reserves their memory.
    pub(super) fn new(bound: usize) -> PendingPackets<A, P> {
        let bound = bound.min(1 << 16);
        PendingPackets {
            waiting: VecDeque::with_capacity(bound),
            ready: VecDeque::with_capacity(bound),
            returned: VecDeque::with_capacity(bound * 2),
            bound,
            bytes: 0,
        }
    }

    /// Returns the number of packets in all queues: waiting, ready and returned.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.ready.len() + self.returned.len()
    }

    /// Returns the number of bytes in waiting and ready packets.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns whether no more packets are accepted until some are taken.
    pub(super) fn is_output_full(&self) -> bool {
        self.len() >= self.bound * 2
    }

    /// Returns whether one more packet may wait.
    pub(super) fn has_capacity(&self) -> bool {
        self.waiting.len() + self.ready.len() < self.bound
    }

    pub(super) fn push(&mut self, ip: A, bytes: usize, packet: P) {
        self.bytes += bytes;
        self.waiting.push_back(PendingPacket { ip, bytes, packet });
    }

    /// Moves the oldest waiting packet, of one destination or of all destinations, to the returned packets.
    ///
    /// Returns its destination, or `None` if there is no such packet or too many returned packets have not been taken.
    pub(super) fn return_oldest(&mut self, of: Option<A>) -> Option<A> {
        if self.returned.len() >= self.bound {
            return None;
        }
        let place = match of {
            Some(ip) => self.waiting.iter().position(|entry| entry.ip == ip)?,
            None => 0,
        };
        let PendingPacket { ip, bytes, packet } = self.waiting.remove(place)?;
        self.bytes -= bytes;
        self.returned.push_back((ip, packet, ReturnReason::Displaced));
        Some(ip)
    }

    /// Makes all packets of a destination ready to be sent.
    pub(super) fn make_ready(&mut self, ip: A) {
        for entry in drain(&mut self.waiting, ip) {
            self.ready.push_back(entry);
        }
    }

    /// Moves all packets of a destination to the returned packets.
    pub(super) fn return_packets(&mut self, ip: A, reason: ReturnReason) {
        for entry in drain(&mut self.ready, ip).chain(drain(&mut self.waiting, ip)) {
            self.bytes -= entry.bytes;
            self.returned.push_back((ip, entry.packet, reason));
        }
    }

    /// Returns the destination of the next packet to send.
    pub(super) fn next_ready(&self) -> Option<A> {
        self.ready.front().map(|entry| entry.ip)
    }

    pub(super) fn take_ready(&mut self) -> Option<P> {
        let entry = self.ready.pop_front()?;
        self.bytes -= entry.bytes;
        Some(entry.packet)
    }

    pub(super) fn take_returned(&mut self) -> Option<(A, P, ReturnReason)> {
        self.returned.pop_front()
    }

    /// Returns whether packets are ready to be taken.
    pub(super) fn has_output(&self) -> bool {
        !self.ready.is_empty() || !self.returned.is_empty()
    }
}

/// Removes all packets of a destination. The queue rotates once, so the order of the other packets does not change.
fn drain<A: Copy + Eq, P>(
    queue: &mut VecDeque<PendingPacket<A, P>>,
    ip: A,
) -> impl Iterator<Item = PendingPacket<A, P>> {
    (0..queue.len()).filter_map(move |_| {
        let entry = queue.pop_front()?;
        if entry.ip == ip {
            return Some(entry);
        }
        queue.push_back(entry);
        None
    })
}
