use super::*;

#[test]
fn interface_name_is_accepted_with_15_bytes_and_rejected_with_16() {
    assert!("a23456789012345".parse::<InterfaceName>().is_ok());
    assert!(matches!("a234567890123456".parse::<InterfaceName>(), Err(NameError::TooLong(_))));
}

#[test]
fn interface_name_is_rejected_when_kernel_refuses_it() {
    for text in ["", ".", "..", "a/b", "a b", "a:b", "tap0\n", "a\0b", "a%s", "a%d%d", "%"] {
        assert!(matches!(text.parse::<InterfaceName>(), Err(NameError::Invalid(_))), "{text:?}");
    }
}

#[test]
fn invalid_interface_name_error_names_reason() {
    let rows = [
        ("", "it is empty"),
        ("..", "reserved by the kernel"),
        ("a/b", "it contains a slash"),
        ("a:b", "it contains a colon"),
        ("a%d%d", "it contains a percent sign other than one `%d`"),
        ("a b", "it contains white space or a zero byte"),
        ("a%d b", "it contains white space or a zero byte"),
    ];
    for (name, why) in rows {
        let error = name.parse::<InterfaceName>().unwrap_err().to_string();
        assert_eq!(error, format!("invalid interface name `{name}`: {why}"));
    }
}

#[test]
fn interface_name_is_reserved_when_kernel_uses_it_for_settings() {
    for text in ["all", "default"] {
        let error = text.parse::<InterfaceName>().unwrap_err();
        assert_eq!(error, NameError::Reserved(text.to_owned()));
        assert!(error.to_string().contains("reserved by the kernel"), "{error}");
    }
    assert!("all0".parse::<InterfaceName>().is_ok());
}

#[test]
fn displayed_name_is_escaped_when_it_has_control_characters() {
    let name: InterfaceName = "a\x1b[2Jb\\c'd".parse().unwrap();
    assert_eq!(name.to_string(), "a\\u{1b}[2Jb\\c'd");
    let too_long = "a\x1b[2J4567890123456".parse::<InterfaceName>().unwrap_err();
    assert!(!too_long.to_string().contains('\x1b'));
}
