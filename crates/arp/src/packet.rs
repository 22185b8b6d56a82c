//! ARP packets: the valid packet, the reply, a frame with a packet in it, and their layout.

use std::fmt;
use std::mem;
use std::net::Ipv4Addr;

use link::{EtherType, EthernetFrame, EthernetHeader, LinkDropReason, MacAddr};
use zerocopy::network_endian::{U16, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute_mut, transmute_ref};

use crate::drop_reason::ArpDropReason;

/// Hardware type of Ethernet.
const ETHERNET: u16 = 1;
/// Hardware type of IEEE 802 networks, which use the same addresses as Ethernet (RFC 1042, "Address Mappings").
const IEEE_802: u16 = 6;
/// Length of an IPv4 address, in bytes.
const PROTOCOL_LENGTH: u8 = 4;
/// Length of a MAC address, in bytes.
const HARDWARE_LENGTH: u8 = 6;

/// Operation of a packet (`ar$op`), any 16-bit number.
///
/// RFC 826 defines 1 and 2. Other standards define some of the other numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation(pub u16);

impl Operation {
    /// Request for the MAC address of the target protocol address.
    pub const REQUEST: Operation = Operation(1);
    /// Reply with the MAC address of the sender protocol address.
    pub const REPLY: Operation = Operation(2);

    /// Returns the name of the operation and the number of the RFC that defines it, if any.
    pub const fn name(self) -> Option<(&'static str, u16)> {
        Some(match self.0 {
            1 => ("Request", 826),
            2 => ("Reply", 826),
            3 => ("Reverse Request", 903),
            4 => ("Reverse Reply", 903),
            8 => ("Inverse Request", 2390),
            9 => ("Inverse Reply", 2390),
            24 => ("Experimental 1", 5494),
            25 => ("Experimental 2", 5494),
            0 | 65_535 => ("Reserved", 5494),
            _ => return None,
        })
    }

    /// Returns whether a standard other than RFC 826 defines the operation. Such packets are dropped.
    pub const fn is_foreign(self) -> bool {
        // spec: rfc826-foreign
        matches!(self.name(), Some((_, owner)) if owner != 826)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "Unknown ({})", self.0),
        }
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// ARP packet for Ethernet and IPv4: a view into the parsed bytes.
///
/// The fixed fields have been checked. The operation and the addresses may have any values.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a>(&'a ArpPacket);

/// Variable fields of an ARP packet for Ethernet and IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketFields {
    /// Operation: a request, a reply or another number.
    pub operation: Operation,
    /// Sender hardware address.
    pub sender_hardware: MacAddr,
    /// Sender protocol address.
    pub sender_protocol: Ipv4Addr,
    /// Target hardware address.
    pub target_hardware: MacAddr,
    /// Target protocol address.
    pub target_protocol: Ipv4Addr,
}

impl<'a> Packet<'a> {
    /// Parses the packet at the start of a frame's payload. Bytes after the first 28 are padding.
    ///
    /// Fails if the payload is shorter than 28 bytes, or if hardware type, protocol type or a length differs from that
    /// of Ethernet and IPv4. Hardware type 6 (IEEE 802 networks) is accepted too.
    // Inlined across crates: otherwise the result is passed through memory.
    #[inline]
    pub fn parse(payload: &'a [u8]) -> Result<Packet<'a>, ArpDropReason> {
        // spec: rfc826-padding, truncated
        let (packet, _) = ArpPacket::ref_from_prefix(payload).map_err(|_| ArpDropReason::Truncated)?;
        if packet.is_ethernet_and_ipv4() { Ok(Packet(packet)) } else { parse_uncommon(packet) }
    }

    /// Returns the packet in a frame that is known to contain a valid packet.
    pub(crate) fn of(frame: &'a ArpFrame) -> Packet<'a> {
        Packet(&frame.packet)
    }

    /// Returns the operation.
    pub fn operation(self) -> Operation {
        Operation(self.0.operation.get())
    }

    /// Returns the sender hardware address.
    pub fn sender_hardware(self) -> MacAddr {
        self.0.sender_hardware
    }

    /// Returns the sender protocol address, which is 0.0.0.0 in a probe (RFC 5227 1.1).
    pub fn sender_protocol(self) -> Ipv4Addr {
        self.0.sender_protocol.into()
    }

    /// Returns the target hardware address, which has no meaning in a request.
    pub fn target_hardware(self) -> MacAddr {
        self.0.target_hardware
    }

    /// Returns the target protocol address.
    pub fn target_protocol(self) -> Ipv4Addr {
        self.0.target_protocol.into()
    }
}

/// Checks the fixed fields one by one, in the order of RFC 826, "Packet Reception". Accepts hardware type 6 too.
#[cold]
fn parse_uncommon(packet: &ArpPacket) -> Result<Packet<'_>, ArpDropReason> {
    // spec: rfc826-hardware-type, rfc1042-hardware-type
    if !matches!(packet.hardware_type.get(), ETHERNET | IEEE_802) {
        return Err(ArpDropReason::HardwareType);
    }
    // spec: rfc826-lengths
    if packet.hardware_length != HARDWARE_LENGTH {
        return Err(ArpDropReason::HardwareLength);
    }
    // spec: rfc826-protocol-type
    if packet.protocol_type.get() != EtherType::IPV4.0 {
        return Err(ArpDropReason::ProtocolType);
    }
    // spec: rfc826-lengths
    if packet.protocol_length != PROTOCOL_LENGTH {
        return Err(ArpDropReason::ProtocolLength);
    }
    Ok(Packet(packet))
}

impl PacketFields {
    /// Length of a packet, in bytes.
    pub const LENGTH: usize = size_of::<ArpPacket>();

