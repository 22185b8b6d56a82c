use super::*;

const NUMBERS: Numbers = Numbers { port: 40_000, sequence: 0xffff_ffff, acknowledgment: 7 };

/// Returns the SYN,ACK that answers a SYN, with a checksum for all data or for the pseudo-header only.
fn answer(is_partial: bool) -> Vec<u8> {
    let syn = frame(NUMBERS, SYN);
    let mut segment = syn[PAYLOAD..].to_vec();
    segment.swap(0, 2);
    segment.swap(1, 3);
    segment[4..8].copy_from_slice(&99_u32.to_be_bytes());
    segment[8..12].copy_from_slice(&0_u32.to_be_bytes());
    segment[13] = SYN | ACK;
    let pseudo_header = sum(&[&syn[IP + 12..PAYLOAD], &[0, TCP, 0, 32]].concat());
    segment[CHECKSUM..CHECKSUM + 2].copy_from_slice(&pseudo_header.to_be_bytes());
    if !is_partial {
        write_checksum(&mut segment, CHECKSUM);
    }
    datagram(RESPONDER.at(0), REQUESTER.at(0), TCP, &segment)
}

#[test]
fn checksum_of_segment_covers_pseudo_header() {
    for flags in [SYN, ACK, RST] {
        let frame = frame(NUMBERS, flags);
        let length = u8::try_from(frame.len() - PAYLOAD).expect("the segment should be short");
        let covered = [&frame[IP + 12..PAYLOAD], &[0, TCP, 0, length], &frame[PAYLOAD..]].concat();
        assert_eq!(sum(&covered), 0xffff, "flags {flags:#x}");
    }
}

#[test]
fn syn_ack_has_numbers_of_its_handshake() {
    let expected = Numbers { port: NUMBERS.port, sequence: 99, acknowledgment: 0 };
    for is_partial in [false, true] {
        let frame = answer(is_partial);
        assert_eq!(syn_ack(&frame, true), Some(expected));
        assert_eq!(syn_ack(&[&frame[..], &[0; 6]].concat(), true), Some(expected), "padding");
        assert_eq!(syn_ack(&frame, false).is_some(), !is_partial, "partial: {is_partial}");
        let mut changed = frame;
        changed[PAYLOAD + CHECKSUM] ^= 1;
        assert_eq!(syn_ack(&changed, true), None, "a wrong checksum was accepted");
    }
    assert_eq!(syn_ack(&frame(NUMBERS, SYN), false), None, "a SYN was accepted");
}

#[test]
fn every_byte_of_syn_ack_is_checked() {
    let frame = answer(false);
    for at in 0..frame.len() {
        let mut changed = frame.clone();
        changed[at] ^= 1;
        assert_eq!(syn_ack(&changed, false), None, "byte {at} was not checked");
        assert_eq!(syn_ack(&frame[..at], false), None, "a frame of {at} bytes was accepted");
    }
}

#[test]
fn forged_segment_has_checksums() {
    let mut frame = frame(NUMBERS, SYN);
    forge_source(&mut frame, Ipv4Addr::new(198, 18, 7, 9), 1_234);
    assert_eq!(frame[IP + 12..IP + 16], [198, 18, 7, 9]);
    assert_eq!(frame[PAYLOAD..PAYLOAD + 2], 1_234_u16.to_be_bytes());
    assert_eq!(sum(&frame[IP..PAYLOAD]), 0xffff);
    let covered = [&frame[IP + 12..PAYLOAD], &[0, TCP, 0, 32], &frame[PAYLOAD..]].concat();
    assert_eq!(sum(&covered), 0xffff);
}
