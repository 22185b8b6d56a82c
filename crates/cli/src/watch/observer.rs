//! What is heard, frame by frame.

use std::fmt;

use arp::View;
use arptools::census::{Census, Counts, Envelope, Event, Settings, Verdict};
use host::DropReason;
use link::{EtherType, EthernetFrame, VlanId, VlanTag};
use tap::Instant;

/// A census, and the frames that are none of its business.
pub(super) struct Observer {
    pub(super) census: Census,
    /// The only VLAN that is heard, if there is one.
    vlan: Option<VlanId>,
    /// The time of the first frame, and of the last thing known.
    pub(super) began: Option<Instant>,
    pub(super) now: Instant,
    /// Frames that carry no ARP, are in another VLAN, or make no sense.
    pub(super) ignored: u64,
    /// How often the link went down or lost its carrier.
    pub(super) link_losses: u64,
    /// Whether the wire is down, and nothing can be heard.
    pub(super) is_down: bool,
    /// The first conflict.
    pub(super) conflict: Option<Event>,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Heard(Verdict),
    Ignored(DropReason),
}

impl Observer {
    pub(super) fn new(vlan: Option<VlanId>) -> Observer {
        Observer {
            census: Census::new(Settings::default()),
            vlan,
            began: None,
            now: Instant::ORIGIN,
            ignored: 0,
            link_losses: 0,
            is_down: false,
            conflict: None,
        }
    }

    /// Hears one frame.
    pub(super) fn hear(&mut self, now: Instant, octets: &[u8]) -> Decision {
        self.began.get_or_insert(now);
        self.now = now;
        match self.judge(now, octets) {
            Ok(verdict) => Decision::Heard(verdict),
            Err(reason) => {
                self.ignored = self.ignored.saturating_add(1);
                Decision::Ignored(reason)
            }
        }
    }

    /// Time passes without a frame.
    pub(super) fn pass(&mut self, now: Instant) {
        self.began.get_or_insert(now);
        self.now = now;
        self.census.poll(now);
    }

    /// The next event that is worth a word.
    pub(super) fn take_event(&mut self) -> Option<Event> {
        let event = self.census.take_event()?;
        if matches!(event, Event::Conflict { .. }) {
            self.conflict.get_or_insert(event);
        }
        Some(event)
    }

    pub(super) fn counts(&self) -> Counts {
        self.census.counts()
    }

    fn judge(&mut self, now: Instant, octets: &[u8]) -> Result<Verdict, DropReason> {
        let view = View::parse(octets)?;
        let frame = view.ethernet();
        if frame.ether_type() != EtherType::ARP {
            return Err(DropReason::UnsupportedEtherType(frame.ether_type()));
        }
        let vlan = vlan(&frame)?;
        if self.vlan.is_some() && self.vlan != vlan {
            return Err(link::LinkDropReason::OtherVlan.into());
        }
        let is_broadcast = frame.destination().is_group();
        let envelope = Envelope { source: frame.source(), is_broadcast, vlan };
        Ok(self.census.receive(now, envelope, view.packet()))
    }
}

/// The VLAN that a frame is in; a priority alone is none. What is in a provider's VLAN, or in two, is in no
/// segment that we know.
fn vlan(frame: &EthernetFrame<'_>) -> Result<Option<VlanId>, link::LinkDropReason> {
    let mut tags = frame.tags().iter().filter(|tag| tag.identifier() != 0);
    match (tags.next(), tags.next()) {
        (None, _) => Ok(None),
        (Some(VlanTag { protocol: EtherType::VLAN, control }), None) => Ok(VlanId::new(control & 0x0fff)),
        _ => Err(link::LinkDropReason::OtherVlan),
    }
}

impl Decision {
    /// Whether a frame was not read, and might have been if it were not cut short.
    pub(super) fn is_truncated(self) -> bool {
        match self {
            Self::Heard(verdict) => matches!(verdict, Verdict::Dropped(_)),
            Self::Ignored(reason) => !matches!(
                reason,
                DropReason::UnsupportedEtherType(_) | DropReason::Link(link::LinkDropReason::OtherVlan)
            ),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Heard(verdict) => verdict.fmt(f),
            Self::Ignored(reason) => write!(f, "ignored: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests;
