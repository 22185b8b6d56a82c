//! The classic format, pcap: a header, then records.

use super::error::{Error, Foreign};
use super::interface::Interface;
use super::link_type::LinkType;
use super::order::{Fields, Order};

/// Length of the file header, in bytes.
pub(super) const HEADER: usize = 24;

/// How the records of a file are laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) order: Order,
    /// Length of a record's header, in bytes.
    pub(super) record: usize,
    swap: Swap,
}

/// Whether the wire length of a record precedes the captured length, as up to version 2.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Swap {
    Never,
    /// Where the captured length would be the greater one.
    Maybe,
    Always,
}

/// One record's header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    /// Time in units of the file's resolution since 1970.
    pub(super) units: u64,
    pub(super) captured: u32,
    pub(super) length: u32,
}

/// Magic numbers of the variants.
const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;
/// Of a patched libpcap: each record has an interface, a protocol and a packet type.
const PATCHED: u32 = 0xa1b2_cd34;
const OTHERS: [(u32, &str); 3] = [
    (0xa1b2_34cd, "Mesquita's, magic 0xa1b234cd"),
    (0xa12b_3c4d, "Navtel's, magic 0xa12b3c4d"),
    (0xa1b2_c3cb, "a BPF program's, magic 0xa1b2c3cb"),
];

/// The version that libpcap writes for DG/UX, with swapped lengths.
const DG_UX: (u16, u16) = (543, 0);

/// Returns the magic number and the byte order of a pcap file that starts so.
pub(super) fn magic(first: [u8; 4]) -> Option<(u32, Order)> {
    [Order::Little, Order::Big].into_iter().map(|order| (order.u32(first), order)).find(|(magic, _)| {
        [MICROSECONDS, NANOSECONDS, PATCHED].contains(magic) || OTHERS.iter().any(|(other, _)| other == magic)
    })
}

impl Layout {
    /// Reads a file header of [`HEADER`] bytes.
    pub(super) fn read(magic: u32, order: Order, header: &[u8]) -> Result<(Layout, Interface), Error> {
        if let Some((_, name)) = OTHERS.iter().find(|(other, _)| *other == magic) {
            return Err(Error::Foreign(Foreign::Variant(name)));
        }
        let (major, minor, link_type) = header_fields(order, header).ok_or(Error::Cut)?;
        // libpcap's rule.
        let swap = match (major, minor) {
            (2, ..=2) | DG_UX => Swap::Always,
            (2, 3) => Swap::Maybe,
            (2, 4) => Swap::Never,
            _ => return Err(Error::Version { format: "pcap", major, minor }),
        };
        let record = if magic == PATCHED { 24 } else { 16 };
        let resolution = if magic == NANOSECONDS { 1_000_000_000 } else { 1_000_000 };
        let interface = Interface { link_type, resolution, offset: 0, snap_length: None };
        Ok((Layout { order, record, swap }, interface))
    }

    /// Reads the header of a record; none if these are too few bytes.
    pub(super) fn header(&self, bytes: &[u8], interface: &Interface) -> Option<Record> {
        let mut fields = Fields::new(self.order, bytes);
        let [seconds, part, first, second] = [fields.u32()?, fields.u32()?, fields.u32()?, fields.u32()?];
        let is_swapped = match self.swap {
            Swap::Never => false,
            Swap::Maybe => first > second,
            Swap::Always => true,
        };
        let (captured, length) = if is_swapped { (second, first) } else { (first, second) };
        let resolution = u64::try_from(interface.resolution).unwrap_or(u64::MAX);
        let units = u64::from(seconds).saturating_mul(resolution).saturating_add(part.into());
        Some(Record { units, captured, length: length.max(captured) })
    }
}

/// Version and link type.
fn header_fields(order: Order, header: &[u8]) -> Option<(u16, u16, LinkType)> {
    let mut fields = Fields::new(order, header);
    fields.u32()?;
    let (major, minor) = (fields.u16()?, fields.u16()?);
    // Time zone, accuracy and snap length say nothing that is needed.
    fields.bytes(12)?;
    // The upper bits are about a frame check sequence.
    Some((major, minor, LinkType(fields.u32()? & 0x03ff_ffff)))
}
