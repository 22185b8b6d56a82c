//! The output of an interface: what is due, in the order in which it is sent.

use std::collections::VecDeque;

use base::List;
use inet::InterfaceId;

use crate::{Output, SegmentFields, SegmentService};

/// The output of all interfaces.
#[derive(Debug)]
pub(super) struct InterfaceQueues {
    /// The first interface. Most hosts have no other interface.
    first: Queues,
    /// The other interfaces, by their identifiers from 1 on.
    others: Vec<Queues>,
}

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

impl InterfaceQueues {
    /// Returns the output of an interface, or `None` if the interface is not the first one and never had output.
    #[inline]
    pub(super) fn get(&self, interface: InterfaceId) -> Option<&Queues> {
        match usize::from(interface.0).checked_sub(1) {
            None => Some(&self.first),
            Some(place) => self.others.get(place),
        }
    }

    /// Returns the output of an interface.
    #[inline]
    pub(super) fn of(&mut self, interface: InterfaceId) -> &mut Queues {
        match usize::from(interface.0).checked_sub(1) {
            None => &mut self.first,
            Some(place) => self.other(place),
        }
    }

    /// Returns the output of an interface that is not the first one.
    fn other(&mut self, place: usize) -> &mut Queues {
        if place >= self.others.len() {
            self.others.resize_with(place + 1, Queues::new);
        }
        self.others.get_mut(place).unwrap_or(&mut self.first)
    }
}

impl Default for InterfaceQueues {
    fn default() -> InterfaceQueues {
        InterfaceQueues { first: Queues::new(), others: Vec::new() }
    }
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
