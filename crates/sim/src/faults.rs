//! Faults of a simulated medium: loss, duplication, delay and corruption.

use std::num::NonZeroU8;
use std::time::Duration;

use base::Random;

/// The faults of a medium: rates of loss, duplication, reordering and corruption, and latencies.
///
/// Rates are in parts per million: 0 means never, and 1,000,000 or more means always. The draws are independent, so a
/// change of one rate does not affect the other faults.
///
/// The faults have no state: [`Faults::deliveries`] returns the same result for the same seed, frame number and length.
/// A run can therefore be repeated from its seed, and a program outside a simulation can apply the same faults to frames
/// that it numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    /// Seed of all random decisions.
    pub seed: u64,
    /// Frames per million that are lost.
    pub loss: u32,
    /// Frames per million that are delivered twice.
    pub duplication: u32,
    /// Deliveries per million that are delayed by [`Faults::min_reordering_delay`] to [`Faults::reordering_delay`].
    pub reordering: u32,
    /// Deliveries per million in which one byte is changed.
    pub corruption: u32,
    /// Minimum latency.
    pub min_latency: Duration,
    /// Maximum latency without reordering. Two frames may overtake each other if the time between them is less than
    /// `max_latency` minus `min_latency`.
    pub max_latency: Duration,
    /// Minimum additional delay of a reordered delivery.
    pub min_reordering_delay: Duration,
    /// Maximum additional delay of a reordered delivery.
    pub reordering_delay: Duration,
}

/// The deliveries of one frame, not ordered by time. A lost frame has no delivery, and a duplicated frame has two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deliveries([Option<Delivery>; Deliveries::MAX]);

/// One delivery of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Time from transmission to delivery.
    pub delay: Duration,
    /// The byte that is changed, if any.
    pub corruption: Option<ByteChange>,
}

/// A change of one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteChange {
    /// Index of the byte in the frame.
    pub offset: usize,
    /// Bits that are inverted.
    pub mask: NonZeroU8,
}

impl Faults {
    /// No faults, and a latency of 100 microseconds.
    pub const NONE: Faults = Faults {
        seed: 0,
        loss: 0,
        duplication: 0,
        reordering: 0,
        corruption: 0,
        min_latency: Duration::from_micros(100),
        max_latency: Duration::from_micros(100),
        min_reordering_delay: Duration::ZERO,
        reordering_delay: Duration::from_millis(10),
    };

    /// Returns the deliveries of the frame with this number and length in bytes.
    pub fn deliveries(&self, number: u64, length: usize) -> Deliveries {
        let mut random = FrameRandom::new(self.seed, number);
        let (is_lost, is_duplicated) = (random.hits(self.loss), random.hits(self.duplication));
        let (first, second) = (self.delivery(&mut random, length), self.delivery(&mut random, length));
        Deliveries([(!is_lost).then_some(first), (!is_lost && is_duplicated).then_some(second)])
    }

    /// Returns one delivery. Each random number is drawn even if it is not used, so that a rate does not affect other
    /// faults.
    fn delivery(&self, random: &mut FrameRandom, length: usize) -> Delivery {
        let latency = random.0.between(self.min_latency, self.max_latency);
        let is_reordered = random.hits(self.reordering);
        let additional_delay = random.0.between(self.min_reordering_delay, self.reordering_delay);
        let (is_corrupted, corruption) = (random.hits(self.corruption), random.byte_change(length));
        Delivery {
            delay: if is_reordered { latency.saturating_add(additional_delay) } else { latency },
            corruption: corruption.filter(|_| is_corrupted),
        }
    }
}

impl Deliveries {
    /// Maximum number of deliveries of a frame.
    pub const MAX: usize = 2;
}

impl IntoIterator for Deliveries {
    type Item = Delivery;
    type IntoIter = std::iter::Flatten<std::array::IntoIter<Option<Delivery>, { Deliveries::MAX }>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().flatten()
    }
}

impl ByteChange {
    /// Changes the byte, if the frame is long enough.
    pub fn apply(self, bytes: &mut [u8]) {
        if let Some(byte) = bytes.get_mut(self.offset) {
            *byte ^= self.mask.get();
        }
    }
}

/// The random numbers of one frame.
struct FrameRandom(Random);

impl FrameRandom {
    fn new(seed: u64, number: u64) -> FrameRandom {
        // The frame number is mixed before it is combined with the seed, so that consecutive frames do not share draws.
        FrameRandom(Random::new(Random::new(number).draw() ^ seed))
    }

    fn hits(&mut self, per_million: u32) -> bool {
        self.0.up_to(999_999) < per_million.into()
    }

    /// Draws a change of one byte, or `None` for an empty frame.
    fn byte_change(&mut self, length: usize) -> Option<ByteChange> {
        let (position, bits) = (self.0.draw(), self.0.up_to(254));
        let offset = position.checked_rem(u64::try_from(length).ok()?)?;
        let mask = NonZeroU8::MIN.saturating_add(u8::try_from(bits).ok()?);
        Some(ByteChange { offset: usize::try_from(offset).ok()?, mask })
    }
}

#[cfg(test)]
mod tests;
