use std::collections::BTreeSet;

use super::*;

// proves: key-separation
#[test]
fn keys_differ_between_labels_and_secrets() {
    let mut keys = BTreeSet::new();
    for seed in [0, 1, 1 << 64, u128::MAX] {
        let secret = Secret::new(seed);
        for label in ["", "a", "b", "ab"] {
            let further = secret.seed(label);
            assert_ne!(further, seed);
            for key in [secret.key(label), Secret::new(further).key(label)] {
                assert!(keys.insert(key), "{seed} {label}");
            }
        }
        assert!(keys.insert(secret.key(("a", 1_u64))) && keys.insert(secret.key(("a", 2_u64))));
    }
    assert_eq!(Secret::new(7).key("a"), Secret::new(7).key("a"), "equal secrets gave different keys");
}

// proves: key-separation
#[test]
fn keys_of_numbers_differ_between_numbers_and_secrets() {
    let mut keys = BTreeSet::new();
    for seed in [0, 1, 1 << 64, u128::MAX] {
        let secret = Secret::new(seed);
        for number in [0, 1, 1 << 32, 1 << 63] {
            assert!(keys.insert(secret.key_of_numbers([number])), "{seed} {number}");
            assert!(keys.insert(secret.key_of_numbers([number, 7])), "{seed} {number}, 7");
            assert!(keys.insert(secret.key_of_numbers([7, number])), "{seed} 7, {number}");
        }
    }
    let [first, second] = [7, 7].map(|seed| Secret::new(seed).key_of_numbers([1, 2, 3]));
    assert_eq!(first, second, "equal secrets gave different keys");
}

#[test]
fn secret_is_not_printed() {
    assert_eq!(format!("{:?}", Secret::new(123_456)), "Secret");
}
