//! Data streams: every byte arrives once and in order, both connections end, and no memory stays in use.

use std::time::Duration;

use proptest::prelude::*;
use tcp::{BufferSize, CongestionControl, TcpSettings};

use crate::link::Faults;
use crate::sides::{Pair, Setup};
use crate::trace;

/// Exchanges data in both directions until both connections have ended.
fn exchange(setup: &Setup, bytes: [u64; 2], users: [(usize, u64); 2]) -> Pair {
    let mut pair = Pair::new(setup);
    for ((side, bytes), (portion, pause)) in pair.sides.iter_mut().zip(bytes).zip(users) {
        (side.to_write, side.portion, side.pause) = (bytes, portion, Duration::from_millis(pause));
    }
    pair.run_until(Pair::is_finished);
    pair.assert_finished();
    trace::check(&pair);
    pair
}

#[test]
fn streams_arrive_without_faults() {
    let pair = exchange(&Setup::default(), [1_000_000, 300_000], [(0, 0); 2]);
    assert_eq!(pair.sides.map(|side| side.refused), [0, 0]);
}

#[test]
fn streams_arrive_over_a_link_with_all_faults() {
    let faults = Faults { loss: 10, duplication: 10, corruption: 5, reordering: 20 };
    let pair = exchange(&Setup { faults, ..Setup::default() }, [300_000, 200_000], [(0, 0); 2]);
    assert!(pair.sides.iter().all(|side| side.refused > 0), "no segment was corrupted");
}

#[test]
fn streams_arrive_after_simultaneous_open() {
    let setup = Setup { is_simultaneous: true, ..Setup::default() };
    exchange(&setup, [10_000, 10_000], [(0, 0); 2]);
}

fn sequence() -> impl Strategy<Value = u32> {
    prop_oneof![
        any::<u32>(),
        (0_u32..70_000).prop_map(|distance| u32::MAX - distance),
        (0_u32..70_000).prop_map(|distance| (1 << 31) - 1 - distance),
    ]
}

fn congestion() -> impl Strategy<Value = CongestionControl> {
    prop_oneof![
        Just(CongestionControl::Cubic),
        Just(CongestionControl::NewReno),
        Just(CongestionControl::None),
    ]
}

prop_compose! {
    fn settings()(
        options in any::<[bool; 4]>(),
        receive in prop_oneof![1_024_usize..8_000, Just(65_536)],
        send in prop_oneof![1_000_usize..8_000, Just(16 << 10)],
        segment_size in prop_oneof![3 => Just(None), 1 => (64_u16..1_460).prop_map(Some)],
        congestion in congestion(),
    ) -> TcpSettings {
        let [timestamps, sack, window_scaling, nagle] = options;
        TcpSettings {
            timestamps,
            sack,
            window_scaling,
            nagle,
            receive_buffer: BufferSize { initial: receive, maximum: receive * 16 },
            send_buffer: BufferSize { initial: send, maximum: send * 16 },
            maximum_segment_size: segment_size,
            congestion,
            ..TcpSettings::default()
        }
    }
}

fn faults() -> impl Strategy<Value = Faults> {
    (0_u64..40, 0_u64..30, 0_u64..20, 0_u64..60).prop_map(|(loss, duplication, corruption, reordering)| {
        Faults { loss, duplication, corruption, reordering }
    })
}

/// The portions and the pauses of a user.
fn user() -> impl Strategy<Value = (usize, u64)> {
    prop_oneof![Just((0, 0)), (1_usize..3_000, 0_u64..50), (1_usize..20_000, 0_u64..2_000)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_byte_arrives_once_and_in_order(
        settings in [settings(), settings()],
        mtu in [576_u16..9_000, 576_u16..9_000],
        initial_sequence in [sequence(), sequence()],
        is_simultaneous in any::<bool>(),
        faults in faults(),
        delay in 0_u64..200,
        seed in any::<u64>(),
        bytes in [1_u64..40_000, 1_u64..40_000],
        users in [user(), user()],
    ) {
        let delay = Duration::from_millis(delay);
        let setup = Setup { settings, mtu, initial_sequence, is_simultaneous, faults, delay, seed };
        exchange(&setup, bytes, users);
    }
}
