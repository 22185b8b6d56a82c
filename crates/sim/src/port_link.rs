//! A link: rate, queue and faults of the direction in which one port sends.

use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::time::Duration;

use tap::{Instant, Offload};

use crate::ecn;
use crate::faults::{Deliveries, Faults};
use crate::offload;

/// Settings of the link of a port: the direction in which the port sends.
///
/// A link transmits one frame at a time. A frame takes its length on the wire divided by the rate, and then the latency
/// of the faults. The length includes the Ethernet header, without preamble, frame check sequence and gap. The length of
/// a frame that a device would segment is the length of its segments, headers included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkSettings {
    /// Rate in bits per second. `None` if the transmission of a frame takes no time.
    pub rate: Option<NonZeroU64>,
    /// Queue of the frames that wait for the transmission of earlier frames.
    pub queue: Queue,
    /// Latency, and faults of each copy of a frame. The number of a copy is its number on this link, from 0.
    pub faults: Faults,
}

/// Queue of a link. A queue is first in, first out, and does not include the frame in transmission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// No queue: during a transmission, the device of a host accepts no frame, and the frames wait in the host. Frames of
    /// scripts have no device, and wait in the link.
    Backpressure,
    /// Queue that drops a frame that does not fit.
    DropTail {
        /// Capacity in bytes.
        bytes: u64,
    },
    /// Queue that marks IPv4 datagrams with congestion experienced (RFC 3168), and drops a frame that does not fit.
    ///
    /// A datagram is marked if its sender supports ECN, and if more than `threshold` bytes wait when the datagram enters
    /// the queue. Other frames are not marked, and use the queue to its capacity.
    Marking {
        /// Capacity in bytes.
        bytes: u64,
        /// Number of waiting bytes above which datagrams are marked.
        threshold: u64,
    },
}

/// Counters of a link. A frame counts once, even if it has several receivers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// Number of frames that the link transmitted or that wait in its queue.
    pub frames: u64,
    /// Length of these frames on the wire, in bytes.
    pub bytes: u64,
    /// Number of frames that the queue dropped because they did not fit.
    pub queue_full: u64,
    /// Number of frames that the queue marked with congestion experienced.
    pub marked: u64,
}

/// The link of a port.
#[derive(Debug)]
pub(crate) struct PortLink {
    settings: LinkSettings,
    /// End of the last transmission.
    end: ExactTime,
    /// Frames before the start of their transmission, with this start and the length on the wire.
    waiting: VecDeque<(Instant, u64)>,
    waiting_bytes: u64,
    /// Number of copies that the faults received so far.
    copies: u64,
    counters: LinkCounters,
}

/// A time with a fraction of a nanosecond, so that a link transmits at exactly its rate.
#[derive(Clone, Copy, Debug, Default)]
struct ExactTime {
    /// Whole nanoseconds.
    floor: Instant,
    /// Rest of a nanosecond, multiplied by the rate in bits per second.
    rest: u64,
}

impl LinkSettings {
    /// A link without a limit of its rate and without faults. Its latency is 100 microseconds.
    pub const UNLIMITED: LinkSettings =
        LinkSettings { rate: None, queue: Queue::Backpressure, faults: Faults::NONE };
}

impl PortLink {
    pub(crate) fn new(settings: LinkSettings) -> PortLink {
        PortLink {
            settings,
            end: ExactTime::default(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            copies: 0,
            counters: LinkCounters::default(),
        }
    }

    /// Replaces the settings for further frames. The departures of earlier frames do not change.
    pub(crate) fn set(&mut self, settings: LinkSettings) {
        // The fraction is relative to the former rate.
        self.end = ExactTime { floor: self.end.ceil(), rest: 0 };
        self.settings = settings;
    }

    /// Adds a frame. Returns the time at which its transmission ends, or `None` if the queue drops the frame.
    pub(crate) fn transmit(&mut self, now: Instant, bytes: &mut [u8], offload: Offload) -> Option<Instant> {
        self.remove_started(now);
        let length = offload::length_on_wire(bytes.len(), offload);
        let start = if self.end.ceil() < now { ExactTime { floor: now, rest: 0 } } else { self.end };
        if start.ceil() > now {
            if !self.has_capacity(length) {
                self.counters.queue_full += 1;
                return None;
            }
            if self.is_congested() && ecn::mark(bytes) {
                self.counters.marked += 1;
            }
            self.waiting.push_back((start.ceil(), length));
            self.waiting_bytes += length;
        }
        self.counters.frames += 1;
        self.counters.bytes += length;
        self.end = self.settings.rate.map_or(start, |rate| start.after(length, rate));
        Some(self.end.ceil())
    }

    /// Returns the deliveries of the next copy of a frame with this length in bytes.
    pub(crate) fn deliveries(&mut self, length: usize) -> Deliveries {
        self.copies += 1;
        self.settings.faults.deliveries(self.copies - 1, length)
    }

    /// Returns the time at which the device of a host may transmit the next frame, or `None` if the link accepts frames
    /// at any time.
    pub(crate) fn ready_at(&self) -> Option<Instant> {
        let is_limited = self.settings.rate.is_some() && self.settings.queue == Queue::Backpressure;
        is_limited.then(|| self.end.ceil())
    }

    pub(crate) fn counters(&self) -> LinkCounters {
        self.counters
    }

    fn has_capacity(&self, length: u64) -> bool {
        match self.settings.queue {
            Queue::Backpressure => true,
            Queue::DropTail { bytes } | Queue::Marking { bytes, .. } => self.waiting_bytes + length <= bytes,
        }
    }

    fn is_congested(&self) -> bool {
        matches!(self.settings.queue, Queue::Marking { threshold, .. } if self.waiting_bytes > threshold)
    }

    /// Removes the frames of which the transmission has started.
    fn remove_started(&mut self, now: Instant) {
        while let Some((_, length)) = self.waiting.pop_front_if(|(start, _)| *start <= now) {
            self.waiting_bytes -= length;
        }
    }
}

impl ExactTime {
    /// Returns the time rounded up to a nanosecond.
    fn ceil(self) -> Instant {
        self.floor + Duration::from_nanos(u64::from(self.rest > 0))
    }

    /// Returns the time after the transmission of `length` bytes.
    fn after(self, length: u64, rate: NonZeroU64) -> ExactTime {
        let rate = u128::from(rate.get());
        let scaled = u128::from(length) * 8 * 1_000_000_000 + u128::from(self.rest);
        let nanoseconds = u64::try_from(scaled / rate).unwrap_or(u64::MAX);
        // The remainder is less than the rate, which has 64 bits.
        let rest = u64::try_from(scaled % rate).unwrap_or_default();
        ExactTime { floor: self.floor + Duration::from_nanos(nanoseconds), rest }
    }
}

#[cfg(test)]
mod tests;
