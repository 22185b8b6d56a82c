//! Cases with other ARP tools. The cases are skipped if the tools are not installed.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use tap::linux::{Interface, kernel_neighbors};

use super::case::Verdict;
use super::frames::{TESTED_IP, TESTED_MAC, mac};
use super::report::CaseRecord;
use testbed::installed::installed;

/// Runs tools that send ARP requests to the host.
pub(crate) fn peers(interface: &Interface, more: &[PathBuf]) -> Vec<CaseRecord> {
    let name = interface.name().as_str();
    let installed = [PathBuf::from("arping")];
    let mut records = Vec::new();
    for program in installed.iter().chain(more) {
        let verdict = arping(program, name);
        let name = format!("{} receives 5 unicast replies to 5 requests", program.display());
        records.push(CaseRecord { name, rule: "RFC 826", verdict });
    }
    let verdict = match kernel_resolves(interface) {
        Ok(()) => run(Path::new("ip"), &["neigh", "show", "dev", name], |_, text| {
            let entry = format!("{TESTED_IP} lladdr {} REACHABLE", mac(TESTED_MAC));
            text.lines().any(|line| line.trim_end() == entry)
        }),
        Err(reason) => Verdict::Failed(reason),
    };
    records.push(CaseRecord {
        name: "`ip neigh` shows the MAC address of the host".to_owned(),
        rule: "RFC 826",
        verdict,
    });
    records
}

/// Makes the kernel resolve the address of the host, and waits for the entry. `arping` does not add an entry.
fn kernel_resolves(interface: &Interface) -> Result<(), String> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).map_err(|error| error.to_string())?;
    socket.send_to(b"hello", (TESTED_IP, 9)).map_err(|error| error.to_string())?;
    for _ in 0..3_000 {
        let table = kernel_neighbors(interface).map_err(|error| error.to_string())?;
        if table.iter().any(|entry| entry.address == TESTED_IP && entry.mac_address.is_some()) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Err("no entry of the host in the kernel's neighbor table".to_owned())
}

/// Runs `arping` until one run is successful, at most five times, because `arping` waits for the last reply for only a
/// second.
fn arping(program: &Path, interface: &str) -> Verdict {
    let first = arping_once(program, interface);
    if !matches!(first, Verdict::Failed(_)) {
        return first;
    }
    let mut more = (0..4).map(|_| arping_once(program, interface));
    more.find(|verdict| *verdict == Verdict::Passed).unwrap_or(first)
}

/// Runs `arping` with five requests and expects five replies. The two programs named `arping` have different output.
fn arping_once(program: &Path, interface: &str) -> Verdict {
    // Both programs accept `-c` and `-I`. Their options for the interval differ.
    run(program, &["-c", "5", "-I", interface, &TESTED_IP.to_string()], |code, text| {
        let iputils =
            text.contains("Received 5 response(s)") && text.matches("Unicast reply from").count() == 5;
        let habets = text.contains("5 packets transmitted, 5 packets received,   0% unanswered (0 extra)");
        code == Some(0) && (iputils || habets) && text.to_lowercase().contains(&mac(TESTED_MAC))
    })
}

/// Checks the errors of `tapstack host` for interfaces that `ip` creates and tapstack cannot use.
pub(crate) fn errors(program: &Path) -> Vec<CaseRecord> {
    let cases: [(&str, &[&str], &str); 2] = [
        ("TUN is distinguished from TAP", &["mode", "tun"], "it is a TUN"),
        (
            "multi-queue TAP is distinguished from TAP in use",
            &["mode", "tap", "multi_queue"],
            "it has several queues",
        ),
    ];
    let mut records = Vec::new();
    for (name, mode, words) in cases {
        let made = run(Path::new("ip"), &[&["tuntap", "add", "dev", "odd0"], mode].concat(), |code, _| {
            code == Some(0)
        });
        let verdict = match made {
            Verdict::Passed => {
                run(program, &["host", "--tap", "odd0", "--address", "10.0.0.3/24"], |code, text| {
                    code == Some(2) && text.contains(words)
                })
            }
            other => other,
        };
        records.push(CaseRecord { name: name.to_owned(), rule: "set-up errors", verdict });
        // An error is ignored, because the next case then fails to create its interface.
        let _ = Command::new("ip").args(["link", "delete", "odd0"]).status();
    }
    records
}

/// Runs a tool. `judge` decides the verdict by the exit code and the output.
fn run(program: &Path, arguments: &[&str], judge: impl Fn(Option<i32>, &str) -> bool) -> Verdict {
    let path = match installed(&program.to_string_lossy()) {
        Ok(path) => path,
        Err(absent) => return Verdict::Skipped(absent.to_string()),
    };
    let output = match Command::new(path).args(arguments).output() {
        Ok(output) => output,
        Err(error) => return Verdict::Failed(format!("{}: {error}", program.display())),
    };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    if judge(output.status.code(), &text) {
        Verdict::Passed
    } else {
        Verdict::Failed(format!(
            "{} {}: {}: {}",
            program.display(),
            arguments.join(" "),
            output.status,
            text.trim()
        ))
    }
}
