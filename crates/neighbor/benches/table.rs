//! The translation table from 16 entries to a million: looking up, turning away strangers, standing
//! idle.
//!
//! A look-up finds the hardware address of an entry, and that says whom to look up next: each waits
//! for the one before, as frames do. Beside it stand what the memory alone costs (the same two
//! reads, in arrays of the same size, with neither hash nor comparison) and the standard library's
//! map. What grows with the table in all three is the way to memory, not the work.
//!
//! Criterion's times swing by more than what is compared here differs. So the contenders also take
//! turns, and ratios are printed: a look-up beside its floor, a few of many beside a few of few, and
//! a table that a million strangers went through beside one they did not.

use std::collections::HashMap;
use std::error::Error;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant as Stopwatch};

use criterion::{BenchmarkId, Criterion};
use link::{Instant, MacAddr};
use neighbor::{NeighborSettings, NeighborTable, Resolution, SenderObservation};

type Table = NeighborTable<Ipv4Addr, ()>;
/// A name, and what is done in one turn.
type Contender<'a> = (&'a str, Box<dyn FnMut() + 'a>);

const SIZES: [u32; 5] = [16, 256, 1_024, 65_536, 1_000_000];
/// Those in use in a large table.
const IN_USE: usize = 16;
/// The bound of the table that is flooded, and those that are in use or static in it.
const BOUND: u32 = 1_024;
const USED: u32 = 512;
const UNKNOWN_SENDERS: u32 = 1_000_000;
/// Look-ups in one turn, where tables take turns.
const TURN: u32 = 512;

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default().configure_from_args();
    looking_up(&mut criterion)?;
    looking_up_the_few(&mut criterion)?;
    standing_idle(&mut criterion)?;
    learning(&mut criterion)?;
    flood(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

/// All entries in turn, each in a place that nothing foretells.
fn looking_up(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    for size in SIZES {
        let next = ring(size)?;
        let (mut table, floor) = (reachable_time(size, &next)?, Floor::new(&next)?);
        let map: HashMap<Ipv4Addr, MacAddr> =
            (0..size).map(address).zip(next.iter().copied().map(mac)).collect();
        let mut group = criterion.benchmark_group("table/look-up");
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
            bencher.iter(|| cell = floor.read(cell));
        });
        group.finish();
        in_turn(
            &format!("look-up in {size}"),
            [
                ("resolve", walk(|number| resolve(&mut table, number))),
                ("hash-map", walk(|number| look_up(&map, number))),
                ("two-reads", walk(|cell| floor.read(cell))),
            ],
        );
    }
    Ok(())
}

/// A few entries of many: what is in use stays near the processor, whatever else the table holds.
fn looking_up_the_few(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let mut tables = Vec::new();
    for size in SIZES {
        // Who they are nothing foretells: those a power of two apart would crowd one set of the cache.
        let mut next: Vec<u32> = (0..size).collect();
        let all = ring(size)?;
        let after = |number: &u32| all.get(usize::try_from(*number).ok()?).copied();
        let in_use: Vec<u32> = std::iter::successors(Some(0), after).take(IN_USE).collect();
        for (number, then) in in_use.iter().zip(in_use.iter().cycle().skip(1)) {
            *next.get_mut(usize::try_from(*number)?).ok_or("a hot one")? = *then;
        }
        tables.push(reachable_time(size, &next)?);
    }
    let mut group = criterion.benchmark_group("table/look-up-16-of");
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
        in_turn("look-up of 16", [(&format!("of {size}"), table), ("of 16", few)]);
    }
    Ok(())
}

