//! What waits for an answer.

use std::collections::VecDeque;

/// Parcels in the order in which they came, never more than a bound.
///
/// A parcel waits until its destination resolves or fails; then it is ready to be taken, in that
/// same order.
#[derive(Debug)]
pub(super) struct Parcels<A, P> {
    waiting: VecDeque<Parked<A, P>>,
    ready: VecDeque<(A, P)>,
    returned: VecDeque<(A, P, Returned)>,
    bound: usize,
    octets: usize,
}

#[derive(Debug)]
struct Parked<A, P> {
    protocol: A,
    octets: usize,
    parcel: P,
}

/// Why a parcel was given back unsent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// Nobody answered for the destination.
    Failed,
    /// Too many parcels, or too many octets, waited: the oldest went.
    Crowded,
    /// The entry was removed by a person.
    Removed,
}

impl<A: Copy + Eq, P> Parcels<A, P> {
    pub(super) fn new(bound: usize) -> Parcels<A, P> {
        Parcels {
            waiting: VecDeque::with_capacity(bound),
            ready: VecDeque::with_capacity(bound),
            returned: VecDeque::with_capacity(bound),
            bound,
            octets: 0,
        }
    }

    /// How many are in here: those that wait, and those to be taken.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.ready.len() + self.returned.len()
    }

    /// How many octets wait.
    pub(super) fn octets(&self) -> usize {
        self.octets
    }

    /// Whether so many are to be taken that none may come in.
    pub(super) fn is_clogged(&self) -> bool {
        self.len() >= self.bound.saturating_mul(2)
    }

    /// Whether one more may wait.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() + self.ready.len() < self.bound
    }

    pub(super) fn push(&mut self, protocol: A, octets: usize, parcel: P) {
        self.octets += octets;
        self.waiting.push_back(Parked { protocol, octets, parcel });
    }

    /// Gives back the oldest one, of one destination or of all. Returns whose it was. Those given
    /// back and not yet taken have a bound too.
    pub(super) fn give_back_oldest(&mut self, of: Option<A>) -> Option<A> {
        if self.returned.len() >= self.bound {
            return None;
        }
        let place = match of {
            Some(protocol) => self.waiting.iter().position(|parked| parked.protocol == protocol)?,
            None => 0,
        };
        let Parked { protocol, octets, parcel } = self.waiting.remove(place)?;
        self.octets -= octets;
        self.returned.push_back((protocol, parcel, Returned::Crowded));
        Some(protocol)
    }

    /// Makes all parcels of a destination ready to be sent, or gives them back.
    pub(super) fn settle(&mut self, protocol: A, reason: Option<Returned>) {
        // Each one is taken from the front and those of others go behind: the order stays.
        for _ in 0..self.waiting.len() {
            let Some(parked) = self.waiting.pop_front() else { return };
            if parked.protocol != protocol {
                self.waiting.push_back(parked);
                continue;
            }
            self.octets -= parked.octets;
            match reason {
                None => self.ready.push_back((protocol, parked.parcel)),
                Some(reason) => self.returned.push_back((protocol, parked.parcel, reason)),
            }
        }
    }

    pub(super) fn take_ready(&mut self) -> Option<(A, P)> {
        self.ready.pop_front()
    }

    pub(super) fn take_returned(&mut self) -> Option<(A, P, Returned)> {
        self.returned.pop_front()
    }

    /// Whether some are to be taken.
    pub(super) fn has_settled(&self) -> bool {
        !self.ready.is_empty() || !self.returned.is_empty()
    }
}
