//! Runs a kind of work a number of times.

use std::hint::black_box;

use crate::contenders::Work;
use crate::frames::{ANSWER, PACKET, REPLY, request};

/// Number of packets that are rewritten in rotation, so that no packet is read while its previous write is pending.
const ROTATION: usize = 64;

/// Bytes aligned to a cache line, so that every contender reads the same number of lines. The bytes and the results are
/// on the stack, so that their distance is the same in every run.
#[repr(align(64))]
struct Aligned<T>(T);

/// Runs a kind of work a given number of times.
pub(crate) type Run = Box<dyn FnMut(usize)>;

/// Prepares a kind of work on the request of 42 bytes, or on the ARP packet in the request.
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
