//! Replay of the commands in README and docs.
//!
//! A Markdown block with the language `console` is replayed. A line that starts with `$ ` is a command. A backslash at
//! the end of the line continues the command on the next line. The lines below a command are the expected standard
//! output and standard error together. A block with the language `sh` is not replayed, because its commands need a
//! network, do not end, or change the machine.
//!
//! - All blocks of a page run in one network namespace and one temporary directory, in order. Each block is one POSIX
//!   shell, so `$?` and variables keep their values. `docs/sample.pcapng` and the scripts of the pages are in the directory.
//! - `tapstack` and `cargo run -p cli --` run the program under test. `sudo` runs its command unchanged.
//! - An output line `...` stands for any number of lines, including zero. A sequence of spaces matches one space.
//! - Times of day, dates, decimal fractions and ports from 32768 may have other values. This also applies to locally
//!   administered MAC addresses except `02:00:00:...`. It also applies to whole numbers with five or more digits, or
//!   with the unit ms, us or ns. TCP windows and their scales (`win 502`, `wscale 7`) depend on the kernel's memory.
//! - The output of a command that reads `docs/sample.pcapng` must be equal, with times in UTC.
//! - A block is skipped if it or a script of it uses a program that is not installed, or a kind of interface that this
//!   system refuses. The rest of the page runs, and the test is then reported as ignored.

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use testbed::installed::installed;
use testbed::program::exit_and_text;
use testbed::{Case, TestResult, WireRefused};

use super::screen::program;

pub(crate) const CASES: &[Case] = &[
    ("readme_commands_print_what_page_shows", replay_page::<0>),
    ("tools_commands_print_what_page_shows", replay_page::<1>),
    ("jobs_commands_print_what_page_shows", replay_page::<2>),
    ("troubleshooting_commands_print_what_page_shows", replay_page::<3>),
    ("services_commands_print_what_page_shows", replay_page::<4>),
    ("day_of_work_needs_exit_codes_and_json_only", day_of_work),
    ("pages_with_console_blocks_are_all_replayed", other_pages),
    ("waits_of_pages_end_when_program_ends", waits),
    ("replay_parses_console_blocks_only", console_blocks),
    ("replay_requires_programs_and_interfaces_of_scripts", requirements),
    ("replay_rejects_different_output", different_output),
    ("replay_compares_changing_parts_by_kind", changing_parts),
];

/// The pages with blocks to replay.
const PAGES: [&str; 5] = ["README.md", "docs/tools.md", JOBS, "docs/troubleshooting.md", "docs/services.md"];

/// The page of daily jobs.
pub(crate) const JOBS: &str = "docs/jobs.md";

/// Programs that pages use and that may not be installed.
const OPTIONAL_PROGRAMS: [&str; 26] = [
    "arping", "awk", "bash", "comm", "curl", "cut", "diff", "grep", "gzip", "head", "ip", "jq", "nc", "nmap",
    "ping", "sed", "setpriv", "socat", "sort", "tail", "tcpdump", "tee", "timeout", "tshark", "uniq", "wc",
];

/// The line between the outputs of two commands. Programs do not print this record separator.
const SEPARATOR: &str = "\u{1e}";

/// The capture that the pages use.
const SAMPLE: &str = "docs/sample.pcapng";
/// The scripts of the pages: one starts two hosts with the same address, and the other replaces a host with another host.
const SCRIPTS: [&str; 2] = ["docs/duplicate.sh", "docs/failover.sh"];

/// The script of a day's work.
const DAY: &str = "docs/day.sh";

/// The pages, the script and the capture, and all other pages of `docs`, read before this process may become an unprivileged user.
static FILES: OnceLock<BTreeMap<String, Vec<u8>>> = OnceLock::new();

/// Reads the pages. Call this first in `main`.
pub(crate) fn read_pages() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut names: Vec<_> = [SAMPLE, DAY, "CONTRIBUTING.md"]
        .iter()
        .chain(&SCRIPTS)
        .chain(&PAGES)
        .map(ToString::to_string)
        .collect();
    for folder in ["docs", "docs/adr", "docs/spec"] {
        for entry in fs::read_dir(root.join(folder))? {
            let name = format!("{folder}/{}", entry?.file_name().display());
            let is_page =
                |name: &String| Path::new(name).extension().is_some_and(|extension| extension == "md");
            names.extend(Some(name).filter(is_page));
        }
    }
    let read = |name: String| fs::read(root.join(&name)).map(|bytes| (name, bytes));
    let files = names.into_iter().map(read).collect::<std::io::Result<_>>()?;
    FILES.get_or_init(|| files);
    Ok(())
}

