//! Data streams: every byte arrives once and in order, both connections end, and no memory stays in use.

use std::time::Duration;

use proptest::prelude::*;
use tcp::{BufferSize, CongestionControl, TcpSettings};

use crate::link::Faults;
use crate::sides::{CLIENT, Pair, SERVER, Setup};
use crate::superframe::Superframes;
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

// proves: tcp-superframe
#[test]
fn streams_arrive_in_superframes() {
    for superframes in [Superframes::Cut, Superframes::Whole] {
        let setup = Setup { superframes, ..Setup::default() };
        let pair = exchange(&setup, [3_000_000, 300_000], [(0, 0); 2]);
        assert_eq!(pair.sides.each_ref().map(|side| side.refused), [0, 0]);
        let segments = pair.trace.len();
        assert!(pair.superframes_sent > 20, "{} superframes, {segments} segments", pair.superframes_sent);
    }
}

#[test]
fn receive_buffer_grows_when_each_frame_is_a_superframe() {
    let size = BufferSize { initial: 64 << 10, maximum: 6 << 20 };
    let settings = TcpSettings { receive_buffer: size, send_buffer: size, ..TcpSettings::default() };
    let setup = Setup { settings: [settings; 2], superframes: Superframes::Whole, ..Setup::default() };
    let mut pair = Pair::established(&setup);
    let start = pair.now;
    pair.sides[CLIENT].to_write = 40_000_000;
    pair.run_until(|pair| pair.sides[SERVER].read == 40_000_000);
    trace::check(&pair);
    let info = pair.sides[SERVER].connection.as_ref().expect("the server has a connection").info(pair.now);
    assert!(info.receive_buffer > 1 << 20, "the buffer has {} bytes", info.receive_buffer);
    // The round-trip time is ten milliseconds. With the first buffer, the transfer would take six seconds.
    let time = pair.now.since(start);
    assert!(time < Duration::from_millis(600), "the transfer takes {time:?}");
    assert!(pair.superframes_sent > 500, "{} superframes", pair.superframes_sent);
}

#[test]
fn superframes_arrive_in_small_receive_buffers() {
    for (receive, portion, limit) in [
        (1_024, 100, 12_000),
        (4_096, 0, 3_000),
        (20_000, 3_000, 700),
        (65_536, 10_000, 400),
        (65_536, 0, 400),
    ] {
        let size = BufferSize { initial: receive, maximum: receive };
        let settings =
            TcpSettings { receive_buffer: size, time_wait: Duration::ZERO, ..TcpSettings::default() };
        let setup = Setup { settings: [settings; 2], superframes: Superframes::Whole, ..Setup::default() };
        let start = Pair::new(&setup).now;
        let pair = exchange(&setup, [500_000, 100_000], [(portion, 1); 2]);
        // Probes of a window that does not open would take much longer.
        let time = pair.now.since(start);
        assert!(time < Duration::from_millis(limit), "{receive} bytes: the transfer takes {time:?}");
    }
}

#[test]
fn superframes_arrive_over_a_link_with_all_faults() {
    let faults = Faults { loss: 10, duplication: 10, corruption: 5, reordering: 20 };
    for superframes in [Superframes::Cut, Superframes::Whole] {
        let pair =
            exchange(&Setup { faults, superframes, ..Setup::default() }, [300_000, 200_000], [(0, 0); 2]);
        assert!(pair.superframes_sent > 20, "{} superframes", pair.superframes_sent);
    }
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
        superframes in prop::sample::select(&Superframes::ALL),
    ) {
        let delay = Duration::from_millis(delay);
        let setup = Setup { settings, mtu, initial_sequence, is_simultaneous, faults, delay, seed, superframes };
        exchange(&setup, bytes, users);
    }
}
