//! A bounded queue of events.

use std::collections::VecDeque;

/// Queue of events, oldest first. Beyond its bound, new events are dropped and counted.
#[derive(Clone, Debug)]
pub struct EventQueue<E> {
    events: VecDeque<E>,
    bound: usize,
    lost: u64,
}

impl<E> EventQueue<E> {
    /// Creates a queue for up to `bound` events and reserves its memory.
    pub fn new(bound: usize) -> EventQueue<E> {
        EventQueue { events: VecDeque::with_capacity(bound), bound, lost: 0 }
    }

    /// Adds an event. Drops and counts the event if the queue is full.
    pub fn push(&mut self, event: E) {
        if self.events.len() < self.bound {
            self.events.push_back(event);
        } else {
            self.lost = self.lost.saturating_add(1);
        }
    }

    /// Removes and returns the oldest event.
    pub fn pop(&mut self) -> Option<E> {
        self.events.pop_front()
    }

    /// Returns how many events the queue holds.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Returns whether the queue holds no event.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Returns how many events were dropped because the queue was full.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_queue_drops_and_counts_when_full() {
        let mut queue = EventQueue::new(2);
        for event in 1..=4 {
            queue.push(event);
        }
        assert_eq!((queue.len(), queue.lost()), (2, 2));
        assert_eq!([queue.pop(), queue.pop(), queue.pop()], [Some(1), Some(2), None]);
        assert!(queue.is_empty());
        queue.push(5);
        assert_eq!((queue.pop(), queue.lost()), (Some(5), 2));
    }
}
