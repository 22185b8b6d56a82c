//! Events of a host.

use inet::InterfaceId;

/// An event of a host, taken with [`Host::take_event`](crate::Host::take_event).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostEvent {
    /// An event of a neighbor or of a local address, on this interface.
    Arp(InterfaceId, arp::ArpEvent),
}

impl HostEvent {
    /// Returns the interface of the event.
    pub fn interface(&self) -> InterfaceId {
        match self {
            Self::Arp(interface, _) => *interface,
        }
    }
}
