//! Timers of the slots of a table.

use std::fmt;

use crate::{Links, List, Place};

/// Hierarchical timer wheel: the slots of a table, by the times of their timers.
///
/// The wheel has four levels of 256 slots. A slot of the lowest level covers one tick of 131,072 ns, and a slot of any
/// other level covers all slots of the level below. The levels span 33 ms, 8.6 s, 36 minutes and 6.5 days.
///
/// [`TimerWheel::expire`] returns a place at its time or earlier: at the start of its slot. The caller compares its own
/// time, and schedules the place again if that time is not reached yet. Therefore each call takes constant time, and
/// most timers can move to a later time without a change of the wheel. A place returns at most once per level and once
/// per 6.4 days before its time.
///
/// Times are in nanoseconds since an origin that the caller chooses. Each slot of the table has one [`TimerLinks`] per
/// wheel. An accessor function selects the [`TimerLinks`] of a wheel. Places outside the table are ignored.
///
/// ```
/// use base::{TimerLinks, TimerWheel};
///
/// let mut slots = [TimerLinks::NONE; 2];
/// let mut wheel = TimerWheel::new(0);
/// wheel.schedule(&mut slots, |slot| slot, 1, 20_000_000);
/// assert_eq!(wheel.expire(&mut slots, |slot| slot, 19_000_000), None);
///
/// let deadline = wheel.deadline().expect("the wheel has no deadline");
/// assert!((20_000_000..20_131_072).contains(&deadline));
/// assert_eq!(wheel.expire(&mut slots, |slot| slot, deadline), Some(1));
/// ```
pub struct TimerWheel {
    slots: Box<[List]>,
    /// For each level, the slots with places: bit n % 64 of word n / 64 stands for slot n.
    occupied: [[u64; WORDS]; LEVELS],
    /// The tick up to which all places were returned. The start of a slot depends on it.
    current: u64,
}

/// A slot's place in a timer wheel.
#[derive(Clone, Copy, Debug)]
pub struct TimerLinks {
    links: Links,
    /// Level times 256 plus slot, or [`UNSCHEDULED`].
    slot: u16,
}

/// Binary logarithm of the nanoseconds of a tick.
const TICK_BITS: u32 = 17;
const LEVELS: usize = 4;
/// Binary logarithm of the number of slots of a level.
const LEVEL_BITS: u32 = 8;
const LEVEL_SLOTS: usize = 1 << LEVEL_BITS;
const WORDS: usize = LEVEL_SLOTS / 64;
/// Binary logarithm of the ticks of a slot of the highest level.
const TOP_BITS: u32 = 3 * LEVEL_BITS;
/// Distance of the latest tick that the wheel represents. With a greater distance, a slot of the highest level could
/// stand for two times.
const HORIZON: u64 = 255 << TOP_BITS;
/// Marks a slot of the table that is in no slot of the wheel.
const UNSCHEDULED: u16 = u16::MAX;

impl TimerWheel {
    /// Creates a wheel without places. No time will be before `now`.
    pub fn new(now: u64) -> TimerWheel {
        TimerWheel {
            slots: vec![List::EMPTY; LEVELS * LEVEL_SLOTS].into_boxed_slice(),
            occupied: [[0; WORDS]; LEVELS],
            current: now >> TICK_BITS,
        }
    }

    /// Schedules a place for the time `at`. A place that is scheduled for an earlier time returns at the earlier time.
    pub fn schedule<S>(
        &mut self,
        slots: &mut [S],
        links: impl Fn(&mut S) -> &mut TimerLinks,
        place: Place,
        at: u64,
    ) {
        let Some(slot) = slots.get_mut(crate::list::index(place)) else { return };
        let tick = first_tick_from(at).clamp(self.current, self.current + HORIZON);
        let previous = links(slot).slot;
        if previous != UNSCHEDULED && self.start_of(previous) <= tick {
            return;
        }
        self.cancel(slots, &links, place);
        let number = self.slot_for(tick);
        if let Some(slot) = slots.get_mut(crate::list::index(place)) {
            links(slot).slot = number;
        }
        if let Some(list) = self.slots.get_mut(usize::from(number)) {
            list.append(slots, |slot| &mut links(slot).links, place);
        }
        self.mark(number, true);
    }

