//! A client on an emulated host: a ping, then an HTTP request.

use host::{EchoBind, EchoRequest, Host, SocketError, SocketId, TcpConnect, TcpRead};
use tap::{Instant, Pool};

use super::response::{HttpResponse, MAX_RESPONSE, REQUEST};
use super::{HOST, HTTP_PORT};
use crate::failure::Failure;

/// Number of bytes of data in the echo request, as in ping.
const DATA: usize = 56;

/// The progress of the client.
#[derive(Debug)]
pub(super) struct LabClient {
    echo: SocketId,
    /// The connection, after the echo reply.
    connection: Option<SocketId>,
    unsent: &'static [u8],
    received: Vec<u8>,
    outcome: Option<Result<HttpResponse, String>>,
}

impl LabClient {
    /// Sends the echo request.
    pub(super) fn start(now: Instant, host: &mut Host, pool: &mut Pool) -> Result<LabClient, Failure> {
        let failure = |error: SocketError| Failure::new(format!("cannot ping {}: {error}", HOST.addr()));
        let echo = host.bind_echo(&EchoBind::default()).map_err(failure)?;
        let request = EchoRequest::new(HOST.addr().into(), 1);
        host.send_echo(now, echo, &request, &[0x55; DATA], pool).map_err(failure)?;
        let unsent = REQUEST.as_bytes();
        Ok(LabClient { echo, connection: None, unsent, received: Vec::new(), outcome: None })
    }

    /// Returns whether the client has received a response, or has failed.
    pub(super) fn is_finished(&self) -> bool {
        self.outcome.is_some()
    }

    /// Returns the response.
    pub(super) fn into_response(self) -> Result<HttpResponse, String> {
        let missing =
            if self.connection.is_some() { "no page: timed out" } else { "no echo reply: timed out" };
        self.outcome.unwrap_or_else(|| Err(missing.to_owned()))
    }

    /// Continues with what the host has received.
    pub(super) fn run(&mut self, now: Instant, host: &mut Host, pool: &mut Pool) {
        if self.is_finished() {
            return;
        }
        if let Some(reply) = host.receive_echo(self.echo) {
            pool.give(reply.frame);
            let connect = TcpConnect::new((HOST.addr(), HTTP_PORT).into());
            match host.connect_tcp(now, &connect) {
                Ok(connection) => self.connection = Some(connection),
                Err(error) => self.fail(error),
            }
        }
        let Some(connection) = self.connection else { return };
        match self.exchange(now, connection, host, pool) {
            Ok(false) => {}
            Ok(true) => {
                self.outcome = Some(HttpResponse::parse(&self.received));
                host.close(now, connection, pool);
            }
            Err(error) => self.fail(error),
        }
    }

    /// Writes the request and reads the response. Returns whether the response has ended.
    fn exchange(
        &mut self,
        now: Instant,
        connection: SocketId,
        host: &mut Host,
        pool: &mut Pool,
    ) -> Result<bool, SocketError> {
        if !self.unsent.is_empty() {
            let written = host.write_tcp(now, connection, self.unsent, pool)?;
            self.unsent = self.unsent.get(written..).unwrap_or_default();
        }
        let mut buffer = [0; 2_048];
        while self.received.len() < MAX_RESPONSE {
            match host.read_tcp(now, connection, &mut buffer, pool)? {
                TcpRead::Data(length) => {
                    self.received.extend_from_slice(buffer.get(..length).unwrap_or_default());
                }
                TcpRead::End => return Ok(true),
                TcpRead::WouldBlock => return Ok(false),
            }
        }
        Ok(true)
    }

    fn fail(&mut self, error: SocketError) {
        self.outcome = Some(Err(format!("no page: {error}")));
    }
}
