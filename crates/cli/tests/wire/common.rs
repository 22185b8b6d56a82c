//! Behavior that all commands share: colors, write errors, `completions`, `man`.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use nix::pty::{OpenptyResult, openpty};

use super::capture::Scratch;
use super::running::open_tap;
use testbed::installed::installed;
use testbed::program::{command, exit_and_text, run};
use testbed::{Case, TestResult};

pub(crate) const CASES: &[Case] = &[
    ("color_follows_option_and_is_off_in_pipe", color),
    ("color_is_on_for_terminal_unless_disabled", terminal),
    ("help_and_errors_follow_color_option", help_and_errors),
    ("commands_report_write_error_instead_of_no_reply", full_disk),
    ("commands_exit_2_when_output_cannot_be_written", output_that_cannot_be_written),
    ("completions_contain_commands_and_options_for_each_shell", completions),
    ("completions_script_runs_in_bash", completions_in_bash),
    ("manual_pages_have_sections_and_unknown_page_is_reported", manual_pages),
];

fn color() -> TestResult {
    let shown = |words: &[&str], variable: Option<&str>| -> Result<bool, Box<dyn std::error::Error>> {
        let mut command = command(&[&["lab", "--cable"], words].concat());
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        let output = command.envs(variable.map(|name| (name, "1"))).output()?;
        assert_eq!(output.status.code(), Some(0));
        Ok(output.stdout.contains(&0x1b))
    };
    assert!(!shown(&[], None)?, "a pipe");
    assert!(!shown(&["--color", "never"], None)?);
    assert!(shown(&["--color", "always"], None)?);
    assert!(shown(&["--color=always"], Some("NO_COLOR"))?, "--color overrides NO_COLOR");
    assert!(!shown(&[], Some("NO_COLOR"))?);
    let (_, out, _) = exit_and_text(&run(&["lab", "--cable", "--color", "always"])?);
    assert!(out.contains("\u{1b}[1mlearned\u{1b}[0m 10.0.0.1 is at "), "{out}");
    Ok(())
}

/// Returns the output of the program on a terminal.
pub(crate) fn on_terminal(
    words: &[&str],
    variables: &[(&str, &str)],
) -> Result<String, Box<dyn std::error::Error>> {
    let OpenptyResult { master, slave } = openpty(None, None)?;
    let mut command = command(words);
    command
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR")
        .env("TERM", "xterm")
        .envs(variables.iter().copied());
    let mut child = command.stdout(slave.try_clone()?).stderr(slave).spawn()?;
    // Closes this process's copies of the other end. After the program's end, reading the terminal fails.
    drop(command);
    let mut shown = Vec::new();
    let mut master = File::from(master);
    let mut chunk = [0; 4_096];
    while let Ok(count @ 1..) = master.read(&mut chunk) {
        shown.extend_from_slice(&chunk[..count]);
    }
    let status = child.wait()?;
    assert!(status.success(), "{status}");
    Ok(String::from_utf8(shown)?)
}

fn terminal() -> TestResult {
    let list = ["man", "--list"];
    let cable = ["lab", "--cable"];
    assert!(on_terminal(&cable, &[])?.contains("\u{1b}[36mIn \u{1b}[0m"));
    assert!(on_terminal(&["doctor"], &[])?.contains("\u{1b}[32mok  \u{1b}[0m  /dev/net/tun "));
    assert!(!on_terminal(&cable, &[("NO_COLOR", "1")])?.contains('\u{1b}'));
    assert!(!on_terminal(&[&cable[..], &["--color", "never"]].concat(), &[])?.contains('\u{1b}'));
    assert!(!on_terminal(&list, &[])?.contains('\u{1b}'), "output for programs has no color");
    Ok(())
}

fn help_and_errors() -> TestResult {
    for words in [&["--help"][..], &["host", "--help"], &["tap", "list", "--help"]] {
        let colored = [words, &["--color", "always"]].concat();
        assert!(run(&[&["--color", "always"], words].concat())?.stdout.contains(&0x1b), "{colored:?}");
        assert!(!run(words)?.stdout.contains(&0x1b), "{words:?}");
    }
    assert!(run(&["--color=always", "host", "--nonsense"])?.stderr.contains(&0x1b));
    let (code, _, errors) = exit_and_text(&run(&["--color=always", "tap", "delete", "absent0"])?);
    assert_eq!(code, Some(1));
    assert_eq!(errors, "\u{1b}[1m\u{1b}[31mtapstack:\u{1b}[0m TAP absent0 does not exist\n");
    Ok(())
}

