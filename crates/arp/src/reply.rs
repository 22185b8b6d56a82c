//! The reply to a request.

use std::mem;

use link::MacAddr;
use zerocopy::FromBytes;

use crate::wire::ArpPacket;
use crate::{ArpDropReason, Operation};

/// A reply that is due: to whom, and as whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArpReply {
    /// The hardware address that the target protocol address has: ours.
    pub mac: MacAddr,
    /// Where the reply goes: to the sender hardware address of the request, by unicast, unless the
    /// address is link-local ([`crate::destination`]).
    pub destination: MacAddr,
}

impl ArpReply {
    /// Rewrites the request at the start of `payload` into its reply: sender and target change
    /// places, our hardware address goes in, the operation becomes a reply (RFC 826, the last step). The hardware type
    /// stays the request's.
    pub fn write_over(self, payload: &mut [u8]) -> Result<(), ArpDropReason> {
        let (packet, _) = ArpPacket::mut_from_prefix(payload).map_err(|_| ArpDropReason::Truncated)?;
        // spec: rfc826-reply-fields
        packet.operation.set(Operation::REPLY.0);
        mem::swap(&mut packet.sender_protocol, &mut packet.target_protocol);
        packet.target_hardware = packet.sender_hardware;
        packet.sender_hardware = self.mac;
        Ok(())
    }
}
