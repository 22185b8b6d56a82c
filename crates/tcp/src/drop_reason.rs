//! Reasons for which segments are dropped.

base::reasons! {
    /// Reason for which a TCP segment was dropped.
    pub enum TcpDropReason {
        /// The IP datagram ends within the first 20 bytes of the header.
        Truncated("truncated") = "shorter than a TCP header",
        /// The data offset is below 20 bytes, or exceeds the IP datagram.
        DataOffset("data_offset") = "TCP header length below 20 bytes or beyond the datagram",
        /// The checksum is wrong.
        Checksum("bad_checksum") = "TCP checksum is wrong",
        /// The source port or the destination port is zero.
        PortZero("port_zero") = "TCP source or destination port is zero",
    }
}

impl std::error::Error for TcpDropReason {}
