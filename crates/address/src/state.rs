//! States of local addresses.

use link::MacAddr;

/// State of a local address (RFC 5227, RFC 3927).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressState {
    /// Probing for the address is in progress. The address is not in use.
    Tentative,
    /// The address is in use.
    Preferred,
    /// The address is in use, and another host uses it too. For the other local hosts, this other host is a neighbor.
    Conflict {
        /// MAC address of the other host.
        with: MacAddr,
    },
}
