use super::*;

#[test]
fn exit_code_is_zero_only_for_reachable_entry_with_host_mac() {
    let mac = MacAddr::new([2, 0, 0, 0, 0, 2]);
    let entry = |hardware_address, state| Neighbor {
        address: HOST.addr(),
        interface: "tap0".parse().unwrap(),
        hardware_address,
        state,
    };
    let stale = NeighborState(4);
    assert_eq!(exit_code(Some(&entry(Some(mac.octets()), NeighborState::REACHABLE)), mac), 0);
    assert_eq!(exit_code(Some(&entry(Some(mac.octets()), stale)), mac), 1);
    assert_eq!(exit_code(Some(&entry(Some([2; 6]), NeighborState::REACHABLE)), mac), 1);
    assert_eq!(exit_code(Some(&entry(None, NeighborState::REACHABLE)), mac), 1);
    assert_eq!(exit_code(None, mac), 1);
}
