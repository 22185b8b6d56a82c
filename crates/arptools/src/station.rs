//! A station: writes and reads the frames of a requester.

use std::fmt;

use arp::{ArpDropReason, Packet, PacketFields};
use base::EventQueue;
use link::{EtherType, EthernetFrame, Link, LinkDropReason, MacAddr, VlanId};
use tap::{Batch, Frame, Instant, Machine, Pool, PortId, Token};

use crate::requester::{RequestStep, Requester};

/// Machine that runs a [`Requester`] on one VLAN. It sends the packets of the requester, passes received ARP packets to
/// the requester, and answers no packet.
///
/// The [`Token`] of a frame is the number of its packet.
#[derive(Debug)]
pub struct Station<R: Requester> {
    requester: R,
    mac: MacAddr,
    link: Link,
    /// Number of packets sent.
    sent: u64,
    /// Numbers of the packets that the device refused.
    refused: EventQueue<u64>,
    replies: EventQueue<R::Reply>,
    /// Time of the next step, or `None` after the last step.
    deadline: Option<Instant>,
    dropped: u64,
}

/// Outcome of a received frame. Its text is the comment on the frame in a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StationOutcome<T> {
    /// Reply to a packet of the station.
    Reply(T),
    /// An ARP packet that is not a reply to the tool with this name.
    Unrelated(&'static str),
    /// The frame has no ARP packet of the VLAN.
    Dropped(StationDropReason),
}

/// Reason for which a station drops a received frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StationDropReason {
    /// Malformed, or in another VLAN.
    Link(LinkDropReason),
    /// The EtherType is not ARP.
    UnsupportedEtherType(EtherType),
    /// Malformed ARP packet.
    Arp(ArpDropReason),
}

impl<R: Requester> Station<R> {
    /// Maximum number of replies, and of refused packets, that were not taken. More are lost and counted.
    pub const EVENTS: usize = 1_024;

    /// Creates a station with this MAC address on a VLAN, or on untagged frames. The first step is due at `now`.
    pub fn new(now: Instant, requester: R, mac: MacAddr, vlan: Option<VlanId>) -> Station<R> {
        Station {
            requester,
            mac,
            link: Link::new(usize::MAX, vlan),
            sent: 0,
            refused: EventQueue::new(Self::EVENTS),
            replies: EventQueue::new(Self::EVENTS),
            deadline: Some(now),
            dropped: 0,
        }
    }

    /// Returns the requester.
    pub fn requester(&self) -> &R {
        &self.requester
    }

    /// Returns a mutable reference to the requester.
    pub fn requester_mut(&mut self) -> &mut R {
        &mut self.requester
    }

    /// Returns whether no step remains: all packets were sent and the last timeout has passed, or the station was
    /// stopped.
    pub fn is_done(&self) -> bool {
        self.deadline.is_none()
    }

    /// Sends no more packets. Received packets are still processed.
    pub fn stop(&mut self) {
        self.deadline = None;
    }

    /// Removes and returns the oldest reply.
    pub fn take_reply(&mut self) -> Option<R::Reply> {
        self.replies.pop()
    }

    /// Removes and returns the number of the packet that the device refused first. Packets are numbered from 1.
    pub fn take_refused(&mut self) -> Option<u64> {
        self.refused.pop()
    }

    /// Returns how many replies and numbers of refused packets were lost because they were not taken in time.
    pub fn events_lost(&self) -> u64 {
        self.replies.lost().saturating_add(self.refused.lost())
    }

    /// Returns how many received frames had no ARP packet of the VLAN.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Passes the packet of a frame to the requester.
    fn handle(&mut self, now: Instant, bytes: &[u8]) -> StationOutcome<R::Reply> {
        match packet(&self.link, bytes) {
            Ok((packet, is_broadcast)) => match self.requester.receive(now, packet, is_broadcast) {
                Some(reply) => {
                    self.replies.push(reply);
                    StationOutcome::Reply(reply)
                }
                None => StationOutcome::Unrelated(R::NAME),
            },
            Err(reason) => {
                // spec: drops-counted
                self.dropped = self.dropped.saturating_add(1);
                StationOutcome::Dropped(reason)
            }
        }
    }

    /// Returns a frame with this packet. Returns `None` if the pool is exhausted, or if a frame has no capacity for the
    /// packet.
    fn frame(&self, packet: &PacketFields, destination: MacAddr, pool: &mut Pool) -> Option<Frame> {
        let mut frame = pool.take()?;
        let written = frame.append(PacketFields::LENGTH).is_ok_and(|bytes| packet.write_to(bytes).is_ok());
        if !written || self.link.add_header(&mut frame, destination, self.mac, EtherType::ARP).is_err() {
            pool.give(frame);
            return None;
        }
        frame.set_token(Token::new(self.sent.saturating_add(1)));
        Some(frame)
    }
}

impl<R: Requester> Machine for Station<R> {
    type Outcome = StationOutcome<R::Reply>;

    fn receive(
        &mut self,
        now: Instant,
        _port: PortId,
        frame: Frame,
        pool: &mut Pool,
    ) -> StationOutcome<R::Reply> {
        let outcome = self.handle(now, frame.bytes());
        pool.give(frame);
        outcome
    }

    fn transmit(&mut self, now: Instant, _port: PortId, departing: &mut Batch, pool: &mut Pool) {
        while self.deadline.is_some() {
            let (packet, destination) = match self.requester.next(now) {
                RequestStep::Send { packet, destination } => (packet, destination),
                RequestStep::Wait(time) => {
                    self.deadline = Some(now + time);
                    return;
                }
                RequestStep::Done => {
                    self.deadline = None;
                    return;
                }
            };
            self.deadline = Some(now);
            if departing.free_capacity() == 0 {
                return;
            }
            let Some(frame) = self.frame(&packet, destination, pool) else { return };
            self.requester.sent(now);
            self.sent = self.sent.saturating_add(1);
            if let Err(frame) = departing.push(frame) {
                pool.give(frame);
            }
        }
    }

    fn refused(&mut self, _now: Instant, _port: PortId, token: Token) {
        self.requester.refused(token.value());
        self.refused.push(token.value());
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}

/// Returns the ARP packet in a frame of the VLAN, and whether the frame was broadcast.
fn packet<'a>(link: &Link, bytes: &'a [u8]) -> Result<(Packet<'a>, bool), StationDropReason> {
    let frame = EthernetFrame::parse(bytes).map_err(StationDropReason::Link)?;
    if frame.ether_type() != EtherType::ARP {
        return Err(StationDropReason::UnsupportedEtherType(frame.ether_type()));
    }
    if !link.is_local_vlan(frame.tags()) {
        return Err(StationDropReason::Link(LinkDropReason::OtherVlan));
    }
    if frame.source().is_group() {
        return Err(StationDropReason::Link(LinkDropReason::GroupSource));
    }
    let packet = Packet::parse(frame.payload()).map_err(StationDropReason::Arp)?;
    Ok((packet, frame.destination().is_group()))
}

impl<T: fmt::Display> fmt::Display for StationOutcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply(reply) => reply.fmt(f),
            Self::Unrelated(tool) => write!(f, "not a reply to this {tool}"),
            Self::Dropped(reason) => write!(f, "dropped: {reason}"),
        }
    }
}

impl fmt::Display for StationDropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(reason) => reason.fmt(f),
            Self::UnsupportedEtherType(ether_type) => write!(f, "unsupported EtherType {ether_type}"),
            Self::Arp(reason) => reason.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
