use std::process::Command;
use std::time::Duration;

use super::{ToolExit, ToolProcess};

const TIMEOUT: Duration = Duration::from_mins(1);

fn shell(script: &str) -> ToolProcess {
    ToolProcess::start(Command::new("/bin/sh").args(["-c", script])).expect("sh should start")
}

#[test]
fn process_returns_exit_code_and_both_streams() {
    let mut process = shell("echo error >&2; echo text; exit 3");
    assert_eq!(process.wait(TIMEOUT), Ok(ToolExit::Code(3)));
    assert_eq!(process.into_text(), "text\nerror\n");
}

#[test]
fn interrupted_process_keeps_text_that_was_read_during_run() {
    let mut process = shell("echo ready; exec sleep 60");
    while process.text() != "ready\n" {
        assert_eq!(process.exit(), Ok(None));
    }
    process.interrupt().expect("the process should run");
    assert_eq!(process.wait(TIMEOUT), Ok(ToolExit::Interrupted));
    assert_eq!(process.into_text(), "ready\n");
}

#[test]
fn process_is_killed_after_timeout() {
    assert_eq!(shell("exec sleep 60").wait(Duration::ZERO), Ok(ToolExit::Hangs));
}

#[test]
fn other_signal_is_error() {
    let killed = shell("kill -TERM $$").wait(TIMEOUT);
    assert!(killed.as_ref().is_err_and(|error| error.contains("15")), "{killed:?}");
}
