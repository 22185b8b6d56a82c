//! Layer 2.5: the Address Resolution Protocol, RFC 826, for Ethernet and IPv4.
//!
//! [`Packet::parse`] turns octets into a valid packet or a [`Dropped`] reason, [`View::parse`] a frame
//! and the packet in it at one look; [`Arp::receive`] judges it in the RFC's own order: it merges into the translation table, and says what to answer.
//! [`Answer::write_over`] rewrites the request into its reply in place. A [`Claim`] probes for one
//! address, announces and defends it (RFC 5227); [`LinkLocal`] selects one (RFC 3927).
//!
//! [`NeighborTable`] is the translation table with its states, timers and the parcels that wait in it;
//! [`Arp::resolve`] says where a parcel is to go, [`Arp::poll`] what is due.
//!
//! # What this crate does not do
//!
//! No input or output, no clock, no allocation per packet. It sends nothing: it returns what is to
//! be sent. It knows no VLAN: one [`Arp`] is one segment.
#![forbid(unsafe_code)]

mod answer;
#[cfg(any(test, feature = "arbitrary"))]
pub mod arbitrary;
mod arp;
mod claim;
mod claims;
pub mod constants;
mod link_local;
mod locals;
mod operation;
mod packet;
mod proxy;
mod reception;
mod view;
mod wait;
mod wire;

pub use link::{DestinationKind, Instant, MacAddr};
pub use neighbor::{
    AddError, Address, Counts, Due as Errand, Event as Change, Heard, Merge, Neighbor, NeighborTable,
    Resolution, Returned, Settings, State,
};

pub use self::answer::Answer;
pub use self::arp::{Arp, Config, Due, Event, Policy};
pub use self::claim::{Claim, ClaimEvent, Defence, Identity};
pub use self::claims::{LINK_LOCAL, Start};
pub use self::link_local::LinkLocal;
pub use self::locals::{Locals, LocalsError};
pub use self::operation::Operation;
pub use self::packet::{Fields, Packet};
pub use self::proxy::ProxyError;
pub use self::reception::{Dropped, Received, destination};
pub use self::view::View;
pub use self::wire::{ArpFrame, ArpPacket};
