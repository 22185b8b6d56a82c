//! A host: one protocol stack per VLAN, on one device.

use std::net::Ipv4Addr;

use address::AddressTable;
use arp::{AddError, Arp, Identity, ProxyError};
use ipnet::Ipv4Net;
use ipv4::{Ipv4, Route, Routes};
use link::{EtherType, EthernetFrame, Link, MacAddr};
use tap::{Batch, DeviceEvent, Exchange, Frame, Instant, Machine, Pool, PortId, Token};

use crate::config::{HostConfig, HostConfigError};
use crate::counters::{self, Counter};
use crate::echo::EchoRequest;
use crate::event::HostEvent;
use crate::outcome::{FrameOutcome, SendOutcome, TxDropReason};
use crate::output::ArpSender;
use crate::stack::{INTERFACE, PendingPacket, Stack};
use crate::tx_queue::TxQueues;
use crate::{egress, ingress, output};

/// One or more hosts on one device.
#[derive(Debug)]
pub struct Host {
    first: Stack,
    /// One stack for each further VLAN.
    others: Vec<Stack>,
    /// Maximum MTU, set by the first state of the link.
    mtu_limit: Option<usize>,
    /// Whether the last state of the link was active.
    is_link_active: bool,
}

impl Host {
    /// Maximum MTU: the longest payload of a small frame of a pool.
    const MTU: usize = 65_534;
    /// Maximum number of packets that [`Host::send`] and [`Host::ping`] have queued, in each VLAN. A datagram that
    /// departs in fragments is one packet.
    pub const DATA_QUEUE: usize = TxQueues::DATA;

    /// Creates a host with this configuration. The host starts at `now`.
    pub fn new(now: Instant, config: &HostConfig) -> Result<Host, HostConfigError> {
        Ok(Host {
            first: Stack::new(now, 0, &Self::capped(config))?,
            others: Vec::new(),
            mtu_limit: None,
            is_link_active: true,
        })
    }

    /// Adds hosts to the device. Hosts in one VLAN share the neighbor table, the storage for fragments, and the rate
    /// limits of ICMP errors. The policies of the first configuration in a VLAN apply to all hosts in this VLAN.
    ///
    /// Fails without a change if the configuration is invalid or has an address of another host.
    pub fn add(&mut self, now: Instant, config: &HostConfig) -> Result<(), HostConfigError> {
        if let Some(stack) = self.stacks_mut().find(|stack| stack.config.vlan == config.vlan) {
            return stack.add(now, config);
        }
        let mtu = if self.mtu_limit.is_some() { self.first.config.mtu } else { config.mtu };
        let number = u16::try_from(self.others.len() + 1).unwrap_or(u16::MAX);
        let mut stack = Stack::new(now, number, &Self::capped(&HostConfig { mtu, ..*config }))?;
        if !self.is_link_active {
            stack.arp.link_down();
        }
        self.others.push(stack);
        Ok(())
    }

    /// Returns the configuration with an MTU that a small frame of a pool can hold.
    fn capped(config: &HostConfig) -> HostConfig {
        HostConfig { mtu: config.mtu.min(Self::MTU), ..*config }
    }

    /// Returns the largest MTU of all VLANs. The MTUs may differ only before the first state of the link.
    fn largest_mtu(&self) -> usize {
        self.stacks().map(|stack| stack.config.mtu).fold(self.first.config.mtu, usize::max)
    }

    /// Sends the payload in `frame` to a neighbor on the link. The frame is pending until the neighbor is resolved. The
    /// payload is copied only for fragmentation, if the payload is a datagram longer than the MTU.
    pub fn send(
        &mut self,
        now: Instant,
        neighbor: Ipv4Addr,
        ether_type: EtherType,
        frame: Frame,
        pool: &mut Pool,
    ) -> SendOutcome {
        pool.grow(self.first.config.mtu);
        let sent = egress::send_payload(&mut self.first, now, neighbor, ether_type, frame, pool);
        sent.unwrap_or_else(SendOutcome::Dropped)
    }

