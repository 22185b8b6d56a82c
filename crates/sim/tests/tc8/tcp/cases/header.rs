//! The header: checksum, ports, data offset and addresses.

use std::net::Ipv4Addr;

use tcp::Flags;

use super::super::Case;
use super::super::Fault::{ChangeReceived, ChangeSent, CorruptSent};
use super::super::input::{ChecksumField, Input, PORT, TESTER_PORT};
use super::super::states::Stage;
use super::super::tester::{TcpTester, expect_reset, expect_silence};
use crate::tester::CaseResult;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = checksums();
    cases.extend(fields());
    cases
}

/// Expects the host to ignore a segment with data, and to acknowledge the valid segment.
fn ignores(tester: &mut TcpTester, change: impl Fn(&mut Input)) -> CaseResult {
    let valid = tester.segment(Flags::ACK).with_data(b"data");
    let mut invalid = valid.clone();
    change(&mut invalid);
    expect_silence(&tester.test(&invalid)?)?;
    tester.next = tester.next.plus(4);
    let sent = tester.send(&valid)?;
    tester.expect_ack(sent)
}

/// Expects the host to acknowledge a segment with data.
fn acknowledges_data(tester: &mut TcpTester) -> CaseResult {
    let input = tester.segment(Flags::ACK).with_data(b"data");
    tester.next = tester.next.plus(4);
    let sent = tester.test(&input)?;
    tester.expect_ack(sent)
}

fn checksums() -> Vec<Case> {
    vec![
        // proves: rfc9293-checksum
        Case {
            id: "CHECKSUM_01",
            name: "data with a correct checksum is acknowledged",
            run: |tester| {
                tester.reach(Stage::Established)?;
                acknowledges_data(tester)
            },
            fault: ChangeReceived(|input| input.checksum = ChecksumField::Wrong),
            expected_error: "expected one segment, the host sent 0",
        },
        // proves: rfc9293-checksum
        Case {
            id: "CHECKSUM_02",
            name: "data with a wrong checksum is ignored",
            run: |tester| {
                tester.reach(Stage::Established)?;
                ignores(tester, |input| input.checksum = ChecksumField::Wrong)
            },
            fault: ChangeReceived(Input::repair),
            expected_error: "the host sent a segment: ACK",
        },
        // proves: rfc9293-checksum
        Case {
            id: "CHECKSUM_03",
            name: "segments of the host have a correct checksum",
            run: |tester| {
                tester.arm();
                tester.reach(Stage::Established)?;
                acknowledges_data(tester)
            },
            fault: CorruptSent,
            expected_error: "checksum",
        },
        // proves: rfc9293-checksum
        Case {
            id: "HEADER_09",
            name: "data with the checksum 0 is ignored",
            run: |tester| {
                tester.reach(Stage::Established)?;
                ignores(tester, |input| input.checksum = ChecksumField::Zero)
            },
            fault: ChangeReceived(Input::repair),
            expected_error: "the host sent a segment: ACK",
        },
    ]
}

fn fields() -> Vec<Case> {
    vec![
        // proves: rfc9293-text
        Case {
            id: "HEADER_01, 02, 05, 06",
            name: "data is acknowledged by its sequence number, with the ports in reverse",
            run: |tester| {
                tester.reach(Stage::Established)?;
                let input = tester.segment(Flags::ACK).with_data(b"data");
                tester.next = tester.next.plus(4);
                let sent = tester.test(&input)?;
                if sent.iter().any(|sent| {
                    sent.segment.source != input.fields.destination
                        || sent.segment.destination != input.fields.source
                }) {
                    return Err("the host has sent from another port or to another port".into());
                }
                tester.expect_ack(sent)
            },
            fault: ChangeSent(|fields| fields.source.set_port(PORT + 1)),
            expected_error: "the host has sent from another port",
        },
        // proves: rfc9293-closed
        Case {
            id: "HEADER_04",
            name: "segment from another port is not for the connection",
            run: |tester| {
                tester.reach(Stage::Established)?;
                let mut input = tester.segment(Flags::ACK).with_data(b"data");
                input.fields.source.set_port(TESTER_PORT + 100);
                expect_reset(tester.test(&input)?, tester.expected, None)
            },
            fault: ChangeReceived(|input| input.fields.source.set_port(TESTER_PORT + 1)),
            expected_error: "flags are ACK, expected RST",
        },
        // proves: rfc9293-data-offset
        Case {
            id: "HEADER_07",
            name: "segment with a data offset below 5 is ignored",
            run: |tester| {
                tester.reach(Stage::Established)?;
                (0..5).try_for_each(|offset| ignores(tester, |input| input.data_offset = Some(offset)))
            },
            fault: ChangeReceived(Input::repair),
            expected_error: "the host sent a segment: ACK",
        },
        // proves: rfc9293-data-offset
        Case {
            id: "HEADER_08",
            name: "segment with a data offset behind its end is ignored",
            run: |tester| {
                tester.reach(Stage::Established)?;
                (7..16).try_for_each(|offset| ignores(tester, |input| input.data_offset = Some(offset)))
            },
            fault: ChangeReceived(Input::repair),
            expected_error: "the host sent a segment: ACK",
        },
        // proves: rfc9293-source
        Case {
            id: "HEADER_11",
            name: "segment from a broadcast or multicast address is ignored",
            run: |tester| {
                for source in [
                    Ipv4Addr::new(224, 0, 0, 1),
                    Ipv4Addr::new(10, 0, 0, 255),
                    Ipv4Addr::BROADCAST,
                    Ipv4Addr::LOCALHOST,
                    Ipv4Addr::UNSPECIFIED,
                ] {
                    let input = Input { source: Some(source), ..tester.segment(Flags::SYN) };
                    expect_silence(&tester.test(&input)?)?;
                }
                Ok(())
            },
            fault: ChangeReceived(Input::repair),
            expected_error: "the host sent a segment: SYN ACK",
        },
    ]
}
