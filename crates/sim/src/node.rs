//! Nodes of a segment: simulated hosts and scripted peers.

use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use host::{Host, HostConfig, HostConfigError, HostWith, SendOutcome, TxDropReason};
use link::EtherType;
use tap::{Device, DeviceCounters, Exchange, Instant, Machine, Offload, Pool, PortId};

use crate::node_id::NodeId;
use crate::port::SegmentPort;
use crate::program::{NodeProgram, Program};

/// Identifier of a wire of a segment. An identifier is valid only for its segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WireId(pub(crate) usize);

/// A port of a node on a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WirePort {
    pub(crate) node: NodeId,
    pub(crate) port: PortId,
    pub(crate) wire: WireId,
}

/// A frame that a script sends: delay and bytes.
pub type ScriptedFrame = (Duration, Vec<u8>);

/// A function that receives a frame and returns the frames to send.
pub(crate) type Script = Box<dyn FnMut(Instant, &[u8]) -> Vec<ScriptedFrame>>;

/// A node of the segment.
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    pub(crate) is_running: bool,
    /// Processes each frame that the node sends, before the medium carries it.
    pub(crate) interceptor: Option<Script>,
}

pub(crate) enum NodeKind {
    Host(Box<HostNode>),
    Script(Script),
}

/// A host with its pool and its devices.
#[derive(Debug)]
pub(crate) struct HostNode {
    pub(crate) host: Host,
    pub(crate) pool: Pool,
    pub(crate) ports: Vec<HostPort>,
    /// Whether to take the next turn immediately: the last turn requires it, or the host was accessed since then.
    needs_turn: bool,
}

/// A device of a host, and its exchange.
#[derive(Debug)]
pub(crate) struct HostPort {
    pub(crate) device: SegmentPort,
    exchange: Exchange,
    is_tx_blocked: bool,
}

impl HostPort {
    fn new(id: PortId, mtu: usize) -> HostPort {
        HostPort { device: SegmentPort::new(mtu), exchange: Exchange::new(id), is_tx_blocked: false }
    }
}

impl Node {
    pub(crate) fn host(now: Instant, config: &HostConfig) -> Result<Node, HostConfigError> {
        Ok(Node::new(NodeKind::Host(Box::new(HostNode::new(now, config)?))))
    }

    pub(crate) fn script(script: Script) -> Node {
        Node::new(NodeKind::Script(script))
    }

    fn new(kind: NodeKind) -> Node {
        Node { kind, is_running: true, interceptor: None }
    }

    pub(crate) fn as_host(&self) -> Option<&HostNode> {
        match &self.kind {
            NodeKind::Host(node) => Some(node),
            NodeKind::Script(_) => None,
        }
    }

    /// Returns the host for modification. The host takes a turn in the next step.
    pub(crate) fn as_host_mut(&mut self) -> Option<&mut HostNode> {
        match &mut self.kind {
            NodeKind::Host(node) => {
                node.needs_turn = true;
                Some(node)
            }
            NodeKind::Script(_) => None,
        }
    }

    /// Returns the time at which the node has work if no frame arrives earlier. `ready_at` returns the time at which the
    /// link of a port accepts the next frame, or `None` if the link accepts frames at any time.
    pub(crate) fn next(&self, now: Instant, ready_at: impl Fn(PortId) -> Option<Instant>) -> Option<Instant> {
        let node = self.as_host().filter(|_| self.is_running)?;
        let is_ready =
            |port: &HostPort| port.device.is_rx_ready() && node.host.accepts_frames(port.exchange.port());
        if node.needs_turn || node.ports.iter().any(is_ready) {
            return Some(now);
        }
        let blocked = node.ports.iter().filter(|port| port.is_tx_blocked);
        let ready = blocked.map(|port| ready_at(port.exchange.port()).unwrap_or(now));
        ready.chain(node.host.deadline()).min()
    }