/// Returns a page, a script or the capture.
pub(crate) fn file(name: &str) -> Result<&'static [u8], String> {
    let file = FILES.get().and_then(|files| files.get(name)).ok_or_else(|| format!("{name} was not read"));
    file.map(Vec::as_slice)
}

fn other_pages() -> TestResult {
    let files = FILES.get().ok_or("the pages were not read")?;
    let others = files.iter().filter(|(name, _)| !PAGES.contains(&name.as_str()));
    for (name, bytes) in others {
        let count = blocks(&String::from_utf8_lossy(bytes)).len();
        assert_eq!(count, 0, "{name} has blocks with the language console: add it to PAGES, or use sh");
    }
    Ok(())
}

/// Checks that no command waits for the output of a program that has ended: it could not start, for example.
fn waits() -> TestResult {
    let files = FILES.get().ok_or("the pages were not read")?;
    let mut count = 0;
    for (name, bytes) in files.iter().filter(|(name, _)| **name != SAMPLE) {
        for wait in std::str::from_utf8(bytes)?.split("until grep ").skip(1) {
            let condition = wait.split(';').next().unwrap_or_default();
            assert!(condition.ends_with(" || ! kill -0 $!"), "{name}: endless wait: until grep {condition}");
            count += 1;
        }
    }
    assert!(count > 0, "no page waits for a program");
    Ok(())
}

/// Runs the script of a day's work. The script must not read text: programs that select lines or columns are excluded.
fn day_of_work() -> TestResult {
    let script = std::str::from_utf8(file(DAY)?)?;
    require(script)?;
    let is_word = |c: char| c.is_alphanumeric() || c == '-';
    let filters = ["grep", "sed", "awk", "cut", "head", "tail", "tr", "wc", "sort", "uniq", "perl"];
    let filter = script.split(|c| !is_word(c)).find(|word| filters.contains(word));
    assert_eq!(filter, None, "the script reads text");
    let folder = prepare_folder()?;
    let output = Command::new("sh")
        .args(["-c", script])
        .current_dir(&folder)
        .env("PATH", search_path(&folder)?)
        .stdin(Stdio::null())
        .output()?;
    let (code, out, errors) = exit_and_text(&output);
    assert_eq!(code, Some(0), "{out}{errors}");
    assert!(out.ends_with("\ndone\n"), "{out}");
    Ok(())
}

/// A command of a block, with the output that the page shows.
#[derive(Debug, PartialEq)]
struct Step {
    line: usize,
    command: String,
    output: Vec<String>,
}

/// Parses the `console` blocks of a page.
fn blocks(page: &str) -> Vec<Vec<Step>> {
    let mut blocks = Vec::new();
    let mut block: Option<(&str, Vec<Step>)> = None;
    for (index, line) in page.lines().enumerate() {
        let text = line.trim_start();
        let Some((indent, steps)) = &mut block else {
            if text.starts_with("```console") {
                block = Some((&line[..line.len() - text.len()], Vec::new()));
            }
            continue;
        };
        let line_text = line.strip_prefix(*indent).unwrap_or(text);
        if line_text.starts_with("```") {
            blocks.extend(block.take().map(|(_, steps)| steps));
        } else if let Some(command) = line_text.strip_prefix("$ ") {
            steps.push(Step { line: index + 1, command: command.to_owned(), output: Vec::new() });
        } else if let Some(step) = steps.last_mut() {
            if step.output.is_empty() && step.command.ends_with('\\') {
                step.command = format!("{}\n{line_text}", step.command);
            } else {
                step.output.push(line_text.to_owned());
            }
        }
    }
    blocks
}

fn replay_page<const INDEX: usize>() -> TestResult {
    let name = PAGES[INDEX];
    let folder = prepare_folder()?;
    let mut absent = None;
    for block in blocks(std::str::from_utf8(file(name)?)?) {
        match require(&with_scripts(&block)?) {
            Err(error) => absent = Some(error),
            Ok(()) => replay_block(name, &block, &folder)?,
        }
    }
    absent.map_or(Ok(()), Err)
}

