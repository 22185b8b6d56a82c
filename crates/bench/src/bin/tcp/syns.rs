//! SYNs with forged sources behind a gateway, from the received frame to the queued answer.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Instant as Clock;

use host::{FrameOutcome, Host, HostConfig, TcpListen};
use inet::IpProtocol;
use ipnet::Ipv4Net;
use ipv4::Ipv4Fields;
use link::MacAddr;
use tap::{Batch, Exchange, Frame, Instant, Machine, Pool, PortId};
use tcp::{Flags, Options, SegmentFields, SequenceNumber};

use crate::peers::LOCAL;

/// The state of the listener that receives the SYNs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SynWork {
    /// The listener has capacity, so each SYN becomes a half-open connection. A reset follows, which is not counted.
    HalfOpen,
    /// The listener has its maximum number of half-open connections, so a cookie answers each SYN.
    Cookie,
}

/// A host with a listener, and the SYNs that it receives.
struct Flood {
    host: Host,
    pool: Pool,
    departing: Batch,
    work: SynWork,
    /// Number of SYNs, and the number of them that are followed by a reset or need none.
    sent: u32,
    reset: u32,
}

const PORT: PortId = PortId::new(0);
const MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const PREFIX: u8 = 16;
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const GATEWAY_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
/// First forged source, and the number of forged addresses, as in the load `tcp-flood` of `bench wire`.
const FORGED: u32 = 0xc612_0000;
const FORGED_ADDRESSES: u32 = 1 << 17;
/// Number of SYNs before the first that is counted. They exceed the limit of half-open connections of a listener.
const WARM_UP: u32 = 2_048;
/// Length of the headers of Ethernet and IP, in bytes.
const HEADERS: usize = 34;
/// Number of batches in a measurement, and number of measurements.
const BATCHES: u32 = 100;
const MEASUREMENTS: usize = 200;

impl SynWork {
    /// Both kinds of SYNs.
    pub(crate) const ALL: [SynWork; 2] = [SynWork::HalfOpen, SynWork::Cookie];

    /// Returns the name of the kind.
    pub(crate) fn name(self) -> &'static str {
        match self {
            SynWork::HalfOpen => "syn_half_open",
            SynWork::Cookie => "syn_cookie",
        }
    }

    /// Receives a number of SYNs, for a tool that counts the instructions of [`syn_in`].
    pub(crate) fn count(self, times: usize) -> Result<(), String> {
        let mut flood = Flood::new(self)?;
        for _ in 0..times {
            let syn = flood.syn()?;
            syn_in(&mut flood, syn).then_some(()).ok_or("a SYN was dropped")?;
            flood.finish()?;
        }
        Ok(())
    }

    /// Prints the median time of a SYN and its answer, in batches as from a device.
    pub(crate) fn measure(self) -> Result<(), String> {
        let mut flood = Flood::new(self)?;
        let mut batch = Batch::new(Exchange::BATCH);
        let mut times = Vec::new();
        for _ in 0..MEASUREMENTS {
            let (first, mut time) = (flood.sent, 0.0);
            for _ in 0..BATCHES {
                while batch.free_capacity() > 0 {
                    batch.push(flood.syn()?).map_err(|_| "a batch is full")?;
                }
                let begin = Clock::now();
                flood.host.prefetch(PORT, &batch);
                while let Some(syn) = batch.pop() {
                    syn_in(&mut flood, syn).then_some(()).ok_or("a SYN was dropped")?;
                }
                flood.host.transmit(flood.now(), PORT, &mut flood.departing, &mut flood.pool);
                time += begin.elapsed().as_secs_f64();
                flood.finish()?;
            }
            times.push(time * 1e9 / f64::from(flood.sent - first));
        }
        times.sort_by(f64::total_cmp);
        println!("{:<13}  {:>10.0}", self.name(), times.get(MEASUREMENTS / 2).copied().unwrap_or(f64::NAN));
        Ok(())
    }
}

