use super::*;

#[test]
fn exit_code_is_zero_only_for_reachable_entry_with_host_mac() {
    let mac = MacAddr::new([2, 0, 0, 0, 0, 2]);
    let entry = |mac_address, state| KernelNeighbor {
        address: HOST.addr(),
        interface: "tap0".parse().unwrap(),
        mac_address,
        state,
    };
    let stale = KernelNeighborState(4);
    assert_eq!(exit_code(Some(&entry(Some(mac.bytes()), KernelNeighborState::REACHABLE)), mac), 0);
    assert_eq!(exit_code(Some(&entry(Some(mac.bytes()), stale)), mac), 1);
    assert_eq!(exit_code(Some(&entry(Some([2; 6]), KernelNeighborState::REACHABLE)), mac), 1);
    assert_eq!(exit_code(Some(&entry(None, KernelNeighborState::REACHABLE)), mac), 1);
    assert_eq!(exit_code(None, mac), 1);
}
