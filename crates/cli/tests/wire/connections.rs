//! `tapstack host --serve` over TCP, with the kernel and its tools as clients.

use std::error::Error;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::running::Running;
use super::services::{client, counter};
use testbed::installed::installed;
use testbed::program::exit_and_text;
use testbed::{Case, TestResult};

pub(crate) const CASES: &[Case] = &[
    ("echo_returns_streams_to_kernel", echo_of_streams),
    ("small_services_over_tcp_answer_kernel", small_services),
    ("port_without_service_refuses_connections", refused_port),
    ("each_host_of_range_accepts_connections", each_host_of_range),
    ("http_answers_kernel", http_answers_kernel),
    ("http_serves_no_file_outside_its_directory", http_outside),
    ("http_sends_large_files_intact", http_large_files),
    ("many_connections_in_turn_and_at_once", many_connections),
    ("http_answers_curl", http_answers_curl),
    ("http_answers_wget", http_answers_wget),
    ("services_over_tcp_answer_nc", services_answer_nc),
    ("echo_over_tcp_answers_socat", echo_answers_socat),
    ("http_answers_ab", http_answers_ab),
    ("http_answers_wrk", http_answers_wrk),
];

const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// Starts one host with these services, on a new TAP.
fn start(services: &str) -> Result<Running, Box<dyn Error>> {
    let words = ["--tap", "tcp0", "--address", "10.0.0.2/24", "--kernel", "10.0.0.1/24", "--serve", services];
    Running::start(&words)
}

/// Starts 65,536 hosts with these services. The kernel is their neighbor.
fn start_range(services: &str) -> Result<Running, Box<dyn Error>> {
    Running::begin(&[
        "--tap",
        "tcp0",
        "--hosts",
        "10.1.0.0/16",
        "--kernel",
        "10.2.0.1/14",
        "--serve",
        services,
    ])
}

/// Stops the host, and checks that nothing went wrong. Returns its output.
fn stop(host: Running) -> Result<String, Box<dyn Error>> {
    let (code, out, errors) = host.stop()?;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    Ok(out)
}

fn connect(to: (Ipv4Addr, u16)) -> Result<TcpStream, Box<dyn Error>> {
    let stream = TcpStream::connect_timeout(&SocketAddr::from(to), Duration::from_mins(1))?;
    stream.set_read_timeout(Some(Duration::from_mins(1)))?;
    stream.set_write_timeout(Some(Duration::from_mins(1)))?;
    Ok(stream)
}

