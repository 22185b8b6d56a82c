//! Benchmarks of parsing packets in frames and building replies, compared with an unsafe cast to a packed struct.
//!
//! The cast is the baseline. It works like a C program, makes the same checks and returns the same values, which is
//! asserted before timing. Criterion's times vary more between runs than the parser and the cast differ, so compare
//! only results of the same run.

use std::error::Error;
use std::hint::black_box;
use std::num::TryFromIntError;

use arp::{ArpReply, MacAddr, Operation, Packet, PacketFields};
use criterion::{Criterion, Throughput};
use link::{EtherType, EthernetFrame};

/// Baseline.
#[path = "cast/packet.rs"]
mod cast;

const LOCAL: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const PEER: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
/// Number of packets that are rewritten one after the other. The last write of a packet is then complete when the
/// packet is read again.
const BATCH: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default().configure_from_args();
    parsing(&mut criterion)?;
    building(&mut criterion)?;
    rewriting(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

fn parsing(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let (request, reply) = (packet(Operation::REQUEST)?, packet(Operation::REPLY)?);
    let plain = frame(&[&[8, 6], &request]);
    let padded = frame(&[&[8, 6], &reply, &[0; 18]]);
    let tagged = frame(&[&[0x81, 0, 0, 5, 8, 6], &request]);
    let truncated = (0..plain.len()).map(|length| plain.iter().copied().take(length).collect());
    let truncated: Vec<Vec<u8>> = truncated.collect();
    let mixed = [
        plain.clone(),
        padded.clone(),
        frame(&[&[8, 0], &[7; 100]]),
        tagged.clone(),
        frame(&[&[0x86, 0xdd], &[7; 72]]),
        frame(&[&[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 6], &reply]),
        frame(&[&[0, 36, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6], &request, &[0; 10]]),
        frame(&[&[8, 6], &[0, 19], &[7; 44]]),
        frame(&[&[8, 6], &[0, 1, 8, 0, 8], &[7; 41]]),
    ];
    parse(criterion, "packet/request", &[plain])?;
    parse(criterion, "packet/padded-reply", &[padded])?;
    parse(criterion, "packet/tagged", &[tagged])?;
    parse(criterion, "packet/mixed", &mixed)?;
    parse(criterion, "packet/truncated", &truncated)?;
    Ok(())
}

/// Times the parser and the cast over all `frames` in order.
fn parse(criterion: &mut Criterion, name: &str, frames: &[Vec<u8>]) -> Result<(), TryFromIntError> {
    for bytes in frames {
        assert_eq!(layered(bytes), cast::parse(bytes), "{bytes:02x?}");
    }
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(frames.len().try_into()?));
    group.bench_function("arp", |bencher| {
        bencher.iter(|| {
            for bytes in frames {
                black_box(layered(black_box(bytes)));
            }
        });
    });
    group.bench_function("cast", |bencher| {
        bencher.iter(|| {
            for bytes in frames {
                black_box(cast::parse(black_box(bytes)));
            }
        });
    });
    group.finish();
    Ok(())
}

/// Times writing a whole packet to the same buffer.
fn building(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let reply = fields(Operation::REPLY);
    let (mut written, mut cast_written) = ([0; PacketFields::LENGTH], [0; PacketFields::LENGTH]);
    reply.write_to(&mut written)?;
    cast::write(&reply, &mut cast_written).ok_or("buffer too short")?;
    assert_eq!(written, cast_written);

    let mut group = criterion.benchmark_group("packet/build-reply");
    group.bench_function("arp", |bencher| {
        bencher.iter(|| black_box(&reply).write_to(black_box(written.as_mut_slice())));
    });
    group.bench_function("cast", |bencher| {
        bencher.iter(|| cast::write(black_box(&reply), black_box(cast_written.as_mut_slice())));
    });
    group.finish();
    Ok(())
}

/// Times rewriting requests into replies in place.
fn rewriting(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let reply = ArpReply { mac: LOCAL, destination: PEER };
    let request = packet(Operation::REQUEST)?;
    let (mut rewritten, mut cast_rewritten) = ([request; BATCH], [request; BATCH]);
    for (bytes, cast_bytes) in rewritten.iter_mut().zip(&mut cast_rewritten) {
        reply.write_over(bytes)?;
        cast::write_over(reply, cast_bytes).ok_or("buffer too short")?;
        assert_eq!(bytes, cast_bytes);
    }

    let mut group = criterion.benchmark_group("packet/rewrite-request");
    group.throughput(Throughput::Elements(BATCH.try_into()?));
    group.bench_function("arp", |bencher| {
        bencher.iter(|| {
            for bytes in &mut rewritten {
                let _ = black_box(black_box(reply).write_over(black_box(bytes.as_mut_slice())));
            }
        });
    });
    group.bench_function("cast", |bencher| {
        bencher.iter(|| {
            for bytes in &mut cast_rewritten {
                let _ = black_box(cast::write_over(black_box(reply), black_box(bytes.as_mut_slice())));
            }
        });
    });
    group.finish();
    Ok(())
}

/// Parses all nine fields: checks four and returns five.
fn layered(bytes: &[u8]) -> Option<PacketFields> {
    let frame = EthernetFrame::parse(bytes).ok()?;
    if frame.ether_type() != EtherType::ARP {
        return None;
    }
    Packet::parse(frame.payload()).ok().map(PacketFields::from)
}

fn fields(operation: Operation) -> PacketFields {
    PacketFields {
        operation,
        sender_hardware: PEER,
        sender_protocol: [10, 0, 0, 1].into(),
        target_hardware: MacAddr::ZERO,
        target_protocol: [10, 0, 0, 2].into(),
    }
}

fn packet(operation: Operation) -> Result<[u8; PacketFields::LENGTH], arp::ArpDropReason> {
    let mut bytes = [0; PacketFields::LENGTH];
    fields(operation).write_to(&mut bytes)?;
    Ok(bytes)
}

/// Returns a broadcast frame from the peer. `rest` follows the source address.
fn frame(rest: &[&[u8]]) -> Vec<u8> {
    [&MacAddr::BROADCAST.bytes()[..], &PEER.bytes(), &rest.concat()].concat()
}
