//! Passes the frames of an interface or a capture to a census.

use std::fmt;
use std::rc::Rc;

use arp::FrameView;
use arptools::census::{Census, CensusCounts, CensusSettings, Classification, FrameInfo};
use capture::{CapturedFrame, LinkType};
use dissect::EthernetForm;
use host::DropReason;
use link::{EtherType, EthernetFrame, VlanId, VlanTag};
use tap::Instant;
use tap::linux::InterfaceName;

use super::arguments::IgnoredStation;
use super::commands::CommandCounts;
use crate::vendors::Vendors;

/// The census of an interface or a capture, with counters for the frames and link changes that are not part of the census.
pub(super) struct Observer {
    /// Interface or TAP; `None` for a capture.
    pub(super) interface: Option<InterfaceName>,
    /// Whether several interfaces are watched, so that output names the interface.
    pub(super) is_one_of_several: bool,
    pub(super) census: Census,
    /// The only VLAN to watch, or `None` for all frames.
    pub(super) vlan: Option<VlanId>,
    /// Time of the first frame.
    pub(super) began: Option<Instant>,
    /// Time of the last frame, or of the last [`Observer::advance`].
    pub(super) now: Instant,
    /// Number of frames that are not ARP, belong to another VLAN, or are malformed.
    pub(super) ignored: u64,
    /// Number of times that the link went down or lost its carrier.
    pub(super) link_losses: u64,
    /// Whether the link is down.
    pub(super) is_down: bool,
    /// Whether it was reported that the interface is no longer watched.
    pub(super) is_lost: bool,
    /// Number of frames of the stations of `--ignore`.
    pub(super) excluded: u64,
    /// Number of addresses that were not added to the file of `--known` because the list was full.
    pub(super) known_not_added: u64,
    /// Number of frames that were lost or truncated, set before the end.
    pub(super) frames_lost: u64,
    /// Vendor names; empty if no file is installed.
    pub(super) vendors: Rc<Vendors>,
    /// Counts of the commands of `--exec`, set before the end.
    pub(super) commands: CommandCounts,
    pub(super) ignored_stations: Vec<IgnoredStation>,
}

/// Decision on a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameDecision {
    Counted(Classification),
    Ignored(DropReason),
    /// From a station of `--ignore`.
    Excluded,
}

impl Observer {
    pub(super) fn new(vlan: Option<VlanId>) -> Observer {
        Observer {
            interface: None,
            is_one_of_several: false,
            census: Census::new(CensusSettings::default()),
            vlan,
            began: None,
            now: Instant::ORIGIN,
            ignored: 0,
            link_losses: 0,
            is_down: false,
            is_lost: false,
            excluded: 0,
            known_not_added: 0,
            frames_lost: 0,
            vendors: Rc::default(),
            commands: CommandCounts::default(),
            ignored_stations: Vec::new(),
        }
    }

    /// Returns the name of the interface for output, or `None` if only one interface or a capture is watched.
    pub(super) fn label(&self) -> Option<&InterfaceName> {
        self.interface.as_ref().filter(|_| self.is_one_of_several)
    }

    /// Adds a frame of a capture to the census.
    pub(super) fn observe_captured(&mut self, now: Instant, frame: &CapturedFrame<'_>) -> FrameDecision {
        if frame.link_type == LinkType::ETHERNET {
            return self.observe(now, frame.bytes);
        }
        match EthernetForm::new(frame.link_type, frame.bytes) {
            Ok(form) => self.observe(now, form.bytes()),
            // Shorter than its link header.
            Err(_) => self.observe(now, &[]),
        }
    }

    /// Adds an Ethernet frame to the census.
    pub(super) fn observe(&mut self, now: Instant, bytes: &[u8]) -> FrameDecision {
        self.began.get_or_insert(now);
        self.now = now;
        match self.classify(now, bytes) {
            Ok(Some(verdict)) => FrameDecision::Counted(verdict),
            Ok(None) => {
                self.excluded = self.excluded.saturating_add(1);
                FrameDecision::Excluded
            }
            Err(reason) => {
                self.ignored = self.ignored.saturating_add(1);
                FrameDecision::Ignored(reason)
            }
        }
    }

    /// Advances the time when no frame arrived.
    pub(super) fn advance(&mut self, now: Instant) {
        self.began.get_or_insert(now);
        self.now = now;
        self.census.poll(now);
    }

    pub(super) fn counts(&self) -> CensusCounts {
        self.census.counts()
    }

    /// Passes a frame to the census, or returns `None` for a frame of an ignored station.
    fn classify(&mut self, now: Instant, bytes: &[u8]) -> Result<Option<Classification>, DropReason> {
        let view = FrameView::parse(bytes)?;
        let frame = view.ethernet();
        if frame.ether_type() != EtherType::ARP {
            return Err(DropReason::UnsupportedEtherType(frame.ether_type()));
        }
        let vlan = vlan(&frame)?;
        if self.vlan.is_some() && self.vlan != vlan {
            return Err(link::LinkDropReason::OtherVlan.into());
        }
        let packet = view.packet();
        if let Ok(packet) = &packet {
            let macs = [frame.source(), packet.sender_hardware()];
            let is_ignored = |station: &IgnoredStation| station.matches(macs, packet.sender_protocol());
            if self.ignored_stations.iter().any(is_ignored) {
                return Ok(None);
            }
        }
        let is_broadcast = frame.destination().is_group();
        let frame = FrameInfo { source: frame.source(), is_broadcast, vlan };
        Ok(Some(self.census.receive(now, frame, packet)))
    }
}

/// Returns the VLAN of a frame, or `None` if the frame is untagged or has only a priority tag. A frame with a provider tag or with
/// two VLAN tags is rejected.
fn vlan(frame: &EthernetFrame<'_>) -> Result<Option<VlanId>, link::LinkDropReason> {
    let mut tags = frame.tags().iter().filter(|tag| tag.identifier() != 0);
    match (tags.next(), tags.next()) {
        (None, _) => Ok(None),
        (Some(VlanTag { protocol: EtherType::VLAN, control }), None) => Ok(VlanId::new(control & 0x0fff)),
        _ => Err(link::LinkDropReason::OtherVlan),
    }
}

impl FrameDecision {
    /// Whether the frame was not counted, possibly because the capture truncated it.
    pub(super) fn is_truncated(self) -> bool {
        match self {
            Self::Counted(verdict) => matches!(verdict, Classification::Dropped(_)),
            Self::Excluded => false,
            Self::Ignored(reason) => !matches!(
                reason,
                DropReason::UnsupportedEtherType(_) | DropReason::Link(link::LinkDropReason::OtherVlan)
            ),
        }
    }
}

impl fmt::Display for FrameDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counted(verdict) => verdict.fmt(f),
            Self::Ignored(reason) => write!(f, "ignored: {reason}"),
            Self::Excluded => f.write_str("ignored: station of --ignore"),
        }
    }
}

#[cfg(test)]
mod tests;
