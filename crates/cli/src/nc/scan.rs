//! Tests of ports (`-z`).

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::Duration;

use host::SocketId;
use icmp::IcmpError;
use tap::Instant;
use tap::linux::Descriptor;

use super::arguments::NcArguments;
use super::nc_host::{NcHost, RETRY_INTERVAL, Wake};
use crate::failure::Failure;
use crate::signals::Signals;

/// Time to wait for an answer of a port.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Interval of the datagrams to a port. Many systems send at most one ICMP error per second.
const INTERVAL: Duration = Duration::from_secs(1);
/// Data of the datagrams, as in netcat-openbsd.
const DATA: &[u8] = b"X";

/// A test of the ports of a target.
pub(super) struct Scan {
    host: NcHost,
    target: Ipv4Addr,
    source_port: Option<u16>,
    timeout: Duration,
    /// Time between two ports.
    interval: Duration,
}

/// Result of the test of a port.
#[derive(Clone, Debug, PartialEq, Eq)]
enum PortState {
    /// A datagram arrived from the port.
    Answered,
    /// Nothing arrived.
    Silent,
    /// A datagram still waits for its next hop: ARP has no reply yet.
    Unresolved,
    /// An ICMP error arrived, or the next hop did not answer.
    Failed(String),
}

impl Scan {
    pub(super) fn new(
        arguments: &NcArguments,
        host: NcHost,
        target: Ipv4Addr,
        source_port: Option<u16>,
    ) -> Scan {
        Scan {
            host,
            target,
            source_port,
            timeout: arguments.timeout.unwrap_or(TIMEOUT),
            interval: arguments.interval.unwrap_or_default(),
        }
    }

    /// Tests the ports, one after another, until a signal arrives.
    pub(super) fn run(&mut self, ports: RangeInclusive<u16>, signals: &Signals) -> Result<ExitCode, Failure> {
        let mut has_open = false;
        let target = self.target;
        for port in ports {
            let socket = self.host.bind(None, self.source_port)?;
            self.host.connect(socket, (target, port).into())?;
            let state = self.test(socket, signals)?;
            self.host.close(socket);
            match state {
                None => break,
                Some(PortState::Failed(why)) => {
                    self.host.print(&format!("connect to {target} port {port} (udp) failed: {why}"));
                }
                Some(state) => {
                    if state != PortState::Answered
                        && let Some(why) = self.host.explain_gap()
                    {
                        return Err(Failure::new(why.context(format!("no result for {target} port {port}"))));
                    }
                    if state == PortState::Unresolved {
                        let why = IcmpError::HOST_UNREACHABLE;
                        self.host.print(&format!("connect to {target} port {port} (udp) failed: {why}"));
                    } else {
                        has_open = true;
                        self.host.print(&format!("Connection to {target} {port} port [udp/*] succeeded!"));
                    }
                }
            }
            let next = self.host.now() + self.interval;
            while self.host.now() < next {
                if self.wait(next, signals)? {
                    return Ok(ExitCode::from(u8::from(!has_open)));
                }
            }
        }
        Ok(ExitCode::from(u8::from(!has_open)))
    }

    /// Sends datagrams to the peer of a socket, until the peer answers or the time is over. Returns `None` after a
    /// signal.
    fn test(&mut self, socket: SocketId, signals: &Signals) -> Result<Option<PortState>, Failure> {
        let end = self.host.now() + self.timeout;
        let mut next = self.host.now();
        loop {
            let now = self.host.now();
            if now >= end {
                let is_sent = self.host.is_sent(socket);
                return Ok(Some(if is_sent { PortState::Silent } else { PortState::Unresolved }));
            }
            if now >= next {
                let is_accepted = self.host.send(socket, DATA)?;
                next = now + if is_accepted { INTERVAL } else { RETRY_INTERVAL };
            }
            if self.wait(next.min(end), signals)? {
                return Ok(None);
            }
            if self.host.receive(socket, |_| ()).is_some() {
                return Ok(Some(PortState::Answered));
            }
            if let Some(failure) = self.host.take_failure(socket) {
                return Ok(Some(PortState::Failed(failure.problem.to_string())));
            }
        }
    }

    /// Waits for frames until a time. Returns whether a signal arrived.
    fn wait(&mut self, until: Instant, signals: &Signals) -> Result<bool, Failure> {
        let limit = until.since(self.host.now());
        let ready = self.host.step(&[Descriptor::readable(signals.as_fd(), Wake::Signal)], Some(limit))?;
        Ok(ready.contains(Wake::Signal) && signals.next()?.is_some())
    }
}
