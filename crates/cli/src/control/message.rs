//! Requests to a running host, and its replies: JSON objects of this version of the program.

use std::net::{Ipv4Addr, SocketAddr};

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

use crate::error_message::ErrorMessage;
use crate::json::{EntryState, Mac};
use crate::ss_command::details::TcpDetails;

/// Version of the messages. Client and host must have the same version. A release with other messages than
/// the release before has the next version.
pub(crate) const VERSION: u32 = 1;
/// Maximum number of rows in a page.
pub(crate) const PAGE: usize = 256;
/// Maximum number of rows with details in a page.
pub(crate) const DETAILS_PAGE: usize = 64;
/// Maximum length of a request, in bytes.
pub(crate) const MAX_REQUEST: usize = 4_096;
/// Maximum length of a reply, in bytes.
pub(crate) const MAX_REPLY: usize = 128 * 1_024;

/// A request.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) version: u32,
    /// Number that the reply repeats.
    pub(crate) id: u64,
    pub(crate) operation: Operation,
}

/// The operation of a request. `from` is 0 for the first page, or [`Page::next`] of the page before.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Operation {
    /// List the interfaces.
    Interfaces { from: u64 },
    /// List the neighbors of an interface.
    Neighbors { interface: u16, from: u64 },
    /// Delete the neighbors on a page that the filter selects.
    FlushNeighbors { interface: u16, from: u64, filter: NeighborFilter },
    /// Add a static neighbor, or with `replace`, make an entry static.
    AddNeighbor { interface: u16, ip: Ipv4Addr, mac: Mac, replace: bool },
    /// Delete a neighbor.
    DeleteNeighbor { interface: u16, ip: Ipv4Addr },
    /// List the local addresses of an interface.
    Addresses { interface: u16, from: u64 },
    /// List the UDP and echo sockets.
    Sockets { from: u64 },
    /// List the TCP connections and listeners, with the details of the connections or without.
    TcpSockets { from: u64, has_details: bool },
    /// Add a local address.
    AddAddress { interface: u16, address: Ipv4Net, mac: Option<Mac> },
    /// Delete a local address. With a prefix length, the address must have this prefix length.
    DeleteAddress { interface: u16, ip: Ipv4Addr, prefix_length: Option<u8> },
}

/// Conditions for neighbors. A condition that is absent is met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NeighborFilter {
    pub(crate) network: Option<Ipv4Net>,
    /// The states, or `None` for all states.
    pub(crate) states: Option<Vec<EntryState>>,
}

/// A reply.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reply {
    pub(crate) version: u32,
    /// The number of the request, or 0 if the request is malformed.
    pub(crate) id: u64,
    pub(crate) outcome: Outcome,
}

/// Result of a request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Interfaces(Page<InterfaceRow>),
    Neighbors(Page<NeighborRow>),
    Addresses(Page<AddressRow>),
    Sockets(Page<SocketRow>),
    /// Neighbors were deleted, and more may follow from this place.
    Flushed {
        next: Option<u64>,
    },
    /// The change was made.
    Done,
    /// The request had no effect.
    Refused {
        message: ErrorMessage,
        exit_code: u8,
    },
}

/// Part of a list.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) rows: Vec<T>,
    /// `from` of the next page, or `None` if this is the last page.
    pub(crate) next: Option<u64>,
}

/// An interface of the host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct InterfaceRow {
    pub(crate) id: u16,
    pub(crate) vlan: Option<u16>,
    pub(crate) mtu: usize,
    pub(crate) is_active: bool,
}

/// An entry of a neighbor table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct NeighborRow {
    pub(crate) ip: Ipv4Addr,
    pub(crate) mac: Option<Mac>,
    pub(crate) state: EntryState,
}

/// Consecutive local addresses with consecutive MAC addresses and the same state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AddressRow {
    pub(crate) first: Ipv4Addr,
    pub(crate) last: Ipv4Addr,
    pub(crate) mac: Mac,
    pub(crate) prefix_length: u8,
    pub(crate) state: AddressStateName,
    /// The other host that uses the address.
    pub(crate) conflict_mac: Option<Mac>,
}

/// A socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SocketRow {
    /// Identifier, or `None` for a connection that no program holds.
    pub(crate) id: Option<String>,
    pub(crate) kind: SocketKindName,
    pub(crate) addresses: IpNet,
    pub(crate) port: u16,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) broadcast: bool,
    pub(crate) state: Option<ConnectionStateName>,
    pub(crate) backlog: Option<BacklogRow>,
    pub(crate) received_bytes: usize,
    pub(crate) sending_bytes: usize,
    pub(crate) dropped: u64,
    pub(crate) failures_lost: u64,
    pub(crate) details: Option<TcpDetails>,
}

/// Kind of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum SocketKindName {
    /// UDP datagrams.
    Udp,
    /// ICMP echo requests and their replies.
    IcmpEcho,
    /// A TCP listener.
    TcpListener,
    /// A TCP connection.
    Tcp,
}

/// Queue of a TCP listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BacklogRow {
    pub(crate) waiting: usize,
    pub(crate) limit: usize,
}

/// State of a TCP connection (RFC 9293 3.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum ConnectionStateName {
    /// CLOSED: the connection has ended.
    Closed,
    /// SYN-SENT.
    SynSent,
    /// SYN-RECEIVED.
    SynReceived,
    /// ESTABLISHED.
    Established,
    /// FIN-WAIT-1.
    #[serde(rename = "fin_wait_1")]
    FinWait1,
    /// FIN-WAIT-2.
    #[serde(rename = "fin_wait_2")]
    FinWait2,
    /// CLOSE-WAIT.
    CloseWait,
    /// CLOSING.
    Closing,
    /// LAST-ACK.
    LastAck,
    /// TIME-WAIT.
    TimeWait,
}

/// State of a local address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum AddressStateName {
    /// Probing for the address is in progress; the address is not in use.
    Tentative,
    /// In use.
    Preferred,
    /// In use, and another station uses the address too.
    Conflict,
}

impl NeighborFilter {
    /// Returns whether a neighbor meets the conditions.
    pub(crate) fn matches(&self, ip: Ipv4Addr, state: EntryState) -> bool {
        self.network.is_none_or(|network| network.contains(&ip))
            && self.states.as_ref().is_none_or(|states| states.contains(&state))
    }
}
