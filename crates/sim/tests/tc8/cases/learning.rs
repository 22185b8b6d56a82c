//! Test cases on learning: packets that update the ARP cache, and the lifetime of entries.

use std::time::Duration;

use super::{ALL, Case, EXCEPT_PERMISSIVE, PERMISSIVE_ONLY};
use crate::fault_injector::FrameKind::{Payload, Request};
use crate::fault_injector::{delay, drop_all, rewrite};
use crate::packets::{
    DESTINATION, ETHER_TYPE, HARDWARE_TYPE, MOVED, PEER, PROTOCOL_TYPE, SECOND, gratuitous, reply, request,
    with,
};
use crate::tester::{CaseResult, TIMEOUT, Tester};

/// EtherTypes that make a payload look like an ARP packet, and a request look like a payload.
const ARP: &[u8] = &[0x08, 0x06];
const TEST: &[u8] = &[0x88, 0xb5];
/// The MAC address of [`PEER`], and a MAC address that no station has.
const PEER_MAC: &[u8] = &[2, 0, 0, 0, 0, 1];
const UNASSIGNED_MAC: &[u8] = &[2, 0, 0, 0, 0, 0x99];
/// A type number that no standard assigns.
const UNKNOWN: &[u8] = &[0x7f, 0xff];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::from(from_requests_and_replies());
    cases.extend(superseded());
    cases.extend(not_learned());
    cases.extend(completed());
    cases.extend(expired());
    cases
}

fn from_requests_and_replies() -> [Case; 4] {
    [
        // proves: rfc826-add, rfc826-found, learn-request
        Case {
            number: 3,
            name: "sender of request is not resolved again",
            policies: ALL,
            run: |tester| {
                tester.send_frame(&request(PEER))?;
                tester.expect_immediate_payload(PEER).map(drop)
            },
            fault: rewrite(Payload, ETHER_TYPE, ARP),
            expected_error: "request for a known address",
        },
        // proves: rfc826-add, rfc826-found, learn-request
        Case {
            number: 4,
            name: "sender of request gets payload at its MAC address",
            policies: ALL,
            run: |tester| {
                tester.send_frame(&request(PEER))?;
                tester.expect_payload_to(PEER)
            },
            fault: rewrite(Payload, DESTINATION, UNASSIGNED_MAC),
            expected_error: "Ethernet destination",
        },
        // proves: rfc826-found, learn-permissive
        Case {
            number: 5,
            name: "sender of gratuitous reply is not resolved again",
            policies: PERMISSIVE_ONLY,
            run: |tester| {
                tester.send_frame(&gratuitous(PEER))?;
                tester.expect_immediate_payload(PEER).map(drop)
            },
            fault: delay(Payload),
            expected_error: "expected one payload, received 0",
        },
        // proves: rfc826-found, learn-permissive
        Case {
            number: 6,
            name: "sender of gratuitous reply gets payload at its MAC address",
            policies: PERMISSIVE_ONLY,
            run: |tester| {
                tester.send_frame(&gratuitous(PEER))?;
                tester.expect_payload_to(PEER)
            },
            fault: rewrite(Payload, DESTINATION, UNASSIGNED_MAC),
            expected_error: "Ethernet destination",
        },
    ]
}

fn superseded() -> [Case; 4] {
    [
        // proves: rfc826-merge, learn-move
        Case {
            number: 32,
            name: "request updates entry learned from request",
            policies: ALL,
            run: |tester| expect_update(tester, &request(PEER), &request(MOVED)),
            fault: rewrite(Payload, DESTINATION, PEER_MAC),
            expected_error: "Ethernet destination",
        },
        // proves: rfc826-merge, learn-move, learn-permissive
        Case {
            number: 33,
            name: "reply updates entry learned from reply",
            policies: PERMISSIVE_ONLY,
            run: |tester| expect_update(tester, &gratuitous(PEER), &gratuitous(MOVED)),
            fault: rewrite(Payload, DESTINATION, PEER_MAC),
            expected_error: "Ethernet destination",
        },
        // proves: rfc826-merge, learn-move
        Case {
            number: 34,
            name: "reply updates entry learned from request",
            policies: ALL,
            run: |tester| expect_update(tester, &request(PEER), &gratuitous(MOVED)),
            fault: rewrite(Payload, DESTINATION, PEER_MAC),
            expected_error: "Ethernet destination",
        },
        // proves: rfc826-merge, learn-move, learn-permissive
        Case {
            number: 35,
            name: "request updates entry learned from reply",
            policies: PERMISSIVE_ONLY,
            run: |tester| expect_update(tester, &gratuitous(PEER), &request(MOVED)),
            fault: rewrite(Payload, DESTINATION, PEER_MAC),
            expected_error: "Ethernet destination",
        },
    ]
}

