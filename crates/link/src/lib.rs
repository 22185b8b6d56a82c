//! The Ethernet layer: Ethernet II (RFC 894), IEEE 802.3 with SNAP (RFC 1042), and VLAN tags (IEEE 802.1Q).
//!
//! - [`EthernetFrame::parse`] parses a frame without copying, or returns a [`LinkDropReason`].
//! - [`Link`] is the Ethernet side of one host, or of several hosts on one wire. It filters received frames by
//!   destination and VLAN, counts dropped frames by reason, and prepends headers to sent packets.
//! - [`MacAddr`] is a MAC address. A set of local MAC addresses implements [`LocalMacs`].
//!
//! # Order of calls
//!
//! Parse each received frame, and pass the result to [`Link::receive`] with the local MAC addresses. Pass errors too,
//! so that all drops are counted. To send, write the payload into a [`Frame`], and call [`Link::add_header`]. If the
//! device requires a minimum length, call [`Frame::pad`]; a [`tap::Exchange`] does this for every frame.
//!
//! # Non-features
//!
//! - The crate performs no I/O, reads no clock, and allocates no memory per frame. A link joins up to [`Link::GROUPS`]
//!   groups.
//! - The crate implements no protocol above Ethernet: an [`EtherType`] is a number with a name.
//! - The crate neither checks nor computes the frame check sequence. Network cards process the frame check sequence,
//!   and frames of a TAP have none.
//! - The crate sends only Ethernet II frames, with at most one VLAN tag.
//!
//! # Example
//!
//! ```
//! use link::{DestinationKind, EtherType, EthernetFrame, Link, LinkDropReason, MacAddr};
//!
//! // An ARP frame, broadcast.
//! let mut bytes = [0; 60];
//! bytes[..6].fill(0xff);
//! bytes[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
//! bytes[12..14].copy_from_slice(&[0x08, 0x06]);
//!
//! let local = MacAddr::new([2, 0, 0, 0, 0, 2]);
//! let mut link = Link::new(1_500, None);
//! let received = link.receive(&local, EthernetFrame::parse(&bytes))?;
//! assert_eq!(received.destination_kind, DestinationKind::Broadcast);
//! assert_eq!(received.frame.ether_type(), EtherType::ARP);
//! assert_eq!(received.frame.payload().len(), 46);
//!
//! // A frame cut short is dropped and counted.
//! assert!(link.receive(&local, EthernetFrame::parse(&bytes[..13])).is_err());
//! assert_eq!(link.dropped().get(LinkDropReason::Truncated), 1);
//! # Ok::<(), LinkDropReason>(())
//! ```
#![forbid(unsafe_code)]

mod drop_reason;
mod ether_type;
mod ethernet;
mod link;
mod mac;
mod vlan;

pub use tap::{Frame, Instant, OutOfSpace};

pub use self::drop_reason::LinkDropReason;
pub use self::ether_type::EtherType;
pub use self::ethernet::{Encapsulation, EthernetFrame, EthernetHeader, SnapHeader, VlanTagHeader, VlanTags};
pub use self::link::{DestinationKind, Link, MINIMUM_FRAME, ReceivedFrame, TooManyGroups};
pub use self::mac::{LocalMacs, MacAddr, MacAddrError};
pub use self::vlan::{VlanId, VlanIdError, VlanTag};
