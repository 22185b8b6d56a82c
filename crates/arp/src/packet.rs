//! ARP packets: the valid packet, the reply, a frame with a packet in it, and their layout.

use std::fmt;
use std::mem;
use std::net::Ipv4Addr;

use link::{EtherType, EthernetFrame, EthernetHeader, LinkDropReason, MacAddr};
use zerocopy::network_endian::{U16, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute_mut, transmute_ref};

use crate::drop_reason::ArpDropReason;

/// The hardware type of Ethernet.
const ETHERNET: u16 = 1;
/// The hardware type of IEEE 802 networks, whose addresses are Ethernet's (RFC 1042, "Address Mappings").
const IEEE_802: u16 = 6;
/// Bytes of an IPv4 address.
const PROTOCOL_LENGTH: u8 = 4;
/// Bytes of an Ethernet hardware address.
const HARDWARE_LENGTH: u8 = 6;

/// The operation of a packet (`ar$op`): an open number with names for those that have one.
///
/// RFC 826 acts on 1 and 2 alone; the others belong to other standards.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation(pub u16);

impl Operation {
    /// Who has the target protocol address?
    pub const REQUEST: Operation = Operation(1);
    /// The sender has the sender protocol address.
    pub const REPLY: Operation = Operation(2);

    /// The name of the operation and the RFC that gave it, if one did.
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

    /// Whether another standard than RFC 826 owns it: it is known by name and never acted on.
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

/// A packet that speaks of Ethernet and IPv4 addresses: a view into the bytes it was parsed from.
/// What it claims need not be true, nor polite.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a>(&'a ArpPacket);

/// The fields of a packet that differ from one to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketFields {
    /// What the packet is.
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
    /// Reads a packet from the start of a frame's payload. What follows its 28 bytes is padding.
    // Its result is read at once by whoever called: across crates it would go through memory.
    #[inline]
    pub fn parse(payload: &'a [u8]) -> Result<Packet<'a>, ArpDropReason> {
        // spec: rfc826-padding, truncated
        let (packet, _) = ArpPacket::ref_from_prefix(payload).map_err(|_| ArpDropReason::Truncated)?;
        if packet.is_ethernet_and_ipv4() { Ok(Packet(packet)) } else { parse_uncommon(packet) }
    }

    /// The packet in a frame that is known to hold a valid one.
    pub(crate) fn of(frame: &'a ArpFrame) -> Packet<'a> {
        Packet(&frame.packet)
    }

    /// What the packet is.
    pub fn operation(self) -> Operation {
        Operation(self.0.operation.get())
    }

    /// Sender hardware address.
    pub fn sender_hardware(self) -> MacAddr {
        self.0.sender_hardware
    }

    /// Sender protocol address; 0.0.0.0 in a probe (RFC 5227 1.1).
    pub fn sender_protocol(self) -> Ipv4Addr {
        self.0.sender_protocol.into()
    }

    /// Target hardware address; without meaning in a request.
    pub fn target_hardware(self) -> MacAddr {
        self.0.target_hardware
    }

    /// Target protocol address.
    pub fn target_protocol(self) -> Ipv4Addr {
        self.0.target_protocol.into()
    }
}

/// A packet of another hardware type than 1, or why it is none for Ethernet and IPv4. The order of the checks is
/// RFC 826's, "Packet Reception".
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
    /// Bytes of a packet.
    pub const LENGTH: usize = size_of::<ArpPacket>();

    /// Writes the whole packet to the start of `payload`. Fails if that is shorter than
    /// [`PacketFields::LENGTH`].
    pub fn write_to(&self, payload: &mut [u8]) -> Result<(), ArpDropReason> {
        let (packet, _) = ArpPacket::mut_from_prefix(payload).map_err(|_| ArpDropReason::Truncated)?;
        // Field by field: a whole struct built beside and copied over costs four times as much.
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

/// A reply to send: its sender and its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArpReply {
    /// The hardware address that the target protocol address has: ours.
    pub mac: MacAddr,
    /// Where the reply goes: to the sender hardware address of the request, by unicast, unless the
    /// address is link-local ([`crate::destination`]).
    pub destination: MacAddr,
}

impl ArpReply {
    /// Rewrites the request at the start of `payload` into its reply: sender and target change
    /// places, our hardware address goes in, the operation becomes a reply (RFC 826, the last step). The hardware type
    /// stays the request's.
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

/// A valid frame, seen as far as one look shows.
///
/// It says nothing but what [`EthernetFrame::parse`] and [`Packet::parse`] say one after the other; it says
/// it sooner.
#[derive(Clone, Copy, Debug)]
pub enum FrameView<'a> {
    /// An Ethernet II frame without tags, and the valid ARP packet in it, both seen at once.
    Arp {
        /// The frame.
        ethernet: EthernetFrame<'a>,
        /// Its packet.
        packet: Packet<'a>,
    },
    /// Any other: with tags, with a SNAP header, of another protocol, with an ARP packet that is
    /// not for Ethernet and IPv4.
    Other(EthernetFrame<'a>),
}

impl<'a> FrameView<'a> {
    /// Reads a frame, from its destination on and without a frame check sequence.
    // Its result is read at once by whoever called: across crates it would go through memory.
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
        // The padding too: the MTU is about all that the header precedes.
        let payload = bytes.get(size_of::<EthernetHeader>()..)?;
        let ethernet = EthernetFrame::of_type(&frame.ethernet, EtherType::ARP, payload)?;
        Some(FrameView::Arp { ethernet, packet: Packet::of(frame) })
    }

    /// The frame.
    #[inline]
    pub fn ethernet(&self) -> EthernetFrame<'a> {
        match self {
            Self::Arp { ethernet, .. } | Self::Other(ethernet) => *ethernet,
        }
    }

    /// The ARP packet in it, as which its payload is read. That the frame carries ARP is for whoever
    /// asks to see.
    #[inline]
    pub fn packet(&self) -> Result<Packet<'a>, ArpDropReason> {
        match self {
            Self::Arp { packet, .. } => Ok(*packet),
            Self::Other(ethernet) => Packet::parse(ethernet.payload()),
        }
    }
}

