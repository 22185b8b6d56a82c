//! An Ethernet frame that a capture may have cut.

use link::{Dropped, Encapsulation, EtherType, Ethernet, MacAddr, Tags};

/// The headers of a frame, and as much of its payload as was captured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) source: MacAddr,
    pub(crate) destination: MacAddr,
    pub(crate) tags: Tags,
    pub(crate) encapsulation: Encapsulation,
    pub(crate) ether_type: EtherType,
    pub(crate) payload: &'a [u8],
    /// Where in the frame the payload starts, in bytes.
    pub(crate) offset: usize,
    /// Length of the payload on the wire, in bytes: more than `payload` has if the capture cut it.
    pub(crate) length: usize,
}

impl<'a> Frame<'a> {
    /// Reads a frame that was `length` bytes long on the wire, of which `octets` were captured.
    pub(crate) fn parse(octets: &'a [u8], length: usize) -> Result<Frame<'a>, Dropped> {
        match Ethernet::parse(octets) {
            Ok(frame) => Ok(Frame::of(&frame, frame.payload(), octets, length)),
            Err(Dropped::LengthBeyondFrame) if octets.len() < length => Frame::parse_cut(octets, length),
            Err(reason) => Err(reason),
        }
    }

    /// Reads a frame whose length field is to be held against its length on the wire. The field is 1,500 at most,
    /// so no more than that is filled in.
    fn parse_cut(octets: &'a [u8], length: usize) -> Result<Frame<'a>, Dropped> {
        const LONGEST: usize = 2_048;
        let mut whole = octets.to_vec();
        // No EtherType and no service access point that is known.
        whole.resize(length.min(LONGEST).max(octets.len()), 0xff);
        let frame = Ethernet::parse(&whole)?;
        if frame.payload_offset() > octets.len() {
            // Its SNAP header was not captured: the protocol is not known.
            return Err(Dropped::NotSnap);
        }
        let payload = octets.get(frame.payload_offset()..).unwrap_or_default();
        let captured = payload.len().min(frame.payload().len());
        let payload = payload.get(..captured).unwrap_or(payload);
        Ok(Frame { length: frame.payload().len(), ..Frame::of(&frame, payload, octets, length) })
    }

    fn of(frame: &Ethernet<'_>, payload: &'a [u8], octets: &[u8], length: usize) -> Frame<'a> {
        // A length field ends the payload; a type leaves it to the wire.
        let missing = match frame.encapsulation() {
            Encapsulation::Snap => 0,
            Encapsulation::Type => length.saturating_sub(octets.len()),
        };
        Frame {
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
