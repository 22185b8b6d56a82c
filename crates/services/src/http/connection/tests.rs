use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::content::{Content, DirectoryEntry, Listing, Resource};
use super::super::path::RequestPath;
use super::*;

const DATE: &str = "Sun, 29 Nov 2026 09:08:07 GMT";

/// Content in memory, by path.
#[derive(Debug, Default)]
struct Memory(BTreeMap<Vec<Vec<u8>>, Vec<u8>>);

/// Bytes that end before their length if `missing` is not 0.
#[derive(Debug)]
struct Bytes {
    bytes: Vec<u8>,
    missing: u64,
}

impl Resource for Bytes {
    fn length(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap() + self.missing
    }

    fn media_type(&self) -> &'static str {
        "text/plain"
    }

    fn tag(&self) -> Option<&str> {
        Some("1-a")
    }

    fn read(&mut self, position: u64, buffer: &mut [u8]) -> Result<usize, ContentError> {
        let rest = &self.bytes[usize::try_from(position).unwrap()..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

impl Content for Memory {
    fn open(&mut self, path: &RequestPath) -> Result<Found, ContentError> {
        let bytes = self.0.get(path.segments()).ok_or(ContentError::NotFound)?;
        Ok(Found::Resource(Box::new(Bytes { bytes: bytes.clone(), missing: 0 })))
    }
}

/// Returns content with `/a` (10 digits) and `/b` (300,000 bytes).
fn memory() -> Memory {
    let large = (0..=250).cycle().take(300_000).collect();
    Memory([(vec![b"a".to_vec()], b"0123456789".to_vec()), (vec![b"b".to_vec()], large)].into())
}

/// Passes the bytes of requests in parts of these lengths, and returns the bytes of all responses. Each call of
/// `write_to` has a buffer of `buffer` bytes, and `accepted` of these bytes are sent.
fn exchange(
    requests: &[u8],
    mut lengths: impl Iterator<Item = usize>,
    buffer: usize,
    accepted: usize,
) -> Vec<u8> {
    let (mut connection, mut content, mut responses) = (HttpConnection::new(), memory(), Vec::new());
    let mut buffer = vec![0; buffer];
    let (mut rest, mut available) = (requests, 0);
    loop {
        if connection.state() == HttpState::Sending {
            let length = connection.write_to(&mut buffer).unwrap();
            let length = length.min(accepted);
            responses.extend_from_slice(&buffer[..length]);
            connection.sent(length);
            continue;
        }
        if available == 0 {
            available = lengths.next().unwrap_or(usize::MAX).min(rest.len());
        }
        let (taken, request) = connection.receive(&rest[..available]);
        if let Some(request) = &request {
            let found = request.path().map_or(Err(ContentError::NotFound), |path| content.open(path));
            connection.respond(request, found, DATE);
        } else if taken == 0 {
            return responses;
        }
        rest = &rest[taken..];
        available -= taken;
    }
}

/// Returns the response to a request, as text.
fn response(request: &str) -> String {
    let bytes = exchange(request.as_bytes(), std::iter::empty(), 4_096, 4_096);
    String::from_utf8(bytes).unwrap()
}

fn get(path: &str, fields: &str) -> String {
    response(&format!("GET {path} HTTP/1.1\r\nHost: h\r\n{fields}\r\n"))
}

// proves: http-date
#[test]
fn response_has_head_and_content() {
    let head = "HTTP/1.1 200 OK\r\nDate: Sun, 29 Nov 2026 09:08:07 GMT\r\nServer: tapstack\r\n\
        Content-Type: text/plain\r\nContent-Length: 10\r\nAccept-Ranges: bytes\r\nETag: \"1-a\"\r\n";
    assert_eq!(get("/a", ""), format!("{head}\r\n0123456789"));
    let close = format!("{head}Connection: close\r\n\r\n0123456789");
    assert_eq!(get("/a", "Connection: close\r\n"), close);
    assert_eq!(response("GET /a HTTP/1.0\r\n\r\n"), close);
    let kept = format!("{head}Connection: keep-alive\r\n\r\n0123456789");
    assert_eq!(response("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), kept);
}

// proves: http-head
#[test]
fn response_to_head_request_has_no_content() {
    let whole = get("/a", "");
    let (head, _) = whole.split_once("0123456789").expect("the response should have content");
    let request = "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n";
    assert_eq!(response(request), head);
    let in_parts = exchange(request.as_bytes(), std::iter::empty(), 20, 7);
    assert_eq!(in_parts, head.as_bytes(), "a head that is sent in parts");
    for request in [
        "HEAD /c HTTP/1.1\r\nHost: h\r\n\r\n",
        "HEAD / HTTP/1.1\r\n\r\n",
        "HEAD / HTTP/1.1\r\n\u{1}\r\n\r\n",
        "\r\n\nHEAD / HTTP/1.1\r\n\u{1}\r\n\r\n",
    ] {
        let refused = response(request);
        assert!(refused.starts_with("HTTP/1.1 40") && refused.ends_with("\r\n\r\n"), "{refused}");
        assert!(refused.contains("Content-Length: 1"), "{refused}");
    }
}

// proves: http-methods, http-invalid
#[test]
fn refused_request_closes_connection() {
    for (request, line) in [
        ("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}", "405 Method Not Allowed"),
        ("BREW /a HTTP/1.1\r\nHost: h\r\n\r\n", "501 Not Implemented"),
        ("GET /../a HTTP/1.1\r\nHost: h\r\n\r\n", "400 Bad Request"),
        ("nonsense\r\n\r\n", "400 Bad Request"),
        ("GET / HTTP/3.0\r\n\r\n", "505 HTTP Version Not Supported"),
    ] {
        // The second request gets no response.
        let text = response(&format!("{request}GET /a HTTP/1.1\r\nHost: h\r\n\r\n"));
        assert!(text.starts_with(&format!("HTTP/1.1 {line}\r\n")), "{text}");
        assert!(text.contains("\r\nConnection: close\r\n"), "{text}");
        assert!(text.ends_with(&format!("\r\n\r\n{line}\n")), "{text}");
        assert_eq!(text.contains("\r\nAllow: GET, HEAD\r\n"), line.starts_with("405"), "{text}");
    }
    let missing = get("/c", "");
    assert!(
        missing.starts_with("HTTP/1.1 404 Not Found\r\n") && !missing.contains("Connection"),
        "{missing}"
    );
}

// proves: http-range
#[test]
fn range_selects_bytes() {
    for (range, line, field, content) in [
        ("bytes=2-4", "206 Partial Content", "bytes 2-4/10", "234"),
        ("bytes=7-", "206 Partial Content", "bytes 7-9/10", "789"),
        ("bytes=-1", "206 Partial Content", "bytes 9-9/10", "9"),
        ("bytes=10-", "416 Range Not Satisfiable", "bytes */10", ""),
        ("bytes=0-1,4-5", "200 OK", "", "0123456789"),
    ] {
        let text = get("/a", &format!("Range: {range}\r\n"));
        assert!(text.starts_with(&format!("HTTP/1.1 {line}\r\n")), "{text}");
        let found = text.split("\r\nContent-Range: ").nth(1).and_then(|rest| rest.lines().next());
        assert_eq!(found.unwrap_or_default(), field, "{text}");
        let expected = format!("\r\nContent-Length: {}\r\n", content.len());
        assert!(text.contains(&expected) && text.ends_with(&format!("\r\n\r\n{content}")), "{text}");
    }
}

// proves: http-conditions
#[test]
fn conditions_compare_tags() {
    for (fields, line) in [
        ("If-None-Match: \"1-a\"", "304 Not Modified"),
        ("If-None-Match: W/\"1-a\"", "304 Not Modified"),
        ("If-None-Match: \"x\" , \"1-a\"", "304 Not Modified"),
        ("If-None-Match: \"x\"\r\nIf-None-Match: \"1-a\"", "304 Not Modified"),
        ("If-None-Match: *", "304 Not Modified"),
        ("If-None-Match: \"x\", 1-a", "200 OK"),
        ("If-Match: \"1-a\"", "200 OK"),
        ("If-Match: *", "200 OK"),
        ("If-Match: W/\"1-a\"", "412 Precondition Failed"),
        ("If-Match: \"x\"\r\nIf-None-Match: \"1-a\"", "412 Precondition Failed"),
        ("Range: bytes=0-1\r\nIf-Range: \"1-a\"", "206 Partial Content"),
        ("Range: bytes=0-1\r\nIf-Range: W/\"1-a\"", "200 OK"),
        ("Range: bytes=0-1\r\nIf-Range: Sun, 29 Nov 2026 09:08:07 GMT", "200 OK"),
        ("Range: bytes=0-1\r\nIf-None-Match: \"1-a\"", "304 Not Modified"),
    ] {
        let text = get("/a", &format!("{fields}\r\n"));
        assert!(text.starts_with(&format!("HTTP/1.1 {line}\r\n")), "{fields}\n{text}");
        if line.starts_with("304") {
            assert!(text.ends_with("\r\nETag: \"1-a\"\r\n\r\n") && !text.contains("Content-"), "{text}");
        }
    }
    // A connection continues after a response without content.
    let both = response(&"GET /a HTTP/1.1\r\nHost: h\r\nIf-None-Match: *\r\n\r\n".repeat(2));
    assert_eq!(both.matches("HTTP/1.1 304").count(), 2, "{both}");
}

// proves: http-directory
#[test]
fn directory_without_slash_moves_and_listing_is_a_page() {
    let respond = |target: &str, found| {
        let mut connection = HttpConnection::new();
        let head = format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n");
        let (_, request) = connection.receive(head.as_bytes());
        connection.respond(&request.unwrap(), Ok(found), "");
        let mut buffer = vec![0; 4_096];
        let length = connection.write_to(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    let moved = respond("/a%20b?q", Found::Directory);
    assert!(
        moved.starts_with("HTTP/1.1 301 Moved Permanently\r\nServer: "),
        "a date without a clock in {moved}"
    );
    assert!(moved.contains("\r\nLocation: /a%20b/\r\n"), "{moved}");
    let entries = vec![DirectoryEntry { name: b"x".to_vec(), is_directory: true }];
    let listed = respond("/", Found::Listing(Listing { entries, has_more: false }));
    assert!(listed.contains("Content-Type: text/html; charset=utf-8\r\n"), "{listed}");
    assert!(listed.contains("<li><a href=\"./x/\">x/</a></li>"), "{listed}");
}

// proves: http-truncated
#[test]
fn content_that_ends_early_is_an_error() {
    let mut connection = HttpConnection::new();
    let (_, request) = connection.receive(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    let content = Bytes { bytes: b"01".to_vec(), missing: 1 };
    connection.respond(&request.unwrap(), Ok(Found::Resource(Box::new(content))), DATE);
    let mut buffer = [0; 4_096];
    let length = connection.write_to(&mut buffer).expect("two bytes of content are available");
    assert!(buffer[..length].ends_with(b"\r\n\r\n01"));
    connection.sent(length);
    assert_eq!(connection.write_to(&mut buffer), Err(ContentError::Failed));
}

// proves: http-close
#[test]
fn finished_connection_takes_and_ignores_bytes() {
    let mut connection = HttpConnection::new();
    assert_eq!(connection.state(), HttpState::Receiving);
    let (_, request) = connection.receive(b"GET /c HTTP/1.0\r\n\r\n");
    connection.respond(&request.unwrap(), Err(ContentError::NotFound), DATE);
    assert_eq!(connection.state(), HttpState::Sending);
    let mut buffer = [0; 4_096];
    let length = connection.write_to(&mut buffer).unwrap();
    connection.sent(length);
    assert_eq!(connection.state(), HttpState::Finished);
    assert_eq!(connection.receive(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"), (28, None));
    assert_eq!(connection.write_to(&mut buffer), Ok(0));
}

// proves: http-pipelining
#[test]
fn connection_takes_next_request_after_response() {
    let mut connection = HttpConnection::new();
    let (taken, request) = connection.receive(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b");
    assert_eq!(taken, 28);
    connection.respond(&request.unwrap(), Err(ContentError::NotFound), DATE);
    assert_eq!(connection.receive(b"GET /b"), (0, None));
}

// proves: http-head-bound
#[test]
fn endless_head_is_refused_after_its_maximum() {
    let mut connection = HttpConnection::new();
    let mut taken = 0;
    let request = (0..9).find_map(|_| {
        let (bytes, request) = connection.receive(&[b'A'; 1_000]);
        taken += bytes;
        request
    });
    assert_eq!((taken, request.map(|request| request.keeps_alive)), (MAX_HEAD, Some(false)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Responses do not depend on how TCP divides the bytes.
    // proves: http-pipelining
    #[test]
    fn responses_do_not_depend_on_segments(
        paths in prop::collection::vec(prop::sample::select(vec!["/a", "/b", "/c", "/"]), 1..4),
        is_closing in any::<bool>(),
        lengths in prop::collection::vec(1_usize..40, 0..40),
        buffer in 1_usize..9_000,
        accepted in 1_usize..9_000,
    ) {
        let request = |path| format!("GET {path} HTTP/1.1\r\nHost: h\r\nRange: bytes=3-70000\r\n\r\n");
        let mut requests: String = paths.into_iter().map(request).collect();
        if is_closing {
            requests.push_str("GET /a HTTP/1.0\r\n\r\nafter the end");
        }
        let whole = exchange(requests.as_bytes(), std::iter::empty(), 65_536, 65_536);
        // A small buffer would need long.
        let (buffer, accepted) = (buffer.max(500), accepted.max(500));
        prop_assert!(exchange(requests.as_bytes(), lengths.into_iter(), buffer, accepted) == whole);
    }

    /// Any bytes are either refused, or a request, or the start of one.
    #[test]
    fn any_bytes_are_taken_and_answered(bytes in prop::collection::vec(any::<u8>(), 0..200), prefix in prop::sample::select(vec!["", "GET ", "GET / HTTP/1.1\r\nHost: h\r\n"])) {
        let requests = [prefix.as_bytes(), &bytes].concat();
        let responses = exchange(&requests, std::iter::repeat(7), 4_096, 4_096);
        prop_assert!(responses.is_empty() || responses.starts_with(b"HTTP/1.1 "));
    }
}
