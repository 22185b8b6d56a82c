//! `pictures`: draws the SVG pictures of the documentation from the terminal output of `tapstack`.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::process::{Command, ExitCode};

use anstyle_svg::{Palette, Term};
use nix::pty::{OpenptyResult, Winsize, openpty};
use vt100::Parser;

use crate::{ChoreResult, bench, dist};

#[derive(Debug, clap::Args)]
pub(crate) struct PicturesArguments {
    /// Compare the pictures with the output of `tapstack` instead of writing them
    #[arg(long)]
    check: bool,
}

/// The capture that the pictures show.
const SAMPLE: &str = "docs/sample.pcapng";
/// The frame to explain: an ARP request with an invalid sender.
const FRAME: u32 = 27;
/// The size of the terminal in characters.
const COLUMNS: u16 = 96;
const ROWS: u16 = 24;
/// The start of the heading of the frame's ARP packet.
const PACKET: &str = "ARP packet, ";
/// The first character of an escape sequence. A sequence that sets a style ends with `m`.
const ESCAPE: char = '\u{1b}';
/// The escape sequence for headings.
const BOLD: &str = "\u{1b}[1m";
/// The last words on the screen of `watch`.
const FOOTER: &str = "? help";

/// The colors of the terminal, readable on the background.
const PALETTE: [u32; 16] = [
    0x48_4f58, 0xff_7b72, 0x3f_b950, 0xd2_9922, 0x58_a6ff, 0xbc_8cff, 0x39_c5cf, 0xb1_bac4, 0x6e_7681,
    0xff_a198, 0x56_d364, 0xe3_b341, 0x79_c0ff, 0xd2_a8ff, 0x56_d4dd, 0xff_ffff,
];
const FOREGROUND: u32 = 0xe6_edf3;
const BACKGROUND: u32 = 0x0d_1117;

pub(crate) fn run(arguments: &PicturesArguments) -> ChoreResult {
    let root = bench::workspace_root();
    let program = dist::build("dev", "debug")?;
    let pictures =
        [("docs/decode.svg", explained_frame(&program, root)?), ("docs/watch.svg", table(&program, root)?)];
    let mut is_up_to_date = true;
    for (path, screen) in pictures {
        let (file, picture) = (root.join(path), svg(&screen));
        if !arguments.check {
            fs::write(&file, picture).map_err(|error| format!("cannot write {path}: {error}"))?;
            println!("{path}");
        } else if fs::read_to_string(&file).ok() != Some(picture) {
            eprintln!("xtask: {path} is not up to date: run `cargo xtask pictures`");
            is_up_to_date = false;
        }
    }
    Ok(ExitCode::from(u8::from(!is_up_to_date)))
}

/// Runs `pictures --check`.
pub(crate) fn check() -> ChoreResult {
    run(&PicturesArguments { check: true })
}

/// Returns the output of `decode --explain` for the frame, without the Ethernet header, and with long lines wrapped.
fn explained_frame(program: &Path, root: &Path) -> Result<String, String> {
    let arguments = ["decode", "--explain", SAMPLE];
    let mut command = Command::new(program);
    let output = command.args(arguments).args(["--color", "always"]).current_dir(root).output();
    let output = output.map_err(|error| format!("cannot run {}: {error}", program.display()))?;
    let page = String::from_utf8_lossy(&output.stdout).into_owned();
    let find =
        |text: &str| page.find(text).ok_or_else(|| format!("`decode --explain` does not print `{text}`"));
    let frame = page.get(find(&format!("frame {FRAME}: "))?..find(&format!("frame {}: ", FRAME + 1))?);
    let frame = frame.unwrap_or_default();
    let (summary, rest) = frame.split_once('\n').unwrap_or_default();
    let (_, packet) =
        rest.split_once(PACKET).ok_or_else(|| format!("no `{PACKET}` in the output for frame {FRAME}"))?;
    let command = format!("$ tapstack {}", arguments.join(" "));
    let summary = format!("{BOLD}{summary}");
    let lines = [command.as_str(), "...", &summary, "...", ""];
    let text = format!("{}\n{BOLD}{PACKET}{}", lines.join("\n"), packet.trim_end_matches(BOLD).trim_end());
    Ok(text.lines().map(wrap).collect::<Vec<_>>().join("\n"))
}

/// Breaks a line at spaces so that each part fits the terminal.
fn wrap(line: &str) -> String {
    let (mut wrapped, mut width) = (String::new(), 0);
    for word in line.split_inclusive(' ') {
        let escapes: usize = word.split(ESCAPE).skip(1).filter_map(|part| Some(part.find('m')? + 2)).sum();
        let length = word.trim_end().chars().count() - escapes;
        if width + length > usize::from(COLUMNS) {
            wrapped.push_str("\n  ");
            width = 2;
        }
        wrapped += word;
        width += length + word.len() - word.trim_end().len();
    }
    wrapped
}

/// Returns the screen that `watch` draws for the capture.
fn table(program: &Path, root: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("cannot show {} on a terminal: {error}", program.display());
    let size = Winsize { ws_row: ROWS, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
    let OpenptyResult { master, slave } = openpty(&size, None).map_err(|errno| failed(errno.into()))?;
    let mut command = Command::new(program);
    command.args(["watch", SAMPLE]).current_dir(root).env("TERM", "xterm-256color").env("TZ", "UTC");
    command
        .stdin(slave.try_clone().map_err(failed)?)
        .stdout(slave.try_clone().map_err(failed)?)
        .stderr(slave);
    let mut child = command.spawn().map_err(failed)?;
    // The command holds the other end of the terminal.
    drop(command);
    let mut master = File::from(master);
    let [rows, columns] = [ROWS, COLUMNS].map(|count| NonZeroU16::new(count).unwrap_or(NonZeroU16::MIN));
    let mut terminal = Parser::new(rows, columns, 0);
    let mut bytes = [0; 4_096];
    while !terminal.screen().contents().contains(FOOTER) {
        match master.read(&mut bytes) {
            Ok(count @ 1..) => terminal.process(bytes.get(..count).unwrap_or_default()),
            _ => {
                return Err(format!(
                    "`tapstack watch` ended early and showed\n{}",
                    terminal.screen().contents()
                ));
            }
        }
    }
    let screen = terminal.screen().contents_formatted_basic();
    master.write_all(b"q").map_err(failed)?;
    child.wait().map_err(failed)?;
    Ok(screen)
}

/// Returns the picture of a text with escape sequences.
fn svg(screen: &str) -> String {
    let palette = Palette(PALETTE.map(rgb));
    let term = Term::new().palette(palette).fg_color(rgb(FOREGROUND).into()).bg_color(rgb(BACKGROUND).into());
    // SVG applies opacity only to a complete text, but fill opacity also to parts of a text.
    let svg = term.render_svg(screen.trim_end_matches('\n')).replace("opacity: 0.4", "fill-opacity: 0.6");
    let lines: Vec<_> = svg.trim_end().lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

fn rgb(color: u32) -> anstyle::RgbColor {
    let [_, red, green, blue] = color.to_be_bytes();
    anstyle::RgbColor(red, green, blue)
}
