use super::*;

#[test]
fn replies_are_assigned_without_allocation_when_warm() {
    let at = |number: u64| Instant::from_nanos(number * 1_000_000);
    let mut requests = SentRequests::default();
    // A station that probes may send a packet before the first request.
    requests.answer(at(0), MacAddr::new([2, 0, 0, 0, 0, 1]), true);
    let numbers = (1_u64..).take(2 * MAX_REQUESTS);
    numbers.clone().for_each(|number| requests.add(at(number), number));
    let later = numbers.map(|number| number + 10_000);
    let (mut answered, mac) = (0, MacAddr::new([2, 0, 0, 0, 0, 1]));
    let allocated = allocation_counter::measure(|| {
        for number in later {
            answered += u64::from(!requests.answer(at(number), mac, true).is_duplicate);
            requests.add(at(number), number);
        }
    });
    assert!(answered > 1, "no request was answered");
    assert_eq!(allocated.count_total, 0, "allocations for replies");
}
