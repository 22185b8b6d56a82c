//! Reasons for which ARP packets are dropped.

base::reasons! {
    /// Reason for which an ARP packet was dropped.
    pub enum ArpDropReason {
        /// The packet is shorter than 28 bytes.
        Truncated("truncated") = "shorter than an ARP packet",
        /// The hardware type is neither Ethernet (1) nor IEEE 802 networks (6).
        HardwareType("hardware_type") = "hardware type is not Ethernet",
        /// The hardware address length is not the 6 bytes of Ethernet.
        HardwareLength("hardware_length") = "hardware address length is not 6",
        /// The protocol type is not IPv4.
        ProtocolType("protocol_type") = "protocol type is not IPv4",
        /// The protocol address length is not the 4 bytes of IPv4.
        ProtocolLength("protocol_length") = "protocol address length is not 4",
        /// Another standard defines the operation code: RFC 903, 2390 or 5494. A census (`arptools`) drops packets with
        /// any operation code except request and reply for this reason.
        ForeignOperation("foreign_operation") = "operation code of another protocol",
        /// The sender MAC address is zero, multicast or broadcast, so it is the address of no station.
        SenderMac("invalid_sender_mac") = "invalid sender MAC address",
        /// The sender MAC address is a local address: the packet was sent by this host, or has a forged sender.
        OwnEcho("local_sender_mac") = "sender MAC address is a local address",
        /// No host can have the sender IP address: it is broadcast, multicast, loopback, of class E or in 0.0.0.0/8.
        /// The sender 0.0.0.0 of a probe is valid.
        SenderIp("invalid_sender_ip") = "invalid sender IP address",
        /// The sender IP address is a local address, or an address for which this host probes, and the sender MAC
        /// address is not local.
        Conflict("address_conflict") = "sender IP address is a local address",
        /// The frame was sent by unicast to one local host, but the target IP address belongs to another local host.
        WrongMac("wrong_destination_mac") = "destination MAC address is of another local host",
    }
}

impl std::error::Error for ArpDropReason {}
