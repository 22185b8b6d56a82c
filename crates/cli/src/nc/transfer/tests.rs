use super::*;

const START: Instant = Instant::ORIGIN;

fn after(seconds: u64) -> Instant {
    START + Duration::from_secs(seconds)
}

fn wait(seconds: u64) -> TransferStep {
    TransferStep::Wait(Some(Duration::from_secs(seconds)))
}

#[test]
fn transfer_without_limits_does_not_end() {
    let mut transfer = Transfer::new(START, TransferLimits::default());
    assert_eq!(transfer.next(after(1), true), TransferStep::Wait(None));
    transfer.input_ended(after(1));
    assert_eq!(transfer.next(after(1_000), true), TransferStep::Wait(None));
}

#[test]
fn quit_time_starts_at_end_of_input_and_ends_after_data_is_sent() {
    let limits = TransferLimits { quit: Some(Duration::from_secs(2)), ..TransferLimits::default() };
    let mut transfer = Transfer::new(START, limits);
    assert_eq!(transfer.next(after(10), true), TransferStep::Wait(None));
    transfer.input_ended(after(10));
    assert_eq!(transfer.next(after(11), true), wait(1));
    transfer.received(after(11));
    assert_eq!(transfer.next(after(12), false), TransferStep::Wait(None));
    assert_eq!(transfer.next(after(12), true), TransferStep::Over);
}

#[test]
fn timeout_starts_again_after_data() {
    let limits = TransferLimits { timeout: Some(Duration::from_secs(3)), ..TransferLimits::default() };
    let mut transfer = Transfer::new(START, limits);
    assert_eq!(transfer.next(after(1), true), wait(2));
    transfer.read(after(2));
    transfer.received(after(4));
    assert_eq!(transfer.next(after(6), true), wait(1));
    assert_eq!(transfer.next(after(7), false), TransferStep::Over);
}

#[test]
fn transfer_ends_after_number_of_received_datagrams() {
    let mut transfer = Transfer::new(START, TransferLimits { count: Some(2), ..TransferLimits::default() });
    transfer.received(START);
    assert_eq!((transfer.is_complete(), transfer.next(START, true)), (false, TransferStep::Wait(None)));
    transfer.received(START);
    assert_eq!((transfer.is_complete(), transfer.next(START, false)), (true, TransferStep::Over));
}

#[test]
fn reads_keep_interval() {
    let limits = TransferLimits { interval: Duration::from_secs(5), ..TransferLimits::default() };
    let mut transfer = Transfer::new(START, limits);
    assert!(transfer.may_read(START));
    transfer.read(START);
    assert!(!transfer.may_read(after(4)));
    assert_eq!(transfer.next(after(4), true), wait(1));
    assert!(transfer.may_read(after(5)));
    transfer.input_ended(after(5));
    assert!(!transfer.may_read(after(20)), "the input was read after its end");
}
