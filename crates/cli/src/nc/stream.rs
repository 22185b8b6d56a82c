//! The exchange of data over TCP: standard input to a connection, a connection to standard output.

use std::fs::File;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::Duration;

use host::SocketId;
use tap::Instant;
use tap::linux::Descriptor;
use tcp::{CloseReason, State, Status};

use super::arguments::NcArguments;
use super::nc_host::{NcHost, Wake};
use super::standard_input::{InputRead, StandardInput};
use super::transfer::{Transfer, TransferLimits, TransferStep};
use crate::failure::{Failure, check_written};
use crate::output::{HALF_CAPACITY, Output, standard_output};
use crate::signals::Signals;

/// Maximum time to wait until the peer has acknowledged all data and the end.
const FINISH_TIMEOUT: Duration = Duration::from_secs(30);

/// An exchange of data over one connection, or with `-k` over one after another.
pub(super) struct Stream {
    host: NcHost,
    source: Source,
    limits: TransferLimits,
    /// Whether the end of standard input closes the sending direction (`-N`).
    shuts_down: bool,
    input: StandardInput,
    /// Data that was read and not yet written to the connection.
    unsent: Vec<u8>,
    out: Output<File>,
    /// Standard output, to wait for.
    stdout: File,
}

/// Where connections come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// A connection to a peer.
    Peer { socket: SocketId, peer: SocketAddr },
    /// A listener, of one connection or of one after another.
    Listener { socket: SocketId, keeps: bool },
}

/// How an exchange of data ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// Everything was sent and received, or a time is over.
    Over,
    /// A signal arrived, or standard output has no reader.
    Stopped,
    /// The connection ended early.
    Lost(CloseReason),
}

impl Stream {
    pub(super) fn new(
        arguments: &NcArguments,
        host: NcHost,
        source: Source,
        input: StandardInput,
    ) -> Result<Stream, Failure> {
        Ok(Stream {
            host,
            source,
            limits: arguments.into(),
            shuts_down: arguments.shuts_down,
            input,
            unsent: Vec::new(),
            out: Output::new(standard_output()?),
            stdout: standard_output()?,
        })
    }

    /// Exchanges data until the end of the transfer, a signal, or the end of the reader of standard output.
    pub(super) fn run(&mut self, signals: &Signals) -> Result<ExitCode, Failure> {
        let outcome = self.exchange_all(signals);
        self.out.drain_to(0, signals)?;
        check_written(self.out.take_failure())?;
        outcome
    }

    fn exchange_all(&mut self, signals: &Signals) -> Result<ExitCode, Failure> {
        loop {
            let socket = match self.source {
                Source::Peer { socket, peer } => {
                    if !self.connect(socket, peer, signals)? {
                        return Ok(ExitCode::SUCCESS);
                    }
                    socket
                }
                Source::Listener { socket, .. } => match self.accept(socket, signals)? {
                    Some(socket) => socket,
                    None => return Ok(ExitCode::SUCCESS),
                },
            };
            let ending = self.exchange(socket, signals)?;
            let is_finished = ending == Ending::Over && self.finish(socket, signals)?;
            if !is_finished {
                self.host.abort(socket);
                // The reset leaves in this step.
                self.host.step(&[], Some(Duration::ZERO))?;
            }
            self.host.close(socket);
            let failure = match ending {
                Ending::Stopped => return Ok(ExitCode::SUCCESS),
                Ending::Over if is_finished => None,
                Ending::Over => Some(Failure::negative("the peer has not acknowledged all data")),
                Ending::Lost(reason) => Some(Failure::negative(reason.to_string())),
            };
            match (self.source, failure) {
                (Source::Listener { keeps: true, .. }, failure) => {
                    if let Some(failure) = failure {
                        failure.print();
                    }
                }
                (_, None) => return Ok(ExitCode::SUCCESS),
                (_, Some(failure)) => return Err(failure),
            }
        }
    }

    /// Waits until a connection is established. Returns false after a signal.
    fn connect(&mut self, socket: SocketId, peer: SocketAddr, signals: &Signals) -> Result<bool, Failure> {
        let end = self.limits.timeout.map(|timeout| self.host.now() + timeout);
        let (ip, port) = (peer.ip(), peer.port());
        match self.host.wait_established(socket, end, signals)? {
            None => Ok(false),
            Some(Ok(())) => {
                self.host.print(&format!("Connection to {ip} {port} port [tcp/*] succeeded!"));
                Ok(true)
            }
            Some(Err(reason)) => {
                let is_answer = matches!(reason, CloseReason::Refused | CloseReason::Reset);
                if let Some(gap) = self.host.explain_gap().filter(|_| !is_answer) {
                    return Err(Failure::new(gap.context(format!("no result for {ip} port {port}"))));
                }
                Err(Failure::negative(format!("connect to {ip} port {port} (tcp) failed: {reason}")))
            }
        }
    }

    /// Waits for a connection of the listener. Returns `None` after a signal.
    fn accept(&mut self, listener: SocketId, signals: &Signals) -> Result<Option<SocketId>, Failure> {
        loop {
            if let Some(accepted) = self.host.accept(listener) {
                let (ip, port) = (accepted.peer.ip(), accepted.peer.port());
                self.host.print(&format!("Connection received on {ip} {port}"));
                if let Source::Listener { keeps: false, .. } = self.source {
                    // Further clients are refused, as by netcat-openbsd.
                    self.host.close(listener);
                }
                return Ok(Some(accepted.socket));
            }
            if self.host.wait(None, signals)? {
                return Ok(None);
            }
        }
    }

