//! Test cases on the fields of requests.

use super::{ALL, Case};
use crate::fault_injector::FrameKind::Request;
use crate::fault_injector::{drop_all, rewrite};
use crate::packets::{
    DESTINATION, HARDWARE_LENGTH, HARDWARE_TYPE, HOST, OPERATION, PEER, PROTOCOL_LENGTH, PROTOCOL_TYPE,
    SENDER_HARDWARE, SENDER_PROTOCOL, TARGET_PROTOCOL, expect_field,
};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        // proves: rfc826-request
        Case {
            number: 7,
            name: "payload to unresolved address causes broadcast request",
            policies: ALL,
            run: |tester| expect_field(&tester.expect_request_for(PEER)?, DESTINATION, &[0xff; 6]),
            fault: drop_all(Request),
            expected_error: "expected one request, received 0",
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
            name: "request has hardware type 1",
            policies: ALL,
            run: |tester| tester.expect_request_field(HARDWARE_TYPE, &[0, 1]),
            fault: rewrite(Request, HARDWARE_TYPE, &[0, 6]),
            expected_error: "hardware type",
        },
        // proves: rfc826-request-fields
        Case {
            number: 9,
            name: "request has protocol type 0x0800",
            policies: ALL,
            run: |tester| tester.expect_request_field(PROTOCOL_TYPE, &[8, 0]),
            fault: rewrite(Request, PROTOCOL_TYPE, &[8, 6]),
            expected_error: "protocol type",
        },
        // proves: rfc826-request-fields
        Case {
            number: 10,
            name: "request has hardware length 6",
            policies: ALL,
            run: |tester| tester.expect_request_field(HARDWARE_LENGTH, &[6]),
            fault: rewrite(Request, HARDWARE_LENGTH, &[8]),
            expected_error: "hardware length",
        },
        // proves: rfc826-request-fields
        Case {
            number: 11,
            name: "request has protocol length 4",
            policies: ALL,
            run: |tester| tester.expect_request_field(PROTOCOL_LENGTH, &[4]),
            fault: rewrite(Request, PROTOCOL_LENGTH, &[16]),
            expected_error: "protocol length",
        },
        // proves: rfc826-request-fields
        Case {
            number: 12,
            name: "request has operation 1",
            policies: ALL,
            run: |tester| tester.expect_request_field(OPERATION, &[0, 1]),
            fault: rewrite(Request, OPERATION, &[0, 2]),
            expected_error: "operation",
        },
    ]
}

fn addresses() -> [Case; 3] {
    [
        // proves: rfc826-request-fields
        Case {
            number: 13,
            name: "request has sender hardware address of host",
            policies: ALL,
            run: |tester| tester.expect_request_field(SENDER_HARDWARE, &HOST.mac.bytes()),
            fault: rewrite(Request, SENDER_HARDWARE, &[2, 0, 0, 0, 0, 9]),
            expected_error: "sender hardware address",
        },
        // proves: rfc826-request-fields
        Case {
            number: 14,
            name: "request has sender protocol address of host",
            policies: ALL,
            run: |tester| tester.expect_request_field(SENDER_PROTOCOL, &HOST.ip.octets()),
            fault: rewrite(Request, SENDER_PROTOCOL, &[0, 0, 0, 0]),
            expected_error: "sender protocol address",
        },
        // proves: rfc826-request-fields
        Case {
            number: 15,
            name: "request has target protocol address of destination",
            policies: ALL,
            run: |tester| tester.expect_request_field(TARGET_PROTOCOL, &PEER.ip.octets()),
            fault: rewrite(Request, TARGET_PROTOCOL, &[10, 0, 0, 2]),
            expected_error: "target protocol address",
        },
    ]
}
