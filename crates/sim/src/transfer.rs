//! Bulk transfers over TCP from one host to another.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use host::{Host, HostConfig, SocketId, TcpConnect, TcpInfo, TcpListen, TcpSettings};
use link::MacAddr;
use tap::{Instant, Offloads, Pool, PortId};

use crate::faults::Faults;
use crate::node_id::NodeId;
use crate::port_link::LinkSettings;
use crate::program::Program;
use crate::segment::{Livelock, Segment};

/// Settings of a [`Transfer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferSettings {
    /// Number of connections.
    pub flows: u16,
    /// Data of each connection, in bytes. `None`: the sender writes without end.
    pub bytes: Option<u64>,
    /// Link of the sender, which carries the data.
    pub data_link: LinkSettings,
    /// Link of the receiver, which carries the acknowledgments.
    pub ack_link: LinkSettings,
    /// Settings of the connections of the sender.
    pub sender: TcpSettings,
    /// Settings of the connections of the receiver.
    pub receiver: TcpSettings,
    /// Offloads of the sender.
    pub sender_offloads: Offloads,
    /// Offloads of the receiver.
    pub receiver_offloads: Offloads,
}

/// Bulk transfers over TCP from one host to another, in virtual time. The receiver reads all data at once.
///
/// The neighbors are static, so that only TCP uses the links. In this example, a link loses 1 percent of the frames:
///
/// ```
/// use std::time::Duration;
///
/// use sim::{Faults, LinkSettings, Transfer, TransferSettings};
/// use tap::Instant;
///
/// let latency = Duration::from_millis(5);
/// let faults = Faults { seed: 7, loss: 10_000, min_latency: latency, max_latency: latency, ..Faults::NONE };
/// let link = LinkSettings { faults, ..LinkSettings::UNLIMITED };
/// let settings = TransferSettings { bytes: Some(1_000_000), ..TransferSettings::new(link, link) };
/// let mut transfer = Transfer::new(&settings)?;
/// transfer.run_until(Instant::ORIGIN + Duration::from_secs(60))?;
/// let flow = transfer.flows().first().ok_or("no flow")?;
/// assert_eq!(flow.received(), 1_000_000);
/// assert!(flow.duration(transfer.segment().now()) < Duration::from_secs(60));
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Debug)]
pub struct Transfer {
    segment: Segment,
    users: Users,
}

/// The users of the connections.
#[derive(Debug)]
struct Users {
    sender: NodeId,
    receiver: NodeId,
    listener: SocketId,
    bytes: Option<u64>,
    flows: Vec<Flow>,
}

/// A connection of a [`Transfer`].
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// Connection of the sender.
    sending: SocketId,
    /// Connection of the receiver, after its handshake.
    receiving: Option<SocketId>,
    /// Data that was not written yet, in bytes. `None` for data without end.
    remaining: Option<u64>,
    established: Option<Instant>,
    completed: Option<Instant>,
    received: u64,
}

impl TransferSettings {
    /// Returns one connection with data without end, default settings of TCP, and no offloads.
    pub fn new(data_link: LinkSettings, ack_link: LinkSettings) -> TransferSettings {
        TransferSettings {
            flows: 1,
            bytes: None,
            data_link,
            ack_link,
            sender: TcpSettings::default(),
            receiver: TcpSettings::default(),
            sender_offloads: Offloads::default(),
            receiver_offloads: Offloads::default(),
        }
    }
}

impl Transfer {
    const SENDER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const RECEIVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
    /// Port of the receiver.
    const PORT: u16 = 9;
    /// Port of the sender of the first connection. The next connection has the next port.
    const FIRST_PORT: u16 = 10_000;
    /// Data of a call that writes.
    const DATA: [u8; 1 << 14] = [0; 1 << 14];

    /// Creates both hosts, and opens all connections at the start of virtual time. Fails if there are more connections
    /// than a host supports.
    pub fn new(settings: &TransferSettings) -> Result<Transfer, Box<dyn std::error::Error + Send + Sync>> {
        let start = Instant::ORIGIN;
        let mut segment = Segment::new(start, Faults::NONE);
        segment.limit_capture(0);
        let addresses = [Self::SENDER, Self::RECEIVER];
        let macs = [1, 2].map(|last| MacAddr::new([2, 0, 0, 0, 0, last]));
        let mut nodes = Vec::new();
        let offloads = [settings.sender_offloads, settings.receiver_offloads];
        for ((address, mac), offloads) in addresses.into_iter().zip(macs).zip(offloads) {
            let network = ipnet::IpNet::new(address.into(), 24)?;
            nodes.push(segment.add(&HostConfig { offloads, ..HostConfig::new(network, mac) })?);
        }
        let &[sender, receiver] = nodes.as_slice() else { return Err("two hosts expected".into()) };
        for (node, link) in [(sender, settings.data_link), (receiver, settings.ack_link)] {
            segment.set_link(node, PortId::new(0), link);
            let host = segment.host_mut(node).ok_or("not a host")?;
            for (address, mac) in addresses.into_iter().zip(macs) {
                if !host.addresses().contains(address) {
                    host.add_static(start, address, mac)?;
                }
            }
        }
        let listen =
            TcpListen { port: Some(Self::PORT), settings: settings.receiver, ..TcpListen::default() };
        let listener = segment.host_mut(receiver).ok_or("not a host")?.listen_tcp(&listen)?;
        let users = Users { sender, receiver, listener, bytes: settings.bytes, flows: Vec::new() };
        let mut transfer = Transfer { segment, users };
        for number in 0..settings.flows {
            transfer.connect(number, settings.sender)?;
        }
        Ok(transfer)
    }

