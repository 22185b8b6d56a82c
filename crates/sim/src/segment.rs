//! The simulated segment and its virtual clock.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use host::{Host, HostConfig, HostConfigError, SendOutcome, TxDropReason};
use link::EtherType;
use tap::{DeviceCounters, Instant, Offload, Pool, PortId};

use crate::faults::Faults;
use crate::medium::{Medium, MediumEvent, RecordedFrame, SegmentCounters};
use crate::node::{Node, NodeKind, ScriptedFrame, WireId, WirePort};
use crate::node_id::NodeId;
use crate::offload;
use crate::port_link::{LinkCounters, LinkSettings};
use crate::program::Program;

/// A simulated segment: nodes, frames in flight, and a virtual clock that jumps from one event to the next.
///
/// Each frame is delivered to all other nodes on its wire, as on a hub. The link layer of each host filters by
/// destination. The [`Faults`] of the segment, or of the link of the sending port ([`Segment::set_link`]), apply to each
/// copy separately. The segment does not sleep or read a clock, so the run time does not depend on the simulated time.
/// The same calls produce the same run.
///
/// In this example, a host resolves the MAC address of a second host, and sends a payload to this host:
///
/// ```
/// use std::time::Duration;
///
/// use host::HostConfig;
/// use link::{EtherType, MacAddr};
/// use sim::{Faults, Segment};
/// use tap::Instant;
///
/// let mut segment = Segment::new(Instant::ORIGIN, Faults::NONE);
/// let left = segment.add(&HostConfig::new("10.0.0.1/24".parse()?, MacAddr::new([2, 0, 0, 0, 0, 1])))?;
/// let right = segment.add(&HostConfig::new("10.0.0.2/24".parse()?, MacAddr::new([2, 0, 0, 0, 0, 2])))?;
///
/// segment.send(left, "10.0.0.2".parse()?, EtherType(0x88b5), b"hello");
/// segment.run_for(Duration::from_secs(1))?;
///
/// let senders: Vec<_> = segment.take_captured().iter().map(|frame| frame.from).collect();
/// assert_eq!(senders, [left, right, left], "unexpected order of request, reply and payload");
/// let table = segment.host(left).ok_or("not a host")?.arp().neighbors();
/// let entry = table.get("10.0.0.2".parse()?).ok_or("not resolved")?;
/// assert_eq!(entry.mac, Some(MacAddr::new([2, 0, 0, 0, 0, 2])));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Segment {
    now: Instant,
    medium: Medium,
    nodes: Vec<Node>,
    /// The ports of the nodes.
    wire_ports: Vec<WirePort>,
    /// Number of wires in addition to the first.
    wires: usize,
    /// The wires with ports that cut frames into segments.
    cutting: BTreeSet<WireId>,
}

/// Error of a run in which the clock cannot advance, because events at one instant cause each other endlessly.
///
/// For example, two scripts may answer each other without delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Livelock {
    /// The instant at which the clock stopped.
    pub at: Instant,
}

impl Segment {
    /// Maximum number of frames in flight, including the frames in the queues of links. Further frames are lost and
    /// counted.
    pub const IN_FLIGHT: usize = Medium::IN_FLIGHT;

    /// Maximum number of stored captured frames. Further frames are only counted.
    pub const CAPTURED: usize = Medium::CAPTURED;

    /// Maximum number of steps at one instant. A run with more steps ends with [`Livelock`].
    pub const STEPS: u32 = 10_000;

    /// Creates a segment without nodes. The virtual clock starts at `now`.
    pub fn new(now: Instant, faults: Faults) -> Segment {
        Segment {
            now,
            medium: Medium::new(faults),
            nodes: Vec::new(),
            wire_ports: Vec::new(),
            wires: 0,
            cutting: BTreeSet::new(),
        }
    }

    /// Adds a host, which starts now. Its port is on the first wire.
    pub fn add(&mut self, config: &HostConfig) -> Result<NodeId, HostConfigError> {
        self.add_on(WireId::default(), config)
    }

    /// Adds a host with its port on a wire.
    pub fn add_on(&mut self, wire: WireId, config: &HostConfig) -> Result<NodeId, HostConfigError> {
        let node = Node::host(self.now, config)?;
        Ok(self.add_node(node, config.port, wire))
    }

