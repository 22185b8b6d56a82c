use super::*;

fn choice(arguments: &[&str]) -> ColorChoice {
    choice_among(arguments.iter().map(OsString::from))
}

#[test]
fn color_choice_is_taken_from_arguments_before_double_dash() {
    assert_eq!(choice(&["lab", "--verbose"]), ColorChoice::Auto);
    assert_eq!(choice(&["--color", "never", "host", "--help"]), ColorChoice::Never);
    assert_eq!(choice(&["host", "--color=always", "--nonsense"]), ColorChoice::Always);
    assert_eq!(choice(&["lab", "--", "ls", "--color=always"]), ColorChoice::Auto);
    assert_eq!(choice(&["--color", "sometimes"]), ColorChoice::Auto);
    assert_eq!(choice(&["--color"]), ColorChoice::Auto);
}

#[test]
fn only_first_word_is_styled_unless_disabled() {
    assert_eq!(
        Styler::ENABLED.apply_to_first_word(WARNING, "moved from a"),
        "\u{1b}[33mmoved\u{1b}[0m from a"
    );
    assert_eq!(Styler::ENABLED.apply_to_first_word(WARNING, "moved"), "\u{1b}[33mmoved\u{1b}[0m");
    assert_eq!(Styler::DISABLED.apply_to_first_word(WARNING, "moved from a"), "moved from a");
}
