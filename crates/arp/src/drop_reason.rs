//! Reasons why a packet is dropped.

base::reasons! {
    /// Why a packet was turned away.
    pub enum ArpDropReason {
        /// Shorter than 28 bytes.
        Truncated = "shorter than an ARP packet",
        /// Neither Ethernet's nor that of IEEE 802 networks.
        HardwareType = "hardware type is not Ethernet",
        /// Not the 6 bytes of Ethernet.
        HardwareLength = "hardware length is not 6",
        /// Not IPv4's.
        ProtocolType = "protocol type is not IPv4",
        /// Not the 4 bytes of IPv4.
        ProtocolLength = "protocol length is not 4",
        /// An operation of RFC 903, 2390 or 5494, none of which is ARP's.
        ForeignOperation = "operation of another protocol",
        /// The sender hardware address is broadcast, a group, or zero: nobody can be there.
        SenderHardware = "sender hardware address is no station",
        /// The sender hardware address is ours: our own packet, come back.
        OwnEcho = "sender hardware address is ours",
        /// The sender protocol address is broadcast, a group, loopback, of class E or of 0.0.0.0/8: no host can
        /// have it.
        SenderProtocol = "sender protocol address is no host",
        /// The sender protocol address is ours, the sender hardware address is not.
        Conflict = "sender protocol address is ours, or wanted by us",
        /// By unicast to one of our stations, about the protocol address of another.
        WrongStation = "sent to another station than the target's",
    }
}

impl std::error::Error for ArpDropReason {}
