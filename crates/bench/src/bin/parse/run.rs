//! The work itself, so many times over.

use std::hint::black_box;

use crate::contenders::Work;
use crate::frames::{ANSWER, PACKET, REPLY, request};

/// So many packets are rewritten in turn that none is read while it is still being written.
const ROTATION: usize = 64;

/// Octets that begin a cache line, so that nobody has them on two where another has them on one. They
/// lie on the stack, as results do: how far the two are apart is then the same in every run.
#[repr(align(64))]
struct Aligned<T>(T);

/// Does a work a given number of times.
pub(crate) type Run = Box<dyn FnMut(usize)>;

/// The work, ready to be done: on the request of 42 octets, or the packet in it.
pub(crate) fn of(work: Work) -> Run {
    match work {
        Work::Read(_, read) => {
            let request = request();
            Box::new(move |times| {
                let mut frame = Aligned([0; 64]);
                let bytes = &mut frame.0[..request.len()];
                bytes.copy_from_slice(&request);
                for _ in 0..times {
                    black_box(&read(black_box(bytes)));
                }
            })
        }
        Work::Build(build) => Box::new(move |times| {
            let mut packet = Aligned(PACKET);
            for _ in 0..times {
                let _ = black_box(build(black_box(&REPLY), black_box(&mut packet.0)));
            }
        }),
        Work::Rewrite(rewrite) => Box::new(move |times| {
            let mut packets = Aligned([PACKET; ROTATION]);
            for turn in 0..times {
                let packet = &mut packets.0[turn % ROTATION];
                let _ = black_box(rewrite(black_box(ANSWER), black_box(packet)));
            }
        }),
    }
}
