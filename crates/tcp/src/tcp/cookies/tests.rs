use std::time::Duration;

use base::Secret;
use proptest::prelude::*;
use tap::Instant;

use super::{CookieOptions, Cookies};
use crate::SequenceNumber;

fn at(seconds: u64) -> Instant {
    Instant::ORIGIN + Duration::from_secs(seconds)
}

fn addresses() -> (std::net::SocketAddrV4, std::net::SocketAddrV4) {
    ("10.0.0.1:80".parse().unwrap(), "10.0.0.2:4000".parse().unwrap())
}

// proves: tcp-cookies, tcp-cookies-options
#[test]
fn cookie_returns_largest_segment_size_that_it_represents() {
    let cookies = Cookies::new(&Secret::new(1));
    let sequence = SequenceNumber::new(7);
    for (size, kept) in
        [(0, 64), (64, 64), (535, 64), (536, 536), (1459, 1440), (1460, 1460), (8959, 1460), (65_535, 8960)]
    {
        let cookie = cookies.make(at(1000), addresses(), sequence, size);
        assert_eq!(cookies.check(at(1000), addresses(), sequence, cookie), Some(kept), "size {size}");
    }
}

// proves: tcp-cookies
#[test]
fn cookie_is_valid_for_one_to_two_minutes() {
    let cookies = Cookies::new(&Secret::new(1));
    let sequence = SequenceNumber::new(7);
    let cookie = cookies.make(at(64), addresses(), sequence, 1460);
    let is_valid = |seconds| cookies.check(at(seconds), addresses(), sequence, cookie).is_some();
    assert!(is_valid(64) && is_valid(191), "the cookie was rejected within 128 seconds");
    assert!(!is_valid(192) && !is_valid(63), "the cookie is valid in another period");
    // The count in the cookie repeats after 32 periods, but not the hash.
    assert!(!is_valid(64 + 64 * 32));
}

// proves: tcp-cookies
#[test]
fn cookies_of_a_connection_grow_with_each_period_for_34_minutes() {
    let cookies = Cookies::new(&Secret::new(1));
    for period in 0..64 {
        let cookie = cookies.make(at(64 * period), addresses(), SequenceNumber::new(7), 1460);
        assert_eq!(u64::from(cookie.value() >> 27), period % 32, "count in {cookie:?}");
    }
}

// proves: tcp-cookies
#[test]
fn cookie_is_valid_for_its_addresses_numbers_and_secret_only() {
    let cookies = Cookies::new(&Secret::new(1));
    let sequence = SequenceNumber::new(7);
    let (local, peer) = addresses();
    let cookie = cookies.make(at(0), (local, peer), sequence, 1460);
    for (other_local, other_peer) in [
        ("10.0.0.3:80", "10.0.0.2:4000"),
        ("10.0.0.1:81", "10.0.0.2:4000"),
        ("10.0.0.1:80", "10.0.0.3:4000"),
        ("10.0.0.1:80", "10.0.0.2:4001"),
        ("10.0.0.2:4000", "10.0.0.1:80"),
    ] {
        let other = (other_local.parse().unwrap(), other_peer.parse().unwrap());
        assert_eq!(cookies.check(at(0), other, sequence, cookie), None, "{other_local} {other_peer}");
    }
    assert_eq!(cookies.check(at(0), (local, peer), sequence.plus(1), cookie), None);
    for size in 1..8 {
        let other_size = SequenceNumber::new(cookie.value() ^ (size << 24));
        let checked = cookies.check(at(0), (local, peer), sequence, other_size);
        assert_eq!(checked, None, "the cookie is valid with another segment size");
    }
    let others = Cookies::new(&Secret::new(2));
    assert_eq!(others.check(at(0), (local, peer), sequence, cookie), None);
    let forged = (0..10_000).filter(|number| {
        let cookie = SequenceNumber::new(number * 429_497);
        cookies.check(at(0), (local, peer), sequence, cookie).is_some()
    });
    assert_eq!(forged.count(), 0, "a guessed number is a valid cookie");
}

proptest! {
    // proves: tcp-cookies-options
    #[test]
    fn timestamp_keeps_options_and_is_at_most_63_below_the_clock(
        clock in any::<u32>(),
        window_scale in prop::option::of(0_u8..=14),
        sack_permitted in any::<bool>(),
        has_ecn in any::<bool>(),
    ) {
        let options = CookieOptions { window_scale, sack_permitted, has_ecn };
        let timestamp = options.add_to(clock);
        prop_assert_eq!(CookieOptions::of(timestamp), options);
        prop_assert!(clock.wrapping_sub(timestamp) <= 63);
    }
}
