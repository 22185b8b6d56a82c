use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::*;

fn hosts(count: u32, stride: u32) -> impl Iterator<Item = Ipv4Addr> {
    (0..count)
        .map(move |number| Ipv4Addr::from_bits(0x0a00_0000_u32.wrapping_add(number.wrapping_mul(stride))))
}

#[test]
fn buckets_fill_evenly_when_addresses_follow_pattern() {
    for seed in 0..8 {
        for stride in [1, 2, 3, 256, 257, 65_536, 65_537, 1 << 21, 0x0101_0101] {
            let hash = KeyedHash::new(seed);
            let mut counts = [0_u32; 16];
            for address in hosts(1_600, stride) {
                counts[hash.bucket(address, 16)] += 1;
            }
            assert!(counts.iter().all(|count| (40..180).contains(count)), "{seed} {stride} {counts:?}");
        }
    }
}

#[test]
fn bucket_collisions_depend_on_seed() {
    let first = KeyedHash::new(1);
    let shared: Vec<_> = hosts(100_000, 1).filter(|address| first.bucket(address, 2_048) == 0).collect();
    assert!(shared.len() > 20, "{}", shared.len());
    for seed in 2..100 {
        let hash = KeyedHash::new(seed);
        let apart: BTreeSet<_> = shared.iter().map(|address| hash.bucket(address, 2_048)).collect();
        assert!(apart.len() * 10 > shared.len() * 8, "{seed}: {} of {}", apart.len(), shared.len());
    }
}

#[test]
fn every_byte_changes_hash_when_value_is_longer_than_one_word() {
    let hash = KeyedHash::new(1);
    let hashes: BTreeSet<_> = (0..20)
        .map(|place| {
            let mut value = [7_u8; 20];
            value[place] = 8;
            hash.hash_one(value)
        })
        .collect();
    assert_eq!(hashes.len(), 20);
}

#[test]
fn same_seed_gives_same_hashes_and_prints_no_key() {
    let hash = KeyedHash::new(123_456);
    assert_eq!(hash.hash_one("label"), KeyedHash::new(123_456).hash_one("label"));
    assert_eq!(format!("{hash:?} {:?}", hash.build_hasher()), "KeyedHash KeyedHasher");
}

#[test]
fn bucket_is_below_bound_and_zero_without_buckets() {
    let hash = KeyedHash::new(5);
    assert!(hosts(1_000, 1).all(|address| hash.bucket(address, 3) < 3));
    assert_eq!(hash.bucket(1_u8, 0), 0);
}
