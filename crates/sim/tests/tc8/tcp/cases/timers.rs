//! Retransmissions, and probes of a window of zero.

use std::time::Duration;

use tcp::Flags;

use super::super::Case;
use super::super::Fault::{ChangeReceived, DropSent, RepeatSent};
use super::super::states::Stage;
use super::super::tester::{Sent, TcpTester, expect_silence};
use crate::tester::{CaseError, CaseResult};

/// Maximum retransmission timeout.
const MAX_TIMEOUT: Duration = Duration::from_mins(1);
/// Time for which the host retransmits the same segment at least twice at the maximum timeout.
const LONG: Duration = Duration::from_mins(4);

pub(super) fn cases() -> Vec<Case> {
    let mut cases = retransmissions();
    cases.extend(probes());
    cases
}

/// Returns the times between segments.
fn intervals(sent: &[Sent]) -> Vec<Duration> {
    sent.iter().zip(sent.iter().skip(1)).map(|(earlier, later)| later.at.since(earlier.at)).collect()
}

/// Expects intervals that double, up to the maximum timeout. At least three intervals are expected.
fn expect_doubled(intervals: &[Duration]) -> CaseResult {
    if intervals.len() < 3 {
        return Err(format!("expected three retransmissions, the host sent {}", intervals.len()).into());
    }
    for (earlier, later) in intervals.iter().zip(intervals.iter().skip(1)) {
        let expected = (*earlier * 2).min(MAX_TIMEOUT);
        if later.abs_diff(expected) > expected / 10 {
            return Err(format!("interval is {later:?}, expected {expected:?}").into());
        }
    }
    Ok(())
}

/// Lets the host send data that the tester does not acknowledge. Returns the segments of a long time.
fn unacknowledged_data(tester: &mut TcpTester) -> Result<Vec<Sent>, CaseError> {
    tester.reach(Stage::Established)?;
    tester.arm();
    let mut sent = tester.write(b"data")?;
    sent.extend(tester.wait(LONG)?);
    Ok(sent)
}

/// Lets the host send a SYN that the tester does not answer. Returns the segments of a long time.
fn unanswered_syn(tester: &mut TcpTester) -> Result<Vec<Sent>, CaseError> {
    tester.start_again()?;
    tester.arm();
    let mut sent = vec![tester.open()?];
    sent.extend(tester.wait(LONG)?);
    Ok(sent)
}

/// A time that is not a retransmission timeout of the host.
const ODD: Duration = Duration::from_millis(130);

fn retransmissions() -> Vec<Case> {
    vec![
        // proves: rfc9293-retransmission
        Case {
            id: "RETRANSMISSION_TO_03",
            name: "ACK of a retransmission keeps the doubled timeout",
            run: keeps_timeout_after_retransmission,
            fault: RepeatSent(ODD),
            expected_error: "timeout is",
        },
        // proves: rfc9293-retransmission
        Case {
            id: "RETRANSMISSION_TO_04",
            name: "timeout of data doubles",
            run: |tester| expect_doubled(&intervals(&unacknowledged_data(tester)?)),
            fault: RepeatSent(ODD),
            expected_error: "interval is",
        },
        // proves: rfc9293-syn-retransmission
        Case {
            id: "RETRANSMISSION_TO_05",
            name: "timeout of SYN doubles",
            run: |tester| expect_doubled(&intervals(&unanswered_syn(tester)?)),
            fault: RepeatSent(ODD),
            expected_error: "interval is",
        },
        // proves: rfc9293-syn-retransmission
        Case {
            id: "RETRANSMISSION_TO_06",
            name: "first timeout of SYN is one second",
            run: |tester| {
                let first = *intervals(&unanswered_syn(tester)?).first().ok_or("no retransmission")?;
                if (Duration::from_millis(800)..Duration::from_millis(1_500)).contains(&first) {
                    Ok(())
                } else {
                    Err(format!("first timeout is {first:?}").into())
                }
            },
            fault: RepeatSent(ODD),
            expected_error: "first timeout is 130ms",
        },
        // proves: rfc9293-retransmission
        Case {
            id: "RETRANSMISSION_TO_08",
            name: "timeout of data is at most 60 seconds",
            run: |tester| expect_limited(&intervals(&unacknowledged_data(tester)?)),
            fault: DropSent,
            expected_error: "longest interval is 0ns",
        },
        // proves: rfc9293-syn-retransmission
        Case {
            id: "RETRANSMISSION_TO_09",
            name: "timeout of SYN is at most 60 seconds",
            run: |tester| expect_limited(&intervals(&unanswered_syn(tester)?)),
            fault: DropSent,
            expected_error: "expected one segment, the host sent 0",
        },
    ]
}

