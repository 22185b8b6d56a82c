use super::*;
use arp::{Answer, Merge, Received};
use link::MacAddr;

#[test]
fn a_verdict_says_what_was_decided() {
    let answer = Some(Answer { ours: MacAddr::ZERO, to: MacAddr::ZERO });
    let table = [
        (FrameOutcome::Arp(Received { merge: Merge::Added, answer: None }), "learned"),
        (FrameOutcome::Arp(Received { merge: Merge::Added, answer }), "learned, answered"),
        (FrameOutcome::Arp(Received { merge: Merge::None, answer }), "answered"),
        (FrameOutcome::Arp(Received { merge: Merge::None, answer: None }), "nothing learned"),
        (
            FrameOutcome::Arp(Received { merge: Merge::Held, answer: None }),
            "not learned: the entry is static",
        ),
        (FrameOutcome::Ipv4(DatagramOutcome::EchoReplied), "answered"),
        (
            FrameOutcome::Ipv4(DatagramOutcome::Rejected(IcmpError::PORT_UNREACHABLE)),
            "refused: port unreachable",
        ),
        (
            FrameOutcome::Dropped(DropReason::Arp(arp::Dropped::SenderHardware)),
            "dropped: sender hardware address is no station",
        ),
    ];
    for (verdict, text) in table {
        assert_eq!(verdict.to_string(), text);
    }
}
