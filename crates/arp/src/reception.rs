//! Packet reception, in the order of RFC 826.

use std::net::Ipv4Addr;

use link::{Instant, MacAddr};

use crate::{Answer, Arp, Entry, Event, Operation, Packet, Policy};

link::reasons! {
    /// Why a packet was turned away.
    pub enum Dropped {
        /// Shorter than 28 octets.
        Truncated = "shorter than an ARP packet",
        /// Not Ethernet's.
        HardwareType = "hardware type is not Ethernet",
        /// Not the 6 octets of Ethernet.
        HardwareLength = "hardware length is not 6",
        /// Not IPv4's.
        ProtocolType = "protocol type is not IPv4",
        /// Not the 4 octets of IPv4.
        ProtocolLength = "protocol length is not 4",
        /// An operation of RFC 903, 2390 or 5494, none of which is ARP's.
        ForeignOperation = "operation of another protocol",
        /// The sender hardware address is broadcast, a group, or zero: nobody can be there.
        SenderHardware = "sender hardware address is no station",
        /// The sender hardware address is ours: our own packet, come back.
        OwnEcho = "sender hardware address is ours",
        /// The sender protocol address is broadcast, a group or loopback: nobody can have it.
        SenderProtocol = "sender protocol address is no host",
        /// The sender protocol address is ours, the sender hardware address is not.
        Conflict = "sender protocol address is ours",
        /// By unicast to one of our stations, about the protocol address of another.
        WrongStation = "sent to another station than the target's",
    }
}

/// What a packet did to the translation table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// Nothing: the sender was and stays unknown.
    None,
    /// The sender was entered.
    Added,
    /// The sender was known and is where it was.
    Confirmed,
    /// The sender was known and has moved.
    Moved,
    /// The sender was not entered: the table is full.
    Refused,
}

/// What became of a packet that was not dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// What it did to the translation table.
    pub merge: Merge,
    /// The reply that is due.
    pub answer: Option<Answer>,
}

impl Arp {
    /// Judges one frame's payload. `station` is the frame's destination if that was one of our
    /// stations, none if it went to a group or to all.
    pub fn receive(
        &mut self,
        now: Instant,
        station: Option<MacAddr>,
        payload: &[u8],
    ) -> Result<Received, Dropped> {
        let judged = Packet::parse(payload).and_then(|packet| {
            self.vet(station, packet)?;
            Ok(self.merge_and_answer(now, packet))
        });
        // spec: drops-counted
        judged.inspect_err(|reason| self.dropped.count(*reason))
    }

    /// Turns away what RFC 826, in a kinder time, would have believed.
    fn vet(&mut self, station: Option<MacAddr>, packet: Packet<'_>) -> Result<(), Dropped> {
        // spec: rfc826-foreign
        if packet.operation().is_foreign() {
            return Err(Dropped::ForeignOperation);
        }
        let (hardware, protocol) = (packet.sender_hardware(), packet.sender_protocol());
        // spec: sender-hardware-station
        if !hardware.is_station() {
            return Err(Dropped::SenderHardware);
        }
        // spec: sender-hardware-ours
        if self.locals.has_hardware(hardware) {
            return Err(Dropped::OwnEcho);
        }
        // spec: sender-protocol-host
        if !self.may_be_a_host(protocol) {
            return Err(Dropped::SenderProtocol);
        }
        // spec: sender-protocol-ours
        if self.locals.hardware_of(protocol).is_some() {
            self.report(Event::Conflict { protocol, hardware });
            return Err(Dropped::Conflict);
        }
        // Many hosts on one wire: each hears only what is sent to its own station.
        let target = self.locals.hardware_of(packet.target_protocol());
        // spec: station-of-target
        if station.is_some() && target.is_some() && station != target {
            return Err(Dropped::WrongStation);
        }
        Ok(())
    }

    fn may_be_a_host(&self, protocol: Ipv4Addr) -> bool {
        // Point-to-point networks (RFC 3021) and single addresses have no broadcast address.
        let broadcast = self.config.network.filter(|network| network.prefix_len() < 31);
        !(protocol.is_broadcast()
            || protocol.is_multicast()
            || protocol.is_loopback()
            || broadcast.is_some_and(|network| network.broadcast() == protocol))
    }

    /// RFC 826, "Packet Reception", from the merge flag on. That hardware and protocol type are
    /// ours, [`Packet`] has shown.
    fn merge_and_answer(&mut self, now: Instant, packet: Packet<'_>) -> Received {
        // Merge_flag := false; if the pair <protocol type, sender protocol address> is in the
        // table, update its hardware address and set Merge_flag to true.
        // spec: rfc826-merge
        let mut merge = self.update(now, packet);

        // Am I the target protocol address?
        // spec: rfc826-not-ours, learn-other, reply-none
        let Some(ours) = self.locals.hardware_of(packet.target_protocol()) else {
            return Received { merge, answer: None };
        };

        // If Merge_flag is false, add the sender to the table.
        // spec: rfc826-add, learn-request
        if merge == Merge::None && self.adds(packet) {
            merge = self.add(now, packet);
        }

        // Is the opcode a request? Only now is it looked at.
        // spec: rfc826-operation-last, rfc826-target-hardware, reply-none
        if packet.operation() != Operation::REQUEST {
            return Received { merge, answer: None };
        }

        // Swap hardware and protocol fields, put ours into the sender's, send it to the sender.
        // spec: rfc826-reply-to, reply-one
        let to = packet.sender_hardware();
        Received { merge, answer: Some(Answer { ours, to }) }
    }

    /// Follows a sender that is in the table.
    fn update(&mut self, now: Instant, packet: Packet<'_>) -> Merge {
        let (protocol, to) = (packet.sender_protocol(), packet.sender_hardware());
        let Some(entry) = self.table.get_mut(protocol) else {
            return Merge::None;
        };
        let from = entry.hardware;
        *entry = Entry { hardware: to, confirmed: now };
        if from == to {
            return Merge::Confirmed;
        }
        // spec: learn-move
        self.report(Event::Moved { protocol, from, to });
        Merge::Moved
    }

    /// Whether the policy lets an unknown sender of a packet for us into the table. A probe's sender
    /// has no address yet, so it never comes in (RFC 5227 1.1).
    fn adds(&self, packet: Packet<'_>) -> bool {
        let taught = match self.config.policy {
            // spec: learn-reply-cautious
            Policy::Cautious => packet.operation() == Operation::REQUEST,
            // spec: learn-reply-rfc826
            Policy::Rfc826 => true,
        };
        taught && !packet.sender_protocol().is_unspecified()
    }

    fn add(&mut self, now: Instant, packet: Packet<'_>) -> Merge {
        let (protocol, hardware) = (packet.sender_protocol(), packet.sender_hardware());
        let entry = Entry { hardware, confirmed: now };
        if self.table.add(protocol, entry).is_ok() {
            self.report(Event::Learned { protocol, hardware });
            Merge::Added
        } else {
            self.refused = self.refused.saturating_add(1);
            self.report(Event::Refused { protocol, hardware });
            Merge::Refused
        }
    }
}

impl std::error::Error for Dropped {}

#[cfg(test)]
mod tests;
