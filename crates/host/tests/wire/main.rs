//! Tests of the examples `answer` and `dns` with the kernel as the peer.
// A test fails by a panic. The functions have the type that `Case` needs.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unnecessary_wraps)]
#![allow(clippy::disallowed_types, reason = "tests send datagrams from the kernel")]

mod dns;

use std::error::Error;
use std::io::{BufRead, BufReader, ErrorKind};
use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Child, ChildStdout, ExitCode, Stdio};
use std::time::Duration;

use tap::linux::{Interface, PersistentTap};
use testbed::kernel::{kernel_neighbor, send_from_kernel};
use testbed::{Case, TestResult, WireTests, program};

const CASES: &[Case] = &[
    ("example_answers_kernel", example_answers_kernel),
    ("example_sends_more_errors_than_one_burst_when_time_passes", example_sends_more_errors_than_one_burst),
    ("dns_example_answers_dig_from_one_host", dns::one_host),
    ("dns_example_answers_dig_from_each_of_65536_hosts", dns::many_hosts),
];

/// IP address of the example.
const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

fn main() -> ExitCode {
    // Cargo places test binaries in `deps`, and examples in the sibling directory `examples`.
    let opened = std::env::current_exe().and_then(|program| {
        let target = program.parent().and_then(|deps| deps.parent()).unwrap_or(&program);
        program::open(target.join("examples/answer"))?;
        program::open_other(target.join("examples/dns"))
    });
    if let Err(error) = opened {
        eprintln!("cannot open the examples: {error}; run `cargo build -p host --examples`");
        return ExitCode::FAILURE;
    }
    testbed::main(WireTests { cases: CASES, refused: &[], unprivileged: &[] })
}

/// The running example on a TAP. The kernel has the address 10.0.0.1 on it.
struct Example {
    tap: PersistentTap,
    child: Child,
    /// Standard output, kept open because the example prints events.
    out: BufReader<ChildStdout>,
}

impl Example {
    fn start() -> Result<Example, Box<dyn Error>> {
        let tap = PersistentTap {
            name: "tap0".parse()?,
            owner: None,
            group: None,
            mtu: None,
            address: Some("10.0.0.1/24".parse()?),
        };
        tap.create()?;
        let mut child = program::command(&[]).stdout(Stdio::piped()).spawn()?;
        let out = BufReader::new(child.stdout.take().ok_or("standard output is not a pipe")?);
        Ok(Example { tap, child, out })
    }

    fn stop(mut self) -> TestResult {
        self.child.kill()?;
        self.child.wait()?;
        Ok(PersistentTap::delete(&self.tap.name)?)
    }
}

fn example_answers_kernel() -> TestResult {
    let mut example = Example::start()?;
    let mut line = String::new();
    example.out.read_line(&mut line)?;
    send_from_kernel(LOCAL, b"hello")?;
    let entry = kernel_neighbor(&Interface::named(&example.tap.name)?, LOCAL);
    example.stop()?;
    let hardware = line.trim().strip_prefix("10.0.0.2 is at ").ok_or(line.clone())?.to_owned();
    assert!(entry?.to_string().contains(&hardware));
    Ok(())
}

fn example_sends_more_errors_than_one_burst() -> TestResult {
    /// The rate limit allows a burst of six errors, then one error per second. More than six errors arrive only if the
    /// clock advances.
    const EXPECTED: usize = 8;
    const ATTEMPTS: usize = 400;
    let example = Example::start()?;
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect((LOCAL, 9))?;
    socket.set_read_timeout(Some(Duration::from_millis(50)))?;
    let is_refused = |_: &usize| {
        let answered = socket.send(b"hello").and_then(|_| socket.recv(&mut [0; 8]));
        answered.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    };
    let errors = (0..ATTEMPTS).filter(is_refused).take(EXPECTED).count();
    example.stop()?;
    assert_eq!(errors, EXPECTED);
    Ok(())
}
