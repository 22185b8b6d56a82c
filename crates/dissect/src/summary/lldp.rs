//! One-line summary of an LLDP frame (IEEE 802.1AB clause 8).

use std::fmt::{Result, Write};
use std::net::Ipv4Addr;

use link::MacAddr;

use super::text;

/// Writes the payload of a frame: system name, chassis, port and time to live in seconds.
pub(super) fn write(line: &mut String, bytes: &[u8], length: usize) -> Result {
    write!(line, "LLDP, length {length}")?;
    if let Some(name) = value(bytes, 5) {
        line.push_str(": ");
        text::write_bytes(line, name)?;
    }
    for (label, kind, mac, address) in [("chassis", 1, 4, 5), ("port", 2, 3, 4)] {
        let Some((subtype, identifier)) = value(bytes, kind).and_then(<[u8]>::split_first) else {
            continue;
        };
        write!(line, ", {label} ")?;
        match *identifier {
            [a, b, c, d, e, f] if *subtype == mac => {
                write!(line, "{}", MacAddr::new([a, b, c, d, e, f]))?;
            }
            // Address family 1 is IPv4.
            [1, a, b, c, d] if *subtype == address => write!(line, "{}", Ipv4Addr::new(a, b, c, d))?,
            _ => text::write_bytes(line, identifier)?,
        }
    }
    match value(bytes, 3) {
        Some(&[high, low]) => write!(line, ", ttl {}", u16::from_be_bytes([high, low])),
        _ => Ok(()),
    }
}

/// Returns the value of the first TLV of this type: 7 bits type, 9 bits length.
fn value(bytes: &[u8], expected: u8) -> Option<&[u8]> {
    let mut rest = bytes;
    loop {
        let (&[high, low], after) = rest.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes([high & 1, low]));
        let (value, after) = after.split_at_checked(length)?;
        match high >> 1 {
            // The end of the LLDPDU.
            0 => return None,
            kind if kind == expected => return Some(value),
            _ => rest = after,
        }
    }
}
