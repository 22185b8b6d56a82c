//! Rate limits of sent packets, per destination and in total.

use std::net::Ipv4Addr;
use std::time::Duration;

use base::{KeyedHash, Secret};
use tap::Instant;

/// The parameters of a token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenRate {
    /// Time after which one token is added. Zero means no limit.
    pub interval: Duration,
    /// Maximum number of tokens in the bucket. Zero means that no packet is sent, unless `interval` is zero.
    pub burst: u32,
}

/// Rate limits of sent packets, per destination and in total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Limit per destination.
    pub per_destination: TokenRate,
    /// Limit for all destinations, on average. Each packet takes 0, 1 or 2 tokens at random.
    pub global: TokenRate,
}

/// Token buckets: one per destination, and a global one.
///
/// A host that counts received packets must not learn the number of packets sent to other hosts (CVE-2020-25705). The
/// cost of a packet in the global bucket is therefore random, as in Linux since 5.10. It is derived from the seed.
///
/// Destinations are hashed with the seed into sets of four slots, so each lookup compares four slots. A new destination
/// in a full set starts with a full bucket and replaces the destination with the fullest bucket. The replaced
/// destination gains the fewest tokens when it returns. The global bucket bounds the additional packets.
#[derive(Debug)]
pub struct RateLimiter {
    rates: RateLimits,
    global: TokenBucket,
    sets: Box<[[Slot; 4]]>,
    hash: KeyedHash,
    secret: Secret,
    /// Number of packets charged to the global bucket. This number determines the next random cost.
    draws: u64,
}

/// The token bucket that has no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExhaustedBucket {
    /// The bucket of the destination.
    PerDestination,
    /// The bucket of all destinations.
    Global,
}

/// A token bucket, stored as the time at which it is full again (the virtual scheduling algorithm of ITU-T I.371).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct TokenBucket(Instant);

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    destination: Option<Ipv4Addr>,
    bucket: TokenBucket,
}

impl RateLimiter {
    /// Number of sets, with four destinations each.
    const SETS: usize = 256;
    /// Number of possible costs of a packet in the global bucket. The costs 0, 1 and 2 have equal probability.
    const COSTS: u64 = 3;
    /// Maximum cost of a packet in the global bucket.
    const MAX_COST: u32 = 2;

    /// Creates a limiter with full buckets. `seed` must be unpredictable to other hosts.
    pub fn new(rates: RateLimits, seed: u64) -> RateLimiter {
        let secret = Secret::new(seed.into());
        RateLimiter {
            rates,
            global: TokenBucket::default(),
            sets: vec![[Slot::default(); 4]; Self::SETS].into_boxed_slice(),
            hash: KeyedHash::new(secret.key("destinations")),
            secret,
            draws: 0,
        }
    }

    /// Takes one token from the bucket of the destination, and the cost of a packet from the global bucket. If one
    /// bucket is exhausted, no token is taken from the other bucket.
    pub fn take(&mut self, now: Instant, destination: Ipv4Addr) -> Result<(), ExhaustedBucket> {
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
    /// Returns the bucket with `cost` tokens less, or `None` if the bucket holds no whole token. A cost above one may
    /// leave the bucket in debt. `max_cost` is the maximum of all costs and bounds the debt.
    fn take(self, now: Instant, rate: TokenRate, cost: u32, max_cost: u32) -> Option<TokenBucket> {
        let capacity = rate.interval.saturating_mul(rate.burst);
        let debt = rate.interval.saturating_mul(max_cost.saturating_sub(1));
        // If the clock has jumped back, the bucket is at most empty and in debt.
        let full_at = self.0.max(now).min(now + capacity + debt);
        let holds_one = (full_at + rate.interval).since(now) <= capacity;
        holds_one.then(|| TokenBucket(full_at + rate.interval.saturating_mul(cost)))
    }
}

#[cfg(test)]
mod tests;
