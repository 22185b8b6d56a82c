//! The host itself.

use std::net::Ipv4Addr;

use arp::{Arp, Identity};
use ipnet::Ipv4Net;
use ipv4::{Ipv4, Route, Routes};
use link::{EthernetFrame, Link};
use tap::{Batch, Device, DeviceError, Frame, Instant, LinkState, Pool};

use crate::output::{PendingPacket, TxDropReason};
use crate::stack::{Out, Stack};
use crate::{FrameOutcome, HostConfig, HostConfigError, HostEvent, Tracer};

/// One machine on one wire, or many that share it.
#[derive(Debug)]
pub struct Host {
    pub(crate) first: Stack,
    /// One for each VLAN beyond the first one's.
    others: Vec<Stack>,
    arrived: Batch,
    pub(crate) departing: Batch,
    /// How many of the departing frames the tracer has seen.
    traced: usize,
    /// The highest MTU, as known since the first call of [`Host::link_changed`].
    mtu_limit: Option<usize>,
    /// Whether the link was active when [`Host::link_changed`] was last called.
    is_link_active: bool,
    /// The departing frames are older than a link that has become active, and an address is being probed for: they may
    /// be from it.
    has_stale_frames: bool,
}

/// Result of [`Host::poll`]: what it did, and what to wait for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollOutcome {
    /// Number of frames received.
    pub received: usize,
    /// Whether frames wait until the device can transmit again.
    pub tx_blocked: bool,
    /// Whether to poll again without waiting: more frames may have arrived than one poll receives, or the device has frames
    /// in flight.
    pub poll_again: bool,
}

impl Host {
    /// How many frames one turn receives at most.
    pub const RX_BATCH: usize = 64;
    /// The highest MTU that is used: longer frames hold whole datagrams only.
    const MTU: usize = 65_534;
    /// How many frames may wait for the wire: the fragments of several long datagrams.
    pub const TX_QUEUE: usize = 256;

    /// A host of this configuration, from `now` on.
    pub fn new(now: Instant, config: &HostConfig) -> Result<Host, HostConfigError> {
        Ok(Host {
            first: Stack::new(now, &Self::capped(config))?,
            others: Vec::new(),
            arrived: Batch::new(Self::RX_BATCH),
            departing: Batch::new(Self::TX_QUEUE),
            traced: 0,
            mtu_limit: None,
            is_link_active: true,
            has_stale_frames: false,
        })
    }

    /// Adds hosts to the wire. Those in one VLAN share a translation table, the room for fragments, the
    /// limits on ICMP errors, and the policies of the first of them; in everything else they are as
    /// separate machines.
    pub fn add(&mut self, now: Instant, config: &HostConfig) -> Result<(), HostConfigError> {
        if let Some(stack) = self.stacks_mut().find(|stack| stack.config.vlan == config.vlan) {
            return stack.add(now, config);
        }
        let mtu = if self.mtu_limit.is_some() { self.first.config.mtu } else { config.mtu };
        let mut stack = Stack::new(now, &Self::capped(&HostConfig { mtu, ..*config }))?;
        if !self.is_link_active {
            stack.arp.link_down();
        }
        self.others.push(stack);
        Ok(())
    }

    /// The same configuration with an MTU that a small frame of a pool can hold.
    fn capped(config: &HostConfig) -> HostConfig {
        HostConfig { mtu: config.mtu.min(Self::MTU), ..*config }
    }

    /// The largest MTU of all VLANs: they differ only until the first call of [`Host::link_changed`].
    fn largest_mtu(&self) -> usize {
        self.stacks().map(|stack| stack.config.mtu).fold(self.first.config.mtu, usize::max)
    }

