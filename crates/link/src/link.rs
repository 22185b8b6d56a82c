//! One side of the wire: what is for us, and what we turn away.

use std::collections::BTreeSet;
use std::fmt;

use base::ReasonCounters;
use zerocopy::FromBytes;

use crate::{
    Encapsulation, EtherType, EthernetFrame, EthernetHeader, Frame, LinkDropReason, MacAddr, MacSet,
    OutOfSpace, SnapHeader, VlanId, VlanTag, VlanTagHeader, VlanTags,
};

/// How a frame was addressed to us. The layers above answer broadcasts with care (RFC 1122 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DestinationKind {
    /// To one of our stations.
    Unicast,
    /// To a group we joined.
    Multicast,
    /// To everybody.
    Broadcast,
}

/// A frame for us.
#[derive(Clone, Copy, Debug)]
pub struct ReceivedFrame<'a> {
    /// The frame.
    pub frame: EthernetFrame<'a>,
    /// How it was addressed.
    pub destination_kind: DestinationKind,
}

/// Our side of one wire.
#[derive(Debug)]
pub struct Link {
    stations: MacSet,
    groups: BTreeSet<MacAddr>,
    vlan: Option<VlanId>,
    mtu: usize,
    accepted: u64,
    dropped: ReasonCounters<LinkDropReason>,
}

/// A group that could not be joined: [`Link::GROUPS`] are joined already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyGroups;

impl Link {
    /// How many groups can be joined.
    pub const GROUPS: usize = 256;

    /// A link for these stations, with the wire's MTU in bytes, in a VLAN or in none.
    pub fn new(stations: MacSet, mtu: usize, vlan: Option<VlanId>) -> Link {
        Link { stations, groups: BTreeSet::new(), vlan, mtu, accepted: 0, dropped: ReasonCounters::default() }
    }

    /// Sets the wire's MTU in bytes.
    pub fn set_mtu(&mut self, mtu: usize) {
        self.mtu = mtu;
    }

    /// Accepts frames to `group` from now on. What is no group's address joins nothing.
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

    /// Accepts frames to `group` no longer.
    pub fn leave(&mut self, group: MacAddr) {
        self.groups.remove(&group);
    }

    /// Accepts a frame that is addressed to this link, or drops and counts it. `parsed` is the outcome of
    /// [`EthernetFrame::parse`].
    #[inline]
    pub fn receive<'a>(
        &mut self,
        parsed: Result<EthernetFrame<'a>, LinkDropReason>,
    ) -> Result<ReceivedFrame<'a>, LinkDropReason> {
        match parsed.and_then(|frame| self.filter(frame)) {
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
    fn filter<'a>(&self, frame: EthernetFrame<'a>) -> Result<ReceivedFrame<'a>, LinkDropReason> {
        // spec: ethernet-group-source
        if frame.source().is_group() {
            return Err(LinkDropReason::GroupSource);
        }
        let destination_kind = self.destination_kind(frame.destination()).ok_or(LinkDropReason::NotForUs)?;
        if !self.is_local_vlan(frame.tags()) {
            return Err(LinkDropReason::OtherVlan);
        }
        // spec: ethernet-maximum
        let snap = match frame.encapsulation() {
            Encapsulation::Type => 0,
            Encapsulation::Snap => size_of::<SnapHeader>(),
        };
        if frame.payload().len() + snap > self.mtu {
            return Err(LinkDropReason::TooLong);
        }
        Ok(ReceivedFrame { frame, destination_kind })
    }

    #[inline]
    fn destination_kind(&self, destination: MacAddr) -> Option<DestinationKind> {
        // spec: ethernet-destination
        if self.stations.contains(destination) {
            Some(DestinationKind::Unicast)
        } else if destination == MacAddr::BROADCAST {
            Some(DestinationKind::Broadcast)
        } else {
            self.groups.contains(&destination).then_some(DestinationKind::Multicast)
        }
    }

    /// Whether a frame with these tags is in our VLAN.
    ///
    /// A priority tag (VLAN 0) counts as none; beyond that the one tag must be ours, or absent. We are
    /// in a customer's VLAN: the same number in a service tag is another VLAN.
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

    /// The addresses that are ours, to add some.
    pub fn local_macs_mut(&mut self) -> &mut MacSet {
        &mut self.stations
    }

    /// The VLAN we are in.
    pub fn vlan(&self) -> Option<VlanId> {
        self.vlan
    }

    /// How many frames were for us.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// How many were turned away, by reason.
    pub fn dropped(&self) -> &ReasonCounters<LinkDropReason> {
        &self.dropped
    }
}

/// The shortest frame on a medium that needs padding, in bytes, frame check sequence not counted:
/// a header of 14 and a payload of 46, or with one tag 18 and 42.
pub const MINIMUM_FRAME: usize = 60;

impl Link {
    /// Prepends an Ethernet II header to the payload in `frame`, with a tag if the link is in a VLAN (RFC 894; RFC
    /// 1042's encapsulation is received and never sent).
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

/// Appends zeros until the frame is `minimum` bytes long; the device says what it wants.
pub fn pad(frame: &mut Frame, minimum: usize) -> Result<(), OutOfSpace> {
    // spec: ethernet-minimum, rfc826-reply-padding
    let missing = minimum.saturating_sub(frame.len());
    if missing > 0 {
        frame.append(missing)?;
    }
    Ok(())
}

impl fmt::Display for TooManyGroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} groups are joined already", Link::GROUPS)
    }
}

impl std::error::Error for TooManyGroups {}

#[cfg(test)]
mod tests;
