//! ARP under one policy, and what must hold of it whatever happens.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use arp::{
    AddError, Arp, ArpAction, ArpConfig, ArpDropReason, ArpEvent, Defense, Identity, Instant, LearningPolicy,
    LocalBindings, MacAddr, Merge, Neighbor, NeighborAction, NeighborEvent, NeighborSettings, NeighborState,
    Operation, Packet, PacketFields, Reception, Resolution, StartMode,
};
use ipnet::Ipv4Net;

/// Ours are 10.0.0.2 to .5, at 02:00:00:00:00:02 to :05.
const FIRST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const LAST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);
pub(crate) const HARDWARE: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const NETWORK: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 28);

type Table = Vec<Neighbor<Ipv4Addr>>;

pub(crate) struct Segment {
    arp: Arp<usize>,
    policy: LearningPolicy,
    settings: NeighborSettings,
    /// How many packets were turned away.
    dropped: u64,
    /// Whether each packet, by its number, came back: sent, returned or refused.
    packets: Vec<bool>,
    /// The last packet that was sent to an address.
    sent: BTreeMap<Ipv4Addr, usize>,
    /// When an address was last asked for.
    asked: BTreeMap<Ipv4Addr, Instant>,
    /// What was claimed, whatever became of it.
    claimed: BTreeSet<Ipv4Addr>,
    /// What a person entered.
    statics: BTreeMap<Ipv4Addr, MacAddr>,
}

impl Segment {
    pub(crate) fn new(policy: LearningPolicy, defense: Defense, entries: u8, packets: u8) -> Segment {
        let mut locals = LocalBindings::default();
        locals.add(FIRST, LAST, HARDWARE).expect("a first range of stations");
        let settings = NeighborSettings {
            entries: entries.into(),
            pending: packets.into(),
            pending_per_entry: 3,
            pending_bytes: 500,
            seed: 7,
            ..NeighborSettings::default()
        };
        let arp = Arp::new(locals, ArpConfig { policy, table: settings, network: Some(NETWORK), defense });
        Segment {
            arp,
            policy,
            settings,
            dropped: 0,
            packets: Vec::new(),
            sent: BTreeMap::new(),
            asked: BTreeMap::new(),
            claimed: BTreeSet::new(),
            statics: BTreeMap::new(),
        }
    }

    pub(crate) fn receive(
        &mut self,
        now: Instant,
        station: Option<MacAddr>,
        bytes: &[u8],
    ) -> Result<Reception, ArpDropReason> {
        let before = self.arp.neighbors().list();
        let result = self.arp.receive(now, station, Packet::parse(bytes));
        let after = self.arp.neighbors().list();
        match result {
            Ok(received) => {
                let packet = Packet::parse(bytes).expect("what was received is a packet");
                self.check_reply(station, packet, received);
                self.check_learning(packet, received.merge, &before, &after);
            }
            Err(reason) => {
                self.dropped += 1;
                assert_eq!(before, after, "what is turned away teaches nothing");
                let conflicts = self.events(|event| matches!(event, ArpEvent::Claim(_)));
                assert_eq!(conflicts, usize::from(reason == ArpDropReason::Conflict));
            }
        }
        result
    }

    pub(crate) fn send(&mut self, now: Instant, to: Ipv4Addr, bytes: usize) {
        let number = self.packets.len();
        self.packets.push(false);
        match self.arp.resolve(now, to, bytes, number) {
            Resolution::Pending => {}
            Resolution::Refused(packet) => self.count_returned(packet),
            Resolution::Known(mac, packet) => {
                let entry = self.arp.neighbors().get(to).expect("only who is in the table is known");
                assert_eq!(entry.mac, Some(mac));
                self.is_sent(to, packet);
            }
        }
    }

    /// Does all that is due, after which nothing is, until later.
    pub(crate) fn poll(&mut self, now: Instant) {
        let mut count = 0;
        while let Some(due) = self.arp.poll(now) {
            count += 1;
            assert!(count < 1_000, "it ends");
            match due {
                ArpAction::Broadcast(fields) => self.check_broadcast(fields),
                ArpAction::Neighbor(NeighborAction::Return { packet, .. }) => self.count_returned(packet),
                ArpAction::Neighbor(NeighborAction::Send { ip, mac, packet }) => {
                    let entry = self.arp.neighbors().get(ip).expect("its destination is known");
                    assert_eq!(entry.mac, Some(mac));
                    self.is_sent(ip, packet);
                }
                ArpAction::Neighbor(NeighborAction::Request { ip, mac: station }) => {
                    assert!(station.is_none_or(MacAddr::is_station));
                    let last = self.asked.insert(ip, now);
                    let often = last.is_some_and(|last| last + Duration::from_secs(1) > now);
                    assert!(!often, "{ip} is asked for twice in a second");
                }
            }
        }
        assert!(self.arp.deadline().is_none_or(|deadline| deadline > now), "all that is due was done");
    }

