//! How often errors are sent.

use std::net::Ipv4Addr;
use std::time::Duration;

use ipv4::{Instant, Seeded};

/// A bucket of tokens: how long one takes to come (no time at all means no limit), and how many it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Between two tokens.
    pub interval: Duration,
    /// When it is full.
    pub burst: u32,
}

/// How often errors may be sent: to each destination, and in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// To each destination: by default one a second, six at once.
    pub each: Rate,
    /// To all of them together: by default 1,000 a second, 50 at once.
    pub all: Rate,
}

/// A bucket for each destination, and one for all.
///
/// Destinations stand in sets of four that a secret seed deals out. Where a fifth one comes, the one
/// whose bucket is fullest goes: it loses least. So every question costs a look at four, however many
/// destinations there are, and what they forget is bounded by the bucket for all.
#[derive(Debug)]
pub(crate) struct Limit {
    rates: Rates,
    all: Bucket,
    sets: Box<[[Slot; 4]]>,
    seed: Seeded,
}

/// Which bucket was empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Empty {
    Each,
    All,
}

/// When the bucket will be full again: all that has to be known of it (the virtual scheduling algorithm
/// of ITU-T I.371).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Bucket(Instant);

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    destination: Option<Ipv4Addr>,
    bucket: Bucket,
}

impl Limit {
    /// Of four destinations each.
    const SETS: usize = 256;

    pub(crate) fn new(rates: Rates, seed: u64) -> Limit {
        Limit {
            rates,
            all: Bucket::default(),
            sets: vec![[Slot::default(); 4]; Self::SETS].into_boxed_slice(),
            seed: Seeded::new(seed),
        }
    }

    /// Takes a token of the destination's and one of all, or none.
    // spec: icmp-rate-each, icmp-rate-all
    pub(crate) fn take(&mut self, now: Instant, destination: Ipv4Addr) -> Result<(), Empty> {
        let set = self.seed.place(destination, self.sets.len());
        let slots = self.sets.get_mut(set).ok_or(Empty::Each)?;
        let known = slots.iter().position(|slot| slot.destination == Some(destination));
        let slot = match known {
            Some(place) => slots.get_mut(place),
            None => slots.iter_mut().min_by_key(|slot| slot.bucket),
        };
        let slot = slot.ok_or(Empty::Each)?;
        let bucket = if known.is_some() { slot.bucket } else { Bucket::default() };
        let each = bucket.less_one(now, self.rates.each).ok_or(Empty::Each)?;
        self.all = self.all.less_one(now, self.rates.all).ok_or(Empty::All)?;
        *slot = Slot { destination: Some(destination), bucket: each };
        Ok(())
    }
}

impl Bucket {
    /// The bucket with a token less; none if it is empty.
    fn less_one(self, now: Instant, rate: Rate) -> Option<Bucket> {
        let capacity = rate.interval.saturating_mul(rate.burst);
        // A clock that jumped back finds it empty at worst, not in debt.
        let full_at = self.0.max(now).min(now + capacity);
        let then = full_at + rate.interval;
        (then.since(now) <= capacity).then_some(Bucket(then))
    }
}

impl Default for Rates {
    fn default() -> Self {
        Rates {
            each: Rate { interval: Duration::from_secs(1), burst: 6 },
            all: Rate { interval: Duration::from_millis(1), burst: 50 },
        }
    }
}

#[cfg(test)]
mod tests;
