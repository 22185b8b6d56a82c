//! Requests of an HTTP client that arrive in any pieces, and responses that leave in any pieces. Checks that the pieces
//! change no response, that a client can separate the responses, and that each response is that of its request.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use services::http::{
    Content, ContentError, DirectoryEntry, Found, HttpConnection, HttpState, Listing, RequestPath, Resource,
};

const DATE: &str = "Sun, 29 Nov 2026 09:08:07 GMT";
/// Maximum length of the head of a request in bytes.
const MAX_REQUEST_HEAD: usize = 8_192;
/// Maximum length of the head of a response in bytes: a path of 8 KiB, encoded, and the other fields.
const MAX_RESPONSE_HEAD: usize = 3 * MAX_REQUEST_HEAD + 1_024;
/// Maximum number of pieces in each direction. The bytes after them are one piece.
const PIECES: usize = 1_000;
/// Parts of requests.
const WORDS: [&str; 39] = [
    "GET ",
    "HEAD ",
    "POST ",
    "BREW ",
    "/",
    "/0",
    "/1",
    "/2",
    "/3",
    "/4",
    "/5",
    "/6",
    "/7",
    "%2f",
    "..",
    "?a=b",
    "http://h",
    " HTTP/1.1\r\n",
    " HTTP/1.0\r\n",
    " HTTP/2.0\r\n",
    "Host: h\r\n",
    "Connection: close\r\n",
    "Connection: keep-alive\r\n",
    "Content-Length: 0\r\n",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Range: bytes=",
    "If-Range: ",
    "If-Match: ",
    "If-None-Match: ",
    "\"1-5\"",
    "W/",
    "*",
    "-",
    ",",
    "0",
    "9",
    "\r\n",
    "\n",
];

/// Bytes of requests, and the pieces of both directions. The list of pieces repeats, up to [`PIECES`].
#[derive(Debug)]
struct Input {
    requests: Vec<u8>,
    received: Vec<u16>,
    /// Lengths of buffers, and the numbers of bytes that TCP accepts.
    sent: Vec<(u16, u16)>,
}

#[derive(Arbitrary, Debug)]
struct Generated {
    parts: Vec<Part>,
    received: Vec<u16>,
    sent: Vec<(u16, u16)>,
}

#[derive(Arbitrary, Debug)]
enum Part {
    Word(u8),
    Bytes(Vec<u8>),
    Repeated { byte: u8, count: u16 },
    Request { is_head: bool, target: u8, fields: Vec<u8> },
}

impl<'a> Arbitrary<'a> for Input {
    fn arbitrary(from: &mut Unstructured<'a>) -> arbitrary::Result<Input> {
        if from.peek_bytes(1) != Some(&[0]) {
            // The bytes of requests, so that any requests are a seed.
            let requests = from.bytes(from.len())?.to_vec();
            return Ok(Input { requests, received: vec![1, 17, 300], sent: vec![(40, 40), (7, 3)] });
        }
        from.bytes(1)?;
        let Generated { parts, received, sent } = from.arbitrary()?;
        let mut requests = Vec::new();
        for part in parts {
            part.write_to(&mut requests);
        }
        Ok(Input { requests, received, sent })
    }
}

impl Part {
    fn write_to(&self, requests: &mut Vec<u8>) {
        let word = |number: u8| WORDS[usize::from(number) % WORDS.len()].as_bytes();
        match self {
            Part::Word(number) => requests.extend_from_slice(word(*number)),
            Part::Bytes(bytes) => requests.extend_from_slice(bytes),
            Part::Repeated { byte, count } => {
                requests.extend(std::iter::repeat_n(*byte, usize::from(*count) % 10_000));
            }
            Part::Request { is_head, target, fields } => {
                let method = if *is_head { "HEAD" } else { "GET" };
                requests.extend_from_slice(format!("{method} /{target} HTTP/1.1\r\nHost: h\r\n").as_bytes());
                for field in fields {
                    requests.extend_from_slice(word(*field));
                }
                requests.extend_from_slice(b"\r\n");
            }
        }
    }
}

/// The bytes of content: a function of their positions.
#[derive(Clone, Debug)]
struct Bytes {
    length: u64,
    /// Position of the first byte that cannot be read.
    end: u64,
    /// Maximum number of bytes that are read at once.
    step: usize,
    tag: Option<String>,
}

/// What a request requires of its response.
#[derive(Debug)]
enum Expected {
    /// The request has no valid path.
    Refused,
    Bytes(Bytes),
    Directory(RequestPath),
    /// Number of links.
    Listing(usize),
    Nothing(ContentError),
}

/// A request and the start of its response.
#[derive(Debug)]
struct Exchange {
    /// The bytes that were taken until the request was complete.
    head: Vec<u8>,
    expected: Expected,
    code: u16,
    is_last: bool,
}

