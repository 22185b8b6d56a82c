//! Everything that talks to the Linux kernel: the TAP driver and what belongs to it.
//!
//! All `unsafe` of the project lies in two modules below this one, `ioctl` and
//! `packet_socket::system`, each block with its proof.

mod colons;
mod holders;
mod interface;
mod ioctl;
mod listener;
mod name;
mod namespace;
mod neighbours;
mod netlink;
mod open_error;
mod packet_socket;
mod persistent;
mod tap;
mod taps;
mod wait;

pub use interface::{Interface, InterfaceError};
pub use listener::{Ended, Listener, listen};
pub use name::{InterfaceName, NameError};
pub use namespace::{Namespace, NamespaceError};
pub use neighbours::{Neighbour, NeighbourState, neighbours};
pub use open_error::{Holder, OpenError};
pub use packet_socket::PacketSocket;
pub use persistent::{
    CreateError, DeleteError, PersistentTap, UnknownUser, as_root, caller, closed_to, user_id, user_name,
};
pub use tap::{Tap, TapOptions};
pub use taps::{TapInterface, taps};
pub use wait::{Stop, Woken, wait};
