use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::*;

/// Fills an index with addresses. Returns how many cells a lookup reads, on average and at most.
fn cells_per_lookup(seed: u64, addresses: &[Ipv4Addr]) -> (f64, u32) {
    let mut index = PlaceIndex::new(addresses.len(), seed);
    let at = |place: Place| addresses[usize::try_from(place).unwrap()];
    for (place, address) in (0..).zip(addresses) {
        index.insert(*address, place, |place| Some(at(place)));
    }
    let mut reads: Vec<u32> = Vec::new();
    for (place, address) in (0..).zip(addresses) {
        let count = std::cell::Cell::new(0);
        let is_match = |place| {
            count.set(count.get() + 1);
            at(place) == *address
        };
        assert_eq!(index.find(*address, is_match), Some(place));
        reads.push(count.get());
    }
    let total: u32 = reads.iter().sum();
    (f64::from(total) / f64::from(u32::try_from(reads.len()).unwrap()), *reads.iter().max().unwrap())
}

fn homes(seed: u64, addresses: &[Ipv4Addr]) -> Vec<usize> {
    let index = PlaceIndex::with_size(2_048, 2_048, KeyedHash::new(seed));
    addresses.iter().map(|address| index.home(address)).collect()
}

fn strided(count: u32, stride: u32) -> Vec<Ipv4Addr> {
    (0..count)
        .map(|number| Ipv4Addr::from_bits(0x0a00_0000_u32.wrapping_add(number.wrapping_mul(stride))))
        .collect()
}

#[test]
fn lookup_reads_few_cells_for_similar_addresses() {
    for seed in 0..8 {
        for stride in [1, 2, 3, 256, 257, 65_536, 65_537, 1 << 21, 0x0101_0101] {
            // 1,024 entries in 2,048 cells: linear probing reads 1.5 cells per lookup on average.
            let (average, most) = cells_per_lookup(seed, &strided(1_024, stride));
            assert!(average < 1.9 && most < 64, "seed {seed}, stride {stride}: {average}, {most}");
        }
    }
}

#[test]
fn full_index_finds_all_entries() {
    for bound in 1..70 {
        cells_per_lookup(u64::from(bound), &strided(bound, 1));
    }
}

#[test]
fn bucket_collisions_depend_on_seed() {
    let addresses = strided(100_000, 1);
    let first = homes(1, &addresses);
    let colliding: Vec<_> =
        addresses.iter().zip(&first).filter(|(_, home)| **home == first[0]).map(|(a, _)| *a).collect();
    assert!(colliding.len() > 20, "{}", colliding.len());
    for seed in 2..100 {
        let distinct: BTreeSet<_> = homes(seed, &colliding).into_iter().collect();
        assert!(
            distinct.len() * 10 > colliding.len() * 8,
            "seed {seed}: {} of {}",
            distinct.len(),
            colliding.len()
        );
    }
}

#[test]
fn hash_covers_long_keys_to_last_byte() {
    let index = PlaceIndex::with_size(1 << 20, 1 << 20, KeyedHash::new(1));
    let homes: BTreeSet<_> = (0..16)
        .map(|place| {
            let mut address = [7_u8; 16];
            address[place] = 8;
            index.home(&address)
        })
        .collect();
    assert_eq!(homes.len(), 16);
}

#[test]
fn removal_keeps_other_entries_findable() {
    let addresses = strided(64, 1);
    for gone in 0..64 {
        let at = |place: Place| addresses.get(usize::try_from(place).unwrap()).copied();
        let mut index = PlaceIndex::new(64, 5);
        for (place, address) in (0..).zip(&addresses) {
            index.insert(*address, place, at);
        }
        index.remove(at(gone).unwrap(), gone, at);
        for (place, address) in (0..).zip(&addresses) {
            let found = index.find(*address, |place| at(place) == Some(*address));
            assert_eq!(found, (place != gone).then_some(place));
        }
        assert_eq!(index.cells.iter().filter(|cell| **cell != 0).count(), 63);
    }
}

#[test]
fn index_has_at_least_four_cells_per_entry_until_it_has_its_full_size() {
    let addresses = strided(20_000, 1);
    let at = |place: Place| addresses.get(usize::try_from(place).unwrap()).copied();
    let mut index = PlaceIndex::new(addresses.len(), 3);
    let mut sizes = BTreeSet::new();
    for (place, address) in (0..).zip(&addresses) {
        index.insert(*address, place, at);
        let entries = usize::try_from(place).unwrap() + 1;
        let (cells, is_full) = (index.cells.len(), index.cells.len() == 65_536);
        assert!(cells >= entries * 4 || is_full, "{entries} entries have {cells} cells");
        assert!(cells <= (entries * 8).max(64) || is_full, "{entries} entries have {cells} cells");
        sizes.insert(cells);
    }
    let doubled: Vec<_> = (6..=16).map(|bits| 1 << bits).collect();
    assert_eq!(sizes.into_iter().collect::<Vec<_>>(), doubled);
    for (place, address) in (0..).zip(&addresses) {
        assert_eq!(index.find(*address, |place| at(place) == Some(*address)), Some(place));
    }
}

#[test]
fn growth_beyond_the_largest_step_reaches_the_full_size() {
    let addresses = strided(8_193, 1);
    let at = |place: Place| addresses.get(usize::try_from(place).unwrap()).copied();
    let mut index = PlaceIndex::new(1 << 20, 3);
    for (place, address) in (0..).zip(&addresses) {
        let cells = index.cells.len();
        assert!(cells <= 1 << 15, "{place} entries have {cells} cells");
        index.insert(*address, place, at);
    }
    assert_eq!(index.cells.len(), 1 << 21);
}

#[test]
fn removed_entries_do_not_make_an_index_grow() {
    let addresses = strided(10_000, 1);
    let at = |place: Place| addresses.get(usize::try_from(place).unwrap()).copied();
    let mut index = PlaceIndex::new(addresses.len(), 3);
    for (place, address) in (0..).zip(&addresses) {
        index.insert(*address, place, at);
        index.remove(*address, place, at);
    }
    assert_eq!(index.cells.len(), 64);
}
