//! What the host sends of its own accord.

use std::net::Ipv4Addr;

use arp::{Due, Fields, Operation, Resolution};
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
    /// It was given back to the pool at once: there is no room on the wire, or nowhere to wait.
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
                Some(Due::Send { hardware, parcel, .. }) => {
                    self.depart(hardware, parcel.ether_type, parcel.frame, pool);
                }
                Some(Due::Return { parcel, .. }) => pool.give(parcel.frame),
                Some(Due::Ask { protocol, station }) => self.ask(protocol, station, pool),
            }
        }
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

    /// Sends a request: to the station that had the address last, or to all.
    fn ask(&mut self, target: Ipv4Addr, station: Option<MacAddr>, pool: &mut Pool) {
        let Some(mut frame) = pool.take() else {
            self.stack.congested = self.stack.congested.saturating_add(1);
            return;
        };
        match self.stack.write_request(&mut frame, target) {
            // spec: rfc826-request
            Ok(()) => {
                self.depart(station.unwrap_or(MacAddr::BROADCAST), EtherType::ARP, frame, pool);
            }
            // A frame of the pool has room for a packet.
            Err(NoRoom) => pool.give(frame),
        }
    }
}

impl Stack {
    fn write_request(&self, frame: &mut Frame, target: Ipv4Addr) -> Result<(), NoRoom> {
        // spec: rfc826-request-fields
        let request = Fields {
            operation: Operation::REQUEST,
            sender_hardware: self.config.hardware,
            sender_protocol: self.config.address.addr(),
            target_hardware: MacAddr::ZERO,
            target_protocol: target,
        };
        request.write_to(frame.append(Fields::LENGTH)?).map_err(|_| NoRoom)
    }
}
