//! The shared medium: frames in flight, capture and counters.

use std::collections::BTreeMap;

use arp::{Packet, PacketFields};
use link::{EtherType, EthernetFrame};
use tap::{Instant, Offload, PortId};

use crate::faults::{Deliveries, Faults};
use crate::node::{WireId, WirePort};
use crate::node_id::NodeId;
use crate::offload;
use crate::port_link::{LinkCounters, LinkSettings, PortLink};

/// A frame as a node sent it, before any fault, with a complete checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedFrame {
    /// Time of transmission.
    pub at: Instant,
    /// Sending node.
    pub from: NodeId,
    /// Bytes of the frame.
    pub bytes: Vec<u8>,
}

/// Counters of a segment. Each frame that its link transmits is copied once for every other node on its wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentCounters {
    /// Frames sent.
    pub sent: u64,
    /// Frames dropped because the queue of their link was full.
    pub queue_full: u64,
    /// Copies made: one for each other node on the wire of the sender.
    pub copies: u64,
    /// Copies lost by the faults.
    pub lost: u64,
    /// Additional copies made by the faults.
    pub duplicated: u64,
    /// Copies in which the faults changed a byte.
    pub corrupted: u64,
    /// Copies delivered.
    pub delivered: u64,
    /// Copies and delayed frames dropped because [`Segment::IN_FLIGHT`](crate::Segment::IN_FLIGHT) frames were in
    /// flight, and copies dropped because the receive queue of the host was full.
    pub overflowed: u64,
    /// Frames, and copies for a script, dropped because they could not be cut into their segments.
    pub not_cut: u64,
    /// Copies dropped because the receiving node was stopped.
    pub receiver_stopped: u64,
    /// Frames not captured because [`Segment::CAPTURED`](crate::Segment::CAPTURED) captured frames, or the number of
    /// [`Segment::limit_capture`](crate::Segment::limit_capture), were stored.
    pub not_captured: u64,
}

/// An event that is scheduled for a time.
#[derive(Debug)]
pub(crate) enum MediumEvent {
    /// A node sends a frame.
    Transmit { from: WirePort, bytes: Vec<u8>, offload: Offload },
    /// A copy arrives at a node.
    Deliver { to: WirePort, bytes: Vec<u8>, offload: Offload },
}

#[derive(Debug)]
pub(crate) struct Medium {
    /// Faults of the frames from ports without a link.
    pub(crate) faults: Faults,
    links: BTreeMap<(NodeId, PortId), PortLink>,
    flight: Flight,
    captured: Vec<RecordedFrame>,
    /// Maximum number of captured frames.
    pub(crate) capture_limit: usize,
    pub(crate) counters: SegmentCounters,
}

/// The scheduled events.
#[derive(Debug, Default)]
struct Flight {
    /// Events by time and number. Events of one instant are in the order in which they were scheduled.
    events: BTreeMap<(Instant, u64), MediumEvent>,
    scheduled: u64,
}

impl Medium {
    pub(crate) const IN_FLIGHT: usize = 1 << 15;
    pub(crate) const CAPTURED: usize = 1 << 16;

    pub(crate) fn new(faults: Faults) -> Medium {
        Medium {
            faults,
            links: BTreeMap::new(),
            flight: Flight::default(),
            captured: Vec::new(),
            capture_limit: Self::CAPTURED,
            counters: SegmentCounters::default(),
        }
    }

    /// Sets the link of a port.
    pub(crate) fn set_link(&mut self, node: NodeId, port: PortId, settings: LinkSettings) {
        self.links.entry((node, port)).or_insert_with(|| PortLink::new(settings)).set(settings);
    }

    pub(crate) fn link_counters(&self, node: NodeId, port: PortId) -> Option<LinkCounters> {
        self.links.get(&(node, port)).map(PortLink::counters)
    }

    /// Returns the time at which the device of a port may transmit the next frame: see [`PortLink::ready_at`].
    pub(crate) fn ready_at(&self, node: NodeId, port: PortId) -> Option<Instant> {
        self.links.get(&(node, port)).and_then(PortLink::ready_at)
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.flight.events.len()
    }

