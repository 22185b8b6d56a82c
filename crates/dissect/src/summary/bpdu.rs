//! One-line summary of a bridge protocol data unit of the spanning tree protocols (IEEE 802.1D clause 9, IEEE 802.1Q clause 14).

use std::fmt::{Result, Write};

use link::MacAddr;

/// Names of the flags that have a bit of their own. Bits 2 and 3 are the role of the port.
const FLAGS: [(u8, &str); 6] = [
    (0x01, "Topology change"),
    (0x02, "Proposal"),
    (0x10, "Learn"),
    (0x20, "Forward"),
    (0x40, "Agreement"),
    (0x80, "Topology change ACK"),
];

/// Writes a BPDU of `length` bytes.
pub(super) fn write(line: &mut String, bytes: &[u8], length: usize) -> Result {
    let Some(&[0, 0, version, kind]) = bytes.first_chunk() else {
        return write!(line, "STP, length {length}");
    };
    let standard = match version {
        0 => "802.1d",
        2 => "802.1w",
        3 => "802.1s",
        4 => "802.1aq",
        _ => "unknown version",
    };
    write!(line, "STP {standard}, ")?;
    let name = match kind {
        0x00 => "Config",
        0x02 => "Rapid STP",
        0x80 => return line.write_str("Topology Change"),
        _ => return write!(line, "type {kind:#04x}, length {length}"),
    };
    line.push_str(name);
    let is_multiple = version >= 3;
    if let Some(flags) = bytes.get(4) {
        let set = FLAGS.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, name)| *name);
        let set: Vec<_> = set.collect();
        let set = if set.is_empty() { "none".to_owned() } else { set.join(", ") };
        write!(line, ", {}Flags [{set}]", if is_multiple { "CIST " } else { "" })?;
    }
    if let Some(bridge) =
        bytes.get(17..27).and_then(|bytes| bytes.first_chunk::<10>()).filter(|_| !is_multiple)
    {
        let [p0, p1, a, b, c, d, e, f, port @ ..] = *bridge;
        let priority = u16::from_be_bytes([p0, p1]);
        let mac = MacAddr::new([a, b, c, d, e, f]);
        write!(line, ", bridge-id {priority:04x}.{mac}.{:04x}", u16::from_be_bytes(port))?;
    }
    write!(line, ", length {length}")
}
