use super::*;

#[test]
fn protocols_are_shown_by_name_and_number() {
    let table = [(1, "ICMP (1)"), (2, "IGMP (2)"), (6, "TCP (6)"), (17, "UDP (17)"), (200, "Unknown (200)")];
    for (number, text) in table {
        assert_eq!(IpProtocol(number).to_string(), text);
        assert_eq!(format!("{:?}", IpProtocol(number)), text);
    }
}