fn bytes(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

/// Sends data, closes the sending direction, and returns the answer up to its end.
fn exchange(to: (Ipv4Addr, u16), data: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut stream = connect(to)?;
    let mut writer = stream.try_clone()?;
    thread::scope(|scope| {
        let written = scope.spawn(move || {
            writer.write_all(data)?;
            writer.shutdown(Shutdown::Write)
        });
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        written.join().map_err(|_| "the thread panicked")??;
        Ok(answer)
    })
}

// proves: rfc862-tcp
fn echo_of_streams() -> TestResult {
    let host = start("echo")?;
    for length in [0, 1, 1_460, 1_461, 65_536, 8_000_000] {
        assert!(exchange((HOST, 7), &bytes(length))? == bytes(length), "the echo of {length} bytes differs");
    }
    let out = stop(host)?;
    assert_eq!(counter(&out, "services: connections to echo"), 6, "{out}");
    assert!(!out.contains("ended"), "{out}");
    Ok(())
}

// proves: rfc863-tcp, rfc864-tcp, rfc867-tcp, services-close
fn small_services() -> TestResult {
    let host = start("discard,daytime,chargen")?;
    assert_eq!(exchange((HOST, 9), &bytes(1_000_000))?, b"");
    let daytime = String::from_utf8(exchange((HOST, 13), &bytes(100_000))?)?;
    assert!(daytime.ends_with("-UTC\r\n") && daytime.lines().count() == 1, "{daytime:?}");
    let mut stream = connect((HOST, 19))?;
    let mut pattern = vec![0; 1_000_000];
    stream.read_exact(&mut pattern)?;
    for (number, line) in pattern.chunks_exact(74).enumerate() {
        let expected = (0..72).map(|column| b' ' + u8::try_from((number + column) % 95).expect("below 95"));
        assert!(line.iter().copied().eq(expected.chain(*b"\r\n")), "line {number}: {line:?}");
    }
    stream.shutdown(Shutdown::Write)?;
    stream.read_to_end(&mut pattern)?;
    let out = stop(host)?;
    assert_eq!(counter(&out, "services: connections to chargen"), 1, "{out}");
    assert!(!out.contains("ended"), "{out}");
    Ok(())
}

fn refused_port() -> TestResult {
    let host = start("echo")?;
    let refused = TcpStream::connect((HOST, 1_000)).expect_err("port 1000 should refuse a connection");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    stop(host).map(drop)
}

fn each_host_of_range() -> TestResult {
    let host = start_range("echo,http")?;
    let before = host.resident()?;
    for number in (0..=u16::MAX).step_by(771) {
        let [high, low] = number.to_be_bytes();
        let address = Ipv4Addr::new(10, 1, high, low);
        assert_eq!(exchange((address, 7), &address.octets())?, address.octets(), "{address}");
    }
    let page = String::from_utf8(exchange((Ipv4Addr::new(10, 1, 255, 255), 80), b"GET / HTTP/1.0\r\n\r\n")?)?;
    assert!(page.contains("<td>10.1.0.0</td><td>10.1.255.255</td>"), "{page}");
    let pages = host.resident()?.saturating_sub(before);
    assert!(pages < 2_048, "connections to 86 hosts took {pages} pages");
    let out = stop(host)?;
    assert_eq!(counter(&out, "services: connections to echo"), 86, "{out}");
    Ok(())
}

/// Returns a new directory with the file `a.txt`, and a file next to it.
fn directory() -> Result<String, Box<dyn Error>> {
    let directory = std::env::temp_dir().join("www");
    fs::create_dir_all(directory.join("sub"))?;
    fs::write(directory.join("a.txt"), "0123456789")?;
    fs::write(directory.join("sub/index.html"), "<p>index</p>")?;
    fs::write(std::env::temp_dir().join("secret"), "secret")?;
    Ok(directory.into_os_string().into_string().map_err(|_| "the name of the directory is not UTF-8")?)
}

fn http(request: &str) -> Result<String, Box<dyn Error>> {
    Ok(String::from_utf8_lossy(&exchange((HOST, 80), request.as_bytes())?).into_owned())
}

// proves: http-pipelining, http-close
fn http_answers_kernel() -> TestResult {
    let host = start(&format!("http={}", directory()?))?;
    assert!(host.first.ends_with(" serving http 80/tcp\n"), "{}", host.first);
    let requests = "GET /a.txt HTTP/1.1\r\nHost: h\r\n\r\n\
        HEAD /a.txt HTTP/1.1\r\nHost: h\r\n\r\n\
        GET /a.txt HTTP/1.1\r\nHost: h\r\nRange: bytes=-3\r\n\r\n\
        GET /sub HTTP/1.1\r\nHost: h\r\n\r\n\
        GET /sub/ HTTP/1.1\r\nHost: h\r\n\r\n\
        GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let responses = http(requests)?;
    // Content need not end with a line feed.
    let lines: Vec<_> =
        responses.split("HTTP/1.1 ").skip(1).filter_map(|response| response.lines().next()).collect();
    let expected = ["200 OK", "200 OK", "206 Partial Content", "301 Moved Permanently", "200 OK", "200 OK"];
    assert_eq!(lines, expected, "{responses}");
    for part in [
        "\r\n\r\n0123456789HTTP/1.1 200 OK\r\n",
        "Content-Type: text/plain; charset=utf-8\r\n",
        "Content-Range: bytes 7-9/10\r\n",
        "\r\n\r\n789HTTP/1.1 301 ",
        "Location: /sub/\r\n",
        "\r\n\r\n<p>index</p>HTTP/1.1 200 OK\r\n",
        "<li><a href=\"./a.txt\">a.txt</a></li>",
    ] {
        assert!(responses.contains(part), "{part:?} is missing in\n{responses}");
    }
    let out = stop(host)?;
    assert_eq!(counter(&out, "services: HTTP requests"), 6, "{out}");
    Ok(())
}

// proves: http-beneath, http-no-escape
fn http_outside() -> TestResult {
    let directory = directory()?;
    std::os::unix::fs::symlink("../secret", Path::new(&directory).join("link"))?;
    let host = start(&format!("http={directory}"))?;
    for target in
        ["/../secret", "/%2e%2e/secret", "/sub/../../secret", "/link", "//../secret", "/..%2fsecret"]
    {
        let response = http(&format!("GET {target} HTTP/1.0\r\n\r\n"))?;
        assert!(response.starts_with("HTTP/1.1 40"), "{target}: {response}");
        assert!(!response.contains("secret"), "{target}: {response}");
    }
    stop(host).map(drop)
}

fn http_large_files() -> TestResult {
    let directory = directory()?;
    let content = bytes(20_000_003);
    fs::write(Path::new(&directory).join("large"), &content)?;
    let host = start(&format!("http={directory}"))?;
    let response = exchange((HOST, 80), b"GET /large HTTP/1.0\r\n\r\n")?;
    let head = response.windows(4).position(|window| window == b"\r\n\r\n").ok_or("no end of the head")?;
    assert!(response[head + 4..] == content, "the file of {} bytes differs", content.len());
    stop(host).map(drop)
}

fn many_connections() -> TestResult {
    let host = start("echo")?;
    for number in 0..500_u16 {
        assert_eq!(exchange((HOST, 7), &number.to_be_bytes())?, number.to_be_bytes());
    }
    let mut streams = Vec::new();
    for number in 0..200_u16 {
        let mut stream = connect((HOST, 7))?;
        stream.write_all(&number.to_be_bytes())?;
        streams.push(stream);
    }
    for (number, stream) in (0_u16..).zip(&mut streams) {
        let mut answer = [0; 2];
        stream.read_exact(&mut answer)?;
        assert_eq!(answer, number.to_be_bytes());
    }
    drop(streams);
    let out = stop(host)?;
    assert_eq!(counter(&out, "services: connections to echo"), 700, "{out}");
    Ok(())
}

fn http_answers_curl() -> TestResult {
    let directory = directory()?;
    let host = start(&format!("http={directory}"))?;
    let url = "http://10.0.0.2/a.txt";
    let get = |words: &[&str]| client("curl", &[&["-s", "-S", "-m", "20"], words].concat(), b"");
    assert_eq!(get(&[url])?, b"0123456789");
    assert_eq!(get(&["-r", "2-4", url])?, b"234");
    assert_eq!(get(&[url, url, url])?, b"012345678901234567890123456789");
    assert_eq!(get(&["-w", "%{http_code}", "-o", "/dev/null", "-d", "x=y", url])?, b"405");
    assert_eq!(get(&["-L", "http://10.0.0.2/sub"])?, b"<p>index</p>");
    let head = String::from_utf8(get(&["-I", url])?)?;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("Content-Length: 10\r\n"), "{head}");
    stop(host)?;
    let range = start_range("http")?;
    let page = client("curl", &["-s", "-S", "-m", "20", "http://10.1.77.7/"], b"")?;
    assert!(page.starts_with(b"<!DOCTYPE html>"), "{}", String::from_utf8_lossy(&page));
    stop(range).map(drop)
}

