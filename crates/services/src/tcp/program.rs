//! The programs of the services on a TCP connection.

use host::{Host, SocketError, SocketId};
use tap::{Instant, Pool};

use crate::chargen;
use crate::http::page::Page;
use crate::http::{Content, ContentError, Found, HttpConnection, HttpState};
use crate::kind::ServiceKind;

/// What a service does on a connection, and its progress.
#[derive(Debug)]
pub(super) enum Program {
    /// RFC 862: "Once a connection is established any data received is sent back. This continues until the calling user
    /// terminates the connection."
    Echo,
    /// RFC 863: "Once a connection is established any data received is thrown away. No response is sent. This continues
    /// until the calling user terminates the connection."
    Discard,
    /// RFC 867: "Once a connection is established the current date and time is sent out the connection as a ascii
    /// character string (and any data received is thrown away). The service closes the connection after sending the
    /// quote." The number of characters that were sent.
    Daytime(usize),
    /// RFC 864: "Once a connection is established a stream of data is sent out the connection (and any data received is
    /// thrown away). This continues until the calling user terminates the connection." The position in the stream.
    Chargen(usize),
    /// HTTP.
    Http(Box<HttpConnection>),
    /// Discards data until the end: the service has closed its direction.
    Ending,
}

/// What an HTTP server serves.
#[derive(Debug)]
pub enum Site {
    /// Content, such as the files of a directory.
    Content(Box<dyn Content>),
    /// The status page of the host.
    Status,
}

/// What a connection does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The program can continue immediately.
    More,
    /// The program waits for data, or for capacity of the send buffer.
    Waiting,
    /// The program has sent everything, and closes its direction.
    End,
    /// The peer has closed its direction, and the program has sent everything.
    Close,
    /// The program cannot continue.
    Abort,
}

/// What a program needs in a turn, and what it has done.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) now: Instant,
    pub(super) host: &'a mut Host,
    pub(super) pool: &'a mut Pool,
    pub(super) site: Option<&'a mut Site>,
    pub(super) status_page: Option<&'a Page>,
    /// Text of daytime, and date of HTTP.
    pub(super) texts: (&'a str, &'a str),
    /// The stream of chargen, twice.
    pub(super) pattern: &'a [u8],
    pub(super) buffer: &'a mut [u8],
    /// Number of bytes that the program may still move.
    pub(super) left: usize,
    /// Whether the connection has made progress.
    pub(super) has_moved: bool,
    /// Number of requests, and of responses with an error.
    pub(super) requests: (u64, u64),
}

impl Program {
    pub(super) fn new(kind: ServiceKind) -> Program {
        match kind {
            ServiceKind::Echo => Program::Echo,
            ServiceKind::Discard => Program::Discard,
            ServiceKind::Daytime => Program::Daytime(0),
            ServiceKind::Chargen => Program::Chargen(0),
        }
    }

    /// Continues the program, until it waits or has moved the bytes of its turn.
    pub(super) fn run(&mut self, id: SocketId, turn: &mut Turn<'_>) -> Result<Next, SocketError> {
        match self {
            // spec: rfc862-tcp
            Program::Echo => turn.echo(id),
            // spec: rfc863-tcp
            Program::Discard => turn.discard(id),
            // spec: rfc867-tcp
            Program::Daytime(sent) => {
                let text = turn.texts.0.as_bytes();
                *sent += turn.write(id, text.get(*sent..).unwrap_or_default())?;
                Ok(if *sent < text.len() { Next::Waiting } else { Next::End })
            }
            // spec: rfc864-tcp
            Program::Chargen(position) => turn.generate(id, position),
            Program::Http(connection) => turn.serve_http(id, connection),
            Program::Ending => {
                let next = turn.discard(id);
                // A peer that continues to send does not keep the connection.
                turn.has_moved = false;
                next
            }
        }
    }
}

