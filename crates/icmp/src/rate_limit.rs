//! How often errors are sent.

use std::net::Ipv4Addr;
use std::time::Duration;

use base::{KeyedHash, Secret};
use ipv4::Instant;

/// A bucket of tokens: how long one takes to come (no time at all means no limit), and how many it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenRate {
    /// Between two tokens.
    pub interval: Duration,
    /// When it is full.
    pub burst: u32,
}

/// How often errors may be sent: to each destination, and in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorRateLimits {
    /// To each destination: by default one a second, six at once.
    pub per_destination: TokenRate,
    /// To all of them together: by default 1,000 a second, 50 at once. Both are averages, because each error takes
    /// 0, 1 or 2 tokens by lot.
    pub global: TokenRate,
}

/// A bucket for each destination, and one for all.
///
/// An observer that counts the errors sent to itself must not learn how many went to others (CVE-2020-25705). So
/// what an error costs in the bucket for all is drawn by lot from the secret seed, as Linux does since 5.10.
///
/// Destinations stand in sets of four that a secret seed deals out. Where a fifth one comes, the one
/// whose bucket is fullest goes: it loses least. So every question costs a look at four, however many
/// destinations there are, and what they forget is bounded by the bucket for all.
#[derive(Debug)]
pub(crate) struct ErrorRateLimiter {
    rates: ErrorRateLimits,
    global: TokenBucket,
    sets: Box<[[Slot; 4]]>,
    hash: KeyedHash,
    secret: Secret,
    /// How many errors were paid for from the bucket for all: what the next cost is drawn by.
    draws: u64,
}

/// Which bucket was empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExhaustedBucket {
    PerDestination,
    Global,
}

/// When the bucket will be full again: all that has to be known of it (the virtual scheduling algorithm
/// of ITU-T I.371).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct TokenBucket(Instant);

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    destination: Option<Ipv4Addr>,
    bucket: TokenBucket,
}

impl ErrorRateLimiter {
    /// Of four destinations each.
    const SETS: usize = 256;
    /// The costs of an error in the bucket for all, which are drawn with equal probability: one on average.
    const COSTS: u64 = 3;
    /// The highest of them.
    const MAX_COST: u32 = 2;

    pub(crate) fn new(rates: ErrorRateLimits, seed: u64) -> ErrorRateLimiter {
        let secret = Secret::new(seed.into());
        ErrorRateLimiter {
            rates,
            global: TokenBucket::default(),
            sets: vec![[Slot::default(); 4]; Self::SETS].into_boxed_slice(),
            hash: KeyedHash::new(secret.key("destinations")),
            secret,
            draws: 0,
        }
    }

    /// Takes a token of the destination's and one of all, or none.
    // spec: icmp-rate-each, icmp-rate-all
    pub(crate) fn take(&mut self, now: Instant, destination: Ipv4Addr) -> Result<(), ExhaustedBucket> {
        let set = self.hash.bucket(destination, self.sets.len());
        let slots = self.sets.get_mut(set).ok_or(ExhaustedBucket::PerDestination)?;
        let known = slots.iter().position(|slot| slot.destination == Some(destination));
        let slot = match known {
            Some(place) => slots.get_mut(place),
            None => slots.iter_mut().min_by_key(|slot| slot.bucket),
        };
        let slot = slot.ok_or(ExhaustedBucket::PerDestination)?;
        let bucket = if known.is_some() { slot.bucket } else { TokenBucket::default() };
        let destination_bucket =
            bucket.take(now, self.rates.per_destination, 1, 1).ok_or(ExhaustedBucket::PerDestination)?;
        let cost = u32::try_from(self.secret.key(("cost", self.draws)) % Self::COSTS).unwrap_or(1);
        self.global =
            self.global.take(now, self.rates.global, cost, Self::MAX_COST).ok_or(ExhaustedBucket::Global)?;
        self.draws = self.draws.wrapping_add(1);
        *slot = Slot { destination: Some(destination), bucket: destination_bucket };
        Ok(())
    }
}

impl TokenBucket {
    /// The bucket with `cost` tokens less, none if it does not hold one. A cost above one may leave it in debt, and
    /// `max_cost` is the highest cost there is.
    fn take(self, now: Instant, rate: TokenRate, cost: u32, max_cost: u32) -> Option<TokenBucket> {
        let capacity = rate.interval.saturating_mul(rate.burst);
        let debt = rate.interval.saturating_mul(max_cost.saturating_sub(1));
        // A clock that jumped back finds it no emptier than that.
        let full_at = self.0.max(now).min(now + capacity + debt);
        let holds_one = (full_at + rate.interval).since(now) <= capacity;
        holds_one.then(|| TokenBucket(full_at + rate.interval.saturating_mul(cost)))
    }
}

impl Default for ErrorRateLimits {
    fn default() -> Self {
        ErrorRateLimits {
            per_destination: TokenRate { interval: Duration::from_secs(1), burst: 6 },
            global: TokenRate { interval: Duration::from_millis(1), burst: 50 },
        }
    }
}

#[cfg(test)]
mod tests;
