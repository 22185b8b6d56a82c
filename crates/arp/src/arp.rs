//! ARP on one segment: reception in the order of RFC 826, resolution, claims and timers.

use std::fmt;
use std::net::Ipv4Addr;

use address::{AddressError, AddressRange, AddressState, AddressTable};
use base::{Place, ReasonCounters, Secret};
use ipnet::Ipv4Net;
use link::{Instant, MacAddr};
use neighbor::{
    AddError, Merge, NeighborAction, NeighborEvent, NeighborSettings, NeighborTable, Resolution,
    SenderObservation,
};

use crate::detection::{ClaimEvent, Claims, Defense, Identity, StartMode, destination};
use crate::drop_reason::ArpDropReason;
use crate::packet::{ArpReply, Operation, Packet, PacketFields};
use crate::proxy::{Proxies, ProxyError};

/// Policy for adding senders to the neighbor table.
///
/// All policies update known senders, complete pending resolutions, and add the senders of requests for a local
/// address. No policy adds the sender of a probe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LearningPolicy {
    /// Only requests for a local address add their sender. Unsolicited replies add no entry.
    // spec: learn-default
    #[default]
    Cautious,
    /// Any packet with a local target adds its sender, as in RFC 826.
    Rfc826,
    /// Any packet except a probe adds its sender, announcements included.
    Permissive,
}

/// Configuration of an [`Arp`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ArpConfig {
    /// Policy for adding senders to the neighbor table.
    pub policy: LearningPolicy,
    /// Limits and timeouts of the neighbor table.
    pub table: NeighborSettings,
    /// Network of the segment, if any. Its broadcast address is an invalid sender, and requests for its addresses get
    /// no proxy reply.
    pub network: Option<Ipv4Net>,
    /// Policy for address conflicts.
    pub defense: Defense,
}

/// Event on a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArpEvent {
    /// Change of a neighbor table entry.
    Neighbor(NeighborEvent<Ipv4Addr>),
    /// Change of a claim to an address (RFC 5227).
    Claim(ClaimEvent),
}

/// Action that is due on a segment.
#[derive(Debug, PartialEq, Eq)]
pub enum ArpAction<P> {
    /// Broadcast a probe or an announcement.
    Broadcast(PacketFields),
    /// Action for a neighbor: send a request or a packet, or return a packet.
    Neighbor(NeighborAction<Ipv4Addr, P>),
}

/// ARP on one segment, with packets of type `P` that wait for address resolution.
///
/// [`Arp::receive`] processes received ARP packets, [`Arp::resolve`] resolves destinations. [`Arp::poll`] returns due
/// actions, and [`Arp::take_event`] returns events.
#[derive(Debug)]
pub struct Arp<P> {
    config: ArpConfig,
    /// The network's broadcast address.
    broadcast: Option<Ipv4Addr>,
    pub(crate) claims: Claims,
    proxies: Proxies,
    neighbors: NeighborTable<Ipv4Addr, P>,
    dropped: ReasonCounters<ArpDropReason>,
}

impl<P> Arp<P> {
    /// Capacity of the event queue of claims. Further events are dropped and counted in [`Arp::events_lost`]. A
    /// [`ClaimEvent::Probing`] is never dropped.
    pub const EVENTS: usize = 256;

    /// Creates ARP for a segment. [`Arp::claim`] adds local addresses.
    pub fn new(config: ArpConfig) -> Arp<P> {
        // Point-to-point networks (RFC 3021) and single addresses have no broadcast address.
        let broadcast = config.network.filter(|network| network.prefix_len() < 31);
        Arp {
            config,
            broadcast: broadcast.map(|network| network.broadcast()),
            claims: Claims::new(config.defense, Secret::new(config.table.seed), Self::EVENTS),
            proxies: Proxies::default(),
            neighbors: NeighborTable::new(config.table),
            dropped: ReasonCounters::default(),
        }
    }

