//! The cases: identifier, name, procedure, injected fault and expected error.

use std::net::Ipv4Addr;

use super::Case;
use super::Fault::{ChangeReceived, DropSent, RewriteSent};
use super::input::{ChecksumField, Input};
use super::tester::{
    CHECKSUM, DESTINATION_PORT, IP_DESTINATION, LENGTH, SOURCE_PORT, expect_datagram, expect_payload,
    reassemble,
};
use crate::packets::{PEER, SECOND};

/// This source file.
pub(crate) const SOURCE: &str = include_str!("cases.rs");

pub(super) fn all() -> Vec<Case> {
    let mut cases = Vec::from(formats());
    cases.extend(ports_and_addresses());
    cases.extend(lengths());
    cases.extend(checksums());
    cases.extend(discarded());
    cases
}

fn formats() -> [Case; 3] {
    [
        // proves: rfc768-header, rfc1122-udp-checksum-sent
        Case {
            id: "MessageFormat_02",
            name: "sent datagram has the format of RFC 768",
            run: |tester| expect_datagram(&tester.send_one(PEER, b"data")?, PEER, b"data"),
            fault: RewriteSent(CHECKSUM, &[0x12, 0x34]),
            expected_error: "checksum is wrong",
        },
        // proves: rfc768-length, rfc768-header
        Case {
            id: "DatagramLength_01",
            name: "datagram without data has length 8",
            run: |tester| {
                tester.expect_received(&Input { length: Some(8), ..Input::new(b"") })?;
                expect_datagram(&tester.send_one(PEER, b"")?, PEER, b"")
            },
            fault: RewriteSent(LENGTH, &[0, 0]),
            expected_error: "length",
        },
        // proves: rfc768-length
        Case {
            id: "Padding_02",
            name: "bytes after the length are ignored",
            run: |tester| {
                (1..=9).try_for_each(|length| {
                    tester.expect_received(&Input { padding: vec![0xff; length], ..Input::new(b"odd") })
                })
            },
            fault: ChangeReceived(Input::repair),
            expected_error: "bytes of other data",
        },
    ]
}

fn ports_and_addresses() -> [Case; 5] {
    [
        // proves: rfc768-header
        Case {
            id: "FIELDS_01",
            name: "source port is that of the socket",
            run: |tester| expect_datagram(&tester.send_one(PEER, b"data")?, PEER, b"data"),
            fault: RewriteSent(SOURCE_PORT, &[0x1b, 0x59]),
            expected_error: "source port",
        },
        // proves: rfc768-header
        Case {
            id: "FIELDS_02",
            name: "destination port is the requested port",
            run: |tester| expect_datagram(&tester.send_one(PEER, b"data")?, PEER, b"data"),
            fault: RewriteSent(DESTINATION_PORT, &[0, 7]),
            expected_error: "destination port",
        },
        // proves: rfc768-source-port-zero
        Case {
            id: "FIELDS_03",
            name: "datagram with source port zero is accepted",
            run: |tester| tester.expect_received(&Input { source_port: 0, ..Input::new(b"data") }),
            fault: ChangeReceived(|input| input.source_port = 1),
            expected_error: "source is 10.0.0.1:1,",
        },
        // proves: rfc768-header
        Case {
            id: "FIELDS_04",
            name: "socket sends to two hosts",
            run: |tester| {
                for station in [PEER, SECOND] {
                    expect_datagram(&tester.send_one(station, b"data")?, station, b"data")?;
                }
                Ok(())
            },
            fault: RewriteSent(IP_DESTINATION, &[10, 0, 0, 1]),
            expected_error: "IP destination",
        },
        // proves: rfc1122-udp-addresses
        Case {
            id: "FIELDS_05",
            name: "received datagram has the address of its sender",
            run: |tester| {
                for station in [PEER, SECOND] {
                    tester.expect_received(&Input { from: station, ..Input::new(b"data") })?;
                }
                Ok(())
            },
            fault: ChangeReceived(|input| input.source = Some(PEER.ip)),
            expected_error: "source is 10.0.0.1:4000, expected 10.0.0.3:4000",
        },
    ]
}

