use super::*;

#[test]
fn quantile_is_one_of_values() {
    let values = [5.0, 1.0, 4.0, 2.0, 3.0];
    let quantiles = [0.0, 0.5, 0.9, 1.0].map(|share| quantile(&values, share).to_string());
    assert_eq!(quantiles, ["1", "3", "5", "5"]);
    assert!(quantile(&[], 0.5).is_nan());
}

#[test]
fn quotients_pair_values_of_same_round() {
    assert_eq!(format!("{:?}", paired(&[2.0, 9.0], &[1.0, 3.0])), "[2.0, 3.0]");
}
