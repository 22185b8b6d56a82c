//! The MTU of the path to the peer.

use super::*;

// proves: rfc1191-increase
#[test]
fn path_mtu_increases_only_ten_minutes_after_its_decrease() {
    let mut rig = Rig::established(&plain());
    rig.write(&pattern(FULL));
    assert_eq!(rig.sent_lengths(), [FULL]);
    let mut acknowledged = 1 + 1_460;
    rig.acknowledge(acknowledged);
    let minute = Duration::from_mins(1);
    let short = [960, 500].as_slice();
    // The second decrease restarts the time.
    for (passed, mtu, expected) in [
        (Duration::ZERO, 1_200, &[1_160, 300][..]),
        (minute * 9, 1_000, short),
        (minute, 1_500, short),
        ((minute * 9).saturating_sub(Duration::from_millis(1)), 1_500, short),
        (Duration::from_millis(1), 1_500, &[FULL][..]),
    ] {
        rig.pass(passed);
        rig.connection.set_mtu(rig.now, mtu);
        rig.write(&pattern(FULL));
        assert_eq!(rig.sent_lengths(), expected, "MTU {mtu} after {passed:?}");
        acknowledged += 1_460;
        rig.acknowledge(acknowledged);
    }
}
