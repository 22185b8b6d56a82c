use super::*;

#[test]
fn warning_about_root_is_not_error() {
    let root = "Running as user \"root\" and group \"root\". This could be dangerous.\n";
    assert_eq!(without_advice(&format!("{root}tshark: cut short\n")), "tshark: cut short\n");
    assert_eq!(without_advice(root), "");
}
