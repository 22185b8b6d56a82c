//! Whom the host answers, and how.

use super::{ALL, Case};
use crate::packets::{
    HARDWARE_LENGTH, HARDWARE_TYPE, OPERATION, OURS, PEER, PROTOCOL_TYPE, SECOND, SENDER_PROTOCOL, SOURCE,
    TARGET_HARDWARE, reply, request, request_for, with,
};
use crate::saboteur::Kind::Reply;
use crate::saboteur::{delays, doubles, drops, rewrites};

/// What no standard has given to anybody.
const UNKNOWN: &[u8] = &[0x7f, 0xff];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::from(target_hardware());
    cases.extend(types());
    cases.extend(targets());
    cases.extend(replies());
    cases
}

fn target_hardware() -> [Case; 4] {
    [
        // proves: rfc826-target-hardware
        Case {
            number: 16,
            name: "a request whose target hardware address is zero is answered",
            policies: ALL,
            run: |tester| tester.replies(&with(request(PEER), TARGET_HARDWARE, &[0; 6]), PEER),
            saboteur: drops(Reply),
            betrayal: "a reply was due, 0 heard",
        },
        // proves: rfc826-target-hardware
        Case {
            number: 17,
            name: "a request whose target hardware address is broadcast is answered",
            policies: ALL,
            run: |tester| tester.replies(&with(request(PEER), TARGET_HARDWARE, &[0xff; 6]), PEER),
            saboteur: doubles(Reply),
            betrayal: "a reply was due, 2 heard",
        },
        // proves: rfc826-target-hardware
        Case {
            number: 18,
            name: "a request whose target hardware address is arbitrary is answered",
            policies: ALL,
            run: |tester| tester.replies(&with(request(PEER), TARGET_HARDWARE, &[9, 8, 7, 6, 5, 4]), PEER),
            saboteur: delays(Reply),
            betrayal: "a reply was due, 0 heard",
        },
        // proves: rfc826-target-hardware
        Case {
            number: 19,
            name: "a request whose target hardware address is ours is answered",
            policies: ALL,
            run: |tester| {
                tester.replies(&with(request(PEER), TARGET_HARDWARE, &OURS.hardware.octets()), PEER)
            },
            saboteur: rewrites(Reply, TARGET_HARDWARE, &[2, 0, 0, 0, 0, 2]),
            betrayal: "target hardware address",
        },
    ]
}

fn types() -> [Case; 4] {
    [
        // proves: rfc826-reply-fields
        Case {
            number: 20,
            name: "a request of hardware type Ethernet is answered",
            policies: ALL,
            run: |tester| tester.replies(&with(request(PEER), HARDWARE_TYPE, &[0, 1]), PEER),
            saboteur: drops(Reply),
            betrayal: "a reply was due, 0 heard",
        },
        // proves: rfc826-hardware-type
        Case {
            number: 21,
            name: "a request of an unknown hardware type is not answered",
            policies: ALL,
            run: |tester| tester.is_silent(&with(request(PEER), HARDWARE_TYPE, UNKNOWN)),
            saboteur: doubles(Reply),
            betrayal: "a reply was due, 2 heard",
        },
        // proves: rfc826-reply-fields
        Case {
            number: 26,
            name: "a request of protocol type IPv4 is answered",
            policies: ALL,
            run: |tester| tester.replies(&with(request(PEER), PROTOCOL_TYPE, &[8, 0]), PEER),
            saboteur: drops(Reply),
            betrayal: "a reply was due, 0 heard",
        },
        // proves: rfc826-protocol-type
        Case {
            number: 27,
            name: "a request of an unknown protocol type is not answered",
            policies: ALL,
            run: |tester| tester.is_silent(&with(request(PEER), PROTOCOL_TYPE, UNKNOWN)),
            saboteur: doubles(Reply),
            betrayal: "a reply was due, 2 heard",
        },
    ]
}

fn targets() -> [Case; 3] {
    [
        // proves: rfc826-reply-to, reply-one
        Case {
            number: 36,
            name: "a request for our protocol address is answered",
            policies: ALL,
            run: |tester| tester.replies(&request(PEER), PEER),
            saboteur: drops(Reply),
            betrayal: "a reply was due, 0 heard",
        },
        // proves: reply-none
        Case {
            number: 37,
            name: "a request for another's protocol address is not answered",
            policies: ALL,
            run: |tester| tester.is_silent(&request_for(PEER, SECOND.protocol)),
            saboteur: delays(Reply),
            betrayal: "a reply was due, 0 heard",
        },
        // proves: reply-none, rfc826-operation-last
        Case {
            number: 42,
            name: "a reply is not answered",
            policies: ALL,
            run: |tester| tester.is_silent(&reply(PEER)),
            saboteur: doubles(Reply),
            betrayal: "a reply was due, 2 heard",
        },
    ]
}

fn replies() -> [Case; 6] {
    [
        // proves: rfc826-reply-fields
        Case {
            number: 41,
            name: "the operation of a reply is 2",
            policies: ALL,
            run: |tester| tester.answers_with(OPERATION, &[0, 2]),
            saboteur: rewrites(Reply, OPERATION, &[0, 1]),
            betrayal: "operation",
        },
        // proves: rfc826-reply-to
        Case {
            number: 43,
            name: "the Ethernet source of a reply is ours",
            policies: ALL,
            run: |tester| tester.answers_with(SOURCE, &OURS.hardware.octets()),
            saboteur: rewrites(Reply, SOURCE, &[2, 0, 0, 0, 0, 9]),
            betrayal: "Ethernet source",
        },
        // proves: rfc826-reply-fields
        Case {
            number: 44,
            name: "the sender protocol address of a reply is ours",
            policies: ALL,
            run: |tester| tester.answers_with(SENDER_PROTOCOL, &OURS.protocol.octets()),
            saboteur: rewrites(Reply, SENDER_PROTOCOL, &[10, 0, 0, 1]),
            betrayal: "sender protocol address",
        },
        // proves: rfc826-reply-fields, rfc826-reply-to
        Case {
            number: 45,
            name: "the target hardware address of a reply follows each requester",
            policies: ALL,
            run: |tester| {
                tester.replies(&request(PEER), PEER)?;
                tester.replies(&request(SECOND), SECOND)
            },
            saboteur: rewrites(Reply, TARGET_HARDWARE, &[2, 0, 0, 0, 0, 1]),
            betrayal: "target hardware address",
        },
        // proves: rfc826-reply-fields
        Case {
            number: 46,
            name: "the hardware type of a reply is 1",
            policies: ALL,
            run: |tester| tester.answers_with(HARDWARE_TYPE, &[0, 1]),
            saboteur: rewrites(Reply, HARDWARE_TYPE, &[0, 6]),
            betrayal: "hardware type",
        },
        // proves: rfc826-reply-fields
        Case {
            number: 47,
            name: "the hardware length of a reply is 6",
            policies: ALL,
            run: |tester| tester.answers_with(HARDWARE_LENGTH, &[6]),
            saboteur: rewrites(Reply, HARDWARE_LENGTH, &[8]),
            betrayal: "hardware length",
        },
    ]
}
