//! `tapstack man`.

use std::process::ExitCode;

use clap::{Arg, ArgAction, Command, CommandFactory};
use roff::{Inline, Roff, bold, italic, roman};

use crate::arguments::{CommandLine, ManArguments};
use crate::failure::{Failure, print_line};
use crate::usage_error::similar_command;

/// The date of the last release, at the foot of each page.
const DATE: &str = "2026-11-29";

pub(crate) fn run(arguments: &ManArguments) -> Result<ExitCode, Failure> {
    let root = built_command();
    if arguments.list {
        for line in list(&root, &[]) {
            print_line(&line)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let command = find(&root, &arguments.command).ok_or_else(|| {
        let failure = Failure::new(format!("unknown command '{}'", arguments.command.join(" ")));
        match similar_command(&arguments.command) {
            Some(similar) => failure.hint(similar),
            None => failure.hint_command("list the pages", "tapstack man --list"),
        }
    })?;
    print_line(page(command).trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the command line after clap has completed it.
fn built_command() -> Command {
    let mut root = CommandLine::command().disable_help_subcommand(true);
    root.build();
    root
}

/// Returns a line for each page: the name of its file and, after a tab, its command.
fn list(command: &Command, words: &[&str]) -> Vec<String> {
    let mut lines = vec![format!("{}.1\t{}", page_name(command), words.join(" "))];
    for below in command.get_subcommands() {
        lines.extend(list(below, &[words, &[below.get_name()]].concat()));
    }
    lines
}

fn find<'a>(root: &'a Command, words: &[String]) -> Option<&'a Command> {
    words.iter().try_fold(root, |command, word| command.find_subcommand(word))
}

/// Returns the name of a command's page, such as `tapstack-tap-create`.
fn page_name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

/// Returns the page of a command in roff format.
fn page(command: &Command) -> String {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let help = HelpText::parse(&help);
    let mut roff = Roff::new();
    let title = page_name(command).to_uppercase();
    roff.control("TH", [title.as_str(), "1", DATE, concat!("tapstack ", env!("CARGO_PKG_VERSION"))]);
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    roff.control("SH", ["NAME"]).text([roman(format!("{} - {about}", page_name(command)))]);
    // The synopsis is left-aligned and not hyphenated.
    roff.control("SH", ["SYNOPSIS"]).control("ad", ["l"]).control("nh", []).text(synopsis(command));
    roff.control("hy", []).control("ad", ["b"]);
    roff.control("SH", ["DESCRIPTION"]);
    paragraphs(&mut roff, &help.description);
    commands(&mut roff, command);
    options(&mut roff, command);
    roff.control("SH", ["EXIT STATUS"]);
    for status in help.exit_status.split("; ") {
        exit_status(&mut roff, status);
    }
    roff.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in help.examples.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff.control("SH", ["SEE ALSO"]).text(see_also(command));
    roff.render()
}

/// The parts of the text after the options of `--help`.
struct HelpText<'a> {
    examples: &'a str,
    description: Vec<&'a str>,
    exit_status: &'a str,
}

impl HelpText<'_> {
    fn parse(text: &str) -> HelpText<'_> {
        let mut parts = HelpText { examples: "", description: Vec::new(), exit_status: "" };
        for paragraph in text.split("\n\n") {
            if let Some(lines) = paragraph.strip_prefix("Examples:\n") {
                parts.examples = lines;
            } else if let Some(codes) = paragraph.strip_prefix("Exit codes: ") {
                parts.exit_status = codes.trim_end_matches('.');
            } else {
                parts.description.push(paragraph);
            }
        }
        parts
    }
}

fn paragraphs(roff: &mut Roff, paragraphs: &[&str]) {
    for (place, paragraph) in paragraphs.iter().enumerate() {
        if place > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(*paragraph)]);
    }
}