    /// Sends an echo request with this data from the host's address. A reply causes a [`HostEvent::EchoReply`], an
    /// error a [`HostEvent::DeliveryFailed`]. The event contains the identifier and sequence number of the request.
    pub fn ping(&mut self, now: Instant, request: EchoRequest, data: &[u8], pool: &mut Pool) -> SendOutcome {
        pool.grow(self.first.config.mtu);
        egress::ping(&mut self.first, now, request, data, pool).unwrap_or_else(SendOutcome::Dropped)
    }

    /// Sets the expected data of echo replies. [`EchoReply::mismatch`](crate::EchoReply::mismatch) reports a
    /// difference. By default, nothing is compared.
    pub fn expect_echo_data(&mut self, data: &[u8]) {
        self.first.expected_echo_data = data.to_vec();
    }

    /// Drops the packets that wait from a time before the link became active.
    // spec: rfc5227-silence
    fn drop_stale_packets(&mut self, departing: &mut Batch, pool: &mut Pool) {
        while let Some(frame) = departing.pop() {
            pool.give(frame);
            self.first.count_tx_dropped(TxDropReason::NoSourceAddress);
        }
        for stack in self.stacks_mut() {
            while let Some(packet) = stack.tx_queues.pop() {
                pool.give(packet.frame);
                stack.count_tx_dropped(TxDropReason::NoSourceAddress);
            }
        }
    }

    // spec: link-mtu
    fn set_mtu(&mut self, mtu: usize) {
        let configured = self.first.config.mtu;
        let limit = *self.mtu_limit.get_or_insert(if configured < mtu { configured } else { Self::MTU });
        let mtu = mtu.min(limit);
        for stack in self.stacks_mut() {
            stack.config.mtu = mtu;
            stack.link.set_mtu(mtu);
        }
    }

    /// Returns the number of frames of a pool that never runs out. The number includes received frames, queued packets,
    /// departing frames, frames in flight, and pending packets. It also includes packets that ARP has returned and that
    /// the host has not taken yet.
    pub fn pool_size(&self) -> usize {
        // spec: pool-bound
        let waiting = |stack: &Stack| TxQueues::CAPACITY + 2 * stack.config.table.pending;
        3 * Exchange::BATCH + self.stacks().map(waiting).sum::<usize>()
    }

    /// Returns the configuration of the first host.
    pub fn config(&self) -> &HostConfig {
        &self.first.config
    }

    /// Returns the configurations of all hosts, grouped by VLAN.
    pub fn hosts(&self) -> impl Iterator<Item = &HostConfig> {
        self.stacks().flat_map(Stack::hosts)
    }

    /// Returns the first host's address and network, while the address is in use.
    pub fn address(&self) -> Option<Ipv4Net> {
        self.first.address()
    }

    /// Returns whether all hosts can answer: each VLAN has an address in use, and no host probes for an address. A host
    /// that is configured to probe is not ready while the link is not active.
    pub fn is_ready(&self) -> bool {
        self.stacks().all(|stack| stack.is_ready() && (self.is_link_active || !stack.probes()))
    }

    /// Returns the IP and MAC address of the station that took the last local address. Returns `None` while an address
    /// is in use or being claimed.
    pub fn ceased(&self) -> Option<Identity> {
        let mut lost = None;
        for stack in self.stacks() {
            lost = Some(stack.arp.new_owner(&stack.addresses)?);
        }
        lost
    }

    /// Returns the link layer of the first VLAN.
    pub fn link(&self) -> &Link {
        &self.first.link
    }

    /// Returns the ARP layer of the first VLAN.
    pub fn arp(&self) -> &Arp<PendingPacket> {
        &self.first.arp
    }

    /// Returns the ARP layers of all VLANs.
    pub fn arps(&self) -> impl Iterator<Item = &Arp<PendingPacket>> {
        self.stacks().map(|stack| &stack.arp)
    }

