use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn entry(number: u8) -> Entry {
    Entry { hardware: MacAddr::new([2, 0, 0, 0, 0, number]), confirmed: Instant::ORIGIN }
}

// proves: table-bound
#[test]
fn a_full_table_refuses_a_stranger_and_follows_those_it_knows() {
    let mut table = Table::new(2, 7);
    table.add(1_u32, entry(1)).unwrap();
    table.add(2, entry(2)).unwrap();
    assert_eq!(table.add(3, entry(3)), Err(Full));
    assert_eq!(table.add(1, entry(9)), Ok(()));
    assert_eq!(table.list(), [(1, entry(9)), (2, entry(2))]);
}

#[test]
fn the_seed_changes_the_hash() {
    assert_ne!(Seed(1).hash_one(5_u32), Seed(2).hash_one(5_u32));
}

proptest! {
    // proves: table-bound
    #[test]
    fn it_is_a_map_with_a_bound(adds in prop::collection::vec((0_u32..20, any::<u8>()), 0..100), bound in 0_usize..15) {
        let mut table = Table::new(bound, 7);
        let mut model = BTreeMap::new();
        for (protocol, number) in adds {
            let room = model.len() < bound || model.contains_key(&protocol);
            prop_assert_eq!(table.add(protocol, entry(number)).is_ok(), room);
            if room {
                model.insert(protocol, entry(number));
            }
            prop_assert!(table.len() <= bound);
        }
        prop_assert_eq!(table.list(), model.into_iter().collect::<Vec<_>>());
    }
}
