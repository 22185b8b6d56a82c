//! Census: passive record of the stations and IP addresses on a segment, as in `arpwatch`.
//!
//! A census sends no packets. The neighbor table of a host contains the destinations that the host needs. A census
//! contains the observed claims to all addresses, with their changes and conflicts.

mod claims;
mod counts;
mod entry;
mod event;
mod rate;
mod rate_limit;
mod register;

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use base::{EventQueue, ReasonCounters};
use link::{Instant, MacAddr, VlanId};

use self::claims::ClaimChange;
use self::entry::Entry;
use self::rate::{Rate, SecondCounts};
use self::rate_limit::{EventKey, RateLimit};
use self::register::{Evicted, InsertOutcome, Register};
use arp::{ArpDropReason, Operation, Packet, PacketFields};

pub use self::counts::CensusCounts;
pub use self::entry::{CensusEntry, Presence};
pub use self::event::{CensusEvent, Classification};

/// An IP address, in a VLAN or without a VLAN. The same IP address in two VLANs has two entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VlanAddress {
    /// The VLAN, if the frame had a tag.
    pub vlan: Option<VlanId>,
    /// The IP address.
    pub ip: Ipv4Addr,
}

/// Metadata of a received frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameInfo {
    /// Source MAC address.
    pub source: MacAddr,
    /// Whether the destination is broadcast or multicast.
    pub is_broadcast: bool,
    /// VLAN of the frame, if tagged.
    pub vlan: Option<VlanId>,
}

/// Limits, times and thresholds of a census. Times of zero are valid.
#[derive(Clone, Copy, Debug)]
pub struct CensusSettings {
    /// Maximum number of addresses, at least 1.
    pub entries: usize,
    /// Time without packets after which an address is [`Presence::Quiet`].
    pub quiet_after: Duration,
    /// Time without packets after which an address is [`Presence::Gone`].
    pub gone_after: Duration,
    /// Maximum time between two changes of the MAC address that are counted as changes in a row. Three changes in a row
    /// are a conflict.
    pub conflict_window: Duration,
    /// Minimum time between two reports of the same event.
    pub repeat_after: Duration,
    /// Number of addresses at which a station is reported. The station is reported again at every doubling.
    pub many_addresses: u32,
    /// Number of packets in one second from one station that is reported as a flood, at least 1.
    pub station_flood: u32,
    /// Number of packets in one second in total that is reported as a flood, at least 1.
    pub total_flood: u32,
}

/// Passive record of the addresses on a segment.
///
/// [`Census::receive`] processes packets. [`Census::take_event`] returns events, and [`Census::iter`] returns the
/// addresses.
#[derive(Debug)]
pub struct Census {
    settings: CensusSettings,
    register: Register,
    /// Stations that have an address, by MAC address: at most one per entry.
    stations: BTreeMap<MacAddr, StationCounts>,
    seconds: SecondCounts,
    rate: Rate,
    rate_limit: RateLimit,
    events: EventQueue<CensusEvent>,
    counts: CensusCounts,
    dropped: ReasonCounters<ArpDropReason>,
}

/// Counts of a station that has at least one address.
#[derive(Debug, Default)]
struct StationCounts {
    addresses: u32,
    /// Number of a second since the origin of time, and number of packets in this second.
    second: (u64, u32),
}

impl Default for CensusSettings {
    fn default() -> Self {
        CensusSettings {
            entries: 65_536,
            quiet_after: Duration::from_mins(5),
            gone_after: Duration::from_hours(1),
            conflict_window: Duration::from_mins(1),
            repeat_after: Duration::from_mins(5),
            many_addresses: 16,
            station_flood: 100,
            total_flood: 1_000,
        }
    }
}

impl Census {
    /// Capacity of the event queue. Further events are dropped and counted.
    pub const EVENTS: usize = 4_096;

    /// Creates an empty census.
    pub fn new(settings: CensusSettings) -> Census {
        Census {
            settings,
            register: Register::new(settings.entries),
            stations: BTreeMap::new(),
            seconds: SecondCounts::default(),
            rate: Rate::default(),
            rate_limit: RateLimit::new(settings.repeat_after),
            events: EventQueue::new(Self::EVENTS),
            counts: CensusCounts::default(),
            dropped: ReasonCounters::default(),
        }
    }

    /// Processes a received packet, or counts the reason why it could not be parsed.
    pub fn receive(
        &mut self,
        now: Instant,
        frame: FrameInfo,
        parsed: Result<Packet<'_>, ArpDropReason>,
    ) -> Classification {
        self.poll(now);
        self.count_frame(now, &frame);
        match parsed.map(PacketFields::from).and_then(|packet| validate(&packet).map(|()| packet)) {
            Ok(packet) => self.record(now, frame, &packet),
            Err(reason) => {
                // spec: drops-counted
                self.dropped.count(reason);
                self.counts.dropped = self.counts.dropped.saturating_add(1);
                let event = CensusEvent::Invalid { source: frame.source, vlan: frame.vlan, reason };
                self.report_limited(now, EventKey::Invalid(frame.source, reason), event);
                Classification::Dropped(reason)
            }
        }
    }

