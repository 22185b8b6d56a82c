use super::*;

#[test]
fn exit_code_is_zero_only_for_page_and_reachable_entry_with_host_mac() {
    let mac = MacAddr::new([2, 0, 0, 0, 0, 2]);
    let entry = |mac_address, state| KernelNeighbor {
        address: HOST.addr(),
        interface: "tap0".parse().unwrap(),
        mac_address,
        state,
    };
    let page = HttpResponse::parse(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let (reachable, stale) = (KernelNeighborState::REACHABLE, KernelNeighborState(4));
    assert_eq!(exit_code(&page, Some(&entry(Some(mac.bytes()), reachable)), mac), 0);
    assert_eq!(exit_code(&page, Some(&entry(Some(mac.bytes()), stale)), mac), 1);
    assert_eq!(exit_code(&page, Some(&entry(Some([2; 6]), reachable)), mac), 1);
    assert_eq!(exit_code(&page, Some(&entry(None, reachable)), mac), 1);
    assert_eq!(exit_code(&page, None, mac), 1);
    let no_page = Err("no page".to_owned());
    assert_eq!(exit_code(&no_page, Some(&entry(Some(mac.bytes()), reachable)), mac), 1);
}
