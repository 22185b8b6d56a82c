//! What a bad wire does to frames.

use std::num::NonZeroU8;
use std::time::Duration;

use base::Random;

/// A bad wire: how often it loses, doubles, holds up or changes a frame, and how long a frame takes.
///
/// Rates are in frames of a thousand: 0 is never, 1,000 or more is always. Each rate is drawn on its own, so
/// raising one makes more of its faults and leaves the others where they were.
///
/// It is a function and keeps nothing: [`Faults::fate`] gives the same number the same fate for ever, and
/// a run can be replayed from its seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    /// What all is drawn from.
    pub seed: u64,
    /// How many of a thousand frames are lost.
    pub loss: u16,
    /// How many of a thousand frames arrive twice.
    pub duplication: u16,
    /// How many of a thousand deliveries are held up, for as long as [`Faults::detour`] at most.
    pub reordering: u16,
    /// How many of a thousand deliveries have one octet changed.
    pub corruption: u16,
    /// The least time that a frame takes.
    pub shortest: Duration,
    /// The most time that a frame takes if it is not held up. Frames sent closer together than the
    /// difference may overtake each other.
    pub longest: Duration,
    /// The most time that a frame takes beyond that if it is held up.
    pub detour: Duration,
}

/// What becomes of one frame: how often it arrives, when, and how changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    deliveries: [Option<Delivery>; Fate::COPIES],
}

/// One arrival of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// How long it takes.
    pub delay: Duration,
    /// The octet that is changed on the way, if one is.
    pub alteration: Option<Alteration>,
}

/// One octet changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alteration {
    /// Which octet of the frame, from 0.
    pub offset: usize,
    /// Its bits that are turned over.
    pub mask: NonZeroU8,
}

impl Faults {
    /// A wire without faults, on which every frame takes 100 microseconds.
    pub const NONE: Faults = Faults {
        seed: 0,
        loss: 0,
        duplication: 0,
        reordering: 0,
        corruption: 0,
        shortest: Duration::from_micros(100),
        longest: Duration::from_micros(100),
        detour: Duration::from_millis(10),
    };

    /// What becomes of a frame of `length` octets that is the one with this number.
    pub fn fate(&self, number: u64, length: usize) -> Fate {
        let mut dice = Dice::new(self.seed, number);
        let (is_lost, is_doubled) = (dice.hits(self.loss), dice.hits(self.duplication));
        let (once, again) = (self.deliver(&mut dice, length), self.deliver(&mut dice, length));
        Fate { deliveries: [(!is_lost).then_some(once), (!is_lost && is_doubled).then_some(again)] }
    }

    /// Everything is drawn whether it is wanted or not: so a rate changes nothing but its own faults.
    fn deliver(&self, dice: &mut Dice, length: usize) -> Delivery {
        let delay = dice.0.between(self.shortest, self.longest);
        let (is_held_up, detour) = (dice.hits(self.reordering), dice.0.between(Duration::ZERO, self.detour));
        let (is_altered, alteration) = (dice.hits(self.corruption), dice.alteration(length));
        Delivery {
            delay: if is_held_up { delay.saturating_add(detour) } else { delay },
            alteration: alteration.filter(|_| is_altered),
        }
    }
}

impl Fate {
    /// How often a frame arrives at most.
    pub const COPIES: usize = 2;

    /// The arrivals: none of a frame that is lost, two of one that is doubled. They are in no order of time.
    pub fn deliveries(self) -> impl Iterator<Item = Delivery> {
        self.deliveries.into_iter().flatten()
    }
}

impl Alteration {
    /// Changes the octet. Where there is none, nothing is changed.
    pub fn apply(self, octets: &mut [u8]) {
        if let Some(octet) = octets.get_mut(self.offset) {
            *octet ^= self.mask.get();
        }
    }
}

/// The random numbers of one frame.
struct Dice(Random);

impl Dice {
    fn new(seed: u64, number: u64) -> Dice {
        // The number is mixed before it meets the seed: frames that follow one another share no draws.
        Dice(Random::new(Random::new(number).draw() ^ seed))
    }

    fn hits(&mut self, per_mille: u16) -> bool {
        self.0.up_to(999) < per_mille.into()
    }

    /// A change of one octet, none where there is no octet.
    fn alteration(&mut self, length: usize) -> Option<Alteration> {
        let (place, bits) = (self.0.draw(), self.0.up_to(254));
        let offset = place.checked_rem(u64::try_from(length).ok()?)?;
        let mask = NonZeroU8::MIN.saturating_add(u8::try_from(bits).ok()?);
        Some(Alteration { offset: usize::try_from(offset).ok()?, mask })
    }
}

#[cfg(test)]
mod tests;
