//! What the host takes in, and for how long.

use std::time::Duration;

use super::{ALL, Case, GUARDED, PERMISSIVE};
use crate::packets::{
    DESTINATION, ETHER_TYPE, HARDWARE_TYPE, MOVED, PEER, PROTOCOL_TYPE, SECOND, gratuitous, reply, request,
    with,
};
use crate::saboteur::Kind::{Payload, Request};
use crate::saboteur::{delays, drops, rewrites};
use crate::tester::{Outcome, TIMEOUT, Tester};

/// What makes a payload look like a packet, and a request like a payload.
const ARP: &[u8] = &[0x08, 0x06];
const TEST: &[u8] = &[0x88, 0xb5];
/// The hardware address of [`PEER`], and one that nobody has.
const OLD: &[u8] = &[2, 0, 0, 0, 0, 1];
const NOBODY: &[u8] = &[2, 0, 0, 0, 0, 0x99];
/// What no standard has given to anybody.
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
            name: "who was heard in a request is not asked for",
            policies: ALL,
            run: |tester| {
                tester.say(&request(PEER))?;
                tester.sends_at_once(PEER).map(drop)
            },
            saboteur: rewrites(Payload, ETHER_TYPE, ARP),
            betrayal: "it asks",
        },
        // proves: rfc826-add, rfc826-found, learn-request
        Case {
            number: 4,
            name: "who was heard in a request is sent to at that hardware address",
            policies: ALL,
            run: |tester| {
                tester.say(&request(PEER))?;
                tester.sends_to(PEER)
            },
            saboteur: rewrites(Payload, DESTINATION, NOBODY),
            betrayal: "Ethernet destination",
        },
        // proves: rfc826-found, learn-permissive
        Case {
            number: 5,
            name: "who was heard in a gratuitous reply is not asked for",
            policies: PERMISSIVE,
            run: |tester| {
                tester.say(&gratuitous(PEER))?;
                tester.sends_at_once(PEER).map(drop)
            },
            saboteur: delays(Payload),
            betrayal: "a payload was due, 0 heard",
        },
        // proves: rfc826-found, learn-permissive
        Case {
            number: 6,
            name: "who was heard in a gratuitous reply is sent to at that hardware address",
            policies: PERMISSIVE,
            run: |tester| {
                tester.say(&gratuitous(PEER))?;
                tester.sends_to(PEER)
            },
            saboteur: rewrites(Payload, DESTINATION, NOBODY),
            betrayal: "Ethernet destination",
        },
    ]
}

fn superseded() -> [Case; 4] {
    [
        // proves: rfc826-merge, learn-move
        Case {
            number: 32,
            name: "a request supersedes what a request said",
            policies: ALL,
            run: |tester| follows(tester, &request(PEER), &request(MOVED)),
            saboteur: rewrites(Payload, DESTINATION, OLD),
            betrayal: "Ethernet destination",
        },
        // proves: rfc826-merge, learn-move, learn-permissive
        Case {
            number: 33,
            name: "a reply supersedes what a reply said",
            policies: PERMISSIVE,
            run: |tester| follows(tester, &gratuitous(PEER), &gratuitous(MOVED)),
            saboteur: rewrites(Payload, DESTINATION, OLD),
            betrayal: "Ethernet destination",
        },
        // proves: rfc826-merge, learn-move
        Case {
            number: 34,
            name: "a reply supersedes what a request said",
            policies: ALL,
            run: |tester| follows(tester, &request(PEER), &gratuitous(MOVED)),
            saboteur: rewrites(Payload, DESTINATION, OLD),
            betrayal: "Ethernet destination",
        },
        // proves: rfc826-merge, learn-move, learn-permissive
        Case {
            number: 35,
            name: "a request supersedes what a reply said",
            policies: PERMISSIVE,
            run: |tester| follows(tester, &gratuitous(PEER), &request(MOVED)),
            saboteur: rewrites(Payload, DESTINATION, OLD),
            betrayal: "Ethernet destination",
        },
    ]
}