/// Returns a datagram with this length field. The datagram has no checksum, so only the length can be invalid.
fn of_length(length: u16) -> Input {
    Input { length: Some(length), checksum: ChecksumField::Zero, ..Input::new(b"data") }
}

fn lengths() -> [Case; 4] {
    [
        // proves: rfc768-length
        Case {
            id: "FIELDS_08",
            name: "datagram with length below 8 is dropped",
            run: |tester| (1..8).try_for_each(|length| tester.expect_dropped(&of_length(length))),
            fault: ChangeReceived(Input::repair),
            expected_error: "the socket received the datagram",
        },
        // proves: rfc768-length
        Case {
            id: "FIELDS_09",
            name: "datagram with length 0 is dropped",
            run: |tester| tester.expect_dropped(&of_length(0)),
            fault: ChangeReceived(Input::repair),
            expected_error: "the socket received the datagram",
        },
        // proves: rfc768-length
        Case {
            id: "FIELDS_10",
            name: "datagram with length beyond the IP datagram is dropped",
            run: |tester| {
                [13, 14, 1_500, u16::MAX]
                    .into_iter()
                    .try_for_each(|length| tester.expect_dropped(&of_length(length)))
            },
            fault: ChangeReceived(Input::repair),
            expected_error: "the socket received the datagram",
        },
        // proves: udp-all-lengths
        Case {
            id: "FIELDS_12",
            name: "datagram with 65507 bytes of data is received and sent",
            run: |tester| {
                let data: Vec<u8> = (0..65_507_u16).map(|number| number.to_le_bytes()[0]).collect();
                tester.expect_received(&Input::new(&data))?;
                expect_payload(&reassemble(&tester.send(PEER, &data)?)?, PEER, &data)
            },
            fault: DropSent,
            expected_error: "source port",
        },
    ]
}

fn checksums() -> [Case; 2] {
    [
        // proves: rfc1122-udp-checksum
        Case {
            id: "FIELDS_15",
            name: "datagram with a wrong checksum is dropped",
            run: |tester| {
                tester.expect_dropped(&Input { checksum: ChecksumField::Wrong, ..Input::new(b"data") })
            },
            fault: ChangeReceived(Input::repair),
            expected_error: "the socket received the datagram",
        },
        // proves: rfc768-no-checksum
        Case {
            id: "FIELDS_16",
            name: "datagram without a checksum is accepted",
            run: |tester| {
                tester.expect_received(&Input { checksum: ChecksumField::Zero, ..Input::new(b"data") })
            },
            fault: ChangeReceived(|input| input.checksum = ChecksumField::Wrong),
            expected_error: "expected one datagram, the socket received 0",
        },
    ]
}

fn discarded() -> [Case; 3] {
    [
        // proves: rfc1122-port-unreachable
        Case {
            id: "INTRODUCTION_02",
            name: "datagram to a port without a socket is discarded",
            run: |tester| {
                let input = Input { destination_port: 7_001, ..Input::new(b"data") };
                tester.expect_not_received(&input, 1)?;
                tester.expect_received(&Input::new(b"data"))
            },
            fault: ChangeReceived(|input| input.destination_port = super::input::PORT),
            expected_error: "the socket received the datagram",
        },
        // proves: rfc1122-source
        Case {
            id: "INVALID_ADDRESSES_01",
            name: "datagram from a broadcast address is dropped",
            run: |tester| {
                [Ipv4Addr::new(10, 0, 0, 255), Ipv4Addr::BROADCAST].into_iter().try_for_each(|source| {
                    tester.expect_dropped(&Input { source: Some(source), ..Input::new(b"data") })
                })
            },
            fault: ChangeReceived(Input::repair),
            expected_error: "the socket received the datagram",
        },
        // proves: rfc1122-source
        Case {
            id: "INVALID_ADDRESSES_02",
            name: "datagram from a multicast address is dropped",
            run: |tester| {
                let source = Some(Ipv4Addr::new(224, 0, 0, 1));
                tester.expect_dropped(&Input { source, ..Input::new(b"data") })
            },
            fault: ChangeReceived(Input::repair),
            expected_error: "the socket received the datagram",
        },
    ]
}
