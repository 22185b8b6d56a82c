//! Ethernet frames that a capture may have truncated.

use ipv4::Datagram;
use link::{Encapsulation, EtherType, EthernetFrame, LinkDropReason, MacAddr, VlanTags};

/// EtherType of RARP. Its packets have the format of ARP packets (RFC 903).
pub(crate) const RARP: EtherType = EtherType(0x8035);

/// The Ethernet header and tags of a frame, and the captured part of its payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DissectedFrame<'a> {
    pub(crate) source: MacAddr,
    pub(crate) destination: MacAddr,
    pub(crate) tags: VlanTags,
    pub(crate) encapsulation: Encapsulation,
    pub(crate) ether_type: EtherType,
    pub(crate) payload: &'a [u8],
    /// Offset of the payload in the frame, in bytes.
    pub(crate) offset: usize,
    /// Length of the payload on the wire, in bytes: exceeds `payload.len()` if the capture truncated it.
    pub(crate) length: usize,
}

impl<'a> DissectedFrame<'a> {
    /// Parses a frame that was `length` bytes long on the wire; `bytes` is the captured part.
    pub(crate) fn parse(bytes: &'a [u8], length: usize) -> Result<DissectedFrame<'a>, LinkDropReason> {
        match EthernetFrame::parse(bytes) {
            Ok(frame) => Ok(DissectedFrame::new(&frame, frame.payload(), bytes, length)),
            Err(LinkDropReason::LengthBeyondFrame) if bytes.len() < length => {
                DissectedFrame::parse_truncated(bytes, length)
            }
            Err(reason) => Err(reason),
        }
    }

    /// Parses a truncated frame and checks its length field against the length on the wire. The missing bytes are filled
    /// in, up to a fixed limit: a length field is at most 1,500.
    fn parse_truncated(bytes: &'a [u8], length: usize) -> Result<DissectedFrame<'a>, LinkDropReason> {
        const LONGEST: usize = 2_048;
        let mut whole = bytes.to_vec();
        // 0xff is part of no known EtherType or service access point.
        whole.resize(length.min(LONGEST).max(bytes.len()), 0xff);
        let frame = EthernetFrame::parse(&whole)?;
        if frame.payload_offset() > bytes.len() {
            // The SNAP header was not captured, so the protocol is unknown.
            return Err(LinkDropReason::NotSnap);
        }
        let payload = bytes.get(frame.payload_offset()..).unwrap_or_default();
        let captured = payload.len().min(frame.payload().len());
        let payload = payload.get(..captured).unwrap_or(payload);
        Ok(DissectedFrame {
            length: frame.payload().len(),
            ..DissectedFrame::new(&frame, payload, bytes, length)
        })
    }

    fn new(frame: &EthernetFrame<'_>, payload: &'a [u8], bytes: &[u8], length: usize) -> DissectedFrame<'a> {
        // With a length field, the payload is complete. With an EtherType, the payload extends to the end of the frame.
        let missing = match frame.encapsulation() {
            Encapsulation::Snap => 0,
            Encapsulation::Type => length.saturating_sub(bytes.len()),
        };
        DissectedFrame {
            source: frame.source(),
            destination: frame.destination(),
            tags: frame.tags(),
            encapsulation: frame.encapsulation(),
            ether_type: frame.ether_type(),
            payload,
            offset: frame.payload_offset(),
            length: payload.len() + missing,
        }
    }
}

/// Returns the data length of a datagram: from its header, or from the frame if the total length is invalid.
pub(crate) fn data_length(datagram: &Datagram<'_>, length: usize) -> usize {
    let header = datagram.header_length();
    let claimed = usize::from(datagram.total_length()).checked_sub(header);
    claimed.unwrap_or_else(|| length.saturating_sub(header))
}
