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

/// How readily the sender of a packet is entered into the translation table.
///
/// Under every policy a sender that is in the table already is followed, one that was asked for is
/// filled in, and one that asks for us is entered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LearningPolicy {
    /// A sender is entered for a request alone: a reply nobody asked for teaches nothing.
    // spec: learn-default
    #[default]
    Cautious,
    /// A sender is entered whenever the target is ours, as RFC 826 says.
    Rfc826,
    /// A sender is entered whatever it says, and to whom: announcements teach too.
    Permissive,
}

/// How an [`Arp`] is to behave.
#[derive(Clone, Copy, Debug, Default)]
pub struct ArpConfig {
    /// How readily it learns.
    pub policy: LearningPolicy,
    /// The bounds and times of the translation table.
    pub table: NeighborSettings,
    /// The segment's network, whose broadcast address no sender may have, and within which nobody needs a
    /// proxy.
    pub network: Option<Ipv4Net>,
    /// What to do when somebody else uses an address of ours.
    pub defense: Defense,
}

/// What happened that somebody may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArpEvent {
    /// To an entry of the translation table.
    Neighbor(NeighborEvent<Ipv4Addr>),
    /// To a claim to an address (RFC 5227).
    Claim(ClaimEvent),
}

/// What is due on a segment.
#[derive(Debug, PartialEq, Eq)]
pub enum ArpAction<P> {
    /// A probe or an announcement, to be broadcast.
    Broadcast(PacketFields),
    /// Something for a neighbor.
    Neighbor(NeighborAction<Ipv4Addr, P>),
}

/// ARP on one segment, with packets of type `P` that wait for an answer.
///
/// Packets go in by [`Arp::receive`], packets by [`Arp::resolve`]; what is due comes out by
/// [`Arp::poll`], and events by [`Arp::take_event`].
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
    /// How many events wait to be taken at most; what happens beyond that is counted.
    pub const EVENTS: usize = 256;

    /// ARP for the addresses in `locals`, which are in use at once and without a word; [`Arp::claim`] says
    /// more, and probes.
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

    /// Where to send a packet of so many bytes: see [`NeighborTable::resolve`]. Refused are addresses that
    /// are ours or that we probe for, and such as no host can have.
    pub fn resolve(&mut self, now: Instant, ip: Ipv4Addr, bytes: usize, packet: P) -> Resolution<P> {
        if !self.is_valid_neighbor(ip) {
            return Resolution::Refused(packet);
        }
        self.neighbors.resolve(now, ip, bytes, packet)
    }

    /// Enters a neighbor by hand: see [`NeighborTable::add_static`]. Refused are addresses as with
    /// [`Arp::resolve`].
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

    /// The next thing that is due, to be called until there is none.
    pub fn poll(&mut self, now: Instant) -> Option<ArpAction<P>> {
        let packet = self.claims.poll(now, &mut self.neighbors).map(ArpAction::Broadcast);
        packet.or_else(|| self.neighbors.poll(now).map(ArpAction::Neighbor))
    }

    /// When [`Arp::poll`] has something to do next.
    pub fn deadline(&self) -> Option<Instant> {
        [self.claims.deadline(), self.neighbors.deadline()].into_iter().flatten().min()
    }

    /// The translation table.
    pub fn neighbors(&self) -> &NeighborTable<Ipv4Addr, P> {
        &self.neighbors
    }

    /// The translation table, for a person to add to and to remove from.
    pub fn neighbors_mut(&mut self) -> &mut NeighborTable<Ipv4Addr, P> {
        &mut self.neighbors
    }

    /// The addresses that are ours.
    pub fn locals(&self) -> &LocalBindings {
        self.claims.locals()
    }

    /// Packets turned away, by reason.
    pub fn dropped(&self) -> &ReasonCounters<ArpDropReason> {
        &self.dropped
    }

    /// The oldest event not yet taken; those about ourselves go before those about neighbors.
    pub fn take_event(&mut self) -> Option<ArpEvent> {
        self.claims
            .take_event()
            .map(ArpEvent::Claim)
            .or_else(|| self.neighbors.take_event().map(ArpEvent::Neighbor))
    }

    /// How many events nobody took in time.
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

    /// Turns away what RFC 826, in a kinder time, would have believed. Returns the hardware address that the
    /// target protocol address has, if it is ours.
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

    /// Whether an address can be a host's in this network; 0.0.0.0, the sender of a probe, passes.
    pub(crate) fn is_valid_host(&self, ip: Ipv4Addr) -> bool {
        (ip.is_unspecified() || inet::is_valid_host(ip)) && self.broadcast != Some(ip)
    }

    /// RFC 826, "Packet Reception", from the merge flag on. That hardware and protocol type are
    /// ours, [`Packet`] has shown.
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

    /// Whether the policy lets an unknown sender into the table. A probe's sender has no address
    /// yet, so it never comes in (RFC 5227 1.1).
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

    /// Begins to use an address. A station that was not ours is from now on.
    ///
    /// Fails if the address is ours already, or the hardware address is no station's.
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

    /// Begins to use all addresses from `first` to `last` at once and without a word. The first is at
    /// `mac`, each further one at the hardware address after.
    ///
    /// Fails if one of them is ours already, or there are not as many stations.
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

    /// Selects an address of its own choice, and another whenever that is lost (RFC 3927).
    ///
    /// Fails if the hardware address is no station's.
    pub fn select_link_local(&mut self, now: Instant, mac: MacAddr) -> Result<(), LocalBindingsError> {
        self.claims.select_link_local(now, mac)
    }

    /// Whether an address is being probed for.
    pub fn is_probing(&self) -> bool {
        self.claims.is_probing()
    }

    /// The wire refused some of the frames since [`Arp::transmit_succeeded`], as one that is down does. Probes among them asked no
    /// host, so each claim that has probed since then begins again.
    pub fn transmit_failed(&mut self, now: Instant) {
        self.claims.transmit_failed(now);
    }

    /// The wire took all that was sent.
    pub fn transmit_succeeded(&mut self) {
        self.claims.transmit_succeeded();
    }

    /// The link is no longer active: a probe would reach no host, so no claim sends anything until [`Arp::link_up`].
    pub fn link_down(&mut self) {
        self.claims.link_down();
    }

    /// The link has become active after it was not. Each address that was probed for at first is probed for again
    /// before it is used again (RFC 5227 2.1, RFC 3927 2.2); each that was announced is announced again. One whose use
    /// began without a word goes on without one.
    pub fn link_up(&mut self, now: Instant) {
        self.claims.link_up(now);
    }

    /// The address of our own choice, while it is in use.
    pub fn link_local_address(&self) -> Option<Ipv4Addr> {
        self.claims.link_local_address()
    }

    /// Who has the last address of ours, once there is none left, nor any to come.
    pub fn new_owner(&self) -> Option<Identity> {
        self.claims.new_owner()
    }

    /// How many probes and announcements there were.
    pub fn claim_packets_sent(&self) -> u64 {
        self.claims.packets_sent
    }

    /// How many conflicts were not met with an announcement because there were too many over all addresses.
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

/// What became of a packet that was not dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reception {
    /// What it did to the translation table.
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
