//! What an echo and an ARP answer cost one host, and each of 65,536.
//!
//! A round is 4,096 frames, judged and answered one after another: to the one host all of them, to the many
//! as many different ones. Criterion times each by itself; the ratio printed behind them is the median of
//! rounds that alternate, so that whatever else the machine does meets both alike.

use std::error::Error;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::Duration;

use arp::{Operation, PacketFields};
use criterion::{Criterion, Throughput};
use host::{FrameOutcome, Host, HostConfig};
use icmp::{Echo, IcmpType};
use inet::IpProtocol;
use link::MacAddr;
use tap::{Batch, Instant, Pool};

type Outcome<T> = Result<T, Box<dyn Error>>;
/// Makes the frame for a host by its number.
type Make = fn(u32) -> Outcome<Vec<u8>>;

const PEER: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
const PEER_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// The first host of all, and its station.
const FIRST: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 0);
const STATION: MacAddr = MacAddr::new([2, 0, 0, 1, 0, 0]);
/// Frames in a round.
const ROUND: u32 = 4_096;
/// Rounds for the ratio.
const ROUNDS: usize = 301;

fn main() -> Outcome<()> {
    let mut criterion = Criterion::default().configure_from_args();
    let cases: [(&str, Make); 2] = [("arp", request), ("echo", echo)];
    for (name, make) in cases {
        let mut one = Bench::new(&HostConfig::new("10.1.0.0/8".parse()?, STATION), |_| make(0))?;
        // Far from each other, and none twice.
        let mut many = Bench::new(&HostConfig::range("10.1.0.0/16".parse()?, STATION), |step| {
            make(step * 40_503 % 65_536)
        })?;
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(ROUND.into()));
        group.bench_function("1 host", |bencher| bencher.iter(|| one.round()));
        group.bench_function("65536 hosts", |bencher| bencher.iter(|| many.round()));
        group.finish();
        let (one, many) = alternate(&mut one, &mut many);
        let ratio = many.as_secs_f64() / one.as_secs_f64();
        println!("{name}: 1 host {one:?}, 65536 hosts {many:?} a frame, ratio {ratio:.3}");
    }
    criterion.final_summary();
    Ok(())
}

/// What a frame costs each, as the median of rounds that alternate.
fn alternate(one: &mut Bench, many: &mut Bench) -> (Duration, Duration) {
    let (mut ones, mut manys) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ones.push(timed(one));
        manys.push(timed(many));
    }
    (median(ones), median(manys))
}

// A benchmark stands outside the stack: what it measures is real time.
#[allow(clippy::disallowed_methods)]
fn timed(bench: &mut Bench) -> Duration {
    let start = std::time::Instant::now();
    black_box(bench.round());
    start.elapsed() / ROUND
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// A host that knows the peer, and frames for it.
struct Bench {
    host: Host,
    pool: Pool,
    tx_queue: Batch,
    frames: Vec<Vec<u8>>,
}

impl Bench {
    fn new(config: &HostConfig, frame: impl Fn(u32) -> Outcome<Vec<u8>>) -> Outcome<Bench> {
        let host = Host::new(Instant::ORIGIN, config)?;
        let pool = Pool::new(config.mtu, host.pool_size());
        let frames = (0..ROUND).map(frame).collect::<Outcome<_>>()?;
        let mut bench = Bench { host, pool, tx_queue: Batch::new(1), frames };
        bench.host.arp_mut().add_static(Instant::ORIGIN, PEER_ADDRESS, PEER)?;
        let answered = bench.round();
        if answered == ROUND { Ok(bench) } else { Err(format!("{answered} answers").into()) }
    }

    /// Answers every frame once. Returns how many departed.
    fn round(&mut self) -> u32 {
        let mut answered = 0;
        for bytes in &self.frames {
            let Some(mut frame) = self.pool.take() else { break };
            if frame.write(bytes).is_err() {
                break;
            }
            let outcome = self.host.receive(Instant::ORIGIN, frame, &mut self.tx_queue, &mut self.pool);
            answered += u32::from(!matches!(outcome, FrameOutcome::Dropped(_)));
            if let Some(frame) = self.tx_queue.pop() {
                self.pool.give(frame);
            }
        }
        answered
    }
}

/// A host by its number.
fn host(step: u32) -> Outcome<(Ipv4Addr, MacAddr)> {
    let address = Ipv4Addr::from(u32::from(FIRST) + step);
    Ok((address, STATION.plus(step.into()).ok_or("no such station")?))
}

/// The peer's request for a host.
fn request(step: u32) -> Outcome<Vec<u8>> {
    let mut packet = [0; PacketFields::LENGTH];
    let fields = PacketFields {
        operation: Operation::REQUEST,
        sender_hardware: PEER,
        sender_protocol: PEER_ADDRESS,
        target_hardware: MacAddr::ZERO,
        target_protocol: host(step)?.0,
    };
    fields.write_to(&mut packet)?;
    Ok([&MacAddr::BROADCAST.bytes()[..], &PEER.bytes(), &[8, 6], &packet].concat())
}

/// The peer's echo request to a host, with the 56 bytes of `ping`.
fn echo(step: u32) -> Outcome<Vec<u8>> {
    let (address, station) = host(step)?;
    let mut datagram = vec![0; ipv4::Ipv4Fields::LENGTH + Echo::HEADER + 56];
    let message = datagram.get_mut(ipv4::Ipv4Fields::LENGTH..).unwrap_or_default();
    Echo { identifier: 7, sequence: 1, data: &[7; 56] }.write_to(IcmpType::ECHO_REQUEST, message)?;
    ipv4::Ipv4Fields::new(IpProtocol::ICMP, PEER_ADDRESS, address).write_to(&mut datagram)?;
    Ok([&station.bytes()[..], &PEER.bytes(), &[8, 0], &datagram].concat())
}
