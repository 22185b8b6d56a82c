use std::collections::BTreeMap;

use super::*;
use link::MacAddr;
use proptest::prelude::*;

#[test]
fn addresses_that_probe_together_are_one_run() {
    let mut exceptions = Exceptions::default();
    exceptions.set(0x0a00_0000, 0x0aff_ffff, AddressState::Tentative);
    assert_eq!((exceptions.runs.len(), exceptions.tentative()), (1, 1 << 24));
    assert_eq!(exceptions.find((0x0a00_0000, 0x0b00_0007), Some(0x0b00_0000), |_| true), Some(0x0b00_0001));

    exceptions.set(0x0a00_0005, 0x0a00_0005, AddressState::Preferred);
    assert_eq!((exceptions.runs.len(), exceptions.tentative()), (2, (1 << 24) - 1));
    exceptions.set(0x0a00_0005, 0x0a00_0005, AddressState::Tentative);
    assert_eq!(exceptions.runs.len(), 1, "adjacent runs with the same state did not merge");
}

#[test]
fn runs_reach_first_and_last_address() {
    let mut exceptions = Exceptions::default();
    exceptions.set(0, u32::MAX, AddressState::Tentative);
    assert_eq!(exceptions.find((0, u32::MAX), None, |_| true), None);
    exceptions.set(u32::MAX, u32::MAX, AddressState::Preferred);
    exceptions.set(0, 0, AddressState::Preferred);
    assert_eq!(exceptions.find((1, u32::MAX), None, |_| true), Some(u32::MAX));
    assert_eq!(exceptions.find((0, u32::MAX), Some(0), |_| true), Some(u32::MAX));
}

fn state() -> impl Strategy<Value = AddressState> {
    let conflict =
        (1_u8..3).prop_map(|last| AddressState::Conflict { with: MacAddr::new([2, 0, 0, 0, 0, last]) });
    prop_oneof![2 => Just(AddressState::Preferred), 3 => Just(AddressState::Tentative), 2 => conflict]
}

proptest! {
    /// Exceptions equal a map of single addresses, and no two adjacent runs could be one run.
    #[test]
    fn exceptions_equal_map_of_addresses(
        steps in prop::collection::vec((0_u32..40, 0_u32..12, state()), 1..40),
        except in 0_u32..52,
    ) {
        let (mut exceptions, mut model) = (Exceptions::default(), BTreeMap::new());
        for (first, length, state) in steps {
            exceptions.set(first, first + length, state);
            for ip in first..=first + length {
                match state {
                    AddressState::Preferred => _ = model.remove(&ip),
                    _ => _ = model.insert(ip, state),
                }
            }
            for ip in 0..60 {
                prop_assert_eq!(exceptions.get(ip), model.get(&ip).copied(), "state of {}", ip);
            }
            let count = |is_counted: fn(&AddressState) -> bool| model.values().filter(|state| is_counted(state)).count();
            let tentative = count(|state| *state == AddressState::Tentative);
            prop_assert_eq!(exceptions.tentative(), u64::try_from(tentative).unwrap());
            prop_assert_eq!(exceptions.conflicts(), model.len() - tentative);
            let free = (first..60).find(|ip| *ip != except && !model.contains_key(ip));
            prop_assert_eq!(exceptions.find((first, 59), Some(except), |_| true), free);
            let runs: Vec<_> = exceptions.runs.iter().collect();
            for pair in runs.windows(2) {
                let [(_, before), (next, after)] = pair else { continue };
                prop_assert!(before.last < **next, "runs overlap");
                prop_assert!(before.last + 1 < **next || before.state != after.state, "adjacent runs did not merge");
            }
        }
    }
}