    /// Lets the time pass until no packet waits: each one is sent or comes back in the end.
    pub(crate) fn ends(&mut self, mut now: Instant) {
        while self.arp.neighbors().pending_packets() > 0 {
            now = if let Some(deadline) = self.arp.deadline() {
                now.max(deadline)
            } else {
                // Time ended before the deadline: it restarts.
                assert!(now > Instant::ORIGIN, "a pending packet has a deadline");
                self.forget_when();
                Instant::ORIGIN
            };
            self.poll(now);
            self.holds();
        }
    }

    pub(crate) fn confirm(&mut self, now: Instant, peer: Ipv4Addr) {
        let before = self.mac_of(peer);
        self.arp.neighbors_mut().confirm(now, peer);
        assert_eq!(self.mac_of(peer), before);
    }

    pub(crate) fn add(&mut self, now: Instant, peer: Ipv4Addr, mac: MacAddr) {
        let (ours, station) = (self.is_ours(peer), self.arp.locals().has_mac(mac));
        match self.arp.add_static(now, peer, mac) {
            Ok(()) => drop(self.statics.insert(peer, mac)),
            Err(AddError::Full) => assert_eq!(self.arp.neighbors().len(), self.bound()),
            Err(AddError::InvalidMac) => assert!(!mac.is_station() || station),
            Err(AddError::InvalidIp) => assert!(ours || self.claimed.contains(&peer)),
        }
    }

    /// Begins to use an address, near or far from the first ones.
    pub(crate) fn claim(&mut self, now: Instant, ip: Ipv4Addr, start: StartMode) {
        let mac = MacAddr::new([2, 0, 0, 0, 9, ip.octets()[3]]);
        let ours = self.is_ours(ip);
        let claimed = self.arp.claim(now, Identity { ip, mac }, start).is_ok();
        self.claimed.insert(ip);
        assert!(!(claimed && ours));
        if self.is_ours(ip) {
            self.forget_neighbor(ip);
        }
    }

    fn is_ours(&self, ip: Ipv4Addr) -> bool {
        self.arp.locals().mac_of(ip).is_some()
    }

    /// What is said is a probe for an address that is not in use, or the announcement of one that is.
    fn check_broadcast(&mut self, fields: PacketFields) {
        let PacketFields { operation, sender_hardware, sender_protocol, target_protocol, .. } = fields;
        assert_eq!(operation, Operation::REQUEST);
        assert!(self.arp.locals().has_mac(sender_hardware));
        let announced = sender_protocol == target_protocol;
        assert!(announced || sender_protocol.is_unspecified());
        let used_by = self.arp.locals().mac_of(target_protocol);
        assert_eq!(used_by, announced.then_some(sender_hardware));
        if announced {
            self.forget_neighbor(target_protocol);
        }
    }

    fn forget_neighbor(&mut self, ip: Ipv4Addr) {
        self.statics.remove(&ip);
        self.asked.remove(&ip);
    }

    pub(crate) fn remove(&mut self, peer: Ipv4Addr) {
        self.arp.neighbors_mut().remove(peer);
        self.statics.remove(&peer);
        self.asked.remove(&peer);
        assert_eq!(self.arp.neighbors().get(peer), None);
    }

    pub(crate) fn flush(&mut self) {
        self.arp.neighbors_mut().flush();
        self.asked.clear();
        assert_eq!(self.arp.neighbors().len(), self.statics.len());
    }

    /// What a second is, a clock that jumped back cannot tell.
    pub(crate) fn forget_when(&mut self) {
        self.asked.clear();
    }

