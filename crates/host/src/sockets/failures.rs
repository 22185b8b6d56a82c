//! Failures of sent datagrams: ICMP errors, and next hops that did not answer.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use base::{List, Slab};
use icmp::IcmpError;

/// A datagram of a socket that was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketFailure {
    /// The reported problem.
    pub problem: IcmpError,
    /// Sender of the ICMP error, or the source address of the datagram if the next hop did not answer.
    pub from: IpAddr,
    /// Destination of the datagram. The port of an echo request is 0.
    pub peer: SocketAddr,
    /// Sequence number, if the datagram was an echo request.
    pub sequence: Option<u16>,
}

/// A queue of failures in a [`FailureStore`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct FailureQueue {
    failures: List,
    length: u16,
}

/// The failures of all sockets.
#[derive(Debug)]
pub(crate) struct FailureStore(Slab<SocketFailure>);

impl FailureQueue {
    /// Maximum number of failures of a socket.
    const LIMIT: u16 = 256;

    /// The queue without failures.
    pub(crate) const EMPTY: FailureQueue = FailureQueue { failures: List::EMPTY, length: 0 };
}

impl FailureStore {
    /// Maximum number of failures of all sockets.
    const LIMIT: usize = 16_384;

    /// Creates a store without failures.
    pub(crate) fn new() -> FailureStore {
        FailureStore(Slab::new(Self::LIMIT))
    }

    /// Appends a failure to a queue. Returns false if the queue or the store is full.
    pub(crate) fn push(&mut self, queue: &mut FailureQueue, failure: SocketFailure) -> bool {
        let is_stored =
            queue.length < FailureQueue::LIMIT && self.0.push(&mut queue.failures, failure).is_ok();
        queue.length += u16::from(is_stored);
        is_stored
    }

    /// Removes and returns the first failure of a queue.
    pub(crate) fn pop(&mut self, queue: &mut FailureQueue) -> Option<SocketFailure> {
        let failure = self.0.pop(&mut queue.failures)?;
        queue.length = queue.length.saturating_sub(1);
        Some(failure)
    }
}

impl fmt::Display for SocketFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SocketFailure { problem, from, peer, sequence } = self;
        match sequence {
            Some(sequence) => {
                write!(f, "echo request {sequence} to {}: {problem} (reported by {from})", peer.ip())
            }
            None => write!(f, "datagram to {peer}: {problem} (reported by {from})"),
        }
    }
}
