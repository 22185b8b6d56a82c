use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;

use super::*;

/// Frames over one end of a pair of sockets, and the other end.
struct Rig {
    carriage: Carriage,
    ours: UnixDatagram,
    peer: UnixDatagram,
    counters: Counters,
    pool: Pool,
    batch: Batch,
}

impl Rig {
    fn new(io: Io) -> Rig {
        let (ours, peer) = UnixDatagram::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        peer.set_nonblocking(true).unwrap();
        Rig {
            carriage: Carriage::new(io, ours.as_fd()).unwrap(),
            ours,
            peer,
            counters: Counters::default(),
            pool: Pool::new(100, 256),
            batch: Batch::new(256),
        }
    }

    /// Lets so many frames come, and receives once.
    fn receive(&mut self, come: usize) -> usize {
        for _ in 0..come {
            // A wire that is full takes no more.
            let _ = self.peer.send(&[7; 60]);
        }
        let Rig { carriage, ours, counters, pool, batch, .. } = self;
        carriage.receive(ours, counters, pool, batch).unwrap()
    }

    /// Sends all back that has come, and tells how many the peer hears.
    fn answer(&mut self) -> usize {
        let Rig { carriage, ours, counters, pool, batch, .. } = self;
        carriage.transmit(ours, counters, batch, pool).unwrap();
        std::iter::from_fn(|| self.peer.recv(&mut [0; 128]).ok()).count()
    }
}

#[test]
fn twice_as_many_are_read_when_all_came_and_fewer_when_not() {
    for io in [Io::ReadWrite, Io::Auto, Io::Ring] {
        let mut rig = Rig::new(io);
        let read: Vec<_> = [20, 0, 0, 0, 0].map(|come| rig.receive(come)).into();
        assert_eq!(read, [1, 2, 4, 8, 5], "{io:?}");
        let reads: Vec<_> = (0..5).map(|_| (rig.receive(0), rig.carriage.reads).1).collect();
        assert_eq!(reads, [4, 2, 1, 1, 1], "{io:?}");
        rig.answer();
        assert_eq!((rig.pool.held(), rig.carriage.in_flight()), (0, 0), "{io:?}");
    }
}

#[test]
fn under_load_the_ring_is_used_and_without_it_plain_calls() {
    let mut rig = Rig::new(Io::Auto);
    let mut ways = Vec::new();
    for come in [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] {
        rig.receive(come);
        ways.push(rig.carriage.by_ring);
        rig.answer();
    }
    assert!(!ways[0] && ways[7] && !ways[19], "{ways:?}");
    assert!(ways.windows(2).filter(|two| two[0] != two[1]).count() == 2, "{ways:?}");
    assert_eq!((rig.pool.held(), rig.carriage.in_flight()), (0, 0));
}

#[test]
fn each_way_stays_the_one_that_was_asked_for() {
    for (io, by_ring) in [(Io::ReadWrite, false), (Io::Ring, true)] {
        let mut rig = Rig::new(io);
        for come in [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0] {
            rig.receive(come);
            assert_eq!(rig.carriage.by_ring, by_ring);
            rig.answer();
        }
    }
}

#[test]
fn where_the_kernel_refuses_a_ring_plain_calls_do() {
    let file = File::open("/proc/self/cmdline").unwrap();
    assert!(Carriage::new(Io::Ring, file.as_fd()).is_err());
    let carriage = Carriage::new(Io::Auto, file.as_fd()).unwrap();
    let refused = carriage.refused().and_then(io::Error::raw_os_error);
    assert_eq!(refused, Some(libc::EOPNOTSUPP));
    assert!(carriage.ring.is_none() && !carriage.by_ring);

    // It carries frames, and stays with that whatever comes.
    let mut rig = Rig::new(Io::Auto);
    rig.carriage = carriage;
    for _ in 0..10 {
        rig.receive(64);
        rig.answer();
    }
    assert!(!rig.carriage.by_ring && rig.counters.received > 64);
}