/// Returns the commands of a block, and the scripts that these commands run.
fn with_scripts(block: &[Step]) -> Result<String, Box<dyn std::error::Error>> {
    let mut text: String = block.iter().flat_map(|Step { command, .. }| [command, "\n"]).collect();
    for name in SCRIPTS {
        if text.contains(name) {
            text += std::str::from_utf8(file(name)?)?;
        }
    }
    Ok(text)
}

/// Returns the optional programs that these shell commands use.
fn optional_programs(commands: &str) -> Vec<&'static str> {
    let lines: Vec<_> = commands.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    // `tapstack ping` is a command of the program.
    let text = lines.join("\n").replace("tapstack ", "tapstack-");
    let words: Vec<_> = text.split(|c: char| !(c.is_alphanumeric() || c == '-')).collect();
    OPTIONAL_PROGRAMS.into_iter().filter(|program| words.contains(program)).collect()
}

/// Returns the kinds of the interfaces that these shell commands create.
fn interface_kinds(commands: &str) -> Vec<&str> {
    let parts = commands.split(['\n', ';']);
    let created = parts.filter_map(|part| part.split_once("ip link add ")?.1.split_once(" type "));
    created.filter_map(|(_, kind)| kind.split_whitespace().next()).collect()
}

/// Returns an error if these shell commands use a program that is not installed, or a kind of interface that this
/// system refuses.
fn require(commands: &str) -> TestResult {
    for program in optional_programs(commands) {
        installed(program)?;
    }
    for kind in interface_kinds(commands) {
        let ip = |words: &[&str]| Command::new("ip").arg("link").args(words).stdin(Stdio::null()).output();
        let (code, _, errors) = exit_and_text(&ip(&["add", "require0", "type", kind])?);
        if code != Some(0) {
            return Err(WireRefused(format!("cannot create a {kind} interface: {}", errors.trim())).into());
        }
        assert!(ip(&["del", "require0"])?.status.success(), "the {kind} interface cannot be deleted");
    }
    Ok(())
}

/// Creates a directory with the sample capture, and with the programs `tapstack`, `cargo` and `sudo` in the
/// subdirectory `bin`.
pub(crate) fn prepare_folder() -> Result<PathBuf, Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join("replay");
    fs::create_dir_all(folder.join("bin"))?;
    fs::create_dir_all(folder.join("docs"))?;
    for name in [SAMPLE].iter().chain(&SCRIPTS) {
        fs::write(folder.join(name), file(name)?)?;
    }
    symlink(program(), folder.join("bin/tapstack"))?;
    let script = |name: &str, text: &str| -> std::io::Result<()> {
        let path = folder.join("bin").join(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
    };
    script("sudo", "#!/bin/sh\nexec \"$@\"\n")?;
    script(
        "cargo",
        "#!/bin/sh\n\
         [ \"$1 $2 $3\" = 'run -p cli' ] || { echo \"replay: cargo $*: use the language sh\"; exit 2; }\n\
         shift 3; [ \"$1\" != -- ] || shift\n\
         exec tapstack \"$@\"\n",
    )?;
    Ok(folder)
}

/// Returns the search path with the programs of [`prepare_folder`].
pub(crate) fn search_path(folder: &Path) -> Result<String, std::env::VarError> {
    Ok(format!("{}:{}", folder.join("bin").display(), std::env::var("PATH")?))
}

/// Runs a block, and compares the output of each command.
fn replay_block(page: &str, block: &[Step], folder: &Path) -> TestResult {
    // The next command finds the exit code of this command in `$?`.
    let commands = block.iter().map(|Step { command, .. }| {
        format!("{command}\nreplay_code=$?; printf '\\n{SEPARATOR}\\n'; (exit $replay_code)\n")
    });
    let script: String = [String::from("exec 2>&1\n")].into_iter().chain(commands).collect();
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder)
        .env("PATH", search_path(folder)?)
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .output()?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut outputs = printed.split(SEPARATOR);
    for Step { line, command, output } in block {
        let printed = outputs.next().unwrap_or_default();
        let shown: Vec<_> = output.iter().map(String::as_str).collect();
        // Nothing in the output of a capture differs from run to run.
        let clean = if command.contains(SAMPLE) { squeeze } else { normalize };
        if !matches(&shown, &printed.lines().collect::<Vec<_>>(), clean) {
            let shown = shown.join("\n");
            return Err(format!(
                "{page}:{line}: `{command}` is shown to print\n{shown}\nand prints\n{printed}"
            )
            .into());
        }
    }
    Ok(())
}