    /// Removes a place from the wheel. Does nothing if the place is not scheduled.
    pub fn cancel<S>(&mut self, slots: &mut [S], links: impl Fn(&mut S) -> &mut TimerLinks, place: Place) {
        let Some(slot) = slots.get_mut(crate::list::index(place)) else { return };
        let number = std::mem::replace(&mut links(slot).slot, UNSCHEDULED);
        let Some(list) = self.slots.get_mut(usize::from(number)) else { return };
        list.unlink(slots, |slot| &mut links(slot).links, place);
        if list.first().is_none() {
            self.mark(number, false);
        }
    }

    /// Removes and returns one place, if the slot of the place starts at `now` or earlier. The earliest slot comes first.
    /// Returns `None` after the last of these places.
    ///
    /// The time of the place may be later than `now`. In that case, the caller schedules the place again.
    pub fn expire<S>(
        &mut self,
        slots: &mut [S],
        links: impl Fn(&mut S) -> &mut TimerLinks,
        now: u64,
    ) -> Option<Place> {
        let now = now >> TICK_BITS;
        let Some((start, number)) = self.earliest().filter(|(start, _)| *start <= now) else {
            self.current = self.current.max(now);
            return None;
        };
        self.current = self.current.max(start);
        let place = self.slots.get(usize::from(number))?.first()?;
        self.cancel(slots, links, place);
        Some(place)
    }

    /// Returns the earliest time at which [`TimerWheel::expire`] returns a place.
    pub fn deadline(&self) -> Option<u64> {
        self.earliest().map(|(start, _)| start.saturating_mul(1 << TICK_BITS))
    }

    /// Returns the first slot with places, and its start.
    fn earliest(&self) -> Option<(u64, u16)> {
        let levels = (0..).zip(&self.occupied);
        let firsts = levels.filter_map(|(level, words)| {
            // A slot of the highest level before the current slot stands for a time after the last slot.
            let from = self.current >> (LEVEL_BITS * u32::from(level)) & 0xff;
            let slot = first_bit(words, from).or_else(|| first_bit(words, 0))?;
            let number = (level << LEVEL_BITS) | slot;
            Some((self.start_of(number), number))
        });
        firsts.min()
    }

    /// Returns the slot for a tick: its level is the highest in which the tick and the current tick differ.
    fn slot_for(&self, tick: u64) -> u16 {
        let differing = u64::BITS - (tick ^ self.current).leading_zeros();
        let level = (differing.saturating_sub(1) / LEVEL_BITS).min(3);
        let [slot, ..] = (tick >> (LEVEL_BITS * level)).to_le_bytes();
        (u16::try_from(level).unwrap_or_default() << LEVEL_BITS) | u16::from(slot)
    }

    /// Returns the first tick of a slot.
    fn start_of(&self, number: u16) -> u64 {
        let [slot, level] = number.to_le_bytes();
        let bits = LEVEL_BITS * u32::from(level);
        let current = self.current >> bits;
        let [current_slot, ..] = current.to_le_bytes();
        (current + u64::from(slot.wrapping_sub(current_slot))) << bits
    }

    /// Notes whether a slot has places.
    fn mark(&mut self, number: u16, is_occupied: bool) {
        let [slot, level] = number.to_le_bytes();
        let words = self.occupied.get_mut(usize::from(level));
        let Some(word) = words.and_then(|words| words.get_mut(usize::from(slot / 64))) else { return };
        let bit = 1 << (slot % 64);
        *word = if is_occupied { *word | bit } else { *word & !bit };
    }
}

impl TimerLinks {
    /// The links of a slot that is not scheduled.
    pub const NONE: TimerLinks = TimerLinks { links: Links::NONE, slot: UNSCHEDULED };

    /// Returns whether the slot is scheduled.
    pub fn is_scheduled(&self) -> bool {
        self.slot != UNSCHEDULED
    }
}

/// Returns the first tick that starts at a time or later.
fn first_tick_from(at: u64) -> u64 {
    at.div_ceil(1 << TICK_BITS)
}

/// Returns the first set bit from a number on.
fn first_bit(words: &[u64; WORDS], from: u64) -> Option<u16> {
    (0_u16..).step_by(64).zip(words).find_map(|(first, word)| {
        let skipped = u32::try_from(from.saturating_sub(u64::from(first))).unwrap_or(u32::MAX);
        let rest = word & u64::MAX.checked_shl(skipped).unwrap_or_default();
        (rest != 0).then(|| first + u16::try_from(rest.trailing_zeros()).unwrap_or_default())
    })
}

impl fmt::Debug for TimerWheel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let occupied: u32 = self.occupied.iter().flatten().map(|word| word.count_ones()).sum();
        write!(f, "TimerWheel({occupied} occupied slots)")
    }
}

#[cfg(test)]
mod tests;
