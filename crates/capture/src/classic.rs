//! The pcap format: a file header, then records.

use crate::error::{Error, UnsupportedFormat};
use crate::fields::{ByteOrder, FieldReader};
use crate::link_type::LinkType;
use crate::packet::Interface;

/// Length of the file header, in bytes.
pub(crate) const HEADER: usize = 24;

/// Layout of the records of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordLayout {
    pub(crate) order: ByteOrder,
    /// Length of a record's header, in bytes.
    pub(crate) record: usize,
    swap: LengthSwap,
}

/// Whether the wire length precedes the captured length in a record, as in versions up to 2.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LengthSwap {
    Never,
    /// Swapped if the captured length would be greater than the wire length.
    Maybe,
    Always,
}

/// Header of a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    /// Time since 1970 in units of the file's resolution.
    pub(crate) units: u64,
    pub(crate) captured: u32,
    pub(crate) length: u32,
}

/// Magic numbers of the supported variants.
const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;
/// Magic number of a patched libpcap: each record has an interface, a protocol and a packet type.
const PATCHED: u32 = 0xa1b2_cd34;
/// Magic numbers and names of unsupported variants.
const UNSUPPORTED: [(u32, &str); 3] = [
    (0xa1b2_34cd, "of Mesquita, magic 0xa1b234cd"),
    (0xa12b_3c4d, "of Navtel, magic 0xa12b3c4d"),
    (0xa1b2_c3cb, "of a BPF program, magic 0xa1b2c3cb"),
];

/// Version in files of DG/UX, which have swapped lengths.
const DG_UX: (u16, u16) = (543, 0);

/// Returns the magic number and the byte order of a pcap file that starts with these bytes.
pub(crate) fn magic(first: [u8; 4]) -> Option<(u32, ByteOrder)> {
    [ByteOrder::Little, ByteOrder::Big].into_iter().map(|order| (order.u32(first), order)).find(
        |(magic, _)| {
            [MICROSECONDS, NANOSECONDS, PATCHED].contains(magic)
                || UNSUPPORTED.iter().any(|(other, _)| other == magic)
        },
    )
}

impl RecordLayout {
    /// Reads a file header of [`HEADER`] bytes.
    pub(crate) fn read(
        magic: u32,
        order: ByteOrder,
        header: &[u8],
    ) -> Result<(RecordLayout, Interface), Error> {
        if let Some((_, name)) = UNSUPPORTED.iter().find(|(other, _)| *other == magic) {
            return Err(Error::UnsupportedFormat(UnsupportedFormat::Variant(name)));
        }
        let (major, minor, link_type) = header_fields(order, header).ok_or(Error::Truncated)?;
        // The same rule as in libpcap.
        let swap = match (major, minor) {
            (2, ..=2) | DG_UX => LengthSwap::Always,
            (2, 3) => LengthSwap::Maybe,
            (2, 4) => LengthSwap::Never,
            _ => return Err(Error::Version { format: "pcap", major, minor }),
        };
        let record = if magic == PATCHED { 24 } else { 16 };
        let resolution = if magic == NANOSECONDS { 1_000_000_000 } else { 1_000_000 };
        let interface = Interface { link_type, resolution, offset: 0, snap_length: None };
        Ok((RecordLayout { order, record, swap }, interface))
    }

    /// Reads the header of a record. Returns none if `bytes` is too short.
    pub(crate) fn header(&self, bytes: &[u8], interface: &Interface) -> Option<Record> {
        let mut fields = FieldReader::new(self.order, bytes);
        let [seconds, part, first, second] = [fields.u32()?, fields.u32()?, fields.u32()?, fields.u32()?];
        let is_swapped = match self.swap {
            LengthSwap::Never => false,
            LengthSwap::Maybe => first > second,
            LengthSwap::Always => true,
        };
        let (captured, length) = if is_swapped { (second, first) } else { (first, second) };
        let resolution = u64::try_from(interface.resolution).unwrap_or(u64::MAX);
        let units = u64::from(seconds).saturating_mul(resolution).saturating_add(part.into());
        Some(Record { units, captured, length: length.max(captured) })
    }
}

/// Returns version and link type.
fn header_fields(order: ByteOrder, header: &[u8]) -> Option<(u16, u16, LinkType)> {
    let mut fields = FieldReader::new(order, header);
    fields.u32()?;
    let (major, minor) = (fields.u16()?, fields.u16()?);
    // Time zone, accuracy and snap length are not needed.
    fields.bytes(12)?;
    // The upper bits describe the frame check sequence.
    Some((major, minor, LinkType(fields.u32()? & 0x03ff_ffff)))
}
