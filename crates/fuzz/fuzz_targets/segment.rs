//! ARP with one learning policy, and its invariants.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use arp::{
    AddError, AddressRange, AddressState, AddressTable, Arp, ArpAction, ArpConfig, ArpDropReason, ArpEvent,
    Defense, Instant, LearningPolicy, MacAddr, Merge, Neighbor, NeighborAction, NeighborEvent,
    NeighborSettings, NeighborState, Operation, Packet, PacketFields, Reception, Resolution, StartMode,
};
use ipnet::Ipv4Net;

/// Local addresses: 10.0.0.2 to .5, at 02:00:00:00:00:02 to :05.
const FIRST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const LAST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);
pub(crate) const LOCAL_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const NETWORK: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 28);

type Table = Vec<Neighbor<Ipv4Addr>>;

/// ARP with its expected state.
pub(crate) struct Segment {
    arp: Arp<usize>,
    addresses: AddressTable,
    policy: LearningPolicy,
    settings: NeighborSettings,
    /// Number of dropped ARP packets.
    dropped: u64,
    /// Whether each packet to send, by its number, was sent, returned or refused.
    packets: Vec<bool>,
    /// Number of the last packet sent to an address.
    sent: BTreeMap<Ipv4Addr, usize>,
    /// Time of the last request for an address.
    requested: BTreeMap<Ipv4Addr, Instant>,
    /// Addresses claimed at any time.
    claimed: BTreeSet<Ipv4Addr>,
    /// Static entries.
    statics: BTreeMap<Ipv4Addr, MacAddr>,
}

impl Segment {
    pub(crate) fn new(policy: LearningPolicy, defense: Defense, entries: u8, packets: u8) -> Segment {
        let mut addresses = AddressTable::default();
        let range = AddressRange { first: FIRST, last: LAST, mac: LOCAL_MAC, prefix: 28 };
        addresses.add(range).expect("address range should be valid");
        let settings = NeighborSettings {
            entries: entries.into(),
            pending: packets.into(),
            pending_per_entry: 3,
            pending_bytes: 500,
            seed: 7,
            ..NeighborSettings::default()
        };
        let arp = Arp::new(ArpConfig { policy, table: settings, network: Some(NETWORK), defense });
        Segment {
            arp,
            addresses,
            policy,
            settings,
            dropped: 0,
            packets: Vec::new(),
            sent: BTreeMap::new(),
            requested: BTreeMap::new(),
            claimed: BTreeSet::new(),
            statics: BTreeMap::new(),
        }
    }