    /// Marks addresses as gone after [`CensusSettings::gone_after`] without packets.
    pub fn poll(&mut self, now: Instant) {
        while let Some((address, mac)) = self.register.take_silent(now, self.settings.gone_after) {
            self.report(CensusEvent::Gone { address, mac });
        }
    }

    /// Returns when the next address may be gone, or none if all addresses are gone or the census is empty.
    pub fn deadline(&self) -> Option<Instant> {
        self.register.oldest().map(|received| received + self.settings.gone_after)
    }

    /// Removes and returns the oldest event.
    pub fn take_event(&mut self) -> Option<CensusEvent> {
        self.events.pop()
    }

    /// Returns all addresses, ordered by VLAN and IP address.
    pub fn iter(&self, now: Instant) -> impl Iterator<Item = CensusEntry> {
        self.register.iter().map(move |(address, entry)| self.row(now, *address, entry))
    }

    /// Returns the entry of an address.
    pub fn get(&self, now: Instant, address: VlanAddress) -> Option<CensusEntry> {
        self.register.get(address).map(|entry| self.row(now, address, entry))
    }

    /// Returns the number of addresses.
    pub fn len(&self) -> usize {
        self.register.len()
    }

    /// Returns whether the census has no address.
    pub fn is_empty(&self) -> bool {
        self.register.len() == 0
    }

    /// Returns the counts.
    pub fn counts(&self) -> CensusCounts {
        CensusCounts { events_lost: self.events.lost(), ..self.counts }
    }

    /// Returns the counters of dropped packets, by reason.
    pub fn dropped(&self) -> &ReasonCounters<ArpDropReason> {
        &self.dropped
    }

    /// Returns the number of packets in the last ten seconds.
    pub fn recent(&self, now: Instant) -> u32 {
        self.rate.recent(now)
    }

    /// Returns the number of packets in each of the last [`Census::SECONDS`] complete seconds, oldest first.
    pub fn seconds(&self, now: Instant) -> [u32; Self::SECONDS] {
        self.seconds.list(now)
    }

    /// Number of seconds in [`Census::seconds`].
    pub const SECONDS: usize = 60;

    fn row(&self, now: Instant, address: VlanAddress, entry: &Entry) -> CensusEntry {
        let station = self.stations.get(&entry.claims.current());
        entry.row(now, address, &self.settings, station.map_or(0, |station| station.addresses))
    }

    /// Counts a packet, valid or invalid, and reports a flood of all stations together.
    fn count_frame(&mut self, now: Instant, frame: &FrameInfo) {
        self.rate.tick(now);
        let in_second = self.seconds.tick(now);
        self.counts.broadcast = self.counts.broadcast.saturating_add(frame.is_broadcast.into());
        if in_second >= self.settings.total_flood.max(1) {
            let event = CensusEvent::Flood { mac: None, packets: in_second };
            self.report_limited(now, EventKey::Flood(None), event);
        }
    }

    fn record(&mut self, now: Instant, frame: FrameInfo, packet: &PacketFields) -> Classification {
        let mac = packet.sender_hardware;
        let address = |ip| VlanAddress { vlan: frame.vlan, ip };
        if frame.source != mac {
            let (source, address) = (frame.source, address(packet.sender_protocol));
            let event = CensusEvent::Mismatch { address, mac, source };
            self.report_limited(now, EventKey::Mismatch(source, mac), event);
        }
        self.check_flood(now, mac);
        let target = address(packet.target_protocol);
        if packet.sender_protocol.is_unspecified() {
            return self.record_probe(now, target, mac);
        }
        if packet.operation == Operation::REQUEST && packet.target_protocol != packet.sender_protocol {
            self.register.note(target, |entry| entry.requested = entry.requested.saturating_add(1));
        }
        self.record_claim(now, address(packet.sender_protocol), packet)
    }

    /// Records a probe, which claims no address.
    fn record_probe(&mut self, now: Instant, target: VlanAddress, mac: MacAddr) -> Classification {
        self.counts.probes = self.counts.probes.saturating_add(1);
        self.register.note(target, |entry| entry.probes = entry.probes.saturating_add(1));
        let row = self.get(now, target).filter(|row| row.presence != Presence::Gone);
        let owner = row.map(|row| row.mac).filter(|owner| *owner != mac);
        let event = CensusEvent::Probe { address: target, mac, owner };
        self.report_limited(now, EventKey::Probe(target, mac), event);
        Classification::Probe
    }

