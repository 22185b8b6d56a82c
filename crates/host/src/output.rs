//! What the host sends of its own accord.

use std::net::Ipv4Addr;

use arp::{Due, Errand, Fields, Operation, Resolution};
use link::{EtherType, MacAddr};
use tap::{Frame, Instant, NoRoom, Pool};

use crate::Host;
use crate::host::Stack;

/// A payload that waits for its neighbour's hardware address.
#[derive(Debug)]
pub struct Parcel {
    ether_type: EtherType,
    frame: Frame,
}

/// What became of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It departs at the next turn.
    Departs,
    /// It waits until the neighbour answers; if none does, it is given back to the pool and counted.
    Waits,
    /// It was given back to the pool at once: there is no room on the wire, or nowhere to wait, or no
    /// address of ours is in use.
    Refused,
}

impl Host {
    /// Sends the payload in `frame` to a neighbour on the wire. The frame itself waits while the
    /// neighbour is asked for: it is moved, never copied.
    pub fn send(
        &mut self,
        now: Instant,
        neighbour: Ipv4Addr,
        ether_type: EtherType,
        frame: Frame,
        pool: &mut Pool,
    ) -> Sent {
        let octets = frame.len();
        // spec: rfc5227-silence
        if self.address().is_none() {
            return self.stay_silent(frame, pool);
        }
        match self.stack.arp.resolve(now, neighbour, octets, Parcel { ether_type, frame }) {
            // spec: rfc826-found
            Resolution::Known(hardware, parcel) => {
                self.depart(hardware, parcel.ether_type, parcel.frame, pool)
            }
            Resolution::Waits => Sent::Waits,
            Resolution::Refused(parcel) => {
                pool.give(parcel.frame);
                Sent::Refused
            }
        }
    }

    /// When [`Host::turn`] has something to do even if nothing arrives.
    pub fn deadline(&self) -> Option<Instant> {
        self.stack.arp.deadline()
    }

    /// Does what the time brings, as long as there is room on the wire for it.
    pub(crate) fn poll(&mut self, now: Instant, pool: &mut Pool) {
        while self.departing.room() > 0 {
            match self.stack.arp.poll(now) {
                None => return,
                // spec: rfc5227-broadcast
                Some(Due::Say(fields)) => self.speak(fields, MacAddr::BROADCAST, pool),
                Some(Due::Neighbour(errand)) => self.run(errand, pool),
            }
        }
    }

    fn run(&mut self, errand: Errand<Ipv4Addr, Parcel>, pool: &mut Pool) {
        let address = self.address().map(|network| network.addr());
        match (errand, address) {
            (Errand::Return { parcel, .. }, _) => pool.give(parcel.frame),
            // An address that was given up is used no more, not even for what waited.
            // spec: rfc5227-silence
            (Errand::Send { parcel, .. }, None) => _ = self.stay_silent(parcel.frame, pool),
            (Errand::Ask { .. }, None) => {
                self.stack.addressless = self.stack.addressless.saturating_add(1);
            }
            (Errand::Send { hardware, parcel, .. }, Some(_)) => {
                self.depart(hardware, parcel.ether_type, parcel.frame, pool);
            }
            (Errand::Ask { protocol, station }, Some(ours)) => {
                // spec: rfc826-request, rfc3927-broadcast
                let to = station.map_or(MacAddr::BROADCAST, |station| arp::destination(ours, station));
                self.speak(self.stack.request(ours, protocol), to, pool);
            }
        }
    }

    /// Gives a frame back that there is no address for.
    fn stay_silent(&mut self, frame: Frame, pool: &mut Pool) -> Sent {
        self.stack.addressless = self.stack.addressless.saturating_add(1);
        pool.give(frame);
        Sent::Refused
    }

    fn depart(&mut self, to: MacAddr, ether_type: EtherType, mut frame: Frame, pool: &mut Pool) -> Sent {
        let ours = self.stack.config.hardware;
        let sent = match self.stack.link.send(&mut frame, to, ours, ether_type) {
            Ok(()) => self.departing.push(frame),
            Err(NoRoom) => Err(frame),
        };
        match sent {
            Ok(()) => Sent::Departs,
            Err(frame) => {
                self.stack.congested = self.stack.congested.saturating_add(1);
                pool.give(frame);
                Sent::Refused
            }
        }
    }

    /// Sends a packet of our own.
    fn speak(&mut self, fields: Fields, to: MacAddr, pool: &mut Pool) {
        let Some(mut frame) = pool.take() else {
            self.stack.congested = self.stack.congested.saturating_add(1);
            return;
        };
        match write(&mut frame, fields) {
            Ok(()) => _ = self.depart(to, EtherType::ARP, frame, pool),
            // A frame of the pool has room for a packet.
            Err(NoRoom) => pool.give(frame),
        }
    }
}

impl Stack {
    /// A request for an address: to the station that had it last, or to all.
    fn request(&self, ours: Ipv4Addr, target: Ipv4Addr) -> Fields {
        // spec: rfc826-request-fields
        Fields {
            operation: Operation::REQUEST,
            sender_hardware: self.config.hardware,
            sender_protocol: ours,
            target_hardware: MacAddr::ZERO,
            target_protocol: target,
        }
    }
}

fn write(frame: &mut Frame, fields: Fields) -> Result<(), NoRoom> {
    fields.write_to(frame.append(Fields::LENGTH)?).map_err(|_| NoRoom)
}
