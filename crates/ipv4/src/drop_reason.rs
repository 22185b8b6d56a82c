//! Reasons for which datagrams are dropped.

base::reasons! {
    /// Reason for which a datagram was dropped.
    pub enum Ipv4DropReason {
        /// The datagram is shorter than the 20 bytes of a header.
        Truncated("truncated") = "shorter than an IPv4 header",
        /// The version is not 4.
        Version("version") = "version is not 4",
        /// The header length is below 20 bytes.
        HeaderLength("header_length") = "header length below 20 bytes",
        /// The total length is below the header length.
        TotalLengthShort("total_length_below_header") = "total length below the header length",
        /// The total length exceeds the frame.
        TotalLength("total_length_exceeds_frame") = "total length beyond the frame",
        /// The header checksum is wrong.
        Checksum("bad_checksum") = "header checksum is wrong",
        /// The source is a broadcast address, which does not identify a sender.
        SourceBroadcast("source_broadcast") = "source is a broadcast address",
        /// The source is a multicast address, which does not identify a sender.
        SourceGroup("source_multicast") = "source is a multicast address",
        /// The source is a loopback address, which is valid only within a host.
        SourceLoopback("source_loopback") = "source is a loopback address",
        /// The source is in 0.0.0.0/8, which identifies no host, or in class E, which is reserved.
        SourceReserved("source_reserved") = "source is in 0.0.0.0/8 or class E",
        /// The source is a local address, so the datagram is looped back or forged.
        SourceLocal("source_local") = "source is a local address",
        /// The destination is neither a local address, nor a broadcast address, nor a joined group.
        NotLocal("destination_not_local") = "destination is not a local address",
        /// The source route has further hops, and a host does not forward.
        SourceRoute("source_route") = "source route is not completed",
        /// A unicast datagram arrived in a multicast or broadcast frame (RFC 1122 3.3.6).
        LinkBroadcast("link_broadcast") = "unicast datagram in a broadcast or multicast frame",
        /// The datagram is a fragment without data.
        FragmentEmpty("fragment_empty") = "fragment without data",
        /// The fragment is not the last fragment, and the length of its data is not a multiple of 8 bytes.
        FragmentUneven("fragment_uneven") = "fragment length is not a multiple of 8",
        /// The reassembled datagram would be longer than 65,535 bytes.
        FragmentBeyond("fragment_exceeds_datagram") = "fragment ends beyond 65535 bytes",
        /// The fragment overlaps a stored fragment, or contradicts the known end of the datagram. The incomplete
        /// datagram is discarded.
        FragmentOverlap("fragment_overlap") = "fragment overlaps or contradicts another fragment",
        /// The same fragment is already stored.
        FragmentRepeated("fragment_duplicate") = "duplicate fragment",
        /// The fragment completes a datagram with a congestion mark and a fragment that did not support ECN. The datagram
        /// is discarded.
        FragmentEcn("fragment_ecn") = "fragment completes a datagram with a congestion mark and a fragment without ECN",
        /// The fragment exceeds the limits on stored fragments.
        ReassemblyFull("reassembly_full") = "reassembly limit reached",
    }
}

impl std::error::Error for Ipv4DropReason {}
