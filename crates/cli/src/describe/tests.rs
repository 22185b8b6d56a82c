use super::*;

mod datagrams;

const HEAD: [u8; 12] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
const REQUEST: [u8; 28] =
    [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2];

fn line(rest: &[&[u8]]) -> String {
    describe(&[&HEAD, &rest.concat()[..]].concat())
}

// What tcpdump 4.99.3 prints of the same octets with -e -n -t.

#[test]
fn a_request() {
    let expected = "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype ARP (0x0806), length 42: Request who-has 10.0.0.2 tell 10.0.0.1, length 28";
    assert_eq!(line(&[&[8, 6], &REQUEST]), expected);
}

#[test]
fn a_padded_reply() {
    let mut reply = REQUEST;
    reply[7] = 2;
    let expected = "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype ARP (0x0806), length 60: Reply 10.0.0.1 is-at 02:00:00:00:00:01, length 46";
    assert_eq!(line(&[&[8, 6], &reply, &[0; 18]]), expected);
}

#[test]
fn a_request_that_names_its_target_hardware_address() {
    let mut request = REQUEST;
    request[18..24].fill(0xff);
    assert!(
        line(&[&[8, 6], &request])
            .ends_with("Request who-has 10.0.0.2 (ff:ff:ff:ff:ff:ff) tell 10.0.0.1, length 28")
    );
}

#[test]
fn questions_that_rfc_826_does_not_ask() {
    let table = [
        (3, "Reverse Request who-is 02:00:00:00:00:09 tell 02:00:00:00:00:01, length 28"),
        (4, "Reverse Reply 02:00:00:00:00:09 at 10.0.0.2, length 28"),
        (8, "Inverse Request who-is 02:00:00:00:00:09 tell 02:00:00:00:00:01, length 28"),
        (9, "Inverse Reply 02:00:00:00:00:01 at 10.0.0.1, length 28"),
    ];
    for (operation, words) in table {
        let mut packet = REQUEST;
        packet[7] = operation;
        packet[18..24].copy_from_slice(&[2, 0, 0, 0, 0, 9]);
        let line = line(&[&[8, 6], &packet]);
        assert!(line.ends_with(&format!("length 42: {words}")), "{line}");
    }
}

#[test]
fn one_tag_and_two() {
    let one = line(&[&[0x81, 0, 0x60, 5, 8, 6], &REQUEST]);
    assert!(one.ends_with("ethertype 802.1Q (0x8100), length 46: vlan 5, p 3, ethertype ARP (0x0806), Request who-has 10.0.0.2 tell 10.0.0.1, length 28"), "{one}");
    let two = line(&[&[0x88, 0xa8, 0x10, 5, 0x81, 0, 0, 6, 8, 6], &REQUEST]);
    assert!(two.ends_with("ethertype 802.1Q-QinQ (0x88a8), length 50: vlan 5, p 0, DEI, ethertype 802.1Q (0x8100), vlan 6, p 0, ethertype ARP (0x0806), Request who-has 10.0.0.2 tell 10.0.0.1, length 28"), "{two}");
}

#[test]
fn a_length_frame() {
    let snap = line(&[&[0, 36, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6], &REQUEST]);
    assert!(snap.ends_with("02:00:00:00:00:02, 802.3, length 36: LLC, dsap SNAP (0xaa) Individual, ssap SNAP (0xaa) Command, ctrl 0x03: oui Ethernet (0x000000), ethertype ARP (0x0806), length 28: Request who-has 10.0.0.2 tell 10.0.0.1, length 28"), "{snap}");
}

// Where tcpdump says more, or less.

#[test]
fn a_payload_that_is_not_described_ends_with_the_length() {
    assert!(line(&[&[0x88, 0xb5], &[0; 46]]).ends_with("ethertype Unknown (0x88b5), length 60"));
}

#[test]
fn what_makes_no_sense_says_why() {
    assert_eq!(describe(&[0; 5]), "[shorter than an Ethernet header], length 5");
    assert!(line(&[&[8, 6], &REQUEST[..27]]).ends_with("[shorter than an ARP packet], length 27"));
}