    /// Returns the time of the next event.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.flight.events.keys().next().map(|(at, _)| *at)
    }

    /// Returns the number of events scheduled so far, which is the number of the next event.
    pub(crate) fn scheduled(&self) -> u64 {
        self.flight.scheduled
    }

    /// Removes and returns the next event, if this event is due and its number is below `before`.
    pub(crate) fn take_due(&mut self, now: Instant, before: u64) -> Option<MediumEvent> {
        let first = self.flight.events.first_entry()?;
        let (at, number) = *first.key();
        (at <= now && number < before).then(|| first.remove())
    }

    /// Schedules the transmission of a frame.
    pub(crate) fn send_at(&mut self, at: Instant, from: WirePort, bytes: Vec<u8>, offload: Offload) {
        let is_scheduled = self.flight.schedule(at, MediumEvent::Transmit { from, bytes, offload });
        self.counters.overflowed += u64::from(!is_scheduled);
    }

    /// Sends a frame on a wire, through the link of the sender: each of the `wire_ports` on the wire except the sender
    /// gets a copy. The faults apply to each copy separately.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        (wire, from): (WireId, Option<WirePort>),
        mut bytes: Vec<u8>,
        offload: Offload,
        wire_ports: &[WirePort],
    ) {
        self.counters.sent += 1;
        if let Some(from) = from {
            self.capture(now, from.node, &bytes, offload);
        }
        let mut link = from.and_then(|from| self.links.get_mut(&(from.node, from.port)));
        let departure = link.as_mut().map_or(Some(now), |link| link.transmit(now, &mut bytes, offload));
        let Some(departure) = departure else {
            self.counters.queue_full += 1;
            return;
        };
        for to in wire_ports.iter().copied().filter(|to| to.wire == wire && Some(*to) != from) {
            let deliveries = match &mut link {
                Some(link) => link.deliveries(bytes.len()),
                None => self.faults.deliveries(self.counters.copies, bytes.len()),
            };
            self.counters.copies += 1;
            self.counters.add_faults(deliveries);
            for delivery in deliveries {
                let (mut bytes, mut offload) = (bytes.clone(), offload);
                if let Some(corruption) = delivery.corruption {
                    offload::complete_checksum(&mut bytes, &mut offload);
                    corruption.apply(&mut bytes);
                }
                let event = MediumEvent::Deliver { to, bytes, offload };
                let is_scheduled = self.flight.schedule(departure + delivery.delay, event);
                self.counters.overflowed += u64::from(!is_scheduled);
            }
        }
    }

    pub(crate) fn take_captured(&mut self) -> Vec<RecordedFrame> {
        std::mem::take(&mut self.captured)
    }

    fn capture(&mut self, at: Instant, from: NodeId, bytes: &[u8], mut offload: Offload) {
        if self.captured.len() >= self.capture_limit {
            self.counters.not_captured += 1;
            return;
        }
        let mut bytes = bytes.to_vec();
        offload::complete_checksum(&mut bytes, &mut offload);
        self.captured.push(RecordedFrame { at, from, bytes });
    }
}

impl Flight {
    /// Schedules an event. Returns false if too many frames are in flight.
    fn schedule(&mut self, at: Instant, event: MediumEvent) -> bool {
        let has_capacity = self.events.len() < Medium::IN_FLIGHT;
        if has_capacity {
            self.events.insert((at, self.scheduled), event);
            self.scheduled += 1;
        }
        has_capacity
    }
}

impl SegmentCounters {
    /// Counts the faults of a copy.
    fn add_faults(&mut self, deliveries: Deliveries) {
        let count = deliveries.into_iter().count();
        let corrupted = deliveries.into_iter().filter(|delivery| delivery.corruption.is_some()).count();
        self.lost += u64::from(count == 0);
        self.duplicated += u64::from(count == 2);
        self.corrupted += u64::try_from(corrupted).unwrap_or_default();
    }
}

impl RecordedFrame {
    /// Returns the ARP packet in the frame, or `None` without a valid ARP packet.
    pub fn arp(&self) -> Option<PacketFields> {
        let frame = EthernetFrame::parse(&self.bytes).ok()?;
        if frame.ether_type() != EtherType::ARP {
            return None;
        }
        Packet::parse(frame.payload()).ok().map(PacketFields::from)
    }
}
