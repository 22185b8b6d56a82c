//! `tapstack decode`: output and exit codes.

use std::io::Write;
use std::process::Stdio;

use testbed::installed::installed;
use testbed::program::{command, exit_and_text, run};
use testbed::{Case, TestResult};

pub(crate) const CASES: &[Case] = &[
    ("decode_exits_0_for_valid_1_for_faulty_2_for_unreadable", exit_codes),
    ("decode_exits_0_when_stdout_is_closed", closed_stdout),
    ("gzip_capture_is_decoded_and_filtered", || compressed("gzip")),
    ("zstd_capture_is_decoded_and_filtered", || compressed("zstd")),
    ("times_are_local_by_tz_and_utc_with_option", time_zones),
];

const REQUEST: [u8; 42] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10,
    0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2,
];

/// Returns a pcap file of one frame. `kind` is the low byte of the hardware type.
fn capture(link_type: u8, kind: u8) -> Vec<u8> {
    let head =
        [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, link_type, 0, 0, 0];
    let mut frame = REQUEST;
    frame[15] = kind;
    [&head[..], &[1, 0, 0, 0, 2, 0, 0, 0, 42, 0, 0, 0, 42, 0, 0, 0], &frame].concat()
}

/// Runs `decode` with this standard input, and prints times in UTC.
fn decode(bytes: &[u8]) -> Result<(Option<i32>, String, String), Box<dyn std::error::Error>> {
    run_with_input(&mut command(&["decode", "--utc", "-"]), bytes)
}

/// Runs a command with this standard input.
fn run_with_input(
    child: &mut std::process::Command,
    bytes: &[u8],
) -> Result<(Option<i32>, String, String), Box<dyn std::error::Error>> {
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    child.stdin.take().ok_or("standard input is not a pipe")?.write_all(bytes)?;
    Ok(exit_and_text(&child.wait_with_output()?))
}

fn time_zones() -> TestResult {
    let whole = capture(1, 1);
    let cases: [(&[&str], &str, &str); 5] = [
        (&[], "UTC0", "00:00:01.000002 ARP, "),
        (&[], "XYZ-5:30", "05:30:01.000002 ARP, "),
        (&["-tttt"], "XYZ8", "1969-12-31 16:00:01.000002 ARP, "),
        (
            &["--json"],
            "XYZ8",
            r#"{"schema":1,"number":1,"time":"1969-12-31T16:00:01.000002000-08:00","time_ns":1000002000,"#,
        ),
        (&["--utc"], "XYZ8", "00:00:01.000002 ARP, "),
    ];
    for (options, zone, start) in cases {
        let arguments = [&["decode", "-"], options].concat();
        let (code, out, errors) = run_with_input(command(&arguments).env("TZ", zone), &whole)?;
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        assert!(out.starts_with(start), "{zone} {options:?}: {out}");
    }
    Ok(())
}

fn exit_codes() -> TestResult {
    let valid = "00:00:01.000002 ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28\n";
    let whole = capture(1, 1);
    assert_eq!(decode(&whole)?, (Some(0), valid.to_owned(), String::new()));
    let invalid = "00:00:01.000002 ARP, length 28 [hardware type is not Ethernet]\n";
    assert_eq!(decode(&capture(1, 7))?, (Some(1), invalid.to_owned(), String::new()));
    // Frames before the error are printed.
    let truncated = [&whole[..], &whole[24..60]].concat();
    let error = "tapstack: cannot read standard input: the file ends within a packet or a header\n";
    assert_eq!(decode(&truncated)?, (Some(2), valid.to_owned(), error.to_owned()));
    let error = "tapstack: cannot read standard input: unsupported link type IEEE802_11 (105)\nhint: supported link types: Ethernet, Linux cooked captures, raw IP and loopback\n";
    assert_eq!(decode(&capture(105, 1))?, (Some(2), String::new(), error.to_owned()));
    let error = "tapstack: cannot read standard input: the file is empty\n";
    assert_eq!(decode(b"")?, (Some(2), String::new(), error.to_owned()));
    let error = "tapstack: cannot read standard input: not a pcap or pcapng file\n";
    assert_eq!(decode(b"PK\x03\x04 and so on")?, (Some(2), String::new(), error.to_owned()));
    let absent = "tapstack: cannot read /nowhere/a.pcap: No such file or directory\n";
    assert_eq!(
        exit_and_text(&run(&["decode", "/nowhere/a.pcap"])?),
        (Some(2), String::new(), absent.to_owned())
    );
    Ok(())
}

/// Reads a capture that this program has compressed.
fn compressed(program: &str) -> TestResult {
    let program = installed(program)?;
    let whole = capture(1, 1);
    let frames = [&whole[..], &whole[24..]].concat();
    let line = "00:00:01.000002 ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28\n";
    let mut child =
        std::process::Command::new(program).arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().ok_or("standard input is not a pipe")?.write_all(&frames)?;
    let output = child.wait_with_output()?;
    assert!(output.status.success(), "the compression failed");
    let compressed = output.stdout;
    assert_ne!(compressed.get(..4), whole.get(..4), "the capture is not compressed");
    assert_eq!(decode(&compressed)?, (Some(0), line.repeat(2), String::new()));
    let (code, _, errors) = decode(&compressed[..compressed.len() - 1])?;
    assert!(code == Some(2) && errors.starts_with("tapstack: cannot read standard input: "), "{errors}");
    let options = ["decode", "--utc", "-c", "1", "--filter", "arp and host 10.0.0.2", "-r", "-"];
    let filtered = run_with_input(&mut command(&options), &compressed)?;
    assert_eq!(filtered, (Some(0), line.to_owned(), String::new()));
    Ok(())
}

fn closed_stdout() -> TestResult {
    let whole = capture(1, 1);
    let frames = whole[24..].repeat(10_000);
    let mut child = command(&["decode", "--utc", "-"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    drop(child.stdout.take());
    let mut to = child.stdin.take().ok_or("standard input is not a pipe")?;
    to.write_all(&whole)?;
    // The write fails if `decode` has ended.
    let _ = to.write_all(&frames);
    drop(to);
    let (code, _, errors) = exit_and_text(&child.wait_with_output()?);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    Ok(())
}
