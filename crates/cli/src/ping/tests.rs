use super::*;
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
        ("10.0.0.2", "our own address"),
        ("10.0.0.255", "means all hosts"),
        ("10.0.0.0", "means all hosts"),
        ("255.255.255.255", "means all hosts"),
        ("224.0.0.1", "a group's address"),
        ("0.0.0.0", "nobody's address"),
        ("127.0.0.1", "nobody's address"),
        ("240.0.0.1", "nobody's address"),
    ];
    for (target, part) in table {
        let message = verdict(Some("10.0.0.1").filter(|_| target != "192.0.2.1"), target).unwrap_err();
        assert!(message.contains(part) && message.contains("code: 2"), "{target}: {message}");
    }
}
