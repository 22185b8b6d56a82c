//! The control socket in the event loop of a host.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use host::{Counter, Host};
use nix::errno::Errno;
use nix::sys::socket::{SockFlag, UnixAddr};
use nix::unistd::getuid;
use serde::Deserialize;
use tap::Instant;
use tap::linux::InterfaceName;

use super::message::{MAX_REPLY, MAX_REQUEST, Outcome, Reply, Request, VERSION};
use super::operations::run;
use super::socket::{Received, open, receive, send_reply, server_address};
use crate::device::NetworkDevice;
use crate::failure::Failure;
use crate::users::user_name;

/// The control socket of a host.
pub(crate) struct ControlServer {
    socket: OwnedFd,
    /// User of this process. The server accepts requests of this user and of root.
    owner: u32,
    counts: ControlCounts,
}

/// Numbers of requests.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ControlCounts {
    /// Requests that were run, including refused requests.
    requests: u64,
    /// Requests of other users.
    permission_denied: u64,
    /// Requests that could not be parsed.
    malformed: u64,
    /// Replies that the client did not accept.
    replies_lost: u64,
}

impl ControlServer {
    /// Maximum number of requests that one call of [`ControlServer::serve`] runs.
    const BURST: usize = 8;

    /// Opens the control socket of the host on an interface.
    pub(crate) fn open(interface: &InterfaceName) -> Result<ControlServer, Failure> {
        let name = interface.as_str();
        let opened = server_address(name).and_then(|address| open(&address, SockFlag::SOCK_NONBLOCK));
        let socket = opened.map_err(|errno| {
            let failure = |why: &str| Failure::new(format!("no control socket for {interface}: {why}"));
            let why = if errno == Errno::EADDRINUSE { "name in use by another host" } else { errno.desc() };
            failure(why).hint("`tapstack ip` and `tapstack ss` do not reach this host")
        })?;
        Ok(ControlServer { socket, owner: getuid().as_raw(), counts: ControlCounts::default() })
    }

    /// Runs the requests that have arrived, at most [`ControlServer::BURST`].
    pub(crate) fn serve(&mut self, now: Instant, host: &mut Host, device: &NetworkDevice) {
        // One more byte than the longest request.
        let mut buffer = [0; MAX_REQUEST + 1];
        for _ in 0..Self::BURST {
            let received = match receive(&self.socket, &mut buffer) {
                Ok(received) => received,
                Err(Errno::EINTR) => continue,
                // The next event reports other errors again.
                Err(_) => return,
            };
            let reply =
                self.reply(now, host, device, &received, buffer.get(..received.length).unwrap_or(&buffer));
            self.send(received.from.as_ref(), &reply);
        }
    }

    /// Runs a request. Returns the reply.
    fn reply(
        &mut self,
        now: Instant,
        host: &mut Host,
        device: &NetworkDevice,
        received: &Received,
        bytes: &[u8],
    ) -> Reply {
        let mut id = 0;
        let outcome = if received.user.is_some_and(|user| user == 0 || user == self.owner) {
            match parse(bytes, received.is_truncated) {
                Ok(request) => {
                    id = request.id;
                    self.counts.requests = self.counts.requests.saturating_add(1);
                    run(now, host, device, &request.operation)
                }
                Err(failure) => {
                    self.counts.malformed = self.counts.malformed.saturating_add(1);
                    Err(failure)
                }
            }
        } else {
            self.counts.permission_denied = self.counts.permission_denied.saturating_add(1);
            Err(self.permission_denied())
        };
        let outcome = outcome.unwrap_or_else(|failure| {
            let (message, exit_code) = failure.into_parts();
            Outcome::Refused { message, exit_code }
        });
        Reply { version: VERSION, id, outcome }
    }

    fn permission_denied(&self) -> Failure {
        Failure::new(format!("permission denied: the host belongs to {}", user_name(self.owner)))
            .hint("run the command as this user or with sudo")
    }

    fn send(&mut self, to: Option<&UnixAddr>, reply: &Reply) {
        let bytes = serde_json::to_vec(reply).ok().filter(|bytes| bytes.len() <= MAX_REPLY);
        let sent = to.zip(bytes).map(|(to, bytes)| send_reply(to, &bytes));
        if !matches!(sent, Some(Ok(()))) {
            self.counts.replies_lost = self.counts.replies_lost.saturating_add(1);
        }
    }

    /// Returns the counters.
    pub(crate) fn counters(&self) -> [Counter; 4] {
        self.counts.counters()
    }
}

impl ControlCounts {
    /// Returns the counters.
    pub(crate) fn counters(self) -> [Counter; 4] {
        let counter = |name, text, count, is_loss| Counter { layer: "control", name, text, count, is_loss };
        [
            counter("requests", "requests", self.requests, false),
            counter("permission_denied", "requests of other users", self.permission_denied, true),
            counter("malformed", "malformed requests", self.malformed, true),
            counter("replies_lost", "replies not accepted by the client", self.replies_lost, true),
        ]
    }
}

impl AsFd for ControlServer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The part of a request that all versions have.
#[derive(Deserialize)]
struct RequestHeader {
    version: u32,
}

/// Parses a request.
fn parse(bytes: &[u8], is_truncated: bool) -> Result<Request, Failure> {
    if is_truncated || bytes.len() > MAX_REQUEST {
        return Err(Failure::new(format!("request longer than {MAX_REQUEST} bytes")));
    }
    let malformed = |error: serde_json::Error| Failure::new(format!("malformed request: {error}"));
    let RequestHeader { version } = serde_json::from_slice(bytes).map_err(malformed)?;
    if version != VERSION {
        return Err(Failure::new(format!(
            "the host has version {VERSION} of the control protocol, not {version}"
        ))
        .hint("use the same version of tapstack for the host and for this command"));
    }
    serde_json::from_slice(bytes).map_err(malformed)
}
