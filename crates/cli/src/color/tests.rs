use super::*;

fn asked_by(words: &[&str]) -> ColorChoice {
    asked(words.iter().map(OsString::from))
}

#[test]
fn the_choice_is_found_among_the_words_before_those_of_another_command() {
    assert_eq!(asked_by(&["lab", "--verbose"]), ColorChoice::Auto);
    assert_eq!(asked_by(&["--color", "never", "host", "--help"]), ColorChoice::Never);
    assert_eq!(asked_by(&["host", "--color=always", "--nonsense"]), ColorChoice::Always);
    assert_eq!(asked_by(&["lab", "--", "ls", "--color=always"]), ColorChoice::Auto);
    assert_eq!(asked_by(&["--color", "sometimes"]), ColorChoice::Auto);
    assert_eq!(asked_by(&["--color"]), ColorChoice::Auto);
}

#[test]
fn only_the_first_word_is_painted_and_nothing_where_colour_is_not_wanted() {
    assert_eq!(Paint::ALL.first_word(WARNING, "moved from a"), "\u{1b}[33mmoved\u{1b}[0m from a");
    assert_eq!(Paint::ALL.first_word(WARNING, "moved"), "\u{1b}[33mmoved\u{1b}[0m");
    assert_eq!(Paint::NONE.first_word(WARNING, "moved from a"), "moved from a");
}
