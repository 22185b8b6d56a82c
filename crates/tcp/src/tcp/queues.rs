//! The output of an interface: what is due, in the order in which it is sent.

use base::List;
use std::collections::VecDeque;

use crate::{Output, SegmentFields, SegmentService};

/// The output of an interface.
#[derive(Debug)]
pub(super) struct Queues {
    /// Resets of aborted connections.
    resets: VecDeque<(SegmentFields, SegmentService)>,
    /// Half-open connections with a due SYN,ACK.
    pub(super) syn_acks: List,
    /// Connections with due data, SYN, FIN or probes.
    pub(super) data: List,
    /// Connections with a due acknowledgment.
    pub(super) acks: List,
    /// Bytes that the first connection of `data` has sent in its turn.
    pub(super) burst: usize,
    /// The last output of a connection.
    pub(super) last: Output,
}

impl Queues {
    /// Maximum number of due resets.
    const RESETS: usize = 1_024;

    pub(super) fn new() -> Queues {
        Queues {
            resets: VecDeque::new(),
            syn_acks: List::EMPTY,
            data: List::EMPTY,
            acks: List::EMPTY,
            burst: 0,
            last: Output::None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let lists = [self.syn_acks, self.data, self.acks];
        self.resets.is_empty() && lists.iter().all(|list| list.first().is_none())
    }

    /// Adds a reset. Returns whether the queue had capacity for the reset.
    pub(super) fn push_reset(&mut self, reset: (SegmentFields, SegmentService)) -> bool {
        let has_capacity = self.resets.len() < Self::RESETS;
        if has_capacity {
            self.resets.push_back(reset);
        }
        has_capacity
    }

    /// Removes and returns the first reset.
    pub(super) fn pop_reset(&mut self) -> Option<(SegmentFields, SegmentService)> {
        self.resets.pop_front()
    }

    /// Returns the list of the connections with this output.
    pub(super) fn list(&mut self, output: Output) -> Option<&mut List> {
        match output {
            Output::None => None,
            Output::Ack => Some(&mut self.acks),
            Output::Data => Some(&mut self.data),
        }
    }
}
