//! Headers before what we send.

use zerocopy::FromBytes;

use crate::wire::{EthernetHeader, VlanTagHeader};
use crate::{EtherType, Frame, Link, MacAddr, OutOfSpace};

/// The shortest frame on a medium that needs padding, in octets, frame check sequence not counted:
/// a header of 14 and a payload of 46, or with one tag 18 and 42.
pub const MINIMUM_FRAME: usize = 60;

impl Link {
    /// Prepends an Ethernet II header to the payload in `frame`, with a tag if the link is in a VLAN (RFC 894; RFC
    /// 1042's encapsulation is received and never sent).
    pub fn add_header(
        &self,
        frame: &mut Frame,
        destination: MacAddr,
        source: MacAddr,
        ether_type: EtherType,
    ) -> Result<(), OutOfSpace> {
        let mut outer = ether_type;
        // spec: ethernet-vlan-reply
        if let Some(vlan) = self.vlan() {
            let tag = frame.prepend(size_of::<VlanTagHeader>())?;
            let tag = VlanTagHeader::mut_from_bytes(tag).map_err(|_| OutOfSpace)?;
            tag.control.set(vlan.number());
            tag.type_or_length.set(ether_type.0);
            outer = EtherType::VLAN;
        }
        // spec: ethernet-rfc894
        let header = frame.prepend(size_of::<EthernetHeader>())?;
        let header = EthernetHeader::mut_from_bytes(header).map_err(|_| OutOfSpace)?;
        header.destination = destination;
        header.source = source;
        header.type_or_length.set(outer.0);
        Ok(())
    }
}

/// Appends zeros until the frame is `minimum` octets long; the device says what it wants.
pub fn pad(frame: &mut Frame, minimum: usize) -> Result<(), OutOfSpace> {
    // spec: ethernet-minimum, rfc826-reply-padding
    let missing = minimum.saturating_sub(frame.len());
    if missing > 0 {
        frame.append(missing)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
