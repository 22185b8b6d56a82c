use clap::{Arg, ArgAction, Command};

use super::CommandLine;
use crate::help;
use clap::CommandFactory;

/// Every command with its path, such as `tapstack tap create`.
fn all() -> Vec<Command> {
    fn walk(command: &Command, found: &mut Vec<Command>) {
        found.push(command.clone());
        command.get_subcommands().for_each(|below| walk(below, found));
    }
    let mut root = CommandLine::command().disable_help_subcommand(true);
    root.build();
    let mut found = Vec::new();
    walk(&root, &mut found);
    found
}

fn path(command: &Command) -> &str {
    command.get_bin_name().unwrap_or_else(|| command.get_name())
}

/// The options and arguments of a command, without `--help` and `--version`.
fn arguments(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| !matches!(arg.get_action(), ArgAction::Help | ArgAction::Version))
}

/// The words that no text of the repository contains.
fn excluded_words() -> Vec<String> {
    let list = include_str!("../../../../xtask/words.txt");
    let entries = list.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let words: Vec<_> = entries.filter(|word| !word.is_empty()).map(str::to_owned).collect();
    assert!(words.len() > 50, "the list of words has another format");
    words
}

#[test]
fn help_lines_are_phrases_without_excluded_words() {
    let excluded = excluded_words();
    for command in all() {
        let about = command.get_about().expect("a command has a description").to_string();
        let helps = arguments(&command).map(|arg| {
            let help =
                arg.get_help().unwrap_or_else(|| panic!("{} {}: no help", path(&command), arg.get_id()));
            help.to_string()
        });
        for line in helps.chain([about]) {
            assert!(!line.ends_with('.'), "{}: `{line}` ends in a full stop", path(&command));
            assert!(line.starts_with(|c: char| c.is_uppercase()), "{}: `{line}`", path(&command));
        }
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let text = command.clone().render_long_help().to_string() + &after;
        let words: Vec<_> =
            text.split(|c: char| !c.is_alphabetic() && c != '\'').map(str::to_lowercase).collect();
        let text = format!(" {} ", words.join(" "));
        for word in &excluded {
            assert!(!text.contains(&format!(" {word} ")), "{}: `{word}` is excluded", path(&command));
        }
    }
}

#[test]
fn options_have_heading_and_value_name() {
    for command in all() {
        for arg in arguments(&command).filter(|arg| !arg.is_positional()) {
            let name = format!("{} {}", path(&command), arg.get_id());
            assert!(arg.get_help_heading().is_some(), "{name}: no heading");
            if !arg.get_action().takes_values() {
                continue;
            }
            let values = arg.get_value_names().unwrap_or_default();
            assert!(!values.is_empty(), "{name}: no value name");
            for value in values {
                let is_plain = |c: char| c.is_ascii_uppercase() || "/=[@:]".contains(c);
                assert!(*value == "via" || value.chars().all(is_plain), "{name}: `{value}`");
            }
        }
    }
}

#[test]
fn output_is_last_heading_with_same_order_in_each_command() {
    let order = ["path", "pcap_size", "pcap_time", "pcap_files", "color", "utc", "json", "quiet", "verbose"];
    for command in all() {
        let headings: Vec<_> = arguments(&command).filter_map(Arg::get_help_heading).collect();
        let first = headings.iter().position(|heading| *heading == help::OUTPUT);
        let rest = headings.iter().skip(first.expect("each command has --color"));
        let others: Vec<_> = rest.filter(|heading| !headings[..first.unwrap()].contains(heading)).collect();
        assert!(others.iter().all(|heading| **heading == help::OUTPUT), "{}: {others:?}", path(&command));
        let mut output: Vec<_> =
            arguments(&command).filter(|arg| arg.get_help_heading() == Some(help::OUTPUT)).collect();
        output.sort_by_key(|arg| arg.get_display_order());
        let known: Vec<_> =
            output.iter().filter_map(|arg| order.iter().position(|id| arg.get_id() == id)).collect();
        assert!(known.is_sorted(), "{}: {known:?}", path(&command));
        let last = output.iter().rev().take(known.len()).all(|arg| order.iter().any(|id| arg.get_id() == id));
        assert!(last, "{}: the shared options do not come last", path(&command));
    }
}