/// Returns whether the lines on a page match the lines that a command printed.
fn matches(shown: &[&str], printed: &[&str], clean_line: fn(&str) -> String) -> bool {
    let clean = |lines: &[&str]| -> Vec<String> {
        let mut lines: Vec<_> = lines.iter().map(|line| clean_line(line)).collect();
        let count = |line: Option<&String>| line.is_some_and(String::is_empty);
        while count(lines.last()) {
            lines.pop();
        }
        while count(lines.first()) {
            lines.remove(0);
        }
        lines
    };
    matches_lines(&clean(shown), &clean(printed))
}

fn matches_lines(shown: &[String], printed: &[String]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first == "..." => {
            (0..=printed.len()).any(|skipped| matches_lines(rest, &printed[skipped..]))
        }
        Some((first, rest)) => printed.first() == Some(first) && matches_lines(rest, &printed[1..]),
    }
}

/// Returns a line with runs of spaces as one space.
fn squeeze(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Replaces the parts of a line that differ between runs by the names of their kinds.
fn normalize(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line.trim();
    let mut previous = "";
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '+' | '_');
        let end = rest.find(|c| is_word(c) != is_word(first)).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        rest = after;
        if is_word(first) {
            let word = part.trim_matches(['.', ':', '-', '+']);
            let unit = rest.trim_start().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            let (before, after) = part.split_once(word).unwrap_or_default();
            out += before;
            out += &kind(previous, word, unit).unwrap_or_else(|| word.to_owned());
            out += after;
            previous = word;
        } else {
            // The number of spaces between columns depends on the values.
            for c in part.chars() {
                if c != ' ' || !out.ends_with(' ') {
                    out.push(c);
                }
            }
        }
    }
    out
}

/// Returns the name of the kind of a word that differs between runs, e.g. a time. `previous` and `unit` are the words before
/// and after the word.
fn kind(previous: &str, word: &str, unit: &str) -> Option<String> {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_unit = |text: &str| matches!(text, "ms" | "us" | "ns" | "usec");
    let number = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = &word[number.len()..];
    let colons: Vec<_> = word.split(':').collect();
    let dots: Vec<_> = number.split('.').collect();
    let kind = if is_random_mac(&colons) {
        "<mac>"
    } else if is_date(word) {
        "<date>"
    } else if matches!(colons.len(), 2 | 3) && colons.iter().all(|part| part.split('.').all(is_digits)) {
        "<time>"
    } else if (dots.len() == 2 && dots.iter().all(|part| is_digits(part)))
        || (is_digits(number) && (is_unit(suffix) || is_unit(unit)))
        || (is_digits(word) && (word.len() >= 5 || matches!(previous, "win" | "wscale")))
    {
        "<number>"
    } else {
        let (address, port) = word.rsplit_once('.')?;
        let is_dynamic = port.parse().is_ok_and(|port: u16| port >= 32_768);
        return (is_dynamic && address.parse::<Ipv4Addr>().is_ok()).then(|| format!("{address}.<port>"));
    };
    Some(kind.to_owned())
}

/// Returns whether these parts of a MAC address are locally administered and unicast, and do not start with 02:00:00.
fn is_random_mac(parts: &[&str]) -> bool {
    let bytes: Vec<_> = parts
        .iter()
        .filter(|part| part.len() == 2)
        .filter_map(|part| u8::from_str_radix(part, 16).ok())
        .collect();
    parts.len() == 6 && bytes.len() == 6 && bytes[0] & 3 == 2 && bytes[..3] != [2, 0, 0]
}

/// Returns whether a word is a date, optionally with a time: 2026-11-29T04:27:58.
fn is_date(word: &str) -> bool {
    let parts: Vec<_> = word.splitn(3, '-').collect();
    let is_number =
        |text: &str, length| text.len() >= length && text.as_bytes()[..length].iter().all(u8::is_ascii_digit);
    parts.len() == 3 && is_number(parts[0], 4) && is_number(parts[1], 2) && is_number(parts[2], 2)
}