    /// Writes the whole packet to the start of `payload`. Fails if `payload` is shorter than
    /// [`PacketFields::LENGTH`].
    pub fn write_to(&self, payload: &mut [u8]) -> Result<(), ArpDropReason> {
        let (packet, _) = ArpPacket::mut_from_prefix(payload).map_err(|_| ArpDropReason::Truncated)?;
        // Each field is written separately, because building and copying a whole struct takes four times as long.
        packet.begin(self.operation);
        packet.sender_hardware = self.sender_hardware;
        packet.sender_protocol = self.sender_protocol.octets();
        packet.target_hardware = self.target_hardware;
        packet.target_protocol = self.target_protocol.octets();
        Ok(())
    }
}

impl From<Packet<'_>> for PacketFields {
    fn from(packet: Packet<'_>) -> Self {
        PacketFields {
            operation: packet.operation(),
            sender_hardware: packet.sender_hardware(),
            sender_protocol: packet.sender_protocol(),
            target_hardware: packet.target_hardware(),
            target_protocol: packet.target_protocol(),
        }
    }
}

/// Reply to send: the MAC address of its sender and its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArpReply {
    /// The local MAC address that belongs to the requested IP address.
    pub mac: MacAddr,
    /// Destination of the frame: the sender hardware address of the request, or broadcast if the requested IP address is
    /// link-local ([`crate::destination`]).
    pub destination: MacAddr,
}

impl ArpReply {
    /// Rewrites the request at the start of `payload` into its reply (RFC 826, "Packet Reception", last step).
    ///
    /// Swaps sender and target, writes the local MAC address and the reply operation, and keeps the hardware type.
    /// Fails if `payload` is shorter than [`PacketFields::LENGTH`].
    pub fn write_over(self, payload: &mut [u8]) -> Result<(), ArpDropReason> {
        let (packet, _) = ArpPacket::mut_from_prefix(payload).map_err(|_| ArpDropReason::Truncated)?;
        // spec: rfc826-reply-fields
        packet.operation.set(Operation::REPLY.0);
        mem::swap(&mut packet.sender_protocol, &mut packet.target_protocol);
        packet.target_hardware = packet.sender_hardware;
        packet.sender_hardware = self.mac;
        Ok(())
    }
}

/// Valid frame, with its ARP packet if both were parsed in one step.
///
/// The result equals that of [`EthernetFrame::parse`] followed by [`Packet::parse`], and parsing takes less time.
#[derive(Clone, Copy, Debug)]
pub enum FrameView<'a> {
    /// Ethernet II frame without tags that contains an ARP packet with the fixed fields of Ethernet (hardware type 1)
    /// and IPv4.
    Arp {
        /// The frame.
        ethernet: EthernetFrame<'a>,
        /// ARP packet in the frame.
        packet: Packet<'a>,
    },
    /// Any other frame: with tags, with a SNAP header, or of another protocol. Frames with a truncated ARP packet, or
    /// with other fixed fields such as hardware type 6, are included.
    Other(EthernetFrame<'a>),
}