impl Flood {
    /// Creates a host after some SYNs.
    fn new(work: SynWork) -> Result<Flood, String> {
        let address = Ipv4Net::new(*LOCAL.ip(), PREFIX).map_err(|error| error.to_string())?;
        let config = HostConfig { gateway: Some(GATEWAY.into()), ..HostConfig::new(address.into(), MAC) };
        let mut host = Host::new(time_of(0), &config).map_err(|error| error.to_string())?;
        host.add_static(time_of(0), GATEWAY, GATEWAY_MAC).map_err(|error| error.to_string())?;
        let listen = TcpListen { port: Some(LOCAL.port()), ..TcpListen::default() };
        host.listen_tcp(&listen).map_err(|error| error.to_string())?;
        let pool = Pool::new(config.mtu, host.pool_size());
        let mut flood = Flood { host, pool, departing: Batch::new(Exchange::BATCH), work, sent: 0, reset: 0 };
        for _ in 0..WARM_UP {
            let syn = flood.syn()?;
            flood.receive(syn);
            flood.finish()?;
        }
        Ok(flood)
    }

    fn now(&self) -> Instant {
        time_of(self.sent)
    }

    fn receive(&mut self, frame: Frame) -> bool {
        let outcome = self.host.receive(self.now(), PORT, frame, &mut self.pool);
        !matches!(outcome, FrameOutcome::Dropped(_))
    }

    /// Returns the next SYN.
    fn syn(&mut self) -> Result<Frame, String> {
        let options = Options {
            maximum_segment_size: Some(1_460),
            window_scale: Some(7),
            sack_permitted: true,
            ..Options::NONE
        };
        let fields = SegmentFields { options, ..fields(self.sent, Flags::SYN, 1) };
        self.sent += 1;
        frame(&mut self.pool, &fields)
    }

    /// Takes the answers. Resets the half-open connections, unless the work is `Cookie`.
    fn finish(&mut self) -> Result<(), String> {
        let now = self.now();
        while {
            self.host.transmit(now, PORT, &mut self.departing, &mut self.pool);
            !self.departing.is_empty()
        } {
            while let Some(frame) = self.departing.pop() {
                self.pool.give(frame);
            }
        }
        let first = std::mem::replace(&mut self.reset, self.sent);
        if self.work == SynWork::HalfOpen {
            for number in first..self.sent {
                let reset = frame(&mut self.pool, &fields(number, Flags::RST, 2))?;
                self.receive(reset);
            }
        }
        Ok(())
    }
}

/// Receives a SYN. Returns whether it was accepted. The function is never inlined, so that its symbol identifies its
/// instructions.
#[inline(never)]
fn syn_in(flood: &mut Flood, syn: Frame) -> bool {
    flood.receive(syn)
}

/// Returns the time of a SYN: 500,000 arrive in a second.
fn time_of(number: u32) -> Instant {
    Instant::from_nanos(1_000_000_000 + u64::from(number) * 2_000)
}

/// Returns the fields of a segment of a forged source, without options.
fn fields(number: u32, flags: Flags, sequence: u32) -> SegmentFields {
    // An odd factor visits all addresses, with other ports in each round.
    let address = FORGED + number.wrapping_mul(0x9e37_79b1) % FORGED_ADDRESSES;
    let port = u16::try_from(1_024 + number / FORGED_ADDRESSES).unwrap_or(u16::MAX);
    SegmentFields {
        source: SocketAddrV4::new(address.into(), port),
        destination: LOCAL,
        sequence: SequenceNumber::new(sequence),
        acknowledgment: SequenceNumber::new(0),
        flags,
        window: 65_535,
        urgent_pointer: 0,
        options: Options::NONE,
    }
}

/// Returns the frame of a segment from the gateway.
fn frame(pool: &mut Pool, fields: &SegmentFields) -> Result<Frame, String> {
    let mut frame = pool.take().ok_or("no frame")?;
    let bytes = frame.append(HEADERS + fields.header_length()).map_err(|error| error.to_string())?;
    let (headers, segment) = bytes.split_at_mut(HEADERS);
    let link = [&MAC.bytes()[..], &GATEWAY_MAC.bytes(), &[8, 0]].concat();
    headers[..link.len()].copy_from_slice(&link);
    fields.write_to(segment).map_err(|error| error.to_string())?;
    Ipv4Fields::new(IpProtocol::TCP, *fields.source.ip(), *fields.destination.ip())
        .write_to(&mut bytes[link.len()..])
        .map_err(|error| error.to_string())?;
    Ok(frame)
}
