use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;

use super::*;

/// Ring over one end of a pair of sockets, which read and write like a TAP, and the other end.
struct Fixture {
    ring: IoRing,
    counters: DeviceCounters,
    pool: Pool,
    arrived: Batch,
    departing: Batch,
    near: UnixDatagram,
    peer: UnixDatagram,
}

impl Fixture {
    fn new() -> Fixture {
        let (near, peer) = UnixDatagram::pair().unwrap();
        peer.set_nonblocking(true).unwrap();
        Fixture {
            ring: IoRing::new(near.as_fd()).unwrap(),
            counters: DeviceCounters::default(),
            pool: Pool::new(100, 1_024),
            arrived: Batch::new(64),
            departing: Batch::new(1_024),
            near,
            peer,
        }
    }

    fn receive(&mut self) -> usize {
        self.receive_at_most(64)
    }

    fn receive_at_most(&mut self, limit: usize) -> usize {
        self.ring.receive(&mut self.counters, &mut self.pool, &mut self.arrived, limit).unwrap().frames
    }

    /// Returns the number of transmitted frames, and the number of frames in flight.
    fn transmit(&mut self) -> (usize, usize) {
        let Transmitted { sent, in_flight, .. } = self.transmit_all();
        (sent, in_flight)
    }

    fn transmit_all(&mut self) -> Transmitted {
        self.ring.transmit(&mut self.counters, &mut self.departing, &mut self.pool).unwrap()
    }

    /// Receives a full batch, so that the ring expects more frames.
    fn receive_full_batch(&mut self) {
        for number in up_to(64) {
            self.peer.send(&[number]).unwrap();
        }
        assert_eq!(self.receive(), 64);
        assert_eq!(self.take(), up_to(64));
    }

    /// Returns the first bytes of the received frames, and the frames to the pool.
    fn take(&mut self) -> Vec<u8> {
        let mut first_bytes = Vec::new();
        while let Some(frame) = self.arrived.pop() {
            first_bytes.push(frame.bytes()[0]);
            self.pool.give(frame);
        }
        first_bytes
    }

    fn push(&mut self, bytes: &[u8]) {
        let mut frame = self.pool.take().unwrap();
        frame.write(bytes).unwrap();
        self.departing.push(frame).unwrap();
    }

    /// Returns the first bytes of the frames that the peer receives.
    fn received(&self) -> Vec<u8> {
        let mut space = [0; 128];
        std::iter::from_fn(|| self.peer.recv(&mut space).ok().map(|_| space[0])).collect()
    }
}

/// Returns the numbers below `bound`.
fn up_to(bound: u8) -> Vec<u8> {
    (0..bound).collect()
}

#[test]
fn ring_receive_returns_at_once_when_no_frame_waits() {
    let mut fixture = Fixture::new();
    for _ in 0..100 {
        assert_eq!(fixture.receive(), 0);
    }
    assert_eq!(fixture.pool.held(), 0);
    assert_eq!(fixture.counters, DeviceCounters { calls: 100, ..DeviceCounters::default() });
}

#[test]
fn ring_receive_returns_frames_in_order_up_to_limit() {
    let mut fixture = Fixture::new();
    for number in up_to(12) {
        fixture.peer.send(&[number; 60]).unwrap();
    }
    assert_eq!((fixture.receive_at_most(1), fixture.receive_at_most(7)), (1, 7));
    fixture.push(&[1]);
    assert_eq!(fixture.transmit(), (1, 0), "write was deferred after few reads");
    assert_eq!((fixture.receive_at_most(8), fixture.receive_at_most(8)), (4, 0));
    assert_eq!(fixture.take(), up_to(12));
    assert_eq!((fixture.pool.held(), fixture.counters.received), (0, 12));
}

#[test]
fn ring_receive_reads_no_more_than_batch_capacity() {
    let mut fixture = Fixture::new();
    fixture.arrived = Batch::new(3);
    for number in up_to(5) {
        fixture.peer.send(&[number]).unwrap();
    }
    assert_eq!((fixture.receive(), fixture.receive()), (3, 0));
    assert_eq!(fixture.take(), [0, 1, 2]);
}

#[test]
fn ring_defers_writes_only_when_more_frames_wait() {
    let mut fixture = Fixture::new();
    fixture.push(&[1]);
    assert_eq!(fixture.transmit(), (1, 0));
    assert_eq!(fixture.received(), [1]);

    fixture.receive_full_batch();
    fixture.push(&[2]);
    assert_eq!(fixture.transmit(), (0, 1));
    assert!(fixture.received().is_empty());
    assert_eq!(fixture.receive(), 0);
    assert_eq!(
        (fixture.received(), fixture.ring.pending_writes, fixture.counters.transmitted),
        (vec![2], 0, 2)
    );
    fixture.take();
    assert_eq!(fixture.pool.held(), 0);
}