/// Returns the command with its options and their values.
fn synopsis(command: &Command) -> Vec<Inline> {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let mut line = vec![bold(name)];
    let required = |arg: &&Arg| {
        arg.is_required_set()
            || command
                .get_groups()
                .any(|group| group.is_required_set() && group.get_args().any(|id| id == arg.get_id()))
    };
    let options = || arguments(command).filter(|arg| !arg.is_positional());
    for option in options().filter(|arg| !required(arg)) {
        line.push(roman(" ["));
        line.extend(short_form(option));
        line.push(roman("]"));
    }
    for option in options().filter(|arg| arg.is_required_set()) {
        line.push(roman(" "));
        line.extend(short_form(option));
    }
    for group in command.get_groups().filter(|group| group.is_required_set()) {
        let members =
            group.get_args().filter_map(|id| command.get_arguments().find(|arg| arg.get_id() == id));
        line.push(roman(" {"));
        for (place, member) in members.enumerate() {
            if place > 0 {
                line.push(roman(" | "));
            }
            line.extend(short_form(member));
        }
        line.push(roman("}"));
    }
    for positional in command.get_positionals().filter(|arg| arg.is_required_set() || !required(arg)) {
        let (open, close) = if positional.is_required_set() { (" ", "") } else { (" [", "]") };
        line.push(roman(open));
        line.extend(short_form(positional));
        line.push(roman(close));
    }
    if command.has_subcommands() {
        let (open, close) = if command.is_subcommand_required_set() { (" ", "") } else { (" [", "]") };
        line.extend([roman(open), italic("COMMAND"), roman(close)]);
    }
    line
}

/// Returns the options and arguments of a command in the order of `--help`, without `--help` itself.
fn arguments(command: &Command) -> impl Iterator<Item = &Arg> {
    let mut arguments: Vec<_> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set() && !matches!(arg.get_action(), ArgAction::Help | ArgAction::Version))
        .collect();
    let headings = headings(command);
    let heading = |arg: &&Arg| headings.iter().position(|heading| Some(*heading) == arg.get_help_heading());
    arguments.sort_by_key(|arg| (heading(arg), arg.get_display_order()));
    arguments.into_iter()
}

/// Returns the headings of a command's options, in the order of `--help`.
fn headings(command: &Command) -> Vec<&str> {
    let mut headings = Vec::new();
    for heading in command.get_arguments().filter_map(Arg::get_help_heading) {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    headings
}

/// Returns an option as the synopsis has it: `-c COUNT`, `--json`, or `FILE` for an argument.
fn short_form(arg: &Arg) -> Vec<Inline> {
    let mut form = Vec::new();
    match (arg.get_short(), arg.get_long()) {
        _ if arg.is_positional() => {}
        (Some(short), _) => form.push(bold(format!("-{short}"))),
        (None, long) => form.push(bold(format!("--{}", long.unwrap_or_default()))),
    }
    values(&mut form, arg);
    form
}

/// Adds the values of an option.
fn values(form: &mut Vec<Inline>, arg: &Arg) {
    let takes_values = arg.get_action().takes_values();
    for name in arg.get_value_names().into_iter().flatten().filter(|_| takes_values) {
        if !form.is_empty() {
            form.push(roman(" "));
        }
        form.push(italic(name.to_string()));
    }
    if takes_values && arg.is_positional() && matches!(arg.get_action(), ArgAction::Append) {
        form.push(roman("..."));
    }
}

/// Adds the section of the commands below a command.
fn commands(roff: &mut Roff, command: &Command) {
    if command.has_subcommands() {
        roff.control("SH", ["COMMANDS"]);
    }
    for below in command.get_subcommands() {
        roff.control("TP", []).text([bold(format!("{}(1)", page_name(below)))]);
        roff.text([roman(below.get_about().map(ToString::to_string).unwrap_or_default())]);
    }
}

/// Adds the section of the options, below the headings of `--help`.
fn options(roff: &mut Roff, command: &Command) {
    roff.control("SH", ["OPTIONS"]);
    for positional in command.get_positionals() {
        option(roff, positional);
    }
    for heading in headings(command) {
        roff.control("SS", [heading]);
        for arg in arguments(command).filter(|arg| arg.get_help_heading() == Some(heading)) {
            option(roff, arg);
        }
    }
}

fn option(roff: &mut Roff, arg: &Arg) {
    let mut form = Vec::new();
    if let Some(short) = arg.get_short() {
        form.push(bold(format!("-{short}")));
    }
    if let Some(long) = arg.get_long() {
        if !form.is_empty() {
            form.push(roman(", "));
        }
        form.push(bold(format!("--{long}")));
    }
    values(&mut form, arg);
    let help = arg.get_help().map(ToString::to_string);
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let default = (!defaults.is_empty() && arg.get_action().takes_values())
        .then(|| format!("[default: {}]", defaults.join(" ")));
    let possible: Vec<_> =
        arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let choices =
        (!possible.is_empty() && !arg.is_hide_possible_values_set() && arg.get_action().takes_values())
            .then(|| format!("[possible values: {}]", possible.join(", ")));
    let help: Vec<_> = help.into_iter().chain(default).chain(choices).collect();
    roff.control("TP", []).text(form).text([roman(help.join(" "))]);
}

/// Adds one or more exit codes, each with its meaning.
fn exit_status(roff: &mut Roff, status: &str) {
    // A code follows a comma: `0 yes, 1 no`.
    let starts = status.match_indices(", ").map(|(at, comma)| at + comma.len());
    let starts = starts
        .filter(|at| status.get(*at..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())));
    let mut ends: Vec<_> = starts.clone().map(|at| at - ", ".len()).collect();
    ends.push(status.len());
    for (start, end) in std::iter::once(0).chain(starts).zip(ends) {
        let code = status.get(start..end).unwrap_or_default();
        match code.split_once(' ').filter(|(number, _)| number.bytes().all(|digit| digit.is_ascii_digit())) {
            Some((number, meaning)) => {
                roff.control("TP", []).text([bold(number)]).text([roman(meaning)]);
            }
            None => {
                roff.control("PP", []).text([roman(code)]);
            }
        }
    }
}