/// An ARP packet for Ethernet and IPv4 (RFC 826, "Packet format").
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
/// Any 28 bytes are a value of it; what makes sense of them is [`Packet`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct ArpPacket {
    /// The hardware's address space, `ar$hrd`.
    pub(crate) hardware_type: U16,
    /// The protocol's address space, `ar$pro`: an `EtherType`.
    pub(crate) protocol_type: U16,
    /// Bytes in a hardware address, `ar$hln`.
    pub(crate) hardware_length: u8,
    /// Bytes in a protocol address, `ar$pln`.
    pub(crate) protocol_length: u8,
    /// What the packet is, `ar$op`.
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

/// An ARP packet right behind the Ethernet header: most frames that carry one.
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
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+  <- its end
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
/// Any 42 bytes are a value of it; what makes sense of them is [`FrameView`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct ArpFrame {
    /// The frame's header.
    pub(crate) ethernet: EthernetHeader,
    /// Its payload.
    pub(crate) packet: ArpPacket,
}

const _: () = assert!(size_of::<ArpFrame>() == 42);

/// An [`ArpPacket`] with what is the same in every packet for Ethernet and IPv4 as one number.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct PacketOverlay {
    /// Six bytes of fixed fields, and two of the operation.
    head: U64,
    addresses: [u8; 20],
}

/// An [`ArpFrame`] with what is the same in every one of them as one number.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct FrameOverlay {
    addresses: [u8; 12],
    signature: U64,
    rest: [u8; 22],
}

impl ArpPacket {
    /// Hardware type, protocol type and both lengths, as they stand on the wire.
    const FIXED: u64 = 0x0001_0800_0604;

    /// Whether it speaks of Ethernet and IPv4 addresses: four fields, compared at once.
    pub(crate) fn is_ethernet_and_ipv4(&self) -> bool {
        let PacketOverlay { head, addresses: _ } = transmute_ref!(self);
        head.get() >> 16 == Self::FIXED
    }

    /// Makes it a packet of this operation that speaks of Ethernet and IPv4 addresses: five fields,
    /// written at once.
    pub(crate) fn begin(&mut self, operation: Operation) {
        let PacketOverlay { head, addresses: _ } = transmute_mut!(self);
        head.set((Self::FIXED << 16) | u64::from(operation.0));
    }
}

impl ArpFrame {
    /// The type of ARP before what [`ArpPacket::FIXED`] holds.
    const SIGNATURE: u64 = (0x0806 << 48) | ArpPacket::FIXED;

    /// Whether it is what its name says: five fields, compared at once.
    pub(crate) fn is_ethernet_and_ipv4(&self) -> bool {
        let FrameOverlay { addresses: _, signature, rest: _ } = transmute_ref!(self);
        signature.get() == Self::SIGNATURE
    }
}

#[cfg(test)]
mod tests;
