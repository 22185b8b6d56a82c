//! The Ethernet side of a host: destination filter, drop counters, header of sent frames.

use std::collections::BTreeSet;
use std::fmt;

use base::ReasonCounters;
use zerocopy::FromBytes;

use crate::{
    Encapsulation, EtherType, EthernetFrame, EthernetHeader, Frame, LinkDropReason, LocalMacs, MacAddr,
    OutOfSpace, SnapHeader, VlanId, VlanTag, VlanTagHeader, VlanTags,
};

/// Kind of destination address by which a frame or datagram reached this host (RFC 1122 2.4). The layers above send no
/// ICMP errors about broadcasts and multicasts (RFC 1122 3.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DestinationKind {
    /// A local unicast address.
    Unicast,
    /// A joined multicast group.
    Multicast,
    /// A broadcast address.
    Broadcast,
}

/// Frame that is addressed to this host.
#[derive(Clone, Copy, Debug)]
pub struct ReceivedFrame<'a> {
    /// The frame.
    pub frame: EthernetFrame<'a>,
    /// Kind of its destination address.
    pub destination_kind: DestinationKind,
}

/// Ethernet layer of one host, or of several hosts on one wire.
#[derive(Debug)]
pub struct Link {
    groups: BTreeSet<MacAddr>,
    vlan: Option<VlanId>,
    mtu: usize,
    accepted: u64,
    dropped: ReasonCounters<LinkDropReason>,
}

/// Error of joining a group: [`Link::GROUPS`] groups are already joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyGroups;

impl Link {
    /// Maximum number of joined groups.
    pub const GROUPS: usize = 256;

    /// Creates a link with the wire's MTU in bytes.
    ///
    /// With a VLAN, the link receives and sends only frames with the tag of the VLAN. Without a VLAN, the link receives
    /// and sends only untagged frames.
    pub fn new(mtu: usize, vlan: Option<VlanId>) -> Link {
        Link { groups: BTreeSet::new(), vlan, mtu, accepted: 0, dropped: ReasonCounters::default() }
    }

    /// Sets the wire's MTU in bytes.
    pub fn set_mtu(&mut self, mtu: usize) {
        self.mtu = mtu;
    }

    /// Joins a group: accepts frames to `group` from now on. Does nothing if the address is not a group address.
    pub fn join(&mut self, group: MacAddr) -> Result<(), TooManyGroups> {
        if !group.is_group() {
            return Ok(());
        }
        if self.groups.len() >= Self::GROUPS && !self.groups.contains(&group) {
            return Err(TooManyGroups);
        }
        self.groups.insert(group);
        Ok(())
    }

    /// Leaves a group: drops frames to `group` from now on.
    pub fn leave(&mut self, group: MacAddr) {
        self.groups.remove(&group);
    }