/// The host takes in [`PEER`] from the first frame, and [`MOVED`] from the second.
fn follows(tester: &mut Tester, first: &[u8], second: &[u8]) -> Outcome {
    tester.say(first)?;
    tester.sends_to(PEER)?;
    tester.say(second)?;
    tester.sends_to(MOVED)
}

fn not_learned() -> [Case; 3] {
    [
        // proves: rfc826-hardware-type
        Case {
            number: 22,
            name: "a gratuitous reply of an unknown hardware type teaches nothing",
            policies: PERMISSIVE,
            run: |tester| {
                tester.say(&with(gratuitous(PEER), HARDWARE_TYPE, UNKNOWN))?;
                tester.asks_for(PEER).map(drop)
            },
            saboteur: rewrites(Request, ETHER_TYPE, TEST),
            betrayal: "it sends to an address that it does not know",
        },
        // proves: rfc826-protocol-type
        Case {
            number: 28,
            name: "a gratuitous reply of an unknown protocol type teaches nothing",
            policies: PERMISSIVE,
            run: |tester| {
                tester.say(&with(gratuitous(PEER), PROTOCOL_TYPE, UNKNOWN))?;
                tester.asks_for(PEER).map(drop)
            },
            saboteur: rewrites(Request, ETHER_TYPE, TEST),
            betrayal: "it sends to an address that it does not know",
        },
        // proves: rfc826-not-ours, learn-other
        Case {
            number: 38,
            name: "a reply with another's target protocol address teaches nothing",
            policies: GUARDED,
            run: |tester| {
                tester.say(&gratuitous(PEER))?;
                tester.asks_for(PEER).map(drop)
            },
            saboteur: rewrites(Request, ETHER_TYPE, TEST),
            betrayal: "it sends to an address that it does not know",
        },
    ]
}

fn completed() -> [Case; 2] {
    [
        // proves: learn-asked, rfc1122-queue
        Case {
            number: 39,
            name: "a request completes an entry under resolution",
            policies: ALL,
            run: |tester| {
                tester.asks_for(PEER)?;
                tester.sends_what_waited(&request(PEER), PEER)
            },
            saboteur: drops(Payload),
            betrayal: "a payload was due, 0 heard",
        },
        // proves: learn-asked, rfc1122-queue
        Case {
            number: 40,
            name: "a reply completes an entry under resolution",
            policies: ALL,
            run: |tester| {
                tester.asks_for(PEER)?;
                tester.sends_what_waited(&reply(PEER), PEER)
            },
            saboteur: rewrites(Payload, DESTINATION, NOBODY),
            betrayal: "Ethernet destination",
        },
    ]
}

fn expired() -> [Case; 2] {
    [
        // proves: rfc1122-flush
        Case {
            number: 48,
            name: "an idle entry expires after the timeout",
            policies: ALL,
            run: |tester| {
                tester.say(&request(PEER))?;
                tester.say(&request(SECOND))?;
                // The second shows that entries live until then, and the first stays idle.
                tester.wait_until(TIMEOUT.mul_f32(0.75))?;
                tester.sends_to(SECOND)?;
                tester.wait_until(TIMEOUT + Duration::from_millis(1))?;
                tester.asks_for(PEER).map(drop)
            },
            saboteur: drops(Request),
            betrayal: "a request was due, 0 heard",
        },
        // proves: rfc1122-flush
        Case {
            number: 49,
            name: "mere use does not extend an entry's life",
            policies: ALL,
            run: |tester| {
                tester.say(&request(PEER))?;
                for seconds in [1, 2, 3] {
                    tester.wait_until(Duration::from_secs(seconds))?;
                    tester.sends_to(PEER)?;
                }
                tester.wait_until(TIMEOUT + Duration::from_millis(1))?;
                tester.asks_for(PEER).map(drop)
            },
            saboteur: rewrites(Request, ETHER_TYPE, TEST),
            betrayal: "it sends to an address that it does not know",
        },
    ]
}
