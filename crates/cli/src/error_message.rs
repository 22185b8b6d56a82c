//! Error messages: what failed and why, and hints on lines of their own.

use std::error::Error;
use std::fmt;

use serde::{Deserialize, Serialize};
use tap::linux::Printable;

/// An error message: one line that says what failed and why, and hints how to fix it.
///
/// Control characters in the message are escaped, since names of files and programs may contain them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorMessage {
    text: String,
    hints: Vec<Hint>,
}

/// Advice on how to fix an error, and the shell command for the fix, if there is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Hint {
    advice: String,
    command: Option<String>,
}

impl ErrorMessage {
    /// Returns a message without hints.
    pub(crate) fn new(text: impl AsRef<str>) -> ErrorMessage {
        ErrorMessage { text: printable(text.as_ref()), hints: Vec::new() }
    }

    /// Adds a hint.
    pub(crate) fn hint(mut self, advice: impl AsRef<str>) -> ErrorMessage {
        self.hints.push(Hint { advice: printable(advice.as_ref()), command: None });
        self
    }

    /// Adds a hint that ends with a shell command to paste.
    pub(crate) fn hint_command(mut self, advice: impl AsRef<str>, command: impl AsRef<str>) -> ErrorMessage {
        let (advice, command) = (printable(advice.as_ref()), printable(command.as_ref()));
        self.hints.push(Hint { advice, command: Some(command) });
        self
    }

    /// Puts what failed before the reason: `cannot read a.pcap: the file is empty`.
    pub(crate) fn context(mut self, what: impl AsRef<str>) -> ErrorMessage {
        self.text = format!("{}: {}", printable(what.as_ref()), self.text);
        self
    }

    /// Adds another message: `a; b`, and the hints of both, each once.
    pub(crate) fn and(mut self, other: ErrorMessage) -> ErrorMessage {
        self.text = format!("{}; {}", self.text, other.text);
        for hint in other.hints {
            if !self.hints.contains(&hint) {
                self.hints.push(hint);
            }
        }
        self
    }

    /// The message without its hints.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The hints, each on one line.
    pub(crate) fn hints(&self) -> impl Iterator<Item = String> {
        self.hints.iter().map(Hint::to_string)
    }

    /// The first shell command among the hints.
    pub(crate) fn first_command(&self) -> Option<&str> {
        self.hints.iter().find_map(|hint| hint.command.as_deref())
    }
}

/// Returns a message on one line, with its control characters escaped.
fn printable(message: &str) -> String {
    Printable(&without_error_numbers(message)).to_string()
}

/// Returns a message without the numbers of the system's errors, which Rust adds to their text.
fn without_error_numbers(message: &str) -> String {
    const NUMBER: &str = " (os error ";
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut rest = message;
    let mut plain = String::new();
    while let Some((before, behind)) = rest.split_once(NUMBER) {
        plain.push_str(before);
        let number = behind.split_once(')').filter(|(number, _)| is_number(number));
        rest = number.map_or(behind, |(_, rest)| rest);
        if number.is_none() {
            plain.push_str(NUMBER);
        }
    }
    plain + rest
}

impl From<String> for ErrorMessage {
    fn from(text: String) -> ErrorMessage {
        ErrorMessage::new(text)
    }
}

impl From<&str> for ErrorMessage {
    fn from(text: &str) -> ErrorMessage {
        ErrorMessage::new(text)
    }
}

impl fmt::Display for ErrorMessage {
    /// The message on one line, then a line `hint: ...` for each hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        self.hints.iter().try_for_each(|hint| write!(f, "\nhint: {hint}"))
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.command {
            Some(command) => write!(f, "{}: `{command}`", self.advice),
            None => f.write_str(&self.advice),
        }
    }
}

impl Error for ErrorMessage {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn message_omits_os_error_number() {
        let refused = io::Error::from_raw_os_error(2);
        let message = ErrorMessage::new(format!("cannot read a: {refused}, nor b: {refused}"));
        assert_eq!(
            message.text(),
            "cannot read a: No such file or directory, nor b: No such file or directory"
        );
    }

    #[test]
    fn message_keeps_reason_when_name_looks_like_error_number() {
        let refused = io::Error::from_raw_os_error(2);
        for name in
            ["x (os error y", "x (os error )", "x (os error 2", "(os error (os error y) (os error -2)"]
        {
            let message = ErrorMessage::new(format!("cannot read {name}: {refused}"));
            assert_eq!(message.text(), format!("cannot read {name}: No such file or directory"));
        }
    }

    #[test]
    fn message_escapes_control_characters_of_names() {
        let message = ErrorMessage::new("a\x1b[2J\n").hint("b\r").hint_command("c\t", "d\x07").context("e\n");
        assert_eq!(
            message.to_string(),
            "e\\n: a\\u{1b}[2J\\n\nhint: b\\r\nhint: c\\t: `d\\u{7}`",
            "{message}"
        );
        assert_eq!(ErrorMessage::new(r#"names 'ä' and "\b""#).text(), r#"names 'ä' and "\b""#);
    }

    #[test]
    fn message_prints_each_hint_on_own_line() {
        let message = ErrorMessage::new("interface eth0 is down")
            .hint("use another interface")
            .hint_command("bring up the interface", "sudo ip link set eth0 up");
        let text = "interface eth0 is down\nhint: use another interface\nhint: bring up the interface: `sudo ip link set eth0 up`";
        assert_eq!(message.to_string(), text);
        assert_eq!(message.first_command(), Some("sudo ip link set eth0 up"));
    }
}