    fn connect(
        &mut self,
        number: u16,
        settings: TcpSettings,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let port = Self::FIRST_PORT.checked_add(number).ok_or("too many connections")?;
        let connect = TcpConnect {
            source_port: Some(port),
            settings,
            ..TcpConnect::new(SocketAddr::from((Self::RECEIVER, Self::PORT)))
        };
        let host = self.segment.host_mut(self.users.sender).ok_or("not a host")?;
        self.users.flows.push(Flow {
            sending: host.connect_tcp(Instant::ORIGIN, &connect)?,
            receiving: None,
            remaining: self.users.bytes,
            established: None,
            completed: None,
            received: 0,
        });
        Ok(())
    }

    /// Runs until all data was received, but not longer than `end`. Without an end of the data, runs until `end`.
    pub fn run_until(&mut self, end: Instant) -> Result<(), Livelock> {
        while !self.is_complete() {
            let next = self.segment.next().filter(|at| *at <= end);
            self.segment.run_with(next.unwrap_or(end), &mut self.users)?;
            if next.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Returns whether all data was received.
    pub fn is_complete(&self) -> bool {
        self.users.flows.iter().all(|flow| flow.completed.is_some())
    }

    /// Returns the connections.
    pub fn flows(&self) -> &[Flow] {
        &self.users.flows
    }

    /// Returns the state of a connection of the sender, or `None` if the connection is closed.
    pub fn info(&self, flow: &Flow) -> Option<TcpInfo> {
        self.segment.host(self.users.sender)?.tcp_info(flow.sending)
    }

    /// Returns the segment.
    pub fn segment(&self) -> &Segment {
        &self.segment
    }

    /// Returns the segment for modification, for example of the links.
    pub fn segment_mut(&mut self) -> &mut Segment {
        &mut self.segment
    }

    /// Returns the node of the sender.
    pub fn sender(&self) -> NodeId {
        self.users.sender
    }

    /// Returns the node of the receiver.
    pub fn receiver(&self) -> NodeId {
        self.users.receiver
    }
}

impl Program for Users {
    /// Writes, accepts and reads on all ready sockets.
    fn serve(&mut self, now: Instant, node: NodeId, host: &mut Host, pool: &mut Pool) {
        while let Some(socket) = host.poll_ready() {
            if node == self.sender {
                self.write(now, socket, host, pool);
            } else if socket == self.listener {
                self.accept(now, host, pool);
            } else {
                self.read(now, socket, host, pool);
            }
        }
    }
}

impl Users {
    /// Writes as much data as the send buffer accepts. After the last data, closes the sending direction.
    fn write(&mut self, now: Instant, socket: SocketId, host: &mut Host, pool: &mut Pool) {
        let Some(flow) = self.flows.iter_mut().find(|flow| flow.sending == socket) else { return };
        flow.established.get_or_insert(now);
        while flow.remaining != Some(0) {
            let limit = flow.remaining.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX);
            let data = Transfer::DATA.get(..limit).unwrap_or(&Transfer::DATA);
            // The data of a connection that has failed is not received: see `Flow::received`.
            let written = host.write_tcp(now, socket, data, pool).unwrap_or_default();
            let count = u64::try_from(written).unwrap_or_default();
            flow.remaining = flow.remaining.map(|bytes| bytes.saturating_sub(count));
            if written < data.len() {
                return;
            }
        }
        // A connection that has failed is closed already.
        let _ = host.shutdown_tcp(now, socket);
    }

    fn accept(&mut self, now: Instant, host: &mut Host, pool: &mut Pool) {
        let mut accepted = Vec::new();
        while let Some(connection) = host.accept_tcp(self.listener) {
            let number = connection.peer.port().checked_sub(Transfer::FIRST_PORT).map(usize::from);
            if let Some(flow) = number.and_then(|number| self.flows.get_mut(number)) {
                flow.receiving = Some(connection.socket);
                accepted.push(connection.socket);
            }
        }
        for socket in accepted {
            self.read(now, socket, host, pool);
        }
    }

    /// Reads all received data.
    fn read(&mut self, now: Instant, socket: SocketId, host: &mut Host, pool: &mut Pool) {
        let Some(flow) = self.flows.iter_mut().find(|flow| flow.receiving == Some(socket)) else { return };
        while let Ok(length @ 1..) = host.tcp_chunk(socket).map(<[u8]>::len) {
            host.consume_tcp(now, socket, length, pool);
            flow.received = flow.received.saturating_add(u64::try_from(length).unwrap_or_default());
        }
        if self.bytes.is_some_and(|bytes| flow.received >= bytes) {
            flow.completed.get_or_insert(now);
        }
    }
}

impl Flow {
    /// Returns the data that the receiver has read, in bytes.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Returns the time at which the sender's connection was established.
    pub fn established(&self) -> Option<Instant> {
        self.established
    }

    /// Returns the time at which the receiver has read the last data.
    pub fn completed(&self) -> Option<Instant> {
        self.completed
    }

    /// Returns the time from the establishment of the connection to its last data, or to `now`.
    pub fn duration(&self, now: Instant) -> Duration {
        self.established.map_or(Duration::ZERO, |start| self.completed.unwrap_or(now).since(start))
    }

    /// Returns the goodput in bytes per second: the received data, divided by [`Flow::duration`].
    pub fn goodput(&self, now: Instant) -> u64 {
        let nanoseconds = self.duration(now).as_nanos().max(1);
        let bytes = u128::from(self.received) * 1_000_000_000;
        u64::try_from(bytes / nanoseconds).unwrap_or(u64::MAX)
    }
}
