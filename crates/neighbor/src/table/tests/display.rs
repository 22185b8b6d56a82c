//! Printed texts.

use super::*;

#[test]
fn state_names_equal_ip_neigh() {
    let all = [
        (NeighborState::Incomplete, "INCOMPLETE"),
        (NeighborState::Reachable, "REACHABLE"),
        (NeighborState::Stale, "STALE"),
        (NeighborState::Delay, "DELAY"),
        (NeighborState::Probe, "PROBE"),
        (NeighborState::Failed, "FAILED"),
        (NeighborState::Static, "PERMANENT"),
    ];
    for (state, name) in all {
        assert_eq!(state.to_string(), name);
    }
}

#[test]
fn add_errors_name_cause() {
    assert!(AddError::Full.to_string().contains("full"));
    assert!(AddError::InvalidMac.to_string().contains("group"));
}

#[test]
fn new_table_is_empty() {
    let mut table = table();
    assert!(table.is_empty());
    table.learn(at(0), 5, observation(5));
    assert!(!table.is_empty());
}

#[test]
fn debug_output_hides_secret() {
    let table = Table::new(NeighborSettings { seed: 0x5ec2_e75e_c2e7_5ec2, ..small(16).settings });
    assert!(format!("{:?}", table.entries).contains("PlaceIndex(32 cells)"));
}
