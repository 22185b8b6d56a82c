//! TAPs with `io_uring`.

use tap::linux::{Io, PacketSocket, Tap};
use tap::{Batch, Device, Pool, Token, Transmitted};

use super::driver::{self, LOCAL_MAC, wire_with};
use testbed::{Case, TestResult, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("kernel_learns_mac_address_from_arp_reply_by_ring", || {
        driver::kernel_learns_mac_address_from_arp_reply_by(Io::Ring)
    }),
    ("tap_receives_again_after_interface_was_down_by_ring", || {
        driver::tap_receives_again_after_interface_was_down_by(Io::Ring)
    }),
    ("tap_is_gone_when_interface_is_deleted_by_ring", || {
        driver::tap_is_gone_when_interface_is_deleted_by(Io::Ring)
    }),
    ("too_short_frame_is_refused_and_counted_by_ring", || {
        driver::too_short_frame_is_refused_and_counted_by(Io::Ring)
    }),
    ("name_is_free_when_ring_is_dropped", name_is_free_when_ring_is_dropped),
    ("burst_is_echoed_completely_and_in_order_by_any_io", burst_is_echoed_completely_and_in_order_by_any_io),
    ("frames_share_system_calls_under_load_only", frames_share_system_calls_under_load_only),
    (
        "refused_tokens_of_frames_in_flight_are_reported_once",
        refused_tokens_of_frames_in_flight_are_reported_once,
    ),
];

/// Number of frames in a burst. The queues of interfaces and sockets hold more.
const BURST: u16 = 250;
/// EtherType for local experiments (IEEE 802).
const LOCAL_EXPERIMENT: [u8; 2] = [0x88, 0xb5];

/// Opens a TAP with this I/O method, and a packet socket that has sent a burst of numbered frames to it.
fn burst(io: Io) -> Result<(Tap, PacketSocket), Box<dyn std::error::Error>> {
    let tap = wire_with(io)?;
    let mut peer = PacketSocket::open(tap.interface().name())?;
    let (mut pool, mut batch) = (Pool::new(1_500, BURST.into()), Batch::new(BURST.into()));
    for number in 0..BURST {
        let mut frame = pool.take().ok_or("pool is exhausted")?;
        let addresses = [LOCAL_MAC, [2, 0, 0, 0, 0, 1]].concat();
        frame.write(&[&addresses[..], &LOCAL_EXPERIMENT, &number.to_be_bytes()].concat())?;
        batch.push(frame).map_err(|_| "batch is full")?;
    }
    assert_eq!(peer.transmit(&mut batch, &mut pool)?.sent, usize::from(BURST));
    Ok((tap, peer))
}

/// Returns the numbers of the frames that the peer receives.
fn numbers(peer: &mut PacketSocket) -> Result<Vec<u16>, Box<dyn std::error::Error>> {
    let (mut pool, mut batch) = (Pool::new(1_500, 64), Batch::new(64));
    let mut received = Vec::new();
    while peer.receive(&mut pool, &mut batch)?.frames > 0 {
        while let Some(frame) = batch.pop() {
            if let Some(&[a, b]) = frame.bytes().strip_prefix(&LOCAL_MAC).and_then(|rest| rest.get(8..10)) {
                received.push(u16::from_be_bytes([a, b]));
            }
            pool.give(frame);
        }
    }
    Ok(received)
}

fn name_is_free_when_ring_is_dropped() -> TestResult {
    for _ in 0..20 {
        let mut tap = Tap::options().io(Io::Ring).open("ring0")?;
        tap.interface().set_up(true)?;
        let (mut pool, mut batch) = (Pool::new(1_500, 64), Batch::new(64));
        tap.receive(&mut pool, &mut batch)?;
    }
    Ok(())
}

fn burst_is_echoed_completely_and_in_order_by_any_io() -> TestResult {
    for io in [Io::ReadWrite, Io::Auto, Io::Ring, Io::Offload] {
        let (mut tap, mut peer) = burst(io)?;
        let (mut pool, mut batch) = (Pool::new(1_500, 256), Batch::new(64));
        let in_flight = wait_for("burst", || {
            tap.receive(&mut pool, &mut batch).ok()?;
            let transmitted = tap.transmit(&mut batch, &mut pool).ok()?;
            (tap.counters().transmitted >= BURST.into()).then_some(transmitted.in_flight)
        })?;
        assert!(numbers(&mut peer)?.into_iter().eq(0..BURST), "{io:?}");
        assert_eq!((pool.held(), in_flight), (0, 0), "{io:?}");
    }
    Ok(())
}

fn frames_share_system_calls_under_load_only() -> TestResult {
    let (mut tap, _peer) = burst(Io::Auto)?;
    assert!(tap.ring_error().is_none());
    let (mut pool, mut batch) = (Pool::new(1_500, 256), Batch::new(64));
    let mut in_flight = Vec::new();
    while tap.receive(&mut pool, &mut batch)?.frames > 0 || in_flight.last().is_some_and(|count| *count > 0) {
        in_flight.push(tap.transmit(&mut batch, &mut pool)?.in_flight);
    }
    assert_eq!(in_flight.first(), Some(&0), "the first frame was not written immediately");
    assert!(in_flight.contains(&64), "{in_flight:?}");

    let (mut tap, _peer) = burst(Io::ReadWrite)?;
    while tap.receive(&mut pool, &mut batch)?.frames > 0 {
        assert_eq!(tap.transmit(&mut batch, &mut pool)?.in_flight, 0);
    }
    Ok(())
}

fn refused_tokens_of_frames_in_flight_are_reported_once() -> TestResult {
    for io in [Io::ReadWrite, Io::Auto, Io::Ring] {
        let (mut tap, _peer) = burst(io)?;
        let (mut pool, mut batch) = (Pool::new(1_500, 256), Batch::new(64));
        // Under load, a ring keeps the frames of a full batch in flight.
        wait_for("full batch", || {
            (tap.receive(&mut pool, &mut batch).ok()?.frames == 64).then_some(()).or_else(|| {
                tap.transmit(&mut batch, &mut pool).ok()?;
                None
            })
        })?;
        let mut numbered = Batch::new(64);
        for number in 1..=64 {
            let mut frame = batch.pop().ok_or("the batch is not full")?;
            frame.set_token(Token::new(number));
            numbered.push(frame).map_err(|_| "the batch is full")?;
        }
        let mut transmitted = Transmitted::default();
        if io != Io::ReadWrite {
            transmitted = tap.transmit(&mut numbered, &mut pool)?;
            assert_eq!((transmitted.in_flight, transmitted.refused), (64, 0), "{io:?}");
        }
        tap.interface().set_up(false)?;
        tap.receive(&mut pool, &mut batch)?;
        while let Some(frame) = batch.pop() {
            pool.give(frame);
        }
        transmitted.refused = tap.transmit(&mut numbered, &mut pool)?.refused;
        assert_eq!((transmitted.refused, tap.counters().refused, pool.held()), (64, 64, 0), "{io:?}");
        let tokens: Vec<_> = std::iter::from_fn(|| numbered.take_refused()).map(Token::value).collect();
        assert!(tokens.into_iter().eq(1..=64), "{io:?}");
        assert_eq!(tap.transmit(&mut numbered, &mut pool)?.refused, 0, "{io:?}");
        assert_eq!(numbered.take_refused(), None, "{io:?}");
    }
    Ok(())
}
