//! Measures the neighbor table from 16 entries to a million: lookups, unknown senders, and idle polls.
//!
//! A lookup finds the MAC address of an entry, which determines the next lookup. Each lookup thus waits for the
//! previous one, as it does for frames. Lookups are compared with those of the standard library's map, and with a lower
//! bound. The lower bound is the same two reads, in arrays of the same size, without hash and comparison. In all three
//! cases, only the time of memory accesses grows with the table.
//!
//! Criterion's times vary more than the contenders' times differ. The contenders therefore also run in alternation, and
//! these ratios are printed:
//!
//! - a lookup to its lower bound
//! - lookups of a few entries in a large table to lookups in a small table
//! - lookups in a table after a flood of a million unknown senders to lookups before the flood

use std::collections::HashMap;
use std::error::Error;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant as Stopwatch};

use criterion::{BenchmarkId, Criterion};
use link::{Instant, MacAddr};
use neighbor::{NeighborSettings, NeighborTable, Resolution, SenderObservation};

type Table = NeighborTable<Ipv4Addr, ()>;
/// A name, and the work of one round.
type Contender<'a> = (&'a str, Box<dyn FnMut() + 'a>);

const SIZES: [u32; 5] = [16, 256, 1_024, 65_536, 1_000_000];
/// Number of entries in use in a large table.
const IN_USE: usize = 16;
/// Bound of the flooded table.
const BOUND: u32 = 1_024;
/// Number of entries in the flooded table that are static or in use.
const USED: u32 = 512;
const UNKNOWN_SENDERS: u32 = 1_000_000;
/// Number of lookups per round.
const ROUND: u32 = 512;

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default().configure_from_args();
    look_up_all(&mut criterion)?;
    look_up_few(&mut criterion)?;
    poll_idle(&mut criterion)?;
    learn(&mut criterion)?;
    flood(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

/// Looks up all entries, in random order.
fn look_up_all(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    for size in SIZES {
        let next = ring(size)?;
        let (mut table, lower_bound) = (reachable_table(size, &next)?, LowerBound::new(&next)?);
        let map: HashMap<Ipv4Addr, MacAddr> =
            (0..size).map(address).zip(next.iter().copied().map(mac)).collect();
        let mut group = criterion.benchmark_group("table/lookup");
        group.bench_function(BenchmarkId::new("resolve", size), |bencher| {
            let mut number = 0;
            bencher.iter(|| number = resolve(&mut table, number));
        });
        group.bench_function(BenchmarkId::new("get", size), |bencher| {
            let mut number = 0;
            bencher.iter(|| number = get(&table, number));
        });
        group.bench_function(BenchmarkId::new("hash-map", size), |bencher| {
            let mut number = 0;
            bencher.iter(|| number = look_up(&map, number));
        });
        group.bench_function(BenchmarkId::new("two-reads", size), |bencher| {
            let mut cell = 0;
            bencher.iter(|| cell = lower_bound.read(cell));
        });
        group.finish();
        alternate(
            &format!("lookup in {size}"),
            [
                ("resolve", walk(|number| resolve(&mut table, number))),
                ("hash-map", walk(|number| look_up(&map, number))),
                ("two-reads", walk(|cell| lower_bound.read(cell))),
            ],
        );
    }
    Ok(())
}

/// Looks up a few entries of many. Entries in use stay in the processor's cache, independently of the table's size.
fn look_up_few(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let mut tables = Vec::new();
    for size in SIZES {
        // The entries are random: at distances of a power of two they would share one set of the cache.
        let mut next: Vec<u32> = (0..size).collect();
        let all = ring(size)?;
        let after = |number: &u32| all.get(usize::try_from(*number).ok()?).copied();
        let in_use: Vec<u32> = std::iter::successors(Some(0), after).take(IN_USE).collect();
        for (number, then) in in_use.iter().zip(in_use.iter().cycle().skip(1)) {
            *next.get_mut(usize::try_from(*number)?).ok_or("no such entry")? = *then;
        }
        tables.push(reachable_table(size, &next)?);
    }
    let mut group = criterion.benchmark_group("table/lookup-16-of");
    for (size, table) in SIZES.into_iter().zip(&mut tables) {
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            let mut number = 0;
            bencher.iter(|| number = resolve(table, number));
        });
    }
    group.finish();
    let [few, rest @ ..] = tables.as_mut_slice() else { return Ok(()) };
    for (size, table) in SIZES.iter().skip(1).zip(rest) {
        let (table, few) = (walk(|number| resolve(table, number)), walk(|number| resolve(few, number)));
        alternate("lookup of 16", [(&format!("of {size}"), table), ("of 16", few)]);
    }
    Ok(())
}

