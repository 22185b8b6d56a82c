//! `tapstack man`.

use std::process::ExitCode;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::arguments::{CommandLine, ManArguments};
use crate::failure::{Failure, print_line};

pub(crate) fn run(arguments: &ManArguments) -> Result<ExitCode, Failure> {
    let mut root = CommandLine::command().disable_help_subcommand(true);
    root.build();
    if arguments.list {
        for line in list(&root, &[]) {
            print_line(&line)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let command = find(&root, &arguments.command).ok_or_else(|| {
        let words = arguments.command.join(" ");
        Failure::new(format!("unknown command `{words}`"))
            .hint_command("list the pages", "tapstack man --list")
    })?;
    print_line(page(command)?.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// Returns a line for each page: the name of its file and, after a tab, its command.
fn list(command: &Command, words: &[&str]) -> Vec<String> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let mut lines = vec![format!("{name}.1\t{}", words.join(" "))];
    for below in command.get_subcommands() {
        lines.extend(list(below, &[words, &[below.get_name()]].concat()));
    }
    lines
}

fn find<'a>(root: &'a Command, words: &[String]) -> Option<&'a Command> {
    words.iter().try_fold(root, |command, word| command.find_subcommand(word))
}

/// Returns the page of a command: what clap renders, then the text after its options.
fn page(command: &Command) -> Result<String, Failure> {
    let source = concat!("tapstack ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).source(source);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    below(&command.get_after_help().map(ToString::to_string).unwrap_or_default()).to_writer(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// Returns the text after the options, in sections.
fn below(text: &str) -> Roff {
    let mut roff = Roff::new();
    let mut has_notes = false;
    for paragraph in text.split("\n\n") {
        if let Some(lines) = paragraph.strip_prefix("Examples:\n") {
            roff.control("SH", ["EXAMPLES"]).control("nf", []);
            for line in lines.lines() {
                roff.text([roman(line)]);
            }
            roff.control("fi", []);
        } else if let Some(codes) = paragraph.strip_prefix("Exit codes: ") {
            roff.control("SH", ["EXIT STATUS"]).text([roman(codes)]);
        } else {
            let (control, heading) = if has_notes { ("PP", None) } else { ("SH", Some("NOTES")) };
            roff.control(control, heading).text([roman(paragraph)]);
            has_notes = true;
        }
    }
    roff
}

#[cfg(test)]
mod tests;
