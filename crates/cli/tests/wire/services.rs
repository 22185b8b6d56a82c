//! `tapstack host --serve`, with the kernel and its tools as clients.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::running::Running;
use testbed::installed::installed;
use testbed::program::{exit_and_text, run};
use testbed::schema::check_lines;
use testbed::veth::{NEAR, Veth};
use testbed::{Case, TestResult};

pub(crate) const CASES: &[Case] = &[
    ("services_answer_kernel", services_answer_kernel),
    ("echo_returns_datagrams_of_each_length_to_kernel", echo_of_each_length),
    ("each_host_of_range_serves_with_one_socket", each_host_of_range),
    ("services_of_two_ranges_answer", services_of_two_ranges),
    ("services_on_interface_answer_remote_kernel", services_on_interface),
    ("ready_and_counters_name_services", ready_and_counters),
    ("serve_rejects_invalid_services", invalid_services),
    ("services_answer_nc", services_answer_nc),
    ("echo_answers_socat", echo_answers_socat),
    ("nmap_reports_open_and_closed_ports", nmap_reports_ports),
];

const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const ALL: &str = "echo,discard,daytime,chargen";

/// Starts one host with these services, on a new TAP.
fn start(tap: &str, services: &str, more: &[&str]) -> Result<Running, Box<dyn Error>> {
    let words = ["--tap", tap, "--address", "10.0.0.2/24", "--kernel", "10.0.0.1/24", "--serve", services];
    Running::start(&[&words, more].concat())
}

/// Returns a socket of the kernel that waits up to 10 seconds.
fn socket() -> Result<UdpSocket, Box<dyn Error>> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_read_timeout(Some(Duration::from_mins(1)))?;
    Ok(socket)
}

/// Sends a datagram from the kernel, and returns the reply.
fn ask(to: (Ipv4Addr, u16), data: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let socket = socket()?;
    // A connected socket receives only what its peer has sent.
    socket.connect(to)?;
    socket.send(data)?;
    let mut reply = vec![0; usize::from(u16::MAX)];
    let length = socket.recv(&mut reply)?;
    reply.truncate(length);
    Ok(reply)
}

/// Returns the number of a counter in the text output, or 0 if it is not printed.
pub(crate) fn counter(out: &str, name: &str) -> u64 {
    let number = |line: &str| line.trim().strip_suffix(name)?.trim().parse().ok();
    out.lines().find_map(number).unwrap_or(0)
}

fn services_answer_kernel() -> TestResult {
    let host = start("serve0", ALL, &[])?;
    assert_eq!(ask((HOST, 7), b"hello")?, b"hello");
    let daytime = String::from_utf8(ask((HOST, 13), b"")?)?;
    let year: u16 = daytime.split_whitespace().nth(3).ok_or("no year")?.parse()?;
    assert!(daytime.ends_with("-UTC\r\n") && year >= 2_025, "{daytime:?}");
    let lengths: Result<BTreeSet<usize>, Box<dyn Error>> = (0..20)
        .map(|_| {
            let pattern = ask((HOST, 19), b"")?;
            let expected: Vec<u8> = (b' '..b' ' + 72).collect();
            let length = pattern.len().min(72);
            assert!(pattern.len() <= 512 && pattern[..length] == expected[..length], "{pattern:?}");
            Ok(pattern.len())
        })
        .collect();
    assert!(lengths?.len() > 1, "chargen sends one length only");
    let discard = socket()?;
    discard.connect((HOST, 9))?;
    discard.send(b"hello")?;
    let closed = socket()?;
    closed.connect((HOST, 1_000))?;
    closed.send(b"hello")?;
    let refused = closed.recv(&mut [0; 16]).err().map(|error| error.kind());
    assert_eq!(refused, Some(ErrorKind::ConnectionRefused), "port 1000");
    discard.set_read_timeout(Some(Duration::from_millis(100)))?;
    let silent = discard.recv(&mut [0; 16]).err().map(|error| error.kind());
    assert_eq!(silent, Some(ErrorKind::WouldBlock), "discard sends nothing");
    let (code, out, errors) = host.stop()?;
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert_eq!(counter(&out, "services: datagrams to discard"), 1, "{out}");
    assert_eq!(counter(&out, "services: datagrams to chargen"), 20, "{out}");
    assert_eq!(counter(&out, "services: replies sent"), 22, "{out}");
    Ok(())
}

// proves: rfc862-echo
fn echo_of_each_length() -> TestResult {
    let host = start("serve0", "echo:1007", &[])?;
    for length in [0, 1, 2, 1_471, 1_472, 1_473, 2_952, 2_953, 20_000, 65_506, 65_507] {
        let data: Vec<u8> = (0..=250).cycle().take(length).collect();
        assert!(ask((HOST, 1_007), &data)? == data, "the reply to {length} bytes differs");
    }
    let (_, out, _) = host.stop()?;
    assert_eq!(counter(&out, "services: replies sent"), 11, "{out}");
    assert!(!out.contains("dropped"), "{out}");
    Ok(())
}

