use std::collections::BTreeSet;

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
fn help_has_examples_and_exit_codes_for_each_command() {
    let root = built();
    assert!(all().contains(&vec!["tap".to_owned(), "create".to_owned()]));
    for words in all() {
        let help = find(&root, &words).unwrap().get_after_help().map(ToString::to_string).unwrap_or_default();
        for part in ["Examples:\n  ", "Exit codes: 0 "] {
            assert!(help.contains(part), "`{}` --help lacks {part:?}", words.join(" "));
        }
    }
}

/// The exit codes in a help text.
fn codes_in_help(help: &str) -> BTreeSet<String> {
    let text = help.split_once("Exit codes:").map_or("", |(_, text)| text);
    let words = text.split([',', ';', '\n']).filter_map(|part| part.split_whitespace().next());
    words.filter(|word| word.parse::<u8>().is_ok()).map(str::to_owned).collect()
}

/// The exit codes in the rows of docs/exit-codes.md for a command.
fn codes_on_page(command: &str) -> BTreeSet<String> {
    let page = include_str!("../../../../docs/exit-codes.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix(&format!("| `{command}")));
    let cells =
        rows.filter(|row| row.starts_with(['`', ' '])).flat_map(|row| row.split(" | ").enumerate().skip(1));
    let codes = cells.flat_map(|(column, cell)| match (column, cell) {
        (_, "–" | "– |") => Vec::new(),
        (1..=3, _) => vec![(column - 1).to_string()],
        _ => cell.split(|c: char| !c.is_ascii_digit()).map(str::to_owned).collect(),
    });
    codes.filter(|code| !code.is_empty()).collect()
}

#[test]
fn exit_codes_page_has_codes_of_help_for_each_command() {
    let root = built();
    for words in all() {
        let help = find(&root, &words).unwrap().get_after_help().map(ToString::to_string).unwrap_or_default();
        let command = if words.is_empty() { "tapstack".to_owned() } else { words.join(" ") };
        let (in_help, on_page) = (codes_in_help(&help), codes_on_page(&command));
        assert!(!in_help.is_empty() && in_help.is_subset(&on_page), "{command}: {in_help:?}, {on_page:?}");
        assert!(
            on_page.iter().all(|code| in_help.contains(code) || code.len() > 1),
            "{command}: {on_page:?}"
        );
    }
}

#[test]
fn manual_page_has_all_sections_for_each_command() {
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
fn manual_page_collects_other_paragraphs_as_notes() {
    let page = below("Examples:\n  ls\n\nOne.\n\nTwo.\n\nExit codes: 0 yes").render();
    assert!(page.contains(".SH NOTES\nOne.\n.PP\nTwo.\n.SH \"EXIT STATUS\"\n0 yes\n"), "{page}");
}

#[test]
fn manual_page_is_named_after_command_path() {
    let lines = list(&built(), &[]);
    assert_eq!(lines[0], "tapstack.1\t");
    assert!(lines.contains(&"tapstack-tap-create.1\ttap create".to_owned()), "{lines:?}");
    assert!(find(&built(), &["tap".to_owned(), "nonsense".to_owned()]).is_none());
}
