//! Tests of `tapstack nc` over TCP.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use testbed::installed::installed;
use testbed::program::{command, exit_and_text};
use testbed::{Case, TestResult, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("nc_sends_and_receives_streams", streams),
    ("nc_ends_as_netcat_openbsd_after_end_of_peer_or_input", ends),
    ("nc_exits_1_without_connection_or_after_reset", failures),
    ("nc_listens_for_one_connection", listen_for_one),
    ("nc_with_k_accepts_connections_in_turn", listen_for_all),
    ("nc_tests_tcp_ports", scan),
    ("nc_exchanges_streams_with_netcat_openbsd", openbsd),
];

/// Arguments for a host on a new TAP, with the kernel at 10.0.0.1/24.
const NEAR: [&str; 7] = ["nc", "--tap", "nc0", "-s", "10.0.0.2/24", "--kernel", "10.0.0.1/24"];
const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// Starts the program with these arguments.
fn start(more: &[&str]) -> std::io::Result<Child> {
    let words = [&NEAR[..], more].concat();
    command(&words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}

/// Writes standard input up to its end, and waits for the end of the program.
fn end(mut child: Child, input: &[u8]) -> std::io::Result<Output> {
    child.stdin.take().ok_or(std::io::ErrorKind::NotFound)?.write_all(input)?;
    child.wait_with_output()
}

/// Listens in the kernel on all of its addresses, because the TAP does not exist yet.
fn listen(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind(("0.0.0.0", port))
}

fn accept(listener: &TcpListener) -> std::io::Result<TcpStream> {
    let (stream, from) = listener.accept()?;
    assert_eq!(from.ip(), HOST);
    stream.set_read_timeout(Some(Duration::from_mins(1)))?;
    stream.set_write_timeout(Some(Duration::from_mins(1)))?;
    Ok(stream)
}

/// Connects to the program, which may not have opened the TAP yet.
fn connect(port: u16) -> Result<TcpStream, Box<dyn Error>> {
    let address = SocketAddr::from((HOST, port));
    let stream = wait_for("a connection to nc", || {
        TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok()
    })?;
    stream.set_read_timeout(Some(Duration::from_mins(1)))?;
    Ok(stream)
}

fn bytes(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

/// Reads up to the end.
fn read(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut data = Vec::new();
    stream.read_to_end(&mut data)?;
    Ok(data)
}

fn streams() -> TestResult {
    let listener = listen(5_000)?;
    for length in [0, 1, 1_461, 3_000_000] {
        let child = start(&["-N", "10.0.0.1", "5000"])?;
        let data = bytes(length);
        thread::scope(|scope| -> TestResult {
            let ended = scope.spawn(|| end(child, &data));
            let mut stream = accept(&listener)?;
            assert!(read(&mut stream)? == data, "the data of {length} bytes differs");
            stream.write_all(&data)?;
            drop(stream);
            let output = ended.join().map_err(|_| "the thread panicked")??;
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{length}");
            assert_eq!(output.status.code(), Some(0), "{length}");
            assert!(output.stdout == data, "{} of {length} bytes received", output.stdout.len());
            Ok(())
        })?;
    }
    Ok(())
}

fn ends() -> TestResult {
    let listener = listen(5_000)?;
    // The end of the input alone does not end the connection.
    let child = start(&["-v", "10.0.0.1", "5000"])?;
    let ended = thread::spawn(move || end(child, b"question"));
    let mut stream = accept(&listener)?;
    let mut question = [0; 8];
    stream.read_exact(&mut question)?;
    stream.set_read_timeout(Some(Duration::from_millis(300)))?;
    assert!(stream.read(&mut [0; 1]).is_err(), "nc closed its direction");
    stream.write_all(b"answer")?;
    drop(stream);
    let output = ended.join().map_err(|_| "the thread panicked")??;
    let (code, out, errors) = exit_and_text(&output);
    assert_eq!((&question, code, out.as_str()), (b"question", Some(0), "answer"));
    assert_eq!(errors, "Connection to 10.0.0.1 5000 port [tcp/*] succeeded!\n");
    // A time after the end of the input, and a time without data.
    for more in [["-q", "3"], ["-w", "3"]] {
        let child = start(&[&more[..], &["10.0.0.1", "5000"]].concat())?;
        let ended = thread::spawn(move || end(child, b"question"));
        let mut stream = accept(&listener)?;
        stream.read_exact(&mut question)?;
        assert_eq!(&question, b"question", "{more:?}");
        stream.set_read_timeout(Some(Duration::from_millis(500)))?;
        assert!(stream.read(&mut [0; 1]).is_err(), "{more:?} ended early");
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        assert_eq!(read(&mut stream)?, b"", "{more:?}");
        let output = ended.join().map_err(|_| "the thread panicked")??;
        assert_eq!(exit_and_text(&output), (Some(0), String::new(), String::new()), "{more:?}");
    }
    Ok(())
}

fn failures() -> TestResult {
    let (code, out, errors) = exit_and_text(&end(start(&["10.0.0.1", "9"])?, b"hello")?);
    let message = "tapstack: connect to 10.0.0.1 port 9 (tcp) failed: connection refused\n";
    assert_eq!((code, out.as_str(), errors.as_str()), (Some(1), "", message));
    let (code, _, errors) = exit_and_text(&end(start(&["-w", "1", "10.0.0.9", "9"])?, b"hello")?);
    assert_eq!(code, Some(1), "{errors}");
    let start_of_message = "tapstack: connect to 10.0.0.9 port 9 (tcp) failed: ";
    assert!(errors.starts_with(start_of_message), "{errors}");
    for group in ["10.0.0.255", "224.0.0.1"] {
        let (code, _, errors) = exit_and_text(&end(start(&[group, "9"])?, b"hello")?);
        let message = format!(
            "tapstack: cannot connect to {group}:9: invalid destination {group}\n\
             hint: use the address of a host, e.g. 10.0.0.1\n"
        );
        assert_eq!((code, errors), (Some(2), message), "{group}");
    }
    let listener = listen(5_000)?;
    let child = start(&["10.0.0.1", "5000"])?;
    let ended = thread::spawn(move || end(child, b"hello"));
    let stream = accept(&listener)?;
    // Data that was not read makes the kernel reset the connection.
    thread::sleep(Duration::from_millis(200));
    drop(stream);
    let (code, _, errors) = exit_and_text(&ended.join().map_err(|_| "the thread panicked")??);
    assert_eq!((code, errors.as_str()), (Some(1), "tapstack: connection reset by peer\n"));
    Ok(())
}

fn listen_for_one() -> TestResult {
    let mut child = start(&["-l", "-v", "6000"])?;
    child.stdin.as_mut().ok_or("no standard input")?.write_all(b"answer")?;
    let mut stream = connect(6_000)?;
    let mut answer = [0; 6];
    stream.read_exact(&mut answer)?;
    assert_eq!(&answer, b"answer");
    let refused = TcpStream::connect((HOST, 6_000)).expect_err("a second connection should be refused");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    stream.write_all(b"question")?;
    let port = stream.local_addr()?.port();
    // The end of the peer ends nc, although standard input is open.
    stream.shutdown(Shutdown::Write)?;
    assert_eq!(read(&mut stream)?, b"");
    let input = child.stdin.take();
    let (code, out, errors) = exit_and_text(&child.wait_with_output()?);
    drop(input);
    assert_eq!((code, out.as_str()), (Some(0), "question"));
    assert_eq!(errors, format!("Listening on 10.0.0.2 6000\nConnection received on 10.0.0.1 {port}\n"));
    Ok(())
}

fn listen_for_all() -> TestResult {
    let mut child = start(&["-k", "-l", "-d", "6000"])?;
    for text in ["one ", "two ", "three"] {
        let mut stream = connect(6_000)?;
        stream.write_all(text.as_bytes())?;
        stream.shutdown(Shutdown::Write)?;
        assert_eq!(read(&mut stream)?, b"", "{text}");
    }
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(i32::try_from(child.id())?),
        nix::sys::signal::Signal::SIGINT,
    )?;
    drop(child.stdin.take());
    let (code, out, errors) = exit_and_text(&child.wait_with_output()?);
    assert_eq!((code, out.as_str(), errors.as_str()), (Some(0), "one two three", ""));
    Ok(())
}

fn scan() -> TestResult {
    let _listener = listen(5_001)?;
    let words = ["-z", "-v", "10.0.0.1", "5000-5002"];
    let (code, out, errors) = exit_and_text(&end(start(&words)?, b"")?);
    assert_eq!((code, out.as_str()), (Some(0), ""));
    let expected = "connect to 10.0.0.1 port 5000 (tcp) failed: connection refused\n\
        Connection to 10.0.0.1 5001 port [tcp/*] succeeded!\n\
        connect to 10.0.0.1 port 5002 (tcp) failed: connection refused\n";
    assert_eq!(errors, expected);
    let (code, _, errors) = exit_and_text(&end(start(&["-z", "10.0.0.1", "5000"])?, b"")?);
    assert_eq!((code, errors.as_str()), (Some(1), ""));
    Ok(())
}

fn openbsd() -> TestResult {
    let nc = installed("nc")?;
    let data = bytes(1_000_000);
    let child = start(&["-l", "-d", "6000"])?;
    let received = thread::spawn(move || child.wait_with_output());
    connect_with(&nc, &data)?;
    let output = received.join().map_err(|_| "the thread panicked")??;
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout == data, "{} bytes received", output.stdout.len());
    Ok(())
}

/// Sends data to the program with netcat-openbsd, which tries again until the program listens.
fn connect_with(nc: &std::path::Path, data: &[u8]) -> TestResult {
    wait_for("a connection of netcat-openbsd", || {
        let mut child = Command::new(nc)
            .args(["-N", "-w", "5", "10.0.0.2", "6000"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        // The tool ends before it reads its input if it has no connection.
        let _ = child.stdin.take()?.write_all(data);
        child.wait().ok().filter(std::process::ExitStatus::success)
    })
    .map(drop)
}
