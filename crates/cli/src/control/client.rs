//! Requests to a running host.

use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, SockFlag, UnixAddr, sendto, setsockopt, sockopt};
use nix::sys::time::TimeVal;
use nix::unistd::getuid;
use std::os::fd::AsRawFd;
use tap::linux::Printable;

use super::hosts::running_hosts;
use super::message::{InterfaceRow, MAX_REPLY, Operation, Outcome, Page, Reply, Request, VERSION};
use super::socket::{open, receive, server_address};
use crate::failure::Failure;
use crate::station::random_number;
use crate::users::user_name;

/// A running host in this network namespace.
pub(crate) struct HostClient {
    /// Name of the interface of the host.
    pub(crate) interface: String,
    server: UnixAddr,
    socket: OwnedFd,
}

/// Time within which a host must accept a request, and reply.
const TIMEOUT_SECONDS: i64 = 5;

impl HostClient {
    /// Selects the host on an interface, or the only host of the network namespace.
    pub(crate) fn select(interface: Option<&str>) -> Result<HostClient, Failure> {
        let interface = match interface {
            Some(interface) => interface.to_owned(),
            None => only_host(running_hosts()?)?,
        };
        let failed = |errno: Errno| Failure::new(format!("cannot open a socket: {}", errno.desc()));
        let socket = open(&UnixAddr::new_unnamed(), SockFlag::empty()).map_err(failed)?;
        let timeout = TimeVal::new(TIMEOUT_SECONDS, 0);
        setsockopt(&socket, sockopt::ReceiveTimeout, &timeout).map_err(failed)?;
        setsockopt(&socket, sockopt::SendTimeout, &timeout).map_err(failed)?;
        let server = server_address(&interface).map_err(|_| no_host(&interface))?;
        Ok(HostClient { interface, server, socket })
    }

    /// Returns the interfaces of the host.
    pub(crate) fn interfaces(&self) -> Result<Vec<InterfaceRow>, Failure> {
        self.list(
            |from| Operation::Interfaces { from },
            |outcome| if let Outcome::Interfaces(page) = outcome { Some(page) } else { None },
        )
    }

    /// Returns all rows of a list. `operation` requests the page from a place, and `page` returns the page of the outcome.
    pub(crate) fn list<T>(
        &self,
        operation: impl Fn(u64) -> Operation,
        page: impl Fn(Outcome) -> Option<Page<T>>,
    ) -> Result<Vec<T>, Failure> {
        let (mut rows, mut from) = (Vec::new(), Some(0));
        while let Some(place) = from {
            let outcome = self.request(operation(place))?;
            let Page { rows: more, next } = page(outcome).ok_or_else(|| self.unexpected())?;
            rows.extend(more);
            from = next;
        }
        Ok(rows)
    }

    /// Deletes the neighbors of a page, and returns the place of the next page.
    pub(crate) fn flush(&self, operation: Operation) -> Result<Option<u64>, Failure> {
        match self.request(operation)? {
            Outcome::Flushed { next } => Ok(next),
            _ => Err(self.unexpected()),
        }
    }

    /// Makes a change.
    pub(crate) fn change(&self, operation: Operation) -> Result<(), Failure> {
        match self.request(operation)? {
            Outcome::Done => Ok(()),
            _ => Err(self.unexpected()),
        }
    }

    /// Sends a request, and returns the outcome. A refusal is a failure.
    fn request(&self, operation: Operation) -> Result<Outcome, Failure> {
        let id = random_number();
        let request = serde_json::to_vec(&Request { version: VERSION, id, operation })?;
        match sendto(self.socket.as_raw_fd(), &request, &self.server, MsgFlags::empty()) {
            Ok(_) => {}
            Err(Errno::ECONNREFUSED) => return Err(no_host(&self.interface)),
            Err(Errno::EAGAIN) => return Err(self.timeout()),
            Err(errno) => {
                return Err(Failure::new(format!("cannot send to {}: {}", self.name(), errno.desc())));
            }
        }
        let mut buffer = vec![0; MAX_REPLY];
        loop {
            let received = match receive(&self.socket, &mut buffer) {
                Ok(received) => received,
                Err(Errno::EINTR) => continue,
                Err(Errno::EAGAIN) => return Err(self.timeout()),
                Err(errno) => {
                    return Err(Failure::new(format!("no reply from {}: {}", self.name(), errno.desc())));
                }
            };
            // Another user may have taken the name before the host.
            if let Some(user) = received.user.filter(|user| *user != 0 && *user != getuid().as_raw()) {
                return Err(Failure::new(format!("{} belongs to {}", self.name(), user_name(user)))
                    .hint("run the command as the user of the host"));
            }
            let bytes = buffer.get(..received.length).unwrap_or_default();
            let Ok(reply) = serde_json::from_slice::<Reply>(bytes) else { return Err(self.unexpected()) };
            if reply.id != id && reply.id != 0 {
                continue;
            }
            return match reply.outcome {
                Outcome::Refused { message, exit_code } => Err(Failure::with_code(message, exit_code)),
                outcome => Ok(outcome),
            };
        }
    }

    fn name(&self) -> String {
        format!("the host on {}", Printable(&self.interface))
    }

    fn timeout(&self) -> Failure {
        Failure::new(format!("{} did not reply within {TIMEOUT_SECONDS} seconds", self.name()))
    }

    fn unexpected(&self) -> Failure {
        Failure::new(format!("{} sent an invalid reply", self.name()))
            .hint("use the same version of tapstack for the host and for this command")
    }
}

fn only_host(hosts: Vec<String>) -> Result<String, Failure> {
    let printable: Vec<_> = hosts.iter().map(|host| Printable(host).to_string()).collect();
    let first = printable.first().cloned().unwrap_or_default();
    match <[String; 1]>::try_from(hosts) {
        Ok([host]) => Ok(host),
        Err(none) if none.is_empty() => Err(Failure::new("no host runs in this network namespace")
            .hint("start a host, e.g. `tapstack host --tap tap0 --address 10.0.0.2/24`")),
        Err(_) => Err(Failure::new(format!("several hosts run here: {}", printable.join(", ")))
            .hint(format!("add the name of a host as the last argument: `-I {first}`"))),
    }
}

fn no_host(interface: &str) -> Failure {
    let failure = Failure::new(format!("no host runs on {}", Printable(interface)));
    match running_hosts().unwrap_or_default().as_slice() {
        [] => failure.hint("start a host, e.g. `tapstack host --tap tap0 --address 10.0.0.2/24`"),
        hosts => {
            let hosts: Vec<_> = hosts.iter().map(|host| Printable(host).to_string()).collect();
            failure.hint(format!("hosts run on {}", hosts.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_must_be_selected_when_several_run() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(only_host(names(&["tap0"])).unwrap(), "tap0");
        let several = only_host(names(&["tap0", "tap1"])).unwrap_err().to_string();
        assert!(
            several.contains("tap0, tap1")
                && several.contains("\nhint: add the name of a host as the last argument: `-I tap0`"),
            "{several}"
        );
        let none = only_host(Vec::new()).unwrap_err().to_string();
        assert!(none.starts_with("no host runs") && none.contains("\nhint: start a host"), "{none}");
    }
}
