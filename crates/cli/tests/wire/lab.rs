//! Tests of `tapstack` without a command and of `tapstack lab`.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};

use nix::pty::{OpenptyResult, openpty};
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tap::linux::Interface;

use testbed::kernel::{delete_link, kernel_neighbor, send_from_kernel};
use testbed::program::{command, exit_and_text, run};
use testbed::{Case, TestResult, WireRefused, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("default_run_shows_arp_ping_and_http_with_kernel", default_run),
    ("lab_changes_nothing_outside_namespace", lab_changes_nothing_outside_namespace),
    ("lab_command_reads_page_of_host", command_reads_page),
    ("lab_exits_with_code_of_command", command_exit_code),
    ("lab_prints_frames_to_standard_error_with_command", frames_on_standard_error),
    ("lab_exits_128_plus_signal_of_command", command_ended_by_signal),
    ("lab_forwards_sigterm_to_command", sigterm),
    ("lab_command_starts_with_no_signal_blocked", lab_command_starts_with_no_signal_blocked),
    ("lab_forwards_sigterm_after_tap_is_deleted", sigterm_after_tap_is_deleted),
    ("lab_reports_missing_command", missing_command),
    ("lab_sys_shows_inner_interfaces", inner_sys),
    ("lab_prints_banner_on_terminal", banner),
    ("two_labs_are_separate", two_labs_are_separate),
    ("lab_cable_runs_without_kernel", cable),
];

pub(crate) const REFUSED: &[Case] = &[
    ("default_run_falls_back_to_cable_and_names_reason", default_run_falls_back),
    ("lab_command_does_not_fall_back", lab_command_does_not_fall_back),
    ("lab_cable_runs_without_namespace", cable),
];

fn default_run() -> TestResult {
    for arguments in [&[][..], &["lab"]] {
        let (code, out, errors) = exit_and_text(&run(arguments)?);
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
        assert!(out.contains("Request who-has 10.0.0.2 tell 10.0.0.1, length 28"), "{out}");
        assert!(out.contains("Reply 10.0.0.2 is-at 02:"), "{out}");
        check_exchange(&out, "the kernel");
        let entry = out.lines().last().ok_or("no entry")?;
        assert!(
            entry.starts_with("10.0.0.2 dev tap0 lladdr 02:") && entry.ends_with(" REACHABLE"),
            "{entry}"
        );
    }
    Ok(())
}

/// Checks that the output shows a ping and an HTTP request of a client at 10.0.0.1, in their order.
fn check_exchange(out: &str, client: &str) {
    let mut rest = out;
    for expected in [
        "10.0.0.1 > 10.0.0.2: ICMP echo request, id ",
        "10.0.0.2 > 10.0.0.1: ICMP echo reply, id ",
        " > 10.0.0.2.80: Flags [S], seq ",
        "10.0.0.2.80 > 10.0.0.1.",
        ": Flags [S.], seq ",
        " > 10.0.0.2.80: Flags [P.], seq 1:",
        ": HTTP: GET / HTTP/1.1\n",
        "10.0.0.2.80 > 10.0.0.1.",
        ": HTTP: HTTP/1.1 200 OK\n",
        " > 10.0.0.2.80: Flags [F.], seq ",
    ] {
        let place = rest.find(expected).unwrap_or_else(|| panic!("`{expected}` is missing: {out}"));
        rest = &rest[place + expected.len()..];
    }
    assert!(rest.contains(&format!("\n{client} received HTTP/1.1 200 OK with ")), "{out}");
    // On a busy machine, a segment is sent again before its acknowledgment arrives, and dropped.
    let is_fault = |line: &&str| line.contains("dropped") && !line.ends_with("outside the receive window");
    assert_eq!(out.lines().find(is_fault), None, "{out}");
    assert!(!out.contains(" [R"), "{out}");
}

/// Requests the page of the lab's host with the kernel's TCP, in the lab.
fn command_reads_page() -> TestResult {
    const SCRIPT: &str = "echo begun; read go";
    let mut lab =
        command(&["lab", "--", "sh", "-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    lab.stdout.as_mut().ok_or("standard output is not a pipe")?.read_exact(&mut [0; 6])?;
    let page = in_lab(&lab, || -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::new(10, 0, 0, 2), 80))?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n")?;
        let mut page = String::new();
        stream.read_to_string(&mut page)?;
        Ok(page)
    })??;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("over TCP in user space.\n"), "{page}");
    drop(lab.stdin.take());
    assert!(lab.wait()?.code().is_some(), "the lab was ended by a signal");
    Ok(())
}

fn lab_changes_nothing_outside_namespace() -> TestResult {
    let links = || std::fs::read_to_string("/proc/self/net/dev").map(|text| names(&text));
    let before = links()?;
    run(&["lab", "--", "true"])?;
    assert_eq!(links()?, before);
    let (_, inside, _) = exit_and_text(&run(&["lab", "--", "cat", "/proc/self/net/dev"])?);
    assert_eq!(names(&inside), ["lo", "tap0"], "the lab shows no interfaces from outside");
    Ok(())
}

