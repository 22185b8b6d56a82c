//! What is under way, and what was heard.

use std::collections::BTreeMap;

use arp::{Fields, Packet};
use link::{EtherType, Ethernet};
use tap::{Checksum, Instant};

use super::{Port, Segment};
use crate::Faults;

/// A frame as somebody who listens in hears it: as it was sent, before any fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// When it was sent.
    pub at: Instant,
    /// Who sent it.
    pub from: Port,
    /// Its octets.
    pub octets: Vec<u8>,
}

/// What a segment carried and what it did not. A frame is one copy for each port that should hear it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Frames that were sent.
    pub sent: u64,
    /// Copies that set out: one of each frame for each port but its own.
    pub copies: u64,
    /// Copies that the faults lost.
    pub lost: u64,
    /// Copies that the faults made beyond those that set out.
    pub doubled: u64,
    /// Copies in which the faults changed an octet.
    pub altered: u64,
    /// Copies that arrived.
    pub delivered: u64,
    /// Copies, or frames still to be sent, for which there was no room: [`Segment::IN_FLIGHT`] were under way,
    /// or too many waited for one host.
    pub crowded: u64,
    /// Copies for a port that was stopped.
    pub unplugged: u64,
    /// Frames that were not kept as a [`Sighting`]: [`Segment::SIGHTINGS`] were kept already.
    pub unseen: u64,
}

/// What is to happen at a time.
#[derive(Debug)]
pub(super) enum Flight {
    /// A frame goes out on the wire.
    Leaves { from: Port, octets: Vec<u8>, checksum: Checksum },
    /// A copy arrives.
    Arrives { to: Port, octets: Vec<u8>, checksum: Checksum },
}

#[derive(Debug)]
pub(super) struct Wire {
    pub(super) faults: Faults,
    /// By time; those of one time in the order in which they set out.
    flights: BTreeMap<(Instant, u64), Flight>,
    launched: u64,
    sightings: Vec<Sighting>,
    pub(super) carried: Carried,
}

impl Wire {
    pub(super) fn new(faults: Faults) -> Wire {
        Wire {
            faults,
            flights: BTreeMap::new(),
            launched: 0,
            sightings: Vec::new(),
            carried: Carried::default(),
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// When something is next to happen.
    pub(super) fn next(&self) -> Option<Instant> {
        self.flights.keys().next().map(|(at, _)| *at)
    }

    /// How many flights there were so far: the number of the next one.
    pub(super) fn launched(&self) -> u64 {
        self.launched
    }

    /// The next flight that is due, of those with a number below `before`.
    pub(super) fn land(&mut self, now: Instant, before: u64) -> Option<Flight> {
        let first = self.flights.first_entry()?;
        let (at, number) = *first.key();
        (at <= now && number < before).then(|| first.remove())
    }

    /// Sends a frame later.
    pub(super) fn postpone(&mut self, at: Instant, from: Port, octets: Vec<u8>, checksum: Checksum) {
        self.launch(at, Flight::Leaves { from, octets, checksum });
    }

    /// Sends a frame: every port of `ports` but the sender's gets its own copy, each with its own fate.
    pub(super) fn send(
        &mut self,
        now: Instant,
        from: Option<Port>,
        octets: &[u8],
        checksum: Checksum,
        ports: usize,
    ) {
        self.carried.sent += 1;
        if let Some(from) = from {
            self.sight(now, from, octets);
        }
        for to in (0..ports).map(Port).filter(|to| Some(*to) != from) {
            let fate = self.faults.fate(self.carried.copies, octets.len());
            self.carried.copies += 1;
            let mut arrivals = 0;
            for delivery in fate.deliveries() {
                arrivals += 1;
                let mut octets = octets.to_vec();
                if let Some(alteration) = delivery.alteration {
                    self.carried.altered += 1;
                    alteration.apply(&mut octets);
                }
                self.launch(now + delivery.delay, Flight::Arrives { to, octets, checksum });
            }
            self.carried.lost += u64::from(arrivals == 0);
            self.carried.doubled += u64::from(arrivals == 2);
        }
    }

    pub(super) fn take_sightings(&mut self) -> Vec<Sighting> {
        std::mem::take(&mut self.sightings)
    }

    fn launch(&mut self, at: Instant, flight: Flight) {
        if self.flights.len() >= Segment::IN_FLIGHT {
            self.carried.crowded += 1;
            return;
        }
        self.flights.insert((at, self.launched), flight);
        self.launched += 1;
    }

    fn sight(&mut self, at: Instant, from: Port, octets: &[u8]) {
        if self.sightings.len() >= Segment::SIGHTINGS {
            self.carried.unseen += 1;
            return;
        }
        self.sightings.push(Sighting { at, from, octets: octets.to_vec() });
    }
}

impl Sighting {
    /// The ARP packet in the frame, if there is a valid one.
    pub fn arp(&self) -> Option<Fields> {
        let frame = Ethernet::parse(&self.octets).ok()?;
        if frame.ether_type() != EtherType::ARP {
            return None;
        }
        Packet::parse(frame.payload()).ok().map(Fields::from)
    }
}
