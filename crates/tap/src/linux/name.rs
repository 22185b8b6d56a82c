//! Names of network interfaces, and safe printing of foreign names.

use std::fmt::{self, Write};
use std::str::FromStr;

/// Valid name of a network interface: 1 to 15 bytes without slash, colon, white space and zero bytes. One `%d` is
/// valid, and other percent signs are invalid. The names `.`, `..`, `all` and `default` are invalid.
///
/// The kernel allows control characters. `Display` escapes control characters, and [`InterfaceName::as_str`] returns
/// them unescaped.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct InterfaceName(String);

/// Error of parsing an interface name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameError {
    /// Longer than 15 bytes.
    TooLong(String),
    /// Empty, `.`, `..`, or with a slash, colon, white space, zero byte or percent sign that the kernel rejects.
    Invalid(String),
    /// `all` or `default`, which the kernel uses for the settings of all interfaces (`net.ipv4.conf.all`,
    /// `net.ipv4.conf.default`).
    Reserved(String),
}

impl InterfaceName {
    /// Maximum length in bytes.
    pub const MAX: usize = libc::IFNAMSIZ - 1;

    /// Returns the name, unescaped.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the name contains `%d`, which the kernel replaces with a number.
    pub fn is_pattern(&self) -> bool {
        self.0.contains("%d")
    }
}

impl FromStr for InterfaceName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.len() > Self::MAX {
            return Err(NameError::TooLong(text.to_owned()));
        }
        // The kernel replaces one `%d` and allows no other percent sign.
        let percent = text.replacen("%d", "", 1).contains('%');
        let refused = |c: char| c == '/' || c == ':' || c == '\0' || c.is_whitespace();
        if text.is_empty() || text == "." || text == ".." || percent || text.contains(refused) {
            return Err(NameError::Invalid(text.to_owned()));
        }
        if matches!(text, "all" | "default") {
            return Err(NameError::Reserved(text.to_owned()));
        }
        Ok(InterfaceName(text.to_owned()))
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable(&self.0).fmt(f)
    }
}

impl fmt::Debug for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(name) => {
                let (length, most) = (name.len(), InterfaceName::MAX);
                write!(f, "invalid interface name `{}`: {length} bytes, more than {most}", Printable(name))
            }
            Self::Invalid(name) => {
                let why = match name.as_str() {
                    "" => "it is empty",
                    "." | ".." => "reserved by the kernel",
                    name if name.contains('/') => "it contains a slash",
                    name if name.contains(':') => "it contains a colon",
                    name if name.replacen("%d", "", 1).contains('%') => {
                        "it contains a percent sign other than one `%d`"
                    }
                    _ => "it contains white space or a zero byte",
                };
                write!(f, "invalid interface name `{}`: {why}", Printable(name))
            }
            Self::Reserved(name) => write!(f, "invalid interface name `{name}`: reserved by the kernel"),
        }
    }
}

impl std::error::Error for NameError {}

/// Displays a text that another user may have chosen. Control characters and invisible characters are escaped (for
/// example as `\u{1b}`), because a terminal would interpret or hide them.
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '\\' | '\'' | '"' => f.write_char(character)?,
                other => write!(f, "{}", other.escape_debug())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