    /// Receives a packet. Checks the reply, and the change of the neighbor table.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        station: Option<MacAddr>,
        bytes: &[u8],
    ) -> Result<Reception, ArpDropReason> {
        let before = self.arp.neighbors().list();
        let result = self.arp.receive(now, &mut self.addresses, station, Packet::parse(bytes));
        let after = self.arp.neighbors().list();
        match result {
            Ok(received) => {
                let packet = Packet::parse(bytes).expect("received packet should parse");
                self.check_reply(station, packet, received);
                self.check_learning(packet, received.merge, &before, &after);
            }
            Err(reason) => {
                self.dropped += 1;
                assert_eq!(before, after, "a dropped packet changed the neighbor table");
                let conflicts = self.events(|event| matches!(event, ArpEvent::Claim(_)));
                // A packet to the MAC address of the wrong host may be a conflict too.
                let may_be_conflict = reason == ArpDropReason::WrongMac && conflicts == 1;
                assert!(may_be_conflict || conflicts == usize::from(reason == ArpDropReason::Conflict));
            }
        }
        result
    }

    /// Sends a packet.
    pub(crate) fn send(&mut self, now: Instant, to: Ipv4Addr, bytes: usize) {
        let number = self.packets.len();
        self.packets.push(false);
        match self.arp.resolve(now, &self.addresses, to, bytes, number) {
            Resolution::Pending => {}
            Resolution::Refused(packet) => self.count_returned(packet),
            Resolution::Known(mac, packet) => {
                let entry = self.arp.neighbors().get(to).expect("destination should have an entry");
                assert_eq!(entry.mac, Some(mac));
                self.count_sent(to, packet);
            }
        }
    }

    /// Performs all due actions. Checks that no action is due afterwards.
    pub(crate) fn poll(&mut self, now: Instant) {
        let mut count = 0;
        while let Some(due) = self.arp.poll(now, &mut self.addresses) {
            count += 1;
            assert!(count < 1_000, "1,000 actions without an end");
            match due {
                ArpAction::Broadcast(fields) => self.check_broadcast(fields),
                ArpAction::Neighbor(NeighborAction::Return { packet, .. }) => self.count_returned(packet),
                ArpAction::Neighbor(NeighborAction::Send { ip, mac, packet }) => {
                    let entry = self.arp.neighbors().get(ip).expect("destination should have an entry");
                    assert_eq!(entry.mac, Some(mac));
                    self.count_sent(ip, packet);
                }
                ArpAction::Neighbor(NeighborAction::Request { ip, mac: station }) => {
                    assert!(station.is_none_or(MacAddr::is_station));
                    let last = self.requested.insert(ip, now);
                    let is_too_soon = last.is_some_and(|last| last + Duration::from_secs(1) > now);
                    assert!(!is_too_soon, "two requests for {ip} in one second");
                }
            }
        }
        assert!(self.arp.deadline().is_none_or(|deadline| deadline > now), "an action is still due");
    }

    /// Advances the time until no packet waits. Checks that each packet is sent or returned.
    pub(crate) fn finish(&mut self, mut now: Instant) {
        while self.arp.neighbors().pending_packets() > 0 {
            now = if let Some(deadline) = self.arp.deadline() {
                now.max(deadline)
            } else {
                // The deadline is beyond the maximum time, so the clock restarts.
                assert!(now > Instant::ORIGIN, "packet pending without a deadline");
                self.forget_request_times();
                Instant::ORIGIN
            };
            self.poll(now);
            self.check();
        }
    }

    /// Confirms a peer. Checks that the MAC address of the peer stays the same.
    pub(crate) fn confirm(&mut self, now: Instant, peer: Ipv4Addr) {
        let before = self.mac_of(peer);
        self.arp.neighbors_mut().confirm(now, peer);
        assert_eq!(self.mac_of(peer), before);
    }

    /// Adds a static entry. Checks the error if the entry is rejected.
    pub(crate) fn add_static(&mut self, now: Instant, peer: Ipv4Addr, mac: MacAddr) {
        let (is_local_ip, is_local_mac) = (self.is_local(peer), self.addresses.has_mac(mac));
        match self.arp.add_static(now, &self.addresses, peer, mac) {
            Ok(()) => drop(self.statics.insert(peer, mac)),
            Err(AddError::Full) => assert_eq!(self.arp.neighbors().len(), self.limit()),
            Err(AddError::InvalidMac) => assert!(!mac.is_station() || is_local_mac),
            Err(AddError::InvalidIp | AddError::LocalIp) => {
                assert!(is_local_ip || self.claimed.contains(&peer));
            }
        }
    }

    /// Claims an address.
    pub(crate) fn claim(&mut self, now: Instant, ip: Ipv4Addr, start: StartMode) {
        let mac = MacAddr::new([2, 0, 0, 0, 9, ip.octets()[3]]);
        let was_local = self.is_local(ip);
        let range = AddressRange { first: ip, last: ip, mac, prefix: 28 };
        let claimed = self.arp.claim(now, &mut self.addresses, range, start).is_ok();
        self.claimed.insert(ip);
        assert!(!(claimed && was_local));
        if claimed && self.is_local(ip) {
            self.forget_neighbor(ip);
        }
    }

    /// Reports a refused packet. Checks that no address and no neighbor changes.
    pub(crate) fn refuse(&mut self, now: Instant, ip: Ipv4Addr, is_request: bool) {
        let state = |segment: &Segment| {
            let counts = segment.arp.neighbors().counts();
            let refused = counts.requests_refused + segment.arp.claim_packets_refused();
            let in_use: Vec<_> = segment.addresses.in_use().collect();
            (refused, segment.arp.neighbors().list(), in_use, segment.arp.is_probing())
        };
        let (refused, table, in_use, is_probing) = state(self);
        if is_request {
            self.arp.request_refused(now, ip);
        } else {
            self.arp.claim_packet_refused(now, ip);
        }
        assert_eq!(state(self), (refused + 1, table, in_use, is_probing));
    }

    /// Reports that the link is down or up. Checks that an address comes into use only by polling.
    pub(crate) fn set_link(&mut self, now: Instant, is_up: bool) {
        let before: Vec<_> = self.addresses.in_use().collect();
        if is_up {
            self.arp.link_up(now, &mut self.addresses);
        } else {
            self.arp.link_down();
        }
        assert!(self.addresses.in_use().all(|address| before.contains(&address)));
    }

    fn is_local(&self, ip: Ipv4Addr) -> bool {
        self.addresses.mac_of(ip).is_some()
    }

    /// Returns whether another host uses a local address too.
    fn is_in_conflict(&self, ip: Ipv4Addr) -> bool {
        matches!(self.addresses.state(ip), Some(AddressState::Conflict { .. }))
    }

    /// Checks that a broadcast packet probes for an address that is not in use, or announces an address in use.
    fn check_broadcast(&mut self, fields: PacketFields) {
        let PacketFields { operation, sender_hardware, sender_protocol, target_protocol, .. } = fields;
        assert_eq!(operation, Operation::REQUEST);
        assert!(self.addresses.has_mac(sender_hardware));
        let is_announcement = sender_protocol == target_protocol;
        assert!(is_announcement || sender_protocol.is_unspecified());
        let used_by = self.addresses.mac_of(target_protocol);
        assert_eq!(used_by, is_announcement.then_some(sender_hardware));
        // The other host of a conflict may be a neighbor of other local hosts.
        if is_announcement && !self.is_in_conflict(target_protocol) {
            self.forget_neighbor(target_protocol);
        }
    }

    fn forget_neighbor(&mut self, ip: Ipv4Addr) {
        self.statics.remove(&ip);
        self.requested.remove(&ip);
    }

    /// Removes the entry of a peer.
    pub(crate) fn remove(&mut self, peer: Ipv4Addr) {
        self.arp.neighbors_mut().remove(peer);
        self.statics.remove(&peer);
        self.requested.remove(&peer);
        assert_eq!(self.arp.neighbors().get(peer), None);
    }

    /// Removes all entries except static ones.
    pub(crate) fn flush(&mut self) {
        self.arp.neighbors_mut().flush();
        self.requested.clear();
        assert_eq!(self.arp.neighbors().len(), self.statics.len());
    }

    /// Forgets the times of requests, because the clock has jumped back.
    pub(crate) fn forget_request_times(&mut self) {
        self.requested.clear();
    }

    /// Checks the invariants after a step.
    pub(crate) fn check(&mut self) {
        let table = self.arp.neighbors().list();
        assert_eq!(table.len(), self.arp.neighbors().len());
        assert!(table.len() <= self.limit());
        for entry in &table {
            assert!(entry.mac.is_none_or(MacAddr::is_station));
            // An older entry may have a MAC address that became local later.
            let first_locals = LOCAL_MAC..=MacAddr::new([2, 0, 0, 0, 0, 5]);
            assert!(entry.mac.is_none_or(|mac| !first_locals.contains(&mac)));
            assert!(!self.is_local(entry.ip) || self.is_in_conflict(entry.ip));
            let ip = entry.ip;
            let is_invalid = ip.is_unspecified() || ip.is_loopback() || ip.is_multicast();
            assert!(!is_invalid && !ip.is_broadcast() && ip != NETWORK.broadcast());
        }
        let statics = table.iter().filter(|entry| entry.state == NeighborState::Static);
        assert!(statics.map(|entry| (entry.ip, entry.mac)).eq(self.expected_statics()));

        let returned = self.packets.iter().filter(|returned| **returned).count();
        assert_eq!(
            returned + self.arp.neighbors().pending_packets(),
            self.packets.len(),
            "a packet was lost"
        );
        assert!(self.arp.neighbors().pending_packets() <= 2 * self.settings.pending);

        let dropped: u64 = self.arp.dropped().iter().map(|(_, count)| count).sum();
        assert_eq!(dropped, self.dropped);
        while self.arp.take_event().is_some() {}
        assert_eq!(self.arp.events_lost(), 0);
    }

    fn check_reply(&self, station: Option<MacAddr>, packet: Packet<'_>, received: Reception) {
        let local_mac = self.addresses.mac_of(packet.target_protocol());
        let due = local_mac.filter(|_| packet.operation() == Operation::REQUEST);
        assert_eq!(received.reply.map(|reply| reply.mac), due);
        assert!(received.reply.is_none_or(|reply| reply.destination == packet.sender_hardware()));
        assert!(!packet.operation().is_foreign());
        assert!(station.is_none() || local_mac.is_none() || station == local_mac);
        let sender = packet.sender_protocol();
        let is_for_other_host = local_mac.is_some() && packet.target_protocol() != sender;
        assert!(!self.is_local(sender) || (self.is_in_conflict(sender) && is_for_other_host));
    }

    fn check_learning(&mut self, packet: Packet<'_>, merge: Merge, before: &Table, after: &Table) {
        let (ip, mac) = (packet.sender_protocol(), packet.sender_hardware());
        let find = |table: &Table| table.iter().find(|entry| entry.ip == ip).copied();
        let before_mac = find(before).map(|entry| entry.mac);
        match merge {
            Merge::None | Merge::Refused => {
                assert_eq!((before_mac, before), (None, after));
                assert_eq!(merge == Merge::Refused, self.may_be_learned(packet));
            }
            Merge::StaticConflict => assert_eq!((self.statics.contains_key(&ip), before), (true, after)),
            Merge::Added => assert!(before_mac.is_none() && self.may_be_learned(packet)),
            Merge::Completed => assert_eq!(before_mac, Some(None)),
            Merge::Confirmed => assert_eq!(before_mac, Some(Some(mac))),
            Merge::Moved => assert!(before_mac.flatten().is_some_and(|from| from != mac)),
        }
        if matches!(merge, Merge::Added | Merge::Completed | Merge::Confirmed | Merge::Moved) {
            assert_eq!(find(after).and_then(|entry| entry.mac), Some(mac));
        }
        let reported = self.events(|event| match event {
            ArpEvent::Neighbor(NeighborEvent::Learned { .. }) => merge == Merge::Added,
            ArpEvent::Neighbor(NeighborEvent::Moved { .. }) => merge == Merge::Moved,
            ArpEvent::Neighbor(NeighborEvent::StaticConflict { .. }) => merge == Merge::StaticConflict,
            ArpEvent::Neighbor(NeighborEvent::Refused { .. }) => merge == Merge::Refused,
            _ => false,
        });
        let is_reported =
            matches!(merge, Merge::Added | Merge::Moved | Merge::StaticConflict | Merge::Refused);
        assert_eq!(reported, usize::from(is_reported));
    }

    fn may_be_learned(&self, packet: Packet<'_>) -> bool {
        let target_is_local = self.addresses.mac_of(packet.target_protocol()).is_some();
        let learned = match self.policy {
            LearningPolicy::Cautious => target_is_local && packet.operation() == Operation::REQUEST,
            LearningPolicy::Rfc826 => target_is_local,
            LearningPolicy::Permissive => true,
        };
        learned && !packet.sender_protocol().is_unspecified()
    }

    /// Takes all events. Returns the number of events that match.
    fn events(&mut self, matches: impl Fn(&ArpEvent) -> bool) -> usize {
        std::iter::from_fn(|| self.arp.take_event()).filter(matches).count()
    }

    fn count_sent(&mut self, to: Ipv4Addr, packet: usize) {
        let last = self.sent.insert(to, packet);
        assert!(last.is_none_or(|last| last < packet), "packet sent out of order");
        self.count_returned(packet);
    }

    fn count_returned(&mut self, packet: usize) {
        let before = std::mem::replace(&mut self.packets[packet], true);
        assert!(!before, "packet returned twice");
    }

    fn mac_of(&self, peer: Ipv4Addr) -> Option<MacAddr> {
        self.arp.neighbors().get(peer).and_then(|entry| entry.mac)
    }

    fn expected_statics(&self) -> impl Iterator<Item = (Ipv4Addr, Option<MacAddr>)> {
        self.statics.iter().map(|(ip, mac)| (*ip, Some(*mac)))
    }

    /// Returns the maximum number of entries, at least 1.
    fn limit(&self) -> usize {
        self.settings.entries.max(1)
    }
}
