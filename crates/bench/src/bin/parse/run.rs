//! The work itself, so many times over.

use std::hint::black_box;

use crate::contenders::Work;
use crate::frames::{ANSWER, PACKET, REPLY, request};

/// So many packets are rewritten in turn that none is read while it is still being written.
const IN_TURN: usize = 64;

/// Does a work a given number of times.
pub(crate) type Run = Box<dyn FnMut(usize)>;

/// The work, ready to be done: on the request of 42 octets, or the packet in it.
pub(crate) fn of(work: Work) -> Run {
    match work {
        Work::Read(_, read) => {
            let frame = request();
            Box::new(move |times| {
                for _ in 0..times {
                    black_box(&read(black_box(&frame)));
                }
            })
        }
        Work::Build(build) => {
            let mut packet = PACKET;
            Box::new(move |times| {
                for _ in 0..times {
                    let _ = black_box(build(black_box(&REPLY), black_box(&mut packet)));
                }
            })
        }
        Work::Rewrite(rewrite) => {
            let mut packets = [PACKET; IN_TURN];
            Box::new(move |times| {
                for turn in 0..times {
                    let _ = black_box(rewrite(black_box(ANSWER), black_box(&mut packets[turn % IN_TURN])));
                }
            })
        }
    }
}
