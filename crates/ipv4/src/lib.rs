//! IPv4 for a host (RFC 791): headers, reassembly, fragmentation, routes and path MTUs.
//!
//! To receive datagrams:
//!
//! - [`Ipv4::receive`] validates the header ([`Datagram::parse`]), and the source and the destination by means of an
//!   [`AddressTable`]. It returns a [`ReceivedDatagram`] or an [`Ipv4DropReason`].
//! - [`Ipv4::reassemble`] stores a fragment ([`Reassembly`]), and returns the datagram that the fragment completes.
//! - [`Ipv4::take_timed_out`] discards and returns incomplete datagrams that have timed out. Call it when
//!   [`Ipv4::deadline`] is reached.
//! - [`Ipv4::recycle`] stores the buffer of a reassembled datagram for reuse.
//!
//! To send a datagram:
//!
//! - [`Routes::route`] selects the interface of a datagram, and [`Routes::next_hop`] returns the neighbor: the
//!   destination or a gateway.
//! - [`PathMtus::get`] returns the path MTU of a destination (RFC 1191).
//! - [`Identification::next`] returns the number of a datagram that may be fragmented.
//! - [`Fragments::of`] divides the data of a datagram that is longer than the MTU.
//! - [`Ipv4Fields::write_to`] writes the header of the datagram, or of each fragment.
//!
//! ```
//! use inet::IpProtocol;
//! use ipv4::{AddressTable, Datagram, DestinationKind, Ipv4, Ipv4Fields, MacAddr, ReassemblyLimits};
//!
//! let mut bytes = [0; 24];
//! bytes[20..].copy_from_slice(b"data");
//! Ipv4Fields::new(IpProtocol::UDP, [10, 0, 0, 1].into(), [10, 0, 0, 2].into()).write_to(&mut bytes)?;
//! assert_eq!(Datagram::parse(&bytes)?.payload(), b"data");
//!
//! let table = AddressTable::one("10.0.0.2/24".parse()?, MacAddr::new([2, 0, 0, 0, 0, 2]))?;
//! let mut ipv4 = Ipv4::new(ReassemblyLimits::default(), 7);
//! let received = ipv4.receive(&table, DestinationKind::Unicast, &bytes)?;
//! assert_eq!((received.datagram.payload(), received.datagram.is_fragment()), (&b"data"[..], false));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Bounds
//!
//! [`ReassemblyLimits`] bounds stored fragments, in total and per source. A table has at most [`Routes::CAPACITY`]
//! routes, and [`PathMtus`] has at most [`PathMtus::CAPACITY`] entries. After a warm-up, no received datagram causes an allocation.
//!
//! # Non-features
//!
//! The crate performs no I/O, reads no clock and sends nothing. It does not forward datagrams and has no list of
//! transport protocols: [`inet::IpProtocol`] is an open number. Received options are available unparsed. The crate
//! reads only source routes, because a datagram with an incomplete source route is dropped. It does not write options.
#![forbid(unsafe_code)]

mod datagram;
mod drop_reason;
mod fragments;
mod identification;
mod ipv4;
mod path_mtus;
mod reassembly;
mod routes;

pub use address::AddressTable;
pub use link::{DestinationKind, Instant, MacAddr};

pub use self::datagram::{Datagram, DatagramLengthError, Ipv4Fields, Ipv4Header};
pub use self::drop_reason::Ipv4DropReason;
pub use self::fragments::{Fragment, FragmentationError, Fragments};
pub use self::identification::Identification;
pub use self::ipv4::{Ipv4, ReceivedDatagram, accepts_source};
pub use self::path_mtus::PathMtus;
pub use self::reassembly::{
    FragmentStart, ReassembledDatagram, Reassembly, ReassemblyFailure, ReassemblyLimits, ReassemblyTimeout,
};
pub use self::routes::{NextHop, Route, RouteError, Routes, multicast_mac};