    /// Resolves the destination of a packet of `bytes` bytes: see [`NeighborTable::resolve`].
    ///
    /// Refuses addresses that are invalid for a host, and local addresses except those in conflict with another host.
    pub fn resolve(
        &mut self,
        now: Instant,
        table: &AddressTable,
        ip: Ipv4Addr,
        bytes: usize,
        packet: P,
    ) -> Resolution<P> {
        if !self.is_valid_neighbor(table, ip) {
            return Resolution::Refused(packet);
        }
        self.neighbors.resolve(now, ip, bytes, packet)
    }

    /// Returns the MAC address of a neighbor to which a packet can be sent immediately: see [`NeighborTable::lookup`].
    /// Returns `None` for the addresses that [`Arp::resolve`] refuses.
    #[inline]
    pub fn lookup(&mut self, now: Instant, table: &AddressTable, ip: Ipv4Addr) -> Option<MacAddr> {
        if self.is_valid_neighbor(table, ip) { self.neighbors.lookup(now, ip) } else { None }
    }

    /// Returns the MAC address of a neighbor as [`Arp::lookup`] does, without a search if the entry is still at its
    /// `place`: see [`NeighborTable::lookup_at`]. The caller knows that the address is valid: [`Arp::place`] has returned
    /// the place, and the generation of the address table is the same.
    #[expect(clippy::inline_always, reason = "results in memory take more instructions than the function")]
    #[inline(always)]
    pub fn lookup_at(&mut self, now: Instant, place: Place, ip: Ipv4Addr) -> Option<MacAddr> {
        self.neighbors.lookup_at(now, place, ip)
    }

    /// Returns the place of the entry of a neighbor, for [`Arp::lookup_at`]. Returns `None` without an entry, and for the
    /// addresses that [`Arp::resolve`] refuses.
    pub fn place(&self, table: &AddressTable, ip: Ipv4Addr) -> Option<Place> {
        if self.is_valid_neighbor(table, ip) { self.neighbors.place(ip) } else { None }
    }

    /// Adds a static neighbor: see [`NeighborTable::add_static`]. Refuses the same addresses as [`Arp::resolve`].
    pub fn add_static(
        &mut self,
        now: Instant,
        table: &AddressTable,
        ip: Ipv4Addr,
        mac: MacAddr,
    ) -> Result<(), AddError> {
        if !self.is_valid_neighbor(table, ip) {
            let is_local = table.state(ip).is_some();
            return Err(if is_local { AddError::LocalIp } else { AddError::InvalidIp });
        }
        if table.has_mac(mac) {
            return Err(AddError::InvalidMac);
        }
        self.neighbors.add_static(now, ip, mac)
    }

    #[inline]
    fn is_valid_neighbor(&self, table: &AddressTable, ip: Ipv4Addr) -> bool {
        // spec: conflict-of-one-address
        let is_other_host = matches!(table.state(ip), None | Some(AddressState::Conflict { .. }));
        self.is_valid_host(ip) && !ip.is_unspecified() && is_other_host
    }

    /// Returns the next due action. Call this method until it returns none.
    pub fn poll(&mut self, now: Instant, table: &mut AddressTable) -> Option<ArpAction<P>> {
        let packet = self.claims.poll(now, table, &mut self.neighbors).map(ArpAction::Broadcast);
        packet.or_else(|| self.neighbors.poll(now).map(ArpAction::Neighbor))
    }

    /// Returns when [`Arp::poll`] has its next action, or none if no action is scheduled.
    pub fn deadline(&self) -> Option<Instant> {
        [self.claims.deadline(), self.neighbors.deadline()].into_iter().flatten().min()
    }

    /// Returns the neighbor table.
    pub fn neighbors(&self) -> &NeighborTable<Ipv4Addr, P> {
        &self.neighbors
    }

    /// Returns the neighbor table, to add and remove entries.
    pub fn neighbors_mut(&mut self) -> &mut NeighborTable<Ipv4Addr, P> {
        &mut self.neighbors
    }

