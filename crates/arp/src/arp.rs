//! ARP on one segment: reception in the order of RFC 826, resolution, claims and what is due.

use std::fmt;
use std::net::Ipv4Addr;

use base::{ReasonCounters, Secret};
use ipnet::Ipv4Net;
use link::{Instant, MacAddr};
use neighbor::{
    AddError, Merge, NeighborAction, NeighborEvent, NeighborSettings, NeighborTable, Resolution,
    SenderObservation,
};

use crate::address::{
    ClaimEvent, Claims, Defense, Identity, LocalBindings, LocalBindingsError, StartMode, destination,
};
use crate::drop_reason::ArpDropReason;
use crate::packet::{ArpReply, Operation, Packet, PacketFields};
use crate::proxy::{Proxies, ProxyError};

/// Which senders are added to the neighbor table.
///
/// Every policy updates known senders, completes pending resolutions and adds senders of requests for a local address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LearningPolicy {
    /// Only a request for a local address adds its sender. An unsolicited reply adds no entry.
    // spec: learn-default
    #[default]
    Cautious,
    /// Any packet whose target is local adds its sender, as in RFC 826.
    Rfc826,
    /// Any packet adds its sender, announcements included.
    Permissive,
}

/// Configuration of an [`Arp`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ArpConfig {
    /// Which senders are added to the neighbor table.
    pub policy: LearningPolicy,
    /// Bounds and times of the neighbor table.
    pub table: NeighborSettings,
    /// The segment's network. Its broadcast address is no valid sender, and its hosts need no proxy.
    pub network: Option<Ipv4Net>,
    /// Policy in an address conflict.
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
    /// Request, send to or give up a neighbor.
    Neighbor(NeighborAction<Ipv4Addr, P>),
}

