//! Nodes of a segment: simulated hosts and scripted peers.

use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use host::{EchoRequest, Host, HostConfig, HostConfigError, SendOutcome, TxDropReason};
use link::EtherType;
use tap::{Device, DeviceCounters, Exchange, Instant, Machine, Pool, PortId};

use crate::port::SegmentPort;

/// Identifier of a node of a segment. An identifier is valid only for its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) usize);

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

/// A host with its pool and its device.
#[derive(Debug)]
pub(crate) struct HostNode {
    pub(crate) host: Host,
    pub(crate) pool: Pool,
    pub(crate) port: SegmentPort,
    exchange: Exchange,
    /// Whether to take the next turn immediately: the last turn requires it, or the host was accessed since then.
    needs_turn: bool,
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

    /// Returns the time at which the node has work if no frame arrives earlier.
    pub(crate) fn next(&self, now: Instant) -> Option<Instant> {
        let node = self.as_host().filter(|_| self.is_running)?;
        if node.needs_turn || node.port.is_rx_ready() { Some(now) } else { node.host.deadline() }
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
        host.send(now, neighbor, ether_type, frame, pool)
    }

    pub(crate) fn ping(&mut self, now: Instant, request: EchoRequest, data: &[u8]) -> SendOutcome {
        match self.as_host_mut() {
            Some(HostNode { host, pool, .. }) => host.ping(now, request, data, pool),
            None => SendOutcome::Dropped(TxDropReason::NoSourceAddress),
        }
    }

    pub(crate) fn start(&mut self, now: Instant) -> Result<(), HostConfigError> {
        if let Some(node) = self.as_host_mut() {
            *node = HostNode::new(now, &node.host.config().clone())?;
        }
        self.is_running = true;
        Ok(())
    }
}

impl HostNode {
    fn new(now: Instant, config: &HostConfig) -> Result<HostNode, HostConfigError> {
        let host = Host::new(now, config)?;
        let pool = Pool::new(config.mtu, host.pool_size());
        let (port, exchange) = (SegmentPort::new(config.mtu), Exchange::new(PortId::default()));
        Ok(HostNode { host, pool, port, exchange, needs_turn: true })
    }

    /// Takes one turn of the host with its device.
    pub(crate) fn turn(&mut self, now: Instant) {
        let turn = self.exchange.turn(now, &mut self.host, &mut self.port, &mut self.pool, &mut ());
        // A device in memory does not fail, and accepts every frame.
        self.needs_turn = turn.is_ok_and(|turn| turn.poll_again);
    }

    pub(crate) fn counters(&self) -> DeviceCounters {
        self.port.counters()
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
