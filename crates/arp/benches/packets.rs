//! Parsing packets in their frames and building replies, each beside the unsafe cast of a packed
//! struct.
//!
//! The cast is the yardstick: it is what a program in C does, makes the same checks, and gives the
//! same values, which is asserted before anything is timed. Criterion's times swing by far more than
//! the two differ; set them side by side from one run, and never a run against another.

use std::error::Error;
use std::hint::black_box;
use std::num::TryFromIntError;

use arp::{Answer, Fields, MacAddr, Operation, Packet};
use criterion::{Criterion, Throughput};
use link::{EtherType, Ethernet};

const OURS: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
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
    for octets in frames {
        assert_eq!(layered(octets), cast::parse(octets), "{octets:02x?}");
    }
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(frames.len().try_into()?));
    group.bench_function("arp", |bencher| {
        bencher.iter(|| {
            for octets in frames {
                black_box(layered(black_box(octets)));
            }
        });
    });
    group.bench_function("cast", |bencher| {
        bencher.iter(|| {
            for octets in frames {
                black_box(cast::parse(black_box(octets)));
            }
        });
    });
    group.finish();
    Ok(())
}

/// Times a whole packet written to the same place over and over.
fn building(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let reply = fields(Operation::REPLY);
    let (mut ours, mut theirs) = ([0; Fields::LENGTH], [0; Fields::LENGTH]);
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
    let answer = Answer { ours: OURS, to: PEER };
    let request = packet(Operation::REQUEST)?;
    let (mut ours, mut theirs) = ([request; IN_TURN], [request; IN_TURN]);
    for (ours, theirs) in ours.iter_mut().zip(&mut theirs) {
        answer.write_over(ours)?;
        cast::write_over(answer, theirs).ok_or("room for a packet")?;
        assert_eq!(ours, theirs);
    }

    let mut group = criterion.benchmark_group("packet/rewrite-request");
    group.throughput(Throughput::Elements(IN_TURN.try_into()?));
    group.bench_function("arp", |bencher| {
        bencher.iter(|| {
            for octets in &mut ours {
                let _ = black_box(black_box(answer).write_over(black_box(octets.as_mut_slice())));
            }
        });
    });
    group.bench_function("cast", |bencher| {
        bencher.iter(|| {
            for octets in &mut theirs {
                let _ = black_box(cast::write_over(black_box(answer), black_box(octets.as_mut_slice())));
            }
        });
    });
    group.finish();
    Ok(())
}

/// All nine fields: four are what they must be, five are returned.
fn layered(octets: &[u8]) -> Option<Fields> {
    let frame = Ethernet::parse(octets).ok()?;
    if frame.ether_type() != EtherType::ARP {
        return None;
    }
    Packet::parse(frame.payload()).ok().map(Fields::from)
}

fn fields(operation: Operation) -> Fields {
    Fields {
        operation,
        sender_hardware: PEER,
        sender_protocol: [10, 0, 0, 1].into(),
        target_hardware: MacAddr::ZERO,
        target_protocol: [10, 0, 0, 2].into(),
    }
}

fn packet(operation: Operation) -> Result<[u8; Fields::LENGTH], arp::Dropped> {
    let mut octets = [0; Fields::LENGTH];
    fields(operation).write_to(&mut octets)?;
    Ok(octets)
}

/// A broadcast from the peer with what stands behind the source address.
fn frame(behind: &[&[u8]]) -> Vec<u8> {
    [&MacAddr::BROADCAST.octets()[..], &PEER.octets(), &behind.concat()].concat()
}

/// The yardstick.
mod cast {
    use super::{Answer, EtherType, Fields, Operation};

    #[derive(Clone, Copy)]
    #[repr(C, packed)]
    struct Header {
        _destination: [u8; 6],
        _source: [u8; 6],
        ether_type: u16,
    }

    #[derive(Clone, Copy)]
    #[repr(C, packed)]
    struct Tag {
        control: u16,
        ether_type: u16,
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
    struct Packet {
        hardware_type: u16,
        protocol_type: u16,
        hardware_length: u8,
        protocol_length: u8,
        operation: u16,
        sender_hardware: [u8; 6],
        sender_protocol: [u8; 4],
        target_hardware: [u8; 6],
        target_protocol: [u8; 4],
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
    unsafe impl AnyOctets for Packet {}

