//! Responses: their heads, and the bytes of their content.

use std::fmt::Write;

use super::content::{ContentError, Found, Resource};
use super::page::Page;
use super::path::RequestPath;
use super::range::ByteRange;
use super::request::{Conditions, Request};
use super::status::Status;

/// A response that is being sent.
#[derive(Debug)]
pub(crate) struct Response {
    status: Status,
    head: Vec<u8>,
    /// Bytes of the head that were sent.
    head_sent: usize,
    content: Box<dyn Resource>,
    /// The bytes of the content that were not sent.
    rest: ByteRange,
}

/// The fields of a response that depend on its content.
#[derive(Debug)]
struct Outcome {
    status: Status,
    content: Box<dyn Resource>,
    /// The bytes of the content, unless the status excludes content.
    range: Option<ByteRange>,
    location: Option<String>,
}

impl Response {
    /// Returns the response to a request. `found` is the content of the path of a valid request, and `date` the time of
    /// the response, or empty.
    pub(crate) fn new(request: &Request, found: Result<Found, ContentError>, date: &str) -> Response {
        let outcome = match (&request.path, found) {
            (Err(status), _) => Outcome::refused(*status),
            (Ok(path), Ok(found)) => Outcome::of(request, path, found),
            (Ok(_), Err(error)) => Outcome::refused(match error {
                ContentError::NotFound => Status::NotFound,
                ContentError::Forbidden => Status::Forbidden,
                ContentError::Busy => Status::Busy,
                ContentError::Failed => Status::Failed,
            }),
        };
        let head = outcome.head(request, date).into_bytes();
        // RFC 9110 9.3.2: a response to HEAD has no content.
        // spec: http-head
        let rest = outcome.range.filter(|_| !request.is_head).unwrap_or(ByteRange { start: 0, end: 0 });
        Response { status: outcome.status, head, head_sent: 0, content: outcome.content, rest }
    }

    /// Returns the code of the status.
    pub(crate) fn code(&self) -> u16 {
        self.status.line().0
    }

    /// Writes the next bytes of the response to a buffer, and returns their number. Returns an error if the content has
    /// ended early.
    pub(crate) fn write_to(&mut self, buffer: &mut [u8]) -> Result<usize, ContentError> {
        let head = self.head.get(self.head_sent..).unwrap_or_default();
        let written = head.len().min(buffer.len());
        let Some((start, buffer)) = buffer.split_at_mut_checked(written) else { return Ok(0) };
        start.copy_from_slice(head.get(..written).unwrap_or_default());
        let length = usize::try_from(self.rest.length()).unwrap_or(usize::MAX).min(buffer.len());
        let Some(buffer) = buffer.get_mut(..length).filter(|buffer| !buffer.is_empty()) else {
            return Ok(written);
        };
        let read = self.content.read(self.rest.start, buffer)?;
        // spec: http-truncated
        if read == 0 {
            return Err(ContentError::Failed);
        }
        Ok(written + read)
    }

    /// Removes bytes that were sent.
    pub(crate) fn sent(&mut self, bytes: usize) {
        let of_head = bytes.min(self.head.len().saturating_sub(self.head_sent));
        self.head_sent += of_head;
        let of_content = u64::try_from(bytes - of_head).unwrap_or(u64::MAX);
        self.rest.start = self.rest.start.saturating_add(of_content).min(self.rest.end);
    }

    /// Returns whether all bytes were sent.
    pub(crate) fn is_sent(&self) -> bool {
        self.head_sent >= self.head.len() && self.rest.length() == 0
    }
}

impl Outcome {
    fn of(request: &Request, path: &RequestPath, found: Found) -> Outcome {
        let content: Box<dyn Resource> = match found {
            Found::Resource(content) => content,
            // spec: http-directory
            Found::Directory => {
                let target = path.directory_target();
                let moved = Outcome::refused(Status::MovedPermanently);
                return Outcome { location: Some(target), ..moved };
            }
            Found::Listing(listing) => Box::new(Page::listing(path, &listing)),
        };
        let (length, tag) = (content.length(), content.tag());
        let whole = ByteRange { start: 0, end: length };
        // RFC 9110 13.2.2 has the order of the conditions.
        // spec: http-conditions
        if !request.conditions.may_respond(tag) {
            return Outcome::refused(Status::PreconditionFailed);
        }
        if request.conditions.is_current(tag) {
            return Outcome { status: Status::NotModified, content, range: None, location: None };
        }
        // spec: http-range
        let range = request.range.filter(|_| request.conditions.allows_range(tag));
        let (status, range) = match range.map(|range| range.within(length)) {
            None => (Status::Ok, whole),
            Some(Some(range)) => (Status::PartialContent, range),
            // The field Content-Range contains the length.
            Some(None) => {
                return Outcome { status: Status::RangeNotSatisfiable, content, range: None, location: None };
            }
        };
        Outcome { status, content, range: Some(range), location: None }
    }

