//! A census: who speaks on a wire, who said to have which address, and what about it is worth a word.
//!
//! It listens and never asks. The translation table answers where to send; a census answers who claimed
//! what, and when: it keeps what a table forgets, believes nobody, and is no part of a host.

mod claims;
mod counts;
mod entry;
mod event;
mod hush;
mod rate;
mod register;

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use base::{EventQueue, ReasonCounters};
use link::{Instant, MacAddr, VlanId};

use self::claims::Turn;
use self::entry::Entry;
use self::hush::{Hush, Topic};
use self::rate::{Rate, Seconds};
use self::register::{Entered, Evicted, Register};
use arp::{Dropped, Fields, Operation, Packet};

pub use self::counts::Counts;
pub use self::entry::{Presence, Row};
pub use self::event::{Event, Verdict};

/// What a census is about: a protocol address, in a VLAN or in none. The same address in two VLANs is two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// The VLAN, if the frame had a tag.
    pub vlan: Option<VlanId>,
    /// The protocol address.
    pub protocol: Ipv4Addr,
}

/// What a frame tells beside its packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The frame's source.
    pub source: MacAddr,
    /// Whether it was sent to all, or to a group.
    pub is_broadcast: bool,
    /// The VLAN it was in.
    pub vlan: Option<VlanId>,
}

/// What a census takes for silence, for a conflict, for too much. Times of zero are taken as they are.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The most addresses it may hold: 1 at least.
    pub entries: usize,
    /// After so much silence an address is quiet.
    pub quiet: Duration,
    /// After so much it is gone.
    pub gone: Duration,
    /// Changes of the hardware address within this time of each other belong together.
    pub window: Duration,
    /// What was told is told again after this time at the earliest.
    pub again: Duration,
    /// From so many addresses on it is told that one station has them, and at every doubling.
    pub many: u32,
    /// So many packets of one station in a second are a flood: 1 at least.
    pub flood: u32,
    /// So many packets of all in a second are one: 1 at least.
    pub flood_of_all: u32,
}

/// A census of a wire. It knows no wire and no clock: times and packets go in, what is worth a word comes out.
#[derive(Debug)]
pub struct Census {
    settings: Settings,
    register: Register,
    /// By hardware address, those that have an address now: no more than there are addresses.
    stations: BTreeMap<MacAddr, Station>,
    seconds: Seconds,
    rate: Rate,
    hush: Hush,
    events: EventQueue<Event>,
    counts: Counts,
    dropped: ReasonCounters<Dropped>,
}

/// A station that has an address.
#[derive(Debug, Default)]
struct Station {
    addresses: u32,
    /// What it says in this second.
    second: (u64, u32),
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            entries: 65_536,
            quiet: Duration::from_mins(5),
            gone: Duration::from_hours(1),
            window: Duration::from_mins(1),
            again: Duration::from_mins(5),
            many: 16,
            flood: 100,
            flood_of_all: 1_000,
        }
    }
}

impl Census {
    /// How many events wait to be taken at most; what happens beyond that is counted.
    pub const EVENTS: usize = 4_096;

    /// An empty one.
    pub fn new(settings: Settings) -> Census {
        Census {
            settings,
            register: Register::new(settings.entries),
            stations: BTreeMap::new(),
            seconds: Seconds::default(),
            rate: Rate::default(),
            hush: Hush::new(settings.again),
            events: EventQueue::new(Self::EVENTS),
            counts: Counts::default(),
            dropped: ReasonCounters::default(),
        }
    }

    /// Hears one packet, as far as it could be read, and the frame it came in.
    pub fn receive(
        &mut self,
        now: Instant,
        envelope: Envelope,
        parsed: Result<Packet<'_>, Dropped>,
    ) -> Verdict {
        self.poll(now);
        self.tick(now, &envelope);
        match parsed.map(Fields::from).and_then(|packet| vet(&packet).map(|()| packet)) {
            Ok(packet) => self.hear(now, envelope, &packet),
            Err(reason) => {
                // spec: drops-counted
                self.dropped.count(reason);
                self.counts.dropped = self.counts.dropped.saturating_add(1);
                let event = Event::Odd { source: envelope.source, vlan: envelope.vlan, reason };
                self.tell_seldom(now, Topic::Odd(envelope.source, reason), event);
                Verdict::Dropped(reason)
            }
        }
    }

    /// Notes who has been silent for so long that they are gone.
    pub fn poll(&mut self, now: Instant) {
        while let Some((subject, hardware)) = self.register.take_silent(now, self.settings.gone) {
            self.tell(Event::Gone { subject, hardware });
        }
    }