/// Returns the related pages.
fn see_also(command: &Command) -> Vec<Inline> {
    let name = page_name(command);
    // words: off
    let related: &[&str] = match name {
        "tapstack" => &[],
        "tapstack-lab" => &["tapstack-host", "ip-netns(8)", "network_namespaces(7)"],
        "tapstack-host" => &["tapstack-lab", "tapstack-tap", "ip-neighbour(8)", "arp(7)"],
        "tapstack-ping" => &["tapstack-host", "ping(8)"],
        "tapstack-arping" => &["tapstack-scan", "arping(8)", "ip-neighbour(8)"],
        "tapstack-scan" => &["tapstack-arping", "tapstack-watch", "arp-scan(1)"],
        "tapstack-watch" => &["tapstack-scan", "tapstack-decode", "arpwatch(8)"],
        "tapstack-decode" => &["tapstack-watch", "tcpdump(8)", "pcap-savefile(5)"],
        "tapstack-ip" => &["tapstack-host", "ip(8)"],
        name if name.starts_with("tapstack-ip-neigh") => &["tapstack-host", "ip-neighbour(8)", "arp(7)"],
        name if name.starts_with("tapstack-ip-addr") => &["tapstack-host", "ip-address(8)"],
        "tapstack-ss" => &["tapstack-host", "ss(8)"],
        "tapstack-doctor" => &["tapstack-tap", "capabilities(7)", "setcap(8)"],
        "tapstack-completions" => &["bash(1)", "zsh(1)", "fish(1)"],
        "tapstack-man" => &["man(1)"],
        _ => &["tapstack-tap", "tapstack-host", "ip-tuntap(8)"],
    };
    // words: on
    let mut pages: Vec<String> = related
        .iter()
        .filter(|page| **page != name)
        .map(|page| if page.ends_with(')') { (*page).to_owned() } else { format!("{page}(1)") })
        .collect();
    if name == "tapstack" {
        pages.extend(command.get_subcommands().map(|below| format!("{}(1)", page_name(below))));
        pages.extend(["arping(8)", "ip(8)", "tcpdump(8)"].map(str::to_owned));
    } else {
        pages.insert(0, "tapstack(1)".to_owned());
    }
    let mut line = Vec::new();
    for (place, page) in pages.into_iter().enumerate() {
        if place > 0 {
            line.push(roman(", "));
        }
        let (name, section) = page.split_once('(').unwrap_or((&page, ""));
        line.extend([bold(name.to_owned()), roman(format!("({section}"))]);
    }
    line
}

#[cfg(test)]
mod tests;
