//! The head of a request: its request line and its fields.

use httparse::{EMPTY_HEADER, Header};

use super::path::RequestPath;
use super::range::RequestedRange;
use super::status::Status;

/// Maximum length of the head of a request in bytes.
pub(super) const MAX_HEAD: usize = 8_192;
/// Maximum number of fields of a request.
const MAX_FIELDS: usize = 64;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The path of a valid request, or the status of the refusal.
    pub(crate) path: Result<RequestPath, Status>,
    /// Whether only the head of the response is requested.
    pub(crate) is_head: bool,
    /// The version of the request is 1.1 or later.
    pub(crate) is_http_1_1: bool,
    /// Whether the connection stays open after the response.
    pub(crate) keeps_alive: bool,
    pub(crate) conditions: Conditions,
    pub(crate) range: Option<RequestedRange>,
}

/// The conditions of a request (RFC 9110 13.1): lists of entity tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
// The fields of HTTP have these names.
#[allow(clippy::struct_field_names)]
pub(crate) struct Conditions {
    pub(crate) if_match: Option<String>,
    pub(crate) if_none_match: Option<String>,
    pub(crate) if_range: Option<String>,
}

/// The fields of a request. Names of fields are compared without case.
#[derive(Clone, Copy)]
struct Fields<'a, 'b>(&'a [Header<'b>]);

impl Request {
    /// Parses the head at the start of these bytes. Returns the request and the length of its head, or `None` if the head
    /// is not complete.
    pub(crate) fn parse(bytes: &[u8]) -> Option<(Request, usize)> {
        // A head does not become valid because its last bytes arrive with the first.
        let bytes = bytes.get(..MAX_HEAD).unwrap_or(bytes);
        let mut fields = [EMPTY_HEADER; MAX_FIELDS];
        let mut parsed = httparse::Request::new(&mut fields);
        let result = parsed.parse(bytes);
        // Empty lines may precede the method.
        let is_head = parsed.method == Some("HEAD");
        let refused = |status| Some((Request::refused(status, is_head), bytes.len()));
        match result {
            Ok(httparse::Status::Complete(length)) => Some((Request::of(&parsed), length)),
            // spec: http-head-bound
            Ok(httparse::Status::Partial) if bytes.len() >= MAX_HEAD => {
                refused(match (parsed.method, parsed.path) {
                    (None, _) => Status::NotImplemented,
                    (_, None) => Status::TargetTooLong,
                    _ => Status::FieldsTooLarge,
                })
            }
            Ok(httparse::Status::Partial) => None,
            Err(httparse::Error::TooManyHeaders) => refused(Status::FieldsTooLarge),
            Err(httparse::Error::Version) => refused(Status::VersionNotSupported),
            // spec: http-invalid
            Err(_) => refused(Status::BadRequest),
        }
    }

    /// Returns the path of a valid request.
    pub fn path(&self) -> Option<&RequestPath> {
        self.path.as_ref().ok()
    }

    fn refused(status: Status, is_head: bool) -> Request {
        Request {
            path: Err(status),
            is_head,
            is_http_1_1: true,
            keeps_alive: false,
            conditions: Conditions::default(),
            range: None,
        }
    }

    fn of(parsed: &httparse::Request<'_, '_>) -> Request {
        let fields = Fields(parsed.headers);
        let method = parsed.method.unwrap_or_default();
        let is_head = method == "HEAD";
        let is_http_1_1 = parsed.version != Some(0);
        let path = match method {
            "GET" | "HEAD" => Self::check(fields, is_http_1_1).and_then(|()| {
                let target = parsed.path.unwrap_or_default();
                RequestPath::parse(target).ok_or(Status::BadRequest)
            }),
            // spec: http-methods
            "POST" | "PUT" | "DELETE" | "CONNECT" | "OPTIONS" | "TRACE" | "PATCH" => {
                Err(Status::MethodNotAllowed)
            }
            _ => Err(Status::NotImplemented),
        };
        // A body is not read. So nothing after it can be read as a request.
        // spec: http-body
        let has_body = fields.has("transfer-encoding")
            || fields.all("content-length").any(|length| length.trim() != "0");
        // RFC 9112 9.3: a connection persists by default since HTTP/1.1, and in HTTP/1.0 if the client requests it.
        // spec: http-keep-alive
        let persists = if is_http_1_1 { !fields.has_token("close") } else { fields.has_token("keep-alive") };
        let if_range = fields.list("if-range");
        Request {
            is_head,
            is_http_1_1,
            keeps_alive: persists && !has_body && path.is_ok(),
            conditions: Conditions {
                if_match: fields.list("if-match"),
                if_none_match: fields.list("if-none-match"),
                if_range,
            },
            // RFC 9110 14.2: a server ignores a range with a method other than GET.
            range: fields
                .list("range")
                .filter(|_| method == "GET")
                .and_then(|field| RequestedRange::parse(&field)),
            path,
        }
    }

    /// Checks the fields of a GET or HEAD request.
    fn check(fields: Fields<'_, '_>, is_http_1_1: bool) -> Result<(), Status> {
        // RFC 9112 3.2: a request of HTTP/1.1 has exactly one field Host. No request has two.
        // spec: http-host
        let hosts = fields.all("host").count();
        if hosts > 1 || hosts == 0 && is_http_1_1 {
            return Err(Status::BadRequest);
        }
        // RFC 9112 6.3: both fields, several lengths or an invalid length are errors.
        let lengths = fields.all("content-length").count();
        let is_number =
            |length: &str| !length.is_empty() && length.bytes().all(|digit| digit.is_ascii_digit());
        if lengths > 1
            || lengths == 1 && fields.has("transfer-encoding")
            || !fields.all("content-length").all(|length| is_number(length.trim()))
        {
            return Err(Status::BadRequest);
        }
        Ok(())
    }
}

impl<'a> Fields<'a, '_> {
    /// Returns the values of a field that are text.
    fn all(self, name: &str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |field| field.name.eq_ignore_ascii_case(name));
        named.map(|field| std::str::from_utf8(field.value).unwrap_or("\u{fffd}"))
    }

    fn has(self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Returns the values of a field as one list.
    fn list(self, name: &str) -> Option<String> {
        let mut values = self.all(name);
        let mut list = values.next()?.to_owned();
        for value in values {
            list.push(',');
            list.push_str(value);
        }
        Some(list)
    }

    /// Returns whether the field Connection has this option.
    fn has_token(self, option: &str) -> bool {
        self.all("connection")
            .flat_map(|value| value.split(','))
            .any(|token| token.trim().eq_ignore_ascii_case(option))
    }
}

#[cfg(test)]
mod tests;
