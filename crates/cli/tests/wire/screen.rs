//! `tapstack watch` on a terminal: tests of the live table in tmux.

use std::error::Error;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::capture::Scratch;
use super::running::open_tap;
use super::verdicts::{capture, station_request};
use super::watch::reply;
use testbed::frames::{arp, send};
use testbed::installed::installed;
use testbed::program::command;
use testbed::{Case, TestResult, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("live_table_responds_to_keys_in_terminal", live_table),
    ("live_table_ends_when_terminal_hangs_up", terminal_hangs_up),
    ("terminal_is_restored_while_watch_waits_for_commands", waits_for_commands),
];

/// A terminal in a separate tmux server without user configuration, closed on drop.
struct Terminal {
    tmux: PathBuf,
    socket: Scratch,
    /// The process of the server, if it has started.
    server: Option<Pid>,
}

impl Terminal {
    /// Starts a shell command in a terminal of 80x24.
    fn start(script: &str) -> Result<Terminal, Box<dyn Error>> {
        let mut terminal =
            Terminal { tmux: installed("tmux")?, socket: Scratch::new("terminal"), server: None };
        let started = terminal.run_tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-P",
            "-F",
            "#{pid}",
            "-x",
            "80",
            "-y",
            "24",
            "sh",
            "-c",
            script,
        ])?;
        terminal.server = Some(Pid::from_raw(started.trim().parse()?));
        Ok(terminal)
    }

    fn tmux_output(&self, arguments: &[&str]) -> std::io::Result<Output> {
        let mut tmux = Command::new(&self.tmux);
        // The terminal has an ASCII locale and no user configuration.
        let tmux = tmux.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        tmux.env("LC_ALL", "C").env("SHELL", "/bin/sh").env("HOME", "/").stdin(Stdio::null());
        tmux.args(["-S", self.socket.name()]).args(arguments).output()
    }

    /// Runs a command of tmux, and returns what it prints.
    fn run_tmux(&self, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
        let output = self.tmux_output(arguments)?;
        if output.status.success() {
            return Ok(String::from_utf8(output.stdout)?);
        }
        Err(format!("tmux {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }

    /// Waits until the screen shows all these parts, and returns its lines.
    fn wait_for_parts(&self, parts: &[&str]) -> Result<Vec<String>, Box<dyn Error>> {
        let mut last = String::new();
        let shown = wait_for("screen", || {
            last =
                String::from_utf8_lossy(&self.tmux_output(&["capture-pane", "-p"]).ok()?.stdout).into_owned();
            parts.iter().all(|part| last.contains(part)).then(|| last.lines().map(str::to_owned).collect())
        });
        shown.map_err(|_| format!("the screen did not show {parts:?}, but\n{last}").into())
    }

    fn press(&self, keys: &[&str]) -> TestResult {
        self.run_tmux(&[&["send-keys"], keys].concat()).map(drop)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The command `kill-server` waits for the server, which can wait for the client.
        if let Some(server) = self.server {
            let _ = kill(server, Signal::SIGKILL);
        }
    }
}

fn live_table() -> TestResult {
    let mut tap = open_tap("scr0")?;
    let file = Scratch::new("screen.pcapng");
    let program = program();
    let watch = format!("{program} watch -I scr0 --pcap {}", file.name());
    // `stty` shows whether the terminal settings are restored.
    let terminal = Terminal::start(&format!(
        "{watch} --fail-on conflict; echo first ended with $?; stty -a; read go; {watch}; echo second ended with $?; {program} watch {}; echo third ended with $?; cat",
        file.name()
    ))?;
    terminal.wait_for_parts(&["tapstack watch scr0", "0 addresses", "q quit"])?;
    for mac in [[2, 0, 0, 0, 0, 0xa], [2, 0, 0, 0, 0, 0xb]] {
        send(&mut tap, &reply(mac))?;
    }
    let shown = terminal.wait_for_parts(&["first ended with 1", " icanon ", "2 packets in "])?.join("\n");
    assert!(
        shown.contains(" echo ") && shown.contains("address conflict: 10.0.0.7 is claimed by "),
        "{shown}"
    );
    terminal.press(&["Enter"])?;
    terminal.wait_for_parts(&["tapstack watch scr0", "0 addresses", "q quit"])?;
    tap.interface().set_up(false)?;
    terminal.wait_for_parts(&["DOWN: receiving nothing"])?;
    tap.interface().set_up(true)?;
    for last in 1..=30 {
        let sender = ([2, 0, 0, 0, 1, last], [10, 0, 0, last].into());
        send(&mut tap, &arp([0xff; 6], 1, sender, ([0; 6], [10, 0, 0, 99].into())))?;
    }
    for mac in [[2, 0, 0, 0, 0, 0xa], [2, 0, 0, 0, 0, 0xb]] {
        send(&mut tap, &reply(mac))?;
    }
    check_small_screen(&terminal.wait_for_parts(&["1 conflict", " 30 addresses: 30 fresh", "1-14 of 30"])?);
    terminal.press(&["NPage"])?;
    terminal.wait_for_parts(&["15-28 of 30"])?;
    terminal.press(&["G"])?;
    let shown = terminal.wait_for_parts(&["17-30 of 30"])?;
    assert!(shown[16].starts_with("10.0.0.30  02:00:00:00:01:1e  fresh"), "{shown:#?}");
    terminal.press(&["g", "p"])?;
    terminal.wait_for_parts(&["PAUSED", "1-14 of 30"])?;
    terminal.press(&["p", "?"])?;
    terminal.wait_for_parts(&["HELP", "two MAC addresses claim one IP address", "many       one station"])?;
    terminal.run_tmux(&["resize-window", "-x", "200", "-y", "60"])?;
    terminal.press(&["x", "s", "s"])?;
    check_large_screen(&terminal.wait_for_parts(&["REQUESTS", "s sort: packets", "1-30 of 30"])?);
    terminal.press(&["q"])?;
    terminal.wait_for_parts(&["(end of capture)", "1-30 of 30"])?;
    terminal.press(&["C-c"])?;
    terminal.wait_for_parts(&["second ended with 0", "third ended with 0", "32 packets in "])?;
    Ok(())
}

/// Runs the watch with SIGHUP ignored, as `nohup` does.
fn terminal_hangs_up() -> TestResult {
    let _tap = open_tap("scr1")?;
    let ended = Scratch::new("ended");
    let program = program();
    let terminal =
        Terminal::start(&format!("trap '' HUP; {program} watch -I scr1; echo $? > {}", ended.name()))?;
    terminal.wait_for_parts(&["tapstack watch scr1", "q quit"])?;
    drop(terminal);
    wait_for("end of the watch", || std::fs::read_to_string(&ended.0).ok().filter(|code| !code.is_empty()))?;
    Ok(())
}

/// Watches a capture with more events than commands may run at the same time.
fn waits_for_commands() -> TestResult {
    let file = capture("screen-commands.pcap", (0..20).map(station_request), 65_535)?;
    let pid = Scratch::new("watch.pid");
    let watch = format!("exec {} watch {} --exec \"exec sleep 60\"", program(), file.name());
    // Ctrl-C interrupts the commands, the watch and the shell, which continues.
    let terminal = Terminal::start(&format!(
        "trap : INT; echo begun; sh -c 'echo $$ > {0}; {watch}'; echo first ended with $?; \
         sh -c 'echo $$ > {0}; {watch}'; echo second ended with $?; cat",
        pid.name()
    ))?;
    terminal.wait_for_parts(&["20 addresses", "q quit"])?;
    terminal.press(&["q"])?;
    terminal.wait_for_parts(&["begun"])?;
    terminal.press(&["C-c"])?;
    terminal.wait_for_parts(&["20 addresses", "q quit"])?;
    let watch: i32 = std::fs::read_to_string(&pid.0)?.trim().parse()?;
    kill(Pid::from_raw(watch), Signal::SIGTERM)?;
    let shown = terminal.wait_for_parts(&["first ended with 0", "second ended with 0"])?.join("\n");
    assert!(shown.contains("events without a command"), "{shown}");
    Ok(())
}

/// Returns the path of the program for a shell in the terminal.
pub(super) fn program() -> String {
    command(&[]).get_program().to_string_lossy().replace("self", &std::process::id().to_string())
}

/// Checks 80x24: complete lines, aligned columns, and use of the full size.
fn check_small_screen(shown: &[String]) {
    let screen = shown.join("\n");
    assert_eq!(shown.len(), 24, "{screen}");
    assert!(shown[0].starts_with("tapstack watch scr0  00:0") && !shown[0].contains("DOWN"), "{screen}");
    let title = "ADDRESS    MAC ADDRESS        STATE  FIRST LAST PACKETS     /s  NOTES";
    assert_eq!(shown[2].trim_end(), title, "{screen}");
    assert!(shown[3].starts_with("10.0.0.1   02:00:00:00:01:01  fresh  "), "{screen}");
    let conflict = &shown[9];
    assert!(conflict.starts_with("10.0.0.7   02:00:00:00:00:0b  fresh  "), "{screen}");
    assert_eq!(conflict.find("conflict"), title.find("NOTES"), "{screen}");
    assert_eq!(shown[17].trim_end(), "LATEST EVENTS");
    assert!(
        shown[18].ends_with(" conflict 10.0.0.7: both 02:00:00:00:00:0a and 02:00:00:00:00:0b"),
        "{screen}"
    );
    assert_eq!(shown[23], "q quit  arrows scroll  s sort: address  p pause  ? help               1-14 of 30");
}

/// Checks 200x60: all addresses and columns, sorted by packets.
fn check_large_screen(shown: &[String]) {
    let screen = shown.join("\n");
    assert_eq!(shown.len(), 60, "{screen}");
    let title = &shown[2];
    assert!(title.contains("FIRST SEEN          LAST SEEN PACKETS     /s REQUESTS REPLIES"), "{screen}");
    let mut words = shown[3].split_whitespace();
    assert!(words.by_ref().take(3).eq(["10.0.0.7", "02:00:00:00:00:0b", "fresh"]), "{screen}");
    assert_eq!(shown[3].find("conflict with 02:00:00:00:00:0a"), title.find("NOTES"), "{screen}");
    assert!(shown[32].starts_with("10.0.0.30 ") && shown[33].trim_end() == "LATEST EVENTS", "{screen}");
    assert!(shown[34].contains(" conflict 10.0.0.7: "), "{screen}");
    assert!(shown[59].starts_with("q quit ") && shown[59].len() == 200, "{screen}");
}
