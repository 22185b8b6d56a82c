//! Echo requests and replies (ping).

use std::net::IpAddr;

use inet::InterfaceId;

/// An echo request to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EchoRequest {
    /// Source address, which must be a local address in use, or `None` for the source that the route selects.
    pub source: Option<IpAddr>,
    /// Destination address.
    pub destination: IpAddr,
    /// ICMP identifier.
    pub identifier: u16,
    /// ICMP sequence number.
    pub sequence: u16,
    /// Time to live of the datagram.
    pub time_to_live: u8,
}

/// A received echo reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EchoReply {
    /// Interface that received the reply.
    pub interface: InterfaceId,
    /// Source address.
    pub from: IpAddr,
    /// Destination address, a local address of the host.
    pub to: IpAddr,
    /// ICMP identifier.
    pub identifier: u16,
    /// ICMP sequence number.
    pub sequence: u16,
    /// Length of the ICMP message with its header, in bytes.
    pub length: usize,
    /// Time to live of the received datagram.
    pub time_to_live: u8,
    /// First byte that differs from the data set by [`Host::expect_echo_data`](crate::Host::expect_echo_data), if any.
    /// Missing data is not a mismatch.
    pub mismatch: Option<DataMismatch>,
}

/// A data byte that differs from the expected byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataMismatch {
    /// Index of the byte in the data.
    pub offset: usize,
    /// The expected byte.
    pub expected: u8,
    /// The received byte.
    pub received: u8,
}

impl DataMismatch {
    /// Returns the first difference between expected and received data.
    pub(crate) fn between(expected: &[u8], received: &[u8]) -> Option<DataMismatch> {
        let mut pairs = expected.iter().zip(received).enumerate();
        let (offset, (expected, received)) = pairs.find(|(_, (expected, received))| expected != received)?;
        Some(DataMismatch { offset, expected: *expected, received: *received })
    }
}
