//! Fixtures for the tests of text and JSON.

use super::*;
use arp::{Packet, PacketFields};
use arptools::Requester;
use arptools::inquiry::InquiryReply;
use link::MacAddr;
use std::time::Duration;
use tap::Instant;

/// Returns an inquiry for 10.0.0.1 that has sent nothing.
pub(super) fn inquiry(purpose: Purpose) -> Inquiry {
    let ip = match purpose {
        Purpose::Probe => Ipv4Addr::UNSPECIFIED,
        _ => Ipv4Addr::new(10, 0, 0, 2),
    };
    let plan = InquiryPlan {
        purpose,
        sender: Identity { ip, mac: MacAddr::new([2, 0, 0, 0, 0, 2]) },
        target: Ipv4Addr::new(10, 0, 0, 1),
        count: None,
        interval: Duration::from_secs(1),
        limit: None,
        until_first: false,
        until_conflict: false,
        keeps_broadcasting: false,
    };
    Inquiry::new(Instant::ORIGIN, plan)
}

/// Passes the target's ARP reply to the inquiry after `nanos` nanoseconds. `change` modifies the packet.
pub(super) fn reply(
    inquiry: &mut Inquiry,
    nanos: u64,
    change: impl FnOnce(&mut PacketFields),
) -> Option<InquiryReply> {
    let mut packet = PacketFields {
        operation: Operation::REPLY,
        sender_hardware: MacAddr::new([2, 0, 0, 0, 0, 10]),
        sender_protocol: Ipv4Addr::new(10, 0, 0, 1),
        target_hardware: MacAddr::new([2, 0, 0, 0, 0, 2]),
        target_protocol: Ipv4Addr::new(10, 0, 0, 2),
    };
    change(&mut packet);
    let mut bytes = [0; PacketFields::LENGTH];
    packet.write_to(&mut bytes).unwrap();
    inquiry.receive(Instant::from_nanos(nanos), Packet::parse(&bytes).unwrap(), false)
}

/// Returns an inquiry with one request, and the reply to it after 612.5 microseconds.
pub(super) fn first_reply() -> (Inquiry, InquiryReply) {
    let mut inquiry = inquiry(Purpose::Find);
    inquiry.sent(Instant::ORIGIN);
    let reply = reply(&mut inquiry, 612_500, |_| {}).unwrap();
    (inquiry, reply)
}
