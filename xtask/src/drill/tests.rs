use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus};

use testbed::launcher::{ProcessOutput, TempFolder};

use super::{DrillArguments, failure, find_scripts, run, stub_tools, without_push};

fn output(status: Option<ExitStatus>, errors: &str) -> ProcessOutput {
    ProcessOutput { status, killed: Vec::new(), out: String::new(), errors: errors.to_owned() }
}

#[test]
fn missing_packetdrill_is_an_error_with_a_hint() {
    let arguments = DrillArguments {
        packetdrill: PathBuf::from("/nonexistent/packetdrill"),
        ignore_push: false,
        scripts: vec![PathBuf::from("a.pkt")],
    };
    let result: Result<ExitCode, String> = run(&arguments);
    let error = result.expect_err("the command ran without packetdrill");
    assert!(error.contains("not installed at /nonexistent/packetdrill\nhint: "), "unexpected error: {error}");
}

#[test]
fn failure_names_the_line_of_the_script() {
    let (passed, failed) = (ExitStatus::from_raw(0), ExitStatus::from_raw(1 << 8));
    let errors = "sysctl: permission denied\n\na.pkt:7: error handling packet: live packet field ipv4\nscript packet:\n";
    assert_eq!(failure(&output(Some(passed), errors)), None);
    let python =
        "a.pkt:9: error in Python code\nTraceback\nAssertionError: 32\na.pkt: error executing code\n";
    let reason = failure(&output(Some(failed), python));
    assert_eq!(reason.as_deref(), Some("line 9: error in Python code: AssertionError: 32"));
    let reason = failure(&output(Some(failed), errors));
    assert_eq!(reason.as_deref(), Some("line 7: error handling packet: live packet field ipv4"));
    assert_eq!(failure(&output(Some(failed), "one\ntwo\n")).as_deref(), Some("two"));
    assert_eq!(failure(&output(Some(failed), "")).as_deref(), Some("exit status: 1"));
    assert_eq!(failure(&output(None, "")).as_deref(), Some("no end after 20 seconds"));
}

#[test]
fn directory_is_searched_recursively_for_scripts() {
    let folder = TempFolder::new(None).expect("a directory should be created");
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("b")).expect("a directory should be created");
    for name in ["b/2.pkt", "a.pkt", "c.sh"] {
        fs::write(path(name), "").expect("a file should be written");
    }
    let found = find_scripts(&[folder.path().to_owned()]).expect("the scripts should be found");
    assert_eq!(found, [path("a.pkt"), path("b/2.pkt")]);
    assert!(find_scripts(&[path("missing.pkt")]).is_err(), "a missing script was accepted");
    fs::remove_dir_all(path("b")).expect("the directory should be removed");
    fs::remove_file(path("a.pkt")).expect("the file should be removed");
    assert!(find_scripts(&[folder.path().to_owned()]).is_err(), "a directory without scripts was accepted");
}

#[test]
fn stub_tools_precede_installed_tools() {
    let folder = TempFolder::new(None).expect("a directory should be created");
    let path = stub_tools(folder.path()).expect("the stubs should be written");
    let found = testbed::installed::find("tc", &path).expect("the stub should be executable");
    assert_eq!(found, folder.path().join("tools/tc"));
}

#[test]
fn push_is_removed_from_sent_segments_only() {
    let script = "// 0 > P. 1:2(1)\n +0 > P. 1:11(10) ack 1\n+.1~+.2 >  FP. 11:11(0)\n +0 < P. 1:11(10)\n 0 > . 1:1(0)\n\
                  write(4, ..., 1) > P. \n   * > PU. 1:2(1)\n+0 > [ect0] P. 1:2(1)";
    let expected = "// 0 > P. 1:2(1)\n +0 > . 1:11(10) ack 1\n+.1~+.2 >  F. 11:11(0)\n +0 < P. 1:11(10)\n 0 > . 1:1(0)\n\
                    write(4, ..., 1) > P. \n   * > U. 1:2(1)\n+0 > [ect0] . 1:2(1)";
    assert_eq!(without_push(script), expected);
}