impl<'a> FrameView<'a> {
    /// Parses a frame that starts with its destination and has no frame check sequence.
    // Inlined across crates: otherwise the result is passed through memory.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<FrameView<'a>, LinkDropReason> {
        if let Some(view) = FrameView::parse_arp(bytes) {
            return Ok(view);
        }
        EthernetFrame::parse(bytes).map(FrameView::Other)
    }

    #[inline]
    fn parse_arp(bytes: &'a [u8]) -> Option<FrameView<'a>> {
        let (frame, _) = ArpFrame::ref_from_prefix(bytes).ok()?;
        if !frame.is_ethernet_and_ipv4() {
            return None;
        }
        // The payload includes the padding, because the MTU limits everything after the header.
        let payload = bytes.get(size_of::<EthernetHeader>()..)?;
        let ethernet = EthernetFrame::of_type(&frame.ethernet, EtherType::ARP, payload)?;
        Some(FrameView::Arp { ethernet, packet: Packet::of(frame) })
    }

    /// Returns the frame.
    #[inline]
    pub fn ethernet(&self) -> EthernetFrame<'a> {
        match self {
            Self::Arp { ethernet, .. } | Self::Other(ethernet) => *ethernet,
        }
    }

    /// Returns the ARP packet in the frame. The caller checks first that the EtherType is ARP.
    #[inline]
    pub fn packet(&self) -> Result<Packet<'a>, ArpDropReason> {
        match self {
            Self::Arp { packet, .. } => Ok(*packet),
            Self::Other(ethernet) => Packet::parse(ethernet.payload()),
        }
    }
}

/// Layout of an ARP packet for Ethernet and IPv4 (RFC 826, "Packet format").
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |         hardware type         |         protocol type         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |  hlen = 6     |  plen = 4     |           operation           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                              sha                              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |              sha              |              spa              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |              spa              |              tha              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                              tha                              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                              tpa                              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
///
/// Any 28 bytes are a valid value, and [`Packet`] checks the fixed fields.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct ArpPacket {
    /// Hardware type, `ar$hrd`.
    pub(crate) hardware_type: U16,
    /// Protocol type, `ar$pro`: an `EtherType`.
    pub(crate) protocol_type: U16,
    /// Length of a hardware address in bytes, `ar$hln`.
    pub(crate) hardware_length: u8,
    /// Length of a protocol address in bytes, `ar$pln`.
    pub(crate) protocol_length: u8,
    /// Operation, `ar$op`.
    pub(crate) operation: U16,
    /// Sender hardware address, `ar$sha`.
    pub(crate) sender_hardware: MacAddr,
    /// Sender protocol address, `ar$spa`.
    pub(crate) sender_protocol: [u8; 4],
    /// Target hardware address, `ar$tha`.
    pub(crate) target_hardware: MacAddr,
    /// Target protocol address, `ar$tpa`.
    pub(crate) target_protocol: [u8; 4],
}

const _: () = assert!(size_of::<ArpPacket>() == 28);

/// Layout of an untagged Ethernet II frame with an ARP packet.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                          destination                          |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |          destination          |            source             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                            source                             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+  <- signature
/// |       type = 0x0806           |      hardware type = 1        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |    protocol type = 0x0800     |   hlen = 6    |   plen = 4    |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+  <- end of signature
/// |           operation           |              sha              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                              sha                              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                              spa                              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                              tha                              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |              tha              |              tpa              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |              tpa              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
///
/// Any 42 bytes are a valid value, and [`FrameView`] checks the fixed fields.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct ArpFrame {
    /// Ethernet header.
    pub(crate) ethernet: EthernetHeader,
    /// ARP packet.
    pub(crate) packet: ArpPacket,
}

const _: () = assert!(size_of::<ArpFrame>() == 42);

/// [`ArpPacket`] with its fixed fields as one number.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct PacketOverlay {
    /// Six bytes of fixed fields, then two bytes of the operation.
    head: U64,
    addresses: [u8; 20],
}

/// [`ArpFrame`] with its fixed fields as one number.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct FrameOverlay {
    addresses: [u8; 12],
    signature: U64,
    rest: [u8; 22],
}

impl ArpPacket {
    /// Hardware type, protocol type and both lengths, in wire order.
    const FIXED: u64 = 0x0001_0800_0604;

    /// Returns whether the packet is for Ethernet and IPv4. Compares four fields in one operation.
    pub(crate) fn is_ethernet_and_ipv4(&self) -> bool {
        let PacketOverlay { head, addresses: _ } = transmute_ref!(self);
        head.get() >> 16 == Self::FIXED
    }

    /// Writes the operation and the fixed fields of a packet for Ethernet and IPv4: five fields in one operation.
    pub(crate) fn begin(&mut self, operation: Operation) {
        let PacketOverlay { head, addresses: _ } = transmute_mut!(self);
        head.set((Self::FIXED << 16) | u64::from(operation.0));
    }
}

impl ArpFrame {
    /// EtherType of ARP, followed by [`ArpPacket::FIXED`].
    const SIGNATURE: u64 = (0x0806 << 48) | ArpPacket::FIXED;

    /// Returns whether the frame contains ARP for Ethernet and IPv4. Compares five fields in one operation.
    pub(crate) fn is_ethernet_and_ipv4(&self) -> bool {
        let FrameOverlay { addresses: _, signature, rest: _ } = transmute_ref!(self);
        signature.get() == Self::SIGNATURE
    }
}

#[cfg(test)]
mod tests;