impl Turn<'_> {
    /// Sends received data back.
    fn echo(&mut self, id: SocketId) -> Result<Next, SocketError> {
        while self.left > 0 {
            let chunk = self.host.tcp_chunk(id)?;
            let length = chunk.len().min(self.buffer.len()).min(self.left);
            let (Some(data), Some(chunk)) = (self.buffer.get_mut(..length), chunk.get(..length)) else {
                return Ok(Next::Abort);
            };
            if data.is_empty() {
                return self.at_end(id);
            }
            data.copy_from_slice(chunk);
            let sent = self.host.write_tcp(self.now, id, data, self.pool)?;
            self.consume(id, sent);
            if sent < length {
                return Ok(Next::Waiting);
            }
        }
        Ok(Next::More)
    }

    /// Discards received data.
    fn discard(&mut self, id: SocketId) -> Result<Next, SocketError> {
        while self.left > 0 {
            let length = self.host.tcp_chunk(id)?.len().min(self.left);
            if length == 0 {
                return self.at_end(id);
            }
            self.consume(id, length);
        }
        Ok(Next::More)
    }

    /// Sends the stream of chargen from a position on, and discards received data.
    fn generate(&mut self, id: SocketId, position: &mut usize) -> Result<Next, SocketError> {
        let next = self.discard(id)?;
        if next == Next::Close {
            return Ok(next);
        }
        while self.left > 0 {
            let stream = self.pattern.get(*position..).unwrap_or_default();
            let data = stream.get(..stream.len().min(self.left)).unwrap_or_default();
            let sent = self.host.write_tcp(self.now, id, data, self.pool)?;
            self.moved(sent);
            *position = (*position + sent) % chargen::PERIOD;
            if sent < data.len() {
                return Ok(next);
            }
        }
        Ok(Next::More)
    }

    /// Receives requests and sends responses.
    fn serve_http(&mut self, id: SocketId, connection: &mut HttpConnection) -> Result<Next, SocketError> {
        while self.left > 0 {
            match connection.state() {
                HttpState::Receiving => {
                    let chunk = self.host.tcp_chunk(id)?;
                    if chunk.is_empty() {
                        return self.at_end(id);
                    }
                    let (taken, request) = connection.receive(chunk);
                    self.host.consume_tcp(self.now, id, taken, self.pool);
                    self.left = self.left.saturating_sub(taken);
                    let Some(request) = request else { continue };
                    let found = match (request.path(), self.site.as_deref_mut()) {
                        (Some(path), Some(Site::Content(content))) => content.open(path),
                        (Some(path), Some(Site::Status)) if path.segments().is_empty() => {
                            let page = self.status_page.ok_or(ContentError::Failed);
                            page.map(|page| Found::Resource(Box::new(page.clone())))
                        }
                        _ => Err(ContentError::NotFound),
                    };
                    let code = connection.respond(&request, found, self.texts.1);
                    self.requests.0 += 1;
                    self.requests.1 += u64::from(code >= 400);
                }
                HttpState::Sending => {
                    let length = self.buffer.len().min(self.left);
                    let buffer = self.buffer.get_mut(..length).unwrap_or_default();
                    // spec: http-truncated
                    let Ok(length) = connection.write_to(buffer) else { return Ok(Next::Abort) };
                    let data = buffer.get(..length).unwrap_or_default();
                    let sent = self.host.write_tcp(self.now, id, data, self.pool)?;
                    connection.sent(sent);
                    self.moved(sent);
                    if sent < length {
                        return Ok(Next::Waiting);
                    }
                }
                // spec: http-close
                HttpState::Finished => return Ok(Next::End),
            }
        }
        Ok(Next::More)
    }

    /// Returns what follows after all received data: the end if the peer has closed its direction.
    fn at_end(&self, id: SocketId) -> Result<Next, SocketError> {
        let status = self.host.tcp_status(id)?;
        Ok(if status.is_end_of_data || status.closed.is_some() { Next::Close } else { Next::Waiting })
    }

    fn write(&mut self, id: SocketId, data: &[u8]) -> Result<usize, SocketError> {
        let sent = self.host.write_tcp(self.now, id, data, self.pool)?;
        self.moved(sent);
        Ok(sent)
    }

    fn consume(&mut self, id: SocketId, bytes: usize) {
        self.host.consume_tcp(self.now, id, bytes, self.pool);
        self.moved(bytes);
    }

    fn moved(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
        self.has_moved |= bytes > 0;
    }
}
