//! Time of a segment and memory of a connection, among few and among many connections.

use std::fs;
use std::time::{Duration, Instant};

use crate::peers::Peers;
use crate::work::Work;

/// Numbers of connections.
const COUNTS: [u32; 4] = [10, 10_000, 100_000, 1_000_000];
/// Segments per slice, as an integer and as a float.
const SLICE: u32 = 2_000;
const PER_SLICE: f64 = 2_000.0;
/// Number of rounds, each with a slice of each number of connections.
const ROUNDS: u32 = 200;
/// Number of connections that exchange data before a time without data.
const GROUP: u32 = 1_000;
/// Time without data after which a connection is idle.
const IDLE: Duration = Duration::from_secs(3);

struct Lane {
    peers: Peers,
    /// Connection of the next segment.
    next: u32,
    /// Nanoseconds per segment in each slice.
    times: Vec<f64>,
}

/// Prints the time of a segment among up to `largest` connections, and the memory of a connection.
pub(crate) fn measure(largest: u32) -> Result<(), String> {
    let mut lanes = Vec::new();
    println!("{:>11}  bytes per connection: established   after data and idle", "connections");
    for count in COUNTS.into_iter().filter(|count| *count <= largest) {
        lanes.push(Lane { peers: established(count)?, next: 0, times: Vec::new() });
    }
    for round in 0..ROUNDS {
        for place in 0..lanes.len() {
            // The order of the lanes changes in each round.
            let place = (place + usize::try_from(round).unwrap_or(0)) % lanes.len();
            lanes[place].slice()?;
        }
    }
    println!("\n{:>11}  ns per segment and its ACK   relative to ten connections", "connections");
    let ten = lanes.first().map(|lane| lane.times.clone()).unwrap_or_default();
    for lane in &lanes {
        let ratios: Vec<_> = lane.times.iter().zip(&ten).map(|(time, ten)| time / ten).collect();
        println!("{:>11}  {:>26.0}   {:>27.2}", lane.peers.count(), median(&lane.times), median(&ratios));
    }
    Ok(())
}

/// Opens connections, and prints their memory: after the handshake, and after each has exchanged data and was idle.
fn established(count: u32) -> Result<Peers, String> {
    let mut peers = Peers::new(count)?;
    let before = resident_memory()?;
    peers.open()?;
    let opened = resident_memory()?;
    for number in 0..count {
        peers.exchange(number)?;
        if number % GROUP == GROUP - 1 {
            peers.wait(IDLE);
        }
    }
    peers.wait(IDLE);
    let idle = resident_memory()?;
    let each = |after: u64| after.saturating_sub(before) / u64::from(count);
    // The memory of few connections is less than that of a page and its neighbors.
    if count >= 10_000 {
        println!("{count:>11}  {:>33}   {:>19}", each(opened), each(idle));
    }
    Ok(peers)
}

impl Lane {
    /// Measures segments with data and their acknowledgments, on connections in an order without locality.
    fn slice(&mut self) -> Result<(), String> {
        let begin = Instant::now();
        for _ in 0..SLICE {
            Work::DataIn.run(&mut self.peers, self.next, true)?;
            // Neither 2 nor 5 divides the step, so that the connections of each count are visited in turn.
            self.next = (self.next + 617_411) % self.peers.count();
        }
        self.times.push(begin.elapsed().as_secs_f64() * 1e9 / PER_SLICE);
        Ok(())
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Returns the resident memory of this process in bytes.
fn resident_memory() -> Result<u64, String> {
    let failed = || "cannot read VmRSS of /proc/self/status".to_owned();
    let status = fs::read_to_string("/proc/self/status").map_err(|_| failed())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or_else(failed)?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().map_err(|_| failed())?;
    Ok(kibibytes * 1_024)
}
