//! An HTTP/1.1 server without I/O (RFC 9110, 9112).
//!
//! An [`HttpConnection`] turns the bytes of requests into the bytes of responses. A [`Content`] supplies what is served.
//!
//! ```
//! use services::http::{ContentError, HttpConnection, HttpState};
//!
//! let mut connection = HttpConnection::new();
//! let (taken, request) = connection.receive(b"GET /a HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n");
//! let request = request.expect("the request is complete");
//! assert_eq!((taken, request.path().map(|path| path.segments().len())), (35, Some(1)));
//!
//! connection.respond(&request, Err(ContentError::NotFound), "Sun, 29 Nov 2026 09:08:07 GMT");
//! let mut buffer = [0; 1_024];
//! let length = connection.write_to(&mut buffer).expect("the response is in memory");
//! assert!(buffer.starts_with(b"HTTP/1.1 404 Not Found\r\n"));
//! connection.sent(length);
//! assert_eq!(connection.state(), HttpState::Receiving);
//! ```
//!
//! # Bounds
//!
//! A connection keeps up to 8,192 bytes of an incomplete head, and one response. A head with more bytes or more than 64
//! fields is refused. The bytes of content are read when they are sent, so that their length has no limit.
//!
//! # Non-features
//!
//! The methods are GET and HEAD. The server reads no body: after a request with a body, the connection closes. The
//! server sends no compressed content, no trailers and no chunks, and only one range in a response.

mod connection;
mod content;
pub(crate) mod page;
mod path;
mod range;
mod request;
mod response;
mod status;

pub use self::connection::{HttpConnection, HttpState};
pub use self::content::{Content, ContentError, DirectoryEntry, Found, Listing, Resource};
pub use self::path::RequestPath;
pub use self::request::Request;

/// Syntax of the date of a response, in UTC, for `strftime` (RFC 9110 5.6.7).
// spec: http-date
pub const DATE_SYNTAX: &str = "%a, %d %b %Y %H:%M:%S GMT";
