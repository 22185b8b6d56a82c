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
        /// The memory of all connections is used, with the reserve for data in order.
        MemoryExhausted("memory_exhausted") = "the memory of TCP is exhausted",
        /// Neither a connection nor a listener has these addresses and ports.
        NoConnection("no_connection") = "no connection and no listener",
        /// The listener ignores resets.
        ResetToListener("reset_to_listener") = "reset to a listener",
        /// The acknowledgment to a listener belongs to no connection.
        AckToListener("ack_to_listener") = "acknowledgment to a listener",
        /// The segment to a listener has no SYN.
        NoSynToListener("no_syn_to_listener") = "neither SYN, acknowledgment nor reset to a listener",
        /// The segment to a listener has SYN and FIN.
        SynWithFin("syn_with_fin") = "SYN with FIN to a listener",
        /// The handshake does not complete, because the backlog of the listener is full.
        BacklogFull("backlog_full") = "backlog of the listener is full",
        /// The handshake does not complete, because the maximum number of connections exists.
        TooManyConnections("too_many_connections") = "maximum number of connections",
        /// The connection is in TIME-WAIT.
        TimeWait("time_wait") = "connection is in TIME-WAIT",
        /// The connection has ended.
        Closed("connection_closed") = "connection has ended",
        /// The sequence number is outside the receive window.
        OutsideWindow("outside_window") = "sequence number outside the receive window",
        /// The timestamp is older than the last timestamp of the peer.
        OldTimestamp("old_timestamp") = "timestamp older than the last timestamp",
        /// The segment has no timestamp, but the connection uses timestamps.
        MissingTimestamp("missing_timestamp") = "no timestamp on a connection with timestamps",
        /// The reset has another sequence number than the next expected one.
        ResetNotAtNext("reset_sequence") = "reset with another sequence number than the next expected one",
        /// The reset to a connection in SYN-SENT acknowledges nothing.
        ResetWithoutAck("reset_without_ack") = "reset without acknowledgment in SYN-SENT",
        /// The connection in TIME-WAIT ignores resets.
        ResetInTimeWait("reset_in_time_wait") = "reset in TIME-WAIT",
        /// The segment to a connection in SYN-SENT has no SYN.
        NoSyn("no_syn") = "neither SYN nor reset in SYN-SENT",
        /// The connection exists already.
        UnexpectedSyn("unexpected_syn") = "SYN on an existing connection",
        /// The segment has no acknowledgment.
        NoAck("no_ack") = "no acknowledgment",
        /// The acknowledgment does not acknowledge the SYN.
        UnacceptableAck("unacceptable_ack") = "acknowledgment of another number than that of the SYN",
        /// The acknowledgment acknowledges data that was not sent.
        AckOfUnsent("ack_of_unsent") = "acknowledgment of data that was not sent",
        /// The acknowledgment is older than a window.
        OldAck("old_ack") = "acknowledgment older than a window",
        /// The peer has sent a FIN before.
        DataAfterFin("data_after_fin") = "data after a FIN",
        /// The user has closed the connection.
        DataAfterClose("data_after_close") = "data for a connection that its user has closed",
    }
}

impl std::error::Error for TcpDropReason {}
