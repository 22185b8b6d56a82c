use super::*;

#[test]
fn fifteen_octets_are_a_name_and_sixteen_are_not() {
    assert!("a23456789012345".parse::<InterfaceName>().is_ok());
    assert!(matches!("a234567890123456".parse::<InterfaceName>(), Err(NameError::TooLong(_))));
}

#[test]
fn what_the_kernel_refuses_is_refused_here() {
    for text in ["", ".", "..", "a/b", "a b", "a:b", "tap0\n", "a\0b", "a%s", "a%d%d", "%"] {
        assert!(matches!(text.parse::<InterfaceName>(), Err(NameError::Invalid(_))), "{text:?}");
    }
}
