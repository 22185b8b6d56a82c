//! Failures of sent datagrams: ICMP errors, and next hops that did not answer.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use base::list::index;
use base::{Links, List, Place};
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
pub(crate) struct FailureStore {
    nodes: Vec<Node>,
    /// Places without a failure.
    free: Vec<Place>,
}

/// A place for a failure.
#[derive(Debug)]
struct Node {
    failure: SocketFailure,
    links: Links,
}

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
        FailureStore { nodes: Vec::new(), free: Vec::new() }
    }

    /// Appends a failure to a queue. Returns false if the queue or the store is full.
    pub(crate) fn push(&mut self, queue: &mut FailureQueue, failure: SocketFailure) -> bool {
        if queue.length >= FailureQueue::LIMIT {
            return false;
        }
        let place = match self.free.pop() {
            Some(place) => {
                if let Some(node) = self.nodes.get_mut(index(place)) {
                    node.failure = failure;
                }
                place
            }
            None if self.nodes.len() >= Self::LIMIT => return false,
            None => {
                self.nodes.push(Node { failure, links: Links::NONE });
                Place::try_from(self.nodes.len() - 1).unwrap_or(Place::MAX)
            }
        };
        queue.failures.append(&mut self.nodes, |node| &mut node.links, place);
        queue.length += 1;
        true
    }

    /// Removes and returns the first failure of a queue.
    pub(crate) fn pop(&mut self, queue: &mut FailureQueue) -> Option<SocketFailure> {
        let place = queue.failures.first()?;
        queue.failures.unlink(&mut self.nodes, |node| &mut node.links, place);
        queue.length = queue.length.saturating_sub(1);
        self.free.push(place);
        self.nodes.get(index(place)).map(|node| node.failure)
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