/// A turn of the loop in which nothing is due.
fn standing_idle(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let mut group = criterion.benchmark_group("table/idle-turn");
    for size in SIZES {
        let mut table = of_strangers(size, size)?;
        let mut now = 0;
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| {
                // All of it happens within the life of an entry.
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

/// A stranger in a full table, who takes another's place, and one who is known.
fn learning(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let mut group = criterion.benchmark_group("table/stranger");
    for size in SIZES {
        let mut table = of_strangers(size, size)?;
        let mut number = size;
        group.bench_function(BenchmarkId::new("evicts", size), |bencher| {
            bencher.iter(|| {
                number = number % (1 << 24) + 1;
                table.learn(Instant::ORIGIN, address(number), observation(number))
            });
        });
        assert_eq!(table.len(), usize::try_from(size)?);
        let mut table = of_strangers(size, size)?;
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

/// Look-ups of those in use and static, before a million strangers came by and after.
fn flood(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let next = ring(USED)?;
    let mut before = used(&next)?;
    let mut after = used(&next)?;
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
    in_turn("flood", [("after", after), ("before", before)]);
    Ok(())
}

/// Lets contenders take turns, and prints how long each takes beside the last one, tenth percentile
/// by tenth percentile: what disturbs one turn disturbs the others too, and the best tenth least.
fn in_turn<const N: usize>(what: &str, mut contenders: [Contender<'_>; N]) {
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
    for ((name, _), tenth) in contenders.iter().zip(tenths) {
        println!("{what}: {name} {:.2}, {:.1} ns each", tenth / last, tenth * 1e9 / f64::from(TURN));
    }
}

#[expect(clippy::disallowed_methods, reason = "this measures time, and tells nobody what time it is")]
fn time(contender: &mut dyn FnMut()) -> Duration {
    let begun = Stopwatch::now();
    contender();
    begun.elapsed()
}

/// Goes one turn's steps on, from where the last turn ended.
fn walk<'a>(mut step: impl FnMut(u32) -> u32 + 'a) -> Box<dyn FnMut() + 'a> {
    let mut number = 0;
    Box::new(move || {
        for _ in 0..TURN {
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

/// A table of neighbors that are all REACHABLE, the hardware address of each naming the next.
fn reachable_time(size: u32, next: &[u32]) -> Result<Table, Box<dyn Error>> {
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

fn of_strangers(size: u32, bound: u32) -> Result<Table, Box<dyn Error>> {
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

/// Half static, half in use (DELAY), and as much room again for strangers.
fn used(next: &[u32]) -> Result<Table, Box<dyn Error>> {
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

/// What a look-up cannot do without: a read in the index, and one in the table, where it says.
struct Floor {
    cells: Vec<u32>,
    slots: Vec<Slot>,
}

/// As large as an entry.
#[derive(Clone, Default)]
struct Slot {
    next: u32,
    _others: [u32; 11],
}

impl Floor {
    fn new(next: &[u32]) -> Result<Floor, Box<dyn Error>> {
        let count = u32::try_from(next.len())?;
        let every = (count * 2).next_power_of_two() / count;
        // Slots in the order of the entries, cells in no order.
        let order = ring(count)?;
        let mut cells = vec![0; usize::try_from(count * every)?];
        let mut slots = vec![Slot::default(); next.len()];
        let cell_of = |number: u32| -> Result<u32, Box<dyn Error>> {
            Ok(*order.get(usize::try_from(number)?).ok_or("a cell")? * every)
        };
        for (number, next) in (0..count).zip(next) {
            *cells.get_mut(usize::try_from(cell_of(number)?)?).ok_or("a cell")? = number;
            slots.get_mut(usize::try_from(number)?).ok_or("a slot")?.next = cell_of(*next)?;
        }
        Ok(Floor { cells, slots })
    }

    /// The cell that comes next.
    fn read(&self, cell: u32) -> u32 {
        let to_usize = |place| usize::try_from(place).unwrap_or_default();
        let place = self.cells.get(to_usize(cell)).copied().unwrap_or_default();
        self.slots.get(to_usize(place)).map_or(0, |slot| slot.next)
    }
}

/// Who comes after each of so many, such that all are met on one way round.
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
    SenderObservation { mac: mac(number), is_reply_to_us: false }
}
