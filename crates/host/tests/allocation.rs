//! A host allocates nothing after a warm-up, and 65,536 hosts take the memory of one host.

use std::error::Error;

use arp::{Operation, PacketFields};
use host::{
    EchoBind, EchoRequest, Host, HostConfig, SocketId, TcpConnect, TcpListen, TcpRead, UdpBind, UdpMessage,
};
use icmp::{Echo, IcmpType};
use inet::IpProtocol;
use link::MacAddr;
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::time::Duration;
use tap::linux::Cable;
use tap::{
    Batch, Capabilities, Device, DeviceCounters, DeviceError, Exchange, Frame, Instant, Offloads, Pool,
    PortId, Received, Transmitted,
};

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
    fragments(mac, to, IpProtocol::ICMP, &message)
}

/// Returns a datagram of the peer to an IP and MAC address, in fragments of at most 1,480 bytes.
fn fragments(
    mac: MacAddr,
    to: Ipv4Addr,
    protocol: IpProtocol,
    payload: &[u8],
) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let mut frames = Vec::new();
    for (number, part) in payload.chunks(1_480).enumerate() {
        let mut bytes = [&[0; 20], part].concat();
        let fields = ipv4::Ipv4Fields {
            identification: 7,
            fragment_offset: number * 1_480,
            more_fragments: (number + 1) * 1_480 < payload.len(),
            ..ipv4::Ipv4Fields::new(protocol, [10, 0, 0, 1].into(), to)
        };
        fields.write_to(&mut bytes)?;
        frames.push([&mac.bytes()[..], &PEER.bytes(), &[8, 0], &bytes].concat());
    }
    Ok(frames)
}

/// Returns a UDP datagram of the peer to port 7 of an IP and MAC address, in fragments of at most 1,480 bytes.
fn udp(mac: MacAddr, to: Ipv4Addr, data: &[u8]) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let mut payload = [&[0; 8], data].concat();
    let source = SocketAddrV4::new([10, 0, 0, 1].into(), 4_000);
    udp::UdpFields { source, destination: SocketAddrV4::new(to, 7) }.write_to(&mut payload)?;
    fragments(mac, to, IpProtocol::UDP, &payload)
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
        if self.echo_datagrams()? > 0 {
            self.exchange.turn(Instant::ORIGIN, &mut self.host, &mut self.near, &mut self.pool, &mut ())?;
        }
        self.far.receive(&mut self.peer_pool, &mut self.batch)?;
        assert_eq!(self.batch.len(), frames.len(), "unexpected number of replies");
        while let Some(frame) = self.batch.pop() {
            self.peer_pool.give(frame);
        }
        Ok(())
    }

    /// Sends each received UDP datagram back to its sender. Returns their number.
    fn echo_datagrams(&mut self) -> Result<usize, Box<dyn Error>> {
        let mut count = 0;
        while let Some(id) = self.host.poll_ready() {
            while let Some(received) = self.host.receive_udp(id) {
                let message = UdpMessage {
                    source: Some(received.destination.ip()),
                    destination: Some(received.source),
                    ..UdpMessage::default()
                };
                let frame = received.frame;
                self.host.send_udp_frame(Instant::ORIGIN, id, &message, frame, &mut self.pool)?;
                count += 1;
            }
        }
        Ok(count)
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

fn port_7() -> UdpBind {
    UdpBind { port: Some(7), ..UdpBind::default() }
}

// proves: socket-no-copy
#[test]
fn whole_and_fragmented_datagrams_of_socket_allocate_nothing_after_warm_up() -> Result<(), Box<dyn Error>> {
    let mut test_host = TestHost::new(&one()?)?;
    test_host.host.bind_udp(&port_7())?;
    let address = Ipv4Addr::new(10, 1, 0, 2);
    test_host.exchange(&[request(address)?])?;
    let frames = [udp(HOST, address, &[7; 56])?, udp(HOST, address, &[7; 8_000])?];
    assert_eq!(test_host.allocations(&frames, 20_000)?, 0);
    Ok(())
}

// proves: many-hosts
#[test]
fn one_socket_serves_65536_hosts_without_allocation() -> Result<(), Box<dyn Error>> {
    let mut test_host = TestHost::new(&many()?)?;
    test_host.host.bind_udp(&port_7())?;
    let mut frames = Vec::new();
    for step in 0..65_536_u32 {
        let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 1, 0, 0)) + step);
        let mac = HOST.plus(step.into()).ok_or("no MAC address left")?;
        frames.extend(udp(mac, address, &[7; 56])?);
    }
    test_host.exchange(&[request([10, 1, 0, 0].into())?])?;
    let batches: Vec<_> = frames.chunks(Exchange::BATCH).map(<[_]>::to_vec).collect();
    assert_eq!(test_host.allocations(&batches, batches.len())?, 0);
    let sockets: Vec<_> = test_host.host.sockets().collect();
    assert_eq!(sockets.len(), 1, "the host has other sockets than the bound one");
    Ok(())
}