    pub(crate) fn send(
        &mut self,
        now: Instant,
        neighbor: Ipv4Addr,
        ether_type: EtherType,
        payload: &[u8],
    ) -> SendOutcome {
        let Some(HostNode { host, pool, .. }) = self.as_host_mut() else {
            return SendOutcome::Dropped(TxDropReason::NoSourceAddress);
        };
        let Some(mut frame) = pool.take() else {
            return SendOutcome::Dropped(TxDropReason::NoFrame);
        };
        if frame.write(payload).is_err() {
            pool.give(frame);
            return SendOutcome::Dropped(TxDropReason::TooLong);
        }
        host.send(now, neighbor.into(), ether_type, frame, pool)
    }

    pub(crate) fn start(&mut self, now: Instant) -> Result<(), HostConfigError> {
        if let Some(node) = self.as_host_mut() {
            node.restart(now)?;
        }
        self.is_running = true;
        Ok(())
    }
}

impl HostNode {
    fn new(now: Instant, config: &HostConfig) -> Result<HostNode, HostConfigError> {
        let host = Host::new(now, config)?;
        let pool = Pool::new(config.mtu, host.pool_size());
        let ports = vec![HostPort::new(config.port, config.mtu)];
        Ok(HostNode { host, pool, ports, needs_turn: true })
    }

    /// Adds hosts, and a device if their port has none. Returns whether a device was added.
    pub(crate) fn add(&mut self, now: Instant, config: &HostConfig) -> Result<bool, HostConfigError> {
        self.host.add(now, config)?;
        let is_new = self.port_mut(config.port).is_none();
        if is_new {
            self.ports.push(HostPort::new(config.port, config.mtu));
        }
        self.pool = Pool::new(self.pool.mtu().max(config.mtu), self.host.pool_size());
        Ok(is_new)
    }

    /// Starts the host again with the same hosts and devices.
    fn restart(&mut self, now: Instant) -> Result<(), HostConfigError> {
        let configs: Vec<_> = self.host.hosts().copied().collect();
        let mut host = Host::new(now, configs.first().unwrap_or(self.host.config()))?;
        for config in configs.iter().skip(1) {
            host.add(now, config)?;
        }
        let ports =
            self.ports.iter().map(|port| HostPort::new(port.exchange.port(), port.device.capabilities().mtu));
        let pool = Pool::new(self.pool.mtu(), host.pool_size());
        *self = HostNode { ports: ports.collect(), host, pool, needs_turn: true };
        Ok(())
    }

    /// Takes one turn of the host and its program with each of its devices. `ready_at` is that of [`Node::next`].
    pub(crate) fn turn<P: Program>(
        &mut self,
        now: Instant,
        node: NodeId,
        program: &mut P,
        ready_at: impl Fn(PortId) -> Option<Instant>,
    ) {
        self.needs_turn = false;
        let mut machine = HostWith { host: &mut self.host, user: NodeProgram { node, program } };
        for HostPort { device, exchange, is_tx_blocked } in &mut self.ports {
            // A link without a queue accepts one frame at a time.
            device.tx_limit = ready_at(exchange.port()).map_or(usize::MAX, |at| usize::from(at <= now));
            // A device in memory does not fail.
            let turn = exchange.turn(now, &mut machine, device, &mut self.pool, &mut ()).unwrap_or_default();
            *is_tx_blocked = turn.tx_blocked;
            self.needs_turn |= turn.poll_again;
        }
    }

    pub(crate) fn port_mut(&mut self, port: PortId) -> Option<&mut SegmentPort> {
        let mut ports = self.ports.iter_mut();
        ports.find(|device| device.exchange.port() == port).map(|port| &mut port.device)
    }

    /// Removes and returns the frames that the host transmitted, with their ports.
    pub(crate) fn take_tx(&mut self) -> Vec<(PortId, Vec<u8>, Offload)> {
        let mut sent = Vec::new();
        for HostPort { device, exchange, .. } in &mut self.ports {
            let port = exchange.port();
            sent.extend(
                std::iter::from_fn(|| device.take_tx()).map(|(bytes, offload)| (port, bytes, offload)),
            );
        }
        sent
    }

    /// Returns the counters of the first device.
    pub(crate) fn counters(&self) -> DeviceCounters {
        self.ports.first().map(|port| port.device.counters()).unwrap_or_default()
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Node { is_running, interceptor, .. } = self;
        f.debug_struct("Node")
            .field("host", &self.as_host())
            .field("is_running", is_running)
            .field("is_intercepted", &interceptor.is_some())
            .finish()
    }
}
