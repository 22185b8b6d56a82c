//! A device that cuts superframes into segments.

use std::net::Ipv4Addr;

use tap::{Checksum, Frame, Offloads};
use tcp::{Flags, Segment, SegmentFields};

/// What the device of a side does with frames of several segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Superframes {
    /// The device has no offloads.
    Never,
    /// The device cuts each superframe into segments.
    Cut,
    /// The device passes superframes to the other side, as between two virtual machines.
    Whole,
}

impl Superframes {
    pub(crate) const ALL: [Superframes; 3] = [Superframes::Never, Superframes::Cut, Superframes::Whole];

    pub(crate) fn offloads(self) -> Offloads {
        let has_offloads = self != Superframes::Never;
        Offloads { checksum: has_offloads, tcp_v4: has_offloads, udp: false }
    }
}

/// Returns the segments of a frame, with complete checksums. Asserts that the frame is one that a device can cut.
pub(crate) fn cut(frame: &Frame, addresses: (Ipv4Addr, Ipv4Addr)) -> Vec<Vec<u8>> {
    let offload = frame.offload();
    if offload.checksum == Checksum::None {
        assert_eq!(offload.segmentation, None, "a superframe has a complete checksum");
        return vec![frame.bytes().to_vec()];
    }
    assert_eq!(offload.checksum, Checksum::Partial { start: 0, offset: 16 });
    let segment =
        Segment::parse(frame.bytes(), addresses, offload.checksum).expect("a sent segment is valid");
    let data = &frame.bytes()[segment.header_length..];
    let Some(segmentation) = offload.segmentation else {
        return vec![complete(&segment.fields(), data)];
    };
    assert_eq!(usize::from(segmentation.header), segment.header_length);
    let size = usize::from(segmentation.size);
    assert!(data.len() > size, "a superframe of one segment: {segment:?}");
    assert!(frame.len() + 20 <= 65_535 - 256, "a superframe is too long: {segment:?}");
    let special = Flags::SYN | Flags::RST | Flags::URG | Flags::CWR;
    assert_eq!(segment.flags.without(special), segment.flags, "a superframe is no data segment: {segment:?}");
    let count = data.chunks(size).count();
    let segments = data.chunks(size).enumerate().map(|(number, part)| {
        let offset = u32::try_from(number * size).expect("a superframe is short");
        let last = Flags::PSH | Flags::FIN;
        let flags = if number + 1 < count { segment.flags.without(last) } else { segment.flags };
        let sequence = segment.sequence.plus(offset);
        complete(&SegmentFields { sequence, flags, ..segment.fields() }, part)
    });
    segments.collect()
}

/// Returns a frame as one segment with a complete checksum.
pub(crate) fn whole(frame: &Frame, addresses: (Ipv4Addr, Ipv4Addr)) -> Vec<u8> {
    let segment =
        Segment::parse(frame.bytes(), addresses, Checksum::Verified).expect("a sent segment is valid");
    complete(&segment.fields(), &frame.bytes()[segment.header_length..])
}

fn complete(fields: &SegmentFields, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; fields.header_length() + data.len()];
    bytes[fields.header_length()..].copy_from_slice(data);
    fields.write_to(&mut bytes).expect("the segment has a valid length");
    bytes
}