    /// Adds a static neighbor to the first VLAN: see [`Arp::add_static`].
    pub fn add_static(&mut self, now: Instant, ip: Ipv4Addr, mac: MacAddr) -> Result<(), AddError> {
        self.first.arp.add_static(now, &self.first.addresses, ip, mac)
    }

    /// Replies to ARP requests for the hosts in a range, in the first VLAN: see [`Arp::add_proxy`].
    pub fn add_proxy(&mut self, range: Ipv4Net, mac: MacAddr) -> Result<(), ProxyError> {
        self.first.arp.add_proxy(&self.first.addresses, range, mac)
    }

    /// Returns the local addresses of the first VLAN.
    pub fn addresses(&self) -> &AddressTable {
        &self.first.addresses
    }

    /// Returns the ARP layer of the first VLAN, to change its neighbor table.
    pub fn arp_mut(&mut self) -> &mut Arp<PendingPacket> {
        &mut self.first.arp
    }

    /// Returns the IPv4 layer of the first VLAN.
    pub fn ipv4(&self) -> &Ipv4 {
        &self.first.ipv4
    }

    /// Returns the routes of the first VLAN.
    pub fn routes(&self) -> &Routes {
        &self.first.routes
    }

    /// Adds a route to a network, in every VLAN. If one VLAN refuses the route, no VLAN gets it.
    // spec: refused-without-effect
    pub fn add_route(&mut self, network: Ipv4Net, gateway: Ipv4Addr) -> Result<(), HostConfigError> {
        let route = Route::through(gateway, network, INTERFACE);
        let routes: Vec<_> =
            self.stacks().map(|stack| stack.routes_with_route(route)).collect::<Result<_, _>>()?;
        for (stack, routes) in self.stacks_mut().zip(routes) {
            stack.routes = routes;
        }
        Ok(())
    }

    /// Removes and returns an event of the first VLAN that has an event. Within a VLAN, echo replies and failed
    /// deliveries precede events of ARP.
    pub fn take_event(&mut self) -> Option<HostEvent> {
        self.stacks_mut().find_map(Stack::take_event)
    }

    /// Returns all counters, including zeros, lowest layer first. Counters of several VLANs are added up.
    pub fn counters(&self) -> Vec<Counter> {
        let mut all: Vec<Counter> = Vec::new();
        for counter in self.stacks().flat_map(counters::of_stack) {
            match all.iter_mut().find(|other| other.layer == counter.layer && other.name == counter.name) {
                Some(other) => other.count = other.count.saturating_add(counter.count),
                None => all.push(counter),
            }
        }
        all
    }

    /// Returns the number of ARP replies sent.
    pub fn arp_replies(&self) -> u64 {
        self.stacks().map(|stack| stack.counters.arp_replies).sum()
    }

    /// Returns the number of echo replies sent.
    pub fn echo_replies(&self) -> u64 {
        self.stacks().map(|stack| stack.counters.echo_replies).sum()
    }

    /// Returns the number of received frames with an unsupported EtherType.
    pub fn unsupported_protocol(&self) -> u64 {
        self.stacks().map(|stack| stack.counters.unsupported_ether_type).sum()
    }

    /// Returns the number of frames not sent for this reason.
    pub fn tx_dropped(&self, reason: TxDropReason) -> u64 {
        self.stacks().map(|stack| stack.tx_dropped.get(reason)).sum()
    }

    /// Returns how many frames were not sent, for any reason.
    pub fn unsent(&self) -> u64 {
        self.stacks().flat_map(|stack| stack.tx_dropped.iter()).map(|(_, count)| count).sum()
    }

    fn stacks(&self) -> impl Iterator<Item = &Stack> {
        std::iter::once(&self.first).chain(&self.others)
    }

    fn stacks_mut(&mut self) -> impl Iterator<Item = &mut Stack> {
        std::iter::once(&mut self.first).chain(&mut self.others)
    }
}