    /// Adds a wire: a second hub, which is not connected to the first.
    pub fn add_wire(&mut self) -> WireId {
        self.wires += 1;
        WireId(self.wires)
    }

    /// Adds hosts to the host of a node: see [`Host::add`]. A new port gets a device on this wire. Does nothing if the
    /// node is not a host.
    pub fn add_to(&mut self, node: NodeId, wire: WireId, config: &HostConfig) -> Result<(), HostConfigError> {
        let now = self.now;
        let Some(host) = self.nodes.get_mut(node.0).and_then(Node::as_host_mut) else { return Ok(()) };
        if host.add(now, config)? {
            self.wire_ports.push(WirePort { node, port: config.port, wire });
        }
        Ok(())
    }

    /// Sets the link of a port: rate, queue and faults of the frames that the port sends from now on. The port of a
    /// scripted peer is `PortId::default()`.
    ///
    /// By default, a port has no link: its rate is unlimited, and it has the faults of the segment.
    pub fn set_link(&mut self, node: NodeId, port: PortId, settings: LinkSettings) {
        self.medium.set_link(node, port, settings);
    }

    /// Cuts the frames of several segments that the ports on a wire send from now on, and completes their checksums, as
    /// network cards do. Each segment is a frame of its own.
    ///
    /// By default, a wire carries these frames whole.
    pub fn cut_segments(&mut self, wire: WireId) {
        self.cutting.insert(wire);
    }

    /// Returns the counters of the link of a port, or `None` without a link.
    pub fn link_counters(&self, node: NodeId, port: PortId) -> Option<LinkCounters> {
        self.medium.link_counters(node, port)
    }

    /// Adds a scripted peer on the first wire. `script` receives each frame that arrives, and returns the frames to
    /// send. A frame of several segments arrives as its segments, and checksums are complete.
    pub fn attach(&mut self, script: impl FnMut(Instant, &[u8]) -> Vec<ScriptedFrame> + 'static) -> NodeId {
        self.add_node(Node::script(Box::new(script)), PortId::default(), WireId::default())
    }

    /// Passes each frame that a node sends from now on to `script`. The frames that the script returns are sent
    /// instead. A frame of several segments is cut first, as with [`Segment::cut_segments`].
    pub fn intercept(
        &mut self,
        node: NodeId,
        script: impl FnMut(Instant, &[u8]) -> Vec<ScriptedFrame> + 'static,
    ) {
        if let Some(node) = self.nodes.get_mut(node.0) {
            node.interceptor = Some(Box::new(script));
        }
    }

    /// Sends a frame with these bytes to all nodes on the first wire, as if from a further node. The frame is not
    /// captured.
    pub fn inject(&mut self, bytes: &[u8]) {
        self.inject_with(bytes, Offload::default());
    }

    /// Sends a frame like [`Segment::inject`], with this offload state.
    pub fn inject_with(&mut self, bytes: &[u8], offload: Offload) {
        let (wire, bytes) = (WireId::default(), bytes.to_vec());
        for (bytes, offload) in self.leave_port(wire, bytes, offload, false) {
            self.medium.send(self.now, (wire, None), bytes, offload, &self.wire_ports);
        }
    }

    /// Sends a payload from a host to a neighbor: see [`Host::send`].
    ///
    /// If the node is not a running host, the payload is dropped for [`TxDropReason::NoSourceAddress`]. If the payload
    /// is longer than a frame, the payload is dropped for [`TxDropReason::TooLong`].
    pub fn send(
        &mut self,
        node: NodeId,
        neighbor: Ipv4Addr,
        ether_type: EtherType,
        payload: &[u8],
    ) -> SendOutcome {
        match self.nodes.get_mut(node.0) {
            Some(node) if node.is_running => node.send(self.now, neighbor, ether_type, payload),
            _ => SendOutcome::Dropped(TxDropReason::NoSourceAddress),
        }
    }

    /// Stops a node. A stopped node processes no events, and frames to the node are dropped. The state of a stopped
    /// host can still be read.
    pub fn stop(&mut self, node: NodeId) {
        if let Some(node) = self.nodes.get_mut(node.0) {
            node.is_running = false;
        }
    }