/// Starts 65,536 hosts with echo and daytime. The kernel is their neighbor.
fn start_range(tap: &str) -> Result<Running, Box<dyn Error>> {
    let words =
        ["--tap", tap, "--hosts", "10.1.0.0/16", "--kernel", "10.2.0.1/14", "--serve", "echo,daytime"];
    Running::begin(&words)
}

// proves: services-reply-source
fn each_host_of_range() -> TestResult {
    let host = start_range("serve0")?;
    let first = Ipv4Addr::new(10, 1, 0, 0);
    assert_eq!(ask((first, 7), b"hello")?, b"hello");
    let before = host.resident()?;
    // The neighbor tables of all namespaces of this kernel have 1,024 entries in total.
    for number in (0..=u16::MAX).step_by(771) {
        let [high, low] = number.to_be_bytes();
        let address = Ipv4Addr::new(10, 1, high, low);
        assert_eq!(ask((address, 7), &address.octets())?, address.octets(), "{address}");
    }
    let long = vec![7; 65_507];
    assert!(ask((Ipv4Addr::new(10, 1, 255, 255), 7), &long)? == long, "the reply to 65,507 bytes differs");
    let pages = host.resident()?.saturating_sub(before);
    assert!(pages < 1_024, "requests to 86 hosts took {pages} pages");
    let (_, out, _) = host.stop()?;
    assert_eq!(counter(&out, "services: datagrams to echo"), 1 + 86 + 1, "{out}");
    Ok(())
}

