//! Why frames are dropped.

base::reasons! {
    /// Why a frame was dropped.
    pub enum LinkDropReason {
        /// Shorter than the 14 bytes of a header.
        Truncated = "shorter than an Ethernet header",
        /// It ends inside a VLAN tag.
        TruncatedTag = "ends inside a VLAN tag",
        /// More than two VLAN tags.
        TooManyTags = "more than two VLAN tags",
        /// VLAN 4,095, which is reserved.
        ReservedVlan = "reserved VLAN 4095",
        /// A type field of 1,501 to 1,535, or a SNAP header's below 1,536: neither type nor length.
        UndefinedType = "neither a type nor a length",
        /// The length field promises more than there is.
        LengthBeyondFrame = "length field beyond the frame",
        /// A length frame with no SNAP header of RFC 1042 in it.
        NotSnap = "a length frame without RFC 1042's SNAP header",
        /// A payload longer than the MTU.
        TooLong = "longer than the MTU",
        /// Sent by a group, which cannot send (IEEE 802.3 3.2.3).
        GroupSource = "source is a group address",
        /// Addressed neither to a local address, nor to broadcast, nor to a joined group.
        NotForUs = "not for us",
        /// In another VLAN than the link.
        OtherVlan = "another VLAN",
    }
}

impl std::error::Error for LinkDropReason {}
