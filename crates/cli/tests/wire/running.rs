//! `tapstack host` and other commands as child processes, and TAPs for these commands.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdout, Stdio};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tap::linux::{CarrierState, Interface, PersistentTap, Tap};

use testbed::program::command;
use testbed::wait_for;

/// Maximum time without output before the test fails, in milliseconds.
const TIMEOUT: u16 = 30_000;

/// Output of a program. Reading fails after [`TIMEOUT`] without output.
struct Output<T>(BufReader<T>);

impl<T: Read + AsFd> Output<T> {
    /// Waits for output or its end.
    fn wait(&self) -> io::Result<()> {
        let ready = !self.0.buffer().is_empty() || {
            let mut descriptor = [PollFd::new(self.0.get_ref().as_fd(), PollFlags::POLLIN)];
            poll(&mut descriptor, PollTimeout::from(TIMEOUT))? > 0
        };
        if ready { Ok(()) } else { Err(io::Error::other(format!("no output for {TIMEOUT} ms"))) }
    }

    /// Reads up to the end of the line or the output.
    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            self.wait()?;
            let found = self.0.fill_buf()?;
            let count = found.iter().position(|byte| *byte == b'\n').map_or(found.len(), |last| last + 1);
            if count == 0 {
                break;
            }
            line.extend_from_slice(&found[..count]);
            self.0.consume(count);
        }
        String::from_utf8(line).map_err(io::Error::other)
    }

    /// Reads up to the end of the output.
    fn rest(&mut self) -> io::Result<String> {
        let mut rest = String::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(rest);
            }
            rest += &line;
        }
    }
}

/// A running `tapstack host`, or another command.
pub(crate) struct Running {
    child: Child,
    out: Option<Output<ChildStdout>>,
    /// The first line of output: `ready`, unless the host probes. Empty if the program printed nothing.
    pub(crate) first: String,
}

impl Running {
    /// Starts a host that does not probe, so that the host is ready immediately.
    pub(crate) fn start(arguments: &[&str]) -> Result<Running, Box<dyn Error>> {
        Running::begin(&[arguments, &["--no-probe"]].concat())
    }

    /// Starts a host with these arguments and reads its first line.
    pub(crate) fn begin(arguments: &[&str]) -> Result<Running, Box<dyn Error>> {
        Running::command(&[&["host"], arguments].concat())
    }

    /// Starts the program with these arguments and reads its first line.
    pub(crate) fn command(arguments: &[&str]) -> Result<Running, Box<dyn Error>> {
        Running::with_errors(arguments, Stdio::piped())
    }

    /// Starts the program with this standard error and reads its first line.
    pub(crate) fn with_errors(arguments: &[&str], errors: Stdio) -> Result<Running, Box<dyn Error>> {
        let mut child = command(arguments).stdout(Stdio::piped()).stderr(errors).spawn()?;
        let out = Output(BufReader::new(child.stdout.take().ok_or("standard output is not a pipe")?));
        let mut running = Running { child, out: Some(out), first: String::new() };
        running.first = running.out.as_mut().map_or(Ok(String::new()), Output::line)?;
        Ok(running)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_some())
    }

    /// Returns the next line. Fails at the end of the output or after [`TIMEOUT`].
    pub(crate) fn line(&mut self) -> io::Result<String> {
        let line = self.out.as_mut().map_or(Ok(String::new()), Output::line)?;
        if line.is_empty() {
            let errors = self.errors()?;
            return Err(io::Error::other(format!("no further line of output; standard error: {errors}")));
        }
        Ok(line)
    }

    /// Reads standard error up to its end.
    fn errors(&mut self) -> io::Result<String> {
        let errors = self.child.stderr.take().map(|stderr| Output(BufReader::new(stderr)).rest());
        errors.unwrap_or_else(|| Ok(String::new()))
    }

    /// Closes the reading end of standard output, as `head` does.
    pub(crate) fn close_output(&mut self) {
        self.out = None;
    }

    /// Returns the resident memory in pages.
    pub(crate) fn resident(&self) -> Result<u64, Box<dyn Error>> {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.pid()))?;
        Ok(statm.split(' ').nth(1).ok_or("no second field in statm")?.parse()?)
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<(), Box<dyn Error>> {
        Ok(kill(Pid::from_raw(i32::try_from(self.pid())?), signal)?)
    }

    /// Waits for the end. Returns exit code, the rest of standard output, and standard error.
    pub(crate) fn end(mut self) -> Result<(Option<i32>, String, String), Box<dyn Error>> {
        let out = self.out.as_mut().map_or(Ok(String::new()), Output::rest)?;
        let errors = self.errors()?;
        Ok((self.child.wait()?.code(), out, errors))
    }

    /// Ends the program with SIGINT, like Ctrl-C.
    pub(crate) fn stop(self) -> Result<(Option<i32>, String, String), Box<dyn Error>> {
        self.signal(Signal::SIGINT)?;
        self.end()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The process must also end after a failed test.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Opens a TAP that is up, with the kernel at 10.0.0.1/24. The test is its reader.
pub(crate) fn open_tap(name: &str) -> Result<Tap, Box<dyn Error>> {
    let tap = Tap::open(name)?;
    tap.interface().add_address("10.0.0.1/24".parse()?)?;
    tap.interface().set_up(true)?;
    Ok(tap)
}

/// Waits until the kernel has detected the carrier of a TAP that was up before a program attached to it. Until then,
/// the kernel drops the frames that it sends.
pub(crate) fn wait_for_carrier(interface: &Interface) -> Result<(), Box<dyn Error>> {
    wait_for("carrier", || interface.carrier().is_ok_and(|carrier| carrier == CarrierState::Up).then_some(()))
}

/// A persistent TAP that is up and deleted on drop. The kernel has the address 10.0.0.1/24.
pub(crate) struct PersistentTapGuard(pub(crate) Interface);

impl PersistentTapGuard {
    pub(crate) fn create(name: &str) -> Result<PersistentTapGuard, Box<dyn Error>> {
        Self::create_with(name, Some("10.0.0.1/24".parse()?))
    }

    /// Creates a TAP without an address of the kernel.
    pub(crate) fn create_without_address(name: &str) -> Result<PersistentTapGuard, Box<dyn Error>> {
        Self::create_with(name, None)
    }

    /// Creates a TAP with this address of the kernel.
    pub(crate) fn create_with(
        name: &str,
        address: Option<ipnet::Ipv4Net>,
    ) -> Result<PersistentTapGuard, Box<dyn Error>> {
        let tap = PersistentTap { name: name.parse()?, owner: None, group: None, mtu: None, address };
        Ok(PersistentTapGuard(Interface::named(&tap.create()?)?))
    }
}

impl Drop for PersistentTapGuard {
    fn drop(&mut self) {
        // A test may have deleted the TAP.
        let _ = PersistentTap::delete(self.0.name());
    }
}