fn services_of_two_ranges() -> TestResult {
    let words = ["--tap", "serve0", "--hosts", "10.1.0.0/24", "--hosts", "10.1.2.0/24", "--serve", "echo"];
    let host = Running::begin(&[&words[..], &["--kernel", "10.1.1.1/16"]].concat())?;
    assert!(host.first.ends_with("/24 serving echo 7/udp, echo 7/tcp\n"), "{}", host.first);
    for address in [Ipv4Addr::new(10, 1, 0, 9), Ipv4Addr::new(10, 1, 2, 9)] {
        assert_eq!(ask((address, 7), b"hello")?, b"hello", "{address}");
    }
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

// proves: partial-checksum
fn services_on_interface() -> TestResult {
    let veth = Veth::new()?;
    let words = ["-I", NEAR, "--address", "10.0.0.2/24", "--serve", "echo,chargen:1900"];
    let host = Running::start(&words)?;
    // The far kernel leaves the checksums of its datagrams to the device, which does not complete them.
    for length in [0, 1, 1_472, 1_473, 65_507] {
        let data: Vec<u8> = (0..=250).cycle().take(length).collect();
        let reply = veth.in_far_namespace(|| ask((HOST, 7), &data).map_err(|error| error.to_string()))?;
        assert!(reply == data, "the reply to {length} bytes differs");
    }
    let pattern = veth.in_far_namespace(|| ask((HOST, 1_900), b"").map_err(|error| error.to_string()))?;
    assert!(pattern.len() <= 512, "{} characters", pattern.len());
    let (_, out, _) = host.stop()?;
    assert_eq!(counter(&out, "services: replies sent"), 6, "{out}");
    assert!(!out.contains("checksum"), "{out}");
    Ok(())
}

fn ready_and_counters() -> TestResult {
    let host = start("serve0", "echo,chargen:1900", &[])?;
    assert!(
        host.first
            .ends_with(" 10.0.0.2/24 serving echo 7/udp, chargen 1900/udp, echo 7/tcp, chargen 1900/tcp\n"),
        "{}",
        host.first
    );
    assert_eq!(host.stop()?.0, Some(0));
    let host = start("serve0", "echo,chargen:1900", &["--json"])?;
    let ready: serde_json::Value = serde_json::from_str(&host.first)?;
    let services = serde_json::json!([
        {"service": "echo", "protocol": "udp", "port": 7},
        {"service": "chargen", "protocol": "udp", "port": 1900},
        {"service": "echo", "protocol": "tcp", "port": 7},
        {"service": "chargen", "protocol": "tcp", "port": 1900},
    ]);
    assert_eq!(ready["services"], services);
    assert_eq!(ask((HOST, 7), b"hello")?, b"hello");
    let first = host.first.clone();
    let (_, out, _) = host.stop()?;
    check_lines("host", &format!("{first}{out}"));
    let last: serde_json::Value = serde_json::from_str(out.lines().last().ok_or("no counters")?)?;
    assert_eq!(last["counters"]["services"]["echo_received"], 1);
    assert_eq!(last["counters"]["services"]["replies_sent"], 1);
    let plain = Running::start(&["--tap", "serve0", "--address", "10.0.0.2/24", "--json"])?;
    let ready: serde_json::Value = serde_json::from_str(&plain.first)?;
    assert_eq!(ready["services"], serde_json::json!([]));
    let (_, out, _) = plain.stop()?;
    assert!(!out.contains("\"services\""), "{out}");
    Ok(())
}

fn invalid_services() -> TestResult {
    let cases = [
        ("gopher", "unknown service\nhint: use echo, discard, daytime, chargen or http"),
        ("http=/missing", "cannot serve the directory /missing: No such file or directory"),
        ("echo:0", "expected a port from 1 to 65535\nhint: use e.g. echo:1900"),
        ("echo,discard:7", "echo and discard use the same port 7\nhint: use another port, e.g. discard:1900"),
    ];
    for (services, part) in cases {
        let words = ["host", "--tap", "serve0", "--address", "10.0.0.2/24", "--serve", services];
        let (code, out, errors) = exit_and_text(&run(&words)?);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{services}: {errors}");
        assert!(errors.contains(part), "{services}: {errors}");
    }
    Ok(())
}

/// Runs a client of the kernel with this standard input, and returns its output.
pub(crate) fn client(tool: &str, words: &[&str], input: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut child = Command::new(installed(tool)?)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut standard_input = child.stdin.take().ok_or("no standard input")?;
    // A tool may wait for a reader of its output before the tool reads all its input.
    let (written, output) = thread::scope(|scope| {
        let writer = scope.spawn(move || standard_input.write_all(input));
        let output = child.wait_with_output();
        (writer.join(), output)
    });
    written.map_err(|_| "the thread that writes the input panicked")??;
    let output = output?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{tool} {words:?}: {}: {errors}", output.status);
    Ok(output.stdout)
}

fn services_answer_nc() -> TestResult {
    let host = start("serve0", ALL, &[])?;
    assert_eq!(client("nc", &["-u", "-w", "1", "10.0.0.2", "7"], b"hello\n")?, b"hello\n");
    let daytime = client("nc", &["-u", "-w", "1", "10.0.0.2", "13"], b"?")?;
    assert!(daytime.ends_with(b"-UTC\r\n"), "{daytime:?}");
    assert_eq!(client("nc", &["-u", "-w", "1", "10.0.0.2", "9"], b"hello\n")?, b"");
    assert_eq!(host.stop()?.0, Some(0));
    let range = start_range("serve0")?;
    for address in ["10.1.0.0", "10.1.77.7", "10.1.255.255"] {
        let text = format!("to {address}");
        assert_eq!(client("nc", &["-u", "-w", "1", address, "7"], text.as_bytes())?, text.as_bytes());
    }
    assert_eq!(range.stop()?.0, Some(0));
    Ok(())
}

fn echo_answers_socat() -> TestResult {
    let one = start("serve0", "echo", &[])?;
    let words = ["-t", "1", "-b", "65507", "-"];
    for length in [1, 1_472, 1_473, 2_952, 65_507] {
        let data: Vec<u8> = (0..=250).cycle().take(length).collect();
        let reply = client("socat", &[&words[..], &["UDP:10.0.0.2:7"]].concat(), &data)?;
        // A pipe may divide the input, so that socat sends two datagrams.
        assert!(reply == data, "the reply to {length} bytes differs: {} bytes", reply.len());
    }
    assert_eq!(one.stop()?.0, Some(0));
    let range = start_range("serve0")?;
    let reply = client("socat", &[&words[..], &["UDP:10.1.200.3:7"]].concat(), b"hello")?;
    assert_eq!(reply, b"hello");
    assert_eq!(range.stop()?.0, Some(0));
    Ok(())
}

fn nmap_reports_ports() -> TestResult {
    let nmap = installed("nmap")?;
    let host = start("serve0", ALL, &[])?;
    let words = ["-sU", "-n", "-Pn", "-p", "7,9,13,19,1000", "--max-rate", "50", "10.0.0.2"];
    let output = Command::new(nmap).args(words).stdin(Stdio::null()).output()?;
    let (code, out, errors) = exit_and_text(&output);
    assert_eq!(code, Some(0), "{out}{errors}");
    let ports: Vec<Vec<&str>> = out
        .lines()
        .filter(|line| line.contains("/udp"))
        .map(|line| line.split_whitespace().take(2).collect())
        .collect();
    let expected = [
        ["7/udp", "open"],
        ["9/udp", "open|filtered"],
        ["13/udp", "open"],
        ["19/udp", "open"],
        ["1000/udp", "closed"],
    ];
    assert_eq!(ports, expected, "{out}");
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}
