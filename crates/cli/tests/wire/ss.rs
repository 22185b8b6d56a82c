//! `tapstack ss`, compared with `ss` of iproute2.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;

use super::control::start;
use testbed::installed::installed;
use testbed::program::{exit_and_text, run};
use testbed::schema::check_lines;
use testbed::{Case, TestResult, wait_for};

pub(crate) const CASES: &[Case] = &[("ss_prints_sockets_of_host_like_iproute2", sockets)];

fn sockets() -> TestResult {
    let iproute2 = installed("ss")?;
    let (host, _socket) = start("ss0", &["--serve", "echo,chargen:1900"])?;
    let ss = |arguments: &str| -> Result<String, Box<dyn Error>> {
        let words: Vec<_> = std::iter::once("ss").chain(arguments.split_whitespace()).collect();
        let (code, out, errors) = exit_and_text(&run(&words)?);
        assert_eq!((code, errors.as_str()), (Some(0), ""), "ss {arguments}");
        Ok(out)
    };
    // The kernel has sockets on the same ports.
    let _kernel = [UdpSocket::bind(("0.0.0.0", 7)), UdpSocket::bind(("0.0.0.0", 1_900))];
    for arguments in ["-una", "-unl", "-ua"] {
        let kernel = Command::new(&iproute2).arg(arguments).output()?;
        let sorted = |text: &str| {
            let mut lines: Vec<_> =
                text.replace("Process", "").lines().map(|line| line.trim_end().to_owned()).collect();
            lines.sort();
            lines
        };
        let of_kernel = sorted(&String::from_utf8_lossy(&kernel.stdout));
        let of_host = sorted(&ss(arguments)?);
        assert_eq!(of_host, of_kernel, "{arguments}");
        assert_eq!(of_host.len(), 3, "{of_host:?}");
    }
    assert_eq!(ss("-un")?, "Recv-Q Send-Q Local Address:Port Peer Address:Port\n");
    assert!(
        ss("-an")?
            .starts_with("Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port\nudp   UNCONN 0 ")
    );
    let json = ss("-a --json")?;
    check_lines("ss", &json);
    assert!(json.lines().count() == 4 && json.contains("\"local_port\":1900"), "{json}");
    // Listeners: the columns are those of iproute2, apart from the limit of the backlog.
    let _listeners = [TcpListener::bind(("0.0.0.0", 7))?, TcpListener::bind(("0.0.0.0", 1_900))?];
    let without_limit = |text: &str| -> Vec<Vec<String>> {
        let words = |line: &str| -> Vec<String> {
            let words = line.split_whitespace().enumerate().filter(|(column, _)| *column != 2);
            words.map(|(_, word)| word.to_owned()).collect()
        };
        let mut lines: Vec<_> = text.replace("Process", "").lines().map(words).collect();
        lines.sort();
        lines
    };
    for arguments in ["-tna", "-tnl", "-tl"] {
        let kernel = Command::new(&iproute2).arg(arguments).output()?;
        let of_kernel = without_limit(&String::from_utf8_lossy(&kernel.stdout));
        assert_eq!(without_limit(&ss(arguments)?), of_kernel, "{arguments}");
        assert_eq!(of_kernel.len(), 3, "{of_kernel:?}");
    }
    // A connection has the addresses of its other end in reverse.
    let stream = TcpStream::connect(("10.0.0.2", 7))?;
    let port = stream.local_addr()?.port();
    let established = ss("-tn")?;
    assert!(
        established.starts_with("State Recv-Q Send-Q Local Address:Port Peer Address:Port\nESTAB 0      0 "),
        "{established}"
    );
    assert!(established.trim_end().ends_with(&format!("10.0.0.2:7        10.0.0.1:{port}")), "{established}");
    let json = ss("-t --json")?;
    check_lines("ss", &json);
    assert!(json.contains("\"kind\":\"tcp\",\"connected\":true"), "{json}");
    details_are_those_of_kernel(&iproute2, stream)?;
    wait_for("end of the connection", || ss("-tn").ok().filter(|out| out.lines().count() == 1))?;
    assert_eq!(host.stop()?.0, Some(0));
    let (code, _, errors) = exit_and_text(&run(&["ss"])?);
    assert!(
        code == Some(2) && errors.starts_with("tapstack: no host runs in this network namespace"),
        "{errors}"
    );
    Ok(())
}

/// Compares the details of a connection between the kernel and the echo service with those of the kernel.
fn details_are_those_of_kernel(iproute2: &Path, mut stream: TcpStream) -> TestResult {
    let mut echo = [0; 10_000];
    stream.write_all(&echo)?;
    stream.read_exact(&mut echo)?;
    // The line about the connection follows the line of the connection. Values without a colon are words of their own.
    let details = |out: &str| -> Result<Vec<(String, String)>, Box<dyn Error>> {
        let line = out.lines().nth(2).ok_or_else(|| format!("no details: {out}"))?;
        assert!(line.starts_with("\t "), "details start otherwise than those of iproute2: {line}");
        let words = line.split_whitespace().map(|word| word.split_once(':').unwrap_or((word, "")));
        Ok(words.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    };
    // The kernel acknowledges the last data of the echo at the latest after its delayed ACK.
    let acknowledged = || {
        let (_, out, _) = exit_and_text(&run(&["ss", "-tin"]).ok()?);
        out.contains(" bytes_acked:10000 ").then_some(out)
    };
    let of_host = details(&wait_for("acknowledgment of the echo", acknowledged)?)?;
    let kernel = Command::new(iproute2).arg("-tinoH").arg("dst").arg("10.0.0.2").output()?;
    let kernel = String::from_utf8_lossy(&kernel.stdout).into_owned();
    let of_kernel = details(&format!("\n{kernel}"))?;
    let value = |list: &[(String, String)], name: &str| {
        let found = list.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.clone()).ok_or_else(|| format!("no {name} in {list:?}"))
    };
    for name in ["ts", "sack", "mss", "pmtu", "bytes_received"] {
        assert_eq!(value(&of_host, name)?, value(&of_kernel, name)?, "{name}");
    }
    let shifts = value(&of_kernel, "wscale")?;
    let (send, receive) = shifts.split_once(',').ok_or("no comma in wscale")?;
    assert_eq!(value(&of_host, "wscale")?, format!("{receive},{send}"));
    // The kernel counts the SYN.
    let acknowledged = (value(&of_host, "bytes_acked")?, value(&of_kernel, "bytes_acked")?);
    assert_eq!(acknowledged, ("10000".to_owned(), "10001".to_owned()));
    // The words that both have are in the same order.
    let common = |list: &[(String, String)], other: &[(String, String)]| -> Vec<String> {
        let is_common = |name: &String| other.iter().any(|(other, _)| other == name);
        list.iter().map(|(name, _)| name.clone()).filter(is_common).collect()
    };
    assert_eq!(common(&of_host, &of_kernel), common(&of_kernel, &of_host), "the order of the words differs");
    assert!(common(&of_host, &of_kernel).len() >= 18, "{of_host:?}");
    let (_, json, _) = exit_and_text(&run(&["ss", "-ti", "--json"])?);
    check_lines("ss", &json);
    assert!(
        json.contains("\"details\":{\"timestamps\":true") && json.contains("\"bytes_acknowledged\":10000"),
        "{json}"
    );
    Ok(())
}