/// Runs a command that cannot write to standard output. Returns its standard error.
pub(crate) fn errors_of_full_output(words: &[&str]) -> Result<String, Box<dyn std::error::Error>> {
    let full = File::options().write(true).open("/dev/full")?;
    let output = command(words).stdout(full).stderr(Stdio::piped()).spawn()?.wait_with_output()?;
    let (code, _, errors) = exit_and_text(&output);
    assert_eq!(code, Some(2), "{words:?}: {errors}");
    Ok(errors)
}

fn full_disk() -> TestResult {
    let held = open_tap("full0")?;
    let address = ["--address", "10.0.0.9/24"];
    // Without -O, scan may print a warning about missing vendor files.
    let list = Scratch::new("full.txt");
    std::fs::write(&list.0, "021100\tThe Makers\n")?;
    let rows: [&[&str]; 5] = [
        &["arping", "-I", "full0", "-c", "1", "10.0.0.2"],
        &["scan", "-I", "full0", "-O", list.name(), "10.0.0.2"],
        &["watch", "-I", "full0", "-w", "20"],
        &[&["ping", "-I", "full0"], &address[..], &["-c", "1", "10.0.0.2"]].concat(),
        &["man", "--list"],
    ];
    for words in rows {
        let errors = errors_of_full_output(words)?;
        assert!(
            errors.starts_with("tapstack: cannot write to standard output: No space left"),
            "{words:?}: {errors}"
        );
    }
    drop(held);
    Ok(())
}

fn output_that_cannot_be_written() -> TestResult {
    let rows: [&[&str]; 9] = [
        &[],
        &["lab"],
        &["lab", "--cable"],
        &["--help"],
        &["--version"],
        &["host", "--help"],
        &["completions", "bash"],
        &["man"],
        &["doctor"],
    ];
    for words in rows {
        let errors = errors_of_full_output(words)?;
        assert!(
            errors.ends_with("cannot write to standard output: No space left on device\n"),
            "{words:?}: {errors}"
        );
    }
    Ok(())
}

fn completions() -> TestResult {
    for shell in ["bash", "zsh", "fish"] {
        let (code, script, errors) = exit_and_text(&run(&["completions", shell])?);
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        assert!(script.contains("doctor") && script.contains("busy-poll"), "{shell}: {script}");
    }
    Ok(())
}

fn completions_in_bash() -> TestResult {
    let bash = installed("bash")?;
    let script = run(&["completions", "bash"])?.stdout;
    // The completions that bash offers for `tapstack tap`.
    let query = b"\nCOMP_WORDS=(tapstack tap ''); COMP_CWORD=2; _tapstack tapstack '' tap; echo \"${COMPREPLY[@]}\"\n";
    let mut bash = Command::new(bash).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    bash.stdin.take().ok_or("a pipe")?.write_all(&[&script[..], query].concat())?;
    let offered = bash.wait_with_output()?;
    let offered = String::from_utf8_lossy(&offered.stdout).into_owned();
    assert!(["create", "delete", "list"].iter().all(|word| offered.contains(word)), "{offered}");
    Ok(())
}

fn manual_pages() -> TestResult {
    let (code, list, _) = exit_and_text(&run(&["man", "--list"])?);
    assert_eq!(code, Some(0));
    assert!(list.lines().any(|line| line == "tapstack-tap-create.1\ttap create"), "{list}");
    for line in list.lines() {
        let (_, words) = line.split_once('\t').ok_or("a tab")?;
        let words: Vec<_> = ["man"].into_iter().chain(words.split_whitespace()).collect();
        let (code, page, errors) = exit_and_text(&run(&words)?);
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        assert!(
            page.contains("\n.SH NAME\ntapstack") && page.contains("\n.SH EXAMPLES\n"),
            "{words:?}: {page}"
        );
    }
    let (code, out, errors) = exit_and_text(&run(&["man", "tap", "nonsense"])?);
    let sentence = "tapstack: unknown command `tap nonsense`\nhint: list the pages: `tapstack man --list`\n";
    assert_eq!((code, out.as_str(), errors.as_str()), (Some(2), "", sentence));
    Ok(())
}