    /// Accepts a frame that is addressed to one of the MAC addresses in `local`, to a joined group or to all stations.
    /// Drops and counts any other frame. `parsed` is the result of [`EthernetFrame::parse`]. An error in `parsed` is
    /// counted too.
    #[inline]
    pub fn receive<'a>(
        &mut self,
        local: &impl LocalMacs,
        parsed: Result<EthernetFrame<'a>, LinkDropReason>,
    ) -> Result<ReceivedFrame<'a>, LinkDropReason> {
        self.receive_merged(local, parsed, || 0)
    }

    /// Accepts or drops a frame as [`Link::receive`] does. If the device has merged several segments to the frame, `excess`
    /// returns the number of bytes by which the frame is longer than the longest segment, which the MTU limits.
    // spec: ethernet-merged
    #[inline]
    pub fn receive_merged<'a>(
        &mut self,
        local: &impl LocalMacs,
        parsed: Result<EthernetFrame<'a>, LinkDropReason>,
        excess: impl FnOnce() -> usize,
    ) -> Result<ReceivedFrame<'a>, LinkDropReason> {
        match parsed.and_then(|frame| self.filter(local, frame, excess)) {
            Ok(accepted) => {
                self.accepted = self.accepted.saturating_add(1);
                Ok(accepted)
            }
            Err(reason) => {
                // spec: drops-counted
                self.dropped.count(reason);
                Err(reason)
            }
        }
    }

    #[inline]
    fn filter<'a>(
        &self,
        local: &impl LocalMacs,
        frame: EthernetFrame<'a>,
        excess: impl FnOnce() -> usize,
    ) -> Result<ReceivedFrame<'a>, LinkDropReason> {
        // spec: ethernet-group-source
        if frame.source().is_group() {
            return Err(LinkDropReason::GroupSource);
        }
        let destination_kind =
            self.destination_kind(local, frame.destination()).ok_or(LinkDropReason::NotLocal)?;
        if !self.is_local_vlan(frame.tags()) {
            return Err(LinkDropReason::OtherVlan);
        }
        // spec: ethernet-maximum
        let snap = match frame.encapsulation() {
            Encapsulation::Type => 0,
            Encapsulation::Snap => size_of::<SnapHeader>(),
        };
        let length = frame.payload().len() + snap;
        if length > self.mtu && length > self.mtu.saturating_add(excess()) {
            return Err(LinkDropReason::TooLong);
        }
        Ok(ReceivedFrame { frame, destination_kind })
    }

    #[inline]
    fn destination_kind(&self, local: &impl LocalMacs, destination: MacAddr) -> Option<DestinationKind> {
        // spec: ethernet-destination
        if local.has_mac(destination) {
            Some(DestinationKind::Unicast)
        } else if destination == MacAddr::BROADCAST {
            Some(DestinationKind::Broadcast)
        } else {
            self.groups.contains(&destination).then_some(DestinationKind::Multicast)
        }
    }

    /// Returns whether a frame with these tags is in the VLAN of this link.
    ///
    /// Priority tags (VLAN 0) are ignored. The VLAN of a link is a customer VLAN (tag 0x8100): the same number in a
    /// service tag (0x88a8) is another VLAN.
    pub fn is_local_vlan(&self, tags: VlanTags) -> bool {
        // spec: ethernet-priority-tag, ethernet-other-vlan
        if tags == VlanTags::None {
            return self.vlan.is_none();
        }
        let mut vlans = tags.iter().filter(|tag| tag.identifier() != 0);
        let is_local = |tag: Option<VlanTag>| {
            tag.map(VlanTag::identifier) == self.vlan.map(VlanId::number)
                && tag.is_none_or(|tag| tag.protocol == EtherType::VLAN)
        };
        is_local(vlans.next()) && vlans.next().is_none()
    }

    /// Returns the VLAN of this link.
    pub fn vlan(&self) -> Option<VlanId> {
        self.vlan
    }

    /// Returns how many frames were accepted.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Returns how many frames were dropped, by reason.
    pub fn dropped(&self) -> &ReasonCounters<LinkDropReason> {
        &self.dropped
    }
}

/// Minimum length of a frame on Ethernet, in bytes, without frame check sequence. It is the length of a header of 14
/// bytes and a payload of 46 bytes, or of 18 and 42 bytes with one tag.
pub const MINIMUM_FRAME: usize = 60;

impl Link {
    /// Prepends an Ethernet II header (RFC 894) to the payload in `frame`, with a tag if the link is in a VLAN. SNAP
    /// headers (RFC 1042) are received but never sent.
    #[expect(clippy::inline_always, reason = "the EtherType is a constant of the caller")]
    #[inline(always)]
    pub fn add_header(
        &self,
        frame: &mut Frame,
        destination: MacAddr,
        source: MacAddr,
        ether_type: EtherType,
    ) -> Result<(), OutOfSpace> {
        let mut outer = ether_type;
        // spec: ethernet-vlan-reply
        if let Some(vlan) = self.vlan() {
            let tag = frame.prepend(size_of::<VlanTagHeader>())?;
            let tag = VlanTagHeader::mut_from_bytes(tag).map_err(|_| OutOfSpace)?;
            tag.control.set(vlan.number());
            tag.type_or_length.set(ether_type.0);
            outer = EtherType::VLAN;
        }
        // spec: ethernet-rfc894
        let header = frame.prepend(size_of::<EthernetHeader>())?;
        let header = EthernetHeader::mut_from_bytes(header).map_err(|_| OutOfSpace)?;
        header.destination = destination;
        header.source = source;
        header.type_or_length.set(outer.0);
        Ok(())
    }
}

impl fmt::Display for TooManyGroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} groups are already joined", Link::GROUPS)
    }
}

impl std::error::Error for TooManyGroups {}

#[cfg(test)]
mod tests;
