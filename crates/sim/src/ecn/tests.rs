use super::*;
use proptest::prelude::*;

/// Returns an IPv4 header without options and with a valid checksum.
fn header(type_of_service: u8, rest: [u8; 8]) -> Vec<u8> {
    let mut header = [&[0x45, type_of_service][..], &rest, &[0, 0, 10, 0, 0, 1, 10, 0, 0, 2]].concat();
    let sum = checksum::of(&header).to_be_bytes();
    header[10..12].copy_from_slice(&sum);
    header
}

/// Returns a frame with this EtherType field (and tags) and payload.
fn frame(ether_type: &[u8], payload: &[u8]) -> Vec<u8> {
    [&[2; 12][..], ether_type, payload].concat()
}

const ETHER_TYPES: [&[u8]; 4] = [
    &[8, 0],
    &[0x81, 0, 0, 5, 8, 0],
    &[0x88, 0xa8, 0, 7, 0x81, 0, 0, 5, 8, 0],
    &[0, 28, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0],
];

#[test]
fn only_datagrams_of_ecn_capable_senders_are_marked() {
    for ether_type in ETHER_TYPES {
        for dscp in [0, 0b1011_1000] {
            for (ecn, is_marked) in [(0b00, false), (0b01, true), (0b10, true), (0b11, false)] {
                let sent = frame(ether_type, &header(dscp | ecn, [0, 20, 0, 0, 0x40, 0, 64, 17]));
                let mut marked = sent.clone();
                assert_eq!(mark(&mut marked), is_marked, "ECN field {ecn:02b}");
                let expected = header(dscp | 0b11, [0, 20, 0, 0, 0x40, 0, 64, 17]);
                let expected = if is_marked { frame(ether_type, &expected) } else { sent };
                assert_eq!(marked, expected, "ECN field {ecn:02b}");
            }
        }
    }
}

#[test]
fn other_frames_are_not_marked() {
    let datagram = header(0b10, [0, 20, 0, 0, 0, 0, 64, 17]);
    let mut version_6 = datagram.clone();
    version_6[0] = 0x65;
    let others = [
        frame(&[0x86, 0xdd], &datagram),
        frame(&[8, 6], &datagram),
        frame(&[8, 0], &version_6),
        frame(&[8, 0], &datagram[..11]),
        frame(&[8, 0], &[]),
        vec![2; 13],
        Vec::new(),
    ];
    for sent in others {
        let mut frame = sent.clone();
        assert!(!mark(&mut frame) && frame == sent, "{sent:?}");
    }
}

proptest! {
    #[test]
    fn marked_header_has_valid_checksum(type_of_service: u8, rest: [u8; 8], kind in 0_usize..4) {
        let mut frame = frame(ETHER_TYPES[kind], &header(type_of_service, rest));
        let is_marked = mark(&mut frame);
        let (_, header) = frame.split_at(frame.len() - 20);
        prop_assert!(checksum::is_valid(header));
        prop_assert_eq!(header[1] & !FIELD, type_of_service & !FIELD);
        prop_assert_eq!(is_marked, header[1] != type_of_service);
    }

    #[test]
    fn mark_changes_only_ecn_field_and_checksum(bytes in prop::collection::vec(any::<u8>(), 0..60), kind in 0_usize..4) {
        let sent = frame(ETHER_TYPES[kind], &bytes);
        let mut frame = sent.clone();
        let is_marked = mark(&mut frame);
        let changed = frame.iter().zip(&sent).filter(|(now, before)| now != before).count();
        prop_assert!(if is_marked { (2..=3).contains(&changed) } else { changed == 0 }, "{changed} bytes changed");
    }
}
