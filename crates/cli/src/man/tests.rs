use super::*;

fn built() -> Command {
    let mut root = CommandLine::command().disable_help_subcommand(true);
    root.build();
    root
}

/// Every command, with the words that lead to it.
fn all() -> Vec<Vec<String>> {
    let words =
        |line: &String| line.split_once('\t').unwrap().1.split_whitespace().map(str::to_owned).collect();
    list(&built(), &[]).iter().map(words).collect()
}

#[test]
fn every_commands_help_has_examples_and_exit_codes() {
    let root = built();
    assert!(all().contains(&vec!["tap".to_owned(), "create".to_owned()]));
    for words in all() {
        let help = find(&root, &words).unwrap().get_after_help().map(ToString::to_string).unwrap_or_default();
        for part in ["Examples:\n  ", "Exit codes: 0 "] {
            assert!(help.contains(part), "`{}` --help lacks {part:?}", words.join(" "));
        }
    }
}

#[test]
fn every_command_has_a_page_with_all_its_sections() {
    let root = built();
    for words in all() {
        let page = page(find(&root, &words).unwrap()).unwrap();
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "\"EXIT STATUS\""] {
            assert_eq!(
                page.matches(&format!("\n.SH {section}\n")).count(),
                1,
                "{words:?}: {section}\n{page}"
            );
        }
    }
}

#[test]
fn what_is_neither_an_example_nor_an_exit_code_is_one_section_of_notes() {
    let page = below("Examples:\n  ls\n\nOne.\n\nTwo.\n\nExit codes: 0 yes").render();
    assert!(page.contains(".SH NOTES\nOne.\n.PP\nTwo.\n.SH \"EXIT STATUS\"\n0 yes\n"), "{page}");
}

#[test]
fn a_page_is_named_after_the_words_of_its_command() {
    let lines = list(&built(), &[]);
    assert_eq!(lines[0], "tapstack.1\t");
    assert!(lines.contains(&"tapstack-tap-create.1\ttap create".to_owned()), "{lines:?}");
    assert!(find(&built(), &["tap".to_owned(), "nonsense".to_owned()]).is_none());
}
