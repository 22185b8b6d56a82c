//! Packet reception, in the order of RFC 826.

use std::fmt;
use std::net::Ipv4Addr;

use link::{Instant, MacAddr};

use crate::{Arp, ArpReply, LearningPolicy, Merge, Operation, Packet, SenderObservation};

base::reasons! {
    /// Why a packet was turned away.
    pub enum ArpDropReason {
        /// Shorter than 28 octets.
        Truncated = "shorter than an ARP packet",
        /// Neither Ethernet's nor that of IEEE 802 networks.
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
        /// The sender protocol address is broadcast, a group, loopback, of class E or of 0.0.0.0/8: no host can
        /// have it.
        SenderProtocol = "sender protocol address is no host",
        /// The sender protocol address is ours, the sender hardware address is not.
        Conflict = "sender protocol address is ours, or wanted by us",
        /// By unicast to one of our stations, about the protocol address of another.
        WrongStation = "sent to another station than the target's",
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

impl<P> Arp<P> {
    /// Processes a received packet, or the reason why it could not be parsed. `station` is the frame's destination if it
    /// is one of the local MAC addresses, none if the frame was sent to a group or broadcast.
    pub fn receive(
        &mut self,
        now: Instant,
        station: Option<MacAddr>,
        parsed: Result<Packet<'_>, ArpDropReason>,
    ) -> Result<Reception, ArpDropReason> {
        let judged = parsed.and_then(|packet| {
            let ours = self.validate(now, station, packet)?;
            Ok(self.merge_and_answer(now, packet, ours))
        });
        // spec: drops-counted
        judged.inspect_err(|reason| self.dropped.count(*reason))
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
        if self.locals.has_mac(mac) {
            return Err(ArpDropReason::OwnEcho);
        }
        // spec: sender-protocol-host
        if !self.is_valid_host(ip) {
            return Err(ArpDropReason::SenderProtocol);
        }
        // spec: sender-protocol-ours
        if self.is_conflict(now, packet) {
            return Err(ArpDropReason::Conflict);
        }
        // Many hosts on one wire: each hears only what is sent to its own station.
        let target = self.locals.mac_of(packet.target_protocol());
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
    fn merge_and_answer(&mut self, now: Instant, packet: Packet<'_>, ours: Option<MacAddr>) -> Reception {
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
        let reply = match ours.or_else(|| self.proxy_mac(packet)) {
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
}

/// Where a packet about an address of ours goes that is meant for one station: where the address is
/// link-local, to all, for that is how two hosts with the same one find each other (RFC 3927 2.5).
pub fn destination(ours: Ipv4Addr, station: MacAddr) -> MacAddr {
    // spec: rfc3927-broadcast
    if ours.is_link_local() { MacAddr::BROADCAST } else { station }
}

impl std::error::Error for ArpDropReason {}

#[cfg(test)]
mod tests;
