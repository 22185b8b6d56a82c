//! The first sequence numbers of TCP conversations, from which a summary counts.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tcp::SequenceNumber;

/// Maximum number of conversations. When a further conversation starts, all others are forgotten.
const LIMIT: usize = 65_536;

/// The TCP conversations of a capture. Summaries of later segments have sequence numbers from the start of their
/// conversation, like those of tcpdump.
///
/// The first segment of a conversation with an acknowledgment, and every segment with SYN, have absolute numbers. The
/// memory is bounded: numbers are absolute again after 65,536 conversations.
#[derive(Clone, Debug, Default)]
pub struct TcpConversations {
    /// The number before the first byte of each side, by both sockets in ascending order.
    starts: BTreeMap<[SocketAddr; 2], [SequenceNumber; 2]>,
    is_absolute: bool,
}

/// Numbers of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentNumbers {
    pub(crate) sequence: SequenceNumber,
    pub(crate) acknowledgment: SequenceNumber,
    /// The number from which selective acknowledgments count.
    pub(crate) peer_start: SequenceNumber,
}

impl TcpConversations {
    /// Creates conversations in which all segments have absolute numbers, like those of `tcpdump -S`.
    pub fn absolute() -> TcpConversations {
        TcpConversations { is_absolute: true, ..TcpConversations::default() }
    }

    /// Returns the numbers that a summary of a segment with ACK shows.
    pub(crate) fn numbers(
        &mut self,
        [source, destination]: [SocketAddr; 2],
        [sequence, acknowledgment]: [SequenceNumber; 2],
        is_start: bool,
    ) -> SegmentNumbers {
        if self.is_absolute {
            return SegmentNumbers { sequence, acknowledgment, peer_start: SequenceNumber::default() };
        }
        let is_reverse = source > destination;
        let ordered = |[source, destination]: [_; 2]| {
            if is_reverse { [destination, source] } else { [source, destination] }
        };
        let key = if is_reverse { [destination, source] } else { [source, destination] };
        if let Some(starts) = self.starts.get(&key).filter(|_| !is_start) {
            let [start, peer_start] = ordered(*starts);
            return SegmentNumbers {
                sequence: sequence.minus(start.value()),
                acknowledgment: acknowledgment.minus(peer_start.value()),
                peer_start,
            };
        }
        let peer_start = acknowledgment.minus(1);
        if self.starts.len() >= LIMIT {
            self.starts.clear();
        }
        self.starts.insert(key, ordered([sequence, peer_start]));
        SegmentNumbers { sequence, acknowledgment, peer_start }
    }
}

#[cfg(test)]
mod tests;