/// Expects the host to learn [`PEER`] from the first frame, and [`MOVED`] from the second.
fn expect_update(tester: &mut Tester, first: &[u8], second: &[u8]) -> CaseResult {
    tester.send_frame(first)?;
    tester.expect_payload_to(PEER)?;
    tester.send_frame(second)?;
    tester.expect_payload_to(MOVED)
}

fn not_learned() -> [Case; 3] {
    [
        // proves: rfc826-hardware-type
        Case {
            number: 22,
            name: "gratuitous reply of unknown hardware type is not learned",
            policies: PERMISSIVE_ONLY,
            run: |tester| {
                tester.send_frame(&with(gratuitous(PEER), HARDWARE_TYPE, UNKNOWN))?;
                tester.expect_request_for(PEER).map(drop)
            },
            fault: rewrite(Request, ETHER_TYPE, TEST),
            expected_error: "unresolved address",
        },
        // proves: rfc826-protocol-type
        Case {
            number: 28,
            name: "gratuitous reply of unknown protocol type is not learned",
            policies: PERMISSIVE_ONLY,
            run: |tester| {
                tester.send_frame(&with(gratuitous(PEER), PROTOCOL_TYPE, UNKNOWN))?;
                tester.expect_request_for(PEER).map(drop)
            },
            fault: rewrite(Request, ETHER_TYPE, TEST),
            expected_error: "unresolved address",
        },
        // proves: rfc826-not-local, learn-other
        Case {
            number: 38,
            name: "reply with other target protocol address is not learned",
            policies: EXCEPT_PERMISSIVE,
            run: |tester| {
                tester.send_frame(&gratuitous(PEER))?;
                tester.expect_request_for(PEER).map(drop)
            },
            fault: rewrite(Request, ETHER_TYPE, TEST),
            expected_error: "unresolved address",
        },
    ]
}

fn completed() -> [Case; 2] {
    [
        // proves: learn-resolved, rfc1122-queue
        Case {
            number: 39,
            name: "request completes incomplete entry",
            policies: ALL,
            run: |tester| {
                tester.expect_request_for(PEER)?;
                tester.expect_pending_payload(&request(PEER), PEER)
            },
            fault: drop_all(Payload),
            expected_error: "expected one payload, received 0",
        },
        // proves: learn-resolved, rfc1122-queue
        Case {
            number: 40,
            name: "reply completes incomplete entry",
            policies: ALL,
            run: |tester| {
                tester.expect_request_for(PEER)?;
                tester.expect_pending_payload(&reply(PEER), PEER)
            },
            fault: rewrite(Payload, DESTINATION, UNASSIGNED_MAC),
            expected_error: "Ethernet destination",
        },
    ]
}

fn expired() -> [Case; 2] {
    [
        // proves: rfc1122-flush
        Case {
            number: 48,
            name: "idle entry expires after timeout",
            policies: ALL,
            run: |tester| {
                tester.send_frame(&request(PEER))?;
                tester.send_frame(&request(SECOND))?;
                // The entry of SECOND shows that entries are valid until this time. The entry of PEER stays idle.
                tester.wait_until(TIMEOUT.mul_f32(0.75))?;
                tester.expect_payload_to(SECOND)?;
                tester.wait_until(TIMEOUT + Duration::from_millis(1))?;
                tester.expect_request_for(PEER).map(drop)
            },
            fault: drop_all(Request),
            expected_error: "expected one request, received 0",
        },
        // proves: rfc1122-flush
        Case {
            number: 49,
            name: "use does not extend lifetime of entry",
            policies: ALL,
            run: |tester| {
                tester.send_frame(&request(PEER))?;
                for seconds in [1, 2, 3] {
                    tester.wait_until(Duration::from_secs(seconds))?;
                    tester.expect_payload_to(PEER)?;
                }
                tester.wait_until(TIMEOUT + Duration::from_millis(1))?;
                tester.expect_request_for(PEER).map(drop)
            },
            fault: rewrite(Request, ETHER_TYPE, TEST),
            expected_error: "unresolved address",
        },
    ]
}