/// What a connection has done.
#[derive(Debug)]
struct Outcome {
    exchanges: Vec<Exchange>,
    responses: Vec<u8>,
    /// Whether the last response ended early, because its content did.
    is_truncated: bool,
    state: HttpState,
}

fuzz_target!(|input: Input| {
    let whole = run(&input.requests, &[], &[]);
    let pieces = run(&input.requests, &input.received, &input.sent);
    check(&whole);
    check(&pieces);
    let codes = |outcome: &Outcome| -> Vec<(u16, bool)> {
        outcome.exchanges.iter().map(|exchange| (exchange.code, exchange.is_last)).collect()
    };
    assert_eq!(codes(&whole), codes(&pieces), "the pieces of a request changed a status");
    assert_eq!((whole.is_truncated, whole.state), (pieces.is_truncated, pieces.state));
    // An error of content discards the bytes of the response in the buffer.
    let compared = whole.responses.len().min(pieces.responses.len());
    assert!(whole.responses[..compared] == pieces.responses[..compared], "pieces changed a response");
    assert!(whole.is_truncated || whole.responses.len() == pieces.responses.len());
});

/// Passes requests to a connection in pieces, and takes its responses in pieces. Without lengths, all bytes arrive at
/// once, and a buffer is large.
fn run(requests: &[u8], received: &[u16], sent: &[(u16, u16)]) -> Outcome {
    let (mut connection, mut site) = (HttpConnection::new(), Site);
    let mut outcome = Outcome {
        exchanges: Vec::new(),
        responses: Vec::new(),
        is_truncated: false,
        state: HttpState::Receiving,
    };
    let mut received = received.iter().cycle().take(PIECES).map(|length| usize::from(*length).max(1));
    let mut sent = sent
        .iter()
        .cycle()
        .take(PIECES)
        .map(|(buffer, accepted)| (usize::from(*buffer).max(1), usize::from(*accepted)));
    let mut buffer = vec![0; 1 << 16];
    let (mut taken_at, mut head_at) = (0, 0);
    while taken_at < requests.len() {
        let piece = received.next().unwrap_or(usize::MAX).min(requests.len() - taken_at);
        let mut piece = &requests[taken_at..taken_at + piece];
        while !piece.is_empty() {
            let state = connection.state();
            let (taken, request) = connection.receive(piece);
            assert!(taken <= piece.len(), "more bytes taken than received");
            piece = &piece[taken..];
            taken_at += taken;
            if state == HttpState::Finished {
                assert!(piece.is_empty() && request.is_none(), "a request after the last response");
            } else {
                assert!(taken_at - head_at <= MAX_REQUEST_HEAD, "head beyond the limit");
            }
            let Some(request) = request else {
                assert!(piece.is_empty() || taken_at - head_at < MAX_REQUEST_HEAD, "a head that never ends");
                continue;
            };
            assert_eq!(state, HttpState::Receiving);
            let expected = request.path().map_or(Expected::Refused, expected_of);
            let found = request.path().map_or(Err(ContentError::NotFound), |path| site.open(path));
            let code = connection.respond(&request, found, DATE);
            assert_eq!(connection.state(), HttpState::Sending);
            assert_eq!(connection.receive(b"x"), (0, None), "bytes taken before the response was sent");
            let is_complete = send(&mut connection, &mut buffer, &mut sent, &mut outcome.responses);
            let is_last = connection.state() == HttpState::Finished;
            let head = requests[head_at..taken_at].to_vec();
            outcome.exchanges.push(Exchange { head, expected, code, is_last });
            if !is_complete {
                outcome.is_truncated = true;
                return outcome;
            }
            head_at = taken_at;
        }
    }
    outcome.state = connection.state();
    assert_ne!(outcome.state, HttpState::Sending);
    outcome
}

/// Takes the bytes of a response in pieces. Returns whether the response is complete.
fn send(
    connection: &mut HttpConnection,
    buffer: &mut [u8],
    pieces: &mut impl Iterator<Item = (usize, usize)>,
    responses: &mut Vec<u8>,
) -> bool {
    // A peer without a window stops a response. The fuzzer does not wait without end.
    let mut refusals = 0;
    while connection.state() == HttpState::Sending {
        let (length, accepted) = pieces.next().unwrap_or((buffer.len(), usize::MAX));
        let buffer = &mut buffer[..length];
        let Ok(length) = connection.write_to(buffer) else { return false };
        assert!(0 < length && length <= buffer.len(), "a response without progress");
        let written = &buffer[..length];
        let mut again = vec![0; written.len()];
        if connection.write_to(&mut again).is_ok() {
            assert!(
                written.starts_with(&again) || again.starts_with(written),
                "a byte changed before it was sent"
            );
        }
        let accepted = if accepted == 0 && refusals < 3 { 0 } else { accepted.clamp(1, length) };
        refusals = if accepted == 0 { refusals + 1 } else { 0 };
        responses.extend_from_slice(&written[..accepted]);
        connection.sent(accepted);
    }
    true
}

