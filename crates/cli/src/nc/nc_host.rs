//! The emulated host of `nc`, with its event loop.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::time::Duration;

use host::{Host, ReceivedUdp, SocketError, SocketFailure, SocketId, UdpBind, UdpMessage};
use ipnet::IpNet;
use runtime::{Clock, Driver};
use tap::linux::{Descriptor, Readiness};
use tap::{Device, Instant, Pool};
use tcp::TcpSettings;

use super::arguments::NcArguments;
use crate::device::NetworkDevice;
use crate::error_message::ErrorMessage;
use crate::failure::Failure;
use crate::gaps::{GapMonitor, Gaps};
use crate::output::standard_error;
use crate::report::{HostReport, Verbosity};
use crate::signals::Signals;
use crate::tcp_arguments::tcp_settings;

/// Interval of attempts to send data that the host could not accept.
pub(super) const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// The emulated host, its event loop, and the text on standard error.
pub(super) struct NcHost {
    pub(super) driver: Driver<Host, NetworkDevice>,
    report: HostReport<File>,
    gaps: GapMonitor,
    broadcast: bool,
    message: UdpMessage,
    pub(super) tcp_settings: TcpSettings,
    is_verbose: bool,
    /// Whether the last step has sent data that the next step must transmit.
    pub(super) has_data: bool,
}

/// Descriptors that a step waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wake {
    Signal,
    Input,
    Output,
}

impl NcHost {
    pub(super) fn new(
        arguments: &NcArguments,
        host: Host,
        device: NetworkDevice,
        clock: Clock,
    ) -> Result<NcHost, Failure> {
        let recorder = arguments.capture.start_recorder(device.name().as_str(), clock)?;
        let report =
            HostReport::new(standard_error()?, Verbosity::Quiet, false, clock).with_recorder(recorder);
        let is_tap = matches!(device, NetworkDevice::Tap(_));
        let (device, monitor) = device.with_monitor()?;
        let gaps = GapMonitor::new(device.interface(), is_tap, monitor.state(), clock.now());
        let pool = Pool::new(device.capabilities().mtu, host.pool_size());
        let driver = Driver::new(host, device, Some(monitor), pool, clock)
            .with_busy_poll(arguments.performance.busy_poll_time());
        Ok(NcHost {
            driver,
            report,
            gaps,
            broadcast: arguments.broadcast,
            message: UdpMessage {
                time_to_live: arguments.time_to_live,
                type_of_service: arguments.type_of_service,
                ..UdpMessage::default()
            },
            tcp_settings: TcpSettings {
                time_to_live: arguments.time_to_live,
                type_of_service: arguments.type_of_service,
                ..tcp_settings(arguments.congestion, arguments.ecn, arguments.pacing)
            },
            is_verbose: arguments.verbose,
            has_data: false,
        })
    }

    pub(super) fn now(&self) -> Instant {
        self.driver.clock().now()
    }

    /// Creates a socket with one local address or all addresses, and with this port or a random port.
    pub(super) fn bind(&mut self, address: Option<Ipv4Addr>, port: Option<u16>) -> Result<SocketId, Failure> {
        let addresses = address.map(|address| IpNet::from(IpAddr::V4(address)));
        let default = UdpBind::default();
        let bind = UdpBind {
            addresses: addresses.unwrap_or(default.addresses),
            port,
            broadcast: self.broadcast,
            ..default
        };
        self.driver
            .machine_mut()
            .bind_udp(&bind)
            .map_err(|error| Failure::new(format!("cannot bind a UDP socket: {error}")))
    }

    /// Connects a socket to a peer.
    pub(super) fn connect(&mut self, socket: SocketId, peer: SocketAddr) -> Result<(), Failure> {
        let connected = self.driver.machine_mut().connect_udp(socket, peer);
        connected.map(drop).map_err(|error| Self::connect_failure(peer, &error))
    }

    /// Returns the failure of a connection to a peer.
    pub(super) fn connect_failure(peer: SocketAddr, error: &SocketError) -> Failure {
        let failure = Failure::new(format!("cannot connect to {peer}: {error}"));
        match error {
            SocketError::Broadcast => failure.hint("allow a broadcast address with -b"),
            SocketError::InvalidDestination(_) => failure.hint("use the address of a host, e.g. 10.0.0.1"),
            SocketError::NoRoute(_) => failure
                .hint("add a route with --gateway or --route")
                .hint("or use an address in the network of the peer with -s"),
            _ => failure,
        }
    }

