//! The table of connections.

use base::list::index;
use base::{Links, List, Place, TimerLinks, TimerWheel};
use inet::InterfaceId;
use tap::Instant;

use super::ConnectionId;
use crate::{Connection, Output, Status};

/// A connection of the table.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) connection: Connection,
    pub(super) interface: InterfaceId,
    pub(super) owner: Owner,
    /// The output queue that the connection is in.
    pub(super) queued: Output,
    /// Whether the connection is in the list of ready connections.
    is_ready: bool,
    /// What the user waits for before writing more data.
    pub(super) wait: Wait,
    /// Whether the window waits for memory.
    is_closed: bool,
    /// What the user has learned, or will learn from the list of ready connections.
    known: Known,
}

/// Who holds a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The user.
    User,
    /// The queue of a listener.
    Listener(Place),
    /// Neither: the user has closed the connection.
    Orphan,
}

/// What the user waits for before writing more data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    Nothing,
    /// Capacity of the send buffer.
    Buffer,
    /// Memory of all connections.
    Memory,
}

/// The part of a status that makes a connection ready when it changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Known {
    /// Whether the connection is open, has the end of the peer's data, is closed, is delayed, and has a problem of its
    /// path.
    events: [bool; 5],
    urgent: Option<u32>,
    readable: u32,
}

/// A place of the table.
#[derive(Debug)]
pub(super) struct Slot {
    generation: u32,
    held: Option<Held>,
    /// Links of the ready connections, or of the queue of a listener.
    ready: Links,
    /// Links of an output queue.
    output: Links,
    timer: TimerLinks,
    /// Links of the connections that wait for memory.
    starved: Links,
}

// An established connection without data takes its place and a share of the index.
const _: () = assert!(size_of::<Slot>() <= 488, "a connection takes more memory than its budget");

/// All connections of a host, apart from half-open connections and those in TIME-WAIT.
#[derive(Debug)]
pub(super) struct Connections {
    slots: Vec<Slot>,
    free: Vec<Place>,
    bound: usize,
    ready: List,
    /// Connections with users or windows that wait for memory.
    starved: List,
    /// Memory in use when the last of these connections began to wait.
    starved_at: usize,
    wheel: TimerWheel,
    /// Number of connections that their users have closed.
    pub(super) orphans: usize,
}

impl Held {
    /// Capacity of a send buffer in bytes that makes a connection ready after its buffer was full. A smaller buffer makes
    /// the connection ready when a quarter of it is empty. Capacity for one full segment is sufficient if the data that
    /// waits does not fill a segment.
    const CAPACITY: usize = 4_096;

    pub(super) fn new(connection: Connection, interface: InterfaceId, owner: Owner) -> Held {
        Held {
            connection,
            interface,
            owner,
            queued: Output::None,
            is_ready: false,
            wait: Wait::Nothing,
            is_closed: false,
            known: Known::default(),
        }
    }

    /// Returns whether the user waits before writing more data, and can write a useful amount of data now.
    // spec: tcp-writable
    pub(super) fn is_writable_again(&self) -> bool {
        let buffer = self.connection.send_buffer();
        let free = match self.wait {
            Wait::Nothing => return false,
            Wait::Buffer => buffer.free(),
            Wait::Memory => buffer.unused(),
        };
        let is_useful =
            free >= Self::CAPACITY.min(buffer.limit() / 4).max(1) || self.connection.needs_data(free);
        self.connection.can_write() && is_useful
    }

    /// Records the current status as known to the user. Returns whether the user has to learn about a change.
    pub(super) fn has_news(&mut self) -> bool {
        let status = self.connection.status();
        let (now, known) = (Known::of(&status), self.known);
        self.known = now;
        let has_event = now.events.iter().zip(known.events).any(|(now, known)| *now && !known);
        let has_urgent = now.urgent.is_some() && now.urgent > known.urgent;
        has_event || has_urgent || now.readable > known.readable
    }

    /// Records that the user has read data.
    pub(super) fn note_read(&mut self) {
        self.known.readable = Known::of(&self.connection.status()).readable;
    }
}

