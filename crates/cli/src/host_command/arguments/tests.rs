use super::*;

fn ranges(text: &str) -> Result<Vec<String>, ErrorMessage> {
    let hosts = host_range(text)?;
    let vlan = hosts.vlan.map(|vlan| format!("@{vlan}")).unwrap_or_default();
    Ok(hosts.networks().map(|network| format!("{network}{vlan}")).collect())
}

#[test]
fn range_from_first_to_last_address_has_each_address_once() {
    assert_eq!(ranges("10.1.0.0/16").unwrap(), ["10.1.0.0/16"]);
    assert_eq!(ranges("10.1.0.1-9").unwrap(), ["10.1.0.1/32", "10.1.0.2/31", "10.1.0.4/30", "10.1.0.8/31"]);
    assert_eq!(ranges("10.1.0.254-10.1.1.255@5").unwrap(), ["10.1.0.254/31@5", "10.1.1.0/24@5"]);
    assert_eq!(ranges("10.1.0.7-7").unwrap(), ["10.1.0.7/32"]);
    assert_eq!(ranges("10.0.0.0-10.255.255.255").unwrap(), ["10.0.0.0/8"]);
}

#[test]
fn range_from_first_to_last_address_is_refused_with_reason() {
    for (bad, why) in [
        ("10.1.0.1-", "expected an IPv4 address"),
        ("10.1.0.1-9-12", "expected an IPv4 address"),
        ("10.1.0.1-9/24", "expected an IPv4 address"),
        ("10.1.0.1-256", "256 is greater than 255"),
        ("10.0.0.0-11.0.0.0", "range of 16777217 hosts (maximum 16777216)"),
        ("126.255.255.0-127.0.0.1", "127.0.0.0 is a loopback address"),
        ("223.255.255.255-224.0.0.0", "224.0.0.0 is a multicast address"),
    ] {
        assert_eq!(ranges(bad).unwrap_err().text(), why, "{bad}");
    }
}

#[test]
fn ranges_of_one_vlan_overlap_when_they_share_an_address() {
    let overlap = |one: &str, other: &str| host_range(one).unwrap().overlaps(&host_range(other).unwrap());
    for (one, other, shared) in [
        ("10.1.0.1-9", "10.1.0.9-12", true),
        ("10.1.0.0/16", "10.1.2.0/24", true),
        ("10.1.0.5/32@5", "10.1.0.1-9@5", true),
        ("10.1.0.1-9", "10.1.0.10-12", false),
        ("10.1.0.0/24@5", "10.1.0.0/24@6", false),
        ("10.1.0.0/24@5", "10.1.0.0/24", false),
    ] {
        assert_eq!(overlap(one, other), shared, "{one} and {other}");
        assert_eq!(overlap(other, one), shared, "{other} and {one}");
    }
}

#[test]
fn range_counts_all_its_hosts() {
    for (text, count) in [("10.1.0.7-7", 1), ("10.1.0.1-10.1.3.232", 1_000), ("10.0.0.0/8@5", 1 << 24)] {
        assert_eq!(host_range(text).unwrap().count(), count, "{text}");
    }
}
