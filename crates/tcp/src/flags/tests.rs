use super::*;

#[test]
fn flags_have_bits_of_rfc_9293() {
    let bits: Vec<_> = Flags::ALL.iter().map(|(flag, name)| (*name, flag.bits())).collect();
    let expected =
        [("FIN", 1), ("SYN", 2), ("RST", 4), ("PSH", 8), ("ACK", 16), ("URG", 32), ("ECE", 64), ("CWR", 128)];
    assert_eq!(bits, expected);
}

#[test]
fn flags_are_combined_and_removed() {
    for bits in 0..=u8::MAX {
        let flags = Flags::from_bits(bits);
        for (flag, name) in Flags::ALL {
            assert_eq!(flags.contains(flag), bits & flag.bits() != 0, "{bits:#x} {name}");
            assert!(flags.with(flag).contains(flag), "{bits:#x} {name}");
            assert!(!flags.without(flag).contains(flag), "{bits:#x} {name}");
            assert_eq!(flags.without(flag).bits(), bits & !flag.bits(), "{bits:#x} {name}");
            assert_eq!((flags | flag).bits(), bits | flag.bits(), "{bits:#x} {name}");
        }
        assert!(flags.contains(Flags::NONE), "{bits:#x}");
    }
}

#[test]
fn display_prints_names_of_flags() {
    assert_eq!(Flags::NONE.to_string(), "");
    assert_eq!((Flags::FIN | Flags::PSH | Flags::ACK).to_string(), "FIN PSH ACK");
}