impl Known {
    fn of(status: &Status) -> Known {
        Known {
            events: [
                status.state.is_synchronized(),
                status.is_end_of_data,
                status.closed.is_some(),
                status.is_delayed,
                status.soft_error.is_some(),
            ],
            urgent: status.urgent,
            readable: u32::try_from(status.readable).unwrap_or(u32::MAX),
        }
    }
}

impl Connections {
    pub(super) fn new(bound: usize) -> Connections {
        Connections {
            slots: Vec::new(),
            free: Vec::new(),
            bound,
            ready: List::EMPTY,
            starved: List::EMPTY,
            starved_at: 0,
            wheel: TimerWheel::new(0),
            orphans: 0,
        }
    }

    /// Returns the number of connections.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Returns the place of the next connection, or `None` if the maximum number exists.
    // spec: tcp-connections-bound
    pub(super) fn vacant(&self) -> Option<Place> {
        match self.free.last() {
            Some(place) => Some(*place),
            None if self.slots.len() >= self.bound => None,
            None => Place::try_from(self.slots.len()).ok(),
        }
    }

    /// Adds a connection at [`Connections::vacant`].
    pub(super) fn insert(&mut self, held: Held) {
        match self.free.pop().and_then(|place| self.slots.get_mut(index(place))) {
            Some(slot) => slot.held = Some(held),
            None => self.slots.push(Slot {
                generation: 0,
                held: Some(held),
                ready: Links::NONE,
                output: Links::NONE,
                timer: TimerLinks::NONE,
                starved: Links::NONE,
            }),
        }
    }

    /// Removes and returns a connection that is in no list.
    pub(super) fn remove(&mut self, place: Place) -> Option<Held> {
        self.wheel.cancel(&mut self.slots, timer, place);
        let slot = self.slots.get_mut(index(place))?;
        let held = slot.held.take()?;
        if held.owner == Owner::Orphan {
            self.orphans = self.orphans.saturating_sub(1);
        }
        // A place without another generation is not used again.
        // spec: tcp-generation
        if let Some(generation) = slot.generation.checked_add(1) {
            slot.generation = generation;
            self.free.push(place);
        }
        Some(held)
    }

    pub(super) fn get(&self, place: Place) -> Option<&Held> {
        self.slots.get(index(place))?.held.as_ref()
    }

    pub(super) fn get_mut(&mut self, place: Place) -> Option<&mut Held> {
        self.slots.get_mut(index(place))?.held.as_mut()
    }

    /// Returns the place of a connection of a user, or `None` if it was closed.
    // spec: tcp-generation
    pub(super) fn place(&self, id: ConnectionId) -> Option<Place> {
        let slot = self.slots.get(index(id.index))?;
        let is_held = slot.held.as_ref().is_some_and(|held| held.owner == Owner::User);
        (is_held && slot.generation == id.generation).then_some(id.index)
    }

    /// Returns the identifier of the connection at a place.
    pub(super) fn id(&self, place: Place) -> ConnectionId {
        let generation = self.slots.get(index(place)).map_or(0, |slot| slot.generation);
        ConnectionId { index: place, generation }
    }

    /// Returns the connections from a place on, with their places.
    pub(super) fn iter_from(&self, first: Place) -> impl Iterator<Item = (Place, &Held)> {
        let slots = self.slots.get(index(first)..).unwrap_or_default().iter().zip(first..);
        slots.filter_map(|(slot, place)| Some((place, slot.held.as_ref()?)))
    }

    /// Makes a connection an orphan. Its identifier becomes invalid.
    // spec: tcp-generation
    pub(super) fn orphan(&mut self, place: Place) {
        self.clear_ready(place);
        self.wait_for(place, Wait::Nothing);
        if let Some(held) = self.get_mut(place)
            && held.owner != Owner::Orphan
        {
            held.owner = Owner::Orphan;
            self.orphans = self.orphans.saturating_add(1);
        }
    }

    /// Adds a connection to the ready connections.
    pub(super) fn mark_ready(&mut self, place: Place) {
        if let Some(held) = self.get_mut(place)
            && held.owner == Owner::User
            && !std::mem::replace(&mut held.is_ready, true)
        {
            self.ready.append(&mut self.slots, ready, place);
        }
    }

    /// Removes and returns the first ready connection.
    pub(super) fn poll_ready(&mut self) -> Option<ConnectionId> {
        let place = self.ready.first()?;
        self.clear_ready(place);
        Some(self.id(place))
    }