fn names(dev: &str) -> Vec<String> {
    let mut names: Vec<_> =
        dev.lines().filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned())).collect();
    names.sort();
    names
}

fn command_exit_code() -> TestResult {
    for code in [0, 1, 7] {
        let (exit, out, errors) = exit_and_text(&run(&["lab", "--", "sh", "-c", &format!("exit {code}")])?);
        assert_eq!((exit, out.as_str(), errors.as_str()), (Some(code), "", ""));
    }
    Ok(())
}

/// Calls `act` in the network namespace of a lab while its command runs.
fn in_lab<T: Send>(lab: &Child, act: impl FnOnce() -> T + Send) -> Result<T, Box<dyn std::error::Error>> {
    let namespace = File::open(format!("/proc/{}/ns/net", lab.id()))?;
    // `setns` moves only the calling thread to the namespace, so `act` runs in a separate thread.
    std::thread::scope(|scope| {
        let there = scope.spawn(move || setns(namespace, CloneFlags::CLONE_NEWNET).map(|()| act()));
        Ok(there.join().map_err(|_| "the thread in the lab panicked")??)
    })
}

fn frames_on_standard_error() -> TestResult {
    const SCRIPT: &str = "echo begun; read go; cat /proc/net/arp";
    let host = Ipv4Addr::new(10, 0, 0, 2);
    for words in [&["lab"][..], &["lab", "-v"]] {
        let mut lab = command(&[words, &["--", "sh", "-c", SCRIPT]].concat());
        let mut lab = lab.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut begun = [0; 6];
        lab.stdout.as_mut().ok_or("standard output is not a pipe")?.read_exact(&mut begun)?;
        in_lab(&lab, || -> Result<(), String> {
            let tap = Interface::named(&"tap0".parse().map_err(|_| "a name")?)
                .map_err(|error| error.to_string())?;
            send_from_kernel(host, b"hello").map_err(|error| error.to_string())?;
            kernel_neighbor(&tap, host).map(drop).map_err(|error| error.to_string())
        })??;
        lab.stdin.take().ok_or("standard input is not a pipe")?.write_all(b"\n")?;
        let (code, out, errors) = exit_and_text(&lab.wait_with_output()?);
        assert_eq!(code, Some(0), "{errors}");
        let entry = |line: &str| line.starts_with("10.0.0.2 ") && line.contains(" 02:");
        assert!(out.lines().any(entry) && !out.contains("who-has"), "{out}");
        let is_verbose = words.len() > 1;
        assert_eq!(errors.contains("Request who-has 10.0.0.2 tell 10.0.0.1"), is_verbose, "{errors}");
        assert_eq!(errors.is_empty(), !is_verbose, "{errors}");
    }
    Ok(())
}

fn command_ended_by_signal() -> TestResult {
    assert_eq!(run(&["lab", "--", "sh", "-c", "kill -9 $$"])?.status.code(), Some(137));
    // SIGINT from the keyboard reaches the lab and the command. The lab ignores the signal.
    assert_eq!(run(&["lab", "--", "sh", "-c", "kill -INT $PPID; sleep 0.1; exit 3"])?.status.code(), Some(3));
    Ok(())
}

fn sigterm() -> TestResult {
    let script = "trap 'exit 5' TERM; echo up >&2; for i in $(seq 300); do sleep 0.05; done";
    let mut lab = command(&["lab", "--", "sh", "-c", script]).stderr(Stdio::piped()).spawn()?;
    let mut line = [0; 3];
    lab.stderr.as_mut().ok_or("standard error is not a pipe")?.read_exact(&mut line)?;
    kill(Pid::from_raw(i32::try_from(lab.id())?), Signal::SIGTERM)?;
    let status = wait_for("end of the lab", || lab.try_wait().ok().flatten())?;
    assert_eq!(status.code(), Some(5));
    Ok(())
}

fn lab_command_starts_with_no_signal_blocked() -> TestResult {
    let (_, status, _) = exit_and_text(&run(&["lab", "--", "cat", "/proc/self/status"])?);
    assert!(status.contains("SigBlk:\t0000000000000000"), "{status}");

    // The signal is sent to the whole process group, like Ctrl-C.
    let mut lab = command(&["lab", "--", "sleep", "30"]).process_group(0).spawn()?;
    wait_for("command in the lab", || {
        let children = format!("/proc/{0}/task/{0}/children", lab.id());
        std::fs::read_to_string(children).ok().filter(|text| !text.is_empty())
    })?;
    kill(Pid::from_raw(-i32::try_from(lab.id())?), Signal::SIGINT)?;
    let status = wait_for("end of the lab", || lab.try_wait().ok().flatten())?;
    assert_eq!(status.code(), Some(130));
    Ok(())
}

