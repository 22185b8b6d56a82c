//! Reasons for which datagrams are dropped.

base::reasons! {
    /// Reason for which a UDP datagram was dropped.
    pub enum UdpDropReason {
        /// The IP datagram ends within the 8 bytes of the header.
        Truncated("truncated") = "shorter than a UDP header",
        /// The length is below 8 bytes, or exceeds the IP datagram.
        Length("length") = "UDP length below 8 bytes or beyond the datagram",
        /// The checksum is wrong.
        Checksum("bad_checksum") = "UDP checksum is wrong",
    }
}

impl std::error::Error for UdpDropReason {}