#[test]
fn ring_sends_frames_in_order_after_congestion() {
    let mut fixture = Fixture::new();
    let numbers: Vec<u8> = up_to(250).into_iter().cycle().take(1_000).collect();
    for number in &numbers {
        fixture.push(&[*number; 60]);
    }
    let mut received = Vec::new();
    for _ in 0..1_000 {
        assert!(fixture.transmit().1 <= IoRing::BATCH);
        if fixture.counters.congested > 0 {
            received.extend(fixture.received());
        }
    }
    assert_eq!(received, numbers);
    assert_eq!(
        (fixture.ring.pending_writes, fixture.pool.held(), fixture.counters.transmitted),
        (0, 0, 1_000)
    );
}

#[test]
fn ring_drops_and_counts_truncated_frame() {
    let mut fixture = Fixture::new();
    fixture.peer.send(&[1; 2_000]).unwrap();
    fixture.peer.send(&[2; 60]).unwrap();
    assert_eq!((fixture.receive_at_most(1), fixture.receive_at_most(1)), (0, 1));
    assert_eq!((fixture.counters.truncated, fixture.take()), (1, vec![2]));
    assert_eq!(fixture.pool.held(), 0);
}

#[test]
fn ring_sends_frames_in_flight_when_dropped() {
    let mut fixture = Fixture::new();
    fixture.receive_full_batch();
    fixture.push(&[3]);
    fixture.transmit();
    let Fixture { ring, peer, near, .. } = fixture;
    drop(ring);
    let mut space = [0; 8];
    assert_eq!(peer.recv(&mut space).unwrap(), 1);
    drop(near);
    assert!(peer.send(&[1]).is_err(), "the ring still holds its end open");
}

#[test]
fn ring_returns_frames_before_failure_that_follows_them() {
    let mut fixture = Fixture::new();
    fixture.peer.send(&[1]).unwrap();
    fixture.ring.failure = Some(DeviceError::Failed(Errno::EBADF.into()));
    assert_eq!(fixture.receive(), 1);
    let result = fixture.ring.receive(&mut fixture.counters, &mut fixture.pool, &mut fixture.arrived, 64);
    assert!(matches!(result, Err(DeviceError::Failed(_))));
}

#[test]
fn ring_counts_errors_of_frames_and_keeps_errors_of_device() {
    let mut fixture = Fixture::new();
    let mut counters = DeviceCounters::default();
    fixture.ring.read_failed(Errno::EAGAIN, &mut counters);
    fixture.ring.read_failed(Errno::EIO, &mut counters);
    fixture.ring.write_failed(Errno::EINVAL, Token::new(7), &mut counters);
    assert_eq!((counters.unreadable, counters.refused), (1, 1));
    assert!(fixture.ring.failure.is_none());
    fixture.ring.write_failed(Errno::EBADFD, Token::NONE, &mut counters);
    assert!(matches!(fixture.ring.failure, Some(DeviceError::Gone(_))));
    fixture.ring.read_failed(Errno::EBADF, &mut counters);
    assert!(matches!(fixture.ring.failure, Some(DeviceError::Failed(_))));
}

#[test]
fn ring_is_refused_when_file_cannot_be_read_without_waiting() {
    let file = File::open("/proc/self/cmdline").unwrap();
    let error = IoRing::new(file.as_fd()).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EOPNOTSUPP));
}

#[test]
fn ring_uses_one_system_call_for_writes_and_next_reads() {
    let mut fixture = Fixture::new();
    for _ in 0..4 {
        fixture.receive_full_batch();
        for number in up_to(64) {
            fixture.push(&[number]);
        }
        assert_eq!(fixture.transmit(), (0, 64));
    }
    fixture.receive();
    assert_eq!(
        (fixture.counters.calls, fixture.counters.received, fixture.counters.transmitted),
        (5, 256, 256)
    );
}

#[test]
fn ring_reports_token_of_frame_refused_in_flight_at_next_transmit() {
    let mut fixture = Fixture::new();
    for token in [Token::new(2), Token::NONE, Token::new(4)] {
        fixture.ring.write_failed(Errno::EIO, token, &mut fixture.counters);
    }
    assert!(!fixture.ring.is_idle());
    assert_eq!(fixture.transmit_all(), Transmitted { refused: 3, ..Transmitted::default() });
    let tokens: Vec<_> = std::iter::from_fn(|| fixture.departing.take_refused()).map(Token::value).collect();
    assert_eq!((tokens, fixture.ring.is_idle()), (vec![2, 4], true));
    assert_eq!((fixture.transmit_all(), fixture.departing.take_refused()), (Transmitted::default(), None));
}

#[test]
fn ring_keeps_tokens_while_batch_has_no_capacity() {
    let mut fixture = Fixture::new();
    fixture.departing = Batch::new(1);
    for token in [Token::new(1), Token::new(2)] {
        fixture.ring.write_failed(Errno::EIO, token, &mut fixture.counters);
    }
    for token in [Token::new(1), Token::new(2)] {
        fixture.transmit();
        assert_eq!(fixture.departing.take_refused(), Some(token));
    }
    assert!(fixture.ring.is_idle());
}
