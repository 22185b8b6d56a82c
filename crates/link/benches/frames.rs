//! Parsing frames and writing headers, each beside the unsafe cast of a packed struct.
//!
//! The cast is the yardstick: it is what a program in C does, makes the same checks, and gives the
//! same values, which is asserted before anything is timed. Criterion's times swing by far more than
//! the two differ; set them side by side from one run, and never a run against another.

use std::error::Error;
use std::hint::black_box;
use std::num::TryFromIntError;

use criterion::{Criterion, Throughput};
use link::{Dropped, EtherType, Ethernet, Frame, Link, MacAddr, Stations, Tags, VlanId, VlanTag};

const OURS: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const PEER: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
const MTU: usize = 1_500;
/// Octets of an ARP packet.
const PACKET: usize = 28;

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen<'a> {
    destination: MacAddr,
    source: MacAddr,
    tags: Tags,
    ether_type: EtherType,
    payload: &'a [u8],
}

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
    for octets in frames {
        assert_eq!(layered(octets), cast::parse(octets), "{octets:02x?}");
    }
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(frames.len().try_into()?));
    group.bench_function("link", |bencher| {
        bencher.iter(|| {
            for octets in frames {
                let _ = black_box(layered(black_box(octets)));
            }
        });
    });
    group.bench_function("cast", |bencher| {
        bencher.iter(|| {
            for octets in frames {
                let _ = black_box(cast::parse(black_box(octets)));
            }
        });
    });
    group.finish();
    Ok(())
}

/// Times a header written before a packet, over and over before the same one.
fn sending(criterion: &mut Criterion, name: &str, vlan: Option<VlanId>) -> Result<(), Box<dyn Error>> {
    let link = Link::new(Stations::one(OURS), MTU, vlan);
    let mut ours = Frame::for_mtu(MTU);
    ours.append(PACKET)?;
    link.send(&mut ours, PEER, OURS, EtherType::ARP)?;
    let header = ours.len() - PACKET;
    let mut theirs = vec![0; ours.len()];
    cast::send(&mut theirs, PEER, OURS, vlan, EtherType::ARP).ok_or("room for a header")?;
    assert_eq!(ours.octets(), theirs);

    let mut group = criterion.benchmark_group(name);
    group.bench_function("link", |bencher| {
        bencher.iter(|| {
            let frame = black_box(&mut ours);
            frame.narrow(header, PACKET)?;
            black_box(&link).send(frame, black_box(PEER), black_box(OURS), black_box(EtherType::ARP))
        });
    });
    group.bench_function("cast", |bencher| {
        bencher.iter(|| {
            let octets = black_box(theirs.as_mut_slice());
            let (to, from) = (black_box(PEER), black_box(OURS));
            cast::send(octets, to, from, black_box(vlan), black_box(EtherType::ARP))
        });
    });
    group.finish();
    Ok(())
}

fn layered(octets: &[u8]) -> Result<Seen<'_>, Dropped> {
    let frame = Ethernet::parse(octets)?;
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
    [&MacAddr::BROADCAST.octets()[..], &PEER.octets(), &behind.concat()].concat()
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

/// The yardstick.
mod cast {
    use super::{Dropped, EtherType, MacAddr, Seen, Tags, VlanId, VlanTag};

    #[derive(Clone, Copy)]
    #[repr(C, packed)]
    struct Header {
        destination: [u8; 6],
        source: [u8; 6],
        type_or_length: u16,
    }

    #[derive(Clone, Copy)]
    #[repr(C, packed)]
    struct Tag {
        control: u16,
        type_or_length: u16,
    }

    #[derive(Clone, Copy)]
    #[repr(C, packed)]
    struct Snap {
        llc: [u8; 3],
        organization: [u8; 3],
        ether_type: u16,
    }

    #[derive(Clone, Copy)]
    #[repr(C, packed)]
    struct TaggedHeader {
        destination: [u8; 6],
        source: [u8; 6],
        protocol: u16,
        tag: Tag,
    }