fn http_answers_wget() -> TestResult {
    let host = start(&format!("http={}", directory()?))?;
    let words = ["-q", "-T", "20", "-t", "1", "-O", "-"];
    assert_eq!(client("wget", &[&words[..], &["http://10.0.0.2/a.txt"]].concat(), b"")?, b"0123456789");
    stop(host).map(drop)
}

fn services_answer_nc() -> TestResult {
    let host = start("echo,discard,daytime,chargen")?;
    assert_eq!(client("nc", &["-N", "-w", "10", "10.0.0.2", "7"], b"hello\n")?, b"hello\n");
    assert_eq!(client("nc", &["-N", "-w", "10", "10.0.0.2", "9"], b"hello\n")?, b"");
    assert!(client("nc", &["-N", "-w", "10", "10.0.0.2", "13"], b"")?.ends_with(b"-UTC\r\n"));
    stop(host)?;
    let range = start_range("echo")?;
    for address in ["10.1.0.0", "10.1.77.7", "10.1.255.255"] {
        let text = format!("to {address}");
        let words = ["-N", "-w", "10", address, "7"];
        assert_eq!(client("nc", &words, text.as_bytes())?, text.as_bytes());
    }
    stop(range).map(drop)
}

fn echo_answers_socat() -> TestResult {
    let host = start("echo")?;
    let data = bytes(1_000_000);
    let reply = client("socat", &["-t", "20", "-", "TCP:10.0.0.2:7"], &data)?;
    assert!(reply == data, "{} bytes returned", reply.len());
    stop(host).map(drop)
}

/// Runs a load generator, and returns its output.
fn load(tool: &str, words: &[&str]) -> Result<String, Box<dyn Error>> {
    let output = Command::new(installed(tool)?).args(words).stdin(Stdio::null()).output()?;
    let (code, out, errors) = exit_and_text(&output);
    assert_eq!(code, Some(0), "{out}{errors}");
    Ok(out)
}

fn http_answers_ab() -> TestResult {
    installed("ab")?;
    let host = start(&format!("http={}", directory()?))?;
    for more in [&[][..], &["-k"]] {
        let words = ["-q", "-n", "500", "-c", "20"];
        let out = load("ab", &[&words, more, &["http://10.0.0.2/a.txt"]].concat())?;
        let value = |name: &str| {
            out.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
        };
        assert_eq!(value("Complete requests:").as_deref(), Some("500"), "{out}");
        assert_eq!(value("Failed requests:").as_deref(), Some("0"), "{out}");
        let kept = if more.is_empty() { None } else { Some("500".to_owned()) };
        assert_eq!(value("Keep-Alive requests:"), kept, "{out}");
    }
    stop(host).map(drop)
}

fn http_answers_wrk() -> TestResult {
    installed("wrk")?;
    let host = start(&format!("http={}", directory()?))?;
    let out = load("wrk", &["-t", "1", "-c", "20", "-d", "1s", "http://10.0.0.2/a.txt"])?;
    assert!(out.contains("Requests/sec:") && !out.contains("errors"), "{out}");
    stop(host).map(drop)
}
