//! Options, and the maximum segment size.

use tcp::Flags;

use super::super::Case;
use super::super::Fault::{ChangeReceived, ChangeSent};
use super::super::states::Stage;
use super::super::tester::{TcpTester, expect_flags, one};
use crate::tester::CaseResult;

/// Options that a host must accept: several times no operation, an unknown option, options after the end, and an option
/// that ends behind the header.
const ODD_OPTIONS: [&[u8]; 5] =
    [&[1, 1, 1, 1], &[253, 4, 1, 2], &[1, 2, 4, 2, 24, 0, 255, 255], &[0, 2, 4, 0], &[253, 9, 1, 1]];

pub(super) fn cases() -> Vec<Case> {
    vec![
        // proves: rfc9293-options, rfc9293-option-length
        Case {
            id: "MSS_OPTIONS_01, 02, 03, 05",
            name: "SYN and data with unusual options are accepted",
            run: |tester| {
                for options in ODD_OPTIONS {
                    tester.start_again()?;
                    let mut syn = tester.segment(Flags::SYN);
                    syn.raw_options = options.to_vec();
                    tester.next = tester.next.plus(1);
                    let syn_ack = one(tester.test(&syn)?)?;
                    expect_flags(&syn_ack, Flags::SYN | Flags::ACK)?;
                    tester.reach(Stage::Established)?;
                    let mut data = tester.segment(Flags::ACK).with_data(b"data");
                    data.raw_options = options.to_vec();
                    tester.next = tester.next.plus(4);
                    let sent = tester.send(&data)?;
                    tester.expect_ack(sent)?;
                }
                Ok(())
            },
            fault: ChangeReceived(|input| input.fields.flags = Flags::SYN | Flags::RST),
            expected_error: "expected one segment, the host sent 0",
        },
        // proves: rfc9293-mss-effective
        Case {
            id: "MSS_OPTIONS_06",
            name: "segments have at most the size that the peer announces",
            run: |tester| sends_segments_of(tester, Some(200), 200),
            fault: ChangeReceived(|input| input.fields.options.maximum_segment_size = Some(300)),
            expected_error: "longest segment has 300 bytes, expected 200",
        },
        // proves: rfc9293-mss-effective
        Case {
            id: "MSS_OPTIONS_09",
            name: "segments fit the MTU if the peer announces more",
            run: |tester| sends_segments_of(tester, Some(9_000), 1_460),
            fault: ChangeReceived(|input| input.fields.options.maximum_segment_size = Some(1_000)),
            expected_error: "longest segment has 1000 bytes, expected 1460",
        },
        // proves: rfc9293-mss-default
        Case {
            id: "MSS_OPTIONS_10",
            name: "segments have at most 536 bytes if the peer announces no size",
            run: |tester| sends_segments_of(tester, None, 536),
            fault: ChangeReceived(|input| input.fields.options.maximum_segment_size = Some(600)),
            expected_error: "longest segment has 600 bytes, expected 536",
        },
        // proves: rfc9293-mss-sent
        Case {
            id: "MSS_OPTIONS_11, 12",
            name: "SYN and SYN,ACK of the host announce the size that fits the MTU",
            run: |tester| {
                tester.arm();
                let syn = tester.segment(Flags::SYN);
                for sent in [one(tester.send(&syn)?)?, tester.open()?] {
                    match sent.segment.options.maximum_segment_size {
                        Some(1_460) => {}
                        other => return Err(format!("announced size is {other:?}, expected 1460").into()),
                    }
                }
                Ok(())
            },
            fault: ChangeSent(|fields| fields.options.maximum_segment_size = None),
            expected_error: "announced size is None, expected 1460",
        },
    ]
}

/// Expects the longest segments of the host to have this size.
fn sends_segments_of(tester: &mut TcpTester, announced: Option<u16>, expected: usize) -> CaseResult {
    let mut syn = tester.segment(Flags::SYN);
    syn.fields.options.maximum_segment_size = announced;
    tester.next = tester.next.plus(1);
    let syn_ack = one(tester.test(&syn)?)?;
    tester.expected = syn_ack.segment.sequence.plus(1);
    tester.establish()?;
    let sent = tester.write(&[7; 4_000])?;
    let longest = sent.iter().map(|sent| sent.data.len()).max().unwrap_or_default();
    if longest == expected {
        Ok(())
    } else {
        Err(format!("longest segment has {longest} bytes, expected {expected}").into())
    }
}