/// Separates the responses as a client does, and checks each of them.
fn check(outcome: &Outcome) {
    let mut rest = outcome.responses.as_slice();
    let count = outcome.exchanges.len();
    for (position, exchange) in outcome.exchanges.iter().enumerate() {
        let is_end = position + 1 == count;
        assert!(is_end || !exchange.is_last, "a response after the last response");
        let is_truncated = is_end && outcome.is_truncated;
        let Some(head) = rest.windows(4).position(|end| end == b"\r\n\r\n") else {
            assert!(is_truncated, "response without an end of its head");
            return;
        };
        assert!(head <= MAX_RESPONSE_HEAD, "head of {head} bytes");
        let (head, after) = rest.split_at(head + 4);
        let content = check_head(exchange, head);
        let closes = content.fields.get("Connection") == Some(&"close");
        assert!(
            is_truncated || closes == exchange.is_last,
            "the end of the connection differs from its notice"
        );
        rest = content.check(exchange, after, is_truncated);
    }
    assert!(rest.is_empty(), "bytes after the last response");
}

/// The content of a response, from its head.
struct ContentOf<'a> {
    fields: BTreeMap<&'a str, &'a str>,
    length: usize,
}

/// Checks the head of a response.
fn check_head<'a>(exchange: &Exchange, head: &'a [u8]) -> ContentOf<'a> {
    let head = str::from_utf8(head).expect("head should be text");
    assert!(head.chars().all(|letter| letter == '\r' || letter == '\n' || (' '..='~').contains(&letter)));
    let mut lines = head.trim_end_matches("\r\n").split("\r\n");
    let line = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")).expect("status line");
    assert!(line.starts_with(&format!("{} ", exchange.code)), "{line}");
    let mut fields = BTreeMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").expect("field should have a colon");
        assert!(name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-'), "{line:?}");
        assert!(!value.is_empty() && !value.contains(['\r', '\n']), "{line:?}");
        assert!(fields.insert(name, value).is_none(), "field {name} twice");
    }
    assert_eq!(fields.get("Date"), Some(&DATE));
    let length = fields.get("Content-Length").map(|length| length.parse().expect("length of the content"));
    assert_eq!(length.is_none(), exchange.code == 304, "{fields:?}");
    // Empty lines may precede the request line.
    let mut head = exchange.head.as_slice();
    while let Some(rest) = head.strip_prefix(b"\r\n").or_else(|| head.strip_prefix(b"\n")) {
        head = rest;
    }
    let is_head = head.starts_with(b"HEAD ");
    ContentOf { fields, length: length.filter(|_| !is_head).unwrap_or(0) }
}

impl ContentOf<'_> {
    /// Checks the content at the start of these bytes, and returns the bytes after it.
    fn check<'b>(&self, exchange: &Exchange, bytes: &'b [u8], is_truncated: bool) -> &'b [u8] {
        let length = if is_truncated { bytes.len() } else { self.length };
        assert!(length <= self.length && length <= bytes.len(), "content shorter than its length");
        let (content, rest) = bytes.split_at(length);
        match (&exchange.expected, exchange.code) {
            (Expected::Bytes(expected), 200) => self.check_bytes(expected, 0, content),
            (Expected::Bytes(expected), 206) => {
                let range = self.fields.get("Content-Range").and_then(|range| range.strip_prefix("bytes "));
                let (range, length) = range.and_then(|range| range.split_once('/')).expect("range");
                let (first, last) = range.split_once('-').expect("range should have two ends");
                let [first, last, length] =
                    [first, last, length].map(|number| number.parse::<u64>().expect("number"));
                assert!(first <= last && last < length && length == expected.length, "{range}");
                let is_head_or = |content: u64| content == 0 || content == last + 1 - first;
                assert!(is_head_or(u64::try_from(self.length).expect("length should fit in 64 bits")));
                self.check_bytes(expected, first, content);
            }
            (Expected::Bytes(expected), 416) => {
                let range = format!("bytes */{}", expected.length);
                assert_eq!((self.fields.get("Content-Range"), self.length), (Some(&range.as_str()), 0));
            }
            (Expected::Bytes(expected), 304) => assert_eq!(self.tag(), expected.tag),
            (Expected::Directory(path), 301) => {
                let location = self.fields.get("Location").expect("location");
                let target = RequestPath::parse(location).expect("location should be a valid path");
                assert!(target.is_directory() && target.segments() == path.segments(), "{location}");
                assert!(!location.starts_with("//"), "a location on another host: {location}");
            }
            (Expected::Listing(links), 200 | 206) => {
                let page = str::from_utf8(content);
                let is_whole = exchange.code == 200 && self.length > 0;
                let count = page.map_or(0, |page| page.matches("<a href=\"./").count());
                assert!(!is_whole || count == *links, "{links} links expected: {page:?}");
            }
            (Expected::Listing(_), 304 | 412 | 416) | (Expected::Bytes(_), 412) => {}
            (Expected::Refused, code) => {
                assert!(matches!(code, 400 | 405 | 414 | 431 | 501 | 505), "{code} for a refused request");
                assert_eq!(self.fields.get("Connection"), Some(&"close"));
            }
            (Expected::Nothing(error), code) => {
                let expected = match error {
                    ContentError::NotFound => 404,
                    ContentError::Forbidden => 403,
                    ContentError::Busy => 503,
                    ContentError::Failed => 500,
                };
                assert_eq!(code, expected);
            }
            (expected, code) => panic!("{code} for {expected:?}"),
        }
        rest
    }

    fn check_bytes(&self, expected: &Bytes, first: u64, content: &[u8]) {
        assert_eq!(self.tag(), expected.tag);
        let same = (first..).zip(content).all(|(position, byte)| byte_at(position) == *byte);
        assert!(same, "content of another response or another position");
    }

    fn tag(&self) -> Option<String> {
        self.fields.get("ETag").map(|tag| tag.trim_matches('"').to_owned())
    }
}

