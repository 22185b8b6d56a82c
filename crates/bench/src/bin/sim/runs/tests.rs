use super::*;

#[test]
fn results_are_in_order_of_items() {
    let items: Vec<u64> = (0..100).collect();
    let results = each(&items, |item| Ok(item * 2)).unwrap();
    assert_eq!(results, items.iter().map(|item| item * 2).collect::<Vec<_>>());
    assert_eq!(
        each(&items, |item| if *item == 7 { Err("seven".to_owned()) } else { Ok(()) }),
        Err("seven".to_owned())
    );
}

#[test]
fn grid_has_results_of_all_seeds_by_cell() {
    let results = grid(&[10, 20], 3, |cell, seed| Ok(cell + seed)).unwrap();
    assert_eq!(results, [[10, 11, 12], [20, 21, 22]]);
}

#[test]
fn fairness_is_one_for_equal_shares_and_low_for_one_share() {
    assert!((fairness(&[3.0; 5]) - 1.0).abs() < 1e-9);
    assert!((fairness(&[1.0, 0.0, 0.0, 0.0]) - 0.25).abs() < 1e-9);
}
