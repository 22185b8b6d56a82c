//! The example `dns`, with `dig` of the kernel as its client.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tap::linux::Interface;
use testbed::TestResult;
use testbed::installed::installed;
use testbed::program::{exit_and_text, other_command};

/// The running example on the TAP `tap0`, which it has created.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // The process must also end after a failed test.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the example for the hosts of a range. The kernel has an address of the same network.
fn start(range: &str, kernel: &str) -> Result<Server, Box<dyn Error>> {
    let mut child = other_command(&["tap0", range]).stdout(Stdio::piped()).spawn()?;
    let mut out = BufReader::new(child.stdout.take().ok_or("standard output is not a pipe")?);
    let server = Server(child);
    let mut line = String::new();
    out.read_line(&mut line)?;
    assert_eq!(line, format!("DNS server on port 53 of {range}\n"));
    let interface = Interface::named(&"tap0".parse()?)?;
    interface.add_address(kernel.parse()?)?;
    interface.set_up(true)?;
    Ok(server)
}

/// Asks a server for a name, and returns its answers, one a line.
fn dig(server: &str, name: &str, kind: &str, more: &[&str]) -> Result<String, Box<dyn Error>> {
    let server = format!("@{server}");
    let words = [&[&server, name, kind, "+time=2", "+tries=5"][..], more].concat();
    let output = Command::new(installed("dig")?).args(words).stdin(Stdio::null()).output()?;
    let (code, out, errors) = exit_and_text(&output);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    Ok(out)
}

pub(super) fn one_host() -> TestResult {
    installed("dig")?;
    let server = start("10.0.0.2/32", "10.0.0.1/24")?;
    assert_eq!(dig("10.0.0.2", "host.example", "A", &["+short"])?, "10.0.0.2\n");
    assert_eq!(dig("10.0.0.2", "HOST.example", "A", &["+short", "+noedns"])?, "10.0.0.2\n");
    assert_eq!(dig("10.0.0.2", "host.example", "AAAA", &["+short"])?, "");
    assert!(dig("10.0.0.2", "other.example", "A", &[])?.contains("status: NXDOMAIN"), "unknown name");
    drop(server);
    Ok(())
}

pub(super) fn many_hosts() -> TestResult {
    installed("dig")?;
    let server = start("10.1.0.0/16", "10.2.0.1/14")?;
    for address in ["10.1.0.0", "10.1.0.1", "10.1.77.9", "10.1.255.255"] {
        assert_eq!(dig(address, "host.example", "A", &["+short"])?, format!("{address}\n"));
    }
    drop(server);
    Ok(())
}