// proves: many-hosts
#[test]
fn socket_of_65536_hosts_costs_same_memory_as_that_of_one_host() -> Result<(), Box<dyn Error>> {
    let cost = |config: &HostConfig| -> Result<(u64, u64), Box<dyn Error>> {
        let mut host = Host::new(Instant::ORIGIN, config)?;
        let mut bound = Ok(());
        let measured = allocation_counter::measure(|| bound = host.bind_udp(&port_7()).map(drop));
        bound?;
        Ok((measured.count_total, measured.bytes_max))
    };
    assert_eq!(cost(&one()?)?, cost(&many()?)?);
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
        let interface = inet::InterfaceId(number);
        host.add_static_on(Instant::ORIGIN, interface, Ipv4Addr::from(*peer), PEER)
            .ok_or("no interface")??;
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

/// One end of a TCP connection.
struct TcpEnd<D> {
    host: Host,
    exchange: Exchange,
    device: D,
    pool: Pool,
    /// The connection, or the listener until the connection is accepted.
    socket: SocketId,
    buffer: Vec<u8>,
    /// Number of bytes to write.
    unsent: usize,
}

impl<D: Device> TcpEnd<D> {
    /// Writes the data that waits, takes a turn, and reads the data that has arrived. Returns its length.
    fn turn(&mut self, now: Instant) -> Result<usize, Box<dyn Error>> {
        let data = self.buffer.get(..self.unsent).ok_or("the buffer is short")?;
        self.unsent -= self.host.write_tcp(now, self.socket, data, &mut self.pool)?;
        self.exchange.turn(now, &mut self.host, &mut self.device, &mut self.pool, &mut ())?;
        while self.host.poll_ready().is_some() {}
        match self.host.read_tcp(now, self.socket, &mut self.buffer, &mut self.pool)? {
            TcpRead::Data(length) => Ok(length),
            TcpRead::End | TcpRead::WouldBlock => Ok(0),
        }
    }
}

/// A device in memory that cuts no superframes: they arrive as they were sent.
#[derive(Default)]
struct Wire {
    sent: VecDeque<Frame>,
    arriving: VecDeque<Frame>,
    superframes: usize,
}

impl Device for Wire {
    fn capabilities(&self) -> Capabilities {
        let offloads = Offloads { checksum: true, tcp_v4: true, udp: true };
        Capabilities { mtu: 1_500, minimum_frame: 0, offloads }
    }

    fn receive(&mut self, _: &mut Pool, into: &mut Batch) -> Result<Received, DeviceError> {
        let frames = self.arriving.len().min(into.free_capacity());
        into.append(&mut self.arriving, frames);
        Ok(Received { frames, ..Received::default() })
    }

    fn transmit(&mut self, from: &mut Batch, _: &mut Pool) -> Result<Transmitted, DeviceError> {
        let sent = from.len();
        while let Some(frame) = from.pop() {
            self.superframes += usize::from(frame.segments() > 1);
            self.sent.push_back(frame);
        }
        Ok(Transmitted { sent, ..Transmitted::default() })
    }

    fn counters(&self) -> DeviceCounters {
        DeviceCounters::default()
    }
}

/// Moves the sent frames of one end to the other end.
fn carry(from: &mut TcpEnd<Wire>, to: &mut TcpEnd<Wire>) -> Result<(), Box<dyn Error>> {
    while let Some(sent) = from.device.sent.pop_front() {
        let taken = if sent.segments() > 1 { to.pool.take_large() } else { to.pool.take() };
        let mut frame = taken.ok_or("no frame")?;
        frame.write(sent.bytes())?;
        frame.set_offload(sent.offload());
        to.device.arriving.push_back(frame);
        from.pool.give(sent);
    }
    Ok(())
}

/// Both ends of a connection.
type Ends<D> = [TcpEnd<D>; 2];

/// Returns both ends of an established connection. `carry` moves frames from one end to the other end.
fn connected<D: Device>(
    devices: [D; 2],
    carry: impl Fn(&mut TcpEnd<D>, &mut TcpEnd<D>) -> Result<(), Box<dyn Error>>,
) -> Result<Ends<D>, Box<dyn Error>> {
    let [near, far] = devices;
    let end = |address: &str, mac, device: D, peer: (Ipv4Addr, MacAddr)| -> Result<_, Box<dyn Error>> {
        let offloads = device.capabilities().offloads;
        let config = HostConfig { offloads, ..HostConfig::new(address.parse()?, mac) };
        let mut host = Host::new(Instant::ORIGIN, &config)?;
        host.add_static(Instant::ORIGIN, peer.0, peer.1)?;
        let pool = Pool::new(1_500, host.pool_size());
        let exchange = Exchange::new(PortId::default());
        let socket = host.listen_tcp(&TcpListen { port: Some(7), ..TcpListen::default() })?;
        Ok(TcpEnd { host, exchange, device, pool, socket, buffer: vec![7; 1 << 20], unsent: 0 })
    };
    let addresses = [Ipv4Addr::new(10, 1, 0, 1), Ipv4Addr::new(10, 1, 0, 2)];
    let mut client = end("10.1.0.1/8", PEER, near, (addresses[1], HOST))?;
    let mut server = end("10.1.0.2/8", HOST, far, (addresses[0], PEER))?;
    let now = Instant::ORIGIN;
    client.socket = client.host.connect_tcp(now, &TcpConnect::new((addresses[1], 7).into()))?;
    for _ in 0..2 {
        client.exchange.turn(now, &mut client.host, &mut client.device, &mut client.pool, &mut ())?;
        carry(&mut client, &mut server)?;
        server.exchange.turn(now, &mut server.host, &mut server.device, &mut server.pool, &mut ())?;
        carry(&mut server, &mut client)?;
    }
    server.socket = server.host.accept_tcp(server.socket).ok_or("no connection")?.socket;
    Ok([client, server])
}

/// Exchanges requests and answers, and returns the ends. Asserts that they allocate nothing after a warm-up.
fn exchange_without_allocation<D: Device>(
    devices: [D; 2],
    carry: impl Fn(&mut TcpEnd<D>, &mut TcpEnd<D>) -> Result<(), Box<dyn Error>>,
) -> Result<Ends<D>, Box<dyn Error>> {
    let [mut client, mut server] = connected(devices, &carry)?;
    let mut now = Instant::ORIGIN;
    // A request is answered with as much data. Small and large requests alternate.
    let mut round = |length: usize| -> Result<(), Box<dyn Error>> {
        client.unsent = length;
        let (mut arrived, mut answered) = (0, 0);
        while answered < length {
            now = now + Duration::from_micros(100);
            answered += client.turn(now)?;
            carry(&mut client, &mut server)?;
            let received = server.turn(now)?;
            carry(&mut server, &mut client)?;
            server.unsent += received;
            arrived += received;
        }
        assert_eq!((arrived, answered), (length, length));
        Ok(())
    };
    let mut rounds = |count: usize| {
        [1, 100, 1_460, 20_000, 100_000].into_iter().cycle().take(count).try_for_each(&mut round)
    };
    rounds(50)?;
    let mut outcome = Ok(());
    let allocated = allocation_counter::measure(|| outcome = rounds(500));
    outcome?;
    assert_eq!(allocated.count_total, 0);
    Ok([client, server])
}

// proves: tcp-no-allocation
#[test]
fn data_of_connection_allocates_nothing_after_warm_up() -> Result<(), Box<dyn Error>> {
    let (near, far) = Cable::pair(1_500)?;
    exchange_without_allocation([near, far], |_, _| Ok(())).map(drop)
}

// proves: tcp-no-allocation, tcp-superframe
#[test]
fn superframes_allocate_nothing_after_warm_up() -> Result<(), Box<dyn Error>> {
    let ends = exchange_without_allocation([Wire::default(), Wire::default()], carry)?;
    assert!(ends.iter().all(|end| end.device.superframes > 200), "the segments are single");
    Ok(())
}
