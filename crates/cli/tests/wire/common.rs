//! Behavior that all commands share: colors, write errors, `completions`, `man`.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
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
    ("completions_script_is_printed_for_each_shell", completions),
    ("completions_in_bash_offer_interfaces_taps_commands_and_captures", completions_in_bash),
    ("completions_in_zsh_offer_commands", completions_in_zsh),
    ("completions_in_fish_offer_commands", completions_in_fish),
    ("manual_pages_render_without_warnings", manual_pages_render),
    ("manual_pages_are_found_by_what_they_do", manual_pages_are_found),
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
    assert!(shown(&["--color=always"], Some("NO_COLOR"))?, "--color did not override NO_COLOR");
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
    // Close the copies of the other end in this process. After the end of the program, a read from the terminal fails.
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
    assert!(!on_terminal(&list, &[])?.contains('\u{1b}'), "output for programs has color");
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
        assert!(script.contains("TAPSTACK_COMPLETE") && script.contains("tapstack"), "{shell}: {script}");
    }
    Ok(())
}

/// Returns the candidates that bash offers for the last of these words.
fn offered_by_bash(words: &[&str]) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let bash = installed("bash")?;
    // `/proc/self` of a child differs from `/proc/self` of this process.
    let program = command(&[]).get_program().to_string_lossy().into_owned();
    let program = program.replace("self", &std::process::id().to_string());
    let folder = Scratch::new("path");
    std::fs::create_dir_all(folder.name())?;
    let link = Path::new(folder.name()).join("tapstack");
    std::os::unix::fs::symlink(program, &link)?;
    let search_path =
        [OsStr::new(folder.name()), &std::env::var_os("PATH").unwrap_or_default()].join(OsStr::new(":"));
    let last = words.len();
    let quoted: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
    let current = words.last().ok_or("no word")?;
    let query = format!(
        "source <(tapstack completions bash)\nCOMP_WORDS=(tapstack {}); COMP_CWORD={last}; COMP_TYPE=9\n\
         _clap_complete_tapstack tapstack '{current}' ''\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        quoted.join(" ")
    );
    let output = Command::new(bash).args(["--norc", "-c", &query]).env("PATH", search_path).output()?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && errors.is_empty(), "{words:?}: {errors}");
    std::fs::remove_dir_all(folder.name())?;
    let offered = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(offered.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

fn completions_in_bash() -> TestResult {
    let tap = open_tap("offer0")?;
    let commands = offered_by_bash(&["tap", ""])?;
    assert!(
        ["create", "delete", "list"].iter().all(|name| commands.contains(&(*name).to_owned())),
        "{commands:?}"
    );
    for words in [
        &["host", "-I", "off"][..],
        &["arping", "--interface", "off"],
        &["host", "--tap", "off"],
        &["tap", "delete", "off"],
    ] {
        assert_eq!(offered_by_bash(words)?, ["offer0"], "{words:?}");
    }
    assert_eq!(offered_by_bash(&["man", "arp"])?, ["arping"]);
    assert_eq!(offered_by_bash(&["host", "--serve", "e"])?, ["echo"]);
    assert_eq!(offered_by_bash(&["host", "--serve", "echo,d"])?, ["echo,discard", "echo,daytime"]);
    let capture = Scratch::new("offered.pcapng");
    std::fs::write(capture.name(), "")?;
    let other = Scratch::new("offered.txt");
    std::fs::write(other.name(), "")?;
    let start = capture.name().strip_suffix(".pcapng").ok_or("no name")?;
    assert_eq!(offered_by_bash(&["decode", start])?, [capture.name()]);
    drop(tap);
    Ok(())
}

/// Checks the completion script of a shell that completes only in interactive sessions. The shell must parse the
/// script, and the program must print candidates for the request of the script.
fn check_script(shell: &str, parse: &[&str], query: &[(&str, &str)]) -> TestResult {
    let path = installed(shell)?;
    let script = Scratch::new(shell);
    std::fs::write(script.name(), run(&["completions", shell])?.stdout)?;
    let parsed = Command::new(path).args(parse).arg(script.name()).output()?;
    assert_eq!(exit_and_text(&parsed), (Some(0), String::new(), String::new()));
    let words = ["--", "tapstack", "man", "arp"];
    let requested = command(&words).env("TAPSTACK_COMPLETE", shell).envs(query.iter().copied()).output()?;
    let (code, out, errors) = exit_and_text(&requested);
    assert!(code == Some(0) && out.contains("arping") && errors.is_empty(), "{out}{errors}");
    Ok(())
}

fn completions_in_zsh() -> TestResult {
    check_script("zsh", &["-n"], &[("_CLAP_COMPLETE_INDEX", "2")])
}

fn completions_in_fish() -> TestResult {
    check_script("fish", &["--no-execute"], &[])
}

/// Writes all pages into a directory, like a package.
fn install_pages(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn std::error::Error>> {
    let section = folder.join("man1");
    std::fs::create_dir_all(&section)?;
    let (_, list, _) = exit_and_text(&run(&["man", "--list"])?);
    let mut paths = Vec::new();
    for line in list.lines() {
        let (name, words) = line.split_once('\t').ok_or("no tab")?;
        let words: Vec<_> = ["man"].into_iter().chain(words.split_whitespace()).collect();
        let path = section.join(name);
        std::fs::write(&path, run(&words)?.stdout)?;
        paths.push(path);
    }
    Ok(paths)
}

fn manual_pages_render() -> TestResult {
    let man = installed("man")?;
    let folder = Scratch::new("rendered");
    for path in install_pages(Path::new(folder.name()))? {
        let rendered = Command::new(&man)
            .args(["--warnings", "-E", "UTF-8", "-l"])
            .arg(&path)
            .env("MANWIDTH", "100")
            .stdin(Stdio::null())
            .output()?;
        let (code, _, errors) = exit_and_text(&rendered);
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{}", path.display());
    }
    std::fs::remove_dir_all(folder.name())?;
    Ok(())
}

fn manual_pages_are_found() -> TestResult {
    // Prints the line that apropos searches.
    let lexgrog = installed("lexgrog")?;
    let folder = Scratch::new("found");
    let paths = install_pages(Path::new(folder.name()))?;
    let indexed = Command::new(lexgrog).args(&paths).output()?;
    let (code, out, errors) = exit_and_text(&indexed);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert_eq!(out.lines().count(), paths.len(), "{out}");
    for (words, page) in [
        ("gratuitous", "tapstack-arping - "),
        ("duplicate address", "tapstack-arping - "),
        ("ARP cache", "tapstack-lab - "),
        ("passively", "tapstack-watch - "),
    ] {
        assert!(out.lines().any(|line| line.contains(words) && line.contains(page)), "{words}: {out}");
    }
    std::fs::remove_dir_all(folder.name())?;
    Ok(())
}

fn manual_pages() -> TestResult {
    let (code, list, _) = exit_and_text(&run(&["man", "--list"])?);
    assert_eq!(code, Some(0));
    assert!(list.lines().any(|line| line == "tapstack-tap-create.1\ttap create"), "{list}");
    for line in list.lines() {
        let (_, words) = line.split_once('\t').ok_or("no tab")?;
        let words: Vec<_> = ["man"].into_iter().chain(words.split_whitespace()).collect();
        let (code, page, errors) = exit_and_text(&run(&words)?);
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        assert!(
            page.contains("\n.SH NAME\ntapstack") && page.contains("\n.SH EXAMPLES\n"),
            "{words:?}: {page}"
        );
    }
    let (code, out, errors) = exit_and_text(&run(&["man", "tap", "nonsense"])?);
    let sentence = "tapstack: unknown command 'tap nonsense'\nhint: list the pages: `tapstack man --list`\n";
    assert_eq!((code, out.as_str(), errors.as_str()), (Some(2), "", sentence));
    Ok(())
}