    fn exchange(&mut self, socket: SocketId, signals: &Signals) -> Result<Ending, Failure> {
        let mut transfer = Transfer::new(self.host.now(), self.limits);
        let is_listening = matches!(self.source, Source::Listener { .. });
        if self.input.file().is_none() {
            transfer.input_ended(self.host.now());
        }
        // A signal may have arrived before the first step.
        let (mut has_signal, mut is_shut_down) = (true, false);
        while self.out.has_reader() {
            if has_signal && signals.next()?.is_some() {
                return Ok(Ending::Stopped);
            }
            self.receive(socket, &mut transfer);
            self.send(socket, &mut transfer);
            let status = self.host.status(socket)?;
            let is_all_read = status.readable == 0;
            if let Some(reason) = status.closed.filter(|_| is_all_read) {
                let is_normal = reason == CloseReason::Closed;
                return Ok(if is_normal { Ending::Over } else { Ending::Lost(reason) });
            }
            let has_input = self.input.file().is_some() || !self.unsent.is_empty();
            if !has_input && self.shuts_down && !is_shut_down {
                self.host.shut_down(socket);
                is_shut_down = true;
            }
            // As in netcat-openbsd, a client continues to send after the end of the peer's data.
            if status.is_end_of_data && is_all_read && (is_listening || !has_input) {
                return Ok(Ending::Over);
            }
            let limit = match transfer.next(self.host.now(), self.unsent.is_empty()) {
                TransferStep::Over => return Ok(Ending::Over),
                TransferStep::Wait(limit) => limit,
            };
            let may_read = self.unsent.is_empty() && transfer.may_read(self.host.now());
            let input = self.input.file().filter(|_| may_read);
            let output = (self.out.pending() > 0).then_some(&self.stdout);
            let ready = self.host.step_with(signals, input, output, limit)?;
            has_signal = ready.contains(Wake::Signal);
            if ready.contains(Wake::Input) {
                match self.input.read()? {
                    InputRead::Data(data) => {
                        self.unsent = data;
                        transfer.read(self.host.now());
                    }
                    InputRead::End => transfer.input_ended(self.host.now()),
                    InputRead::Nothing => {}
                }
            }
        }
        Ok(Ending::Stopped)
    }

    /// Writes received data to standard output, unless its reader is slow.
    fn receive(&mut self, socket: SocketId, transfer: &mut Transfer) {
        self.out.flush(Duration::ZERO);
        while self.out.pending() <= HALF_CAPACITY {
            let out = &mut self.out;
            if self.host.read(socket, |data| out.write_bytes(data)) == 0 {
                break;
            }
            transfer.received(self.host.now());
            self.out.flush(Duration::ZERO);
        }
    }

    /// Writes the data that was read to the connection. A connection that has ended discards the data.
    fn send(&mut self, socket: SocketId, transfer: &mut Transfer) {
        if self.unsent.is_empty() {
            return;
        }
        match self.host.write(socket, &self.unsent) {
            Ok(0) => {}
            Ok(written) => {
                self.unsent.drain(..written);
                transfer.sent(self.host.now());
            }
            Err(_) => self.unsent.clear(),
        }
    }

    /// Closes the sending direction, and waits until the peer has acknowledged everything. Returns false if the peer has
    /// not done so in time, or after a signal.
    fn finish(&mut self, socket: SocketId, signals: &Signals) -> Result<bool, Failure> {
        self.host.shut_down(socket);
        let end = self.host.now() + FINISH_TIMEOUT;
        loop {
            let Status { state, closed, .. } = self.host.status(socket)?;
            let is_acknowledged = matches!(state, State::FinWait2 | State::TimeWait);
            if is_acknowledged || closed == Some(CloseReason::Closed) {
                return Ok(true);
            }
            if closed.is_some() || self.host.now() >= end || self.host.wait(Some(end), signals)? {
                return Ok(false);
            }
        }
    }
}

impl NcHost {
    /// Waits until a connection is established or has ended, at most until `end`. Returns `None` after a signal.
    pub(super) fn wait_established(
        &mut self,
        socket: SocketId,
        end: Option<Instant>,
        signals: &Signals,
    ) -> Result<Option<Result<(), CloseReason>>, Failure> {
        loop {
            let status = self.status(socket)?;
            if status.state.is_synchronized() {
                return Ok(Some(Ok(())));
            }
            if let Some(reason) = status.closed {
                return Ok(Some(Err(reason)));
            }
            if end.is_some_and(|end| self.now() >= end) {
                let reason = if status.soft_error.is_some() {
                    CloseReason::Unreachable
                } else {
                    CloseReason::TimedOut
                };
                return Ok(Some(Err(reason)));
            }
            if self.wait(end, signals)? {
                return Ok(None);
            }
        }
    }

    /// Waits for frames, at most until a time. Returns whether a signal arrived.
    pub(super) fn wait(&mut self, until: Option<Instant>, signals: &Signals) -> Result<bool, Failure> {
        let limit = until.map(|until| until.since(self.now()));
        let ready = self.step(&[Descriptor::readable(signals.as_fd(), Wake::Signal)], limit)?;
        Ok(ready.contains(Wake::Signal) && signals.next()?.is_some())
    }
}
