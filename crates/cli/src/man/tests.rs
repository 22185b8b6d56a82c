use super::*;

/// Returns every command with the words of its command line.
fn all() -> Vec<Vec<String>> {
    let words =
        |line: &String| line.split_once('\t').unwrap().1.split_whitespace().map(str::to_owned).collect();
    list(&built_command(), &[]).iter().map(words).collect()
}

#[test]
fn help_has_examples_description_and_exit_codes_for_each_command() {
    let root = built_command();
    assert!(all().contains(&vec!["tap".to_owned(), "create".to_owned()]));
    for words in all() {
        let help = find(&root, &words).unwrap().get_after_help().map(ToString::to_string).unwrap_or_default();
        for part in ["Examples:\n  ", "Exit codes: 0 "] {
            assert!(help.contains(part), "`{}` --help lacks {part:?}", words.join(" "));
        }
        assert!(
            !HelpText::parse(&help).description.is_empty(),
            "`{}` --help describes nothing",
            words.join(" ")
        );
    }
}

#[test]
fn manual_page_has_all_sections_for_each_command() {
    let root = built_command();
    for words in all() {
        let page = page(find(&root, &words).unwrap());
        for section in
            ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "\"EXIT STATUS\"", "EXAMPLES", "\"SEE ALSO\""]
        {
            assert_eq!(
                page.matches(&format!("\n.SH {section}\n")).count(),
                1,
                "{words:?}: {section}\n{page}"
            );
        }
    }
}

#[test]
fn name_lines_have_words_that_users_search() {
    let root = built_command();
    let names: Vec<_> =
        all().iter().map(|words| find(&root, words).unwrap().get_about().unwrap().to_string()).collect();
    for word in
        ["gratuitous", "duplicate address", "ARP cache", "passive", "ping", "conflict", "capture", "scan"]
    {
        assert!(
            names.iter().any(|name| name.to_lowercase().contains(&word.to_lowercase())),
            "{word}: {names:?}"
        );
    }
}

#[test]
fn manual_page_shows_values_groups_and_exit_codes() {
    let root = built_command();
    let arping = page(find(&root, &["arping".to_owned()]).unwrap());
    for part in [
        r"[\fB\-c\fR \fICOUNT\fR]",
        r"[\fB\-q\fR] \fITARGET\fR",
        "\n.SS Interface\n",
        "\n.SS ARP\n",
        ".TP\n\\fB1\\fR\nno reply, in use (\\-D), or a conflict with \\-\\-fail\\-on conflict\n",
        r"\fBtapstack\fR(1), \fBtapstack\-scan\fR(1), \fBarping\fR(8)",
    ] {
        assert!(arping.contains(part), "{part}\n{arping}");
    }
    let ping = page(find(&root, &["ping".to_owned()]).unwrap());
    assert!(ping.contains(r"{\fB\-I\fR \fINAME\fR | \fB\-\-tap\fR \fINAME\fR} \fITARGET\fR"), "{ping}");
}

#[test]
fn manual_page_has_date_of_last_release() {
    let changes = include_str!("../../../../CHANGELOG.md");
    let released = changes.lines().find_map(|line| line.strip_prefix("## [")?.split_once("] - "));
    assert_eq!(released.unwrap().1, DATE);
    let page = page(&built_command());
    assert!(page.contains(&format!(".TH TAPSTACK 1 {DATE} \"tapstack ")), "{page}");
}

#[test]
fn manual_page_is_named_after_command_path() {
    let lines = list(&built_command(), &[]);
    assert_eq!(lines[0], "tapstack.1\t");
    assert!(lines.contains(&"tapstack-tap-create.1\ttap create".to_owned()), "{lines:?}");
    assert!(find(&built_command(), &["tap".to_owned(), "nonsense".to_owned()]).is_none());
}