    /// What must hold after every step.
    pub(crate) fn holds(&mut self) {
        let table = self.arp.neighbors().list();
        assert_eq!(table.len(), self.arp.neighbors().len());
        assert!(table.len() <= self.bound());
        for entry in &table {
            assert!(entry.mac.is_none_or(MacAddr::is_station));
            // A station that became ours later may have been a neighbor's before.
            let first_ours = HARDWARE..=MacAddr::new([2, 0, 0, 0, 0, 5]);
            assert!(entry.mac.is_none_or(|mac| !first_ours.contains(&mac)));
            assert!(!self.is_ours(entry.ip));
            let ip = entry.ip;
            let is_no_host = ip.is_unspecified() || ip.is_loopback() || ip.is_multicast();
            assert!(!is_no_host && !ip.is_broadcast() && ip != NETWORK.broadcast());
        }
        let statics = table.iter().filter(|entry| entry.state == NeighborState::Static);
        assert!(statics.map(|entry| (entry.ip, entry.mac)).eq(self.expected_statics()));

        let back = self.packets.iter().filter(|back| **back).count();
        assert_eq!(back + self.arp.neighbors().pending_packets(), self.packets.len(), "no packet is lost");
        assert!(self.arp.neighbors().pending_packets() <= 2 * self.settings.pending);

        let dropped: u64 = self.arp.dropped().iter().map(|(_, count)| count).sum();
        assert_eq!(dropped, self.dropped);
        while self.arp.take_event().is_some() {}
        assert_eq!(self.arp.events_lost(), 0);
    }

    fn check_reply(&self, station: Option<MacAddr>, packet: Packet<'_>, received: Reception) {
        let ours = self.arp.locals().mac_of(packet.target_protocol());
        let due = ours.filter(|_| packet.operation() == Operation::REQUEST);
        assert_eq!(received.reply.map(|reply| reply.mac), due);
        assert!(received.reply.is_none_or(|reply| reply.destination == packet.sender_hardware()));
        assert!(!packet.operation().is_foreign());
        assert!(station.is_none() || ours.is_none() || station == ours);
        assert!(!self.is_ours(packet.sender_protocol()));
    }

    fn check_learning(&mut self, packet: Packet<'_>, merge: Merge, before: &Table, after: &Table) {
        let (ip, mac) = (packet.sender_protocol(), packet.sender_hardware());
        let find = |table: &Table| table.iter().find(|entry| entry.ip == ip).copied();
        let was = find(before).map(|entry| entry.mac);
        match merge {
            Merge::None | Merge::Refused => {
                assert_eq!((was, before), (None, after));
                assert_eq!(merge == Merge::Refused, self.may_be_learned(packet));
            }
            Merge::StaticConflict => assert_eq!((self.statics.contains_key(&ip), before), (true, after)),
            Merge::Added => assert!(was.is_none() && self.may_be_learned(packet)),
            Merge::Completed => assert_eq!(was, Some(None)),
            Merge::Confirmed => assert_eq!(was, Some(Some(mac))),
            Merge::Moved => assert!(was.flatten().is_some_and(|from| from != mac)),
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
        let tells = matches!(merge, Merge::Added | Merge::Moved | Merge::StaticConflict | Merge::Refused);
        assert_eq!(reported, usize::from(tells));
    }

    fn may_be_learned(&self, packet: Packet<'_>) -> bool {
        let for_us = self.arp.locals().mac_of(packet.target_protocol()).is_some();
        let learned = match self.policy {
            LearningPolicy::Cautious => for_us && packet.operation() == Operation::REQUEST,
            LearningPolicy::Rfc826 => for_us,
            LearningPolicy::Permissive => true,
        };
        learned && !packet.sender_protocol().is_unspecified()
    }

    /// Takes all events and counts some.
    fn events(&mut self, counts: impl Fn(&ArpEvent) -> bool) -> usize {
        std::iter::from_fn(|| self.arp.take_event()).filter(counts).count()
    }

    fn is_sent(&mut self, to: Ipv4Addr, packet: usize) {
        let last = self.sent.insert(to, packet);
        assert!(last.is_none_or(|last| last < packet), "packets go in the order in which they came");
        self.count_returned(packet);
    }

    fn count_returned(&mut self, packet: usize) {
        let before = std::mem::replace(&mut self.packets[packet], true);
        assert!(!before, "a packet comes back once");
    }

    fn mac_of(&self, peer: Ipv4Addr) -> Option<MacAddr> {
        self.arp.neighbors().get(peer).and_then(|entry| entry.mac)
    }

    fn expected_statics(&self) -> impl Iterator<Item = (Ipv4Addr, Option<MacAddr>)> {
        self.statics.iter().map(|(ip, mac)| (*ip, Some(*mac)))
    }

    /// A table has room for one entry at least.
    fn bound(&self) -> usize {
        self.settings.entries.max(1)
    }
}
