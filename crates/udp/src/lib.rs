//! UDP datagrams for an IPv4 host (RFC 768).
//!
//! - [`UdpDatagram::parse`] validates length and checksum, and returns a view of the ports and the data, or a
//!   [`UdpDropReason`].
//! - [`UdpFields::write_to`] writes the header in front of the data, with its checksum.
//!
//! ```
//! use tap::Checksum;
//! use udp::{UdpDatagram, UdpFields};
//!
//! let fields = UdpFields { source: "10.0.0.1:4000".parse()?, destination: "10.0.0.2:53".parse()? };
//! let mut bytes = [0; 12];
//! bytes[UdpFields::LENGTH..].copy_from_slice(b"data");
//! fields.write_to(&mut bytes)?;
//!
//! let addresses = (*fields.source.ip(), *fields.destination.ip());
//! let datagram = UdpDatagram::parse(&bytes, addresses, Checksum::None)?;
//! assert_eq!((datagram.source_port(), datagram.destination_port(), datagram.data()), (4000, 53, &b"data"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Non-features
//!
//! The crate performs no I/O, allocates no memory and has no sockets: the crate `host` has the sockets.
#![forbid(unsafe_code)]

mod datagram;
mod drop_reason;

pub use self::datagram::{UdpDatagram, UdpFields, UdpHeader, UdpLengthError};
pub use self::drop_reason::UdpDropReason;
