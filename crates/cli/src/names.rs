//! Names of hosts: lookups by the resolver of the system.

pub(crate) mod reverse;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};

use crate::error_message::ErrorMessage;
use crate::values::ip_address;

/// Parses an IP address, or returns the first IPv4 address of a host name. A lookup may take several seconds.
pub(crate) fn host_address(text: &str) -> Result<Ipv4Addr, ErrorMessage> {
    if !is_name(text) {
        return ip_address(text);
    }
    let hint = "use an IP address, e.g. 10.0.0.1";
    let mut addresses = (text, 0).to_socket_addrs().map_err(|error| {
        ErrorMessage::new(format!("cannot resolve the name: {}", reason(&error))).hint(hint)
    })?;
    let address = addresses.find_map(|address| match address {
        SocketAddr::V4(address) => Some(*address.ip()),
        SocketAddr::V6(_) => None,
    });
    address.ok_or_else(|| ErrorMessage::new("the name has no IPv4 address").hint(hint))
}

/// Returns the reason in an error of a lookup.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.strip_prefix("failed to lookup address information: ").unwrap_or(&text).to_owned()
}

/// Returns whether a text can be the name of a host. A name has a letter in its last label. A hexadecimal number is no
/// name, because resolvers parse it as a part of an IP address (`0x0a000001`).
pub(crate) fn is_name(text: &str) -> bool {
    let is_valid = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let last = text.strip_suffix('.').unwrap_or(text).rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_number = hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let is_valid_text = !text.starts_with(['-', '.']) && text.chars().all(is_valid);
    is_valid_text && last.contains(char::is_alphabetic) && !is_number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_has_letter_in_last_label_and_is_no_number() {
        for name in
            ["router", "a-1.example.org", "example.org.", "10.0.0.x", "0xg", "münchen.example", "v4_1"]
        {
            assert!(is_name(name), "{name}");
        }
        for other in [
            "",
            ".",
            "-",
            "-a",
            ".a",
            "10.0.0.1",
            "1",
            "a.1",
            "0x0a000001",
            "0X1",
            "a.0x",
            "10.0.0.1.",
            "fe80::1",
            "a/24",
            "a b",
            "1-2",
            "10.0.0.1-9",
            "10.0.0.0:255.0.0.0",
            "a..",
        ] {
            assert!(!is_name(other), "{other}");
        }
    }

    #[test]
    fn text_that_is_no_name_has_error_of_ip_address() {
        assert_eq!(host_address("10.0.0.1"), Ok([10, 0, 0, 1].into()));
        for (text, why) in [
            ("10.0.0.256", "256 is greater than 255"),
            ("10.0.0.010", "010 has a leading zero, which other programs read as octal"),
            ("0x0a000001", "expected an IPv4 address"),
            ("::1", "IPv6 is not supported"),
        ] {
            assert_eq!(host_address(text).unwrap_err().text(), why, "{text}");
        }
    }
}
