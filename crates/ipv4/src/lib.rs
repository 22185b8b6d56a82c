//! Layer 3: the Internet Protocol, RFC 791, for a host.
//!
//! [`Datagram::parse`] turns bytes into a valid datagram or an [`Ipv4DropReason`], without copying;
//! [`Ipv4::receive`] takes what is addressed to us and makes fragments whole again ([`Reassembly`]).
//! [`Ipv4Fields::write_to`] writes a header, [`Fragments`] cuts what is too long for a link,
//! [`Identification`] numbers it, and [`Routes`] says to which neighbor it goes.
//!
//! # What this crate does not do
//!
//! No input or output, no clock, no allocation per datagram once warm. It sends nothing: it says what
//! came and where things go. It does not forward, and it knows no protocol above: an [`inet::IpProtocol`] is a
//! number with a name. Options are kept and never acted on, but that a datagram on a source route which is
//! not completed is dropped; none are sent.
//!
//! ```
//! use inet::IpProtocol;
//! use ipv4::{Datagram, Ipv4Fields};
//!
//! let mut bytes = [0; 24];
//! bytes[20..].copy_from_slice(b"data");
//! Ipv4Fields::new(IpProtocol::UDP, [10, 0, 0, 1].into(), [10, 0, 0, 2].into()).write_to(&mut bytes)?;
//!
//! let datagram = Datagram::parse(&bytes)?;
//! assert_eq!(datagram.payload(), b"data");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod addresses;
mod datagram;
mod drop_reason;
mod fragments;
mod identification;
mod ipv4;
mod reassembly;
mod routes;

pub use link::{DestinationKind, Instant, TooManyGroups};

pub use self::addresses::{LocalAddresses, multicast_mac};
pub use self::datagram::{Datagram, DatagramLengthError, Ipv4Fields, Ipv4Header};
pub use self::drop_reason::Ipv4DropReason;
pub use self::fragments::{Fragment, FragmentationError, Fragments};
pub use self::identification::Identification;
pub use self::ipv4::{Ipv4, ReceivedDatagram};
pub use self::reassembly::{
    FragmentStart, ReassembledDatagram, Reassembly, ReassemblyFailure, ReassemblyLimits, ReassemblyTimeout,
};
pub use self::routes::{NextHop, Route, RouteError, Routes};
