//! A SYN flood: SYNs with forged sources, and what remains for honest clients of the same contender.

use bench::namespace::within;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::generator::{FRAMES_PER_CALL, Generator};
use crate::segments::{Numbers, SYN, forge_source, frame};
use crate::stats::{ns, number};
use crate::stream::{StreamMember, open};
use crate::traffic::{ECHO_PORT, RequestKind, Traffic};

/// Results of one contender.
#[derive(Debug)]
pub(crate) struct FloodResult {
    pub(crate) contender: &'static str,
    /// SYNs per second that the interface of the contender accepted.
    pub(crate) syns_per_second: f64,
    /// CPU time of the contender's thread per SYN, in nanoseconds.
    pub(crate) cpu_ns: f64,
    /// Resident memory of this process before and after the flood, in KiB.
    pub(crate) memory: [usize; 2],
    /// Time of each honest connect in milliseconds. A failed connect has infinite time.
    pub(crate) connects: Vec<f64>,
    /// Requests per second of an honest client with an established connection, without and with the flood.
    pub(crate) rates: [f64; 2],
}

/// Pace of the requests of the honest client.
const REQUEST_INTERVAL: Duration = Duration::from_millis(1);
/// Pace of the honest connects.
const CONNECT_INTERVAL: Duration = Duration::from_millis(50);
/// First forged source: the network for benchmarks (RFC 2544), which is behind the gateway.
const FORGED: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 0);
/// Number of forged addresses.
const FORGED_ADDRESSES: u32 = 1 << 17;

/// Floods a contender with up to `rate` SYNs per second for a time, after the same time without the flood.
pub(crate) fn run(member: &mut StreamMember, rate: u32, time: Duration) -> Result<FloodResult, String> {
    let network = member.network().clone();
    let before = ask(member.client(), time)?;
    let memory_before = resident_memory()?;
    let (stop, used, begin) = (AtomicBool::new(false), member.clock().now(), Instant::now());
    let (during, connects, flood) = thread::scope(|scope| {
        let flooder =
            scope.spawn(|| flood(Generator::open(&network, &Traffic::plain(RequestKind::Arp))?, rate, &stop));
        let connecter = scope.spawn(|| within(&network.requester, || Ok(connect(&stop))));
        let during = ask(member.client(), time);
        stop.store(true, Ordering::Relaxed);
        (during, connecter.join(), flooder.join())
    });
    let (elapsed, used) = (begin.elapsed(), member.clock().now().saturating_sub(used));
    let panicked = |_| "a thread panicked".to_owned();
    let syns_per_second = flood.map_err(panicked)??;
    Ok(FloodResult {
        contender: member.contender(),
        syns_per_second,
        cpu_ns: ns(used) / (syns_per_second * elapsed.as_secs_f64()),
        memory: [memory_before, resident_memory()?],
        connects: connects.map_err(panicked)??,
        rates: [before, during?],
    })
}

/// Sends requests of one byte at their pace for a time, each after the reply to the previous one. Returns the number of
/// replies per second. A request without a reply in time ends the requests.
fn ask(client: &mut TcpStream, time: Duration) -> Result<f64, String> {
    let failed = |error: io::Error| format!("cannot request: {error}");
    let begin = Instant::now();
    let (mut next, mut replies) = (begin, 0);
    while next.duration_since(begin) < time {
        thread::sleep(next.saturating_duration_since(Instant::now()));
        client.write_all(&[7]).map_err(failed)?;
        if client.read_exact(&mut [0]).is_err() {
            break;
        }
        replies += 1;
        next = Instant::now().max(next + REQUEST_INTERVAL);
    }
    Ok(number(replies) / begin.elapsed().max(time).as_secs_f64())
}

/// Opens and closes connections at their pace until stopped. Returns the time of each in milliseconds.
fn connect(stop: &AtomicBool) -> Vec<f64> {
    let mut times = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let begin = Instant::now();
        let is_open = open(ECHO_PORT).is_ok();
        times.push(if is_open { begin.elapsed().as_secs_f64() * 1e3 } else { f64::INFINITY });
        thread::sleep(CONNECT_INTERVAL);
    }
    times
}

/// Sends SYNs until stopped, each from another source. Returns the number per second that the interface accepted.
fn flood(mut generator: Generator, rate: u32, stop: &AtomicBool) -> Result<f64, String> {
    let syn = frame(Numbers { port: 1_024, sequence: 1, acknowledgment: 0 }, SYN);
    let mut frames = vec![syn; FRAMES_PER_CALL];
    let begin = Instant::now();
    let (mut sent, mut accepted, mut next) = (0_usize, 0_usize, 0_u32);
    while !stop.load(Ordering::Relaxed) {
        let due = begin.elapsed().as_secs_f64() * f64::from(rate);
        if number(sent) > due {
            thread::sleep(Duration::from_micros(50));
            continue;
        }
        for frame in &mut frames {
            // An odd step visits all addresses, with other ports in each round.
            let address = u32::from(FORGED) + next.wrapping_mul(0x9e37_79b1) % FORGED_ADDRESSES;
            let port = u16::try_from(1_024 + next / FORGED_ADDRESSES).unwrap_or(1_024);
            forge_source(frame, address.into(), port);
            next = next.wrapping_add(1);
        }
        accepted += generator.offer(&frames)?;
        sent += frames.len();
    }
    Ok(number(accepted) / begin.elapsed().as_secs_f64())
}

/// Returns the resident memory of this process in KiB.
fn resident_memory() -> Result<usize, String> {
    let failed = || "cannot read VmRSS of /proc/self/status".to_owned();
    let status = fs::read_to_string("/proc/self/status").map_err(|_| failed())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or_else(failed)?;
    line.trim().trim_end_matches(" kB").parse().map_err(|_| failed())
}
