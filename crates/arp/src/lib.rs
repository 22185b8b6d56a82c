//! The Address Resolution Protocol (RFC 826) for Ethernet and IPv4, as a state machine without I/O.
//!
//! - [`Packet::parse`] parses an ARP packet, or returns an [`ArpDropReason`]. [`FrameView::parse`] parses a frame and
//!   the ARP packet in it in one step.
//! - [`Arp`] is ARP on one segment: it answers requests, resolves addresses and owns the [`NeighborTable`].
//! - [`Arp::claim`] starts to use local addresses: immediately, with announcements, or after probing (RFC 5227). The
//!   local addresses and their states are in an [`AddressTable`], which the caller owns and passes to each call.
//! - [`Arp::select_link_local`] selects a link-local address (RFC 3927).
//! - [`Arp::add_proxy`] replies on behalf of other hosts (RFC 1027).
//!
//! # Example
//!
//! ```
//! use std::net::Ipv4Addr;
//!
//! use arp::{AddressTable, Arp, ArpConfig, Instant, MacAddr, Operation, Packet, PacketFields};
//!
//! let mac = MacAddr::new([2, 0, 0, 0, 0, 2]);
//! let mut table = AddressTable::one("10.0.0.2/24".parse()?, mac)?;
//! let mut arp: Arp<Vec<u8>> = Arp::new(ArpConfig::default());
//!
//! // A broadcast request for 10.0.0.2.
//! let request = PacketFields {
//!     operation: Operation::REQUEST,
//!     sender_hardware: MacAddr::new([2, 0, 0, 0, 0, 1]),
//!     sender_protocol: Ipv4Addr::new(10, 0, 0, 1),
//!     target_hardware: MacAddr::ZERO,
//!     target_protocol: Ipv4Addr::new(10, 0, 0, 2),
//! };
//! let mut bytes = [0; PacketFields::LENGTH];
//! request.write_to(&mut bytes)?;
//!
//! let reception = arp.receive(Instant::ORIGIN, &mut table, None, Packet::parse(&bytes))?;
//! let reply = reception.reply.ok_or("no reply")?;
//! reply.write_over(&mut bytes)?;
//! assert_eq!(Packet::parse(&bytes)?.sender_hardware(), mac);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Order of calls
//!
//! 1. Pass each received ARP packet to [`Arp::receive`] and send the reply that it returns.
//! 2. Pass each packet to send to [`Arp::resolve`]. The call returns the MAC address of the next hop, keeps the packet
//!    until the address is resolved, or refuses the packet.
//! 3. Call [`Arp::poll`] until it returns `None`, and perform each [`ArpAction`].
//! 4. Report each packet that the device refused: [`Arp::claim_packet_refused`], [`Arp::request_refused`].
//! 5. Call [`Arp::take_event`] until it returns `None`.
//! 6. Wait until a packet arrives or [`Arp::deadline`] passes.
//!
//! # Bounds
//!
//! [`NeighborSettings`] limits the entries and the packets that wait for resolution. [`Arp::EVENTS`] limits the events
//! in each queue. Packets and events beyond a limit are dropped and counted.
//!
//! # Non-features
//!
//! - The crate performs no I/O and reads no clock. Times and packets are arguments, and packets to send are return
//!   values.
//! - The crate does not handle VLAN tags. One [`Arp`] serves one segment.
//! - The crate does not implement reverse or inverse ARP (RFC 903, RFC 2390). Such packets are dropped and counted.
#![forbid(unsafe_code)]

mod arp;
pub mod constants;
mod detection;
mod drop_reason;
mod packet;
mod proxy;
#[cfg(test)]
mod test_segment;

pub use address::{AddressError, AddressRange, AddressState, AddressTable};
pub use link::{DestinationKind, Instant, MacAddr};
pub use neighbor::{
    AddError, Address, Merge, Neighbor, NeighborAction, NeighborCounts, NeighborEvent, NeighborSettings,
    NeighborState, NeighborTable, Resolution, ReturnReason, SenderObservation,
};

pub use self::arp::{Arp, ArpAction, ArpConfig, ArpEvent, LearningPolicy, Reception};
pub use self::detection::{ClaimEvent, Defense, Identity, LINK_LOCAL, StartMode, destination};
pub use self::drop_reason::ArpDropReason;
pub use self::packet::{ArpReply, FrameView, Operation, Packet, PacketFields};
pub use self::proxy::ProxyError;
