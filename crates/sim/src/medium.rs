//! The shared medium: frames in flight, capture and counters.

use std::collections::BTreeMap;

use arp::{Packet, PacketFields};
use link::{EtherType, EthernetFrame};
use tap::{Instant, Offload};

use crate::faults::Faults;
use crate::node::{NodeId, WireId, WirePort};

/// A frame as a node sent it, before any fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedFrame {
    /// Time of transmission.
    pub at: Instant,
    /// Sending node.
    pub from: NodeId,
    /// Bytes of the frame.
    pub bytes: Vec<u8>,
}

/// Counters of a segment. Each frame is copied once for every other node on its wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentCounters {
    /// Frames sent.
    pub sent: u64,
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
    /// Copies dropped because the receiving node was stopped.
    pub receiver_stopped: u64,
    /// Frames not captured because [`Segment::CAPTURED`](crate::Segment::CAPTURED) captured frames were stored.
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
    pub(crate) faults: Faults,
    /// Events by time and number. Events of one instant are in the order in which they were scheduled.
    events: BTreeMap<(Instant, u64), MediumEvent>,
    scheduled: u64,
    captured: Vec<RecordedFrame>,
    pub(crate) counters: SegmentCounters,
}

impl Medium {
    pub(crate) const IN_FLIGHT: usize = 1 << 14;
    pub(crate) const CAPTURED: usize = 1 << 16;

    pub(crate) fn new(faults: Faults) -> Medium {
        Medium {
            faults,
            events: BTreeMap::new(),
            scheduled: 0,
            captured: Vec::new(),
            counters: SegmentCounters::default(),
        }
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.events.len()
    }

    /// Returns the time of the next event.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.events.keys().next().map(|(at, _)| *at)
    }

    /// Returns the number of events scheduled so far, which is the number of the next event.
    pub(crate) fn scheduled(&self) -> u64 {
        self.scheduled
    }

    /// Removes and returns the next event, if this event is due and its number is below `before`.
    pub(crate) fn take_due(&mut self, now: Instant, before: u64) -> Option<MediumEvent> {
        let first = self.events.first_entry()?;
        let (at, number) = *first.key();
        (at <= now && number < before).then(|| first.remove())
    }

    /// Schedules the transmission of a frame.
    pub(crate) fn send_at(&mut self, at: Instant, from: WirePort, bytes: Vec<u8>, offload: Offload) {
        self.schedule(at, MediumEvent::Transmit { from, bytes, offload });
    }

    /// Sends a frame on a wire: each of the `wire_ports` on the wire except the sender gets a copy. The faults apply to
    /// each copy separately.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        (wire, from): (WireId, Option<WirePort>),
        bytes: &[u8],
        offload: Offload,
        wire_ports: &[WirePort],
    ) {
        self.counters.sent += 1;
        if let Some(from) = from {
            self.capture(now, from.node, bytes);
        }
        for to in wire_ports.iter().copied().filter(|to| to.wire == wire && Some(*to) != from) {
            let deliveries = self.faults.deliveries(self.counters.copies, bytes.len());
            self.counters.copies += 1;
            let mut count = 0;
            for delivery in deliveries {
                count += 1;
                let mut bytes = bytes.to_vec();
                if let Some(corruption) = delivery.corruption {
                    self.counters.corrupted += 1;
                    corruption.apply(&mut bytes);
                }
                self.schedule(now + delivery.delay, MediumEvent::Deliver { to, bytes, offload });
            }
            self.counters.lost += u64::from(count == 0);
            self.counters.duplicated += u64::from(count == 2);
        }
    }

    pub(crate) fn take_captured(&mut self) -> Vec<RecordedFrame> {
        std::mem::take(&mut self.captured)
    }

    fn schedule(&mut self, at: Instant, event: MediumEvent) {
        if self.events.len() >= Self::IN_FLIGHT {
            self.counters.overflowed += 1;
            return;
        }
        self.events.insert((at, self.scheduled), event);
        self.scheduled += 1;
    }

    fn capture(&mut self, at: Instant, from: NodeId, bytes: &[u8]) {
        if self.captured.len() >= Self::CAPTURED {
            self.counters.not_captured += 1;
            return;
        }
        self.captured.push(RecordedFrame { at, from, bytes: bytes.to_vec() });
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
