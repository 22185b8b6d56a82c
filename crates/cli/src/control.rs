//! The control socket of a running host: its messages, the server in the event loop of the host, and the client.
//!
//! The server has an abstract datagram socket with the name of the interface, such as `@tapstack/tap0`. A request is one
//! datagram, and so is its reply. The server keeps no state for a client. A list is read in pages of at most
//! [`PAGE`](message::PAGE) rows, so a request takes a short time.

pub(crate) mod client;
pub(crate) mod hosts;
pub(crate) mod message;
mod operations;
pub(crate) mod server;
mod socket;