    fn record_claim(&mut self, now: Instant, address: VlanAddress, packet: &PacketFields) -> Classification {
        let mac = packet.sender_hardware;
        let classification = match self.register.record(now, address, packet, &self.settings) {
            InsertOutcome::Known { change, silence } => self.apply_change(now, address, mac, change, silence),
            InsertOutcome::New { evicted } => {
                if let Some(Evicted { address, mac, was_present }) = evicted {
                    self.remove_address(mac);
                    self.counts.evicted = self.counts.evicted.saturating_add(1);
                    let displaced = self.counts.displaced.saturating_add(was_present.into());
                    self.counts.displaced = displaced;
                    self.report(CensusEvent::Evicted { address });
                }
                self.counts.added = self.counts.added.saturating_add(1);
                self.report(CensusEvent::New { address, mac });
                self.add_address(mac);
                Classification::New
            }
            InsertOutcome::Full => {
                self.counts.rejected = self.counts.rejected.saturating_add(1);
                self.report_limited(now, EventKey::Full, CensusEvent::Full { address, mac });
                return Classification::Full;
            }
        };
        let counts = &mut self.counts;
        let count = match packet {
            _ if packet.sender_protocol == packet.target_protocol => &mut counts.announcements,
            PacketFields { operation: Operation::REPLY, .. } => &mut counts.replies,
            _ => &mut counts.requests,
        };
        *count = count.saturating_add(1);
        if packet.sender_protocol == packet.target_protocol {
            let event = CensusEvent::Announcement { address, mac };
            self.report_limited(now, EventKey::Announcement(address, mac), event);
        }
        classification
    }

    /// Reports a move, a conflict or the return of a known address.
    fn apply_change(
        &mut self,
        now: Instant,
        address: VlanAddress,
        mac: MacAddr,
        change: ClaimChange,
        silence: Option<Duration>,
    ) -> Classification {
        let from = match change {
            ClaimChange::Same => {
                let Some(silence) = silence else { return Classification::Known };
                self.report(CensusEvent::Returned { address, mac, silence });
                return Classification::Returned;
            }
            ClaimChange::Moved { from } | ClaimChange::Conflict { other: from } => from,
        };
        self.counts.changed = self.counts.changed.saturating_add(1);
        self.remove_address(from);
        let classification = if let ClaimChange::Conflict { other } = change {
            self.counts.conflicts = self.counts.conflicts.saturating_add(1);
            let event = CensusEvent::Conflict { address, mac, other };
            self.report_limited(now, EventKey::conflict(address, mac, other), event);
            Classification::Conflict { other }
        } else {
            self.report(CensusEvent::Moved { address, from, to: mac });
            Classification::Moved { from }
        };
        self.add_address(mac);
        classification
    }

    /// Adds an address to a station. Reports a station with many addresses.
    fn add_address(&mut self, mac: MacAddr) {
        let station = self.stations.entry(mac).or_default();
        station.addresses = station.addresses.saturating_add(1);
        let (addresses, many) = (station.addresses, self.settings.many_addresses.max(1));
        if addresses.is_multiple_of(many) && (addresses / many).is_power_of_two() {
            self.report(CensusEvent::ManyAddresses { mac, addresses });
        }
    }

    /// Removes an address from a station, and the station with its last address.
    fn remove_address(&mut self, mac: MacAddr) {
        if let Some(station) = self.stations.get_mut(&mac) {
            station.addresses = station.addresses.saturating_sub(1);
            if station.addresses == 0 {
                self.stations.remove(&mac);
            }
        }
    }

    /// Counts a packet of a station that has an address, and reports a flood from the station.
    fn check_flood(&mut self, now: Instant, mac: MacAddr) {
        let Some(station) = self.stations.get_mut(&mac) else { return };
        let packets = rate::tick(&mut station.second, now);
        if packets >= self.settings.station_flood.max(1) {
            let event = CensusEvent::Flood { mac: Some(mac), packets };
            self.report_limited(now, EventKey::Flood(Some(mac)), event);
        }
    }

    /// Reports an event unless it is rate limited.
    fn report_limited(&mut self, now: Instant, key: EventKey, event: CensusEvent) {
        if self.rate_limit.admits(now, key) {
            self.report(event);
        } else {
            self.counts.suppressed = self.counts.suppressed.saturating_add(1);
        }
    }

    fn report(&mut self, event: CensusEvent) {
        self.events.push(event);
    }
}

/// Checks that a packet is a valid ARP request or reply of a host.
fn validate(packet: &PacketFields) -> Result<(), ArpDropReason> {
    if !matches!(packet.operation, Operation::REQUEST | Operation::REPLY) {
        return Err(ArpDropReason::ForeignOperation);
    }
    if !packet.sender_hardware.is_station() {
        return Err(ArpDropReason::SenderMac);
    }
    let is_probe = packet.sender_protocol.is_unspecified() && packet.operation == Operation::REQUEST;
    if !is_probe && !inet::is_valid_host(packet.sender_protocol) {
        return Err(ArpDropReason::SenderIp);
    }
    Ok(())
}

impl fmt::Display for VlanAddress {
    /// Formats the IP address, followed by the VLAN if any, as in `10.0.0.1@5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.vlan {
            None => self.ip.fmt(f),
            Some(vlan) => f.pad(&format!("{}@{vlan}", self.ip)),
        }
    }
}

#[cfg(test)]
mod tests;