    /// Returns a response that has its status as content.
    fn refused(status: Status) -> Outcome {
        let (code, reason) = status.line();
        let content = Page::text(&format!("{code} {reason}\n"));
        let range = ByteRange { start: 0, end: content.length() };
        Outcome { status, content: Box::new(content), range: Some(range), location: None }
    }

    /// Returns the head of the response.
    fn head(&self, request: &Request, date: &str) -> String {
        let (code, reason) = self.status.line();
        let mut head = format!("HTTP/1.1 {code} {reason}\r\n");
        // Writing to a String does not fail.
        let mut field = |name: &str, value: &dyn std::fmt::Display| {
            let _ = write!(head, "{name}: {value}\r\n");
        };
        // RFC 9110 6.6.1: an origin server with a clock sends the date.
        if !date.is_empty() {
            field("Date", &date);
        }
        field("Server", &"tapstack");
        let (length, tag) = (self.content.length(), self.content.tag());
        match (self.status, self.range) {
            (Status::RangeNotSatisfiable, _) => {
                field("Content-Range", &format_args!("bytes */{length}"));
                field("Content-Length", &0);
            }
            (Status::PartialContent, Some(ByteRange { start, end })) => {
                let last = end.saturating_sub(1);
                field("Content-Range", &format_args!("bytes {start}-{last}/{length}"));
                field("Content-Type", &self.content.media_type());
                field("Content-Length", &end.saturating_sub(start));
            }
            (_, Some(range)) => {
                field("Content-Type", &self.content.media_type());
                field("Content-Length", &range.length());
            }
            (_, None) => {}
        }
        if matches!(self.status, Status::Ok | Status::PartialContent) {
            field("Accept-Ranges", &"bytes");
        }
        if let Some(tag) = tag {
            field("ETag", &format_args!("\"{tag}\""));
        }
        if let Some(location) = &self.location {
            field("Location", location);
        }
        if self.status == Status::MethodNotAllowed {
            field("Allow", &"GET, HEAD");
        }
        match (request.keeps_alive, request.is_http_1_1) {
            (false, _) => field("Connection", &"close"),
            (true, false) => field("Connection", &"keep-alive"),
            (true, true) => {}
        }
        head.push_str("\r\n");
        head
    }
}

impl Conditions {
    /// Returns whether If-Match allows a response: the content has one of the tags.
    fn may_respond(&self, tag: Option<&str>) -> bool {
        self.if_match.as_deref().is_none_or(|list| list.trim() == "*" || contains(list, tag, false))
    }

    /// Returns whether If-None-Match says that the client has the content.
    fn is_current(&self, tag: Option<&str>) -> bool {
        self.if_none_match.as_deref().is_some_and(|list| list.trim() == "*" || contains(list, tag, true))
    }

    /// Returns whether If-Range allows a part of the content. A date does not: content has no date.
    fn allows_range(&self, tag: Option<&str>) -> bool {
        self.if_range.as_deref().is_none_or(|list| contains(list, tag, false))
    }
}

/// Returns whether a list of entity tags contains the tag. A weak tag counts only in the weak comparison (RFC 9110
/// 8.8.3.2).
fn contains(list: &str, tag: Option<&str>, is_weak_comparison: bool) -> bool {
    let Some(tag) = tag else { return false };
    list.split(',').map(str::trim).any(|listed| {
        let strong = listed.strip_prefix("W/").filter(|_| is_weak_comparison).unwrap_or(listed);
        strong.strip_prefix('"').and_then(|listed| listed.strip_suffix('"')) == Some(tag)
    })
}
