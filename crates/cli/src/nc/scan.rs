//! Tests of ports (`-z`).

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::process::ExitCode;
use std::time::Duration;

use host::SocketId;
use icmp::IcmpError;
use tcp::CloseReason;

use super::arguments::NcArguments;
use super::nc_host::{NcHost, RETRY_INTERVAL};
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
    is_udp: bool,
    timeout: Duration,
    /// Time between two ports.
    interval: Duration,
}

/// Result of the test of a port.
#[derive(Clone, Debug, PartialEq, Eq)]
enum PortState {
    /// A datagram arrived from the port, or a connection was established.
    Answered,
    /// Nothing arrived.
    Silent,
    /// A datagram still waits for its next hop: ARP has no reply yet.
    Unresolved,
    /// A connection was not established, and the port has not answered.
    Lost(CloseReason),
    /// An ICMP error arrived, the next hop did not answer, or the port refused the connection.
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
            is_udp: arguments.udp,
            timeout: arguments.timeout.unwrap_or(TIMEOUT),
            interval: arguments.interval.unwrap_or_default(),
        }
    }

    /// Tests the ports, one after another, until a signal arrives.
    pub(super) fn run(&mut self, ports: RangeInclusive<u16>, signals: &Signals) -> Result<ExitCode, Failure> {
        let mut has_open = false;
        let target = self.target;
        let protocol = if self.is_udp { "udp" } else { "tcp" };
        for port in ports {
            let state = if self.is_udp {
                self.test_datagrams(port, signals)?
            } else {
                self.test_connection(port, signals)?
            };
            match state {
                None => break,
                Some(PortState::Failed(why)) => {
                    self.host.print(&format!("connect to {target} port {port} ({protocol}) failed: {why}"));
                }
                Some(state) => {
                    if state != PortState::Answered
                        && let Some(why) = self.host.explain_gap()
                    {
                        return Err(Failure::new(why.context(format!("no result for {target} port {port}"))));
                    }
                    let failed = match state {
                        PortState::Unresolved => Some(IcmpError::HOST_UNREACHABLE.to_string()),
                        PortState::Lost(reason) => Some(reason.to_string()),
                        _ => None,
                    };
                    if let Some(why) = failed {
                        self.host
                            .print(&format!("connect to {target} port {port} ({protocol}) failed: {why}"));
                    } else {
                        has_open = true;
                        self.host
                            .print(&format!("Connection to {target} {port} port [{protocol}/*] succeeded!"));
                    }
                }
            }
            let next = self.host.now() + self.interval;
            while self.host.now() < next {
                if self.host.wait(Some(next), signals)? {
                    return Ok(ExitCode::from(u8::from(!has_open)));
                }
            }
        }
        Ok(ExitCode::from(u8::from(!has_open)))
    }

    /// Opens a connection to a port, and closes it. Returns `None` after a signal.
    fn test_connection(&mut self, port: u16, signals: &Signals) -> Result<Option<PortState>, Failure> {
        let socket = self.host.open_stream((self.target, port).into(), self.source_port)?;
        let end = self.host.now() + self.timeout;
        let state = match self.host.wait_established(socket, Some(end), signals)? {
            None => None,
            Some(Ok(())) => Some(PortState::Answered),
            Some(Err(reason @ (CloseReason::Refused | CloseReason::Reset))) => {
                Some(PortState::Failed(reason.to_string()))
            }
            Some(Err(reason)) => Some(PortState::Lost(reason)),
        };
        if state == Some(PortState::Answered) {
            // The end of the connection leaves in this step.
            self.host.shut_down(socket);
            let now = self.host.now();
            self.host.wait(Some(now), signals)?;
        }
        self.host.close(socket);
        Ok(state)
    }

    /// Tests a port with datagrams. Returns `None` after a signal.
    fn test_datagrams(&mut self, port: u16, signals: &Signals) -> Result<Option<PortState>, Failure> {
        let socket = self.host.bind(None, self.source_port)?;
        self.host.connect(socket, (self.target, port).into())?;
        let state = self.test(socket, signals)?;
        self.host.close(socket);
        Ok(state)
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
            if self.host.wait(Some(next.min(end)), signals)? {
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
}
