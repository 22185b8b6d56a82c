use super::*;

#[test]
fn ether_type_is_shown_by_name_and_number() {
    let printed = [
        (EtherType::IPV4, "IPv4 (0x0800)"),
        (EtherType::ARP, "ARP (0x0806)"),
        (EtherType::VLAN, "802.1Q (0x8100)"),
        (EtherType::IPV6, "IPv6 (0x86dd)"),
        (EtherType::SERVICE_VLAN, "802.1Q-QinQ (0x88a8)"),
        (EtherType(0x88b5), "Unknown (0x88b5)"),
    ];
    for (ether_type, text) in printed {
        assert_eq!(ether_type.to_string(), text);
        assert_eq!(format!("{ether_type:?}"), text);
    }
}