    /// Sends a datagram to the peer of a socket. Returns false if the host cannot accept the datagram yet.
    pub(super) fn send(&mut self, socket: SocketId, data: &[u8]) -> Result<bool, Failure> {
        let now = self.now();
        let (host, pool) = self.driver.machine_and_pool();
        match host.send_udp(now, socket, &self.message, data, pool) {
            Ok(()) => {
                self.has_data = true;
                Ok(true)
            }
            // A link that is down has no source address in use.
            Err(
                SocketError::SendBufferFull
                | SocketError::SocketMemoryFull
                | SocketError::NoFrame
                | SocketError::NoSourceAddress,
            ) => Ok(false),
            Err(error) => Err(Failure::new(format!("cannot send {} bytes: {error}", data.len()))),
        }
    }

    /// Receives a datagram, and passes the datagram to `accept`.
    pub(super) fn receive<R>(
        &mut self,
        socket: SocketId,
        accept: impl FnOnce(&ReceivedUdp) -> R,
    ) -> Option<R> {
        let (host, pool) = self.driver.machine_and_pool();
        let received = host.receive_udp(socket)?;
        let result = accept(&received);
        pool.give(received.frame);
        Some(result)
    }

    pub(super) fn take_failure(&mut self, socket: SocketId) -> Option<SocketFailure> {
        self.driver.machine_mut().take_socket_error(socket)
    }

    pub(super) fn close(&mut self, socket: SocketId) {
        let now = self.driver.now();
        let (host, pool) = self.driver.machine_and_pool();
        host.close(now, socket, pool);
    }

    /// Returns whether the device has accepted all data of a socket.
    pub(super) fn is_sent(&self, socket: SocketId) -> bool {
        let host = self.driver.machine();
        !self.has_data
            && self.driver.departing() == 0
            && host.socket(socket).is_none_or(|socket| socket.sending_bytes == 0)
            && host.arps().all(|arp| arp.neighbors().pending_packets() == 0)
    }

    /// Waits for frames, for one of the descriptors, or until `limit` has passed. Then sends and receives. Does not wait
    /// if data was sent since the last step.
    pub(super) fn step(
        &mut self,
        descriptors: &[Descriptor<'_, Wake>],
        limit: Option<Duration>,
    ) -> Result<Readiness<Wake>, Failure> {
        let limit = if std::mem::take(&mut self.has_data) { Some(Duration::ZERO) } else { limit };
        let stepped = self.driver.step(&mut self.report, descriptors, limit);
        let step = stepped.map_err(|error| self.driver.device().failure(&error))?;
        self.follow_link();
        let host = self.driver.machine_mut();
        while host.take_event().is_some() {}
        // All sockets are examined after each step.
        while host.poll_ready().is_some() {}
        self.report.flush();
        if let Some(other) = self.driver.machine().ceased() {
            return Err(Failure::new(format!("cannot use {}: {} uses the address too", other.ip, other.mac))
                .hint("use another address with -s"));
        }
        Ok(step.ready)
    }

    /// Waits as [`NcHost::step`] does, for a signal, for the input if there is one, and for the output if there is one.
    pub(super) fn step_with(
        &mut self,
        signals: &Signals,
        input: Option<&File>,
        output: Option<&File>,
        limit: Option<Duration>,
    ) -> Result<Readiness<Wake>, Failure> {
        let mut descriptors = vec![Descriptor::readable(signals.as_fd(), Wake::Signal)];
        descriptors.extend(input.map(|input| Descriptor::readable(input.as_fd(), Wake::Input)));
        descriptors.extend(output.map(|output| Descriptor::writable(output.as_fd(), Wake::Output)));
        self.step(&descriptors, limit)
    }

    /// Records the changes of the link, and prints them if `-v` is given.
    fn follow_link(&mut self) {
        for change in self.driver.link_changes() {
            self.gaps.follow(self.driver.now(), change.state);
            if self.is_verbose {
                self.report.link(self.driver.now(), change.state);
            }
        }
    }

    /// Prints a line to standard error if `-v` is given.
    pub(super) fn print(&mut self, line: &str) {
        if self.is_verbose {
            self.report.print_line(line);
            self.report.flush();
        }
    }

    /// Returns an explanation if replies may have been lost.
    pub(super) fn explain_gap(&mut self) -> Option<ErrorMessage> {
        // After an error, the loop has ended and the failure was returned.
        let _ = self.driver.follow_links();
        self.follow_link();
        let now = self.now();
        self.gaps.take_missing_carrier(now);
        let device = self.driver.device();
        let counters = device.counters();
        let gaps = self.gaps.gaps(&counters, device.interface());
        let unsent = self.driver.machine().unsent();
        Gaps { refused: counters.refused, unsent, ..gaps }.explain(device.name())
    }
}
