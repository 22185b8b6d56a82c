//! The exchange of data over UDP: standard input to datagrams, datagrams to standard output.

use std::fs::File;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use host::SocketId;
use icmp::{IcmpError, IcmpType};

use super::arguments::NcArguments;
use super::nc_host::{NcHost, RETRY_INTERVAL, Wake};
use super::standard_input::{InputRead, StandardInput};
use super::transfer::{Transfer, TransferLimits, TransferStep};
use crate::failure::{Failure, check_written};
use crate::output::{HALF_CAPACITY, Output, standard_output};
use crate::signals::Signals;

/// An exchange of data through one socket.
pub(super) struct Conversation {
    host: NcHost,
    socket: SocketId,
    is_connected: bool,
    /// Whether the socket stays unconnected, so that all senders reach it.
    keeps: bool,
    min_time_to_live: u8,
    transfer: Transfer,
    input: StandardInput,
    /// Data that was read and not yet sent.
    unsent: Option<Vec<u8>>,
    out: Output<File>,
    /// Standard output, to wait for.
    stdout: File,
    /// The last error of the network that was printed.
    last_problem: Option<IcmpError>,
}

impl Conversation {
    pub(super) fn new(
        arguments: &NcArguments,
        host: NcHost,
        socket: SocketId,
        is_connected: bool,
        input: StandardInput,
    ) -> Result<Conversation, Failure> {
        let limits = TransferLimits::from(arguments);
        Ok(Conversation {
            socket,
            is_connected,
            keeps: arguments.keep,
            min_time_to_live: arguments.min_time_to_live.unwrap_or(0),
            transfer: Transfer::new(host.now(), limits),
            host,
            input,
            unsent: None,
            out: Output::new(standard_output()?),
            stdout: standard_output()?,
            last_problem: None,
        })
    }

    /// Exchanges data until the end of the transfer, a signal, or the end of the reader of standard output.
    pub(super) fn run(&mut self, signals: &Signals) -> Result<ExitCode, Failure> {
        let outcome = self.exchange(signals);
        self.out.drain_to(0, signals)?;
        check_written(self.out.take_failure())?;
        outcome
    }

    fn exchange(&mut self, signals: &Signals) -> Result<ExitCode, Failure> {
        // A signal may have arrived before the first step.
        let mut has_signal = true;
        while self.out.has_reader() {
            if has_signal && signals.next()?.is_some() {
                break;
            }
            let is_sent = self.unsent.is_none() && self.host.is_sent(self.socket);
            let limit = match self.transfer.next(self.host.now(), is_sent) {
                TransferStep::Over => break,
                TransferStep::Wait(limit) => limit,
            };
            let retry = self.unsent.is_some().then_some(RETRY_INTERVAL);
            let limit = [limit, retry].into_iter().flatten().min();
            let may_read =
                self.is_connected && self.unsent.is_none() && self.transfer.may_read(self.host.now());
            let input = self.input.file().filter(|_| may_read);
            let output = (self.out.pending() > 0).then_some(&self.stdout);
            let ready = self.host.step_with(signals, input, output, limit)?;
            has_signal = ready.contains(Wake::Signal);
            if ready.contains(Wake::Input) {
                self.read()?;
            }
            self.send()?;
            self.receive();
            if self.is_refused() {
                let code = u8::from(!self.transfer.has_received());
                return Ok(ExitCode::from(code));
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Reads standard input once.
    fn read(&mut self) -> Result<(), Failure> {
        match self.input.read()? {
            InputRead::Data(data) => {
                self.unsent = Some(data);
                self.transfer.read(self.host.now());
            }
            InputRead::End => self.transfer.input_ended(self.host.now()),
            InputRead::Nothing => {}
        }
        Ok(())
    }

    /// Sends the data that was read, as one datagram.
    fn send(&mut self) -> Result<(), Failure> {
        if let Some(data) = &self.unsent
            && self.host.send(self.socket, data)?
        {
            self.unsent = None;
        }
        Ok(())
    }

    /// Receives datagrams, unless the reader of standard output is slow. The first one connects a listening socket to its
    /// sender.
    fn receive(&mut self) {
        self.out.flush(Duration::ZERO);
        while !self.transfer.is_complete() && self.out.pending() <= HALF_CAPACITY {
            let (out, least) = (&mut self.out, self.min_time_to_live);
            let received = self.host.receive(self.socket, |received| {
                let is_accepted = received.time_to_live >= least;
                if is_accepted {
                    out.write_bytes(received.frame.bytes());
                }
                is_accepted.then_some(received.source)
            });
            let Some(source) = received else { break };
            let Some(source) = source else { continue };
            self.transfer.received(self.host.now());
            self.out.flush(Duration::ZERO);
            if !self.is_connected && !self.keeps {
                self.accept(source);
            }
        }
    }

    /// Connects a listening socket to the sender of a datagram. A sender that cannot get a reply does not end `nc`.
    fn accept(&mut self, source: SocketAddr) {
        match self.host.connect(self.socket, source) {
            Ok(()) => {
                self.is_connected = true;
                self.host.print(&format!("Connection received on {} {}", source.ip(), source.port()));
            }
            Err(failure) => failure.print(),
        }
    }

    /// Prints errors of the network, each problem once. Returns whether the peer refused a datagram.
    fn is_refused(&mut self) -> bool {
        while let Some(failure) = self.host.take_failure(self.socket) {
            // A socket without a peer has sent nothing, so the error is forged.
            if !self.is_connected {
                continue;
            }
            if self.last_problem.replace(failure.problem) != Some(failure.problem) {
                Failure::new(failure.to_string()).print();
            }
            if is_refusal(failure.problem) {
                return true;
            }
        }
        false
    }
}

/// Returns whether an error says that the peer has no socket on the port, or no UDP. Like the kernel, `nc` ends only
/// after such an error: the other errors can pass.
fn is_refusal(problem: IcmpError) -> bool {
    problem.icmp_type() == IcmpType::UNREACHABLE && matches!(problem.code(), 2 | 3)
}
