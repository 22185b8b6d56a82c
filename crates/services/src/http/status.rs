//! The statuses of responses.

/// Status of a response (RFC 9110 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Ok,
    PartialContent,
    MovedPermanently,
    NotModified,
    BadRequest,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    PreconditionFailed,
    TargetTooLong,
    RangeNotSatisfiable,
    FieldsTooLarge,
    Failed,
    NotImplemented,
    Busy,
    VersionNotSupported,
}

impl Status {
    /// Returns the code, and the reason phrase.
    pub(crate) const fn line(self) -> (u16, &'static str) {
        match self {
            Status::Ok => (200, "OK"),
            Status::PartialContent => (206, "Partial Content"),
            Status::MovedPermanently => (301, "Moved Permanently"),
            Status::NotModified => (304, "Not Modified"),
            Status::BadRequest => (400, "Bad Request"),
            Status::Forbidden => (403, "Forbidden"),
            Status::NotFound => (404, "Not Found"),
            Status::MethodNotAllowed => (405, "Method Not Allowed"),
            Status::PreconditionFailed => (412, "Precondition Failed"),
            Status::TargetTooLong => (414, "URI Too Long"),
            Status::RangeNotSatisfiable => (416, "Range Not Satisfiable"),
            Status::FieldsTooLarge => (431, "Request Header Fields Too Large"),
            Status::Failed => (500, "Internal Server Error"),
            Status::NotImplemented => (501, "Not Implemented"),
            Status::Busy => (503, "Service Unavailable"),
            Status::VersionNotSupported => (505, "HTTP Version Not Supported"),
        }
    }
}
