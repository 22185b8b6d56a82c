//! Why messages are dropped, and why errors are not sent.

base::reasons! {
    /// Why a message was dropped.
    pub enum IcmpDropReason {
        /// Shorter than the 8 bytes of a header.
        Truncated = "shorter than an ICMP header",
        /// The checksum is wrong.
        Checksum = "ICMP checksum is wrong",
        /// An error that quotes no IPv4 header.
        NoQuotedDatagram = "error about no datagram",
        /// An error about a datagram that we did not send.
        NotLocal = "error about a datagram that is not ours",
        /// An echo request to a broadcast or to a group.
        BroadcastEcho = "echo request to a broadcast or a group",
        /// Of an unsupported type.
        UnsupportedType = "type that nobody here serves",
    }
}

base::reasons! {
    /// Why an error was not sent (RFC 1122 3.2.2).
    pub enum SuppressReason {
        /// It would be about an error.
        AboutError = "about an ICMP error",
        /// The datagram was for a broadcast address or for a group.
        BroadcastDestination = "about a datagram to a broadcast or a group",
        /// The datagram's frame was for all stations or for a group of them.
        LinkBroadcast = "about a broadcast frame",
        /// The datagram is a fragment, and not the first.
        Fragment = "about a later fragment",
        /// The datagram's source is no single host.
        Source = "to a source that is no single host",
        /// It is about no datagram, or the buffer is too short.
        OutOfSpace = "no room for the message",
        /// The rate limit of the destination.
        DestinationRateLimit = "too many to one destination",
        /// The rate limit of all destinations.
        GlobalRateLimit = "too many in all",
    }
}

impl std::error::Error for IcmpDropReason {}

impl std::error::Error for SuppressReason {}
