//! Everything that uses the Linux kernel: the TAP driver, packet sockets, rtnetlink, namespaces, and waiting.
//!
//! - [`Tap`] opens a TAP, [`PersistentTap`] creates a TAP that outlives the program, and [`taps()`] lists TAPs.
//! - [`PacketSocket`] receives and transmits frames on an existing interface.
//! - [`Cable`] is a pair of connected devices in one process.
//! - [`Interface`], [`LinkMonitor`], [`kernel_neighbors`] and [`kernel_route`] read and change the kernel's network
//!   configuration.
//! - [`wait()`] and [`busy_poll`] wait for frames. The crate `runtime` has the event loop.
//! - [`Namespace`] moves the process into a new network namespace.
//!
//! Except for benchmarks, all `unsafe` code of the project is in four modules below this module: `ioctl`,
//! `packet_socket::ring`, `packet_socket::system` and `ring::queues`. Each `unsafe` block has a safety comment.

mod cable;
mod interface;
mod io;
mod io_choice;
mod ioctl;
mod link;
mod link_monitor;
mod name;
mod namespace;
mod neighbors;
mod netlink;
mod node;
mod open_error;
mod packet_socket;
mod persistent;
mod read_write;
mod ring;
mod route;
mod tap;
mod taps;
mod virtio_header;
mod wait;

pub use cable::Cable;
pub use interface::{Interface, InterfaceChange, InterfaceError, kernel_addresses};
pub use io::Io;
pub use link::{CarrierState, bridge_of};
pub use link_monitor::LinkMonitor;
pub use name::{InterfaceName, NameError, Printable};
pub use namespace::{Namespace, NamespaceError};
pub use neighbors::{KernelNeighbor, KernelNeighborState, kernel_neighbors};
pub use node::{Features, features};
pub use open_error::OpenError;
pub use packet_socket::{PacketSocket, SocketError};
pub use persistent::{CreateError, DeleteError, PersistentTap};
pub use route::{KernelRoute, addressed_interfaces, kernel_route};
pub use tap::{Tap, TapOptions};
pub use taps::{Holder, TapInterface, taps};
pub use wait::{Descriptor, MAX_DESCRIPTORS, Readiness, Stop, busy_poll, default_busy_poll, wait};
