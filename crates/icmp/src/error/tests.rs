use super::*;
use crate::{IcmpBody, IcmpMessage};

mod quoted;

// proves: rfc792-quote
#[test]
fn error_has_rfc_792_layout() {
    let about = [0x45; 28];
    let mut message = [0xee; 100];
    assert_eq!(IcmpError::PORT_UNREACHABLE.write_to(&about, &mut message), Ok(36));
    assert_eq!(message[..8], [3, 3, message[2], message[3], 0, 0, 0, 0]);
    assert_eq!(message[8..36], about);
    assert_eq!(message[36], 0xee);
    assert!(IcmpMessage::parse(&message[..36]).is_ok());
}

// proves: rfc792-quote
#[test]
fn error_quotes_datagram_up_to_576_bytes_with_header() {
    let about: Vec<u8> = (0..1_500_u32).map(|place| place.to_le_bytes()[0]).collect();
    let mut message = [0; 1_500];
    let length = IcmpError::REASSEMBLY_EXCEEDED.write_to(&about, &mut message).unwrap();
    assert_eq!(length + 20, 576);
    assert_eq!(message[8..length], about[..548]);
    assert_eq!(IcmpError::REASSEMBLY_EXCEEDED.write_to(&about, &mut [0; 36]), Ok(36));
    assert_eq!(IcmpError::REASSEMBLY_EXCEEDED.write_to(&about, &mut [0; 7]), Err(IcmpDropReason::Truncated));
}

#[test]
fn errors_are_read_as_written() {
    let table = [
        (IcmpError::NETWORK_UNREACHABLE, 3, 0, "network unreachable"),
        (IcmpError::HOST_UNREACHABLE, 3, 1, "host unreachable"),
        (IcmpError::PROTOCOL_UNREACHABLE, 3, 2, "protocol unreachable"),
        (IcmpError::PORT_UNREACHABLE, 3, 3, "port unreachable"),
        (IcmpError::fragmentation_needed(1_400), 3, 4, "fragmentation needed"),
        (IcmpError::unreachable(13), 3, 13, "administratively prohibited"),
        (IcmpError::HOPS_EXCEEDED, 11, 0, "time to live exceeded"),
        (IcmpError::REASSEMBLY_EXCEEDED, 11, 1, "reassembly time exceeded"),
        (IcmpError::parameter(20), 12, 0, "parameter problem (12) code 0"),
    ];
    let about = [&[0x45][..], &[0; 27]].concat();
    for (error, icmp_type, code, text) in table {
        let mut message = [0; 36];
        error.write_to(&about, &mut message).unwrap();
        assert_eq!(message[..2], [icmp_type, code], "{text}");
        let IcmpBody::Error(read, _) = IcmpMessage::parse(&message).unwrap().body().unwrap() else {
            panic!("{text}")
        };
        assert_eq!(read, error);
        assert_eq!((read.icmp_type(), read.code()), (IcmpType(icmp_type), code));
        assert_eq!(read.to_string(), text);
        assert_eq!(read.mtu(), (code == 4).then_some(1_400), "{text}");
        assert_eq!(read.pointer(), (icmp_type == 12).then_some(20), "{text}");
    }
}

#[test]
fn redirect_names_gateway() {
    let redirect = IcmpError { icmp_type: IcmpType::REDIRECT, code: 1, rest: [10, 0, 0, 254] };
    assert_eq!(redirect.gateway(), Some([10, 0, 0, 254].into()));
    assert_eq!(IcmpError::HOST_UNREACHABLE.gateway(), None);
}
