//! Proptest strategies for ARP packets.

use std::net::Ipv4Addr;

use arp::{MacAddr, Operation, PacketFields};
use proptest::prelude::*;

/// Returns packets with the given operations, senders and targets.
pub(crate) fn packet(
    operation: impl Strategy<Value = u16>,
    sender: impl Strategy<Value = (MacAddr, Ipv4Addr)>,
    target: impl Strategy<Value = (MacAddr, Ipv4Addr)>,
) -> impl Strategy<Value = PacketFields> {
    (operation, sender, target).prop_map(|(operation, sender, target)| PacketFields {
        operation: Operation(operation),
        sender_hardware: sender.0,
        sender_protocol: sender.1,
        target_hardware: target.0,
        target_protocol: target.1,
    })
}

/// Returns operations: requests, replies and any other numbers.
pub(crate) fn operation() -> impl Strategy<Value = u16> {
    prop_oneof![Just(1), Just(2), any::<u16>()]
}
