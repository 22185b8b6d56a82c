//! Layer 2.5: the Address Resolution Protocol (RFC 826) for Ethernet and IPv4.
//!
//! [`Packet::parse`] parses a valid packet or returns an [`ArpDropReason`]; [`FrameView::parse`] parses a frame and the
//! packet in it at once. [`Arp::receive`] follows RFC 826 in its order: it updates the neighbor table and returns the
//! reply that is due. [`ArpReply::write_over`] rewrites the request into that reply in place.
//!
//! [`Arp::claim`] begins the use of a local address: at once, with announcements, or after probing (RFC 5227).
//! [`Arp::select_link_local`] selects a link-local address (RFC 3927); [`Arp::add_proxy`] replies for other hosts
//! (RFC 1027).
//!
//! [`NeighborTable`] holds the neighbors, their states and timers, and the packets that wait for them. [`Arp::resolve`]
//! returns the next hop's MAC address or keeps the packet; [`Arp::poll`] returns what is due.
//!
//! # What this crate does not do
//!
//! It performs no I/O, reads no clock and allocates nothing per packet. It sends nothing: it returns what is to be
//! sent. It knows no VLAN: one [`Arp`] serves one segment.
#![forbid(unsafe_code)]

mod address;
#[cfg(any(test, feature = "arbitrary"))]
pub mod arbitrary;
mod arp;
pub mod constants;
mod drop_reason;
mod packet;
mod proxy;

pub use link::{DestinationKind, Instant, MacAddr};
pub use neighbor::{
    AddError, Address, Merge, Neighbor, NeighborAction, NeighborCounts, NeighborEvent, NeighborSettings,
    NeighborState, NeighborTable, Resolution, ReturnReason, SenderObservation,
};

pub use self::address::{
    ClaimEvent, Defense, Identity, LINK_LOCAL, LocalBindings, LocalBindingsError, StartMode, destination,
};
pub use self::arp::{Arp, ArpAction, ArpConfig, ArpEvent, LearningPolicy, Reception};
pub use self::drop_reason::ArpDropReason;
pub use self::packet::{ArpReply, FrameView, Operation, Packet, PacketFields};
pub use self::proxy::ProxyError;
