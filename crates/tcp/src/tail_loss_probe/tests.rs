use super::*;

const MS: Duration = Duration::from_millis(1);

fn ack(acknowledgment: u32) -> ProbeAck {
    ProbeAck {
        acknowledgment: SequenceNumber::new(acknowledgment),
        is_duplicate_report: false,
        is_duplicate_ack: false,
    }
}

/// Returns a probe up to 1,000.
fn sent(is_retransmission: bool) -> TailLossProbe {
    let mut probe = TailLossProbe::new();
    assert!(probe.is_permitted());
    probe.sent(SequenceNumber::new(1_000), is_retransmission);
    assert!(!probe.is_permitted() && probe.ends_at(SequenceNumber::new(1_000)));
    probe
}

// proves: rfc8985-probe-interval
#[test]
fn interval_is_two_round_trips_and_the_delay_of_an_acknowledgment() {
    assert_eq!(TailLossProbe::interval(None, false), Duration::from_secs(1));
    assert_eq!(TailLossProbe::interval(Some(10 * MS), false), 22 * MS);
    assert_eq!(TailLossProbe::interval(Some(10 * MS), true), 60 * MS);
    assert_eq!(TailLossProbe::interval(Some(Duration::MAX), true), Duration::MAX);
}

// proves: rfc8985-probe-conditions
#[test]
fn second_probe_waits_for_acknowledgment_and_sample() {
    let mut probe = sent(false);
    probe.sampled();
    assert!(!probe.is_permitted(), "two probes are outstanding");
    probe.acknowledged(ack(1_000));
    assert!(probe.is_permitted());
    let mut probe = sent(false);
    probe.acknowledged(ack(1_000));
    assert!(!probe.is_permitted(), "no sample was taken since the last probe");
}

// proves: rfc8985-probe-repaired
#[test]
fn acknowledgment_beyond_a_retransmission_means_a_repaired_loss() {
    let mut probe = sent(true);
    assert!(!probe.acknowledged(ack(999)) && !probe.acknowledged(ack(1_000)));
    assert!(probe.acknowledged(ack(1_001)));
    assert!(!probe.acknowledged(ack(1_002)), "the loss counts twice");

    let mut probe = sent(false);
    assert!(!probe.acknowledged(ack(1_001)), "new data repairs no loss");
    let mut probe = sent(true);
    assert!(!probe.acknowledged(ProbeAck { is_duplicate_report: true, ..ack(1_001) }));
    assert!(!probe.acknowledged(ack(1_002)), "both transmissions were received");
    let mut probe = sent(true);
    assert!(!probe.acknowledged(ProbeAck { is_duplicate_ack: true, ..ack(1_000) }));
    assert!(!probe.acknowledged(ack(1_001)), "both transmissions were received");
}

// proves: rfc8985-probe-reset
#[test]
fn recovery_ends_the_probing() {
    let mut probe = sent(true);
    probe.is_due = true;
    probe.reset();
    assert!(!probe.is_due && !probe.acknowledged(ack(1_001)));
    probe.sampled();
    assert!(probe.is_permitted());
}

#[test]
fn report_of_other_data_is_no_report_of_the_probe() {
    let probe = sent(true);
    assert!(!probe.ends_at(SequenceNumber::new(999)) && !probe.ends_at(SequenceNumber::new(1_001)));
    assert!(!TailLossProbe::new().ends_at(SequenceNumber::new(1_000)));
}