    /// Starts a node. A host starts with empty tables and without sockets, as after a reboot. A scripted peer continues.
    pub fn start(&mut self, node: NodeId) -> Result<(), HostConfigError> {
        match self.nodes.get_mut(node.0) {
            Some(node) => node.start(self.now),
            None => Ok(()),
        }
    }

    /// Replaces the faults of the segment for frames sent from now on. Frames in flight, and frames from ports with a
    /// link, are not affected.
    pub fn set_faults(&mut self, faults: Faults) {
        self.medium.faults = faults;
    }

    /// Advances the clock by `span`, and processes all events in that time.
    pub fn run_for(&mut self, span: Duration) -> Result<(), Livelock> {
        self.run_until(self.now + span)
    }

    /// Advances the clock to `end`, and processes all events up to and including `end`.
    pub fn run_until(&mut self, end: Instant) -> Result<(), Livelock> {
        self.run_with(end, &mut ())
    }

    /// Advances the clock to `end` like [`Segment::run_until`]. The program uses the sockets of each host in each of its
    /// turns, so an answer leaves in the turn of its request.
    pub fn run_with(&mut self, end: Instant, program: &mut impl Program) -> Result<(), Livelock> {
        let mut steps = 0;
        while let Some(at) = self.next().filter(|at| *at <= end) {
            steps = if at > self.now { 0 } else { steps + 1 };
            if steps > Self::STEPS {
                return Err(Livelock { at });
            }
            self.now = at;
            self.step(program);
        }
        self.now = self.now.max(end);
        Ok(())
    }

    /// Returns the time of the next event, or `None` if no event is scheduled.
    pub fn next(&self) -> Option<Instant> {
        let nodes = (0..).map(NodeId).zip(&self.nodes);
        let next = nodes.filter_map(|(id, node)| node.next(self.now, |port| self.medium.ready_at(id, port)));
        next.chain(self.medium.next()).min().map(|at| at.max(self.now))
    }

    /// Returns the virtual time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Returns the host of a node, or `None` for a scripted peer.
    pub fn host(&self, node: NodeId) -> Option<&Host> {
        Some(&self.nodes.get(node.0)?.as_host()?.host)
    }

    /// Returns the host of a node for modification, for example to take its events or to add entries to its ARP cache.
    pub fn host_mut(&mut self, node: NodeId) -> Option<&mut Host> {
        Some(&mut self.nodes.get_mut(node.0)?.as_host_mut()?.host)
    }

    /// Returns the host of a node and its frame pool, for example to send with a socket.
    pub fn host_and_pool(&mut self, node: NodeId) -> Option<(&mut Host, &mut Pool)> {
        let node = self.nodes.get_mut(node.0)?.as_host_mut()?;
        Some((&mut node.host, &mut node.pool))
    }

    /// Returns the frame pool of a host.
    pub fn pool(&self, node: NodeId) -> Option<&Pool> {
        Some(&self.nodes.get(node.0)?.as_host()?.pool)
    }

    /// Returns the counters of the first device of a host.
    pub fn device_counters(&self, node: NodeId) -> Option<DeviceCounters> {
        Some(self.nodes.get(node.0)?.as_host()?.counters())
    }

    /// Removes and returns the captured frames, in the order of transmission.
    pub fn take_captured(&mut self) -> Vec<RecordedFrame> {
        self.medium.take_captured()
    }

    /// Limits the number of stored captured frames to `frames`, instead of [`Segment::CAPTURED`]. Further frames are only
    /// counted. A limit of zero saves the time and memory of the copies.
    pub fn limit_capture(&mut self, frames: usize) {
        self.medium.capture_limit = frames.min(Self::CAPTURED);
    }

    /// Returns the number of frames in flight.
    pub fn in_flight(&self) -> usize {
        self.medium.in_flight()
    }

    /// Returns the counters of the segment.
    pub fn counters(&self) -> SegmentCounters {
        self.medium.counters
    }

    fn add_node(&mut self, node: Node, port: PortId, wire: WireId) -> NodeId {
        let id = NodeId(self.nodes.len());
        self.nodes.push(node);
        self.wire_ports.push(WirePort { node: id, port, wire });
        id
    }

