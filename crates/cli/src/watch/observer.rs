//! Passes frames to the census of a watch.

use std::fmt;
use std::rc::Rc;

use arp::FrameView;
use arptools::census::{Census, CensusCounts, CensusEvent, CensusSettings, Classification, FrameInfo};
use capture::{CapturedFrame, LinkType};
use dissect::EthernetForm;
use host::DropReason;
use link::{EtherType, EthernetFrame, VlanId, VlanTag};
use tap::Instant;

use super::arguments::{FailOn, IgnoredStation, WatchArguments};
use super::commands::CommandCounts;
use super::known::KnownAddresses;
use crate::failure::Failure;
use crate::vendors::Vendors;

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
    /// Number of frames of the stations of `--ignore`.
    pub(super) excluded: u64,
    /// The first event of `--fail-on`.
    pub(super) trigger: Option<CensusEvent>,
    /// The known addresses of `--known`.
    pub(super) known: Option<KnownAddresses>,
    /// Vendor names; empty if no file is installed.
    pub(super) vendors: Rc<Vendors>,
    /// Counts of the commands of `--exec`, set before the end.
    pub(super) commands: Option<CommandCounts>,
    ignored_stations: Vec<IgnoredStation>,
    fail_on: Vec<FailOn>,
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
            census: Census::new(CensusSettings::default()),
            vlan,
            began: None,
            now: Instant::ORIGIN,
            ignored: 0,
            link_losses: 0,
            is_down: false,
            excluded: 0,
            trigger: None,
            known: None,
            vendors: Rc::default(),
            commands: None,
            ignored_stations: Vec::new(),
            fail_on: Vec::new(),
        }
    }

    /// Creates an observer for these arguments. Reads the known addresses and the vendor names.
    pub(super) fn open(arguments: &WatchArguments) -> Result<Observer, Failure> {
        let vendors = match &arguments.ouifile {
            Some(path) => Vendors::from_file(path)?,
            // Nothing names a vendor.
            None if arguments.quiet && arguments.exec.is_none() => Vendors::default(),
            None => Vendors::installed(),
        };
        Ok(Observer {
            known: arguments.known.as_deref().map(KnownAddresses::read).transpose()?,
            vendors: Rc::new(vendors),
            ignored_stations: arguments.ignore.clone(),
            fail_on: arguments.fail_on.clone(),
            ..Observer::new(arguments.vlan)
        })
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

    /// Returns the next event. A new address that is known already is no event.
    pub(super) fn take_event(&mut self) -> Option<CensusEvent> {
        loop {
            let event = self.census.take_event()?;
            let event = match &mut self.known {
                Some(known) => known.review(self.now, event),
                None => Some(event),
            };
            let Some(event) = event else { continue };
            let fails = match event {
                CensusEvent::Conflict { .. } => self.fail_on.contains(&FailOn::Conflict),
                CensusEvent::New { .. } => self.fail_on.contains(&FailOn::New),
                CensusEvent::Moved { .. } => self.fail_on.contains(&FailOn::Moved),
                CensusEvent::Mismatch { .. } => self.fail_on.contains(&FailOn::Mismatch),
                _ => false,
            };
            if fails {
                self.trigger.get_or_insert(event);
            }
            return Some(event);
        }
    }

    /// Writes the file of `--known`, so that a missing permission is reported at the start.
    pub(super) fn create_known(&mut self) -> Result<(), Failure> {
        self.known.as_mut().map_or(Ok(()), KnownAddresses::save)
    }

    /// Replaces the file of `--known` if that is due.
    pub(super) fn save_known_if_due(&mut self) -> Result<(), Failure> {
        let now = self.now;
        self.known.as_mut().map_or(Ok(()), |known| known.save_if_due(now))
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
