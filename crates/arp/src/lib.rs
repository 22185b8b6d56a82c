//! Layer 2.5: the Address Resolution Protocol, RFC 826, for Ethernet and IPv4.
//!
//! [`Packet::parse`] turns bytes into a valid packet or a [`ArpDropReason`] reason, [`FrameView::parse`] a frame
//! and the packet in it at one look; [`Arp::receive`] judges it in the RFC's own order: it merges into the translation table, and says what to answer.
//! [`ArpReply::write_over`] rewrites the request into its reply in place. A [`Claim`] probes for one
//! address, announces and defends it (RFC 5227); [`LinkLocal`] selects one (RFC 3927).
//!
//! [`NeighborTable`] is the translation table with its states, timers and the packets that wait in it;
//! [`Arp::resolve`] says where a packet is to go, [`Arp::poll`] what is due.
//!
//! # What this crate does not do
//!
//! No input or output, no clock, no allocation per packet. It sends nothing: it returns what is to
//! be sent. It knows no VLAN: one [`Arp`] is one segment.
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
    Claim, ClaimEvent, Defense, Identity, LINK_LOCAL, LinkLocal, LocalBindings, LocalBindingsError,
    StartMode, destination,
};
pub use self::arp::{Arp, ArpAction, ArpConfig, ArpEvent, LearningPolicy, Reception};
pub use self::drop_reason::ArpDropReason;
pub use self::packet::{ArpFrame, ArpPacket, ArpReply, FrameView, Operation, Packet, PacketFields};
pub use self::proxy::ProxyError;