    /// Removes a connection from the ready connections.
    pub(super) fn clear_ready(&mut self, place: Place) {
        if let Some(held) = self.get_mut(place)
            && std::mem::take(&mut held.is_ready)
        {
            self.ready.unlink(&mut self.slots, ready, place);
        }
    }

    /// Records what the user waits for before writing more data.
    pub(super) fn wait_for(&mut self, place: Place, wait: Wait) {
        self.change_wait(place, |held| held.wait = wait);
    }

    /// Records that a user waits for memory before writing more data. `used` is the memory in use.
    pub(super) fn wait_for_memory(&mut self, place: Place, used: usize) {
        self.wait_for(place, Wait::Memory);
        self.starved_at = self.starved_at.max(used);
    }

    /// Records whether the window of a connection waits for memory. `used` is the memory in use.
    pub(super) fn set_closed(&mut self, place: Place, is_closed: bool, used: usize) {
        self.change_wait(place, |held| held.is_closed = is_closed);
        if is_closed {
            self.starved_at = self.starved_at.max(used);
        }
    }

    /// Changes what a connection waits for.
    fn change_wait(&mut self, place: Place, change: impl FnOnce(&mut Held)) {
        let Some(held) = self.get_mut(place) else { return };
        let is_starved = |held: &Held| held.wait == Wait::Memory || held.is_closed;
        let before = is_starved(held);
        change(held);
        match (before, is_starved(held)) {
            (false, true) => self.starved.append(&mut self.slots, starved, place),
            (true, false) => self.starved.unlink(&mut self.slots, starved, place),
            _ => {}
        }
    }

    /// Returns whether connections wait for memory, and memory was returned since they began to wait. `used` is the memory
    /// in use.
    pub(super) fn has_returned_memory(&self, used: usize) -> bool {
        used < self.starved_at
    }

    /// Removes and returns the first connection that waits for memory, and whether its window waits. Marks the connection
    /// ready if its user waits.
    // spec: tcp-memory-bound
    pub(super) fn feed(&mut self) -> Option<(Place, bool)> {
        let Some(place) = self.starved.first() else {
            self.starved_at = 0;
            return None;
        };
        let held = self.get(place)?;
        let (is_user, is_closed) = (held.wait == Wait::Memory, held.is_closed);
        self.change_wait(place, |held| {
            held.is_closed = false;
            if is_user {
                held.wait = Wait::Nothing;
            }
        });
        if is_user {
            self.mark_ready(place);
        }
        Some((place, is_closed))
    }

    /// Appends a connection to the queue of its listener.
    pub(super) fn append_to_backlog(&mut self, queue: &mut List, place: Place) {
        queue.append(&mut self.slots, ready, place);
    }

    /// Removes a connection from the queue of its listener.
    pub(super) fn unlink_from_backlog(&mut self, queue: &mut List, place: Place) {
        queue.unlink(&mut self.slots, ready, place);
    }

    /// Appends a connection to an output queue.
    pub(super) fn append_to_output(&mut self, queue: &mut List, place: Place) {
        queue.append(&mut self.slots, output, place);
    }

    /// Removes a connection from an output queue.
    pub(super) fn unlink_from_output(&mut self, queue: &mut List, place: Place) {
        queue.unlink(&mut self.slots, output, place);
    }

    /// Schedules the timers of a connection.
    pub(super) fn schedule(&mut self, place: Place) {
        if let Some(at) = self.get(place).and_then(|held| held.connection.deadline()) {
            self.wheel.schedule(&mut self.slots, timer, place, at.as_nanos());
        }
    }

    /// Returns a connection with a timer that has expired.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Place> {
        self.wheel.expire(&mut self.slots, timer, now.as_nanos())
    }

    /// Returns the time of the next [`Connections::expire`].
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.wheel.deadline().map(Instant::from_nanos)
    }
}

fn ready(slot: &mut Slot) -> &mut Links {
    &mut slot.ready
}

fn output(slot: &mut Slot) -> &mut Links {
    &mut slot.output
}

fn timer(slot: &mut Slot) -> &mut TimerLinks {
    &mut slot.timer
}

fn starved(slot: &mut Slot) -> &mut Links {
    &mut slot.starved
}
