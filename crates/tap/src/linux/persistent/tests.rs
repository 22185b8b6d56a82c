use super::*;

#[test]
fn a_number_is_a_user_and_nonsense_is_not() {
    assert_eq!(user_id("root"), Ok(0));
    assert_eq!(user_id("4242"), Ok(4242));
    assert!(user_id("no such user").is_err());
    assert!(user_id("4294967295").is_err());
}

#[test]
fn a_word_reaches_the_shell_as_it_is() {
    assert_eq!(quoted("/usr/bin/tapstack"), "/usr/bin/tapstack");
    assert_eq!(quoted("my tap"), "'my tap'");
    assert_eq!(quoted("it's"), r"'it'\''s'");
    assert_eq!(quoted(""), "''");
}

#[test]
fn the_caller_is_the_one_behind_sudo_and_only_root_is_behind_it() {
    assert_eq!(behind_sudo(0, Some("1000")), 1000);
    assert_eq!(behind_sudo(0, None), 0);
    assert_eq!(behind_sudo(0, Some("nonsense")), 0);
    assert_eq!(behind_sudo(1001, Some("1000")), 1001);
}
