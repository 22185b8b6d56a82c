//! `tapstack host`, or another command, as a child process, and TAPs for it.

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

/// How long a program may be silent, in milliseconds, before that fails its trial.
const TIMEOUT: u16 = 30_000;

/// What a program prints. Reading it fails if the program is silent for too long.
struct Output<T>(BufReader<T>);

impl<T: Read + AsFd> Output<T> {
    /// Waits until there is something to read, or the end.
    fn wait(&self) -> io::Result<()> {
        let ready = !self.0.buffer().is_empty() || {
            let mut descriptor = [PollFd::new(self.0.get_ref().as_fd(), PollFlags::POLLIN)];
            poll(&mut descriptor, PollTimeout::from(TIMEOUT))? > 0
        };
        if ready { Ok(()) } else { Err(io::Error::other(format!("the program was silent for {TIMEOUT} ms"))) }
    }

    /// Reads up to the end of a line, or of the output.
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
    /// The first line it printed: `ready`, unless it probes. Empty if it ended without a line.
    pub(crate) first: String,
}

impl Running {
    /// Starts one that does not probe, hence is ready at once.
    pub(crate) fn start(arguments: &[&str]) -> Result<Running, Box<dyn Error>> {
        Running::begin(&[arguments, &["--no-probe"]].concat())
    }

    /// Starts one with these arguments alone, and takes its first line.
    pub(crate) fn begin(arguments: &[&str]) -> Result<Running, Box<dyn Error>> {
        Running::command(&[&["host"], arguments].concat())
    }

    /// Starts the program with these arguments, and takes its first line.
    pub(crate) fn command(arguments: &[&str]) -> Result<Running, Box<dyn Error>> {
        Running::with_errors(arguments, Stdio::piped())
    }

    /// The same with this standard error.
    pub(crate) fn with_errors(arguments: &[&str], errors: Stdio) -> Result<Running, Box<dyn Error>> {
        let mut child = command(arguments).stdout(Stdio::piped()).stderr(errors).spawn()?;
        let out = Output(BufReader::new(child.stdout.take().ok_or("standard output")?));
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

    /// The next line it prints. That there is none, or none for a long time, is an error.
    pub(crate) fn line(&mut self) -> io::Result<String> {
        let line = self.out.as_mut().map_or(Ok(String::new()), Output::line)?;
        if line.is_empty() {
            let errors = self.errors()?;
            return Err(io::Error::other(format!(
                "the program printed no further line; its errors: {errors}"
            )));
        }
        Ok(line)
    }

    /// What it prints on standard error, up to its end.
    fn errors(&mut self) -> io::Result<String> {
        let errors = self.child.stderr.take().map(|stderr| Output(BufReader::new(stderr)).rest());
        errors.unwrap_or_else(|| Ok(String::new()))
    }

    /// Reads no more of what it prints, as `head` does.
    pub(crate) fn close_output(&mut self) {
        self.out = None;
    }

    /// Its resident memory in pages.
    pub(crate) fn resident(&self) -> Result<u64, Box<dyn Error>> {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.pid()))?;
        Ok(statm.split(' ').nth(1).ok_or("the second field of statm")?.parse()?)
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<(), Box<dyn Error>> {
        Ok(kill(Pid::from_raw(i32::try_from(self.pid())?), signal)?)
    }

    /// Waits for its end: exit code, the rest of standard output, standard error.
    pub(crate) fn end(mut self) -> Result<(Option<i32>, String, String), Box<dyn Error>> {
        let out = self.out.as_mut().map_or(Ok(String::new()), Output::rest)?;
        let errors = self.errors()?;
        Ok((self.child.wait()?.code(), out, errors))
    }

    /// Stops it as a person does.
    pub(crate) fn stop(self) -> Result<(Option<i32>, String, String), Box<dyn Error>> {
        self.signal(Signal::SIGINT)?;
        self.end()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A trial that failed half way leaves no host behind; one that ended is waited for already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A TAP that this test is the other end of, up, the kernel at 10.0.0.1/24.
pub(crate) fn open_tap(name: &str) -> Result<Tap, Box<dyn Error>> {
    let tap = Tap::open(name)?;
    tap.interface().add_address("10.0.0.1/24".parse()?)?;
    tap.interface().set_up(true)?;
    Ok(tap)
}

/// Waits until the kernel has noticed the carrier of a TAP that was up before it was attached to: it is late where many
/// links change, and loses what it sends until then.
pub(crate) fn carries(interface: &Interface) -> Result<(), Box<dyn Error>> {
    wait_for("carrier", || interface.carrier().is_ok_and(|carrier| carrier == CarrierState::Up).then_some(()))
}

/// A persistent TAP that is up, with the kernel at 10.0.0.1/24, for as long as this value lives.
pub(crate) struct PersistentTapGuard(pub(crate) Interface);

impl PersistentTapGuard {
    pub(crate) fn create(name: &str) -> Result<PersistentTapGuard, Box<dyn Error>> {
        Self::create_with(name, Some("10.0.0.1/24".parse()?))
    }

    /// The same, but the kernel has no address on it.
    pub(crate) fn create_without_address(name: &str) -> Result<PersistentTapGuard, Box<dyn Error>> {
        Self::create_with(name, None)
    }

    fn create_with(
        name: &str,
        address: Option<ipnet::Ipv4Net>,
    ) -> Result<PersistentTapGuard, Box<dyn Error>> {
        let tap = PersistentTap { name: name.parse()?, owner: None, group: None, mtu: None, address };
        Ok(PersistentTapGuard(Interface::named(&tap.create()?)?))
    }
}

impl Drop for PersistentTapGuard {
    fn drop(&mut self) {
        // A trial may have deleted it already.
        let _ = PersistentTap::delete(self.0.name());
    }
}
