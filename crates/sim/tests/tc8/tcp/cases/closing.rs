//! Closing and aborting of connections.

use std::time::Duration;

use host::TcpState;
use tcp::Flags;

use super::super::Case;
use super::super::Fault::{ChangeReceived, ChangeSent, DropSent};
use super::super::states::Stage;
use super::super::tester::{expect_flags, expect_silence, one};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = closed();
    cases.extend(ended_early());
    cases.extend(received_while_closing());
    cases
}

fn closed() -> Vec<Case> {
    vec![
        // proves: rfc9293-fin
        Case {
            id: "BASICS_03",
            name: "FIN is acknowledged",
            run: |tester| {
                tester.reach(Stage::Established)?;
                tester.arm();
                tester.send_fin()?;
                tester.expect_state(TcpState::CloseWait)
            },
            fault: DropSent,
            expected_error: "expected one segment, the host sent 0",
        },
        // proves: rfc9293-close
        Case {
            id: "BASICS_08",
            name: "close in ESTABLISHED sends FIN",
            run: |tester| {
                tester.reach(Stage::Established)?;
                tester.arm();
                tester.receive_fin()?;
                tester.expect_state(TcpState::FinWait1)
            },
            fault: ChangeSent(|fields| fields.flags = Flags::ACK),
            expected_error: "flags are ACK, expected FIN ACK",
        },
        // proves: rfc9293-close, rfc9293-fin-acknowledged
        Case {
            id: "BASICS_09",
            name: "close in CLOSE-WAIT sends FIN, and its ACK ends the connection",
            run: |tester| {
                tester.reach(Stage::CloseWait)?;
                tester.receive_fin()?;
                tester.expect_state(TcpState::LastAck)?;
                let ack = tester.segment(Flags::ACK);
                expect_silence(&tester.test(&ack)?)?;
                tester.expect_state(TcpState::Closed)
            },
            fault: ChangeReceived(|input| {
                input.fields.acknowledgment = input.fields.acknowledgment.minus(1);
            }),
            expected_error: "state is LAST-ACK, expected CLOSED",
        },
        // proves: rfc9293-fin
        Case {
            id: "CALL_RECEIVE_05",
            name: "host sends neither FIN nor reset in CLOSE-WAIT before it closes",
            run: |tester| {
                tester.reach(Stage::Established)?;
                let fin = tester.segment(Flags::FIN | Flags::ACK);
                tester.next = tester.next.plus(1);
                let mut sent = tester.test(&fin)?;
                sent.extend(tester.wait(Duration::from_secs(10))?);
                tester.expect_ack(sent)
            },
            fault: ChangeSent(|fields| fields.flags = Flags::FIN | Flags::ACK),
            expected_error: "flags are FIN ACK, expected ACK",
        },
    ]
}

fn ended_early() -> Vec<Case> {
    vec![
        // proves: rfc9293-abort
        Case {
            id: "CALL_ABORT_03",
            name: "abort in CLOSING, LAST-ACK and TIME-WAIT sends nothing",
            run: |tester| {
                for stage in [Stage::Closing, Stage::LastAck, Stage::TimeWait] {
                    tester.reach(stage)?;
                    // A segment that leaves the state unchanged.
                    let ack = tester.segment(Flags::ACK).acknowledging(tester.expected.minus(1));
                    expect_silence(&tester.test(&ack)?)?;
                    expect_silence(&tester.abort()?)?;
                }
                Ok(())
            },
            fault: ChangeReceived(|input| input.fields.sequence = input.fields.sequence.minus(10_000)),
            expected_error: "the host sent a segment: ACK",
        },
        // proves: rfc9293-reset-states
        Case {
            id: "CLOSING_03",
            name: "reset with data ends ESTABLISHED without a segment",
            run: |tester| {
                tester.reach(Stage::Established)?;
                let reset = tester.segment(Flags::RST | Flags::ACK).with_data(b"reason");
                expect_silence(&tester.test(&reset)?)?;
                tester.expect_state(TcpState::Closed)
            },
            fault: ChangeReceived(|input| input.fields.flags = Flags::ACK),
            expected_error: "the host sent a segment: ACK",
        },
    ]
}

fn received_while_closing() -> Vec<Case> {
    vec![
        // proves: rfc9293-text, rfc9293-close
        Case {
            id: "CLOSING_06 to 09",
            name: "data in FIN-WAIT-1, FIN-WAIT-2 and CLOSE-WAIT causes neither FIN nor reset",
            run: |tester| {
                for stage in [Stage::FinWait1, Stage::FinWait2, Stage::CloseWait] {
                    tester.reach(stage)?;
                    // In FIN-WAIT-1, the segment does not acknowledge the FIN of the host.
                    let last = tester.expected.minus(u32::from(stage == Stage::FinWait1));
                    let data = tester.segment(Flags::ACK).acknowledging(last).with_data(b"data");
                    for sent in tester.test(&data)? {
                        expect_flags(&sent, Flags::ACK)?;
                    }
                }
                Ok(())
            },
            fault: ChangeSent(|fields| fields.flags = Flags::RST),
            expected_error: "flags are RST, expected ACK",
        },
        // proves: rfc9293-close
        Case {
            id: "CALL_RECEIVE_04",
            name: "data is delivered in ESTABLISHED, FIN-WAIT-1 and FIN-WAIT-2",
            run: |tester| {
                for stage in [Stage::Established, Stage::FinWait1, Stage::FinWait2] {
                    tester.reach(stage)?;
                    let last = tester.expected.minus(u32::from(stage == Stage::FinWait1));
                    let data = tester.segment(Flags::ACK).acknowledging(last).with_data(b"data");
                    tester.next = tester.next.plus(4);
                    let ack = one(tester.test(&data)?)?;
                    tester.expect_numbers(&ack)?;
                    if tester.read()? != b"data" {
                        return Err(format!("{stage}: the host has read other data").into());
                    }
                }
                Ok(())
            },
            fault: ChangeReceived(|input| input.data = b"DATA".to_vec()),
            expected_error: "ESTABLISHED: the host has read other data",
        },
    ]
}
