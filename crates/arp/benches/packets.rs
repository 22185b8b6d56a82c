//! Parsing packets in their frames and building replies, each beside the unsafe cast of a packed
//! struct.
//!
//! The cast is the yardstick: it is what a program in C does, makes the same checks, and gives the
//! same values, which is asserted before anything is timed. Criterion's times swing by far more than
//! the two differ; set them side by side from one run, and never a run against another.

use std::error::Error;
use std::hint::black_box;
use std::num::TryFromIntError;

use arp::{ArpReply, MacAddr, Operation, Packet, PacketFields};
use criterion::{Criterion, Throughput};
use link::{EtherType, EthernetFrame};

/// The yardstick.
#[path = "cast/packet.rs"]
mod cast;

const LOCAL: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const PEER: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
/// So many packets are rewritten in turn that none is read while it is still being written.
const IN_TURN: usize = 64;

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
    let cut = (0..plain.len()).map(|length| plain.iter().copied().take(length).collect());
    let cut: Vec<Vec<u8>> = cut.collect();
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
    parse(criterion, "packet/truncated", &cut)?;
    Ok(())
}

/// Times ours beside the cast, all `frames` one after another.
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

/// Times a whole packet written to the same place over and over.
fn building(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let reply = fields(Operation::REPLY);
    let (mut ours, mut theirs) = ([0; PacketFields::LENGTH], [0; PacketFields::LENGTH]);
    reply.write_to(&mut ours)?;
    cast::write(&reply, &mut theirs).ok_or("room for a packet")?;
    assert_eq!(ours, theirs);

    let mut group = criterion.benchmark_group("packet/build-reply");
    group.bench_function("arp", |bencher| {
        bencher.iter(|| black_box(&reply).write_to(black_box(ours.as_mut_slice())));
    });
    group.bench_function("cast", |bencher| {
        bencher.iter(|| cast::write(black_box(&reply), black_box(theirs.as_mut_slice())));
    });
    group.finish();
    Ok(())
}

/// Times requests turned into replies where they lie.
fn rewriting(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let reply = ArpReply { mac: LOCAL, destination: PEER };
    let request = packet(Operation::REQUEST)?;
    let (mut ours, mut theirs) = ([request; IN_TURN], [request; IN_TURN]);
    for (ours, theirs) in ours.iter_mut().zip(&mut theirs) {
        reply.write_over(ours)?;
        cast::write_over(reply, theirs).ok_or("room for a packet")?;
        assert_eq!(ours, theirs);
    }

    let mut group = criterion.benchmark_group("packet/rewrite-request");
    group.throughput(Throughput::Elements(IN_TURN.try_into()?));
    group.bench_function("arp", |bencher| {
        bencher.iter(|| {
            for bytes in &mut ours {
                let _ = black_box(black_box(reply).write_over(black_box(bytes.as_mut_slice())));
            }
        });
    });
    group.bench_function("cast", |bencher| {
        bencher.iter(|| {
            for bytes in &mut theirs {
                let _ = black_box(cast::write_over(black_box(reply), black_box(bytes.as_mut_slice())));
            }
        });
    });
    group.finish();
    Ok(())
}

/// All nine fields: four are what they must be, five are returned.
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

/// A broadcast from the peer with what stands behind the source address.
fn frame(behind: &[&[u8]]) -> Vec<u8> {
    [&MacAddr::BROADCAST.bytes()[..], &PEER.bytes(), &behind.concat()].concat()
}
