use super::*;
use arp::{ArpReply, Merge, Reception};
use link::MacAddr;

#[test]
fn frame_outcome_displays_decision() {
    let reply = Some(ArpReply { mac: MacAddr::ZERO, destination: MacAddr::ZERO });
    let table = [
        (FrameOutcome::Arp(Reception { merge: Merge::Added, reply: None }), "learned"),
        (FrameOutcome::Arp(Reception { merge: Merge::Added, reply }), "learned, answered"),
        (FrameOutcome::Arp(Reception { merge: Merge::None, reply }), "answered"),
        (FrameOutcome::Arp(Reception { merge: Merge::None, reply: None }), "nothing learned"),
        (
            FrameOutcome::Arp(Reception { merge: Merge::StaticConflict, reply: None }),
            "not learned: the entry is static",
        ),
        (FrameOutcome::Ipv4(DatagramOutcome::EchoReplied), "answered"),
        (
            FrameOutcome::Ipv4(DatagramOutcome::Rejected(IcmpError::PORT_UNREACHABLE)),
            "rejected: port unreachable",
        ),
        (
            FrameOutcome::Dropped(DropReason::Arp(arp::ArpDropReason::SenderMac)),
            "dropped: invalid sender MAC address",
        ),
    ];
    for (outcome, text) in table {
        assert_eq!(outcome.to_string(), text);
    }
}
