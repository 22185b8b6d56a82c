//! Captures of `--pcap`, read by `tapstack decode`.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use tap::linux::PacketSocket;

use super::host::{request, start};
use super::running::Running;
use super::scan::range_of_four;
use testbed::frames::{arp, is_arp, receive, send};
use testbed::installed::installed;
use testbed::program::{command, exit_and_text, run};
use testbed::veth::{NEAR, Veth};
use testbed::{Case, TestResult, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("host_capture_has_decisions_and_is_complete_after_kill", host_capture),
    ("host_capture_completes_checksums_left_to_devices", incomplete_checksums),
    ("ping_capture_to_stdout_leaves_text_on_stderr", ping_capture),
    ("arping_capture_marks_replies", arping_capture),
    ("scan_capture_marks_packets", scan_capture),
    ("lab_capture_has_both_directions", lab_capture),
    ("capture_continues_in_next_file_at_size_limit", rotation),
    ("closed_pipe_ends_capture_but_not_host", closed_pipe),
    ("capture_exits_2_when_file_cannot_be_created", uncreatable_file),
    ("capinfos_reads_captures_without_warnings", capinfos_reads),
    ("tshark_reads_captures_without_warnings", tshark_reads),
];

/// Path of a temporary file of this test, deleted on drop.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Scratch {
        Scratch(std::env::temp_dir().join(format!("tapstack-{}-{name}", std::process::id())))
    }

    pub(crate) fn name(&self) -> &str {
        self.0.to_str().expect("the path should be UTF-8")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Runs `decode -t -v`. Returns exit code, standard output and standard error.
fn decode(arguments: &[&str]) -> std::io::Result<(Option<i32>, String, String)> {
    Ok(exit_and_text(&run(&[&["decode", "-t", "-v"], arguments].concat())?))
}

/// Waits until the capture of a running command has a packet with this text.
pub(crate) fn wait_for_packet(file: &Scratch, text: &str) -> TestResult {
    wait_for(&format!("packet `{text}` in the capture"), || {
        decode(&[file.name()]).ok()?.1.contains(text).then_some(())
    })
}

fn host_capture() -> TestResult {
    let file = Scratch::new("host.pcapng");
    let (host, interface) = start("cap0", &["--pcap", file.name()])?;
    let mut socket = PacketSocket::open(interface.name())?;
    send(&mut socket, &request())?;
    let request_line = "Request who-has 10.0.0.2 tell 10.0.0.7, length 28 [comment: learned, answered]";
    wait_for("reply in the capture", || {
        let (_, out, _) = decode(&[file.name()]).ok()?;
        out.contains("Reply 10.0.0.2 is-at").then_some(())
    })?;
    // The capture is complete after SIGKILL, although the process cannot flush the file.
    host.signal(Signal::SIGKILL)?;
    host.end()?;
    let (code, out, errors) = decode(&[file.name()])?;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains(request_line), "{out}");
    let (_, out, _) = exit_and_text(&run(&["decode", "--json", file.name()])?);
    let reply = out.lines().find(|line| line.contains(r#""operation":2"#)).ok_or("no reply")?;
    assert!(reply.contains(r#""direction":"out","comment":null"#), "{reply}");
    Ok(())
}

fn incomplete_checksums() -> TestResult {
    let veth = Veth::new()?;
    let file = Scratch::new("checksums.pcapng");
    let services = ["--serve", "discard,chargen", "--pcap", file.name()];
    let host = Running::start(&[&["-I", NEAR, "--address", "10.0.0.2/24"], &services[..]].concat())?;
    // A veth pair carries frames of several segments, and no end completes their checksums.
    let address = Ipv4Addr::new(10, 0, 0, 2);
    let mut discard = veth.in_far_namespace(|| TcpStream::connect((address, 9)))?;
    discard.write_all(&vec![7; 300_000])?;
    let mut chargen = veth.in_far_namespace(|| TcpStream::connect((address, 19)))?;
    chargen.read_exact(&mut vec![0; 300_000])?;
    host.signal(Signal::SIGTERM)?;
    host.end()?;
    let (code, out, errors) = decode(&[file.name()])?;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    let wrong: Vec<_> = out.lines().filter(|line| line.contains("incorrect")).collect();
    assert_eq!(wrong, [""; 0], "a checksum is wrong");
    assert!(out.matches("(correct)").count() > 10, "{out}");
    Ok(())
}

/// Writes captures of a replying host, of a lab, and of the simulated wire.
fn captures() -> Result<[Scratch; 3], Box<dyn std::error::Error>> {
    let files = ["host", "lab", "cable"].map(|name| Scratch::new(&format!("{name}.pcapng")));
    let (host, interface) = start("read0", &["--pcap", files[0].name()])?;
    let mut socket = PacketSocket::open(interface.name())?;
    send(&mut socket, &request())?;
    receive(&mut socket, is_arp(2))?;
    host.stop()?;
    for (file, arguments) in files[1..].iter().zip([&["lab"][..], &["lab", "--cable"]]) {
        let (code, _, errors) = exit_and_text(&run(&[arguments, &["--pcap", file.name()]].concat())?);
        assert_eq!(code, Some(0), "{errors}");
    }
    Ok(files)
}

/// Returns the output of a program of Wireshark for a capture. Warnings fail the test.
fn wireshark_prints(
    program: &Path,
    arguments: &[&str],
    file: &Scratch,
) -> Result<String, Box<dyn std::error::Error>> {
    // The program runs without the user's configuration.
    let output = Command::new(program).args(arguments).arg(file.name()).env("HOME", "/nowhere").output()?;
    let (code, out, errors) = exit_and_text(&output);
    assert_eq!(code, Some(0), "{}: {errors}", program.display());
    let warnings: Vec<_> = errors.lines().filter(|line| !line.starts_with("Running as user")).collect();
    assert_eq!(warnings, [""; 0], "{}", program.display());
    for word in ["Malformed", "Expert Info (Error"] {
        assert!(!out.contains(word), "{}: {out}", program.display());
    }
    Ok(out)
}

fn capinfos_reads() -> TestResult {
    let capinfos = installed("capinfos")?;
    for file in captures()? {
        let out = wireshark_prints(&capinfos, &[], &file)?;
        assert!(out.contains("pcapng") && out.contains("Ethernet"), "{out}");
    }
    Ok(())
}

fn tshark_reads() -> TestResult {
    let tshark = installed("tshark")?;
    let files = captures()?;
    for file in &files {
        let out = wireshark_prints(&tshark, &["-n", "-V", "-r"], file)?;
        assert!(out.contains("Address Resolution Protocol (reply)"), "{out}");
    }
    let out = wireshark_prints(&tshark, &["-n", "-V", "-r"], &files[0])?;
    for part in ["Packet comments", "learned, answered", "Direction: Inbound", "Direction: Outbound"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    Ok(())
}

fn ping_capture() -> TestResult {
    let arguments =
        ["ping", "--tap", "cap1", "--address", "10.0.0.2/24", "--kernel", "10.0.0.1/24", "--pcap", "-"];
    let mut ping = command(&[&arguments[..], &["-c", "1", "10.0.0.1"]].concat());
    let mut ping = ping.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let capture = ping.stdout.take().ok_or("standard output is not a pipe")?;
    let out = command(&["decode", "-"]).stdin(capture).output()?;
    let (code, lines, errors) = exit_and_text(&out);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{lines}");
    assert_eq!(lines.matches("ICMP echo request").count(), 1, "{lines}");
    assert_eq!(lines.matches("ICMP echo reply").count(), 1, "{lines}");
    let mut text = String::new();
    ping.stderr.take().ok_or("standard error is not a pipe")?.read_to_string(&mut text)?;
    assert!(text.contains("1 packets transmitted, 1 received"), "{text}");
    assert_eq!(ping.wait()?.code(), Some(0));
    Ok(())
}

fn arping_capture() -> TestResult {
    let (_host, interface) = start("cap4", &[])?;
    let name = interface.name().to_string();
    let mut other_station = PacketSocket::open(interface.name())?;
    let file = Scratch::new("arping.pcapng");
    let arguments = ["arping", "-I", &name, "-i", "0.3", "-s", "10.0.0.1", "--pcap", file.name(), "10.0.0.2"];
    let mut arping = Running::command(&arguments)?;
    arping.line()?;
    // This packet is sent between other hosts.
    send(&mut other_station, &request())?;
    let (reply, stray) = ("[comment: reply]", "[comment: not a reply to this arping]");
    wait_for("packets of other hosts and two replies in the capture", || {
        let (_, out, _) = decode(&[file.name()]).ok()?;
        (out.matches(stray).count() >= 2 && out.matches(reply).count() >= 2).then_some(())
    })?;
    assert_eq!(arping.stop()?.0, Some(0));
    let (code, out, errors) = decode(&[file.name()])?;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    assert_eq!(out.matches(stray).count(), 2, "{out}");
    // Requests have no comment. The last request may have no reply.
    let requests = out.matches(" tell 10.0.0.1, length 28\n").count();
    let replies = out.matches(reply).count();
    assert!(
        replies == requests || replies + 1 == requests,
        "{replies} replies to {requests} requests: {out}"
    );
    assert_eq!(out.lines().count(), requests + replies + 2, "{out}");
    Ok(())
}

fn scan_capture() -> TestResult {
    let host = range_of_four("caught0")?;
    let file = Scratch::new("scan.pcapng");
    // The scan waits for replies until it is interrupted.
    let scan = ["scan", "-I", "caught0", "-r", "1", "-t", "60000", "-q"];
    let child = Running::command(&[&scan[..], &["-W", file.name(), "10.0.0.19-10.0.0.20"]].concat())?;
    let lines = [
        "Request who-has 10.0.0.19 tell 10.0.0.1, length 28\n",
        "Reply 10.0.0.19 is-at 02:11:00:00:00:03, length 28 [comment: reply]\n",
        "Request who-has 10.0.0.20 tell 10.0.0.1, length 28\n",
    ];
    lines.iter().try_for_each(|line| wait_for_packet(&file, line))?;
    child.stop()?;
    let (_, out, _) = decode(&[file.name()])?;
    for line in lines {
        assert_eq!(out.matches(line).count(), 1, "{line}: {out}");
    }
    // This packet is not a reply to the scan.
    let file = Scratch::new("others.pcapng");
    let mut socket = PacketSocket::open(&"caught0".parse()?)?;
    let child = Running::command(&[&scan[..], &["--pcap", file.name(), "10.0.0.20"]].concat())?;
    wait_for_packet(&file, "who-has 10.0.0.20")?;
    send(
        &mut socket,
        &arp([0xff; 6], 1, ([2, 0, 0, 0, 0, 7], [10, 0, 0, 2].into()), ([0; 6], [10, 0, 0, 1].into())),
    )?;
    wait_for_packet(&file, "who-has 10.0.0.1 tell 10.0.0.2, length 28 [comment: not a reply to this scan]")?;
    child.stop()?;
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

fn lab_capture() -> TestResult {
    for arguments in [&["lab"][..], &["lab", "--cable"]] {
        let file = Scratch::new("lab.pcapng");
        let (code, ..) = exit_and_text(&run(&[arguments, &["--pcap", file.name()]].concat())?);
        assert_eq!(code, Some(0), "{arguments:?}");
        let (code, out, errors) = decode(&[file.name()])?;
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
        assert!(out.contains("Request who-has 10.0.0.2 tell 10.0.0.1"), "{out}");
        assert!(out.contains("Reply 10.0.0.2 is-at"), "{out}");
        assert!(out.contains("Flags [S.], ") && out.contains(": HTTP: HTTP/1.1 200 OK"), "{out}");
    }
    let (code, _, errors) = exit_and_text(&run(&["lab", "--pcap", "-", "--", "true"])?);
    assert_eq!(code, Some(2));
    assert!(errors.contains("--pcap - cannot be used with COMMAND"), "{errors}");
    Ok(())
}

fn rotation() -> TestResult {
    let file = Scratch::new("ring.pcapng");
    let names = [0, 1, 2].map(|number| Scratch::new(&format!("ring-{number}.pcapng")));
    // The requests and replies have about 1.4 MB.
    let (code, out, errors) = exit_and_text(&run(&[
        "ping",
        "--tap",
        "cap5",
        "--address",
        "10.0.0.2/24",
        "--kernel",
        "10.0.0.1/24",
        "--pcap",
        file.name(),
        "--pcap-size",
        "1",
        "--pcap-files",
        "3",
        "-c",
        "12",
        "-i",
        "0.05",
        "-s",
        "60000",
        "10.0.0.1",
    ])?);
    assert_eq!(code, Some(0), "{out}{errors}");
    assert!(!file.0.exists(), "the capture has a file without a number");
    let sizes = names.each_ref().map(|name| std::fs::metadata(&name.0).map_or(0, |file| file.len()));
    assert!((900_000..=1_000_000).contains(&sizes[0]) && sizes[1] > 0 && sizes[2] == 0, "{sizes:?}");
    let mut lines = String::new();
    for name in &names[..2] {
        let (code, out, errors) = decode(&[name.name()])?;
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
        lines += &out;
    }
    assert_eq!(lines.matches("ICMP echo request").count(), 12, "{lines}");
    Ok(())
}

fn closed_pipe() -> TestResult {
    let pipe = Scratch::new("pipe");
    nix::unistd::mkfifo(&pipe.0, nix::sys::stat::Mode::S_IRWXU)?;
    let reader = File::options().read(true).custom_flags(nix::libc::O_NONBLOCK).open(&pipe.0)?;
    let (mut host, interface) = start("cap3", &["--pcap", pipe.name()])?;
    drop(reader);
    let mut socket = PacketSocket::open(interface.name())?;
    for _ in 0..3 {
        send(&mut socket, &request())?;
    }
    assert!(host.line()?.contains("learned 10.0.0.7"));
    let (code, out, errors) = host.stop()?;
    assert_eq!(code, Some(0));
    assert!(out.contains("arp: replies sent"), "{out}");
    assert_eq!(errors.matches("stopped capturing to").count(), 1, "{errors}");
    Ok(())
}

fn uncreatable_file() -> TestResult {
    let (code, _, errors) = exit_and_text(&run(&["lab", "--cable", "--pcap", "/nowhere/a.pcapng"])?);
    assert_eq!(code, Some(2));
    assert_eq!(errors, "tapstack: cannot write /nowhere/a.pcapng: No such file or directory\n");
    Ok(())
}
