//! Checks that need a namespace. A process cannot leave a namespace, so this program starts itself under another
//! name for these checks.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use nix::sys::prctl;
use serde::{Deserialize, Serialize};
use tap::Device;
use tap::linux::{Io, Namespace, Tap};

use crate::advice::explain;
use crate::error_message::ErrorMessage;
use crate::failure::{Failure, print_line};

/// The name under which this program runs the checks in a namespace.
pub(crate) const NAMESPACE_CHECK: &str = "tapstack-doctor-inside";

/// Argument that makes the child undumpable, as `lab` is for a program with file capabilities.
const UNDUMPABLE: &str = "undumpable";

/// The results in a namespace. Each refusal is an error message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NamespaceReport {
    /// How the namespace was created, or why no namespace was created.
    pub(super) namespace: Result<NamespaceMethod, ErrorMessage>,
    /// Whether a TAP can be created and brought up; none without a namespace.
    pub(super) tap: Option<Result<(), ErrorMessage>>,
    /// Whether the TAP can use `io_uring`; none without a TAP.
    pub(super) ring: Option<Result<(), ErrorMessage>>,
    /// Which offloads the TAP can use; none without a TAP.
    pub(super) offloads: Option<Result<OffloadSupport, ErrorMessage>>,
}

/// Protocols with segmentation offload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum OffloadSupport {
    Tcp,
    TcpAndUdp,
}

/// How a network namespace was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum NamespaceMethod {
    /// With privilege.
    Privilege,
    /// In a new user namespace.
    UserNamespace,
}

/// Runs the checks in a child process, and returns its report.
pub(super) fn run_in_child() -> Result<NamespaceReport, String> {
    let mut command = Command::new("/proc/self/exe");
    // A program with file capabilities is not dumpable, which matters inside. The child has no capabilities, and is
    // dumpable.
    let is_dumpable = prctl::get_dumpable().unwrap_or(true);
    let words = (!is_dumpable).then_some(UNDUMPABLE);
    let output = command.arg0(NAMESPACE_CHECK).args(words).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot start a child process: {error}"))?;
    serde_json::from_slice(&output.stdout).map_err(|error| {
        let errors = String::from_utf8_lossy(&output.stderr);
        format!("the child process gave no report ({error}) and {}: {}", output.status, errors.trim())
    })
}

/// Runs the checks in this process, and prints the report.
pub(crate) fn report(mut words: impl Iterator<Item = OsString>) -> Result<ExitCode, Failure> {
    if words.any(|name| name == UNDUMPABLE) {
        prctl::set_dumpable(false)?;
    }
    let report = NamespaceReport::run_in_child();
    print_line(&serde_json::to_string(&report)?)?;
    Ok(ExitCode::SUCCESS)
}

impl NamespaceReport {
    fn run_in_child() -> NamespaceReport {
        let before = user_namespace();
        let namespace = Namespace::enter().map_err(|error| explain(&error));
        let namespace = namespace.map(|_| match (before, user_namespace()) {
            (Ok(before), Ok(after)) if before == after => NamespaceMethod::Privilege,
            _ => NamespaceMethod::UserNamespace,
        });
        let tap = namespace.is_ok().then(|| open(Io::ReadWrite).map(drop));
        let has_tap = tap.as_ref().is_some_and(Result::is_ok);
        let ring = has_tap.then(|| open(Io::Ring).map(drop));
        let support = |tap: Tap| {
            if tap.capabilities().offloads.udp { OffloadSupport::TcpAndUdp } else { OffloadSupport::Tcp }
        };
        let offloads = has_tap.then(|| open(Io::Offload).map(support));
        NamespaceReport { namespace, tap, ring, offloads }
    }
}

fn user_namespace() -> io::Result<PathBuf> {
    fs::read_link("/proc/self/ns/user")
}

/// Creates a TAP with this I/O method, and brings it up.
fn open(io: Io) -> Result<Tap, ErrorMessage> {
    let tap = Tap::options().io(io).open("doctor%d").map_err(|error| explain(&error))?;
    tap.interface().set_up(true).map_err(|error| explain(&error))?;
    Ok(tap)
}