/// Polls a table in which nothing is due.
fn poll_idle(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let mut group = criterion.benchmark_group("table/idle-poll");
    for size in SIZES {
        let mut table = table_of_senders(size, size)?;
        let mut now = 0;
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| {
                // The time stays within the lifetime of the entries.
                now = (now + 1) % 1_000_000;
                let now = Instant::from_nanos(now);
                (black_box(table.poll(now)).is_none(), table.deadline())
            });
        });
        assert_eq!(table.len(), usize::try_from(size)?);
    }
    group.finish();
    Ok(())
}

/// Learns unknown senders in a full table, where each new entry evicts another entry, and updates known senders.
fn learn(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let mut group = criterion.benchmark_group("table/sender");
    for size in SIZES {
        let mut table = table_of_senders(size, size)?;
        let mut number = size;
        group.bench_function(BenchmarkId::new("evicts", size), |bencher| {
            bencher.iter(|| {
                number = number % (1 << 24) + 1;
                table.learn(Instant::ORIGIN, address(number), observation(number))
            });
        });
        assert_eq!(table.len(), usize::try_from(size)?);
        let mut table = table_of_senders(size, size)?;
        let mut number = 0;
        group.bench_function(BenchmarkId::new("known", size), |bencher| {
            bencher.iter(|| {
                number = (number + 1) % size;
                table.merge(Instant::ORIGIN, address(number), observation(number))
            });
        });
    }
    group.finish();
    Ok(())
}

/// Looks up entries that are static or in use, before and after a flood of a million unknown senders.
fn flood(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let next = ring(USED)?;
    let mut before = used_table(&next)?;
    let mut after = used_table(&next)?;
    for number in USED..USED + UNKNOWN_SENDERS {
        after.learn(Instant::from_nanos(u64::from(number) * 1_000), address(number), observation(number));
    }
    assert_eq!(after.len(), usize::try_from(BOUND)?);
    assert_eq!(before.len(), usize::try_from(USED)?);
    let mut flooded = criterion.benchmark_group("table/flood");
    flooded.bench_function("before", |bencher| {
        let mut number = 0;
        bencher.iter(|| number = resolve(&mut before, number));
    });
    flooded.bench_function("after", |bencher| {
        let mut number = 0;
        bencher.iter(|| number = resolve(&mut after, number));
    });
    flooded.finish();

    let after = walk(|number| resolve(&mut after, number));
    let before = walk(|number| resolve(&mut before, number));
    alternate("flood", [("after", after), ("before", before)]);
    Ok(())
}

/// Runs the contenders in alternation, so that disturbances affect all. Prints each contender's tenth percentile, and
/// its ratio to that of the last contender.
fn alternate<const N: usize>(name: &str, mut contenders: [Contender<'_>; N]) {
    let mut times: [Vec<Duration>; N] = [const { Vec::new() }; N];
    for _ in 0..500 {
        for ((_, contender), times) in contenders.iter_mut().zip(&mut times) {
            times.push(time(contender));
        }
    }
    let tenths = times.map(|mut times| {
        times.sort_unstable();
        times.get(times.len() / 10).map_or(0.0, Duration::as_secs_f64)
    });
    let last = tenths.last().copied().unwrap_or_default();
    for ((contender, _), tenth) in contenders.iter().zip(tenths) {
        println!("{name}: {contender} {:.2}, {:.1} ns each", tenth / last, tenth * 1e9 / f64::from(ROUND));
    }
}

#[expect(clippy::disallowed_methods, reason = "the benchmark measures time")]
fn time(contender: &mut dyn FnMut()) -> Duration {
    let start = Stopwatch::now();
    contender();
    start.elapsed()
}

/// Returns a round of steps that continues where the last round ended.
fn walk<'a>(mut step: impl FnMut(u32) -> u32 + 'a) -> Box<dyn FnMut() + 'a> {
    let mut number = 0;
    Box::new(move || {
        for _ in 0..ROUND {
            number = step(black_box(number));
        }
    })
}

fn resolve(table: &mut Table, number: u32) -> u32 {
    match table.resolve(Instant::ORIGIN, address(number), 0, ()) {
        Resolution::Known(mac, ()) => number_of(mac),
        Resolution::Pending | Resolution::Refused(()) => 0,
    }
}

