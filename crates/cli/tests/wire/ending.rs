//! End of commands: signals, full outputs, dropped capabilities, and captures on a full disk.

use std::fs::{File, read_to_string};
use std::io::Write;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use nix::libc::{SYS_openat, SYS_ppoll, SYS_read};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo, pipe};
use tap::linux::PacketSocket;

use super::capture::Scratch;
use super::host::{request, start};
use super::running::{PersistentTapGuard, Running, open_tap};
use testbed::frames::{is_arp, receive, send};
use testbed::program::{command, exit_and_text, run};
use testbed::{Case, TestResult, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("commands_end_on_signal_while_opening_file", files_that_block),
    ("watch_has_no_result_when_fifo_gives_no_header", fifo_without_header),
    ("commands_continue_when_standard_error_is_full", full_standard_error),
    ("commands_drop_capabilities_after_opening", capabilities),
    ("lab_command_keeps_capabilities", lab_keeps_capabilities),
    ("capture_ends_with_complete_record_when_disk_is_full", full_disk),
];

/// Time limit for a command to end.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Interval between two checks.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Creates a FIFO that no other process opens.
fn fifo(name: &str) -> Result<Scratch, Box<dyn std::error::Error>> {
    let scratch = Scratch::new(name);
    mkfifo(&scratch.0, Mode::S_IRUSR | Mode::S_IWUSR)?;
    Ok(scratch)
}

/// Returns whether a process ends within [`TIMEOUT`]. Kills a process that does not end.
fn has_ended(child: &mut Child) -> bool {
    for _ in 0..TIMEOUT.as_millis() / POLL_INTERVAL.as_millis() {
        if child.try_wait().is_ok_and(|ended| ended.is_some()) {
            return true;
        }
        sleep(POLL_INTERVAL);
    }
    let _ = child.kill();
    let _ = child.wait();
    false
}

/// Returns `Some` if a process is blocked in an open or read system call: two checks find the same system call.
fn is_blocked(pid: u32) -> Option<()> {
    let call = || read_to_string(format!("/proc/{pid}/syscall")).ok();
    let first = call()?;
    let number = first.split(' ').next()?.parse().ok()?;
    sleep(POLL_INTERVAL);
    ([SYS_openat, SYS_read, SYS_ppoll].contains(&number) && call()? == first).then_some(())
}

fn files_that_block() -> TestResult {
    let (held, read, written) = (open_tap("wait0")?, fifo("read")?, fifo("written")?);
    let (read, written) = (read.name(), written.name());
    let host = ["--address", "10.0.0.2/24", "--no-probe"];
    let rows: [&[&str]; 9] = [
        &["scan", "-I", "wait0", "-f", "-"],
        &["scan", "-I", "wait0", "-f", read],
        &["scan", "-I", "wait0", "-O", read, "10.0.0.9"],
        &["watch", read],
        &["watch", "-I", "wait0", "--pcap", written],
        &["decode", read],
        &["arping", "-I", "wait0", "--pcap", written, "10.0.0.9"],
        &["ping", "-I", "wait0", "--pcap", written, "--address", "10.0.0.3/24", "10.0.0.9"],
        &[&["host", "-I", "wait0", "--pcap", written], &host[..]].concat(),
    ];
    let mut children = Vec::new();
    for words in rows {
        for signal in [Signal::SIGINT, Signal::SIGTERM] {
            let mut child = command(words);
            child.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
            children.push((words, signal, child.spawn()?));
        }
    }
    for (words, signal, child) in &mut children {
        wait_for(&format!("blocked open or read by {words:?}"), || is_blocked(child.id()))?;
        assert!(child.try_wait()?.is_none(), "{words:?} has ended");
        kill(Pid::from_raw(i32::try_from(child.id())?), *signal)?;
    }
    let alive: Vec<_> = children
        .iter_mut()
        .filter_map(|(words, signal, child)| (!has_ended(child)).then_some((words, signal)))
        .collect();
    assert!(alive.is_empty(), "{alive:?}");
    drop(held);
    Ok(())
}

fn fifo_without_header() -> TestResult {
    let fifo = fifo("late")?;
    for form in ["--plain", "--json"] {
        let (code, out, errors) = exit_and_text(&run(&["watch", fifo.name(), "-w", "0.1", form])?);
        assert_eq!(code, Some(2), "{out}{errors}");
        assert!(errors.contains("received nothing: the capture was not read to its end"), "{errors}");
        let statistics = if form == "--json" { r#""event":"statistics""# } else { "0 packets" };
        assert!(out.contains(statistics), "{out}");
    }
    // The signal arrives while the rest of the header is missing.
    let mut writer = File::options().read(true).write(true).open(&fifo.0)?;
    writer.write_all(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0])?;
    let child = command(&["watch", fifo.name()]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    wait_for("watch without capabilities", || has_no_privileges(child.id()))?;
    kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGTERM)?;
    let (code, out, errors) = exit_and_text(&child.wait_with_output()?);
    assert_eq!(code, Some(2), "{out}{errors}");
    drop(writer);
    // The writer opens the FIFO later.
    let capture =
        [&0xa1b2_c3d4_u32.to_le_bytes()[..], &[2, 0, 4, 0], &[0; 8], &[0xff, 0xff, 0, 0, 1, 0, 0, 0]]
            .concat();
    let child = command(&["watch", fifo.name(), "--plain"]).stdout(Stdio::piped()).spawn()?;
    File::options().write(true).open(&fifo.0)?.write_all(&capture)?;
    let (code, out, _) = exit_and_text(&child.wait_with_output()?);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("0 packets"), "{out}");
    Ok(())
}

