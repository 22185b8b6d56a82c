use super::*;

const EXPECTED_NETWORK: &str = "expected an IPv4 address with a prefix length\nhint: use e.g. 10.0.0.2/24";

#[test]
fn leading_zeros_are_rejected_with_reason_by_each_parser() {
    let reason = ErrorMessage::new("010 has a leading zero, which other programs read as octal")
        .hint("write the number without the leading zero");
    for text in ["010.0.0.10", "10.0.0.010"] {
        assert_eq!(ip_address(text).unwrap_err(), reason);
        assert_eq!(network(&format!("{text}/24")).unwrap_err(), reason);
        assert_eq!(network(text).unwrap_err(), reason);
    }
    assert!(network("10.0.0.0/024").is_err());
    assert!(with_netmask([10, 0, 0, 0].into(), "255.255.255.00").unwrap_err().text().contains("octal"));
    assert_eq!(ip_address("0.0.0.0").unwrap(), Ipv4Addr::UNSPECIFIED);
}

#[test]
fn parse_error_names_invalid_part() {
    let rows = [
        ("10.0.0.2/33", "expected a prefix length from 0 to 32"),
        ("10.0.0.2/", "expected a prefix length from 0 to 32"),
        ("10.0.0.2/-1", "expected a prefix length from 0 to 32"),
        ("10.0.0.256/24", "256 is greater than 255"),
        ("10.0.0.99999999999/24", "99999999999 is greater than 255"),
        ("10.0.0.2", "the prefix length is missing\nhint: write e.g. 10.0.0.2/24"),
        ("10.0.0.2/255.0.255.0", "255.0.255.0 is not a netmask\nhint: use e.g. 255.255.255.0"),
        ("fe80::2/64", "IPv6 is not supported\nhint: use an IPv4 address, e.g. 10.0.0.1"),
        ("::1", "IPv6 is not supported\nhint: use an IPv4 address, e.g. 10.0.0.1"),
        ("10.0.0/24", EXPECTED_NETWORK),
        ("10.0.0.x/24", EXPECTED_NETWORK),
        ("", EXPECTED_NETWORK),
        ("host", EXPECTED_NETWORK),
    ];
    for (text, why) in rows {
        assert_eq!(network(text).unwrap_err().to_string(), why, "{text}");
    }
}

#[test]
fn non_host_address_is_rejected_with_reason() {
    let rows = [
        ("10.0.0.0/24", "10.0.0.0 is the network address of 10.0.0.0/24"),
        ("10.0.0.255/24", "10.0.0.255 is the broadcast address of 10.0.0.0/24"),
        ("127.0.0.1/8", "127.0.0.1 is a loopback address"),
        ("224.0.0.1/24", "224.0.0.1 is a multicast address"),
        ("0.0.0.0/0", "0.0.0.0 is the unspecified address"),
        ("0.0.0.1/8", "0.0.0.1 is an address of 0.0.0.0/8, which no host has"),
        ("240.0.0.1/24", "240.0.0.1 is a reserved address of 240.0.0.0/4"),
        ("255.255.255.255/32", "255.255.255.255 is the broadcast address"),
    ];
    for (text, why) in rows {
        let message = host_network(text).unwrap_err().to_string();
        assert_eq!(message, format!("{why}\nhint: use the address of a host, e.g. 10.0.0.2/24"));
    }
    for text in ["10.0.0.2/24", "10.0.0.0/31", "10.0.0.1/31", "10.0.0.0/32", "223.0.0.1/0"] {
        let expected = text.parse().unwrap();
        assert_eq!(host_network(text), Ok(expected));
    }
    assert_eq!(
        range("10.1.0.5/24").unwrap_err().to_string(),
        "host bits are set in 10.1.0.5/24\nhint: use the range 10.1.0.0/24"
    );
}

#[test]
fn range_without_prefix_length_is_rejected_with_valid_ranges() {
    for (text, hint) in [
        ("10.1.0.5", "use 10.1.0.5/32 for one address, or e.g. 10.1.0.0/24"),
        ("10.1.0.0", "use 10.1.0.0/32 for one address, or e.g. 10.1.0.0/24"),
    ] {
        let error = range(text).unwrap_err().to_string();
        assert_eq!(error, format!("the prefix length is missing\nhint: {hint}"));
    }
    for suggested in ["10.1.0.5/32", "10.1.0.0/24"] {
        assert!(range(suggested).is_ok(), "the hint suggests {suggested}, which is refused");
    }
}

#[test]
fn netmask_parses_to_prefix_length() {
    assert_eq!(network("10.0.0.2/255.255.255.0").unwrap(), "10.0.0.2/24".parse().unwrap());
    assert_eq!(network("10.0.0.2/0.0.0.0").unwrap(), "10.0.0.2/0".parse().unwrap());
}

#[test]
fn group_and_zero_mac_addresses_are_rejected_with_reason() {
    for (text, kind) in [
        ("00:00:00:00:00:00", "the zero MAC address"),
        ("ff:ff:ff:ff:ff:ff", "the broadcast MAC address"),
        ("0100.5e00.0001", "a multicast MAC address"),
        ("02:00", "six bytes in hexadecimal"),
    ] {
        assert!(station_mac(text).unwrap_err().text().contains(kind), "{text}");
    }
    assert_eq!(station_mac("0200.0000.0002").unwrap().to_string(), "02:00:00:00:00:02");
}

#[test]
fn sender_address_is_that_of_a_host_or_of_a_probe() {
    for valid in ["10.0.0.2", "0.0.0.0", "169.254.0.1"] {
        assert_eq!(check_sender(valid.parse().unwrap()), Ok(()), "{valid}");
    }
    for (invalid, kind) in [("224.0.0.1", "a multicast address"), ("127.0.0.1", "a loopback address")] {
        let error = check_sender(invalid.parse().unwrap()).unwrap_err();
        assert_eq!(error.text(), format!("invalid sender address {invalid}: {kind}"));
    }
}
