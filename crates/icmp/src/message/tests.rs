use super::*;
use proptest::prelude::*;

fn request(identifier: u16, sequence: u16, data: &[u8]) -> Vec<u8> {
    let mut message = vec![0xee; 8 + data.len()];
    Echo { identifier, sequence, data }.write_to(IcmpType::ECHO_REQUEST, &mut message).unwrap();
    message
}

fn reply(identifier: u16, sequence: u16, data: &[u8]) -> Vec<u8> {
    let mut message = vec![0xee; 8 + data.len()];
    Echo { identifier, sequence, data }.write_to(IcmpType::ECHO_REPLY, &mut message).unwrap();
    message
}

// proves: rfc792-echo
#[test]
fn echo_request_has_rfc_792_layout_and_reply_differs_in_type_and_checksum() {
    let mut message = request(0x1234, 7, b"abc");
    assert_eq!(message, [8, 0, 0x21, 0x62, 0x12, 0x34, 0, 7, b'a', b'b', b'c']);
    reply_in_place(&mut message).unwrap();
    assert_eq!(message, [0, 0, 0x29, 0x62, 0x12, 0x34, 0, 7, b'a', b'b', b'c']);
}

// proves: rfc792-echo
#[test]
fn reply_checksum_is_valid_when_reply_is_all_zeros() {
    for length in [0, 1, 56] {
        let mut message = request(0, 0, &vec![0; length]);
        reply_in_place(&mut message).unwrap();
        assert_eq!(message, reply(0, 0, &vec![0; length]));
        assert!(IcmpMessage::parse(&message).is_ok());
    }
    // The sum of this reply is -0, so the checksum is zero.
    let mut message = request(0xffff, 0, b"");
    reply_in_place(&mut message).unwrap();
    assert_eq!(message, reply(0xffff, 0, b""));
    assert_eq!(message[2..4], [0, 0]);
}

#[test]
fn reply_is_refused_when_message_is_not_echo_request() {
    assert_eq!(reply_in_place(&mut reply(1, 2, b"")), Err(IcmpDropReason::UnsupportedType));
    assert_eq!(reply_in_place(&mut [8; 7]), Err(IcmpDropReason::Truncated));
}

// proves: rfc792-echo
#[test]
fn reply_has_code_zero_when_request_has_another() {
    let mut message = request(1, 2, b"data");
    message[1] = 9;
    message[2..4].fill(0);
    set_checksum(&mut message).unwrap();
    reply_in_place(&mut message).unwrap();
    assert_eq!(message, reply(1, 2, b"data"));
}

// proves: rfc792-length, rfc792-checksum
#[test]
fn message_is_dropped_when_short_or_damaged() {
    let message = request(1, 2, b"data");
    for length in 0..8 {
        assert_eq!(
            IcmpMessage::parse(&message[..length]).unwrap_err(),
            IcmpDropReason::Truncated,
            "{length}"
        );
    }
    for bit in 0..8 * message.len() {
        let mut damaged = message.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(IcmpMessage::parse(&damaged).unwrap_err(), IcmpDropReason::Checksum, "bit {bit}");
    }
}

#[test]
fn echo_is_written_only_when_buffer_has_its_length() {
    let echo = Echo { identifier: 1, sequence: 2, data: b"data" };
    for length in [0, 7, 11, 13] {
        assert_eq!(
            echo.write_to(IcmpType::ECHO_REQUEST, &mut vec![0; length]),
            Err(IcmpDropReason::Truncated)
        );
    }
}

proptest! {
    // proves: rfc792-echo
    #[test]
    fn reply_mirrors_identifier_sequence_and_data(
        identifier: u16,
        sequence: u16,
        data in prop::collection::vec(any::<u8>(), 0..2_000),
    ) {
        let mut message = request(identifier, sequence, &data);
        let IcmpBody::Request(echo) = IcmpMessage::parse(&message).unwrap().body().unwrap() else { panic!() };
        prop_assert_eq!(echo, Echo { identifier, sequence, data: &data });
        reply_in_place(&mut message).unwrap();
        prop_assert_eq!(&message, &reply(identifier, sequence, &data));
        let IcmpBody::Reply(echo) = IcmpMessage::parse(&message).unwrap().body().unwrap() else { panic!() };
        prop_assert_eq!(echo, Echo { identifier, sequence, data: &data });
    }

    #[test]
    fn any_bytes_are_parsed_without_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..128), repaired: bool) {
        if repaired && bytes.len() >= 8 {
            bytes[2..4].fill(0);
            set_checksum(&mut bytes).unwrap();
        }
        if let Ok(IcmpBody::Error(_, quoted)) = IcmpMessage::parse(&bytes).and_then(|message| message.body()) {
            let _ = (quoted.ports(), quoted.echo());
        }
        let _ = reply_in_place(&mut bytes);
    }
}