    /// One turn of the loop: receives at most [`Host::RX_BATCH`] frames, judges each, does what the time
    /// brings, and transmits what is due. It neither waits nor reads a clock.
    ///
    /// While too many frames wait for the wire, none are received: those that come wait in the kernel.
    pub fn poll(
        &mut self,
        now: Instant,
        device: &mut impl Device,
        pool: &mut Pool,
        tracer: &mut impl Tracer,
    ) -> Result<PollOutcome, DeviceError> {
        pool.grow(self.largest_mtu());
        self.drop_stale_frames(pool);
        let before = device.counters();
        // spec: receive-bound
        let room = self.departing.free_capacity() >= Self::TX_QUEUE / 2;
        let arrived = if room { device.receive(pool, &mut self.arrived)? } else { 0 };
        while let Some(frame) = self.arrived.pop() {
            tracer.frame_received(now, frame.bytes());
            let stack = stack_of(&mut self.first, &mut self.others, frame.bytes());
            let out = &mut Out { departing: &mut self.departing, pool };
            tracer.frame_handled(now, stack.receive(now, frame, out));
            self.finish(now, device, tracer);
        }
        self.run_timers(now, pool);
        self.finish(now, device, tracer);
        let transmitted = device.transmit(&mut self.departing, pool);
        self.traced = self.departing.len();
        let after = device.counters();
        let in_flight = device.in_flight() > 0;
        // What was in flight may have been refused only when more was received.
        if after.refused != before.refused {
            self.stacks_mut().for_each(|stack| stack.arp.unheard(now));
        } else if !in_flight && self.departing.is_empty() {
            self.stacks_mut().for_each(|stack| stack.arp.transmitted());
        }
        transmitted?;
        // A wire that has no room for what is in flight is waited for, not asked again and again.
        let is_stuck = in_flight && after.congested != before.congested;
        let again = arrived >= Self::RX_BATCH || (in_flight && !is_stuck);
        Ok(PollOutcome {
            received: arrived,
            tx_blocked: is_stuck || !self.departing.is_empty(),
            poll_again: again,
        })
    }

    /// Follows the state of the link, to be called at the start and for each change, in order. It is taken for active
    /// until the first call.
    ///
    /// The MTU of the state is used at once: what departs from now on fits it, and a frame that is longer is not received.
    /// A [`HostConfig::mtu`] below that of the first state is a limit that holds however large the link's becomes. Methods
    /// that take a [`Pool`] let it grow with the MTU.
    ///
    /// While the link is not active (up and with a carrier), no probe is sent, and a host that probes is not ready. When it
    /// becomes active, each address that was probed for at first is probed for again before it is used again (see
    /// [`Arp::link_up`]), and frames that still depart from such an address are dropped.
    // spec: rfc5227-link-up, rfc3927-link-up, rfc5227-no-carrier
    pub fn link_changed(&mut self, now: Instant, state: LinkState) {
        let is_active = state.carries_frames();
        if is_active && !self.is_link_active {
            self.stacks_mut().for_each(|stack| stack.link_up(now));
            let is_probing = self.stacks().any(|stack| stack.arp.is_probing());
            self.has_stale_frames = is_probing;
        } else if !is_active {
            self.stacks_mut().for_each(|stack| stack.arp.link_down());
        }
        self.is_link_active = is_active;
        self.follow_mtu(state.mtu);
    }

    /// Drops the departing frames after the link has become active, where an address is out of use since.
    // spec: rfc5227-silence
    fn drop_stale_frames(&mut self, pool: &mut Pool) {
        if !std::mem::take(&mut self.has_stale_frames) {
            return;
        }
        while let Some(frame) = self.departing.pop() {
            pool.give(frame);
            self.first.count_tx_dropped(TxDropReason::NoSourceAddress);
        }
        self.traced = 0;
    }

    // spec: link-mtu
    fn follow_mtu(&mut self, mtu: usize) {
        let configured = self.first.config.mtu;
        let limit = *self.mtu_limit.get_or_insert(if configured < mtu { configured } else { Self::MTU });
        let mtu = mtu.min(limit);
        for stack in self.stacks_mut() {
            stack.config.mtu = mtu;
            stack.link.set_mtu(mtu);
        }
    }

    /// Pads the frames that are new among the departing ones, and shows them.
    fn finish(&mut self, now: Instant, device: &impl Device, tracer: &mut impl Tracer) {
        while let Some(frame) = self.departing.get_mut(self.traced) {
            self.traced += 1;
            // A frame that holds no more is transmitted as it is. The device counts it if it refuses it.
            // spec: ethernet-minimum
            _ = link::pad(frame, device.minimum_frame());
            tracer.frame_sent(now, frame.bytes());
        }
    }

    /// Judges one frame. What is to be sent is added to `departing`; a frame that is not used again
    /// goes back to `pool`.
    pub fn receive(
        &mut self,
        now: Instant,
        frame: Frame,
        departing: &mut Batch,
        pool: &mut Pool,
    ) -> FrameOutcome {
        pool.grow(self.largest_mtu());
        let stack = stack_of(&mut self.first, &mut self.others, frame.bytes());
        stack.receive(now, frame, &mut Out { departing, pool })
    }

    /// Does what the time brings, as long as there is room on the wire for it.
    fn run_timers(&mut self, now: Instant, pool: &mut Pool) {
        for stack in std::iter::once(&mut self.first).chain(&mut self.others) {
            stack.poll(now, &mut Out { departing: &mut self.departing, pool });
        }
    }