fn byte_at(position: u64) -> u8 {
    u8::try_from(position % 251).expect("remainder should fit in 8 bits")
}

/// Returns what the site has at a path. The first name selects it.
fn expected_of(path: &RequestPath) -> Expected {
    for name in path.segments() {
        let is_name = !matches!(name.as_slice(), b"" | b"." | b"..");
        assert!(
            is_name && !name.contains(&b'/') && !name.contains(&0),
            "a path that leaves its root: {path:?}"
        );
    }
    let Some(first) = path.segments().first() else { return Expected::Listing(3) };
    let number: u64 = first.iter().map(|byte| u64::from(*byte)).sum();
    let size = number * 37 % 5_000;
    let bytes = Bytes { length: size, end: size, step: usize::MAX, tag: Some(format!("1-{number:x}")) };
    match number % 8 {
        0 => Expected::Nothing(match number / 8 % 4 {
            0 => ContentError::NotFound,
            1 => ContentError::Forbidden,
            2 => ContentError::Busy,
            _ => ContentError::Failed,
        }),
        1 if path.is_directory() => Expected::Listing(path.segments().len()),
        1 => Expected::Directory(path.clone()),
        2 => Expected::Bytes(Bytes { length: 0, end: 0, ..bytes }),
        3 => Expected::Bytes(Bytes { end: size / 2, ..bytes }),
        4 => Expected::Bytes(Bytes { step: 3, tag: None, ..bytes }),
        5 => Expected::Bytes(Bytes { tag: Some("1-5".to_owned()), ..bytes }),
        6 => Expected::Bytes(Bytes { length: 70_000, end: 70_000, ..bytes }),
        _ => Expected::Bytes(bytes),
    }
}

/// Content that its path determines.
#[derive(Debug)]
struct Site;

impl Content for Site {
    fn open(&mut self, path: &RequestPath) -> Result<Found, ContentError> {
        match expected_of(path) {
            Expected::Bytes(bytes) => Ok(Found::Resource(Box::new(bytes))),
            Expected::Directory(_) => Ok(Found::Directory),
            Expected::Listing(links) => {
                // Names of the client, in any bytes.
                let names = path.segments().iter().cloned().chain(std::iter::repeat(Vec::new()));
                let entry = |name| DirectoryEntry { name, is_directory: true };
                let entries = names.take(links).map(entry).collect();
                Ok(Found::Listing(Listing { entries, has_more: path.segments().len() > 2 }))
            }
            Expected::Nothing(error) => Err(error),
            Expected::Refused => unreachable!("a path is valid"),
        }
    }
}

impl Resource for Bytes {
    fn length(&self) -> u64 {
        self.length
    }

    fn media_type(&self) -> &'static str {
        "text/plain"
    }

    fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    fn read(&mut self, position: u64, buffer: &mut [u8]) -> Result<usize, ContentError> {
        let rest =
            usize::try_from(self.end.saturating_sub(position)).expect("length should fit in the memory");
        let length = rest.min(buffer.len()).min(self.step);
        for (position, byte) in (position..).zip(&mut buffer[..length]) {
            *byte = byte_at(position);
        }
        Ok(length)
    }
}
