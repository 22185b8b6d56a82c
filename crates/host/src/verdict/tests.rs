use super::*;
use arp::{Answer, Merge, Received};
use link::MacAddr;

#[test]
fn a_verdict_says_what_was_decided() {
    let answer = Some(Answer { ours: MacAddr::ZERO, to: MacAddr::ZERO });
    let table = [
        (Verdict::Arp(Received { merge: Merge::Added, answer: None }), "learned"),
        (Verdict::Arp(Received { merge: Merge::Added, answer }), "learned, answered"),
        (Verdict::Arp(Received { merge: Merge::None, answer }), "answered"),
        (Verdict::Arp(Received { merge: Merge::None, answer: None }), "nothing learned"),
        (Verdict::Arp(Received { merge: Merge::Held, answer: None }), "not learned: the entry is static"),
        (Verdict::Ipv4(Taken::Answered), "answered"),
        (Verdict::Ipv4(Taken::Refused(Problem::PORT_UNREACHABLE)), "refused: port unreachable"),
        (
            Verdict::Dropped(Dropped::Arp(arp::Dropped::SenderHardware)),
            "dropped: sender hardware address is no station",
        ),
    ];
    for (verdict, text) in table {
        assert_eq!(verdict.to_string(), text);
    }
}