fn sigterm_after_tap_is_deleted() -> TestResult {
    let mut lab = command(&["lab", "--", "sh", "-c", "echo begun; exec sleep 30"]);
    let mut lab = lab.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut begun = [0; 6];
    lab.stdout.as_mut().ok_or("standard output is not a pipe")?.read_exact(&mut begun)?;
    in_lab(&lab, || -> Result<(), String> {
        let tap =
            Interface::named(&"tap0".parse().map_err(|_| "a name")?).map_err(|error| error.to_string())?;
        delete_link(&tap).map_err(|error| error.to_string())
    })??;
    let mut start = [0; 9];
    lab.stderr.as_mut().ok_or("standard error is not a pipe")?.read_exact(&mut start)?;
    kill(Pid::from_raw(i32::try_from(lab.id())?), Signal::SIGTERM)?;
    let status = wait_for("end of the lab", || lab.try_wait().ok().flatten())?;
    assert_eq!(status.code(), Some(143));
    Ok(())
}

fn missing_command() -> TestResult {
    let (code, _, errors) = exit_and_text(&run(&["lab", "--", "no-such-command"])?);
    assert_eq!(code, Some(127));
    assert_eq!(errors, "tapstack: cannot run no-such-command: command not found\n");
    let (code, _, errors) = exit_and_text(&run(&["lab", "--", "/no/such/command"])?);
    assert_eq!(code, Some(127));
    assert_eq!(errors, "tapstack: cannot run /no/such/command: command not found\n");
    for not_executable in ["/etc/passwd", "/proc"] {
        let (code, _, errors) = exit_and_text(&run(&["lab", "--", not_executable])?);
        assert_eq!(code, Some(126));
        assert_eq!(errors, format!("tapstack: cannot run {not_executable}: Permission denied\n"));
    }
    Ok(())
}

fn inner_sys() -> TestResult {
    let (code, out, errors) = exit_and_text(&run(&["lab", "-v", "--", "ls", "/sys/class/net"])?);
    if let Some((_, why)) = errors.split_once("/sys still shows the interfaces outside: ") {
        return Err(WireRefused(format!("sysfs cannot be mounted here: {why}")).into());
    }
    assert_eq!(code, Some(0), "{errors}");
    assert!(out.lines().any(|name| name == "tap0"), "{out}");
    Ok(())
}

fn banner() -> TestResult {
    let banner = "in the lab, tap0 connects the kernel at 10.0.0.1 and the emulated host at 10.0.0.2";
    let OpenptyResult { master, slave } = openpty(None, None)?;
    let mut lab = command(&["lab", "--", "true"]);
    let mut child = lab.stdin(slave.try_clone()?).stdout(Stdio::null()).stderr(slave).spawn()?;
    drop(lab);
    let mut shown = String::new();
    // After the last other end is closed, a read from a terminal fails.
    let _ = File::from(master).read_to_string(&mut shown);
    assert!(child.wait()?.success());
    assert_eq!(shown.trim_end(), banner);
    Ok(())
}

fn two_labs_are_separate() -> TestResult {
    let (first, second) =
        (command(&[]).stdout(Stdio::piped()).spawn()?, command(&[]).stdout(Stdio::piped()).spawn()?);
    assert!(first.wait_with_output()?.status.success());
    assert!(second.wait_with_output()?.status.success());
    Ok(())
}

fn check_simulated_wire(out: &str) {
    assert!(out.starts_with("a cable in memory, without the kernel"), "{out}");
    assert!(out.contains("Request who-has 10.0.0.2 tell 10.0.0.1"), "{out}");
    check_exchange(out, "host B");
    let entry = out.lines().last().unwrap_or_default();
    assert!(entry.starts_with("10.0.0.2 dev cable0 lladdr 02:"), "{out}");
}

fn cable() -> TestResult {
    let (code, out, errors) = exit_and_text(&run(&["lab", "--cable"])?);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    check_simulated_wire(&out);
    Ok(())
}

fn default_run_falls_back() -> TestResult {
    let (code, out, errors) = exit_and_text(&run(&[])?);
    assert_eq!(code, Some(2), "unexpected exit code of a run without the kernel");
    assert_eq!(errors.lines().count(), 2, "{errors}");
    assert!(errors.contains("`sudo chmod 0666 /dev/net/tun`"), "{errors}");
    check_simulated_wire(&out);
    Ok(())
}

fn lab_command_does_not_fall_back() -> TestResult {
    for arguments in [&["lab"][..], &["lab", "--", "true"]] {
        let (code, out, errors) = exit_and_text(&run(arguments)?);
        assert_eq!((code, out.as_str()), (Some(2), ""));
        assert!(errors.contains("`sudo chmod 0666 /dev/net/tun`"), "{errors}");
    }
    Ok(())
}
