//! How the host asks.

use super::{ALL, Case};
use crate::packets::{
    DESTINATION, HARDWARE_LENGTH, HARDWARE_TYPE, OPERATION, OURS, PEER, PROTOCOL_LENGTH, PROTOCOL_TYPE,
    SENDER_HARDWARE, SENDER_PROTOCOL, TARGET_PROTOCOL, holds,
};
use crate::saboteur::Kind::Request;
use crate::saboteur::{drops, rewrites};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        // proves: rfc826-request
        Case {
            number: 7,
            name: "what is for an unknown address makes a request, to all",
            policies: ALL,
            run: |tester| holds(&tester.asks_for(PEER)?, DESTINATION, &[0xff; 6]),
            saboteur: drops(Request),
            betrayal: "a request was due, 0 heard",
        },
    ];
    cases.extend(types_and_lengths());
    cases.extend(addresses());
    cases
}

fn types_and_lengths() -> [Case; 5] {
    [
        // proves: rfc826-request-fields
        Case {
            number: 8,
            name: "the hardware type of a request is 1",
            policies: ALL,
            run: |tester| tester.asks_with(HARDWARE_TYPE, &[0, 1]),
            saboteur: rewrites(Request, HARDWARE_TYPE, &[0, 6]),
            betrayal: "hardware type",
        },
        // proves: rfc826-request-fields
        Case {
            number: 9,
            name: "the protocol type of a request is 0x0800",
            policies: ALL,
            run: |tester| tester.asks_with(PROTOCOL_TYPE, &[8, 0]),
            saboteur: rewrites(Request, PROTOCOL_TYPE, &[8, 6]),
            betrayal: "protocol type",
        },
        // proves: rfc826-request-fields
        Case {
            number: 10,
            name: "the hardware length of a request is 6",
            policies: ALL,
            run: |tester| tester.asks_with(HARDWARE_LENGTH, &[6]),
            saboteur: rewrites(Request, HARDWARE_LENGTH, &[8]),
            betrayal: "hardware length",
        },
        // proves: rfc826-request-fields
        Case {
            number: 11,
            name: "the protocol length of a request is 4",
            policies: ALL,
            run: |tester| tester.asks_with(PROTOCOL_LENGTH, &[4]),
            saboteur: rewrites(Request, PROTOCOL_LENGTH, &[16]),
            betrayal: "protocol length",
        },
        // proves: rfc826-request-fields
        Case {
            number: 12,
            name: "the operation of a request is 1",
            policies: ALL,
            run: |tester| tester.asks_with(OPERATION, &[0, 1]),
            saboteur: rewrites(Request, OPERATION, &[0, 2]),
            betrayal: "operation",
        },
    ]
}

fn addresses() -> [Case; 3] {
    [
        // proves: rfc826-request-fields
        Case {
            number: 13,
            name: "the sender hardware address of a request is ours",
            policies: ALL,
            run: |tester| tester.asks_with(SENDER_HARDWARE, &OURS.hardware.octets()),
            saboteur: rewrites(Request, SENDER_HARDWARE, &[2, 0, 0, 0, 0, 9]),
            betrayal: "sender hardware address",
        },
        // proves: rfc826-request-fields
        Case {
            number: 14,
            name: "the sender protocol address of a request is ours",
            policies: ALL,
            run: |tester| tester.asks_with(SENDER_PROTOCOL, &OURS.protocol.octets()),
            saboteur: rewrites(Request, SENDER_PROTOCOL, &[0, 0, 0, 0]),
            betrayal: "sender protocol address",
        },
        // proves: rfc826-request-fields
        Case {
            number: 15,
            name: "the target protocol address of a request is the one wanted",
            policies: ALL,
            run: |tester| tester.asks_with(TARGET_PROTOCOL, &PEER.protocol.octets()),
            saboteur: rewrites(Request, TARGET_PROTOCOL, &[10, 0, 0, 2]),
            betrayal: "target protocol address",
        },
    ]
}
