//! Compares the checksum with the loop that RFC 1071 defines, and with two lower bounds: reading the bytes, and copying
//! the bytes.
//!
//! Compare times within one run only. Criterion's times vary more between runs than the compared functions differ.

use std::error::Error;
use std::hint::black_box;

use criterion::{Criterion, Throughput};

/// A header, two small datagrams, the MTU of Ethernet, the longest datagram.
const LENGTHS: [usize; 5] = [20, 64, 576, 1_500, 65_535];

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default().configure_from_args();
    for length in LENGTHS {
        compare(&mut criterion, length)?;
    }
    stream(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

/// Sums datagrams of Ethernet's MTU from memory, 135 MB in total and too many for any cache. The lower bound is the
/// bandwidth of the memory.
fn stream(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    const DATAGRAM: usize = 1_500;
    const DATAGRAMS: usize = 90_000;
    let bytes = vec![0xa7_u8; DATAGRAM * DATAGRAMS];
    let mut group = criterion.benchmark_group("checksum/1500 from memory");
    group.throughput(Throughput::Bytes(bytes.len().try_into()?)).sample_size(10);
    let each = |sum: fn(&[u8]) -> u64| bytes.chunks(DATAGRAM).map(sum).fold(0, u64::wrapping_add);
    group.bench_function("inet", |bencher| {
        bencher.iter(|| each(|datagram| inet::checksum::of(black_box(datagram)).into()));
    });
    group.bench_function("read", |bencher| bencher.iter(|| each(|datagram| read(black_box(datagram)))));
    group.finish();
    Ok(())
}

fn compare(criterion: &mut Criterion, length: usize) -> Result<(), Box<dyn Error>> {
    let bytes: Vec<u8> = (0..length).map(|place| place.to_le_bytes()[0].wrapping_mul(167)).collect();
    let mut copy = vec![0; length];
    assert_eq!(inet::checksum::of(&bytes), naive(&bytes));

    let mut group = criterion.benchmark_group(format!("checksum/{length}"));
    group.throughput(Throughput::Bytes(length.try_into()?));
    group.bench_function("inet", |bencher| bencher.iter(|| inet::checksum::of(black_box(&bytes))));
    group.bench_function("naive", |bencher| bencher.iter(|| naive(black_box(&bytes))));
    group.bench_function("read", |bencher| bencher.iter(|| read(black_box(&bytes))));
    group.bench_function("copy", |bencher| {
        bencher.iter(|| black_box(&mut copy).copy_from_slice(black_box(&bytes)));
    });
    group.finish();
    Ok(())
}

/// Computes the checksum as RFC 1071 1 defines it, word by word.
fn naive(bytes: &[u8]) -> u16 {
    let mut sum = 0_u32;
    let mut pairs = bytes.chunks_exact(2);
    for pair in &mut pairs {
        if let [high, low] = pair {
            sum += u32::from(u16::from_be_bytes([*high, *low]));
        }
    }
    if let [last] = pairs.remainder() {
        sum += u32::from(u16::from_be_bytes([*last, 0]));
    }
    let once = (sum & 0xffff) + (sum >> 16);
    !u16::try_from((once & 0xffff) + (once >> 16)).unwrap_or(u16::MAX)
}

/// Reads every byte, with an addition per 8 bytes: the lower bound.
fn read(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let sum = words.iter().fold(0_u64, |sum, word| sum.wrapping_add(u64::from_ne_bytes(*word)));
    rest.iter().fold(sum, |sum, byte| sum.wrapping_add(u64::from(*byte)))
}
