//! Data: order, Nagle's algorithm, and urgent data.

use tcp::Flags;

use super::super::Case;
use super::super::Fault::{ChangeReceived, ChangeSent, DropSent, RepeatSent};
use super::super::states::Stage;
use super::super::tester::{expect_flags, expect_silence, one};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = acknowledged();
    cases.extend(nagle());
    cases
}

fn acknowledged() -> Vec<Case> {
    vec![
        // proves: rfc9293-text
        Case {
            id: "FLAGS_PROCESSING_10",
            name: "ACK in a segment with data acknowledges data of the host",
            run: |tester| {
                tester.reach(Stage::Established)?;
                let first = one(tester.write(b"first")?)?;
                tester.expect_numbers(&first)?;
                // Nagle's algorithm holds the second segment until the first is acknowledged.
                expect_silence(&tester.write(b"second")?)?;
                tester.expected = tester.expected.plus(5);
                let input = tester.segment(Flags::ACK).with_data(b"data");
                tester.next = tester.next.plus(4);
                let second = one(tester.test(&input)?)?;
                tester.expect_numbers(&second)?;
                if second.data == b"second" { Ok(()) } else { Err("the host sent other data".into()) }
            },
            fault: ChangeReceived(|input| {
                input.fields.acknowledgment = input.fields.acknowledgment.minus(5);
            }),
            expected_error: "the host sent other data",
        },
        // proves: rfc9293-urgent-receive
        Case {
            id: "CONTROL_FLAGS_05",
            name: "urgent data is acknowledged",
            run: |tester| {
                tester.reach(Stage::Established)?;
                let mut input = tester.segment(Flags::ACK | Flags::URG).with_data(b"urgent");
                input.fields.urgent_pointer = 6;
                tester.next = tester.next.plus(6);
                let sent = tester.test(&input)?;
                tester.expect_ack(sent)
            },
            fault: DropSent,
            expected_error: "expected one segment, the host sent 0",
        },
        // proves: rfc9293-urgent-receive
        Case {
            id: "URGENT_PTR_04",
            name: "urgent data is delivered, and its end is known",
            run: |tester| {
                tester.reach(Stage::Established)?;
                let mut input = tester.segment(Flags::ACK | Flags::URG).with_data(b"urgent, data");
                input.fields.urgent_pointer = 6;
                tester.test(&input)?;
                match tester.urgent()? {
                    Some(6) => {}
                    other => return Err(format!("urgent bytes are {other:?}, expected 6").into()),
                }
                if tester.read()? == b"urgent, data" {
                    Ok(())
                } else {
                    Err("the host read other data".into())
                }
            },
            fault: ChangeReceived(|input| input.fields.flags = Flags::ACK),
            expected_error: "urgent bytes are None, expected 6",
        },
    ]
}

fn nagle() -> Vec<Case> {
    vec![
        // proves: rfc9293-nagle
        Case {
            id: "NAGLE_02",
            name: "second small segment waits for the ACK of the first",
            run: |tester| {
                tester.reach(Stage::Established)?;
                one(tester.write(b"first")?)?;
                tester.arm();
                expect_silence(&tester.write(b"second")?)?;
                tester.expected = tester.expected.plus(5);
                let ack = tester.segment(Flags::ACK);
                let second = one(tester.send(&ack)?)?;
                expect_flags(&second, Flags::ACK)?;
                tester.expect_numbers(&second)
            },
            fault: ChangeSent(|fields| fields.sequence = fields.sequence.minus(5)),
            expected_error: "sequence number is",
        },
        // proves: rfc9293-nagle
        Case {
            id: "NAGLE_03",
            name: "small segments that wait are sent as one segment",
            run: |tester| {
                tester.reach(Stage::Established)?;
                one(tester.write(b"first")?)?;
                expect_silence(&tester.write(b"second")?)?;
                expect_silence(&tester.write(b"third")?)?;
                tester.arm();
                tester.expected = tester.expected.plus(5);
                let ack = tester.segment(Flags::ACK);
                let sent = one(tester.send(&ack)?)?;
                if sent.data == b"secondthird" { Ok(()) } else { Err("the host sent other data".into()) }
            },
            fault: RepeatSent(std::time::Duration::from_millis(1)),
            expected_error: "expected one segment, the host sent 2",
        },
    ]
}
