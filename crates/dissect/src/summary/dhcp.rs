//! One-line summary of a BOOTP or DHCP message (RFC 2131).

use std::fmt::{Result, Write};
use std::net::Ipv4Addr;

use link::MacAddr;

use super::text;

/// Offset of the options, behind the magic cookie, in bytes (RFC 2131 2).
const OPTIONS: usize = 240;
const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// Codes of options (RFC 2132).
const HOST_NAME: u8 = 12;
const REQUESTED_ADDRESS: u8 = 50;
const MESSAGE_TYPE: u8 = 53;
const SERVER: u8 = 54;

/// Writes a request or reply of `length` bytes: the words of tcpdump, then the message type and the addresses.
pub(super) fn write(line: &mut String, bytes: &[u8], length: usize) -> Result {
    line.push_str("BOOTP/DHCP");
    match (bytes.first_chunk::<3>(), client(bytes)) {
        (Some([1, ..]), Some(mac)) => write!(line, ", Request from {mac}")?,
        (Some([1, ..]), None) => line.push_str(", Request"),
        (Some(_), _) => line.push_str(", Reply"),
        (None, _) => {}
    }
    write!(line, ", length {length}")?;
    if bytes.get(OPTIONS - COOKIE.len()..OPTIONS) != Some(&COOKIE) {
        return Ok(());
    }
    if let Some([kind]) = option(bytes, MESSAGE_TYPE) {
        write!(line, ": {}", message_name(*kind))?;
    }
    if bytes.starts_with(&[2])
        && let Some(address) = address(bytes.get(16..20)).filter(|address| !address.is_unspecified())
    {
        write!(line, ", address {address}")?;
        if let Some(mac) = client(bytes) {
            write!(line, " for {mac}")?;
        }
    }
    if let Some(address) = address(option(bytes, REQUESTED_ADDRESS)) {
        write!(line, ", requested {address}")?;
    }
    if let Some(address) = address(option(bytes, SERVER)) {
        write!(line, ", server {address}")?;
    }
    if let Some(name) = option(bytes, HOST_NAME) {
        line.push_str(", hostname ");
        text::write_bytes(line, name)?;
    }
    Ok(())
}

/// Returns the MAC address of the client, if the hardware address is one: `htype` 1 (Ethernet) and `hlen` 6.
fn client(bytes: &[u8]) -> Option<MacAddr> {
    let is_mac = bytes.get(1..3) == Some(&[1, 6]);
    Some(MacAddr::new(*bytes.get(28..).filter(|_| is_mac)?.first_chunk()?))
}

fn address(bytes: Option<&[u8]>) -> Option<Ipv4Addr> {
    <[u8; 4]>::try_from(bytes?).ok().map(Ipv4Addr::from)
}

/// Returns the value of the first option with this code, if the option is complete.
fn option(bytes: &[u8], expected: u8) -> Option<&[u8]> {
    let mut rest = bytes.get(OPTIONS..)?;
    loop {
        match rest.split_first()? {
            (0, after) => rest = after,
            (255, _) => return None,
            (code, after) => {
                let (length, after) = after.split_first()?;
                let (value, after) = after.split_at_checked(usize::from(*length))?;
                if *code == expected {
                    return Some(value);
                }
                rest = after;
            }
        }
    }
}

/// Returns the name of a message type (RFC 2132 9.6).
fn message_name(kind: u8) -> &'static str {
    match kind {
        1 => "Discover",
        2 => "Offer",
        3 => "Request",
        4 => "Decline",
        5 => "ACK",
        6 => "NACK",
        7 => "Release",
        8 => "Inform",
        _ => "unknown message type",
    }
}
