//! The HTTP request of the exchange, and its response.

/// The request.
pub(super) const REQUEST: &str = "GET / HTTP/1.1\r\nHost: 10.0.0.2\r\nConnection: close\r\n\r\n";
/// Maximum length of a response, in bytes.
pub(super) const MAX_RESPONSE: usize = 65_536;

/// A complete response to a [`REQUEST`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HttpResponse {
    /// The first line.
    status: String,
    /// Length of the content, in bytes.
    length: usize,
}

impl HttpResponse {
    /// Parses all bytes of a connection. Fails unless they are a complete response with status 200.
    pub(super) fn parse(bytes: &[u8]) -> Result<HttpResponse, String> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").ok_or("incomplete HTTP response")?;
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap_or_default().to_owned();
        if !status.starts_with("HTTP/1.1 200 ") {
            return Err(format!("HTTP response `{}`", status.escape_debug()));
        }
        let announced = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            value.trim().parse::<usize>().ok().filter(|_| name.eq_ignore_ascii_case("content-length"))
        });
        match announced {
            Some(length) if length == body.len() => Ok(HttpResponse { status, length }),
            _ => Err("HTTP response without all of its content".to_owned()),
        }
    }
}

impl std::fmt::Display for HttpResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} with {} bytes", self.status, self.length)
    }
}

#[cfg(test)]
mod tests;