    /// Processes the events that are due. Then each host with work takes one turn.
    fn step(&mut self, program: &mut impl Program) {
        // Events that are scheduled in this step are processed in the next step.
        let before = self.medium.scheduled();
        while let Some(event) = self.medium.take_due(self.now, before) {
            match event {
                MediumEvent::Transmit { from, bytes, offload } => {
                    self.medium.send(self.now, (from.wire, Some(from)), bytes, offload, &self.wire_ports);
                }
                MediumEvent::Deliver { to, bytes, offload } => self.deliver(to, bytes, offload),
            }
        }
        for node in (0..self.nodes.len()).map(NodeId) {
            self.turn(node, program);
        }
    }

    fn deliver(&mut self, to: WirePort, bytes: Vec<u8>, offload: Offload) {
        let Some(node) = self.nodes.get_mut(to.node.0) else { return };
        let counters = &mut self.medium.counters;
        if !node.is_running {
            counters.receiver_stopped += 1;
            return;
        }
        let mut replies = Vec::new();
        match &mut node.kind {
            NodeKind::Host(node) => match node.port_mut(to.port) {
                Some(device) if !device.is_rx_full() => device.push_rx(bytes, offload),
                _ => {
                    counters.overflowed += 1;
                    return;
                }
            },
            NodeKind::Script(script) => {
                let Some(segments) = offload::cut(bytes, offload) else {
                    counters.not_cut += 1;
                    return;
                };
                for segment in segments {
                    replies.extend(script(self.now, &segment));
                }
            }
        }
        counters.delivered += 1;
        for (delay, bytes) in replies {
            self.transmit(to, delay, bytes, Offload::default());
        }
    }

    /// Takes a turn of the host of a node, if it has work.
    fn turn(&mut self, id: NodeId, program: &mut impl Program) {
        let Some(node) = self.nodes.get_mut(id.0) else { return };
        let ready_at = |port| self.medium.ready_at(id, port);
        if node.next(self.now, ready_at).is_none_or(|at| at > self.now) {
            return;
        }
        let Some(node) = node.as_host_mut() else { return };
        node.turn(self.now, id, program, ready_at);
        for (port, bytes, offload) in node.take_tx() {
            let is_sender = |other: &&WirePort| other.node == id && other.port == port;
            if let Some(from) = self.wire_ports.iter().find(is_sender).copied() {
                self.transmit(from, Duration::ZERO, bytes, offload);
            }
        }
    }

    /// Sends a frame of a node, through the interceptor of the node if present.
    fn transmit(&mut self, from: WirePort, delay: Duration, bytes: Vec<u8>, offload: Offload) {
        let is_intercepted = self.nodes.get(from.node.0).is_some_and(|node| node.interceptor.is_some());
        for (bytes, offload) in self.leave_port(from.wire, bytes, offload, is_intercepted) {
            let interceptor = self.nodes.get_mut(from.node.0).and_then(|node| node.interceptor.as_mut());
            let frames = match interceptor {
                Some(script) => script(self.now, &bytes),
                None => vec![(Duration::ZERO, bytes)],
            };
            for (additional_delay, bytes) in frames {
                let at = self.now + delay + additional_delay;
                if at > self.now {
                    self.medium.send_at(at, from, bytes, offload);
                } else {
                    self.medium.send(self.now, (from.wire, Some(from)), bytes, offload, &self.wire_ports);
                }
            }
        }
    }

    /// Returns the frames that leave the port of a sender: the whole frame, or its segments if the ports of the wire cut
    /// frames, or if the frames are intercepted.
    fn leave_port(
        &mut self,
        wire: WireId,
        bytes: Vec<u8>,
        offload: Offload,
        is_intercepted: bool,
    ) -> Vec<(Vec<u8>, Offload)> {
        if !is_intercepted && !self.cutting.contains(&wire) {
            return vec![(bytes, offload)];
        }
        let segments = offload::cut(bytes, offload);
        self.medium.counters.not_cut += u64::from(segments.is_none());
        segments.unwrap_or_default().into_iter().map(|bytes| (bytes, Offload::default())).collect()
    }
}

impl fmt::Display for Livelock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = self.at.as_nanos();
        write!(f, "livelock at {nanoseconds} ns: more than {} steps at one instant", Segment::STEPS)
    }
}

impl std::error::Error for Livelock {}

#[cfg(test)]
mod tests;
