//! Reasons to drop a received message, and reasons not to send an error.

base::reasons! {
    /// Reason for which a message was dropped.
    pub enum IcmpDropReason {
        /// The message is shorter than the 8 bytes of a header.
        Truncated("truncated") = "shorter than an ICMP header",
        /// The checksum is wrong.
        Checksum("bad_checksum") = "ICMP checksum is wrong",
        /// The message is an error that quotes no IPv4 header.
        NoQuotedDatagram("no_quoted_datagram") = "ICMP error without a quoted datagram",
        /// The message is an error about a datagram with a source address that is not local.
        NotLocal("quoted_datagram_not_local") = "ICMP error about a datagram of another host",
        /// The message is an echo request to a broadcast or multicast address.
        BroadcastEcho("broadcast_echo") = "echo request to a broadcast or multicast address",
        /// The type is not supported.
        UnsupportedType("unsupported_type") = "unsupported ICMP type",
    }
}

base::reasons! {
    /// Reason for which an error was not sent (RFC 1122 3.2.2).
    pub enum SuppressReason {
        /// The error would be about an ICMP error.
        AboutError("errors_suppressed_about_error") = "error not sent: about an ICMP error",
        /// The datagram was sent to a broadcast or multicast address.
        BroadcastDestination("errors_suppressed_broadcast") = "error not sent: about a broadcast or multicast datagram",
        /// The datagram arrived in a broadcast or multicast frame.
        LinkBroadcast("errors_suppressed_link_broadcast") = "error not sent: about a broadcast or multicast frame",
        /// The datagram is a fragment with an offset above zero.
        Fragment("errors_suppressed_fragment") = "error not sent: datagram is a later fragment",
        /// The datagram's source is not the address of a single host.
        Source("errors_suppressed_source") = "error not sent: source is not a host address",
        /// There is no datagram to quote, or the buffer is too short.
        OutOfSpace("errors_suppressed_no_space") = "error not sent: no datagram, or the buffer is too short",
        /// The rate limit of the destination was reached.
        DestinationRateLimit("errors_suppressed_destination_rate_limit") = "error not sent: rate limit of the destination reached",
        /// The rate limit of all destinations was reached.
        GlobalRateLimit("errors_suppressed_global_rate_limit") = "error not sent: rate limit of all destinations reached",
    }
}

impl std::error::Error for IcmpDropReason {}

impl std::error::Error for SuppressReason {}
