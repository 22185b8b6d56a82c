//! A host allocates nothing after a warm-up, and 65,536 hosts take the memory of one host.

use std::error::Error;

use arp::{Operation, PacketFields};
use host::{EchoBind, EchoRequest, Host, HostConfig};
use icmp::{Echo, IcmpType};
use inet::IpProtocol;
use link::MacAddr;
use std::net::{IpAddr, Ipv4Addr};
use tap::linux::Cable;
use tap::{Batch, Device, Exchange, Instant, Pool, PortId};

const PEER: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
const HOST: MacAddr = MacAddr::new([2, 0, 0, 1, 0, 0]);

/// Returns a broadcast request of the peer for an address.
fn request(target: Ipv4Addr) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut packet = [0; PacketFields::LENGTH];
    let fields = PacketFields {
        operation: Operation::REQUEST,
        sender_hardware: PEER,
        sender_protocol: [10, 0, 0, 1].into(),
        target_hardware: MacAddr::ZERO,
        target_protocol: target,
    };
    fields.write_to(&mut packet)?;
    Ok([&MacAddr::BROADCAST.bytes()[..], &PEER.bytes(), &[8, 6], &packet].concat())
}

/// Returns an echo request of the peer to an IP and MAC address, in fragments of at most 1,480 bytes.
fn echo(mac: MacAddr, to: Ipv4Addr, data: &[u8]) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let mut message = vec![0; Echo::HEADER + data.len()];
    Echo { identifier: 7, sequence: 1, data }.write_to(IcmpType::ECHO_REQUEST, &mut message)?;
    let mut frames = Vec::new();
    for (number, part) in message.chunks(1_480).enumerate() {
        let mut bytes = [&[0; 20], part].concat();
        let fields = ipv4::Ipv4Fields {
            identification: 7,
            fragment_offset: number * 1_480,
            more_fragments: (number + 1) * 1_480 < message.len(),
            ..ipv4::Ipv4Fields::new(IpProtocol::ICMP, [10, 0, 0, 1].into(), to)
        };
        fields.write_to(&mut bytes)?;
        frames.push([&mac.bytes()[..], &PEER.bytes(), &[8, 0], &bytes].concat());
    }
    Ok(frames)
}

/// A host, and the peer's end of its cable.
struct TestHost {
    host: Host,
    exchange: Exchange,
    near: Cable,
    far: Cable,
    pool: Pool,
    peer_pool: Pool,
    batch: Batch,
}

impl TestHost {
    fn new(config: &HostConfig) -> Result<TestHost, Box<dyn Error>> {
        let (far, near) = Cable::pair(1_500)?;
        let host = Host::new(Instant::ORIGIN, config)?;
        let pool = Pool::new(1_500, host.pool_size());
        let exchange = Exchange::new(PortId::default());
        Ok(TestHost {
            host,
            exchange,
            near,
            far,
            pool,
            peer_pool: Pool::new(1_500, 64),
            batch: Batch::new(64),
        })
    }

    /// Sends frames, and receives one reply to each.
    fn exchange(&mut self, frames: &[Vec<u8>]) -> Result<(), Box<dyn Error>> {
        for bytes in frames {
            let mut frame = self.peer_pool.take().ok_or("the pool is empty")?;
            frame.write(bytes)?;
            self.batch.push(frame).map_err(|_| "the batch is full")?;
        }
        self.far.transmit(&mut self.batch, &mut self.peer_pool)?;
        self.exchange.turn(Instant::ORIGIN, &mut self.host, &mut self.near, &mut self.pool, &mut ())?;
        self.far.receive(&mut self.peer_pool, &mut self.batch)?;
        assert_eq!(self.batch.len(), frames.len(), "unexpected number of replies");
        while let Some(frame) = self.batch.pop() {
            self.peer_pool.give(frame);
        }
        Ok(())
    }

    /// Returns the number of allocations of `count` exchanges of these frames after a warm-up.
    fn allocations(&mut self, frames: &[Vec<Vec<u8>>], count: usize) -> Result<u64, Box<dyn Error>> {
        for frames in frames.iter().cycle().take(1_000) {
            self.exchange(frames)?;
        }
        let mut outcome = Ok(());
        let allocated = allocation_counter::measure(|| {
            outcome = frames.iter().cycle().take(count).try_for_each(|frames| self.exchange(frames));
        });
        outcome?;
        Ok(allocated.count_total)
    }
}

fn one() -> Result<HostConfig, Box<dyn Error>> {
    Ok(HostConfig::new("10.1.0.2/8".parse()?, HOST))
}

fn many() -> Result<HostConfig, Box<dyn Error>> {
    Ok(HostConfig::range("10.1.0.0/16".parse()?, HOST))
}

#[test]
fn arp_requests_allocate_nothing_after_warm_up() -> Result<(), Box<dyn Error>> {
    let mut test_host = TestHost::new(&one()?)?;
    let requests = [vec![request([10, 1, 0, 2].into())?]];
    assert_eq!(test_host.allocations(&requests, 99_000)?, 0);
    assert_eq!(test_host.host.arp_replies(), 100_000);
    Ok(())
}

