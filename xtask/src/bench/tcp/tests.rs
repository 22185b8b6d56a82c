use super::*;
use crate::bench::counts::Contender;

fn contender(name: &str) -> Contender {
    Contender { name: name.into(), work: "segment".into(), api: String::new(), symbols: Vec::new() }
}

#[test]
fn exceeded_and_missing_bounds_are_reported() {
    let [data, out] = ["data_in", "segment_out"].map(contender);
    let [data_bound, out_bound] = ["data_in", "segment_out"].map(|name| bound(name).unwrap_or(0));
    let counts = [
        Count { contender: &data, total: data_bound * counts::TIMES },
        Count { contender: &out, total: out_bound * counts::TIMES + 1 },
    ];
    let complaints = complaints(&counts);
    assert_eq!(complaints.len(), BOUNDS.len() - 1, "{complaints:?}");
    assert!(complaints[0].contains("segment_out takes"), "{complaints:?}");
    assert!(complaints[1].contains("no instruction count of superframe_out"), "{complaints:?}");
}
