//! Frames that a capture may have truncated.

use capture::LinkType;
use ipv4::Datagram;
use link::{Encapsulation, EtherType, EthernetFrame, EthernetHeader, LinkDropReason, MacAddr, VlanTags};

use crate::link_header::LinkHeader;

/// EtherType of RARP. Its packets have the format of ARP packets (RFC 903).
pub(crate) const RARP: EtherType = EtherType(0x8035);

/// The link header and tags of a frame, and the captured part of its payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DissectedFrame<'a> {
    /// The link header of a frame that is not an Ethernet frame. `source` and `destination` are then those of its
    /// [`EthernetForm`](crate::EthernetForm).
    pub(crate) link: Option<LinkHeader>,
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
    pub(crate) fn parse(
        link_type: LinkType,
        bytes: &'a [u8],
        length: usize,
    ) -> Result<DissectedFrame<'a>, LinkDropReason> {
        if link_type != LinkType::ETHERNET {
            return DissectedFrame::parse_other(link_type, bytes, length);
        }
        match EthernetFrame::parse(bytes) {
            Ok(frame) => Ok(DissectedFrame::new(&frame, frame.payload(), bytes, length)),
            Err(LinkDropReason::LengthBeyondFrame) if bytes.len() < length => {
                DissectedFrame::parse_truncated(bytes, length)
            }
            Err(reason) => Err(reason),
        }
    }

    /// Parses a frame that is not an Ethernet frame.
    fn parse_other(
        link_type: LinkType,
        bytes: &'a [u8],
        length: usize,
    ) -> Result<DissectedFrame<'a>, LinkDropReason> {
        let link = LinkHeader::parse(link_type, bytes)?;
        if link.is_unknown() {
            // A valid frame of another protocol, like an Ethernet frame with another LLC header.
            return Err(LinkDropReason::NotSnap);
        }
        let form = link.ethernet_form(bytes);
        let frame = EthernetFrame::parse(form.bytes())?;
        let offset = (frame.payload_offset() + link.length).saturating_sub(size_of::<EthernetHeader>());
        let payload = bytes.get(offset..).unwrap_or_default();
        Ok(DissectedFrame {
            link: Some(link),
            offset,
            length: length.max(bytes.len()).saturating_sub(offset),
            ..DissectedFrame::new(&frame, payload, bytes, length)
        })
    }

    /// Returns the MAC address of the sender, if the frame contains this address.
    pub(crate) fn sender(&self) -> Option<MacAddr> {
        self.link.map_or(Some(self.source), |link| link.source)
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
            link: None,
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
