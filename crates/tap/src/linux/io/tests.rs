use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;

use nix::errno::Errno;

use super::read_write::ErrorClass;
use super::*;
use crate::linux::node::classify;
use crate::{Frame, Offload};

/// I/O over one end of a pair of sockets, which read and write like a TAP, and the other end.
struct Fixture {
    frame_io: FrameIo,
    near: End,
    peer: UnixDatagram,
    counters: DeviceCounters,
    pool: Pool,
}

/// End of a pair that reads and writes bare frames.
struct End(UnixDatagram);

impl FrameFile for End {
    fn receive(&mut self, frame: &mut Frame, _: &mut Pool) -> io::Result<()> {
        read_write::fill(frame, |space| Ok((self.0.recv(space)?, Offload::default())))
    }

    fn transmit(&mut self, frames: &mut Batch) -> (usize, io::Result<usize>) {
        read_write::write_one(frames, |frame| self.0.send(frame.bytes()))
    }

    fn classify(error: &io::Error) -> ErrorClass {
        error.raw_os_error().map_or(ErrorClass::DeviceFailed, |errno| classify(Errno::from_raw(errno)))
    }
}

impl Fixture {
    fn new(io: Io) -> Fixture {
        let (near, peer) = UnixDatagram::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let frame_io = FrameIo::new(io, near.as_fd()).unwrap();
        Fixture {
            frame_io,
            near: End(near),
            peer,
            counters: DeviceCounters::default(),
            pool: Pool::new(100, 256),
        }
    }

    /// Sends this many frames, and answers each frame. Returns the number of frames per read, and whether the ring was
    /// used.
    fn exchange(&mut self, frames: usize) -> Vec<(usize, bool)> {
        for _ in 0..frames {
            self.peer.send(&[1; 60]).unwrap();
        }
        let mut batch = Batch::new(IoRing::BATCH);
        let mut reads = Vec::new();
        loop {
            let uses_ring = self.frame_io.uses_ring;
            let Fixture { frame_io, near, counters, pool, .. } = self;
            let added = frame_io.receive(near, counters, pool, &mut batch).unwrap().frames;
            frame_io.transmit(near, counters, &mut batch, pool).unwrap();
            if added == 0 {
                break;
            }
            reads.push((added, uses_ring));
        }
        // The sockets' queues hold all the frames of a test.
        let mut space = [0; 128];
        (0..frames).for_each(|_| assert_eq!(self.peer.recv(&mut space).unwrap(), 60));
        reads
    }
}

#[test]
fn auto_io_uses_ring_under_load_only() {
    let mut fixture = Fixture::new(Io::Auto);
    assert_eq!(
        fixture.exchange(200),
        [
            (1, false),
            (2, false),
            (4, false),
            (8, false),
            (16, false),
            (32, false),
            (64, true),
            (64, true),
            (9, true)
        ]
    );
    let single: Vec<bool> =
        (0..6).flat_map(|_| fixture.exchange(1)).map(|(_, uses_ring)| uses_ring).collect();
    assert_eq!(single, [true, false, false, false, false, false]);
    assert!(fixture.pool.held() == 0 && fixture.frame_io.ring.is_some_and(|ring| ring.is_idle()));
}

#[test]
fn auto_io_tries_both_methods_under_load() {
    let mut fixture = Fixture::new(Io::Auto);
    // Each exchange moves about 270 frames under heavy load, and a trial has 1,024 frames.
    let methods: Vec<bool> = (0..10)
        .flat_map(|_| fixture.exchange(200))
        .filter(|(added, _)| *added == IoRing::BATCH)
        .map(|(_, uses_ring)| uses_ring)
        .collect();
    let changes = methods.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert_eq!((methods.first(), changes), (Some(&true), 3), "{methods:?}");
}

#[test]
fn selected_io_is_kept_under_any_load() {
    for (io, by_ring) in [(Io::Ring, true), (Io::ReadWrite, false)] {
        let mut fixture = Fixture::new(io);
        let reads =
            [fixture.exchange(200), fixture.exchange(1), fixture.exchange(1), fixture.exchange(200)].concat();
        assert!(reads.iter().all(|(_, uses_ring)| *uses_ring == by_ring), "{reads:?}");
    }
}

#[test]
fn auto_io_uses_read_and_write_when_ring_is_refused() {
    // The kernel cannot read this file without waiting.
    let file = File::open("/proc/self/cmdline").unwrap();
    assert!(FrameIo::new(Io::Ring, file.as_fd()).is_err());
    let without_ring = FrameIo::new(Io::Auto, file.as_fd()).unwrap();
    assert_eq!(without_ring.ring_error().and_then(io::Error::raw_os_error), Some(libc::EOPNOTSUPP));

    let mut fixture = Fixture::new(Io::Auto);
    fixture.frame_io = without_ring;
    let reads = fixture.exchange(200);
    assert_eq!(reads.iter().map(|(added, _)| added).sum::<usize>(), 200);
    assert!(reads.iter().all(|(_, uses_ring)| !uses_ring), "{reads:?}");
}
