//! Compares parsing frames and writing headers with an unsafe cast to a packed struct.
//!
//! The cast is the baseline: it works like a program in C. It makes the same checks and returns the same values, which
//! is asserted before each measurement. Compare times within one run only: Criterion's times vary more between runs
//! than the parser and the cast differ.

use std::error::Error;
use std::hint::black_box;
use std::num::TryFromIntError;

use criterion::{Criterion, Throughput};
use link::{EtherType, EthernetFrame, Frame, Link, LinkDropReason, MacAddr, VlanId};

use cast::read::{self, Fields};
use cast::write;

/// The baseline.
mod cast {
    pub(crate) mod read;
    pub(crate) mod write;
}

const LOCAL: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const PEER: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
const MTU: usize = 1_500;
/// Length of an ARP packet in bytes.
const PACKET: usize = 28;

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default().configure_from_args();
    compare_parsers(&mut criterion)?;
    compare_writers(&mut criterion, "header/untagged", None)?;
    compare_writers(&mut criterion, "header/tagged", VlanId::new(5))?;
    criterion.final_summary();
    Ok(())
}

fn compare_parsers(criterion: &mut Criterion) -> Result<(), TryFromIntError> {
    let request = frame(&[&[8, 6], &[7; PACKET]]);
    let reply = frame(&[&[8, 6], &[7; PACKET], &[0; 18]]);
    let tagged = frame(&[&[0x81, 0, 0, 5, 8, 6], &[7; PACKET]]);
    parse(criterion, "frame/request", &[request])?;
    parse(criterion, "frame/padded-reply", &[reply])?;
    parse(criterion, "frame/tagged", &[tagged])?;
    parse(criterion, "frame/mixed", &mixed())?;
    parse(criterion, "frame/truncated", &truncated())
}

/// Times `link` and the cast on all `frames`.
fn parse(criterion: &mut Criterion, name: &str, frames: &[Vec<u8>]) -> Result<(), TryFromIntError> {
    for bytes in frames {
        assert_eq!(parse_fields(bytes), read::parse(bytes), "{bytes:02x?}");
    }
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(frames.len().try_into()?));
    group.bench_function("link", |bencher| {
        bencher.iter(|| {
            for bytes in frames {
                let _ = black_box(parse_fields(black_box(bytes)));
            }
        });
    });
    group.bench_function("cast", |bencher| {
        bencher.iter(|| {
            for bytes in frames {
                let _ = black_box(read::parse(black_box(bytes)));
            }
        });
    });
    group.finish();
    Ok(())
}

/// Times writing a header in front of a packet, repeatedly in the same frame.
fn compare_writers(
    criterion: &mut Criterion,
    name: &str,
    vlan: Option<VlanId>,
) -> Result<(), Box<dyn Error>> {
    let link = Link::new(MTU, vlan);
    let mut frame = Frame::for_mtu(MTU);
    frame.append(PACKET)?;
    link.add_header(&mut frame, PEER, LOCAL, EtherType::ARP)?;
    let header = frame.len() - PACKET;
    let mut cast_bytes = vec![0; frame.len()];
    write::write_header(&mut cast_bytes, PEER, LOCAL, vlan, EtherType::ARP)
        .ok_or("frame shorter than its header")?;
    assert_eq!(frame.bytes(), cast_bytes);

    let mut group = criterion.benchmark_group(name);
    group.bench_function("link", |bencher| {
        bencher.iter(|| {
            let frame = black_box(&mut frame);
            frame.narrow(header, PACKET)?;
            black_box(&link).add_header(frame, black_box(PEER), black_box(LOCAL), black_box(EtherType::ARP))
        });
    });
    group.bench_function("cast", |bencher| {
        bencher.iter(|| {
            let bytes = black_box(cast_bytes.as_mut_slice());
            let (to, from) = (black_box(PEER), black_box(LOCAL));
            write::write_header(bytes, to, from, black_box(vlan), black_box(EtherType::ARP))
        });
    });
    group.finish();
    Ok(())
}

fn parse_fields(bytes: &[u8]) -> Result<Fields<'_>, LinkDropReason> {
    let frame = EthernetFrame::parse(bytes)?;
    Ok(Fields {
        destination: frame.destination(),
        source: frame.source(),
        tags: frame.tags(),
        ether_type: frame.ether_type(),
        payload: frame.payload(),
    })
}

/// Returns a broadcast frame of the peer, with `rest` after the source address.
fn frame(rest: &[&[u8]]) -> Vec<u8> {
    [&MacAddr::BROADCAST.bytes()[..], &PEER.bytes(), &rest.concat()].concat()
}

/// Returns a mix of typed, tagged, length and invalid frames.
fn mixed() -> Vec<Vec<u8>> {
    vec![
        frame(&[&[8, 6], &[7; PACKET]]),
        frame(&[&[8, 0], &[7; 100]]),
        frame(&[&[0x81, 0, 0, 5, 8, 6], &[7; PACKET]]),
        frame(&[&[0x86, 0xdd], &[7; 72]]),
        frame(&[&[0x88, 0xa8, 0, 5, 0x81, 0, 0x60, 6, 8, 0], &[7; 100]]),
        frame(&[&[8, 6], &[7; PACKET], &[0; 18]]),
        frame(&[&[0, 36, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6], &[7; 38]]),
        frame(&[&[0, 38, 0x42, 0x42, 3], &[7; 43]]),
        frame(&[&[8, 0], &[7; 1_480]]),
        frame(&[&[0x81, 0, 0x0f, 0xff, 8, 6], &[7; PACKET]]),
        frame(&[&[5, 0xee], &[7; 46]]),
    ]
}

/// Returns a frame with two tags, cut after each byte of its headers.
fn truncated() -> Vec<Vec<u8>> {
    let whole = frame(&[&[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 6]]);
    (0..whole.len()).map(|length| whole.iter().copied().take(length).collect()).collect()
}
