//! The order of received data, and its acknowledgment.

use tcp::{Flags, SequenceNumber};

use super::super::Case;
use super::super::Fault::{ChangeReceived, ChangeSent, DropSent};
use super::super::input::Input;
use super::super::states::Stage;
use super::super::tester::{TcpTester, expect_flags, expect_number, one};
use crate::tester::CaseResult;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = out_of_order();
    cases.extend(acknowledgments());
    cases
}

impl TcpTester {
    /// Returns a segment with data at this distance from the next byte of the tester.
    fn data_at(&self, distance: u32, data: &[u8]) -> Input {
        let mut input = self.segment(Flags::ACK).with_data(data);
        input.fields.sequence = self.next.plus(distance);
        input
    }

    /// Sends segments with data at these distances on a new connection, and expects that the host reads this data.
    fn expect_delivery(&mut self, segments: &[(u32, &[u8])], expected: &[u8]) -> CaseResult {
        self.reach(Stage::Established)?;
        for (distance, data) in segments {
            let input = self.data_at(*distance, data);
            self.test(&input)?;
        }
        self.expect_read(expected)
    }

    /// Expects that the host reads this data.
    fn expect_read(&mut self, expected: &[u8]) -> CaseResult {
        let read = self.read()?;
        if read == expected { Ok(()) } else { Err(format!("the host read {}", read.escape_ascii()).into()) }
    }

    /// Sends a segment, and expects an ACK with this acknowledgment number.
    fn expect_ack_of(&mut self, input: &Input, expected: SequenceNumber) -> CaseResult {
        let ack = one(self.test(input)?)?;
        expect_flags(&ack, Flags::ACK)?;
        expect_number("acknowledgment number", ack.segment.acknowledgment, expected)
    }
}

fn out_of_order() -> Vec<Case> {
    vec![
        // proves: rfc9293-out-of-order
        Case {
            id: "OUT_OF_ORDER_01",
            name: "data in reverse order is delivered in order",
            run: |tester| {
                tester.expect_delivery(&[(8, b"last"), (4, b"next"), (0, b"data")], b"datanextlast")
            },
            fault: ChangeReceived(|input| input.data.make_ascii_uppercase()),
            expected_error: "the host read DATANEXTLAST",
        },
        // proves: rfc9293-out-of-order
        Case {
            id: "OUT_OF_ORDER_02",
            name: "data after a gap causes an ACK of the data before the gap",
            run: |tester| {
                tester.reach(Stage::Established)?;
                let (input, next) = (tester.data_at(4, b"next"), tester.next);
                tester.expect_ack_of(&input, next)
            },
            fault: DropSent,
            expected_error: "expected one segment, the host sent 0",
        },
        // proves: rfc9293-out-of-order
        Case {
            id: "OUT_OF_ORDER_03",
            name: "data that fills a gap causes an ACK of the data after the gap",
            run: |tester| {
                tester.reach(Stage::Established)?;
                let input = tester.data_at(4, b"next");
                tester.send(&input)?;
                let (input, end) = (tester.data_at(0, b"data"), tester.next.plus(8));
                tester.expect_ack_of(&input, end)
            },
            fault: ChangeReceived(|input| input.fields.sequence = input.fields.sequence.plus(8)),
            expected_error: "acknowledgment number is",
        },
        // proves: rfc9293-out-of-order, rfc9293-trim
        Case {
            id: "OUT_OF_ORDER_05",
            name: "data that overlaps data after a gap is delivered once",
            run: |tester| tester.expect_delivery(&[(4, b"efgh"), (2, b"cdef"), (0, b"abc")], b"abcdefgh"),
            fault: ChangeReceived(|input| {
                if input.data.len() == 3 {
                    input.data.truncate(2);
                    input.fields.sequence = input.fields.sequence.minus(1);
                }
            }),
            expected_error: "the host read b",
        },
    ]
}

fn acknowledgments() -> Vec<Case> {
    vec![
        // proves: rfc9293-text
        Case {
            id: "ACKNOWLEDGEMENT_02",
            name: "acknowledgment number is that of the next byte for data of any length",
            run: |tester| {
                tester.reach(Stage::Established)?;
                for length in [1, 2, 100, 536] {
                    let input = tester.segment(Flags::ACK).with_data(&vec![b'x'; length]);
                    tester.next = tester.next.plus(u32::try_from(length)?);
                    let sent = tester.test(&input)?;
                    tester.expect_ack(sent)?;
                }
                Ok(())
            },
            fault: ChangeSent(|fields| fields.acknowledgment = fields.acknowledgment.minus(1)),
            expected_error: "acknowledgment number is",
        },
        // proves: rfc9293-text
        Case {
            id: "ACKNOWLEDGEMENT_03",
            name: "data of the host acknowledges the data of the peer",
            run: |tester| {
                tester.reach(Stage::Established)?;
                let input = tester.segment(Flags::ACK).with_data(b"data");
                tester.next = tester.next.plus(4);
                tester.test(&input)?;
                let sent = one(tester.write(b"reply")?)?;
                expect_flags(&sent, Flags::ACK)?;
                tester.expect_numbers(&sent)
            },
            fault: ChangeSent(|fields| fields.flags = Flags::PSH),
            expected_error: "flags are",
        },
        // proves: rfc9293-acceptable
        Case {
            id: "ACKNOWLEDGEMENT_04",
            name: "data that was received before is acknowledged again",
            run: |tester| {
                tester.reach(Stage::Established)?;
                let input = tester.segment(Flags::ACK).with_data(b"data");
                tester.next = tester.next.plus(4);
                tester.send(&input)?;
                let end = tester.next;
                tester.expect_ack_of(&input, end)?;
                tester.expect_read(b"data")
            },
            fault: DropSent,
            expected_error: "expected one segment, the host sent 0",
        },
    ]
}
