//! What waits for an answer.

use std::collections::VecDeque;

/// Parcels in the order in which they came, never more than a bound.
///
/// A parcel waits until its destination resolves or fails; then it is ready to be taken, in that
/// same order.
#[derive(Debug)]
pub(super) struct Parcels<A, P> {
    waiting: VecDeque<Parked<A, P>>,
    ready: VecDeque<Parked<A, P>>,
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
    /// Too many parcels, or too many octets, waited, and the oldest went; or the entry was evicted.
    Crowded,
    /// The entry was removed by a person.
    Removed,
}

impl<A: Copy + Eq, P> Parcels<A, P> {
    /// The memory for all of them is set aside here.
    pub(super) fn new(bound: usize) -> Parcels<A, P> {
        let bound = bound.min(1 << 16);
        Parcels {
            waiting: VecDeque::with_capacity(bound),
            ready: VecDeque::with_capacity(bound),
            returned: VecDeque::with_capacity(bound * 2),
            bound,
            octets: 0,
        }
    }

    /// How many are in here: those that wait, and those to be taken.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.ready.len() + self.returned.len()
    }

    /// How many octets are to be sent.
    pub(super) fn octets(&self) -> usize {
        self.octets
    }

    /// Whether so many are to be taken that none may come in.
    pub(super) fn is_clogged(&self) -> bool {
        self.len() >= self.bound * 2
    }

    /// Whether one more may wait.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() + self.ready.len() < self.bound
    }

    pub(super) fn push(&mut self, protocol: A, octets: usize, parcel: P) {
        self.octets += octets;
        self.waiting.push_back(Parked { protocol, octets, parcel });
    }

    /// Gives back the oldest one that waits, of one destination or of all. Returns whose it was.
    /// Those given back and not yet taken have a bound too.
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

    /// Makes all that waits for a destination ready to be sent.
    pub(super) fn make_ready(&mut self, protocol: A) {
        for parked in drain(&mut self.waiting, protocol) {
            self.ready.push_back(parked);
        }
    }

    /// Gives back all that is to be sent to a destination.
    pub(super) fn give_back(&mut self, protocol: A, reason: Returned) {
        for parked in drain(&mut self.ready, protocol).chain(drain(&mut self.waiting, protocol)) {
            self.octets -= parked.octets;
            self.returned.push_back((protocol, parked.parcel, reason));
        }
    }

    /// Whose parcel is the next one to be sent.
    pub(super) fn next_ready(&self) -> Option<A> {
        self.ready.front().map(|parked| parked.protocol)
    }

    pub(super) fn take_ready(&mut self) -> Option<P> {
        let parked = self.ready.pop_front()?;
        self.octets -= parked.octets;
        Some(parked.parcel)
    }

    pub(super) fn take_returned(&mut self) -> Option<(A, P, Returned)> {
        self.returned.pop_front()
    }

    /// Whether some are to be taken.
    pub(super) fn has_settled(&self) -> bool {
        !self.ready.is_empty() || !self.returned.is_empty()
    }
}

/// Takes out all parcels of a destination. Each one is taken from the front, and those of others go
/// behind: the order stays.
fn drain<A: Copy + Eq, P>(
    queue: &mut VecDeque<Parked<A, P>>,
    protocol: A,
) -> impl Iterator<Item = Parked<A, P>> {
    (0..queue.len()).filter_map(move |_| {
        let parked = queue.pop_front()?;
        if parked.protocol == protocol {
            return Some(parked);
        }
        queue.push_back(parked);
        None
    })
}
