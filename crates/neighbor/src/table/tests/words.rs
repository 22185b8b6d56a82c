//! What a person reads.

use super::*;

#[test]
fn states_have_the_names_that_ip_neigh_prints() {
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
fn an_entry_that_cannot_be_made_says_why() {
    assert!(AddError::Full.to_string().contains("full"));
    assert!(AddError::InvalidMac.to_string().contains("group"));
}

#[test]
fn a_table_is_empty_until_somebody_is_entered() {
    let mut table = table();
    assert!(table.is_empty());
    table.learn(at(0), 5, observation(5));
    assert!(!table.is_empty());
}

#[test]
fn what_is_printed_for_debugging_keeps_the_secret() {
    let table = Table::new(NeighborSettings { seed: 0x5ec2_e75e_c2e7_5ec2, ..small(16).settings });
    assert!(format!("{:?}", table.entries).contains("Index(32 cells)"));
}
