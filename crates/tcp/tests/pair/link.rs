//! A link in one direction that loses, duplicates, reorders and corrupts segments.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use base::Random;
use tap::Instant;

/// Faults of a link. The probabilities are in percent of the segments. At most two segments in a row are lost or corrupted,
/// so that no connection ends because of its faults.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    pub(crate) loss: u64,
    pub(crate) duplication: u64,
    pub(crate) corruption: u64,
    /// Probability of an additional delay of up to [`Link::late`].
    pub(crate) reordering: u64,
}

/// Segments under way, and the faults of their link.
pub(crate) struct Link {
    pub(crate) faults: Faults,
    pub(crate) delay: Duration,
    /// Longest additional delay of a reordered segment.
    pub(crate) late: Duration,
    random: Random,
    /// The segments by their time of arrival. The number keeps the order of segments with the same time.
    segments: BTreeMap<(Instant, u64), Vec<u8>>,
    sent: u64,
    damaged_in_a_row: u32,
    /// Numbers of segments that the link loses, in addition to its faults.
    pub(crate) lost_numbers: Vec<u64>,
    /// Whether the link loses all segments.
    pub(crate) is_cut: bool,
    /// Rate of the link, and its queue. `None` for an unlimited rate.
    pub(crate) bottleneck: Option<Bottleneck>,
}

/// Rate and queue of a link.
#[derive(Clone, Debug)]
pub(crate) struct Bottleneck {
    /// Time to send a byte.
    per_byte: Duration,
    /// Maximum number of segments in the queue.
    limit: usize,
    /// Departure times of the segments in the queue.
    queue: VecDeque<Instant>,
    pub(crate) dropped: u64,
}

impl Bottleneck {
    pub(crate) fn new(per_byte: Duration, limit: usize) -> Bottleneck {
        Bottleneck { per_byte, limit, queue: VecDeque::new(), dropped: 0 }
    }

    /// Returns the time when a segment departs. `None` if the queue is full.
    fn departure(&mut self, now: Instant, length: usize) -> Option<Instant> {
        self.queue.retain(|departure| *departure > now);
        if self.queue.len() >= self.limit {
            self.dropped += 1;
            return None;
        }
        let start = self.queue.back().copied().unwrap_or(now);
        let departure = start + self.per_byte * u32::try_from(length).expect("a segment is short");
        self.queue.push_back(departure);
        Some(departure)
    }
}

impl Link {
    pub(crate) fn new(faults: Faults, delay: Duration, seed: u64) -> Link {
        let (random, segments) = (Random::new(seed), BTreeMap::new());
        Link {
            faults,
            delay,
            late: Duration::from_millis(30),
            random,
            segments,
            sent: 0,
            damaged_in_a_row: 0,
            lost_numbers: Vec::new(),
            is_cut: false,
            bottleneck: None,
        }
    }

    /// Sends a segment.
    pub(crate) fn send(&mut self, now: Instant, segment: &[u8]) {
        let number = self.sent;
        self.sent += 1;
        if self.is_cut
            || self.lost_numbers.contains(&number)
            || self.may_damage() && self.happens(self.faults.loss)
        {
            self.damaged_in_a_row += 1;
            return;
        }
        let departure = match &mut self.bottleneck {
            Some(bottleneck) => bottleneck.departure(now, segment.len()),
            None => Some(now),
        };
        let Some(departure) = departure else { return };
        let copies = if self.happens(self.faults.duplication) { 2 } else { 1 };
        for copy in 0..copies {
            let late = if self.happens(self.faults.reordering) { self.late } else { Duration::ZERO };
            let late = self.random.between(Duration::ZERO, late);
            let mut bytes = segment.to_vec();
            if self.may_damage() && self.happens(self.faults.corruption) {
                self.damaged_in_a_row += 1;
                self.corrupt(&mut bytes);
            } else {
                self.damaged_in_a_row = 0;
            }
            self.segments.insert((departure + self.delay + late, 2 * number + copy), bytes);
        }
    }

    /// Returns the next segment that arrives at `now` or earlier.
    pub(crate) fn receive(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.arrival().filter(|arrival| *arrival <= now)?;
        self.segments.pop_first().map(|(_, bytes)| bytes)
    }

    /// Returns the time of the next arrival.
    pub(crate) fn arrival(&self) -> Option<Instant> {
        self.segments.first_key_value().map(|((arrival, _), _)| *arrival)
    }

    /// Returns the number of segments that were sent.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Inverts a bit.
    fn corrupt(&mut self, bytes: &mut [u8]) {
        let last = u64::try_from(bytes.len() - 1).expect("a segment is short");
        let position = usize::try_from(self.random.up_to(last)).expect("a segment is short");
        bytes[position] ^= 1 << self.random.up_to(7);
    }

    /// Returns whether the next segment may be lost or corrupted.
    fn may_damage(&self) -> bool {
        self.damaged_in_a_row < 2
    }

    fn happens(&mut self, percent: u64) -> bool {
        self.random.up_to(99) < percent
    }
}