fn console_blocks() -> TestResult {
    let page = "\
        text\n```sh\n$ sudo reboot\n```\n\
        - item\n  ```console\n  $ echo a \\\n      b\n  a b\n  $ true\n  ```\n\
        ```console\n$ false\n```\n";
    let step = |line, command: &str, output: &[&str]| Step {
        line,
        command: command.to_owned(),
        output: output.iter().map(|line| (*line).to_owned()).collect(),
    };
    let first = vec![step(7, "echo a \\\n    b", &["a b"]), step(10, "true", &[])];
    assert_eq!(blocks(page), [first, vec![step(13, "false", &[])]]);
    Ok(())
}

fn requirements() -> TestResult {
    let page = "```console\n$ tapstack lab -- sh docs/duplicate.sh tapstack ping 10.1.0.7 | wc -l\n0\n```\n";
    let commands = with_scripts(&blocks(page)[0])?;
    assert_eq!(optional_programs(&commands), ["grep", "ip", "wc"]);
    assert_eq!(interface_kinds(&commands), ["bridge"]);
    let day = std::str::from_utf8(file(DAY)?)?;
    assert_eq!((optional_programs(day), interface_kinds(day)), (vec!["ip", "jq"], vec!["veth"]));
    assert_eq!(
        interface_kinds("ip link add a type bridge; ip link add b type veth peer name c"),
        ["bridge", "veth"]
    );
    if installed("ip").is_ok() {
        let error = require("ip link add a type nosuchkind").expect_err("the kind of interface is unknown");
        assert!(error.is::<WireRefused>(), "{error}");
    }
    Ok(())
}

fn different_output() -> TestResult {
    let folder = prepare_folder()?;
    let page =
        "```console\n$ false\n$ echo exit code $?\nexit code 1\n$ tapstack --version\ntapstack 0\n```\n";
    let block = blocks(page).remove(0);
    let error = replay_block("page", &block, &folder)
        .expect_err("the replay should detect the different version")
        .to_string();
    assert!(error.starts_with("page:5: `tapstack --version` is shown to print\ntapstack 0\n"), "{error}");
    let same = [("a\n...\nd", "a\nb\nc\nd"), ("...", ""), ("a", "a\n\n"), ("a  b", "  a b")];
    let different = [("a\n...\nd", "a\nb"), ("a", "a\nb"), ("a\nb", "a"), ("a b", "ab")];
    let outcome = |(shown, printed): (&str, &str)| {
        matches(&shown.lines().collect::<Vec<_>>(), &printed.lines().collect::<Vec<_>>(), normalize)
    };
    for pair in same {
        assert!(outcome(pair), "{pair:?}");
    }
    for pair in different {
        assert!(!outcome(pair), "{pair:?}");
    }
    Ok(())
}

fn changing_parts() -> TestResult {
    let same = [
        ("09:00:00.809987 ARP", "23:59:59.1 ARP"),
        ("2026-11-02 09:00:00 new", "2027-01-31 10:11:12.5 new"),
        ("\"2026-11-02T09:00:00.000001Z\"", "\"2027-01-01T10:00:00.5+01:00\""),
        ("time=0.061 ms", "time=12.5 ms"),
        ("time 1004ms", "time 9ms"),
        ("in 61 us", "in 7 us"),
        ("\"elapsed_ns\":123456,", "\"elapsed_ns\":9876543210,"),
        ("lladdr 02:91:17:5a:35:d7", "lladdr fe:00:00:00:00:01"),
        ("10.0.0.1.43191 >", "10.0.0.1.55555 >"),
        ("win 63, options [nop,wscale 10]", "win 502, options [nop,wscale 7]"),
    ];
    let different = [
        ("10.0.0.1", "10.0.0.2"),
        ("10.0.0.1.9:", "10.0.0.1.7:"),
        ("10.0.0.1.43191", "10.0.0.2.43191"),
        ("02:00:00:00:00:01", "02:00:00:00:00:02"),
        ("ff:ff:ff:ff:ff:ff", "02:91:17:5a:35:d7"),
        ("tapstack 0.1.0", "tapstack 0.2.0"),
        ("1234 frames", "1235 frames"),
        ("5 packets", "6 packets"),
        ("win 1, length 5", "win 1, length 6"),
    ];
    for (shown, printed) in same {
        assert_eq!(normalize(shown), normalize(printed));
    }
    for (shown, printed) in different {
        assert_ne!(normalize(shown), normalize(printed));
    }
    Ok(())
}