/// Expects the host to keep the timeout after three retransmissions, although the tester acknowledges the last.
fn keeps_timeout_after_retransmission(tester: &mut TcpTester) -> CaseResult {
    tester.reach(Stage::Established)?;
    tester.arm();
    let mut sent = tester.write(b"data")?;
    while sent.len() < 4 {
        sent.extend(tester.wait(Duration::from_millis(10))?);
    }
    let first = *intervals(&sent).first().ok_or("no retransmission")?;
    tester.expected = tester.expected.plus(4);
    let ack = tester.segment(Flags::ACK);
    tester.send(&ack)?;
    let mut next = tester.write(b"more")?;
    next.extend(tester.wait(LONG)?);
    let kept = *intervals(&next).first().ok_or("no retransmission")?;
    if kept >= first * 7 { Ok(()) } else { Err(format!("timeout is {kept:?}, at first {first:?}").into()) }
}

/// Expects intervals that reach the maximum timeout and do not exceed it.
fn expect_limited(intervals: &[Duration]) -> CaseResult {
    let longest = intervals.iter().max().copied().unwrap_or_default();
    let limit = MAX_TIMEOUT + MAX_TIMEOUT / 10;
    if longest > limit {
        return Err(format!("interval is {longest:?}, limit {limit:?}").into());
    }
    if longest < MAX_TIMEOUT / 2 {
        return Err(format!("longest interval is {longest:?}").into());
    }
    Ok(())
}

/// Announces a window of zero to the host, which then writes data. Returns the probes.
fn probes_of_zero_window(tester: &mut TcpTester) -> Result<Vec<Sent>, CaseError> {
    tester.reach(Stage::Established)?;
    let mut closed = tester.segment(Flags::ACK);
    closed.fields.window = 0;
    expect_silence(&tester.test(&closed)?)?;
    let mut probes = tester.write(b"data")?;
    probes.extend(tester.wait(LONG)?);
    Ok(probes)
}

fn probes() -> Vec<Case> {
    vec![
        // proves: rfc9293-window-shrunk
        Case {
            id: "PROBING_WINDOWS_03",
            name: "data behind a reduced window is not sent",
            run: |tester| {
                tester.reach(Stage::Established)?;
                let mut reduced = tester.segment(Flags::ACK);
                reduced.fields.window = 10;
                tester.test(&reduced)?;
                let sent = tester.write(&[7; 100])?;
                let length: usize = sent.iter().map(|sent| sent.data.len()).sum();
                if length <= 10 { Ok(()) } else { Err(format!("the host sent {length} bytes").into()) }
            },
            fault: ChangeReceived(|input| input.fields.window = 1_000),
            expected_error: "the host sent 100 bytes",
        },
        // proves: rfc9293-zero-window-probe, tcp-probe-byte
        Case {
            id: "PROBING_WINDOWS_05",
            name: "window of zero is probed after the retransmission timeout",
            run: |tester| {
                let first = probes_of_zero_window(tester)?.into_iter().next().ok_or("no probe")?;
                let (at, data) = (first.segment.sequence, first.data.len());
                if data == 1 && at == tester.expected || data == 0 && at == tester.expected.minus(1) {
                    Ok(())
                } else {
                    Err(format!("probe has {data} bytes").into())
                }
            },
            fault: ChangeReceived(|input| input.fields.window = 100),
            expected_error: "probe has 4 bytes",
        },
        // proves: rfc9293-zero-window-probe
        Case {
            id: "PROBING_WINDOWS_06",
            name: "time between probes doubles",
            run: |tester| expect_doubled(&intervals(&probes_of_zero_window(tester)?)),
            fault: RepeatSent(ODD),
            expected_error: "interval is",
        },
    ]
}
