//! Segments for no connection, for a listener, and in the state SYN-SENT.

use tcp::{Flags, SequenceNumber};

use super::super::Case;
use super::super::Fault::{ChangeReceived, ChangeSent, DropSent};
use super::super::input::{Input, PORT};
use super::super::states::Stage;
use super::super::tester::{TcpTester, expect_reset, expect_silence};
use crate::tester::CaseResult;

/// A port of the host without a listener.
const CLOSED_PORT: u16 = 7_001;
/// Acknowledgment number of segments for no connection.
const ACKNOWLEDGMENT: SequenceNumber = SequenceNumber::new(77_000);

pub(super) fn cases() -> Vec<Case> {
    let mut cases = closed();
    cases.extend(listening());
    cases.extend(syn_sent());
    cases
}

/// Returns a segment to a port without a listener.
fn to_closed_port(tester: &TcpTester, flags: Flags) -> Input {
    Input::new((tester.ports.0, CLOSED_PORT), (TcpTester::ISN, ACKNOWLEDGMENT), flags)
}

fn closed() -> Vec<Case> {
    vec![
        // proves: rfc9293-closed
        Case {
            id: "BASICS_04",
            name: "closed port answers a segment without ACK with a reset that acknowledges it",
            run: |tester| {
                for (flags, data, length) in
                    [(Flags::SYN, &b""[..], 1), (Flags::FIN, b"", 1), (Flags::PSH, b"data", 4)]
                {
                    let input = to_closed_port(tester, flags).with_data(data);
                    let end = TcpTester::ISN.plus(length);
                    expect_reset(tester.test(&input)?, SequenceNumber::new(0), Some(end))?;
                }
                Ok(())
            },
            fault: ChangeSent(|fields| fields.acknowledgment = TcpTester::ISN),
            expected_error: "acknowledgment number is 1000, expected 1001",
        },
        // proves: rfc9293-closed
        Case {
            id: "BASICS_05",
            name: "closed port answers a segment with ACK with a reset at its acknowledgment number",
            run: |tester| {
                for flags in [Flags::ACK, Flags::SYN | Flags::ACK] {
                    let input = to_closed_port(tester, flags);
                    expect_reset(tester.test(&input)?, ACKNOWLEDGMENT, None)?;
                }
                Ok(())
            },
            fault: ChangeSent(|fields| fields.sequence = SequenceNumber::new(0)),
            expected_error: "sequence number is 0, expected 77000",
        },
        // proves: rfc9293-closed
        Case {
            id: "CLOSING_13",
            name: "closed port ignores a reset",
            run: |tester| {
                let input = to_closed_port(tester, Flags::RST);
                expect_silence(&tester.test(&input)?)
            },
            fault: ChangeReceived(|input| input.fields.flags = Flags::SYN),
            expected_error: "the host sent a segment: RST ACK",
        },
        // proves: rfc9293-listen-fin, rfc9293-listen-other, rfc9293-closed
        Case {
            id: "FLAGS_PROCESSING_08",
            name: "FIN is ignored by a listener and in SYN-SENT, and reset by a closed port",
            run: |tester| {
                let input = tester.segment(Flags::FIN);
                expect_silence(&tester.send(&input)?)?;
                tester.reach(Stage::SynSent)?;
                let input = tester.segment(Flags::FIN);
                expect_silence(&tester.send(&input)?)?;
                let input = to_closed_port(tester, Flags::FIN);
                let end = TcpTester::ISN.plus(1);
                expect_reset(tester.test(&input)?, SequenceNumber::new(0), Some(end))
            },
            fault: DropSent,
            expected_error: "expected one segment, the host sent 0",
        },
    ]
}

