//! `tapstack` and `tapstack lab`.

use std::os::unix::process::CommandExt;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::lab::until;
use crate::harness::program::{command, run, told};
use crate::harness::{Case, Outcome};

pub(crate) const CASES: &[Case] = &[
    ("the_newcomers_run_shows_the_kernel_learning_our_address", the_newcomers_run),
    ("the_lab_touches_nothing_outside", the_lab_touches_nothing_outside),
    ("a_command_runs_beside_our_host_and_its_code_is_the_labs", a_command_runs_beside_our_host),
    ("standard_output_is_the_commands_and_frames_go_to_standard_error", standard_output_is_the_commands),
    ("a_command_ended_by_a_signal_gives_128_and_its_number", a_command_ended_by_a_signal),
    ("sigterm_is_passed_on_to_the_command", sigterm_is_passed_on),
    ("no_signal_is_kept_from_the_command", no_signal_is_kept_from_the_command),
    (
        "a_lab_whose_tap_is_deleted_still_passes_sigterm_on",
        a_lab_whose_tap_is_deleted_still_passes_sigterm_on,
    ),
    ("a_command_that_is_not_there_gets_a_sentence", a_command_that_is_not_there),
    ("two_labs_do_not_meet", two_labs_do_not_meet),
    ("the_embedded_wire_needs_no_kernel", the_embedded_wire),
];

pub(crate) const REFUSED: &[Case] = &[
    ("the_newcomers_run_falls_back_to_the_embedded_wire_and_says_why", the_newcomers_run_falls_back),
    ("lab_by_name_does_not_fall_back", lab_by_name_does_not_fall_back),
    ("lab_cable_works_all_the_same", the_embedded_wire),
];

fn the_newcomers_run() -> Outcome {
    for arguments in [&[][..], &["lab"]] {
        let (code, out, errors) = told(&run(arguments)?);
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
        assert!(out.contains("Request who-has 10.0.0.2 tell 10.0.0.1, length 28"), "{out}");
        assert!(out.contains("Reply 10.0.0.2 is-at 02:"), "{out}");
        let entry = out.lines().last().ok_or("an entry")?;
        assert!(
            entry.starts_with("10.0.0.2 dev tap0 lladdr 02:") && entry.ends_with(" REACHABLE"),
            "{entry}"
        );
    }
    Ok(())
}

fn the_lab_touches_nothing_outside() -> Outcome {
    let links = || std::fs::read_to_string("/proc/self/net/dev").map(|text| names(&text));
    let before = links()?;
    run(&["lab", "--", "true"])?;
    assert_eq!(links()?, before);
    let (_, inside, _) = told(&run(&["lab", "--", "cat", "/proc/self/net/dev"])?);
    assert_eq!(names(&inside), ["lo", "tap0"], "and nothing from outside is inside");
    Ok(())
}

fn names(dev: &str) -> Vec<String> {
    let mut names: Vec<_> =
        dev.lines().filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned())).collect();
    names.sort();
    names
}

fn a_command_runs_beside_our_host() -> Outcome {
    for code in [0, 1, 7] {
        let (exit, out, errors) = told(&run(&["lab", "--", "sh", "-c", &format!("exit {code}")])?);
        assert_eq!((exit, out.as_str(), errors.as_str()), (Some(code), "", ""));
    }
    Ok(())
}

/// Makes the kernel ask for 10.0.0.2 and prints its table: bash needs no tools for that.
const ASK: &str = "echo > /dev/udp/10.0.0.2/9; for i in 1 2 3 4 5 6 7 8 9; do grep -q ' 0x2 ' /proc/net/arp && break; sleep 0.1; done; cat /proc/net/arp";

fn standard_output_is_the_commands() -> Outcome {
    let (code, out, errors) = told(&run(&["lab", "--", "bash", "-c", ASK])?);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(out.lines().any(|line| line.starts_with("10.0.0.2 ") && line.contains(" 02:")), "{out}");

    let (_, verbose, frames) = told(&run(&["lab", "-v", "--", "bash", "-c", ASK])?);
    assert!(!verbose.contains("who-has"), "{verbose}");
    assert!(frames.contains("Request who-has 10.0.0.2 tell 10.0.0.1"), "{frames}");
    Ok(())
}

fn a_command_ended_by_a_signal() -> Outcome {
    assert_eq!(run(&["lab", "--", "sh", "-c", "kill -9 $$"])?.status.code(), Some(137));
    // SIGINT from the keyboard goes to both; the lab leaves it to the command.
    assert_eq!(run(&["lab", "--", "sh", "-c", "kill -INT $PPID; sleep 0.1; exit 3"])?.status.code(), Some(3));
    Ok(())
}