    /// A struct that may be read from any octets and written over any.
    ///
    /// # Safety
    ///
    /// It has no padding, and any octets are a value of it.
    unsafe trait AnyOctets: Copy {}
    // SAFETY: packed, and of integers alone.
    unsafe impl AnyOctets for Header {}
    // SAFETY: packed, and of integers alone.
    unsafe impl AnyOctets for Tag {}
    // SAFETY: packed, and of integers alone.
    unsafe impl AnyOctets for Snap {}
    // SAFETY: packed, and of integers alone.
    unsafe impl AnyOctets for TaggedHeader {}

    fn read<T: AnyOctets>(octets: &[u8]) -> Option<(T, &[u8])> {
        let rest = octets.get(size_of::<T>()..)?;
        // SAFETY: there are as many octets as the struct has, and any octets are a value of it.
        let value = unsafe { octets.as_ptr().cast::<T>().read_unaligned() };
        Some((value, rest))
    }

    fn write<T: AnyOctets>(octets: &mut [u8], value: T) -> Option<()> {
        let start = octets.get_mut(..size_of::<T>())?.as_mut_ptr();
        // SAFETY: there are as many octets as the struct has, and they are ours to change.
        unsafe { start.cast::<T>().write_unaligned(value) };
        Some(())
    }

    pub(super) fn parse(octets: &[u8]) -> Result<Seen<'_>, Dropped> {
        let (header, mut payload) = read::<Header>(octets).ok_or(Dropped::Truncated)?;
        let mut ether_type = EtherType(u16::from_be(header.type_or_length));
        let mut tags = Tags::None;
        while ether_type.is_tag() {
            let (next, rest) = read::<Tag>(payload).ok_or(Dropped::TruncatedTag)?;
            let tag = VlanTag { protocol: ether_type, control: u16::from_be(next.control) };
            if tag.identifier() == VlanTag::RESERVED {
                return Err(Dropped::ReservedVlan);
            }
            tags = match tags {
                Tags::None => Tags::One(tag),
                Tags::One(outer) => Tags::Two(outer, tag),
                Tags::Two(..) => return Err(Dropped::TooManyTags),
            };
            ether_type = EtherType(u16::from_be(next.type_or_length));
            payload = rest;
        }
        if ether_type.0 < EtherType::FIRST {
            (ether_type, payload) = snap(ether_type.0, payload)?;
        }
        let (destination, source) = (header.destination.into(), header.source.into());
        Ok(Seen { destination, source, tags, ether_type, payload })
    }

    fn snap(length: u16, payload: &[u8]) -> Result<(EtherType, &[u8]), Dropped> {
        if length > 1_500 {
            return Err(Dropped::UndefinedType);
        }
        let payload = payload.get(..usize::from(length)).ok_or(Dropped::LengthBeyondFrame)?;
        let (snap, payload) = read::<Snap>(payload).ok_or(Dropped::NotSnap)?;
        if snap.llc != [0xaa, 0xaa, 3] || snap.organization != [0; 3] {
            return Err(Dropped::NotSnap);
        }
        let ether_type = EtherType(u16::from_be(snap.ether_type));
        if ether_type.0 < EtherType::FIRST { Err(Dropped::UndefinedType) } else { Ok((ether_type, payload)) }
    }

    pub(super) fn send(
        octets: &mut [u8],
        to: MacAddr,
        from: MacAddr,
        vlan: Option<VlanId>,
        ether_type: EtherType,
    ) -> Option<()> {
        let (destination, source, type_or_length) = (to.octets(), from.octets(), ether_type.0.to_be());
        let Some(vlan) = vlan else {
            return write(octets, Header { destination, source, type_or_length });
        };
        let tag = Tag { control: vlan.number().to_be(), type_or_length };
        let protocol = EtherType::VLAN.0.to_be();
        write(octets, TaggedHeader { destination, source, protocol, tag })
    }
}
