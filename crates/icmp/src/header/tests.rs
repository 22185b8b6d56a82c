use super::*;

#[test]
fn every_type_is_error_query_or_unknown() {
    let errors: Vec<u8> = (0..=255).filter(|number| IcmpType(*number).is_error()).collect();
    let queries: Vec<u8> = (0..=255).filter(|number| IcmpType(*number).is_query()).collect();
    assert_eq!(errors, [3, 4, 5, 11, 12]);
    assert_eq!(queries, [0, 8, 9, 10, 13, 14, 15, 16, 17, 18]);
}

#[test]
fn types_are_shown_by_name_and_number() {
    let table = [
        (0, "echo reply (0)"),
        (3, "unreachable (3)"),
        (4, "source quench (4)"),
        (5, "redirect (5)"),
        (8, "echo request (8)"),
        (11, "time exceeded (11)"),
        (12, "parameter problem (12)"),
        (13, "type (13)"),
    ];
    for (number, text) in table {
        assert_eq!(IcmpType(number).to_string(), text);
        assert_eq!(format!("{:?}", IcmpType(number)), text);
    }
}
