//! A connection of an HTTP client.

use super::content::{ContentError, Found};
use super::request::{MAX_HEAD, Request};
use super::response::Response;

/// A connection of a client of an HTTP server: request bytes in, response bytes out.
///
/// The connection holds one request or one response at a time. While it sends a response, it takes no bytes: the next
/// request waits in the receive buffer of TCP.
#[derive(Debug, Default)]
pub struct HttpConnection {
    /// The start of a head that is not complete.
    head: Vec<u8>,
    /// Response to the last request.
    response: Option<Response>,
    /// Whether the connection closes after the response.
    is_last: bool,
}

/// What an [`HttpConnection`] does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpState {
    /// It waits for the bytes of a request.
    Receiving,
    /// It has bytes of a response to send.
    Sending,
    /// It has sent its last response, and closes.
    Finished,
}

impl HttpConnection {
    /// Creates a connection without a request.
    pub fn new() -> HttpConnection {
        HttpConnection::default()
    }

    /// Returns what the connection does next.
    pub fn state(&self) -> HttpState {
        match (&self.response, self.is_last) {
            (Some(_), _) => HttpState::Sending,
            (None, true) => HttpState::Finished,
            (None, false) => HttpState::Receiving,
        }
    }

    /// Takes received bytes. Returns their number, and a complete request, which requires
    /// [`respond`](HttpConnection::respond).
    // spec: http-pipelining
    pub fn receive(&mut self, bytes: &[u8]) -> (usize, Option<Request>) {
        match self.state() {
            HttpState::Sending => return (0, None),
            // spec: http-close
            HttpState::Finished => return (bytes.len(), None),
            HttpState::Receiving => {}
        }
        if self.head.is_empty()
            && let Some((request, length)) = Request::parse(bytes)
        {
            return (length, Some(request));
        }
        let before = self.head.len();
        let taken = bytes.len().min(MAX_HEAD.saturating_sub(before));
        self.head.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        match Request::parse(&self.head) {
            Some((request, length)) => {
                // Bytes after the head belong to the next request.
                self.head = Vec::new();
                (length.saturating_sub(before), Some(request))
            }
            None => (taken, None),
        }
    }

    /// Starts the response to a request. `found` is the content of the path of a valid request, and `date` the time in
    /// the format of RFC 9110 5.6.7, or empty. Returns the code of the status.
    pub fn respond(&mut self, request: &Request, found: Result<Found, ContentError>, date: &str) -> u16 {
        let response = Response::new(request, found, date);
        let code = response.code();
        self.is_last = !request.keeps_alive;
        self.response = Some(response);
        code
    }

    /// Writes the next bytes of the response to a buffer, and returns their number. The same bytes are written again
    /// until [`sent`](HttpConnection::sent) removes them. After an error, the response cannot be completed, and the
    /// connection has to be reset.
    pub fn write_to(&mut self, buffer: &mut [u8]) -> Result<usize, ContentError> {
        self.response.as_mut().map_or(Ok(0), |response| response.write_to(buffer))
    }

    /// Removes bytes that were sent.
    pub fn sent(&mut self, bytes: usize) {
        if let Some(response) = &mut self.response {
            response.sent(bytes);
            if response.is_sent() {
                self.response = None;
            }
        }
    }
}

#[cfg(test)]
mod tests;
