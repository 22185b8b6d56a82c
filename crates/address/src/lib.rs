//! Local addresses of an interface.
//!
//! An [`AddressTable`] has the MAC addresses of the local hosts, and their IP addresses with broadcast addresses and
//! joined multicast groups. The layers of an interface share one table and store no local addresses themselves. The
//! link layer asks the table for MAC addresses (`LocalMacs`), and IPv4 and ICMP for IP addresses. ARP also changes the
//! [`AddressState`] of the addresses.
//!
//! The table stores ranges: 65,536 hosts take no more memory than one host. Only addresses with a state other than
//! [`AddressState::Preferred`] have an entry each.
//!
//! ```
//! use std::net::Ipv4Addr;
//!
//! use address::{AddressRange, AddressState, AddressTable};
//! use link::{DestinationKind, MacAddr};
//!
//! let mac = MacAddr::new([2, 0, 0, 0, 0, 2]);
//! let ip = Ipv4Addr::new(10, 0, 0, 2);
//! let mut table = AddressTable::default();
//! table.add_tentative(AddressRange::one("10.0.0.2/24".parse()?, mac))?;
//! assert!(table.contains(ip) && table.mac_of(ip).is_none());
//!
//! table.set_state(ip, AddressState::Preferred);
//! assert_eq!(table.mac_of(ip), Some(mac));
//! assert_eq!(table.destination_kind(Ipv4Addr::new(10, 0, 0, 255)), Some(DestinationKind::Broadcast));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Bounds
//!
//! At most [`AddressTable::CONFLICTS`] addresses are in conflict, and at most [`AddressTable::GROUPS`] groups are
//! joined. Received packets cause no other entries.
//!
//! # Non-features
//!
//! The crate neither probes for addresses nor defends them: see the crate `arp`. A table has IPv4 addresses only.
#![forbid(unsafe_code)]

mod exceptions;
mod macs;
mod range;
mod state;
mod table;

pub use self::range::{AddressError, AddressRange};
pub use self::state::AddressState;
pub use self::table::AddressTable;
