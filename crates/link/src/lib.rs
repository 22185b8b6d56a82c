//! Layer 2: Ethernet as RFC 894 and IEEE 802.3 have it, and who a frame is for.
//!
//! [`EthernetFrame::parse`] turns bytes into a valid frame or a [`LinkDropReason`], without copying;
//! [`Link`] is one host's (or many hosts') side of the wire: it accepts what is addressed to it,
//! counts what it turns away, and puts headers before what it sends.
//!
//! # What this crate does not do
//!
//! No input or output, no clock, no allocation per frame. It knows no protocol above Ethernet: an
//! [`EtherType`] is a number with a name. The preamble and the frame check sequence are the
//! card's; a TAP has neither.
//!
//! ```
//! use link::{EtherType, EthernetFrame, MacAddr};
//!
//! let mut bytes = [0; 60];
//! bytes[..6].fill(0xff);
//! bytes[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
//! bytes[12..14].copy_from_slice(&[0x08, 0x06]);
//!
//! let frame = EthernetFrame::parse(&bytes)?;
//! assert_eq!(frame.destination(), MacAddr::BROADCAST);
//! assert_eq!(frame.ether_type(), EtherType::ARP);
//! assert_eq!(frame.payload().len(), 46);
//! # Ok::<(), link::LinkDropReason>(())
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
pub use self::link::{DestinationKind, Link, MINIMUM_FRAME, ReceivedFrame, TooManyGroups, pad};
pub use self::mac::{MacAddr, MacAddrError, MacSet};
pub use self::vlan::{VlanId, VlanIdError, VlanTag};