    /// Returns the counters of dropped packets by reason.
    pub fn dropped(&self) -> &ReasonCounters<ArpDropReason> {
        &self.dropped
    }

    /// Removes and returns the oldest event. Events of claims precede events of neighbors.
    pub fn take_event(&mut self) -> Option<ArpEvent> {
        self.claims
            .take_event()
            .map(ArpEvent::Claim)
            .or_else(|| self.neighbors.take_event().map(ArpEvent::Neighbor))
    }

    /// Returns the number of events that were dropped because a queue was full.
    pub fn events_lost(&self) -> u64 {
        self.claims.events_lost().saturating_add(self.neighbors.counts().events_lost)
    }

    // Reception.

    /// Processes a received packet, or counts the reason why it could not be parsed.
    ///
    /// `station` is the destination of the frame if the destination is a local MAC address, or none for broadcast and
    /// multicast. Fails with the reason if the packet is dropped.
    pub fn receive(
        &mut self,
        now: Instant,
        table: &mut AddressTable,
        station: Option<MacAddr>,
        parsed: Result<Packet<'_>, ArpDropReason>,
    ) -> Result<Reception, ArpDropReason> {
        let result = parsed.and_then(|packet| {
            let local_mac = self.validate(now, table, station, packet)?;
            Ok(self.merge_and_reply(now, table, packet, local_mac))
        });
        // spec: drops-counted
        result.inspect_err(|reason| self.dropped.count(*reason))
    }

    /// Fails if the sender is invalid, which RFC 826 does not check, or if the packet is for another local host.
    /// Returns the MAC address of the target if the target is local.
    fn validate(
        &mut self,
        now: Instant,
        table: &mut AddressTable,
        station: Option<MacAddr>,
        packet: Packet<'_>,
    ) -> Result<Option<MacAddr>, ArpDropReason> {
        // spec: rfc826-foreign
        if packet.operation().is_foreign() {
            return Err(ArpDropReason::ForeignOperation);
        }
        let (mac, ip) = (packet.sender_hardware(), packet.sender_protocol());
        // spec: sender-hardware-station
        if !mac.is_station() {
            return Err(ArpDropReason::SenderMac);
        }
        // spec: sender-hardware-local
        if table.has_mac(mac) {
            return Err(ArpDropReason::OwnEcho);
        }
        // spec: sender-protocol-host
        if !self.is_valid_host(ip) {
            return Err(ArpDropReason::SenderIp);
        }
        let is_conflict = self.claims.is_conflict(now, table, packet);
        // Several local hosts may share this segment. A unicast frame is valid only for the host with its destination
        // MAC address.
        let target = table.mac_of(packet.target_protocol());
        // The conflict concerns one local host. For the other local hosts, the sender is a neighbor.
        // spec: sender-protocol-local, conflict-of-one-address
        let is_for_other_host = || {
            target.is_some()
                && packet.target_protocol() != ip
                && matches!(table.state(ip), None | Some(AddressState::Conflict { .. }))
        };
        if is_conflict && !is_for_other_host() {
            return Err(ArpDropReason::Conflict);
        }
        // spec: station-of-target
        if station.is_some() && target.is_some() && station != target {
            return Err(ArpDropReason::WrongMac);
        }
        Ok(target)
    }

    /// Returns whether an address is valid for a host of this network. 0.0.0.0, the sender of a probe, is valid.
    pub(crate) fn is_valid_host(&self, ip: Ipv4Addr) -> bool {
        (ip.is_unspecified() || inet::is_valid_host(ip)) && self.broadcast != Some(ip)
    }

