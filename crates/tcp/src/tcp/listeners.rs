//! Listeners: sockets that accept connections.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use base::list::index;
use base::{Links, List, Place};
use inet::Binding;
use tap::Instant;

use super::ListenerId;
use crate::TcpSettings;

/// A listener.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) binding: Binding,
    /// Maximum number of connections that wait for acceptance.
    pub(super) backlog: usize,
    /// Settings of accepted connections.
    pub(super) settings: TcpSettings,
    /// Established connections that wait for acceptance.
    pub(super) queue: List,
    pub(super) queued: usize,
    /// Number of half-open connections.
    pub(super) half_open: usize,
    /// Time until which cookies are valid. `None` before the first cookie.
    pub(super) cookies_until: Option<Instant>,
    /// Segments that were dropped because the queue was full.
    pub(super) overflows: u64,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    listener: Option<Box<Listener>>,
    /// Links of the list of ready listeners.
    ready: Links,
    is_ready: bool,
}

/// All listeners of a host.
#[derive(Debug)]
pub(super) struct Listeners {
    slots: Vec<Slot>,
    free: Vec<Place>,
    bound: usize,
    ready: List,
    /// Number of listeners of each port.
    ports: BTreeMap<u16, u32>,
}

impl Listener {
    pub(super) fn new(binding: Binding, backlog: usize, settings: &TcpSettings) -> Listener {
        Listener {
            binding,
            // A listener without a queue could not accept connections.
            backlog: backlog.max(1),
            settings: *settings,
            queue: List::EMPTY,
            queued: 0,
            half_open: 0,
            cookies_until: None,
            overflows: 0,
        }
    }
}

impl Listeners {
    pub(super) fn new(bound: usize) -> Listeners {
        Listeners { slots: Vec::new(), free: Vec::new(), bound, ready: List::EMPTY, ports: BTreeMap::new() }
    }

    /// Returns the place of the next listener, or `None` if the maximum number exists.
    pub(super) fn vacant(&self) -> Option<Place> {
        match self.free.last() {
            Some(place) => Some(*place),
            None if self.slots.len() >= self.bound => None,
            None => Place::try_from(self.slots.len()).ok(),
        }
    }

    /// Adds a listener at [`Listeners::vacant`].
    pub(super) fn insert(&mut self, place: Place, listener: Listener) -> ListenerId {
        *self.ports.entry(listener.binding.port).or_default() += 1;
        let listener = Some(Box::new(listener));
        match self.free.pop().and_then(|place| self.slots.get_mut(index(place))) {
            Some(slot) => slot.listener = listener,
            None => {
                self.slots.push(Slot { generation: 0, listener, ready: Links::NONE, is_ready: false });
            }
        }
        self.id(place)
    }

    /// Removes and returns a listener.
    pub(super) fn remove(&mut self, place: Place) -> Option<Listener> {
        self.clear_ready(place);
        let slot = self.slots.get_mut(index(place))?;
        let listener = slot.listener.take()?;
        if let Entry::Occupied(mut count) = self.ports.entry(listener.binding.port) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        // A place without another generation is not used again.
        // spec: tcp-generation
        if let Some(generation) = slot.generation.checked_add(1) {
            slot.generation = generation;
            self.free.push(place);
        }
        Some(*listener)
    }

    pub(super) fn get(&self, place: Place) -> Option<&Listener> {
        self.slots.get(index(place))?.listener.as_deref()
    }

    pub(super) fn get_mut(&mut self, place: Place) -> Option<&mut Listener> {
        self.slots.get_mut(index(place))?.listener.as_deref_mut()
    }

    /// Returns whether a listener has a port.
    pub(super) fn has_port(&self, port: u16) -> bool {
        self.ports.contains_key(&port)
    }

    /// Returns the place of a listener, or `None` if it was closed.
    // spec: tcp-generation
    pub(super) fn place(&self, id: ListenerId) -> Option<Place> {
        let slot = self.slots.get(index(id.index))?;
        (slot.listener.is_some() && slot.generation == id.generation).then_some(id.index)
    }

    /// Returns the identifier of the listener at a place.
    pub(super) fn id(&self, place: Place) -> ListenerId {
        let generation = self.slots.get(index(place)).map_or(0, |slot| slot.generation);
        ListenerId { index: place, generation }
    }

    /// Returns the listeners from a place on, with their places.
    pub(super) fn iter_from(&self, first: Place) -> impl Iterator<Item = (Place, &Listener)> {
        let slots = self.slots.get(index(first)..).unwrap_or_default().iter().zip(first..);
        slots.filter_map(|(slot, place)| Some((place, slot.listener.as_deref()?)))
    }

    /// Adds a listener to the ready listeners.
    pub(super) fn mark_ready(&mut self, place: Place) {
        if let Some(slot) = self.slots.get_mut(index(place))
            && !std::mem::replace(&mut slot.is_ready, true)
        {
            self.ready.append(&mut self.slots, |slot| &mut slot.ready, place);
        }
    }

    /// Removes and returns the first ready listener.
    pub(super) fn poll_ready(&mut self) -> Option<ListenerId> {
        let place = self.ready.first()?;
        self.clear_ready(place);
        Some(self.id(place))
    }

    fn clear_ready(&mut self, place: Place) {
        if let Some(slot) = self.slots.get_mut(index(place))
            && std::mem::take(&mut slot.is_ready)
        {
            self.ready.unlink(&mut self.slots, |slot| &mut slot.ready, place);
        }
    }
}