    /// When somebody is gone next, if nobody speaks until then.
    pub fn deadline(&self) -> Option<Instant> {
        self.register.first_heard().map(|heard| heard + self.settings.gone)
    }

    /// The oldest event not yet taken.
    pub fn take_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// Everybody, by VLAN and protocol address.
    pub fn iter(&self, now: Instant) -> impl Iterator<Item = Row> {
        self.register.iter().map(move |(subject, entry)| self.row(now, *subject, entry))
    }

    /// What is known of one address.
    pub fn get(&self, now: Instant, subject: Subject) -> Option<Row> {
        self.register.get(subject).map(|entry| self.row(now, subject, entry))
    }

    /// How many addresses there are.
    pub fn len(&self) -> usize {
        self.register.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.register.len() == 0
    }

    /// What was counted.
    pub fn counts(&self) -> Counts {
        Counts { events_lost: self.events.lost(), ..self.counts }
    }

    /// Why packets were dropped.
    pub fn dropped(&self) -> &ReasonCounters<Dropped> {
        &self.dropped
    }

    /// How many packets were heard in the last ten seconds.
    pub fn recent(&self, now: Instant) -> u32 {
        self.rate.recent(now)
    }

    /// How many packets were heard in each of the last seconds that are over, oldest first.
    pub fn seconds(&self, now: Instant) -> [u32; Self::SECONDS] {
        self.seconds.list(now)
    }

    /// How many seconds [`Census::seconds`] goes back.
    pub const SECONDS: usize = 60;

    fn row(&self, now: Instant, subject: Subject, entry: &Entry) -> Row {
        let station = self.stations.get(&entry.claims.current());
        entry.row(now, subject, &self.settings, station.map_or(0, |station| station.addresses))
    }

    /// Counts a packet, whatever it says.
    fn tick(&mut self, now: Instant, envelope: &Envelope) {
        self.rate.tick(now);
        let in_second = self.seconds.tick(now);
        self.counts.broadcast = self.counts.broadcast.saturating_add(envelope.is_broadcast.into());
        if in_second >= self.settings.flood_of_all.max(1) {
            let event = Event::Flood { hardware: None, packets: in_second };
            self.tell_seldom(now, Topic::Flood(None), event);
        }
    }

    fn hear(&mut self, now: Instant, envelope: Envelope, packet: &Fields) -> Verdict {
        let hardware = packet.sender_hardware;
        let subject = |protocol| Subject { vlan: envelope.vlan, protocol };
        if envelope.source != hardware {
            let (source, subject) = (envelope.source, subject(packet.sender_protocol));
            let event = Event::Mismatch { subject, hardware, source };
            self.tell_seldom(now, Topic::Mismatch(source, hardware), event);
        }
        self.note_flood(now, hardware);
        let target = subject(packet.target_protocol);
        if packet.sender_protocol.is_unspecified() {
            return self.hear_probe(now, target, hardware);
        }
        if packet.operation == Operation::REQUEST && packet.target_protocol != packet.sender_protocol {
            self.register.note(target, |entry| entry.asked = entry.asked.saturating_add(1));
        }
        self.hear_claim(now, subject(packet.sender_protocol), packet)
    }

    /// Somebody asks before using an address, and so claims none.
    fn hear_probe(&mut self, now: Instant, target: Subject, hardware: MacAddr) -> Verdict {
        self.counts.probes = self.counts.probes.saturating_add(1);
        self.register.note(target, |entry| entry.probes = entry.probes.saturating_add(1));
        let row = self.get(now, target).filter(|row| row.presence != Presence::Gone);
        let holder = row.map(|row| row.hardware).filter(|holder| *holder != hardware);
        let event = Event::Probe { subject: target, hardware, holder };
        self.tell_seldom(now, Topic::Probe(target, hardware), event);
        Verdict::Probe
    }

