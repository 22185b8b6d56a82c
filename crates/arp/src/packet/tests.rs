use super::*;
use proptest::prelude::*;

mod frame_view;

const REQUEST: PacketFields = PacketFields {
    operation: Operation::REQUEST,
    sender_hardware: MacAddr::new([2, 0, 0, 0, 0, 1]),
    sender_protocol: Ipv4Addr::new(10, 0, 0, 1),
    target_hardware: MacAddr::ZERO,
    target_protocol: Ipv4Addr::new(10, 0, 0, 2),
};

fn bytes() -> [u8; 28] {
    let mut bytes = [0xff; 28];
    REQUEST.write_to(&mut bytes).unwrap();
    bytes
}

#[test]
fn request_layout_matches_rfc_826() {
    let expected = [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2];
    assert_eq!(bytes(), expected);
}

// proves: truncated
#[test]
fn packet_below_28_bytes_is_truncated() {
    for length in 0..28 {
        let bytes = bytes();
        assert_eq!(Packet::parse(&bytes[..length]).unwrap_err(), ArpDropReason::Truncated, "{length}");
    }
}

// proves: rfc826-padding
#[test]
fn bytes_after_packet_are_padding() {
    let padded = [&bytes()[..], &[0xee; 18]].concat();
    assert_eq!(PacketFields::from(Packet::parse(&padded).unwrap()), REQUEST);
}

// proves: rfc826-hardware-type, rfc826-protocol-type, rfc826-lengths
#[test]
fn packet_is_dropped_when_fixed_field_is_wrong() {
    let cases = [
        (1, 7, ArpDropReason::HardwareType),
        (4, 8, ArpDropReason::HardwareLength),
        (3, 6, ArpDropReason::ProtocolType),
        (5, 16, ArpDropReason::ProtocolLength),
    ];
    for (place, value, reason) in cases {
        let mut bytes = bytes();
        bytes[place] = value;
        assert_eq!(Packet::parse(&bytes).unwrap_err(), reason);
    }
}

// proves: rfc826-hardware-type, rfc826-protocol-type, rfc826-lengths
#[test]
fn packet_is_dropped_when_any_bit_of_fixed_fields_is_wrong() {
    use ArpDropReason::{HardwareLength, HardwareType, ProtocolLength, ProtocolType};
    let reasons = [HardwareType, HardwareType, ProtocolType, ProtocolType, HardwareLength, ProtocolLength];
    for bit in 0..8 * 28 {
        let mut bytes = bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Packet::parse(&bytes).err(), reasons.get(bit / 8).copied(), "{bit}");
    }
}

// proves: rfc1042-hardware-type
#[test]
fn hardware_type_6_is_accepted_when_other_fixed_fields_are_valid() {
    let mut bytes = bytes();
    bytes[1] = 6;
    assert_eq!(PacketFields::from(Packet::parse(&bytes).unwrap()), REQUEST);
    for (place, reason) in [
        (4, ArpDropReason::HardwareLength),
        (3, ArpDropReason::ProtocolType),
        (5, ArpDropReason::ProtocolLength),
    ] {
        let mut wrong = bytes;
        wrong[place] ^= 0xff;
        assert_eq!(Packet::parse(&wrong).unwrap_err(), reason);
    }
}

#[test]
fn drop_reason_names_first_wrong_field_in_rfc_826_order() {
    let fields = [
        (1, ArpDropReason::HardwareType),
        (4, ArpDropReason::HardwareLength),
        (3, ArpDropReason::ProtocolType),
        (5, ArpDropReason::ProtocolLength),
    ];
    for first in 0..fields.len() {
        let mut bytes = bytes();
        fields[first..].iter().for_each(|(place, _)| bytes[*place] ^= 0xff);
        assert_eq!(Packet::parse(&bytes).unwrap_err(), fields[first].1);
    }
}

#[test]
fn write_fails_when_buffer_is_below_28_bytes() {
    assert_eq!(REQUEST.write_to(&mut [0; 27]), Err(ArpDropReason::Truncated));
}

// proves: rfc826-foreign
#[test]
fn operations_of_other_standards_have_names() {
    let named: Vec<u16> = (0..=u16::MAX).filter(|number| Operation(*number).name().is_some()).collect();
    assert_eq!(named, [0, 1, 2, 3, 4, 8, 9, 24, 25, 65_535]);
    let foreign = named.into_iter().filter(|number| Operation(*number).is_foreign()).count();
    assert_eq!(foreign, 8);
}

prop_compose! {
    fn fields()(
        operation: u16,
        sender_hardware: [u8; 6],
        sender_protocol: [u8; 4],
        target_hardware: [u8; 6],
        target_protocol: [u8; 4],
    ) -> PacketFields {
        PacketFields {
            operation: Operation(operation),
            sender_hardware: sender_hardware.into(),
            sender_protocol: sender_protocol.into(),
            target_hardware: target_hardware.into(),
            target_protocol: target_protocol.into(),
        }
    }
}

proptest! {
    #[test]
    fn written_packet_parses_to_same_fields(fields in fields()) {
        let mut bytes = [0xff; 28];
        fields.write_to(&mut bytes).unwrap();
        prop_assert_eq!(PacketFields::from(Packet::parse(&bytes).unwrap()), fields);
    }

    // proves: truncated
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = Packet::parse(&bytes);
    }
}