    /// Follows RFC 826, "Packet Reception", from the merge flag on. [`Packet`] has checked hardware and protocol type.
    fn merge_and_reply(
        &mut self,
        now: Instant,
        table: &AddressTable,
        packet: Packet<'_>,
        local_mac: Option<MacAddr>,
    ) -> Reception {
        let sender = packet.sender_protocol();
        let observation = SenderObservation {
            mac: packet.sender_hardware(),
            is_reply_to_local: local_mac.is_some() && packet.operation() == Operation::REPLY,
        };

        // RFC 826: update the entry of a known sender and set the merge flag.
        // spec: rfc826-merge
        let mut merge = self.neighbors.merge(now, sender, observation);

        // RFC 826: if the merge flag is not set and the target is local, add the sender.
        // spec: rfc826-add, rfc826-not-local
        if merge == Merge::None && self.learns(packet, local_mac.is_some()) {
            merge = self.neighbors.learn(now, sender, observation);
        }

        // RFC 826: check the operation last. To answer a request, swap sender and target, write the local MAC address,
        // and send the packet to the requester.
        // spec: rfc826-operation-last, rfc826-target-hardware, rfc826-reply-to, reply-one, reply-none
        let reply = match local_mac.or_else(|| self.proxies.mac_for(packet, self.config.network, table)) {
            Some(mac) if packet.operation() == Operation::REQUEST => {
                Some(ArpReply { mac, destination: destination(packet.target_protocol(), observation.mac) })
            }
            _ => None,
        };
        Reception { merge, reply }
    }

    /// Returns whether the policy adds an unknown sender to the table.
    ///
    /// The sender of a probe has no address yet and is never added (RFC 5227 1.1).
    fn learns(&self, packet: Packet<'_>, target_is_local: bool) -> bool {
        let allowed = match self.config.policy {
            // spec: learn-request, learn-reply-cautious, learn-other
            LearningPolicy::Cautious => target_is_local && packet.operation() == Operation::REQUEST,
            // spec: learn-reply-rfc826, learn-other
            LearningPolicy::Rfc826 => target_is_local,
            // spec: learn-permissive
            LearningPolicy::Permissive => true,
        };
        // spec: rfc5227-probe-not-learned
        allowed && !packet.sender_protocol().is_unspecified()
    }

    // Claims.

    /// Starts to use addresses, and adds them to the table. Their MAC addresses become local.
    ///
    /// Fails without a change if the range is invalid, or if one of its addresses is already local or claimed.
    pub fn claim(
        &mut self,
        now: Instant,
        table: &mut AddressTable,
        range: AddressRange,
        start: StartMode,
    ) -> Result<(), AddressError> {
        self.claims.begin(now, table, range, start)?;
        if start != StartMode::Probe {
            self.remove_neighbors(range);
        }
        Ok(())
    }

    /// Removes the neighbors with an address of a range.
    fn remove_neighbors(&mut self, range: AddressRange) {
        let addresses = u32::from(range.last).saturating_sub(u32::from(range.first));
        if usize::try_from(addresses).is_ok_and(|count| count < self.neighbors.len()) {
            for (ip, _) in range.iter() {
                self.neighbors.remove(ip);
            }
            return;
        }
        let entries = self.neighbors.list().into_iter().map(|entry| entry.ip);
        for ip in entries.filter(|ip| (range.first..=range.last).contains(ip)) {
            self.neighbors.remove(ip);
        }
    }

    /// Stops the use of a local address. Its claim ends without a packet, and its MAC address is no longer local, unless
    /// another local address has this MAC address. Then the proxy ranges with this MAC address end too, and a host with
    /// a link-local address selects no other address.
    ///
    /// Returns the MAC address, or `None` without a change if the address is not local.
    // spec: address-removed
    pub fn release(&mut self, table: &mut AddressTable, ip: Ipv4Addr) -> Option<MacAddr> {
        let mac = table.release(ip)?;
        self.claims.release(table, ip);
        if !table.has_mac(mac) {
            self.proxies.remove(mac);
        }
        Some(mac)
    }