fn full_standard_error() -> TestResult {
    let (reader, writer) = pipe()?;
    let mut writer = File::from(writer);
    // Fill the pipe page by page.
    nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK))?;
    while writer.write(&[b'x'; 4_096]).is_ok() {}
    nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::empty()))?;
    let mut child = command(&["arping", "-I", "absent0", "10.0.0.9"]).stderr(writer.try_clone()?).spawn()?;
    assert!(has_ended(&mut child));
    assert_eq!(child.wait()?.code(), Some(2));
    // The host prints a warning at start, because two networks have no route between them.
    let addresses = ["--address", "10.0.0.2/24", "--kernel", "10.9.0.1/24"];
    let host = [&["host", "--tap", "full1", "--no-probe"][..], &addresses].concat();
    let host = Running::with_errors(&host, writer.into())?;
    assert!(host.first.starts_with("ready full1 "), "{}", host.first);
    assert_eq!(host.stop()?.0, Some(0));
    drop(reader);
    Ok(())
}

/// Returns the lines of a process's status that list the privileges of the process.
fn privileges(pid: u32) -> std::io::Result<Vec<(String, String)>> {
    let status = read_to_string(format!("/proc/{pid}/status"))?;
    let lines = status.lines().filter_map(|line| line.split_once(":\t"));
    let is_privilege = |name: &str| name.starts_with("Cap") || name == "NoNewPrivs";
    Ok(lines
        .filter(|(name, _)| is_privilege(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

fn has_no_privileges(pid: u32) -> Option<()> {
    let lines = privileges(pid).ok()?;
    let none = |(name, value): &(String, String)| {
        if name == "NoNewPrivs" { value == "1" } else { value == "0000000000000000" }
    };
    (lines.len() == 6 && lines.iter().all(none)).then_some(())
}

fn capabilities() -> TestResult {
    let held = PersistentTapGuard::create("caps0")?;
    let rows: [&[&str]; 5] = [
        &["arping", "--tap", "caps1", "--address", "10.1.0.2/24", "--kernel", "10.1.0.1/24", "10.1.0.9"],
        &[
            "scan",
            "--tap",
            "caps2",
            "--address",
            "10.2.0.2/24",
            "--kernel",
            "10.2.0.1/24",
            "-t",
            "60000",
            "10.2.0.9",
        ],
        &["ping", "--tap", "caps3", "--address", "10.3.0.2/24", "--kernel", "10.3.0.1/24", "10.3.0.1"],
        &["watch", "--tap", "caps4", "--kernel", "10.4.0.1/24", "--plain"],
        &["watch", "--tap", "caps0", "--plain"],
    ];
    for words in rows {
        let running = Running::command(words)?;
        assert!(!running.first.is_empty(), "{words:?}");
        wait_for("process without capabilities", || has_no_privileges(running.pid()))?;
        running.stop()?;
    }
    let mut decode = command(&["decode", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    wait_for("decode without capabilities", || has_no_privileges(decode.id()))?;
    drop(decode.stdin.take());
    decode.wait()?;
    // Without capabilities, a host still replies, prints its ARP cache and deletes its TAP.
    for io in ["ring", "read-write"] {
        let (mut host, interface) = start("caps5", &["--io", io])?;
        wait_for("host without capabilities", || has_no_privileges(host.pid()))?;
        let mut socket = PacketSocket::open(interface.name())?;
        send(&mut socket, &request())?;
        receive(&mut socket, is_arp(2))?;
        assert!(host.line()?.contains("learned 10.0.0.7"));
        host.signal(Signal::SIGUSR1)?;
        assert!(host.line()?.starts_with("10.0.0.7 dev caps5 "));
        let (code, out, errors) = host.stop()?;
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
        assert!(!interface.exists());
    }
    // The host runs on an interface that the kernel also uses.
    let _held = open_tap("caps6")?;
    let host = Running::start(&["-I", "caps6", "--address", "10.0.0.2/24"])?;
    wait_for("host without capabilities", || has_no_privileges(host.pid()))?;
    assert_eq!(host.stop()?.0, Some(0));
    drop(held);
    Ok(())
}

fn lab_keeps_capabilities() -> TestResult {
    let own = read_to_string("/proc/self/status")?;
    let effective = own.lines().find(|line| line.starts_with("CapEff")).ok_or("no CapEff line")?;
    let (code, out, errors) = exit_and_text(&run(&["lab", "--", "cat", "/proc/self/status"])?);
    assert_eq!(code, Some(0), "{errors}");
    assert!(out.contains(effective) && !effective.ends_with("\t0000000000000000"), "{effective}: {out}");
    Ok(())
}

fn full_disk() -> TestResult {
    let file = Scratch::new("short.pcapng");
    // Limits the length of files that this process and its children write.
    let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE)?;
    setrlimit(Resource::RLIMIT_FSIZE, 5_001, hard)?;
    let (host, interface) = start("disk0", &["--pcap", file.name(), "-q"])?;
    let mut socket = PacketSocket::open(interface.name())?;
    for _ in 0..60 {
        send(&mut socket, &request())?;
        receive(&mut socket, is_arp(2))?;
    }
    let (code, _, errors) = host.stop()?;
    assert_eq!(code, Some(0), "the host did not continue: {errors}");
    assert!(errors.contains("stopped capturing to") && errors.contains(": File too large"), "{errors}");
    let length = std::fs::metadata(&file.0)?.len();
    assert!((4_700..5_001).contains(&length), "unexpected length of the capture: {length} bytes");
    let (code, out, errors) = exit_and_text(&run(&["decode", file.name()])?);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    Ok(())
}
