//! A received echo reply, compared with the data of the request.

use std::net::IpAddr;

use host::EchoReply;

/// Length of the ICMP header, in bytes.
pub(super) const ICMP_HEADER: usize = 8;

/// A received echo reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PingReply {
    /// Source address.
    pub(super) from: IpAddr,
    /// ICMP sequence number.
    pub(super) sequence: u16,
    /// Length of the ICMP message with its header, in bytes.
    pub(super) length: usize,
    /// Time to live of the received datagram.
    pub(super) time_to_live: u8,
    /// First data byte that differs from the request, if any. Missing data is not a mismatch.
    pub(super) mismatch: Option<DataMismatch>,
}

/// A data byte that differs from the expected byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DataMismatch {
    /// Index of the byte in the data.
    pub(super) offset: usize,
    /// The expected byte.
    pub(super) expected: u8,
    /// The received byte.
    pub(super) received: u8,
}

impl PingReply {
    /// Compares the data of a reply with the data of its request.
    pub(super) fn new(reply: &EchoReply, expected: &[u8]) -> PingReply {
        let data = reply.frame.bytes();
        PingReply {
            from: reply.from,
            sequence: reply.sequence,
            length: ICMP_HEADER + data.len(),
            time_to_live: reply.time_to_live,
            mismatch: DataMismatch::between(expected, data),
        }
    }
}

impl DataMismatch {
    /// Returns the first difference between expected and received data.
    fn between(expected: &[u8], received: &[u8]) -> Option<DataMismatch> {
        let mut pairs = expected.iter().zip(received).enumerate();
        let (offset, (expected, received)) = pairs.find(|(_, (expected, received))| expected != received)?;
        Some(DataMismatch { offset, expected: *expected, received: *received })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_changed_byte_is_a_mismatch_and_missing_data_is_none() {
        let sent = b"data that is long enough".as_slice();
        let changed = Some(DataMismatch { offset: 5, expected: b't', received: b'T' });
        for (received, mismatch) in
            [(sent, None), (b"data That is lonG enough".as_slice(), changed), (b"data".as_slice(), None)]
        {
            assert_eq!(DataMismatch::between(sent, received), mismatch, "{received:?}");
        }
    }
}
