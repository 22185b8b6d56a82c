use super::*;

// proves: rfc5227-constants
#[test]
fn constants_equal_rfc_3927_section_9() {
    let spans = [
        PROBE_WAIT,
        PROBE_MIN,
        PROBE_MAX,
        ANNOUNCE_WAIT,
        ANNOUNCE_INTERVAL,
        RATE_LIMIT_INTERVAL,
        DEFEND_INTERVAL,
    ];
    assert_eq!(spans.map(|span| span.as_millis()), [1_000, 1_000, 2_000, 2_000, 2_000, 60_000, 10_000]);
    assert_eq!([PROBE_NUM, ANNOUNCE_NUM, MAX_CONFLICTS], [3, 2, 10]);
}