/// A [`tap::Exchange`] moves the frames between the host and its device.
impl Machine for Host {
    type Outcome = FrameOutcome;

    /// Returns whether the host has capacity for the replies to a batch of received frames. Packets that the user sends
    /// do not count.
    // spec: receive-bound
    fn accepts_frames(&self, _port: PortId) -> bool {
        self.stacks().all(|stack| stack.tx_queues.control.free_capacity() >= Exchange::BATCH)
    }

    /// Handles one received frame. A reply is queued. A frame without further use returns to `pool`.
    #[inline]
    fn receive(&mut self, now: Instant, _port: PortId, frame: Frame, pool: &mut Pool) -> FrameOutcome {
        let stack = select_stack(&mut self.first, &mut self.others, frame.bytes());
        ingress::receive(stack, now, frame, pool)
    }

    /// Runs the timers that are due, and adds queued packets to `departing` while it has capacity: see the
    /// [order](crate#congestion).
    fn transmit(&mut self, now: Instant, _port: PortId, departing: &mut Batch, pool: &mut Pool) {
        pool.grow(self.largest_mtu());
        output::transmit(&mut self.first, &mut self.others, now, departing, pool);
    }

    /// Handles the refusal of a frame. A refused probe or announcement concerns only its address, and a refused request
    /// only the resolution that sent it.
    // spec: rfc5227-probe-refused, announcement-refused, request-refused
    fn refused(&mut self, now: Instant, _port: PortId, token: Token) {
        let Some((number, sender)) = ArpSender::of_token(token) else { return };
        let Some(stack) = self.stacks_mut().find(|stack| stack.number == number) else { return };
        match sender {
            ArpSender::Claim(ip) => stack.arp.claim_packet_refused(now, ip),
            ArpSender::Resolution(ip) => stack.arp.request_refused(now, ip),
        }
    }

    /// Handles a new state of the link. Before the first event, the link is treated as active.
    ///
    /// The MTU of the state applies immediately to sent and received frames. A [`HostConfig::mtu`] below the MTU of the
    /// first state limits the MTU of all later states.
    ///
    /// While the link is not active (up and with a carrier), no probe is sent, and a host that probes is not ready.
    /// When the link becomes active, the host probes again for each address that was claimed with a probe: see
    /// [`Arp::link_up`]. In this case, the packets in the transmit queues and in `departing` are dropped.
    // spec: rfc5227-link-up, rfc3927-link-up, rfc5227-no-carrier
    fn device_event(
        &mut self,
        now: Instant,
        _port: PortId,
        event: DeviceEvent,
        departing: &mut Batch,
        pool: &mut Pool,
    ) {
        let DeviceEvent::Link(state) = event;
        let is_active = state.carries_frames();
        if is_active && !self.is_link_active {
            self.stacks_mut().for_each(|stack| stack.arp.link_up(now, &mut stack.addresses));
            if self.stacks().any(|stack| stack.arp.is_probing()) {
                self.drop_stale_packets(departing, pool);
            }
        } else if !is_active {
            self.stacks_mut().for_each(|stack| stack.arp.link_down());
        }
        self.is_link_active = is_active;
        self.set_mtu(state.mtu);
    }

    /// Returns the time at which the next timer is due. Returns a time that has passed if packets are queued, and `None`
    /// if no timer runs.
    fn deadline(&self) -> Option<Instant> {
        self.stacks().filter_map(output::deadline).min()
    }
}

/// Returns the stack of the VLAN of a frame. A frame of any other VLAN goes to the first stack, which drops it.
fn select_stack<'a>(first: &'a mut Stack, others: &'a mut [Stack], bytes: &[u8]) -> &'a mut Stack {
    if others.is_empty() {
        return first;
    }
    // spec: many-vlans
    let Ok(frame) = EthernetFrame::parse(bytes) else { return first };
    others.iter_mut().find(|stack| stack.link.is_local_vlan(frame.tags())).unwrap_or(first)
}

#[cfg(test)]
mod tests;
