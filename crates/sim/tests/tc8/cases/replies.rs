//! Test cases on replies: requests that the host answers, and the fields of its replies.

use super::{ALL, Case};
use crate::fault_injector::FrameKind::Reply;
use crate::fault_injector::{delay, drop_all, duplicate, rewrite};
use crate::packets::{
    HARDWARE_LENGTH, HARDWARE_TYPE, HOST, OPERATION, PEER, PROTOCOL_TYPE, SECOND, SENDER_PROTOCOL, SOURCE,
    TARGET_HARDWARE, reply, request, request_for, with,
};

/// A type number that no standard assigns.
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
            name: "request with target hardware address of zeros gets reply",
            policies: ALL,
            run: |tester| tester.expect_correct_reply(&with(request(PEER), TARGET_HARDWARE, &[0; 6]), PEER),
            fault: drop_all(Reply),
            expected_error: "expected one reply, received 0",
        },
        // proves: rfc826-target-hardware
        Case {
            number: 17,
            name: "request with broadcast target hardware address gets reply",
            policies: ALL,
            run: |tester| {
                tester.expect_correct_reply(&with(request(PEER), TARGET_HARDWARE, &[0xff; 6]), PEER)
            },
            fault: duplicate(Reply),
            expected_error: "expected one reply, received 2",
        },
        // proves: rfc826-target-hardware
        Case {
            number: 18,
            name: "request with arbitrary target hardware address gets reply",
            policies: ALL,
            run: |tester| {
                tester.expect_correct_reply(&with(request(PEER), TARGET_HARDWARE, &[9, 8, 7, 6, 5, 4]), PEER)
            },
            fault: delay(Reply),
            expected_error: "expected one reply, received 0",
        },
        // proves: rfc826-target-hardware
        Case {
            number: 19,
            name: "request with target hardware address of host gets reply",
            policies: ALL,
            run: |tester| {
                tester.expect_correct_reply(&with(request(PEER), TARGET_HARDWARE, &HOST.mac.bytes()), PEER)
            },
            fault: rewrite(Reply, TARGET_HARDWARE, &[2, 0, 0, 0, 0, 2]),
            expected_error: "target hardware address",
        },
    ]
}

fn types() -> [Case; 4] {
    [
        // proves: rfc826-reply-fields
        Case {
            number: 20,
            name: "request of hardware type Ethernet gets reply",
            policies: ALL,
            run: |tester| tester.expect_correct_reply(&with(request(PEER), HARDWARE_TYPE, &[0, 1]), PEER),
            fault: drop_all(Reply),
            expected_error: "expected one reply, received 0",
        },
        // proves: rfc826-hardware-type
        Case {
            number: 21,
            name: "request of unknown hardware type gets no reply",
            policies: ALL,
            run: |tester| tester.expect_no_reply(&with(request(PEER), HARDWARE_TYPE, UNKNOWN)),
            fault: duplicate(Reply),
            expected_error: "expected one reply, received 2",
        },
        // proves: rfc826-reply-fields
        Case {
            number: 26,
            name: "request of protocol type IPv4 gets reply",
            policies: ALL,
            run: |tester| tester.expect_correct_reply(&with(request(PEER), PROTOCOL_TYPE, &[8, 0]), PEER),
            fault: drop_all(Reply),
            expected_error: "expected one reply, received 0",
        },
        // proves: rfc826-protocol-type
        Case {
            number: 27,
            name: "request of unknown protocol type gets no reply",
            policies: ALL,
            run: |tester| tester.expect_no_reply(&with(request(PEER), PROTOCOL_TYPE, UNKNOWN)),
            fault: duplicate(Reply),
            expected_error: "expected one reply, received 2",
        },
    ]
}

fn targets() -> [Case; 3] {
    [
        // proves: rfc826-reply-to, reply-one
        Case {
            number: 36,
            name: "request for address of host gets reply",
            policies: ALL,
            run: |tester| tester.expect_correct_reply(&request(PEER), PEER),
            fault: drop_all(Reply),
            expected_error: "expected one reply, received 0",
        },
        // proves: reply-none
        Case {
            number: 37,
            name: "request for other address gets no reply",
            policies: ALL,
            run: |tester| tester.expect_no_reply(&request_for(PEER, SECOND.ip)),
            fault: delay(Reply),
            expected_error: "expected one reply, received 0",
        },
        // proves: reply-none, rfc826-operation-last
        Case {
            number: 42,
            name: "reply gets no reply",
            policies: ALL,
            run: |tester| tester.expect_no_reply(&reply(PEER)),
            fault: duplicate(Reply),
            expected_error: "expected one reply, received 2",
        },
    ]
}

fn replies() -> [Case; 6] {
    [
        // proves: rfc826-reply-fields
        Case {
            number: 41,
            name: "reply has operation 2",
            policies: ALL,
            run: |tester| tester.expect_reply_field(OPERATION, &[0, 2]),
            fault: rewrite(Reply, OPERATION, &[0, 1]),
            expected_error: "operation",
        },
        // proves: rfc826-reply-to
        Case {
            number: 43,
            name: "reply has Ethernet source of host",
            policies: ALL,
            run: |tester| tester.expect_reply_field(SOURCE, &HOST.mac.bytes()),
            fault: rewrite(Reply, SOURCE, &[2, 0, 0, 0, 0, 9]),
            expected_error: "Ethernet source",
        },
        // proves: rfc826-reply-fields
        Case {
            number: 44,
            name: "reply has sender protocol address of host",
            policies: ALL,
            run: |tester| tester.expect_reply_field(SENDER_PROTOCOL, &HOST.ip.octets()),
            fault: rewrite(Reply, SENDER_PROTOCOL, &[10, 0, 0, 1]),
            expected_error: "sender protocol address",
        },
        // proves: rfc826-reply-fields, rfc826-reply-to
        Case {
            number: 45,
            name: "reply has target hardware address of requester",
            policies: ALL,
            run: |tester| {
                tester.expect_correct_reply(&request(PEER), PEER)?;
                tester.expect_correct_reply(&request(SECOND), SECOND)
            },
            fault: rewrite(Reply, TARGET_HARDWARE, &[2, 0, 0, 0, 0, 1]),
            expected_error: "target hardware address",
        },
        // proves: rfc826-reply-fields
        Case {
            number: 46,
            name: "reply has hardware type 1",
            policies: ALL,
            run: |tester| tester.expect_reply_field(HARDWARE_TYPE, &[0, 1]),
            fault: rewrite(Reply, HARDWARE_TYPE, &[0, 6]),
            expected_error: "hardware type",
        },
        // proves: rfc826-reply-fields
        Case {
            number: 47,
            name: "reply has hardware length 6",
            policies: ALL,
            run: |tester| tester.expect_reply_field(HARDWARE_LENGTH, &[6]),
            fault: rewrite(Reply, HARDWARE_LENGTH, &[8]),
            expected_error: "hardware length",
        },
    ]
}
