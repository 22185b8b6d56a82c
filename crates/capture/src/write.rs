//! Writer for pcapng blocks, in little-endian byte order.
//!
//! Call [`section`], then [`interface`] for each interface, then [`packet`] for each packet. Further interfaces may follow
//! at any time.

use crate::link_type::LinkType;

const SECTION: u32 = 0x0a0d_0d0a;
const BYTE_ORDER: u32 = 0x1a2b_3c4d;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;
/// Option codes of sections, interfaces and packets.
const APPLICATION: u16 = 4;
const NAME: u16 = 2;
const RESOLUTION: u16 = 9;
const COMMENT: u16 = 1;
const FLAGS: u16 = 2;
const END: u16 = 0;
/// Time resolution: 10^-9 seconds.
const NANOSECONDS: u8 = 9;

/// Packet to write as an Enhanced Packet Block.
#[derive(Clone, Copy, Debug)]
pub struct EnhancedPacket<'a> {
    /// Number of the interface in the section, starting at 0.
    pub interface: u32,
    /// Capture time in nanoseconds since 1970 in UTC.
    pub time: u64,
    /// Whole frame.
    pub data: &'a [u8],
    /// Link-layer flags. The lowest two bits are the direction.
    pub flags: u32,
    /// Comment, if any.
    pub comment: Option<&'a str>,
}

/// Appends a Section Header Block with the name of the application.
pub fn section(out: &mut Vec<u8>, application: &str) {
    block(out, SECTION, |out| {
        out.extend(BYTE_ORDER.to_le_bytes());
        // Version 1.0, section length unspecified.
        out.extend([1, 0, 0, 0]);
        out.extend([0xff; 8]);
        option(out, APPLICATION, application.as_bytes());
        option(out, END, &[]);
    });
}

/// Appends an Interface Description Block with nanosecond resolution and without a snap length.
pub fn interface(out: &mut Vec<u8>, link_type: LinkType, name: &str) {
    block(out, INTERFACE, |out| {
        out.extend(link_type.0.to_le_bytes());
        out.extend(0_u32.to_le_bytes());
        option(out, NAME, name.as_bytes());
        option(out, RESOLUTION, &[NANOSECONDS]);
        option(out, END, &[]);
    });
}

/// Appends an Enhanced Packet Block.
pub fn packet(out: &mut Vec<u8>, packet: &EnhancedPacket<'_>) {
    let EnhancedPacket { interface, time, data, flags, comment } = *packet;
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes();
    let [a, b, c, d, high @ ..] = time.to_le_bytes();
    block(out, PACKET, |out| {
        for word in [interface.to_le_bytes(), high, [a, b, c, d], length, length] {
            out.extend(word);
        }
        padded(out, data);
        option(out, FLAGS, &flags.to_le_bytes());
        if let Some(comment) = comment {
            option(out, COMMENT, comment.as_bytes());
        }
        option(out, END, &[]);
    });
}

/// Returns the length of the complete blocks at the start of `bytes`, which start at a block boundary.
pub fn whole_blocks(bytes: &[u8]) -> usize {
    let mut end = 0;
    while let Some(length) =
        bytes.get(end..).and_then(|rest| rest.get(4..8)).and_then(|four| four.try_into().ok())
    {
        let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
        match end.checked_add(length).filter(|next| length > 0 && *next <= bytes.len()) {
            Some(next) => end = next,
            None => break,
        }
    }
    end
}

/// Appends a block with this body.
fn block(out: &mut Vec<u8>, number: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend(number.to_le_bytes());
    out.extend([0; 4]);
    body(out);
    let length = u32::try_from(out.len() - start + 4).unwrap_or(u32::MAX).to_le_bytes();
    out.extend(length);
    if let Some(first) = out.get_mut(start + 4..start + 8) {
        first.copy_from_slice(&length);
    }
}

/// Appends an option. Values are truncated to 65,535 bytes.
fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
    out.extend(code.to_le_bytes());
    out.extend(u16::try_from(value.len()).unwrap_or_default().to_le_bytes());
    padded(out, value);
}

/// Appends bytes, padded to a multiple of four.
fn padded(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(bytes);
    out.resize(out.len() + bytes.len().next_multiple_of(4) - bytes.len(), 0);
}
