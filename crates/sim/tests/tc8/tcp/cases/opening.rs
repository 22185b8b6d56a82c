//! Opening of connections, and initial sequence numbers.

use host::TcpState;
use tcp::{Flags, SequenceNumber};

use super::super::Case;
use super::super::Fault::{ChangeReceived, ChangeSent, DropSent};
use super::super::states::Stage;
use super::super::tester::{TcpTester, expect_flags, expect_number, one};
use crate::packets::SECOND;
use crate::tester::CaseResult;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = passive();
    cases.extend(active());
    cases.extend(sequence_numbers());
    cases
}

fn passive() -> Vec<Case> {
    vec![
        // proves: rfc9293-listen-syn
        Case {
            id: "BASICS_01",
            name: "listener answers SYN with SYN,ACK",
            run: |tester| {
                tester.arm();
                tester.send_syn()
            },
            fault: ChangeSent(|fields| fields.flags = Flags::ACK),
            expected_error: "flags are ACK, expected SYN ACK",
        },
        // proves: rfc9293-ack-syn-received
        Case {
            id: "BASICS_02",
            name: "handshake of a listener establishes a connection",
            run: |tester| {
                tester.send_syn()?;
                let ack = tester.segment(Flags::ACK);
                tester.test(&ack)?;
                tester.accept()?;
                tester.expect_state(TcpState::Established)
            },
            fault: ChangeReceived(|input| input.fields.flags = Flags::SYN),
            expected_error: "the host has accepted no connection",
        },
        // proves: rfc9293-listen-independent
        Case {
            id: "CONNECTION_ESTAB_01, 02",
            name: "listener accepts connections of two peers",
            run: |tester| {
                tester.reach(Stage::Established)?;
                tester.start_again()?;
                let syn = tester.segment(Flags::SYN).of_station(SECOND);
                tester.arm();
                expect_flags(&one(tester.send(&syn)?)?, Flags::SYN | Flags::ACK)
            },
            fault: DropSent,
            expected_error: "expected one segment, the host sent 0",
        },
    ]
}

fn active() -> Vec<Case> {
    vec![
        // proves: rfc9293-mss-sent
        Case {
            id: "BASICS_06",
            name: "active open sends SYN",
            run: |tester| {
                tester.arm();
                expect_flags(&tester.open()?, Flags::SYN)
            },
            fault: ChangeSent(|fields| fields.flags = Flags::SYN | Flags::ACK),
            expected_error: "flags are SYN ACK, expected SYN",
        },
        // proves: rfc9293-syn-sent-established
        Case {
            id: "BASICS_07",
            name: "handshake of an active open establishes a connection",
            run: |tester| {
                tester.reach(Stage::SynSent)?;
                let syn_ack = tester.segment(Flags::SYN | Flags::ACK);
                tester.next = tester.next.plus(1);
                let sent = tester.test(&syn_ack)?;
                tester.expect_ack(sent)?;
                tester.expect_state(TcpState::Established)
            },
            fault: ChangeReceived(|input| input.fields.flags = Flags::ACK),
            expected_error: "expected one segment, the host sent 0",
        },
        // proves: rfc9293-simultaneous-open
        Case {
            id: "BASICS_17",
            name: "simultaneous open establishes a connection",
            run: simultaneous_open,
            fault: ChangeSent(|fields| fields.flags = Flags::RST | Flags::ACK),
            expected_error: "flags are RST ACK, expected SYN ACK",
        },
        // proves: rfc9293-local-address
        Case {
            id: "CONNECTION_ESTAB_03",
            name: "host opens two connections",
            run: |tester| {
                tester.reach(Stage::SynSent)?;
                let first = tester.ports.1;
                tester.arm();
                tester.reach(Stage::SynSent)?;
                if tester.ports.1 == first { Err("both connections have one port".into()) } else { Ok(()) }
            },
            fault: DropSent,
            expected_error: "expected one segment, the host sent 0",
        },
    ]
}

fn simultaneous_open(tester: &mut TcpTester) -> CaseResult {
    let syn = tester.open()?;
    let input = tester.segment(Flags::SYN);
    tester.next = tester.next.plus(1);
    let syn_ack = one(tester.test(&input)?)?;
    expect_flags(&syn_ack, Flags::SYN | Flags::ACK)?;
    expect_number("sequence number", syn_ack.segment.sequence, syn.segment.sequence)?;
    expect_number("acknowledgment number", syn_ack.segment.acknowledgment, tester.next)?;
    // The SYN,ACK of the tester repeats its SYN.
    let answer = tester.segment(Flags::SYN | Flags::ACK).at(TcpTester::ISN);
    tester.send(&answer)?;
    let ack = tester.segment(Flags::ACK);
    tester.send(&ack)?;
    tester.expect_state(TcpState::Established)
}

/// Expects SYN,ACK to a SYN with this sequence number.
fn acknowledges_isn(tester: &mut TcpTester, isn: SequenceNumber) -> CaseResult {
    let syn = tester.segment(Flags::SYN).at(isn);
    tester.arm();
    let sent = one(tester.send(&syn)?)?;
    expect_flags(&sent, Flags::SYN | Flags::ACK)?;
    expect_number("acknowledgment number", sent.segment.acknowledgment, isn.plus(1))
}

fn sequence_numbers() -> Vec<Case> {
    vec![
        // proves: rfc9293-listen-syn
        Case {
            id: "SEQUENCE_01",
            name: "SYN,ACK acknowledges the number after the SYN",
            run: |tester| acknowledges_isn(tester, TcpTester::ISN),
            fault: ChangeSent(|fields| fields.acknowledgment = TcpTester::ISN),
            expected_error: "acknowledgment number is 1000, expected 1001",
        },
        // proves: rfc9293-syn-sent-established
        Case {
            id: "SEQUENCE_02",
            name: "ACK of an active open acknowledges the number after the SYN",
            run: |tester| {
                tester.reach(Stage::SynSent)?;
                let syn_ack = tester.segment(Flags::SYN | Flags::ACK);
                tester.next = tester.next.plus(1);
                let sent = tester.test(&syn_ack)?;
                tester.expect_ack(sent)
            },
            fault: ChangeSent(|fields| fields.acknowledgment = TcpTester::ISN),
            expected_error: "acknowledgment number is 1000, expected 1001",
        },
        // proves: rfc9293-modulo
        Case {
            id: "SEQUENCE_03",
            name: "sequence number 0 is acknowledged with 1",
            run: |tester| acknowledges_isn(tester, SequenceNumber::new(0)),
            fault: ChangeSent(|fields| fields.acknowledgment = SequenceNumber::new(0)),
            expected_error: "acknowledgment number is 0, expected 1",
        },
        // proves: rfc9293-modulo
        Case {
            id: "SEQUENCE_04",
            name: "sequence number 4294967295 is acknowledged with 0",
            run: |tester| acknowledges_isn(tester, SequenceNumber::new(u32::MAX)),
            fault: ChangeSent(|fields| fields.acknowledgment = SequenceNumber::new(u32::MAX)),
            expected_error: "acknowledgment number is 4294967295, expected 0",
        },
        // proves: rfc9293-isn-clock
        Case {
            id: "CHECKSUM_04",
            name: "two active opens have different initial sequence numbers",
            run: |tester| {
                tester.arm();
                tester.reach(Stage::SynSent)?;
                let first = tester.expected;
                tester.reach(Stage::SynSent)?;
                if tester.expected == first { Err("both SYN have one number".into()) } else { Ok(()) }
            },
            fault: ChangeSent(|fields| fields.sequence = SequenceNumber::new(7)),
            expected_error: "both SYN have one number",
        },
    ]
}
