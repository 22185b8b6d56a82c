//! Why datagrams are dropped.

base::reasons! {
    /// Why a datagram was dropped.
    pub enum Ipv4DropReason {
        /// Shorter than the 20 bytes of a header.
        Truncated = "shorter than an IPv4 header",
        /// Not version 4.
        Version = "version is not 4",
        /// The header length is below 20 bytes.
        HeaderLength = "header length below 20 bytes",
        /// The total length is below the header length.
        TotalLengthShort = "total length below the header length",
        /// The total length exceeds the frame.
        TotalLength = "total length beyond the frame",
        /// The header checksum is wrong.
        Checksum = "header checksum is wrong",
        /// The source is a broadcast address, which cannot send.
        SourceBroadcast = "source is a broadcast address",
        /// The source is a multicast group, which cannot send.
        SourceGroup = "source is a group address",
        /// The source is a loopback address, which never leaves a host.
        SourceLoopback = "source is a loopback address",
        /// The source is in 0.0.0.0/8, which names no host, or in class E, which is reserved.
        SourceReserved = "source is in 0.0.0.0/8 or class E",
        /// The source is a local address: a datagram of this host that came back, or a forged one.
        SourceLocal = "source is ours",
        /// Addressed neither to a local address, nor to a broadcast, nor to a joined group.
        NotForUs = "not for us",
        /// The source route has further hops, and a host does not forward.
        SourceRoute = "source route is not completed",
        /// Addressed to one host, but by a multicast or broadcast frame (RFC 1122 3.3.6).
        LinkBroadcast = "to one host by a broadcast or group frame",
        /// A fragment without data.
        FragmentEmpty = "fragment without data",
        /// A fragment, not the last, whose data is no multiple of eight bytes.
        FragmentUneven = "fragment of uneven length",
        /// A fragment that ends beyond the longest datagram.
        FragmentBeyond = "fragment beyond 65535 octets",
        /// A fragment that contradicts earlier ones: its datagram is given up.
        FragmentOverlap = "fragment overlaps another",
        /// A fragment that is stored already.
        FragmentRepeated = "fragment repeated",
        /// A fragment that exceeds the limits of reassembly.
        ReassemblyFull = "no room for a fragment",
    }
}

impl std::error::Error for Ipv4DropReason {}