    /// Selects a link-local address for the host with this MAC address, and another address after each conflict that
    /// ends the use of the address (RFC 3927). Several hosts may have a link-local address each.
    ///
    /// Fails if the MAC address is zero or multicast.
    pub fn select_link_local(
        &mut self,
        now: Instant,
        table: &mut AddressTable,
        mac: MacAddr,
    ) -> Result<(), AddressError> {
        self.claims.select_link_local(now, table, mac)
    }

    /// Returns whether probing for an address is in progress.
    pub fn is_probing(&self) -> bool {
        self.claims.is_probing()
    }

    /// Notes that the device refused an [`ArpAction::Broadcast`] with this target address.
    ///
    /// The packet reached no host. After a refused probe, probing for this address starts again. A refused announcement
    /// is repeated. Claims to other addresses do not change.
    pub fn claim_packet_refused(&mut self, now: Instant, ip: Ipv4Addr) {
        self.claims.packet_refused(now, ip);
    }

    /// Notes that the device refused a request for a neighbor: see [`NeighborTable::request_refused`].
    pub fn request_refused(&mut self, now: Instant, ip: Ipv4Addr) {
        self.neighbors.request_refused(now, ip);
    }

    /// Notes that the link is down. Claims send no packets until [`Arp::link_up`], because probes would reach no host.
    pub fn link_down(&mut self) {
        self.claims.link_down();
    }

    /// Notes that the link is up again.
    ///
    /// Addresses claimed with [`StartMode::Probe`] and link-local addresses are out of use until the host has probed
    /// again (RFC 5227 2.1, RFC 3927 2.2). Addresses claimed with [`StartMode::Announce`] are announced again. All
    /// other addresses stay in use.
    pub fn link_up(&mut self, now: Instant, table: &mut AddressTable) {
        self.claims.link_up(now, table);
    }

    /// Returns the link-local address of the host with this MAC address, or `None` if no such address is in use.
    pub fn link_local_address(&self, mac: MacAddr) -> Option<Ipv4Addr> {
        self.claims.link_local_address(mac)
    }

    /// Returns the host that took the last local address, if no local address is left and none is being claimed.
    pub fn new_owner(&self, table: &AddressTable) -> Option<Identity> {
        self.claims.new_owner(table)
    }

    /// Returns the number of probes and announcements that [`Arp::poll`] has returned.
    pub fn claim_packets_sent(&self) -> u64 {
        self.claims.packets_sent
    }

    /// Returns the number of probes and announcements that the device refused: see [`Arp::claim_packet_refused`].
    pub fn claim_packets_refused(&self) -> u64 {
        self.claims.packets_refused
    }

    /// Returns the number of defenses that were suppressed by the rate limit over all addresses.
    pub fn defenses_suppressed(&self) -> u64 {
        self.claims.suppressed
    }

    // Proxy ARP.

    /// Replies to requests for the hosts in `range` with `mac`, a local MAC address, so that this host receives their
    /// datagrams (RFC 1027).
    ///
    /// The host sends no proxy reply to:
    /// - requests for addresses of the segment's own network or 169.254.0.0/16
    /// - requests by hosts of the same range, unless the range contains the segment's own network and the host is in
    ///   this network
    /// - requests for broadcast addresses and for other addresses that no host may have
    /// - probes and announcements
    /// - any request while no local address is in use
    ///
    /// Fails if the range is within the segment's network or 169.254.0.0/16, or if `mac` is not local.
    pub fn add_proxy(
        &mut self,
        table: &AddressTable,
        range: Ipv4Net,
        mac: MacAddr,
    ) -> Result<(), ProxyError> {
        self.proxies.add(range, mac, self.config.network, table)
    }
}

/// Result of processing a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reception {
    /// Change of the neighbor table.
    pub merge: Merge,
    /// Reply to send, if any.
    pub reply: Option<ArpReply>,
}

impl fmt::Display for Reception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.merge, self.reply) {
            (Merge::None, Some(_)) => f.write_str("answered"),
            (merge, Some(_)) => write!(f, "{merge}, answered"),
            (merge, None) => merge.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
