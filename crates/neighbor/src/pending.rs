//! What waits for an answer.

use std::collections::VecDeque;

/// Packets in the order in which they came, never more than a bound.
///
/// A packet waits until its destination resolves or fails; then it is ready to be taken, in that
/// same order.
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

/// Why a packet was given back unsent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnReason {
    /// Nobody answered for the destination.
    Failed,
    /// Too many packets, or too many bytes, waited, and the oldest went; or the entry was evicted.
    Displaced,
    /// The entry was removed by a person.
    Removed,
}

impl<A: Copy + Eq, P> PendingPackets<A, P> {
    /// The memory for all of them is set aside here.
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

    /// How many are in here: those that wait, and those to be taken.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.ready.len() + self.returned.len()
    }

    /// How many bytes are to be sent.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether so many are to be taken that none may come in.
    pub(super) fn is_output_full(&self) -> bool {
        self.len() >= self.bound * 2
    }

    /// Whether one more may wait.
    pub(super) fn has_capacity(&self) -> bool {
        self.waiting.len() + self.ready.len() < self.bound
    }

    pub(super) fn push(&mut self, ip: A, bytes: usize, packet: P) {
        self.bytes += bytes;
        self.waiting.push_back(PendingPacket { ip, bytes, packet });
    }

    /// Gives back the oldest one that waits, of one destination or of all. Returns whose it was.
    /// Those given back and not yet taken have a bound too.
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

    /// Makes all that waits for a destination ready to be sent.
    pub(super) fn make_ready(&mut self, ip: A) {
        for entry in drain(&mut self.waiting, ip) {
            self.ready.push_back(entry);
        }
    }

    /// Gives back all that is to be sent to a destination.
    pub(super) fn return_packets(&mut self, ip: A, reason: ReturnReason) {
        for entry in drain(&mut self.ready, ip).chain(drain(&mut self.waiting, ip)) {
            self.bytes -= entry.bytes;
            self.returned.push_back((ip, entry.packet, reason));
        }
    }

    /// Whose packet is the next one to be sent.
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

    /// Whether some are to be taken.
    pub(super) fn has_output(&self) -> bool {
        !self.ready.is_empty() || !self.returned.is_empty()
    }
}

/// Takes out all packets of a destination. Each one is taken from the front, and those of others go
/// behind: the order stays.
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