fn listening() -> Vec<Case> {
    vec![
        // proves: tcp-listen-flags, rfc9293-listen-reset
        Case {
            id: "FLAGS_INVALID_01",
            name: "listener ignores a SYN with RST",
            run: |tester| {
                let input = tester.segment(Flags::SYN | Flags::RST);
                expect_silence(&tester.test(&input)?)
            },
            fault: ChangeReceived(|input| input.fields.flags = Flags::SYN),
            expected_error: "the host sent a segment: SYN ACK",
        },
        // proves: rfc9293-listen-ack
        Case {
            id: "FLAGS_INVALID_02",
            name: "listener answers ACK with a reset",
            run: |tester| reset_by_listener(tester, Flags::ACK),
            fault: DropSent,
            expected_error: "expected one segment, the host sent 0",
        },
        // proves: rfc9293-listen-ack
        Case {
            id: "UNACCEPTABLE_05, 07",
            name: "listener answers SYN,ACK with a reset",
            run: |tester| reset_by_listener(tester, Flags::SYN | Flags::ACK),
            fault: ChangeReceived(|input| input.fields.flags = Flags::SYN),
            expected_error: "flags are SYN ACK, expected RST",
        },
    ]
}

fn reset_by_listener(tester: &mut TcpTester, flags: Flags) -> CaseResult {
    let input = Input::new((tester.ports.0, PORT), (TcpTester::ISN, ACKNOWLEDGMENT), flags);
    expect_reset(tester.test(&input)?, ACKNOWLEDGMENT, None)
}

fn syn_sent() -> Vec<Case> {
    vec![
        // proves: rfc9293-syn-sent-reset
        Case {
            id: "FLAGS_INVALID_03",
            name: "SYN-SENT ignores a reset with an unacceptable ACK",
            run: |tester| {
                tester.reach(Stage::SynSent)?;
                let input = tester.segment(Flags::RST | Flags::ACK);
                let bad = tester.expected.plus(1);
                expect_silence(&tester.test(&input.acknowledging(bad))?)?;
                tester.expect_state(host::TcpState::SynSent)
            },
            fault: ChangeReceived(|input| {
                input.fields.acknowledgment = input.fields.acknowledgment.minus(1);
            }),
            expected_error: "state is CLOSED, expected SYN-SENT",
        },
        // proves: rfc9293-syn-sent-reset
        Case {
            id: "FLAGS_INVALID_04",
            name: "SYN-SENT ignores a reset without ACK",
            run: |tester| {
                tester.reach(Stage::SynSent)?;
                let input = tester.segment(Flags::RST);
                expect_silence(&tester.test(&input)?)?;
                tester.expect_state(host::TcpState::SynSent)
            },
            fault: ChangeReceived(|input| input.fields.flags = Flags::RST | Flags::ACK),
            expected_error: "state is CLOSED, expected SYN-SENT",
        },
        // proves: rfc9293-syn-sent-reset
        Case {
            id: "FLAGS_INVALID_05",
            name: "SYN-SENT ends with a reset with an acceptable ACK",
            run: |tester| {
                tester.reach(Stage::SynSent)?;
                let input = tester.segment(Flags::RST | Flags::ACK);
                expect_silence(&tester.test(&input)?)?;
                tester.expect_state(host::TcpState::Closed)
            },
            fault: ChangeReceived(|input| input.fields.flags = Flags::RST),
            expected_error: "state is SYN-SENT, expected CLOSED",
        },
        // proves: rfc9293-syn-sent-other
        Case {
            id: "FLAGS_INVALID_06",
            name: "SYN-SENT ignores an acceptable ACK without SYN",
            run: |tester| {
                tester.reach(Stage::SynSent)?;
                let input = tester.segment(Flags::ACK);
                expect_silence(&tester.test(&input)?)?;
                tester.expect_state(host::TcpState::SynSent)
            },
            fault: ChangeReceived(|input| input.fields.flags = Flags::SYN | Flags::ACK),
            expected_error: "the host sent a segment: ACK",
        },
        // proves: rfc9293-syn-sent-ack
        Case {
            id: "UNACCEPTABLE_08",
            name: "SYN-SENT answers SYN,ACK with an unacceptable ACK with a reset",
            run: |tester| {
                tester.reach(Stage::SynSent)?;
                for bad in [tester.expected.minus(1), tester.expected.plus(1)] {
                    let input = tester.segment(Flags::SYN | Flags::ACK).acknowledging(bad);
                    expect_reset(tester.test(&input)?, bad, None)?;
                }
                Ok(())
            },
            fault: ChangeReceived(|input| {
                input.fields.acknowledgment = input.fields.acknowledgment.plus(1);
            }),
            expected_error: "flags are ACK, expected RST",
        },
    ]
}