    /// When [`Host::poll`] has something to do even if nothing arrives.
    pub fn deadline(&self) -> Option<Instant> {
        self.stacks().filter_map(Stack::deadline).min()
    }

    /// How many frames a pool must have for this host never to run out: what arrived, what departs or is in
    /// flight, what waits for a neighbor to answer, and what was given back and not yet fetched.
    pub fn frames(&self) -> usize {
        // spec: pool-bound
        let parcels: usize = self.stacks().map(|stack| stack.config.table.parcels).sum();
        2 * (Self::RX_BATCH + parcels) + Self::TX_QUEUE + Self::RX_BATCH
    }

    /// What the first host is.
    pub fn config(&self) -> &HostConfig {
        &self.first.config
    }

    /// All who are on the wire, those of one VLAN together.
    pub fn hosts(&self) -> impl Iterator<Item = &HostConfig> {
        self.stacks().flat_map(Stack::hosts)
    }

    /// The first host's address and network, while the address is in use.
    pub fn address(&self) -> Option<Ipv4Net> {
        self.first.address()
    }

    /// Whether all hosts can answer: their addresses are in use, and none is being probed for. One that probes is not ready
    /// while the link is not active.
    pub fn is_ready(&self) -> bool {
        self.stacks().all(|stack| stack.is_ready() && (self.is_link_active || !stack.probes()))
    }

    /// Who has the host's last address, once it has none and will have none any more: it is over then.
    pub fn ceased(&self) -> Option<Identity> {
        let mut lost = None;
        for stack in self.stacks() {
            lost = Some(stack.arp.ceased()?);
        }
        lost
    }

    /// Its link layer; that of the first VLAN, if it is in more.
    pub fn link(&self) -> &Link {
        &self.first.link
    }

    /// Its ARP; that of the first VLAN, if it is in more.
    pub fn arp(&self) -> &Arp<PendingPacket> {
        &self.first.arp
    }

    /// The ARP of every VLAN.
    pub fn arps(&self) -> impl Iterator<Item = &Arp<PendingPacket>> {
        self.stacks().map(|stack| &stack.arp)
    }

    /// Its ARP, for a person to add static entries and proxied ranges to.
    pub fn arp_mut(&mut self) -> &mut Arp<PendingPacket> {
        &mut self.first.arp
    }

    /// Its IPv4.
    pub fn ipv4(&self) -> &Ipv4 {
        &self.first.ipv4
    }

    /// Its routes.
    pub fn routes(&self) -> &Routes {
        &self.first.routes
    }

    /// Adds a way to a network, in every VLAN.
    pub fn add_route(&mut self, network: Ipv4Net, gateway: Ipv4Addr) -> Result<(), HostConfigError> {
        for stack in self.stacks_mut() {
            stack.add_route(Route { network, gateway: Some(gateway) })?;
        }
        Ok(())
    }

    /// The oldest event not yet taken.
    pub fn take_event(&mut self) -> Option<HostEvent> {
        self.stacks_mut().find_map(Stack::take_event)
    }

    pub(crate) fn stacks(&self) -> impl Iterator<Item = &Stack> {
        std::iter::once(&self.first).chain(&self.others)
    }

    fn stacks_mut(&mut self) -> impl Iterator<Item = &mut Stack> {
        std::iter::once(&mut self.first).chain(&mut self.others)
    }

    /// How many ARP requests were answered.
    pub fn answered(&self) -> u64 {
        self.stacks().map(|stack| stack.counts.answered).sum()
    }

    /// How many echo requests were answered.
    pub fn echoed(&self) -> u64 {
        self.stacks().map(|stack| stack.counts.echoed).sum()
    }

    /// How many frames carried a protocol that nobody here speaks.
    pub fn unsupported_protocol(&self) -> u64 {
        self.stacks().map(|stack| stack.counts.unspoken).sum()
    }

    /// How many frames were not sent for this reason.
    pub fn tx_dropped(&self, reason: TxDropReason) -> u64 {
        self.stacks().map(|stack| stack.unsent.get(reason)).sum()
    }
}

/// The stack of the VLAN that a frame is in. What is in none of ours, the first one turns away.
fn stack_of<'a>(first: &'a mut Stack, others: &'a mut [Stack], octets: &[u8]) -> &'a mut Stack {
    if others.is_empty() {
        return first;
    }
    // spec: many-vlans
    let Ok(frame) = EthernetFrame::parse(octets) else { return first };
    others.iter_mut().find(|stack| stack.link.is_local_vlan(frame.tags())).unwrap_or(first)
}

#[cfg(test)]
mod tests;
