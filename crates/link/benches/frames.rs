//! Parsing frames and writing headers, each beside the unsafe cast of a packed struct.
//!
//! The cast is the yardstick: it is what a program in C does, makes the same checks, and gives the
//! same values, which is asserted before anything is timed. Criterion's times swing by far more than
//! the two differ; set them side by side from one run, and never a run against another.

use std::error::Error;
use std::hint::black_box;
use std::num::TryFromIntError;

use criterion::{Criterion, Throughput};
use link::{EtherType, EthernetFrame, Frame, Link, LinkDropReason, MacAddr, MacSet, VlanId};

use cast::read::{self, Seen};
use cast::write;

/// The yardstick.
mod cast {
    pub(crate) mod read;
    pub(crate) mod write;
}

const LOCAL: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const PEER: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
const MTU: usize = 1_500;
/// Bytes of an ARP packet.
const PACKET: usize = 28;

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default().configure_from_args();
    parsing(&mut criterion)?;
    sending(&mut criterion, "header/plain", None)?;
    sending(&mut criterion, "header/tagged", VlanId::new(5))?;
    criterion.final_summary();
    Ok(())
}

fn parsing(criterion: &mut Criterion) -> Result<(), TryFromIntError> {
    let request = frame(&[&[8, 6], &[7; PACKET]]);
    let reply = frame(&[&[8, 6], &[7; PACKET], &[0; 18]]);
    let tagged = frame(&[&[0x81, 0, 0, 5, 8, 6], &[7; PACKET]]);
    parse(criterion, "frame/request", &[request])?;
    parse(criterion, "frame/padded-reply", &[reply])?;
    parse(criterion, "frame/tagged", &[tagged])?;
    parse(criterion, "frame/mixed", &mixed())?;
    parse(criterion, "frame/truncated", &truncated())
}

/// Times ours beside the cast, all `frames` one after another.
fn parse(criterion: &mut Criterion, name: &str, frames: &[Vec<u8>]) -> Result<(), TryFromIntError> {
    for bytes in frames {
        assert_eq!(layered(bytes), read::parse(bytes), "{bytes:02x?}");
    }
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(frames.len().try_into()?));
    group.bench_function("link", |bencher| {
        bencher.iter(|| {
            for bytes in frames {
                let _ = black_box(layered(black_box(bytes)));
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

/// Times a header written before a packet, over and over before the same one.
fn sending(criterion: &mut Criterion, name: &str, vlan: Option<VlanId>) -> Result<(), Box<dyn Error>> {
    let link = Link::new(MacSet::one(LOCAL), MTU, vlan);
    let mut ours = Frame::for_mtu(MTU);
    ours.append(PACKET)?;
    link.add_header(&mut ours, PEER, LOCAL, EtherType::ARP)?;
    let header = ours.len() - PACKET;
    let mut theirs = vec![0; ours.len()];
    write::send(&mut theirs, PEER, LOCAL, vlan, EtherType::ARP).ok_or("room for a header")?;
    assert_eq!(ours.bytes(), theirs);

    let mut group = criterion.benchmark_group(name);
    group.bench_function("link", |bencher| {
        bencher.iter(|| {
            let frame = black_box(&mut ours);
            frame.narrow(header, PACKET)?;
            black_box(&link).add_header(frame, black_box(PEER), black_box(LOCAL), black_box(EtherType::ARP))
        });
    });
    group.bench_function("cast", |bencher| {
        bencher.iter(|| {
            let bytes = black_box(theirs.as_mut_slice());
            let (to, from) = (black_box(PEER), black_box(LOCAL));
            write::send(bytes, to, from, black_box(vlan), black_box(EtherType::ARP))
        });
    });
    group.finish();
    Ok(())
}

fn layered(bytes: &[u8]) -> Result<Seen<'_>, LinkDropReason> {
    let frame = EthernetFrame::parse(bytes)?;
    Ok(Seen {
        destination: frame.destination(),
        source: frame.source(),
        tags: frame.tags(),
        ether_type: frame.ether_type(),
        payload: frame.payload(),
    })
}

/// A broadcast from the peer with what stands behind the source address.
fn frame(behind: &[&[u8]]) -> Vec<u8> {
    [&MacAddr::BROADCAST.bytes()[..], &PEER.bytes(), &behind.concat()].concat()
}

/// One frame of each kind, as a wire might carry them.
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

/// A frame with two tags, cut at every place before its payload: in the header, in a tag.
fn truncated() -> Vec<Vec<u8>> {
    let whole = frame(&[&[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 6]]);
    (0..whole.len()).map(|length| whole.iter().copied().take(length).collect()).collect()
}