#[test]
fn whole_and_fragmented_echo_requests_allocate_nothing_after_warm_up() -> Result<(), Box<dyn Error>> {
    let mut test_host = TestHost::new(&one()?)?;
    let address = Ipv4Addr::new(10, 1, 0, 2);
    test_host.exchange(&[request(address)?])?;
    let frames = [echo(HOST, address, &[7; 56])?, echo(HOST, address, &[7; 8_000])?];
    assert_eq!(test_host.allocations(&frames, 20_000)?, 0);
    assert_eq!(test_host.host.echo_replies(), 21_000);
    Ok(())
}

// proves: many-hosts
#[test]
fn echo_requests_to_65536_hosts_allocate_nothing_after_warm_up() -> Result<(), Box<dyn Error>> {
    let mut test_host = TestHost::new(&many()?)?;
    let mut frames = Vec::new();
    for step in 0..65_536_u32 {
        let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 1, 0, 0)) + step);
        let mac = HOST.plus(step.into()).ok_or("no MAC address left")?;
        frames.push([vec![request(address)?], echo(mac, address, &[7; 56])?].concat());
    }
    assert_eq!(test_host.allocations(&frames, 65_536)?, 0);
    assert_eq!(test_host.host.echo_replies(), 66_536);
    Ok(())
}

// proves: many-hosts
#[test]
fn range_of_65536_hosts_costs_same_memory_as_one_host() -> Result<(), Box<dyn Error>> {
    let (one, many) = (one()?, many()?);
    let cost = |config: &HostConfig| {
        let measured = allocation_counter::measure(|| drop(Host::new(Instant::ORIGIN, config)));
        (measured.count_total, measured.bytes_max)
    };
    let (first, all) = (cost(&one), cost(&many));
    assert!(all.0 <= first.0, "{} allocations (limit {})", all.0, first.0);
    assert!(
        all.1 <= first.1 + 1_024,
        "allocations and bytes of 65,536 hosts: {all:?}, of one host: {first:?}"
    );
    Ok(())
}

/// A port of a host: the exchange, and both ends of the cable.
struct TestPort {
    exchange: Exchange,
    near: Cable,
    far: Cable,
}

#[test]
fn two_interfaces_and_sent_fragments_allocate_nothing_after_warm_up() -> Result<(), Box<dyn Error>> {
    let networks = [("10.1.0.2/24", [10, 1, 0, 1]), ("10.2.0.2/24", [10, 2, 0, 1])];
    let config = |number: usize| -> Result<HostConfig, Box<dyn Error>> {
        let address = networks.get(number).ok_or("no network")?.0;
        let port = PortId::new(u16::try_from(number)?);
        let mac = HOST.plus(number.try_into()?).ok_or("no MAC address left")?;
        Ok(HostConfig { port, ..HostConfig::new(address.parse()?, mac) })
    };
    let mut host = Host::new(Instant::ORIGIN, &config(0)?)?;
    host.add(Instant::ORIGIN, &config(1)?)?;
    let mut ports = Vec::new();
    for (number, (_, peer)) in networks.iter().enumerate() {
        let number = u16::try_from(number)?;
        let interface = host.interface_mut(inet::InterfaceId(number)).ok_or("no interface")?;
        interface.add_static(Instant::ORIGIN, Ipv4Addr::from(*peer), PEER)?;
        let (near, far) = Cable::pair(1_500)?;
        ports.push(TestPort { exchange: Exchange::new(PortId::new(number)), near, far });
    }
    let (mut pool, mut peer_pool) = (Pool::new(1_500, host.pool_size()), Pool::new(1_500, 256));
    let mut batch = Batch::new(64);
    let data = vec![7; 20_000];
    let requests = [request([10, 1, 0, 2].into())?, request([10, 2, 0, 2].into())?];
    let socket = host.bind_echo(&EchoBind::default())?;
    let mut received = 0;
    let mut round = || -> Result<(), Box<dyn Error>> {
        for (port, ((_, peer), request)) in ports.iter_mut().zip(networks.iter().zip(&requests)) {
            let ping = EchoRequest::new(IpAddr::from(*peer), 1);
            host.send_echo(Instant::ORIGIN, socket, &ping, &data, &mut pool)?;
            let mut frame = peer_pool.take().ok_or("the pool is empty")?;
            frame.write(request)?;
            batch.push(frame).map_err(|_| "the batch is full")?;
            port.far.transmit(&mut batch, &mut peer_pool)?;
            port.exchange.turn(Instant::ORIGIN, &mut host, &mut port.near, &mut pool, &mut ())?;
            received += port.far.receive(&mut peer_pool, &mut batch)?.frames;
            while let Some(frame) = batch.pop() {
                peer_pool.give(frame);
            }
        }
        Ok(())
    };
    (0..1_000).try_for_each(|_| round())?;
    let mut outcome = Ok(());
    let allocated = allocation_counter::measure(|| outcome = (0..10_000).try_for_each(|_| round()));
    outcome?;
    assert_eq!(allocated.count_total, 0);
    // An ARP reply and 14 fragments on each interface.
    assert_eq!((received, host.arp_replies()), (11_000 * 2 * 15, 22_000));
    Ok(())
}