    fn read<T: AnyOctets>(octets: &[u8]) -> Option<(T, &[u8])> {
        let rest = octets.get(size_of::<T>()..)?;
        // SAFETY: there are as many octets as the struct has, and any octets are a value of it.
        let value = unsafe { octets.as_ptr().cast::<T>().read_unaligned() };
        Some((value, rest))
    }

    fn place(octets: &mut [u8]) -> Option<*mut Packet> {
        Some(octets.get_mut(..size_of::<Packet>())?.as_mut_ptr().cast())
    }

    pub(super) fn parse(octets: &[u8]) -> Option<Fields> {
        let (ether_type, payload) = ethernet(octets)?;
        if ether_type != EtherType::ARP {
            return None;
        }
        let (packet, _) = read::<Packet>(payload)?;
        let expected = u16::from_be(packet.hardware_type) == 1
            && u16::from_be(packet.protocol_type) == EtherType::IPV4.0
            && packet.hardware_length == 6
            && packet.protocol_length == 4;
        expected.then(|| Fields {
            operation: Operation(u16::from_be(packet.operation)),
            sender_hardware: packet.sender_hardware.into(),
            sender_protocol: packet.sender_protocol.into(),
            target_hardware: packet.target_hardware.into(),
            target_protocol: packet.target_protocol.into(),
        })
    }

    /// The payload of a frame, and what it is, behind up to two tags and perhaps a SNAP header.
    fn ethernet(octets: &[u8]) -> Option<(EtherType, &[u8])> {
        let (header, mut payload) = read::<Header>(octets)?;
        let mut ether_type = EtherType(u16::from_be(header.ether_type));
        let mut tags = 0;
        while ether_type.is_tag() {
            let (tag, rest) = read::<Tag>(payload)?;
            tags += 1;
            if u16::from_be(tag.control) & 0x0fff == 0x0fff || tags > 2 {
                return None;
            }
            (ether_type, payload) = (EtherType(u16::from_be(tag.ether_type)), rest);
        }
        if ether_type.0 >= EtherType::FIRST {
            return Some((ether_type, payload));
        }
        let length = Some(usize::from(ether_type.0)).filter(|length| *length <= 1_500)?;
        let (snap, payload) = read::<Snap>(payload.get(..length)?)?;
        let ether_type = EtherType(u16::from_be(snap.ether_type));
        let rfc_1042 = snap.llc == [0xaa, 0xaa, 3] && snap.organization == [0; 3];
        (rfc_1042 && ether_type.0 >= EtherType::FIRST).then_some((ether_type, payload))
    }

    pub(super) fn write(fields: &Fields, octets: &mut [u8]) -> Option<()> {
        let packet = Packet {
            hardware_type: 1_u16.to_be(),
            protocol_type: EtherType::IPV4.0.to_be(),
            hardware_length: 6,
            protocol_length: 4,
            operation: fields.operation.0.to_be(),
            sender_hardware: fields.sender_hardware.octets(),
            sender_protocol: fields.sender_protocol.octets(),
            target_hardware: fields.target_hardware.octets(),
            target_protocol: fields.target_protocol.octets(),
        };
        // SAFETY: there are as many octets as the struct has, and they are ours to change.
        unsafe { place(octets)?.write_unaligned(packet) };
        Some(())
    }

    pub(super) fn write_over(answer: Answer, octets: &mut [u8]) -> Option<()> {
        // SAFETY: there are as many octets as the struct has, they are ours to change, a packed
        // struct may lie anywhere, and any octets are a value of it.
        let packet = unsafe { &mut *place(octets)? };
        packet.operation = Operation::REPLY.0.to_be();
        (packet.sender_protocol, packet.target_protocol) = (packet.target_protocol, packet.sender_protocol);
        packet.target_hardware = packet.sender_hardware;
        packet.sender_hardware = answer.ours.octets();
        Some(())
    }
}