    fn hear_claim(&mut self, now: Instant, subject: Subject, packet: &Fields) -> Verdict {
        let hardware = packet.sender_hardware;
        let entered = match self.register.enter(now, subject, packet, &self.settings) {
            Entered::Heard { turn, silence } => self.note_turn(now, subject, hardware, turn, silence),
            Entered::New { evicted } => {
                if let Some(Evicted { subject, hardware, was_present }) = evicted {
                    self.leave(hardware);
                    self.counts.evicted = self.counts.evicted.saturating_add(1);
                    let displaced = self.counts.displaced.saturating_add(was_present.into());
                    self.counts.displaced = displaced;
                    self.tell(Event::Evicted { subject });
                }
                self.counts.entered = self.counts.entered.saturating_add(1);
                self.tell(Event::New { subject, hardware });
                self.join(hardware);
                Verdict::New
            }
            Entered::Full => {
                self.counts.turned_away = self.counts.turned_away.saturating_add(1);
                self.tell_seldom(now, Topic::Full, Event::Full { subject, hardware });
                return Verdict::Full;
            }
        };
        let counts = &mut self.counts;
        let count = match packet {
            _ if packet.sender_protocol == packet.target_protocol => &mut counts.announcements,
            Fields { operation: Operation::REPLY, .. } => &mut counts.replies,
            _ => &mut counts.requests,
        };
        *count = count.saturating_add(1);
        if packet.sender_protocol == packet.target_protocol {
            let event = Event::Announcement { subject, hardware };
            self.tell_seldom(now, Topic::Announcement(subject, hardware), event);
        }
        entered
    }

    /// Tells what a claim to an address that is known comes to.
    fn note_turn(
        &mut self,
        now: Instant,
        subject: Subject,
        hardware: MacAddr,
        turn: Turn,
        silence: Option<Duration>,
    ) -> Verdict {
        let from = match turn {
            Turn::Same => {
                let Some(silence) = silence else { return Verdict::Known };
                self.tell(Event::Returned { subject, hardware, silence });
                return Verdict::Returned;
            }
            Turn::Moved { from } | Turn::Conflict { other: from } => from,
        };
        self.counts.changed = self.counts.changed.saturating_add(1);
        self.leave(from);
        let verdict = if let Turn::Conflict { other } = turn {
            self.counts.conflicts = self.counts.conflicts.saturating_add(1);
            let event = Event::Conflict { subject, hardware, other };
            self.tell_seldom(now, Topic::conflict(subject, hardware, other), event);
            Verdict::Conflict { other }
        } else {
            self.tell(Event::Moved { subject, from, to: hardware });
            Verdict::Moved { from }
        };
        self.join(hardware);
        verdict
    }

    /// A station has one more address.
    fn join(&mut self, hardware: MacAddr) {
        let station = self.stations.entry(hardware).or_default();
        station.addresses = station.addresses.saturating_add(1);
        let (addresses, many) = (station.addresses, self.settings.many.max(1));
        if addresses.is_multiple_of(many) && (addresses / many).is_power_of_two() {
            self.tell(Event::Many { hardware, addresses });
        }
    }

    /// A station has one address less.
    fn leave(&mut self, hardware: MacAddr) {
        if let Some(station) = self.stations.get_mut(&hardware) {
            station.addresses = station.addresses.saturating_sub(1);
            if station.addresses == 0 {
                self.stations.remove(&hardware);
            }
        }
    }

    /// Counts what a station that has an address says in a second.
    fn note_flood(&mut self, now: Instant, hardware: MacAddr) {
        let Some(station) = self.stations.get_mut(&hardware) else { return };
        let packets = rate::tick(&mut station.second, now);
        if packets >= self.settings.flood.max(1) {
            let event = Event::Flood { hardware: Some(hardware), packets };
            self.tell_seldom(now, Topic::Flood(Some(hardware)), event);
        }
    }

    /// Tells of something unless it was told a short while ago.
    fn tell_seldom(&mut self, now: Instant, topic: Topic, event: Event) {
        if self.hush.is_news(now, topic) {
            self.tell(event);
        } else {
            self.counts.hushed = self.counts.hushed.saturating_add(1);
        }
    }

    fn tell(&mut self, event: Event) {
        self.events.push(event);
    }
}

/// Turns away what no host can mean.
fn vet(packet: &Fields) -> Result<(), Dropped> {
    if !matches!(packet.operation, Operation::REQUEST | Operation::REPLY) {
        return Err(Dropped::ForeignOperation);
    }
    if !packet.sender_hardware.is_station() {
        return Err(Dropped::SenderHardware);
    }
    let is_probe = packet.sender_protocol.is_unspecified() && packet.operation == Operation::REQUEST;
    if !is_probe && !inet::is_valid_host(packet.sender_protocol) {
        return Err(Dropped::SenderProtocol);
    }
    Ok(())
}

impl fmt::Display for Subject {
    /// The address, and its VLAN as in `10.0.0.1@5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.vlan {
            None => self.protocol.fmt(f),
            Some(vlan) => f.pad(&format!("{}@{vlan}", self.protocol)),
        }
    }
}

#[cfg(test)]
mod tests;
