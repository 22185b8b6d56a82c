//! The frames to read, with the parse depth that each needs.

use arp::{ArpReply, MacAddr, Operation, PacketFields};

/// Depth to which a reader parses, or which a frame needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ParseDepth {
    /// Ethernet II without tags: padded, truncated at any length, of any EtherType.
    Plain,
    /// One or two VLAN tags, truncated at any length.
    Tagged,
    /// SNAP, the reserved VLAN ID, three tags, or a value that is neither a type nor a length.
    Any,
}

/// Fields of the reply.
pub(crate) const REPLY: PacketFields = PacketFields {
    operation: Operation::REPLY,
    sender_hardware: MacAddr::new([2, 0, 0, 0, 0, 2]),
    sender_protocol: std::net::Ipv4Addr::new(10, 0, 0, 2),
    target_hardware: MacAddr::new([2, 0, 0, 0, 0, 1]),
    target_protocol: std::net::Ipv4Addr::new(10, 0, 0, 1),
};

/// The changes that turn [`PACKET`] into the packet of [`REPLY`].
pub(crate) const ANSWER: ArpReply =
    ArpReply { mac: REPLY.sender_hardware, destination: REPLY.target_hardware };

/// An ARP request of 10.0.0.1 for 10.0.0.2.
pub(crate) const PACKET: [u8; PacketFields::LENGTH] =
    [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2];

/// Returns the request in a frame of 42 bytes, as Linux sends it. The frame is used for counts and times.
pub(crate) fn request() -> Vec<u8> {
    frame(&[&[8, 6], &PACKET])
}

/// Returns frames of all kinds, each with the parse depth that it needs.
pub(crate) fn mixed() -> Vec<(ParseDepth, Vec<u8>)> {
    let mut frames = Vec::new();
    frames.extend(plain().into_iter().map(|frame| (ParseDepth::Plain, frame)));
    frames.extend(tagged().into_iter().map(|frame| (ParseDepth::Tagged, frame)));
    frames.extend(odd().into_iter().map(|frame| (ParseDepth::Any, frame)));
    frames
}

fn plain() -> Vec<Vec<u8>> {
    let mut frames = cut(&request());
    frames.push(frame(&[&[8, 6], &PACKET, &[0; 18]]));
    frames.push(frame(&[&[8, 6], &PACKET, &[0xee; 1_472]]));
    // Changes each field of the packet, and each byte of the type.
    for place in 12..request().len() {
        for bit in [0x01, 0x02, 0x80] {
            let mut changed = request();
            changed[place] ^= bit;
            // A random type must not be the type of a VLAN tag, because only some readers parse tags.
            frames.push(changed);
        }
    }
    for ether_type in [[8, 0], [0x86, 0xdd], [0x88, 0xcc], [0x90, 0]] {
        frames.push(frame(&[&ether_type, &PACKET]));
        frames.push(frame(&[&ether_type, &[7; 100]]));
    }
    frames
}

fn tagged() -> Vec<Vec<u8>> {
    let one = frame(&[&[0x81, 0, 0, 5, 8, 6], &PACKET]);
    let two = frame(&[&[0x88, 0xa8, 0, 5, 0x81, 0, 0x60, 6, 8, 6], &PACKET]);
    let other = frame(&[&[0x81, 0, 0, 5, 0x86, 0xdd], &PACKET]);
    [cut(&one), cut(&two), cut(&other)].concat()
}

fn odd() -> Vec<Vec<u8>> {
    let snap = frame(&[&[0, 36, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6], &PACKET, &[0; 10]]);
    let mut frames = cut(&snap);
    frames.push(frame(&[&[0x81, 0, 0, 5, 0, 36, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6], &PACKET]));
    frames.push(frame(&[&[0, 36, 0xaa, 0xaa, 3, 0, 0, 1, 8, 6], &PACKET]));
    frames.push(frame(&[&[0, 38, 0x42, 0x42, 3], &[7; 43]]));
    frames.push(frame(&[&[0x81, 0, 0x0f, 0xff, 8, 6], &PACKET]));
    frames.push(frame(&[&[0x81, 0, 0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3, 8, 6], &PACKET]));
    frames.push(frame(&[&[5, 0xee], &[7; 46]]));
    frames
}

/// Returns the frame truncated at every length, and the complete frame.
fn cut(frame: &[u8]) -> Vec<Vec<u8>> {
    (0..=frame.len()).map(|length| frame[..length].to_vec()).collect()
}

/// Returns a broadcast frame from the peer, with these bytes after the source address.
fn frame(behind: &[&[u8]]) -> Vec<u8> {
    [&[0xff; 6][..], &REPLY.target_hardware.bytes(), &behind.concat()].concat()
}
