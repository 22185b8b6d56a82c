use super::*;

fn ranges(text: &str) -> Result<Vec<String>, ErrorMessage> {
    let HostRanges(ranges) = host_ranges(text)?;
    let texts = ranges.iter().map(|HostRange { range, vlan }| {
        format!("{range}{}", vlan.map(|vlan| format!("@{vlan}")).unwrap_or_default())
    });
    Ok(texts.collect())
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
