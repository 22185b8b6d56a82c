//! Segments outside the window, and flags that a state does not accept.

use tcp::Flags;

use super::super::Case;
use super::super::Fault::{ChangeReceived, ChangeSent, DropSent};
use super::super::states::{SYNCHRONIZED, Stage};
use super::super::tester::{TcpTester, expect_reset, expect_silence};
use crate::tester::CaseResult;

/// Distance of a segment in front of the window, in bytes.
const DISTANCE: u32 = 10_000;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = syn_received();
    cases.extend(unacceptable());
    cases.extend(invalid_flags());
    cases.extend(ignored());
    cases
}

/// Runs a case in several states, each with a new connection. An error names the state.
fn in_each(
    tester: &mut TcpTester,
    stages: &[Stage],
    run: impl Fn(&mut TcpTester) -> CaseResult,
) -> CaseResult {
    for stage in stages {
        let result = tester.reach(*stage).and_then(|()| run(tester));
        result.map_err(|error| format!("{stage}: {error}"))?;
    }
    Ok(())
}

/// Expects an ACK to a segment in front of the window.
fn acknowledges_old(tester: &mut TcpTester, flags: Flags, data: &[u8]) -> CaseResult {
    let old = tester.segment(flags).with_data(data).at(tester.next.minus(DISTANCE));
    let sent = tester.test(&old)?;
    tester.expect_ack(sent)
}

fn syn_received() -> Vec<Case> {
    vec![
        // proves: rfc9293-ack-syn-received
        Case {
            id: "UNACCEPTABLE_03",
            name: "SYN-RECEIVED answers an unacceptable ACK with a reset",
            run: |tester| {
                tester.reach(Stage::SynReceived)?;
                let bad = tester.expected.plus(1);
                let input = tester.segment(Flags::ACK).acknowledging(bad);
                expect_reset(tester.test(&input)?, bad, None)
            },
            fault: ChangeReceived(|input| {
                input.fields.acknowledgment = input.fields.acknowledgment.minus(1);
            }),
            expected_error: "expected one segment, the host sent 0",
        },
        // proves: rfc9293-acceptable
        Case {
            id: "FLAGS_INVALID_07",
            name: "SYN-RECEIVED answers a SYN outside the window with ACK",
            run: |tester| {
                tester.reach(Stage::SynReceived)?;
                acknowledges_old(tester, Flags::SYN, b"")
            },
            fault: DropSent,
            expected_error: "expected one segment, the host sent 0",
        },
    ]
}

fn unacceptable() -> Vec<Case> {
    vec![
        // proves: rfc9293-acceptable, rfc9293-reset-states
        Case {
            id: "UNACCEPTABLE_02",
            name: "reset outside the window causes no reset",
            run: |tester| {
                in_each(tester, &[Stage::Established], |tester| {
                    let old = tester.segment(Flags::RST).at(tester.next.minus(DISTANCE));
                    expect_silence(&tester.test(&old)?)
                })
            },
            fault: ChangeReceived(|input| input.fields.flags = Flags::FIN | Flags::ACK),
            expected_error: "the host sent a segment: ACK",
        },
        // proves: rfc9293-acceptable, rfc9293-ack-unsent
        Case {
            id: "UNACCEPTABLE_04",
            name: "ESTABLISHED acknowledges data outside the window and an ACK of unsent data",
            run: |tester| {
                tester.reach(Stage::Established)?;
                acknowledges_old(tester, Flags::ACK, b"data")?;
                tester.reach(Stage::Established)?;
                let unsent = tester.expected.plus(1);
                let input = tester.segment(Flags::ACK).acknowledging(unsent);
                let sent = tester.test(&input)?;
                tester.expect_ack(sent)?;
                tester.expect_state(host::TcpState::Established)
            },
            fault: ChangeSent(|fields| fields.flags = Flags::RST),
            expected_error: "flags are RST, expected ACK",
        },
        // proves: rfc9293-acceptable
        Case {
            id: "UNACCEPTABLE_06, 09 to 14",
            name: "data outside the window is acknowledged in the states after ESTABLISHED",
            run: |tester| {
                let (_, after) = SYNCHRONIZED.split_first().ok_or("no states")?;
                in_each(tester, after, |tester| acknowledges_old(tester, Flags::ACK, b"data"))
            },
            fault: ChangeSent(|fields| fields.flags = Flags::RST),
            expected_error: "FIN-WAIT-1: flags are RST, expected ACK",
        },
    ]
}

