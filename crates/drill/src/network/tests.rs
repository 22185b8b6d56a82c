use std::time::Duration;

use super::{Network, START, ip_packet, remove_push};

/// An ICMP echo request from 192.0.2.1 to the host, with 4 bytes of data.
const ECHO_REQUEST: [u8; 32] = [
    0x45, 0, 0, 32, 0, 0, 0, 0, 64, 1, 0xf8, 0x32, 192, 0, 2, 1, 192, 168, 0, 1, 8, 0, 0x21, 0x04, 0x12,
    0x34, 0, 1, 0x61, 0x62, 0x63, 0x64,
];

#[test]
fn host_replies_to_injected_packet_at_time_of_clock() {
    let mut network = Network::new(false).expect("the host should start");
    network.read_clock();
    network.inject(&ECHO_REQUEST).expect("the packet should fit a frame");
    let reply = network.take_sent().expect("the host did not reply");
    assert_eq!((reply.at, reply.bytes.len()), (START + Duration::from_micros(1), 32));
    assert_eq!((&reply.bytes[12..20], reply.bytes[20]), (&[192, 168, 0, 1, 192, 0, 2, 1][..], 0));
    assert!(network.take_sent().is_none(), "the host sent more than the reply");
    assert_eq!(network.pool.held(), 0, "frames are lost");
}

#[test]
fn step_without_deadline_ends_at_limit() {
    let mut network = Network::new(false).expect("the host should start");
    let limit = START + Duration::from_secs(1);
    while network.step(limit) {}
    assert_eq!(network.now(), limit);
    assert!(!network.step(START), "the clock has a step before its time");
    assert_eq!(network.now(), limit, "the clock went back");
}

#[test]
fn padding_of_frame_is_not_part_of_packet() {
    let mut padded = ECHO_REQUEST.to_vec();
    padded.resize(46, 0);
    assert_eq!(ip_packet(&padded), ECHO_REQUEST);
    assert_eq!(ip_packet(&[0x45, 0]), [0x45, 0]);
}

#[test]
fn push_is_removed_with_valid_checksum() {
    // Segments from 192.168.0.1 with PSH and ACK and the data "a". Some checksums have a carry.
    for window in (0..=u16::MAX).step_by(5) {
        let mut packet = [0; 41];
        packet[..20].copy_from_slice(&ECHO_REQUEST[..20]);
        (packet[9], packet[32], packet[40]) = (6, 0x50, 0x61);
        packet[34..36].copy_from_slice(&window.to_be_bytes());
        let with_flags = |flags: u8| {
            let mut packet = packet;
            packet[33] = flags;
            let checksum = checksum(&packet[20..]);
            packet[36..38].copy_from_slice(&checksum.to_be_bytes());
            packet
        };
        let mut pushed = with_flags(0x18);
        remove_push(&mut pushed);
        assert_eq!(pushed, with_flags(0x10), "wrong segment with window {window}");
    }
    let mut echo = ECHO_REQUEST;
    remove_push(&mut echo);
    assert_eq!(echo, ECHO_REQUEST, "a packet without TCP changed");
}

/// Returns the Internet checksum of bytes, without a pseudo-header.
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 =
        bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum ^ 0xffff).expect("the sum was folded")
}