fn look_up(map: &HashMap<Ipv4Addr, MacAddr>, number: u32) -> u32 {
    map.get(&address(number)).copied().map_or(0, number_of)
}

fn get(table: &Table, number: u32) -> u32 {
    table.get(address(number)).and_then(|entry| entry.mac).map_or(0, number_of)
}

/// Returns a table of REACHABLE neighbors. The MAC address of each contains the number of the next.
fn reachable_table(size: u32, next: &[u32]) -> Result<Table, Box<dyn Error>> {
    let mut table = Table::new(NeighborSettings {
        entries: usize::try_from(size)?,
        seed: 7,
        ..NeighborSettings::default()
    });
    for (number, next) in (0..size).zip(next) {
        table.learn(Instant::ORIGIN, address(number), observation(*next));
        table.confirm(Instant::ORIGIN, address(number));
    }
    Ok(table)
}

/// Returns a table of senders that were learned and never used.
fn table_of_senders(size: u32, bound: u32) -> Result<Table, Box<dyn Error>> {
    let mut table = Table::new(NeighborSettings {
        entries: usize::try_from(bound)?,
        seed: 7,
        ..NeighborSettings::default()
    });
    for number in 0..size {
        table.learn(Instant::ORIGIN, address(number), observation(number));
    }
    Ok(table)
}

/// Returns a half-full table. Half of its entries are static, half in use (DELAY).
fn used_table(next: &[u32]) -> Result<Table, Box<dyn Error>> {
    let mut table = Table::new(NeighborSettings {
        entries: usize::try_from(BOUND)?,
        seed: 7,
        ..NeighborSettings::default()
    });
    for (number, next) in (0..USED).zip(next) {
        if number % 2 == 0 {
            table.add_static(Instant::ORIGIN, address(number), mac(*next))?;
        } else {
            table.learn(Instant::ORIGIN, address(number), observation(*next));
            table.resolve(Instant::ORIGIN, address(number), 0, ());
        }
    }
    Ok(table)
}

/// Lower bound of a lookup: one read in the index, and one read in the table.
struct LowerBound {
    cells: Vec<u32>,
    slots: Vec<Slot>,
}

/// A slot as large as an entry: 64 bytes.
#[derive(Clone, Default)]
struct Slot {
    next: u32,
    _others: [u32; 15],
}

impl LowerBound {
    fn new(next: &[u32]) -> Result<LowerBound, Box<dyn Error>> {
        let count = u32::try_from(next.len())?;
        let every = (count * 2).next_power_of_two() / count;
        // The slots are in the order of the entries, the cells in random order.
        let order = ring(count)?;
        let mut cells = vec![0; usize::try_from(count * every)?];
        let mut slots = vec![Slot::default(); next.len()];
        let cell_of = |number: u32| -> Result<u32, Box<dyn Error>> {
            Ok(*order.get(usize::try_from(number)?).ok_or("no such cell")? * every)
        };
        for (number, next) in (0..count).zip(next) {
            *cells.get_mut(usize::try_from(cell_of(number)?)?).ok_or("no such cell")? = number;
            slots.get_mut(usize::try_from(number)?).ok_or("no such slot")?.next = cell_of(*next)?;
        }
        Ok(LowerBound { cells, slots })
    }

    /// Returns the next cell.
    fn read(&self, cell: u32) -> u32 {
        let to_usize = |place| usize::try_from(place).unwrap_or_default();
        let place = self.cells.get(to_usize(cell)).copied().unwrap_or_default();
        self.slots.get(to_usize(place)).map_or(0, |slot| slot.next)
    }
}

/// Returns the successor of each number below `count`. All numbers form one random cycle.
fn ring(count: u32) -> Result<Vec<u32>, Box<dyn Error>> {
    let mut next: Vec<u32> = (0..count).collect();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for last in (1..next.len()).rev() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        next.swap(last, usize::try_from(random % u64::try_from(last)?)?);
    }
    Ok(next)
}

fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0a00_0000 | number)
}

fn mac(number: u32) -> MacAddr {
    let [a, b, c, d] = number.to_be_bytes();
    MacAddr::new([2, 0, a, b, c, d])
}

fn number_of(mac: MacAddr) -> u32 {
    let [_, _, a, b, c, d] = mac.bytes();
    u32::from_be_bytes([a, b, c, d])
}

fn observation(number: u32) -> SenderObservation {
    SenderObservation { mac: mac(number), is_reply_to_local: false }
}
