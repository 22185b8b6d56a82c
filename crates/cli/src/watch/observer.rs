//! Passes frames to the census of a watch.

use std::fmt;

use arp::FrameView;
use arptools::census::{Census, CensusCounts, CensusEvent, CensusSettings, Classification, FrameInfo};
use capture::{CapturedFrame, LinkType};
use dissect::EthernetForm;
use host::DropReason;
use link::{EtherType, EthernetFrame, VlanId, VlanTag};
use tap::Instant;

/// A census, with counters for the frames and link changes that are not part of the census.
pub(super) struct Observer {
    pub(super) census: Census,
    /// The only VLAN to watch, or `None` for all frames.
    vlan: Option<VlanId>,
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
    /// The first conflict.
    pub(super) conflict: Option<CensusEvent>,
}

/// Decision on a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameDecision {
    Counted(Classification),
    Ignored(DropReason),
}

impl Observer {
    pub(super) fn new(vlan: Option<VlanId>) -> Observer {
        Observer {
            census: Census::new(CensusSettings::default()),
            vlan,
            began: None,
            now: Instant::ORIGIN,
            ignored: 0,
            link_losses: 0,
            is_down: false,
            conflict: None,
        }
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
            Ok(verdict) => FrameDecision::Counted(verdict),
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

    /// Returns the next event.
    pub(super) fn take_event(&mut self) -> Option<CensusEvent> {
        let event = self.census.take_event()?;
        if matches!(event, CensusEvent::Conflict { .. }) {
            self.conflict.get_or_insert(event);
        }
        Some(event)
    }

    pub(super) fn counts(&self) -> CensusCounts {
        self.census.counts()
    }

    fn classify(&mut self, now: Instant, bytes: &[u8]) -> Result<Classification, DropReason> {
        let view = FrameView::parse(bytes)?;
        let frame = view.ethernet();
        if frame.ether_type() != EtherType::ARP {
            return Err(DropReason::UnsupportedEtherType(frame.ether_type()));
        }
        let vlan = vlan(&frame)?;
        if self.vlan.is_some() && self.vlan != vlan {
            return Err(link::LinkDropReason::OtherVlan.into());
        }
        let is_broadcast = frame.destination().is_group();
        let frame = FrameInfo { source: frame.source(), is_broadcast, vlan };
        Ok(self.census.receive(now, frame, view.packet()))
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
        }
    }
}

#[cfg(test)]
mod tests;
