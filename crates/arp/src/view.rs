//! A frame at one look.

use link::{EtherType, EthernetFrame, EthernetHeader};
use zerocopy::FromBytes;

use crate::wire::ArpFrame;
use crate::{ArpDropReason, Packet};

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
    pub fn parse(octets: &'a [u8]) -> Result<FrameView<'a>, link::LinkDropReason> {
        if let Some(whole) = FrameView::whole(octets) {
            return Ok(whole);
        }
        EthernetFrame::parse(octets).map(FrameView::Other)
    }

    #[inline]
    fn whole(octets: &'a [u8]) -> Option<FrameView<'a>> {
        let (frame, _) = ArpFrame::ref_from_prefix(octets).ok()?;
        if !frame.is_ethernet_and_ipv4() {
            return None;
        }
        // The padding too: the MTU is about all that the header precedes.
        let payload = octets.get(size_of::<EthernetHeader>()..)?;
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

#[cfg(test)]
mod tests;
