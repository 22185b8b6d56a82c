use super::*;

/// Returns the request of a complete head.
fn parsed(head: &str) -> Request {
    let (request, length) = Request::parse(head.as_bytes()).expect("the head should be complete");
    assert!(length <= head.len(), "length of the head");
    request
}

fn status(head: &str) -> Option<Status> {
    parsed(head).path.err()
}

#[test]
fn head_ends_at_empty_line() {
    let head = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    for length in 0..head.len() {
        assert_eq!(Request::parse(&head[..length]), None, "{length} bytes");
    }
    let (request, length) = Request::parse(&[head, &b"GET /b"[..]].concat()).unwrap();
    assert_eq!((length, request.path().unwrap().segments()), (head.len(), &[b"a".to_vec()][..]));
    // Lines may end with a line feed alone, and empty lines may precede the request (RFC 9112 2.2).
    assert_eq!(status("\r\n\nGET / HTTP/1.0\n\n"), None);
}

// proves: http-methods
#[test]
fn other_methods_are_refused() {
    for method in ["POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"] {
        let request = parsed(&format!("{method} / HTTP/1.1\r\nHost: h\r\n\r\n"));
        assert_eq!(request.path, Err(Status::MethodNotAllowed), "{method}");
        assert!(!request.keeps_alive, "{method}");
    }
    for method in ["BREW", "get", "GETT"] {
        assert_eq!(status(&format!("{method} / HTTP/1.1\r\nHost: h\r\n\r\n")), Some(Status::NotImplemented));
    }
}

// proves: http-host
#[test]
fn request_has_one_host() {
    for (head, expected) in [
        ("GET / HTTP/1.1\r\n\r\n", Some(Status::BadRequest)),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Some(Status::BadRequest)),
        ("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", Some(Status::BadRequest)),
        ("GET / HTTP/1.0\r\n\r\n", None),
        ("GET / HTTP/1.1\r\nHOST:\r\n\r\n", None),
    ] {
        assert_eq!(status(head), expected, "{head}");
    }
}

// proves: http-invalid
#[test]
fn invalid_heads_are_refused() {
    for (head, expected) in [
        ("GET  / HTTP/1.1\r\n\r\n", Status::BadRequest),
        ("GET /\u{1} HTTP/1.1\r\n\r\n", Status::BadRequest),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", Status::BadRequest),
        ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", Status::BadRequest),
        ("GET / HTTP/1.1\r\nHost: a\u{0}\r\n\r\n", Status::BadRequest),
        ("GET .. HTTP/1.1\r\nHost: a\r\n\r\n", Status::BadRequest),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", Status::VersionNotSupported),
        ("\u{16}\u{3}\u{1}", Status::BadRequest),
    ] {
        let request = parsed(head);
        assert_eq!(request.path, Err(expected), "{head:?}");
        assert!(!request.keeps_alive, "{head:?}");
    }
}

// proves: http-head-bound
#[test]
fn long_heads_are_refused() {
    for (start, expected) in [
        ("GET / HTTP/1.1\r\nHost: ", Status::FieldsTooLarge),
        ("GET /", Status::TargetTooLong),
        ("", Status::NotImplemented),
    ] {
        let long = |length| format!("{start}{}", "A".repeat(length - start.len()));
        assert_eq!(Request::parse(long(MAX_HEAD - 1).as_bytes()), None, "{start}");
        assert_eq!(status(&long(MAX_HEAD)), Some(expected), "{start}");
        assert_eq!(
            status(&format!("{} HTTP/1.1\r\nHost: h\r\n\r\n", long(MAX_HEAD))),
            Some(expected),
            "{start}"
        );
    }
    let fields = |number| format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "a: b\r\n".repeat(number));
    assert_eq!(status(&fields(63)), None);
    assert_eq!(status(&fields(64)), Some(Status::FieldsTooLarge));
}

// proves: http-keep-alive
#[test]
fn version_and_field_decide_whether_connection_persists() {
    for (version, field, keeps_alive) in [
        (1, "", true),
        (1, "Connection: close\r\n", false),
        (1, "connection: foo , CLOSE\r\n", false),
        (1, "Connection: foo\r\nConnection: close\r\n", false),
        (1, "Connection: keep-alive\r\n", true),
        (0, "", false),
        (0, "Connection: Keep-Alive\r\n", true),
        (0, "Connection: close\r\n", false),
    ] {
        let request = parsed(&format!("GET / HTTP/1.{version}\r\nHost: h\r\n{field}\r\n"));
        assert_eq!(request.keeps_alive, keeps_alive, "{version} {field}");
        assert_eq!(request.is_http_1_1, version == 1);
    }
}

// proves: http-body
#[test]
fn connection_closes_after_request_with_body() {
    for (field, expected) in [
        ("Content-Length: 0", Ok(true)),
        ("Content-Length: 5", Ok(false)),
        ("Transfer-Encoding: chunked", Ok(false)),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", Err(Status::BadRequest)),
        ("Content-Length: 0\r\nContent-Length: 0", Err(Status::BadRequest)),
        ("Content-Length: 0, 5", Err(Status::BadRequest)),
        ("Content-Length: +5", Err(Status::BadRequest)),
        ("Content-Length: x", Err(Status::BadRequest)),
        ("Content-Length:", Err(Status::BadRequest)),
    ] {
        let request = parsed(&format!("GET / HTTP/1.1\r\nHost: h\r\n{field}\r\n\r\n"));
        assert_eq!(request.path.map(|_| request.keeps_alive), expected, "{field}");
    }
}

#[test]
fn only_get_has_range() {
    let range = |method| parsed(&format!("{method} / HTTP/1.1\r\nHost: h\r\nRange: bytes=1-2\r\n\r\n")).range;
    assert_eq!(range("GET"), Some(RequestedRange::Bytes(1, 2)));
    assert_eq!(range("HEAD"), None);
}