fn invalid_flags() -> Vec<Case> {
    vec![
        // proves: rfc9293-acceptable
        Case {
            id: "FLAGS_INVALID_08 to 14",
            name: "SYN, ACK, FIN and data outside the window are acknowledged in each synchronized state",
            run: |tester| {
                for (flags, data) in [
                    (Flags::SYN, &b""[..]),
                    (Flags::SYN | Flags::ACK, b""),
                    (Flags::ACK, b""),
                    (Flags::FIN | Flags::ACK, b""),
                    (Flags::ACK, b"data"),
                ] {
                    in_each(tester, &SYNCHRONIZED, |tester| acknowledges_old(tester, flags, data))?;
                }
                Ok(())
            },
            fault: DropSent,
            expected_error: "ESTABLISHED: expected one segment, the host sent 0",
        },
        // proves: rfc9293-acceptable
        Case {
            id: "FLAGS_INVALID_15",
            name: "reset outside the window is ignored in each state after SYN-SENT",
            run: |tester| {
                let stages = [&[Stage::SynReceived][..], &SYNCHRONIZED].concat();
                in_each(tester, &stages, |tester| {
                    let old = tester.segment(Flags::RST | Flags::ACK).at(tester.next.minus(DISTANCE));
                    expect_silence(&tester.test(&old)?)
                })
            },
            fault: ChangeReceived(|input| input.fields.flags = Flags::FIN | Flags::ACK),
            expected_error: "SYN-RECEIVED: the host sent a segment",
        },
    ]
}

fn ignored() -> Vec<Case> {
    vec![
        // proves: rfc9293-text-ignored
        Case {
            id: "FLAGS_PROCESSING_07",
            name: "URG without data is ignored after the FIN of the peer",
            run: |tester| {
                let stages = [Stage::Closing, Stage::CloseWait, Stage::LastAck, Stage::TimeWait];
                in_each(tester, &stages, |tester| {
                    let acknowledged = tester.segment(Flags::ACK | Flags::URG);
                    // In CLOSING and LAST-ACK, an ACK of the FIN would change the state.
                    let input = acknowledged.acknowledging(tester.expected.minus(1));
                    expect_silence(&tester.test(&input)?)
                })
            },
            fault: ChangeReceived(|input| input.fields.sequence = input.fields.sequence.minus(DISTANCE)),
            expected_error: "CLOSING: the host sent a segment: ACK",
        },
        // proves: rfc9293-fin
        Case {
            id: "FLAGS_PROCESSING_09",
            name: "duplicate FIN causes no reset and no change of the state",
            run: |tester| {
                tester.reach(Stage::CloseWait)?;
                let duplicate = tester.segment(Flags::FIN | Flags::ACK).at(tester.next.minus(1));
                let sent = tester.test(&duplicate)?;
                tester.expect_ack(sent)?;
                tester.expect_state(host::TcpState::CloseWait)
            },
            fault: ChangeReceived(|input| {
                input.fields.flags = Flags::RST;
                input.fields.sequence = input.fields.sequence.plus(1);
            }),
            expected_error: "expected one segment, the host sent 0",
        },
        // proves: rfc9293-ack-old
        Case {
            id: "FLAGS_PROCESSING_11",
            name: "duplicate ACK is ignored",
            run: |tester| {
                tester.reach(Stage::Established)?;
                let ack = tester.segment(Flags::ACK);
                expect_silence(&tester.send(&ack)?)?;
                expect_silence(&tester.test(&ack)?)?;
                tester.expect_state(host::TcpState::Established)
            },
            fault: ChangeReceived(|input| {
                input.fields.acknowledgment = input.fields.acknowledgment.plus(1);
            }),
            expected_error: "the host sent a segment: ACK",
        },
    ]
}
