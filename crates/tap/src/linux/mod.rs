//! Everything that talks to the Linux kernel: the TAP driver and what belongs to it.
//!
//! All `unsafe` of the project lies in four modules below this one, `ioctl`, `packet_socket::ring`,
//! `packet_socket::system` and `ring::queues`, each block with its proof.

mod addresses;
mod bridge;
mod carriage;
mod colons;
mod features;
mod holders;
mod interface;
mod ioctl;
mod link;
mod link_monitor;
mod listener;
mod name;
mod namespace;
mod neighbors;
mod netlink;
mod open_error;
mod packet_socket;
mod persistent;
mod printable;
mod ring;
mod tap;
mod taps;
mod wait;

pub use addresses::kernel_addresses;
pub use bridge::bridge_of;
pub use features::{Features, features};
pub use interface::{Interface, InterfaceError};
pub use link_monitor::LinkMonitor;
pub use listener::{Ended, Listener, listen};
pub use name::{InterfaceName, NameError};
pub use namespace::{Namespace, NamespaceError};
pub use neighbors::{Neighbor, NeighborState, neighbors};
pub use open_error::{Holder, OpenError};
pub use packet_socket::{PacketSocket, SocketError};
pub use persistent::{
    CreateError, DeleteError, PersistentTap, UnknownUser, as_root, caller, closed_to, quoted, user_id,
    user_name,
};
pub use printable::Printable;
pub use tap::{Io, Tap, TapOptions};
pub use taps::{Carrier, TapInterface, taps};
pub use wait::{Stop, Woken, look, usual_spin, wait};
