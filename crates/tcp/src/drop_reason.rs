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
        /// The connection has the maximum number of blocks of data out of order.
        OutOfOrderBlocks("out_of_order_blocks") = "too many blocks of data out of order",
        /// The data is out of order, and the memory of all connections is full.
        OutOfOrderMemory("out_of_order_memory") = "data out of order while the memory of TCP is full",
    }
}

impl std::error::Error for TcpDropReason {}