fn sigterm_is_passed_on() -> Outcome {
    let script = "trap 'exit 5' TERM; echo up >&2; for i in $(seq 300); do sleep 0.05; done";
    let mut lab = command(&["lab", "--", "sh", "-c", script]).stderr(Stdio::piped()).spawn()?;
    let mut line = [0; 3];
    std::io::Read::read_exact(lab.stderr.as_mut().ok_or("standard error")?, &mut line)?;
    kill(Pid::from_raw(i32::try_from(lab.id())?), Signal::SIGTERM)?;
    let status = until("end of the lab", || lab.try_wait().ok().flatten())?;
    assert_eq!(status.code(), Some(5));
    Ok(())
}

fn no_signal_is_kept_from_the_command() -> Outcome {
    let (_, status, _) = told(&run(&["lab", "--", "cat", "/proc/self/status"])?);
    assert!(status.contains("SigBlk:\t0000000000000000"), "{status}");

    // As Ctrl-C does: to the whole group, of which the lab is the first.
    let mut lab = command(&["lab", "--", "sleep", "30"]).process_group(0).spawn()?;
    until("command in the lab", || {
        let children = format!("/proc/{0}/task/{0}/children", lab.id());
        std::fs::read_to_string(children).ok().filter(|text| !text.is_empty())
    })?;
    kill(Pid::from_raw(-i32::try_from(lab.id())?), Signal::SIGINT)?;
    let status = until("end of the lab", || lab.try_wait().ok().flatten())?;
    assert_eq!(status.code(), Some(130));
    Ok(())
}

fn a_lab_whose_tap_is_deleted_still_passes_sigterm_on() -> Outcome {
    if std::process::Command::new("ip").arg("-V").output().is_err() {
        // Only `ip` can delete the TAP from inside; `cargo xtask conform` says whether it is there.
        return Ok(());
    }
    let script = "ip link delete tap0; echo gone; exec sleep 30";
    let mut lab =
        command(&["lab", "--", "sh", "-c", script]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut line = [0; 5];
    std::io::Read::read_exact(lab.stdout.as_mut().ok_or("standard output")?, &mut line)?;
    let mut told = [0; 9];
    std::io::Read::read_exact(lab.stderr.as_mut().ok_or("standard error")?, &mut told)?;
    kill(Pid::from_raw(i32::try_from(lab.id())?), Signal::SIGTERM)?;
    let status = until("end of the lab", || lab.try_wait().ok().flatten())?;
    assert_eq!(status.code(), Some(143));
    Ok(())
}

fn a_command_that_is_not_there() -> Outcome {
    let (code, _, errors) = told(&run(&["lab", "--", "no-such-command"])?);
    assert_eq!(code, Some(2));
    assert!(errors.starts_with("tapstack: cannot run no-such-command: "), "{errors}");
    Ok(())
}

fn two_labs_do_not_meet() -> Outcome {
    let (first, second) =
        (command(&[]).stdout(Stdio::piped()).spawn()?, command(&[]).stdout(Stdio::piped()).spawn()?);
    assert!(first.wait_with_output()?.status.success());
    assert!(second.wait_with_output()?.status.success());
    Ok(())
}

fn assert_embedded(out: &str) {
    assert!(out.starts_with("an embedded wire, no kernel takes part"), "{out}");
    assert!(out.contains("Request who-has 10.0.0.2 tell 10.0.0.1"), "{out}");
    let entry = out.lines().last().unwrap_or_default();
    assert!(entry.starts_with("10.0.0.2 dev cable0 lladdr 02:"), "{out}");
}

fn the_embedded_wire() -> Outcome {
    let (code, out, errors) = told(&run(&["lab", "--cable"])?);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert_embedded(&out);
    Ok(())
}

fn the_newcomers_run_falls_back() -> Outcome {
    let (code, out, errors) = told(&run(&[])?);
    assert_eq!(code, Some(0));
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.contains("`sudo chmod 0666 /dev/net/tun`"), "{errors}");
    assert_embedded(&out);
    Ok(())
}

fn lab_by_name_does_not_fall_back() -> Outcome {
    for arguments in [&["lab"][..], &["lab", "--", "true"]] {
        let (code, out, errors) = told(&run(arguments)?);
        assert_eq!((code, out.as_str()), (Some(2), ""));
        assert!(errors.contains("`sudo chmod 0666 /dev/net/tun`"), "{errors}");
    }
    Ok(())
}
