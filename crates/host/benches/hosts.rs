//! Time per ARP reply, echo reply and UDP echo by a socket, of one host and of 65,536 hosts.
//!
//! A round is 4,096 frames, handled in batches of 64. All frames are sent to one host, or each frame to a different
//! host. Criterion times both cases separately. The printed ratio is the ratio of the medians of alternating rounds, so
//! that other load affects both cases.

use std::error::Error;
use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use arp::{Operation, PacketFields};
use criterion::{Criterion, Throughput};
use host::{FrameOutcome, Host, HostConfig, UdpBind, UdpMessage};
use icmp::{Echo, IcmpType};
use inet::IpProtocol;
use link::MacAddr;
use tap::{Batch, Exchange, Instant, Machine, Pool, PortId};

type BenchResult<T> = Result<T, Box<dyn Error>>;
/// A function that returns the frame for the host with this number.
type FrameFn = fn(u32) -> BenchResult<Vec<u8>>;

const PORT: PortId = PortId::new(0);
const PEER: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
const PEER_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// Address of the first host of the range.
const FIRST: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 0);
const FIRST_MAC: MacAddr = MacAddr::new([2, 0, 0, 1, 0, 0]);
/// Frames per round.
const ROUND: u32 = 4_096;
/// Number of rounds for the ratio.
const ROUNDS: usize = 301;

fn main() -> BenchResult<()> {
    let mut criterion = Criterion::default().configure_from_args();
    let cases: [(&str, FrameFn); 3] = [("arp", request), ("echo", echo), ("udp", udp)];
    for (name, make) in cases {
        let mut one = BenchHost::new(&HostConfig::new("10.1.0.0/8".parse()?, FIRST_MAC), |_| make(0))?;
        // Each host receives at most one frame per round, in an order without locality.
        let mut many = BenchHost::new(&HostConfig::range("10.1.0.0/16".parse()?, FIRST_MAC), |step| {
            make(step * 40_503 % 65_536)
        })?;
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(ROUND.into()));
        group.bench_function("1 host", |bencher| bencher.iter(|| one.round()));
        group.bench_function("65536 hosts", |bencher| bencher.iter(|| many.round()));
        group.finish();
        let (one, many) = alternate(&mut one, &mut many);
        let ratio = many.as_secs_f64() / one.as_secs_f64();
        println!("{name}: 1 host {one:?}, 65536 hosts {many:?} per frame, ratio {ratio:.3}");
    }
    criterion.final_summary();
    Ok(())
}

/// Returns the median time per frame of each of the two cases, in alternating rounds.
fn alternate(one: &mut BenchHost, many: &mut BenchHost) -> (Duration, Duration) {
    let (mut one_times, mut many_times) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        one_times.push(timed(one));
        many_times.push(timed(many));
    }
    (median(one_times), median(many_times))
}

// A benchmark measures real time.
#[allow(clippy::disallowed_methods)]
fn timed(bench: &mut BenchHost) -> Duration {
    let start = std::time::Instant::now();
    black_box(bench.round());
    start.elapsed() / ROUND
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// A host with the peer in its ARP cache, and the frames of a round.
struct BenchHost {
    host: Host,
    pool: Pool,
    departing: Batch,
    frames: Vec<Vec<u8>>,
}

impl BenchHost {
    fn new(config: &HostConfig, frame: impl Fn(u32) -> BenchResult<Vec<u8>>) -> BenchResult<BenchHost> {
        let mut host = Host::new(Instant::ORIGIN, config)?;
        // One socket serves all hosts.
        host.bind_udp(&UdpBind { port: Some(7), ..UdpBind::default() })?;
        let pool = Pool::new(config.mtu, host.pool_size());
        let frames = (0..ROUND).map(frame).collect::<BenchResult<_>>()?;
        let mut bench = BenchHost { host, pool, departing: Batch::new(Exchange::BATCH), frames };
        bench.host.add_static(Instant::ORIGIN, PEER_ADDRESS, PEER)?;
        let replies = bench.round();
        if replies == ROUND { Ok(bench) } else { Err(format!("{replies} replies, expected {ROUND}").into()) }
    }

    /// Handles every frame once. Returns the number of replies.
    fn round(&mut self) -> u32 {
        let mut replies = 0;
        // A turn of an event loop handles a batch of frames, and then takes the replies.
        for frames in self.frames.chunks(Exchange::BATCH) {
            for bytes in frames {
                let Some(mut frame) = self.pool.take() else { break };
                if frame.write(bytes).is_err() {
                    break;
                }
                let outcome = self.host.receive(Instant::ORIGIN, PORT, frame, &mut self.pool);
                replies += u32::from(!matches!(outcome, FrameOutcome::Dropped(_)));
            }
            echo_datagrams(&mut self.host, &mut self.pool);
            self.host.transmit(Instant::ORIGIN, PORT, &mut self.departing, &mut self.pool);
            while let Some(frame) = self.departing.pop() {
                self.pool.give(frame);
            }
        }
        replies
    }
}

/// Sends each received UDP datagram back to its sender, as the echo service does.
fn echo_datagrams(host: &mut Host, pool: &mut Pool) {
    while let Some(id) = host.poll_ready() {
        while let Some(received) = host.receive_udp(id) {
            let message = UdpMessage {
                source: Some(received.destination.ip()),
                destination: Some(received.source),
                ..UdpMessage::default()
            };
            // The bench does not check replies. A refused datagram returns to the pool.
            _ = host.send_udp_frame(Instant::ORIGIN, id, &message, received.frame, pool);
        }
    }
}

/// Returns the peer's UDP datagram to port 7 of a host, with 56 bytes of data.
fn udp(step: u32) -> BenchResult<Vec<u8>> {
    let (address, mac) = host(step)?;
    let mut datagram = vec![7; ipv4::Ipv4Fields::LENGTH + udp::UdpFields::LENGTH + 56];
    let source = SocketAddrV4::new(PEER_ADDRESS, 4_000);
    let fields = udp::UdpFields { source, destination: SocketAddrV4::new(address, 7) };
    fields.write_to(datagram.get_mut(ipv4::Ipv4Fields::LENGTH..).unwrap_or_default())?;
    ipv4::Ipv4Fields::new(IpProtocol::UDP, PEER_ADDRESS, address).write_to(&mut datagram)?;
    Ok([&mac.bytes()[..], &PEER.bytes(), &[8, 0], &datagram].concat())
}

/// Returns the addresses of the host with this number.
fn host(step: u32) -> BenchResult<(Ipv4Addr, MacAddr)> {
    let address = Ipv4Addr::from(u32::from(FIRST) + step);
    Ok((address, FIRST_MAC.plus(step.into()).ok_or("no MAC address left")?))
}

/// Returns the peer's ARP request for a host.
fn request(step: u32) -> BenchResult<Vec<u8>> {
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

/// Returns the peer's echo request to a host, with 56 bytes of data, the default of `ping`.
fn echo(step: u32) -> BenchResult<Vec<u8>> {
    let (address, mac) = host(step)?;
    let mut datagram = vec![0; ipv4::Ipv4Fields::LENGTH + Echo::HEADER + 56];
    let message = datagram.get_mut(ipv4::Ipv4Fields::LENGTH..).unwrap_or_default();
    Echo { identifier: 7, sequence: 1, data: &[7; 56] }.write_to(IcmpType::ECHO_REQUEST, message)?;
    ipv4::Ipv4Fields::new(IpProtocol::ICMP, PEER_ADDRESS, address).write_to(&mut datagram)?;
    Ok([&mac.bytes()[..], &PEER.bytes(), &[8, 0], &datagram].concat())
}
