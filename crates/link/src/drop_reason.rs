//! Reasons for which frames are dropped.

base::reasons! {
    /// Reason for which a frame was dropped.
    pub enum LinkDropReason {
        /// The frame is shorter than the 14 bytes of a header.
        Truncated("truncated") = "shorter than an Ethernet header",
        /// The frame ends inside a VLAN tag.
        TruncatedTag("truncated_vlan_tag") = "ends inside a VLAN tag",
        /// The frame has more than two VLAN tags.
        TooManyTags("too_many_vlan_tags") = "more than two VLAN tags",
        /// The VLAN ID is 4095, which is reserved.
        ReservedVlan("reserved_vlan") = "reserved VLAN 4095",
        /// The type field is 1501 to 1535, which is neither an EtherType nor a length. Or the type field of a SNAP
        /// header is below 1536, which is not an EtherType.
        UndefinedType("undefined_type") = "type field is neither an EtherType nor a length",
        /// The length field exceeds the frame.
        LengthBeyondFrame("length_exceeds_frame") = "length field beyond the frame",
        /// The frame has a length field, but no SNAP header of RFC 1042.
        NotSnap("not_snap") = "802.3 frame without a SNAP header of RFC 1042",
        /// The payload, including a SNAP header, is longer than the MTU.
        TooLong("exceeds_mtu") = "longer than the MTU",
        /// The source is a group address, which is not the address of a station (IEEE 802.3 3.2.3).
        GroupSource("source_multicast") = "source is a multicast or broadcast address",
        /// The destination is neither a local address, nor broadcast, nor a joined group.
        NotLocal("destination_not_local") = "destination is not a local address",
        /// The frame is in another VLAN than the link, or only one of the two is in a VLAN.
        OtherVlan("other_vlan") = "another VLAN",
    }
}

impl std::error::Error for LinkDropReason {}
