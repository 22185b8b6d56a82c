use super::*;
use host::HostConfig;
use link::MacAddr;

fn host(gateway: Option<&str>) -> Host {
    let defaults = HostConfig::new("10.0.0.2/24".parse().unwrap(), MacAddr::new([2, 0, 0, 0, 0, 2]));
    let gateway = gateway.map(|gateway| gateway.parse().unwrap());
    Host::new(tap::Instant::ORIGIN, &HostConfig { gateway, ..defaults }).unwrap()
}

#[test]
fn ping_target_must_be_one_reachable_host() {
    let verdict = |gateway, target: &str| {
        check_target(&host(gateway), [10, 0, 0, 2].into(), target.parse().unwrap())
            .map_err(|f| format!("{f:?}"))
    };
    assert_eq!(verdict(None, "10.0.0.1"), Ok(()));
    assert_eq!(verdict(Some("10.0.0.1"), "192.0.2.1"), Ok(()));
    let table = [
        ("192.0.2.1", "--gateway or --route"),
        ("10.0.0.2", "the address of tapstack itself"),
        ("10.0.0.255", "a broadcast address"),
        ("10.0.0.0", "a broadcast address"),
        ("255.255.255.255", "a broadcast address"),
        ("224.0.0.1", "a multicast address"),
        ("0.0.0.0", "the unspecified address"),
        ("127.0.0.1", "a loopback address"),
        ("240.0.0.1", "a reserved address"),
    ];
    for (target, part) in table {
        let message = verdict(Some("10.0.0.1").filter(|_| target != "192.0.2.1"), target).unwrap_err();
        assert!(message.contains(part) && message.contains("code: 2"), "{target}: {message}");
    }
}