/// ARP on one segment, with packets of type `P` that wait for address resolution.
///
/// Received ARP packets go to [`Arp::receive`], packets to send to [`Arp::resolve`]. [`Arp::poll`] returns what is due,
/// [`Arp::take_event`] the events.
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
    /// Bound of the event queue. Events beyond it are counted.
    pub const EVENTS: usize = 256;

    /// Creates ARP for the addresses in `locals`, which are in use at once. [`Arp::claim`] adds addresses that are
    /// announced or probed for.
    pub fn new(locals: LocalBindings, config: ArpConfig) -> Arp<P> {
        // Point-to-point networks (RFC 3021) and single addresses have no broadcast address.
        let broadcast = config.network.filter(|network| network.prefix_len() < 31);
        Arp {
            config,
            broadcast: broadcast.map(|network| network.broadcast()),
            claims: Claims::new(locals, config.defense, Secret::new(config.table.seed), Self::EVENTS),
            proxies: Proxies::default(),
            neighbors: NeighborTable::new(config.table),
            dropped: ReasonCounters::default(),
        }
    }

    /// Resolves the destination of a packet of `bytes` bytes: see [`NeighborTable::resolve`]. Refuses local and claimed
    /// addresses, and those that no host can have.
    pub fn resolve(&mut self, now: Instant, ip: Ipv4Addr, bytes: usize, packet: P) -> Resolution<P> {
        if !self.is_valid_neighbor(ip) {
            return Resolution::Refused(packet);
        }
        self.neighbors.resolve(now, ip, bytes, packet)
    }

    /// Adds a static neighbor: see [`NeighborTable::add_static`]. Refuses the same addresses as [`Arp::resolve`].
    pub fn add_static(&mut self, now: Instant, ip: Ipv4Addr, mac: MacAddr) -> Result<(), AddError> {
        if !self.is_valid_neighbor(ip) {
            return Err(AddError::InvalidIp);
        }
        if self.claims.locals().has_mac(mac) {
            return Err(AddError::InvalidMac);
        }
        self.neighbors.add_static(now, ip, mac)
    }

    fn is_valid_neighbor(&self, ip: Ipv4Addr) -> bool {
        self.is_valid_host(ip)
            && !ip.is_unspecified()
            && self.claims.locals().mac_of(ip).is_none()
            && !self.claims.is_claimed(ip)
    }

    /// Returns the next due action. Call it until there is none.
    pub fn poll(&mut self, now: Instant) -> Option<ArpAction<P>> {
        let packet = self.claims.poll(now, &mut self.neighbors).map(ArpAction::Broadcast);
        packet.or_else(|| self.neighbors.poll(now).map(ArpAction::Neighbor))
    }

    /// Returns when [`Arp::poll`] has work next.
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

    /// Returns the local addresses.
    pub fn locals(&self) -> &LocalBindings {
        self.claims.locals()
    }

    /// Returns the counters of dropped packets, by reason.
    pub fn dropped(&self) -> &ReasonCounters<ArpDropReason> {
        &self.dropped
    }

    /// Takes the oldest event. Those about claims precede those about neighbors.
    pub fn take_event(&mut self) -> Option<ArpEvent> {
        self.claims
            .take_event()
            .map(ArpEvent::Claim)
            .or_else(|| self.neighbors.take_event().map(ArpEvent::Neighbor))
    }

    /// Returns how many events were lost because a queue was full.
    pub fn events_lost(&self) -> u64 {
        self.claims.events_lost().saturating_add(self.neighbors.counts().events_lost)
    }

    // Reception.

    /// Processes a received packet, or the reason why it could not be parsed. `station` is the frame's destination if it
    /// is one of the local MAC addresses, none if the frame was sent to a group or broadcast.
    pub fn receive(
        &mut self,
        now: Instant,
        station: Option<MacAddr>,
        parsed: Result<Packet<'_>, ArpDropReason>,
    ) -> Result<Reception, ArpDropReason> {
        let result = parsed.and_then(|packet| {
            let ours = self.validate(now, station, packet)?;
            Ok(self.merge_and_reply(now, packet, ours))
        });
        // spec: drops-counted
        result.inspect_err(|reason| self.dropped.count(*reason))
    }

    /// Rejects senders that cannot exist, which RFC 826 accepts. Returns the MAC address of the target, if it is local.
    fn validate(
        &mut self,
        now: Instant,
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
            return Err(ArpDropReason::SenderHardware);
        }
        // spec: sender-hardware-ours
        if self.claims.locals().has_mac(mac) {
            return Err(ArpDropReason::OwnEcho);
        }
        // spec: sender-protocol-host
        if !self.is_valid_host(ip) {
            return Err(ArpDropReason::SenderProtocol);
        }
        // spec: sender-protocol-ours
        if self.claims.is_conflict(now, packet) {
            return Err(ArpDropReason::Conflict);
        }
        // Many hosts on one wire: each hears only what is sent to its own station.
        let target = self.claims.locals().mac_of(packet.target_protocol());
        // spec: station-of-target
        if station.is_some() && target.is_some() && station != target {
            return Err(ArpDropReason::WrongStation);
        }
        Ok(target)
    }

    /// Returns whether a host of this network can have an address. 0.0.0.0, the sender of a probe, is valid.
    pub(crate) fn is_valid_host(&self, ip: Ipv4Addr) -> bool {
        (ip.is_unspecified() || inet::is_valid_host(ip)) && self.broadcast != Some(ip)
    }

    /// Follows RFC 826, "Packet Reception", from the merge flag on. [`Packet`] has checked hardware and protocol type.
    fn merge_and_reply(&mut self, now: Instant, packet: Packet<'_>, ours: Option<MacAddr>) -> Reception {
        let sender = packet.sender_protocol();
        let observation = SenderObservation {
            mac: packet.sender_hardware(),
            is_reply_to_us: ours.is_some() && packet.operation() == Operation::REPLY,
        };

        // Merge_flag := false; if the pair <protocol type, sender protocol address> is in the
        // table, update its hardware address and set Merge_flag to true.
        // spec: rfc826-merge
        let mut merge = self.neighbors.merge(now, sender, observation);

        // Am I the target protocol address? If Merge_flag is false, add the sender to the table.
        // spec: rfc826-add, rfc826-not-ours
        if merge == Merge::None && self.learns(packet, ours.is_some()) {
            merge = self.neighbors.learn(now, sender, observation);
        }

        // Is the opcode a request? Only now is it looked at. Swap hardware and protocol fields, put
        // ours into the sender's, send it to the sender.
        // spec: rfc826-operation-last, rfc826-target-hardware, rfc826-reply-to, reply-one, reply-none
        let reply =
            match ours.or_else(|| self.proxies.mac_for(packet, self.config.network, self.claims.locals())) {
                Some(ours) if packet.operation() == Operation::REQUEST => Some(ArpReply {
                    mac: ours,
                    destination: destination(packet.target_protocol(), observation.mac),
                }),
                _ => None,
            };
        Reception { merge, reply }
    }

    /// Returns whether the policy adds an unknown sender to the table. The sender of a probe has no address yet, and is
    /// never added (RFC 5227 1.1).
    fn learns(&self, packet: Packet<'_>, for_us: bool) -> bool {
        let allowed = match self.config.policy {
            // spec: learn-request, learn-reply-cautious, learn-other
            LearningPolicy::Cautious => for_us && packet.operation() == Operation::REQUEST,
            // spec: learn-reply-rfc826, learn-other
            LearningPolicy::Rfc826 => for_us,
            // spec: learn-permissive
            LearningPolicy::Permissive => true,
        };
        // spec: rfc5227-probe-teaches-nothing
        allowed && !packet.sender_protocol().is_unspecified()
    }

    // Claims.

    /// Begins the use of an address. Its MAC address becomes local.
    ///
    /// Fails if the address is local or claimed already, or if the MAC address is zero or a group's.
    pub fn claim(
        &mut self,
        now: Instant,
        identity: Identity,
        start: StartMode,
    ) -> Result<(), LocalBindingsError> {
        self.claims.begin(now, identity, start)?;
        if start != StartMode::Probe {
            self.neighbors.remove(identity.ip);
        }
        Ok(())
    }

    /// Begins the use of all addresses from `first` to `last` at once, without a packet. The first has the MAC address
    /// `mac`, each further one the next MAC address.
    ///
    /// Fails if one of them is local already, or if there are not enough MAC addresses.
    pub fn claim_range(
        &mut self,
        first: Ipv4Addr,
        last: Ipv4Addr,
        mac: MacAddr,
    ) -> Result<(), LocalBindingsError> {
        self.claims.locals_mut().add(first, last, mac)?;
        let entries = self.neighbors.list().into_iter().map(|entry| entry.ip);
        for ip in entries.filter(|ip| (first..=last).contains(ip)) {
            self.neighbors.remove(ip);
        }
        Ok(())
    }

    /// Selects a link-local address, and another one whenever it is lost (RFC 3927).
    ///
    /// Fails if the MAC address is zero or a group's.
    pub fn select_link_local(&mut self, now: Instant, mac: MacAddr) -> Result<(), LocalBindingsError> {
        self.claims.select_link_local(now, mac)
    }

    /// Returns whether an address is being probed for.
    pub fn is_probing(&self) -> bool {
        self.claims.is_probing()
    }

    /// Notes that the device refused some frames since [`Arp::transmit_succeeded`], as one does that is down. Probes among
    /// them reached no host, so each claim that has probed since then restarts.
    pub fn transmit_failed(&mut self, now: Instant) {
        self.claims.transmit_failed(now);
    }

    /// Notes that the device took all frames.
    pub fn transmit_succeeded(&mut self) {
        self.claims.transmit_succeeded();
    }

    /// Notes that the link is down. A probe would reach no host, so no claim sends anything until [`Arp::link_up`].
    pub fn link_down(&mut self) {
        self.claims.link_down();
    }

    /// Notes that the link is up again. Addresses that were probed for are probed for again before further use (RFC 5227 2.1,
    /// RFC 3927 2.2), announced addresses are announced again. Addresses used without either stay in use.
    pub fn link_up(&mut self, now: Instant) {
        self.claims.link_up(now);
    }

    /// Returns the link-local address, while it is in use.
    pub fn link_local_address(&self) -> Option<Ipv4Addr> {
        self.claims.link_local_address()
    }

    /// Returns the host that has the last local address, once no local address is left or expected.
    pub fn new_owner(&self) -> Option<Identity> {
        self.claims.new_owner()
    }

    /// Returns how many probes and announcements were due.
    pub fn claim_packets_sent(&self) -> u64 {
        self.claims.packets_sent
    }

    /// Returns how many conflicts were not answered by an announcement because of the rate limit over all addresses.
    pub fn defenses_suppressed(&self) -> u64 {
        self.claims.suppressed
    }

    // Proxy ARP.

    /// Answers requests for the hosts of `range` with `mac`, a local MAC address, so that datagrams for them come here
    /// (RFC 1027).
    ///
    /// Never answered are a request for an address on the segment itself, a request by a host of the range itself, a
    /// request for a broadcast address, a probe, an announcement, and any request while no local address is in use.
    pub fn add_proxy(&mut self, range: Ipv4Net, mac: MacAddr) -> Result<(), ProxyError> {
        self.proxies.add(range, mac, self.config.network, self.claims.locals())
    }
}

/// Result of a packet that was not dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reception {
    /// The change of the neighbor table.
    pub merge: Merge,
    /// The reply that is due.
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
